"""Grade an instructor's own nbgrader course: any assignment with ordinary assert cells.

The tests of such a course are code in the learner's notebook, so their verdicts are formed inside
of the learner's process, and results say so (``verdicts="inside"``): a determined learner can
forge them, as with plain nbgrader. What is safe is everything else. Notebooks run in a Jupyter
kernel in bubblewrap, without a network, that sees this one submission and the course's helper
files; the gradebook, the source folder with its solutions, other learners and the machine are not
there. Memory, time, processes, files and outputs are capped, and no submission ends the batch.

    worker (trusted)                       | sandbox (bubblewrap, seccomp, a user without rights)
    grade: rebuild the notebook from       |
      the learner's and the release        |
    Kernels: keeps the next sandbox ready  |
      KernelRun -- commands, sockets ------> launcher: warm; forks one kernel per notebook
        clock, memory, bytes               |   kernel: the learner's cells, then the tests
      Client <---- capped messages ----------/
    score as nbgrader does, clean outputs  |

Scores are nbgrader's, cell by cell, with these differences: a warning on stderr does not turn a
right cell into 0 points; damaged notebooks (cells deleted, doubled, retyped, marks changed) are
mended and noted in place of ending the run; a test cannot be skipped by a tag; a result above the
points of its cell waits for a person; after a cell that ends the kernel the notebook is run again
without it; there is no shell, so ``!command`` gives an error; learners' Markdown is shown without
links and tags. A kernel that is not Python's is refused with a sentence.

Hidden tests can be read by the learner's process while it runs, and so could be put out by it.
The notebook in `NotebookResult.autograded` holds them, as nbgrader's does, and is for instructors:
a page for learners shows none of it. Sentences (`CellResult.message` and those of its criterion)
are made from the release alone where any notebook holds hidden tests, and give nothing away; a
criterion's ``hidden`` says that the failing line is a hidden one.

- `open_course` reads a course by its ``nbgrader_config.py`` and gradebook;
- `CourseVersion` is an assignment as plain data, by `NbgraderCourse.version`;
- `grade` makes a `grading.results.Result` of a submission and a version, with `Kernels`.

>>> tests = SourceCell("test_f", "code", "assert f(1) == 2", "", grade=True, points=1.0)
>>> version = CourseVersion("ps1", (CourseNotebook("problem1", (tests,)),))
>>> from grading.limits import Limits
>>> with Kernels(unsafe=True) as kernels:  # as if there were nothing to fear
...     result = grade({}, version, Limits(), kernels)
>>> result.status, result.message
('invalid_submission', 'There is no notebook of this name: problem1.ipynb.')
"""

from __future__ import annotations

from grading.kernel._course import NbgraderCourse, open_course
from grading.kernel._course_files import CourseSubmission
from grading.kernel._grading import grade, result_key
from grading.kernel._kernels import Kernels
from grading.kernel._version import CourseNotebook, CourseVersion, SourceCell

__all__ = [
    "CourseNotebook",
    "CourseSubmission",
    "CourseVersion",
    "Kernels",
    "NbgraderCourse",
    "SourceCell",
    "grade",
    "open_course",
    "result_key",
]
