"""The build: from one text file a unit to the notebooks that learners and instructors open.

A unit is written once, as ``solutions/NN-slug.py``. `build` makes of it the executed solution
notebook, the learner's notebook (nbgrader's own generate step) and a reading variant for the web
site; ``build(check=True)`` changes nothing and says where committed notebooks differ.
The steps are modules: ``source`` reads and expands, ``execute`` runs, ``release`` strips,
``reading`` hides, ``checks`` compares.

>>> from grading.authoring import build
>>> build(["01"], check=True).ok  # doctest: +SKIP
True
"""

from grading.authoring.entry import build

__all__ = ["build"]
