r"""Answers that resemble each other: evidence for a person to read, never a score.

- `tokens_of` turns code into what is left when names, comments, docstrings and hints are set aside;
- `fingerprints` keeps a fair sample of its runs (winnowing: Schleimer, Wilkerson and Aiken 2003,
  "Winnowing: local algorithms for document fingerprinting", SIGMOD);
- `compare_exercise` finds pairs that share runs which neither the notebook, the public solutions
  and known mistakes nor a tenth of the class have.

Code is parsed, never run. Pairs are found through an index from run to answers, so that a class of
a thousand takes seconds.

>>> one = tokens_of("def f(a, b):\n    return a * b + 1.0")
>>> two = tokens_of("def f(x, y):\n    '''Say it.'''\n    return 1 + x * y")
>>> fingerprints(one) == fingerprints(two)
True
"""

from grading.similarity._comparing import ExerciseMatches, Match, Source, compare_exercise
from grading.similarity._fingerprints import fingerprints, runs
from grading.similarity._page import similarity_page
from grading.similarity._tokens import Token, tokens_of
from grading.similarity._unit import UnitMatches, compare_unit

__all__ = [
    "ExerciseMatches",
    "Match",
    "Source",
    "Token",
    "UnitMatches",
    "compare_exercise",
    "compare_unit",
    "fingerprints",
    "runs",
    "similarity_page",
    "tokens_of",
]
