"""Show nbgrader this course.

Run nbgrader in this folder, for example:

    nbgrader generate_assignment 01-backpropagation --force
    nbgrader autograde 01-backpropagation
    nbgrader generate_feedback 01-backpropagation
    jupyter lab                                        (formgrader is in its menu)

The class lies in the folder that NNCOURSE_CLASS names (without it: my-class): there submitted/
holds STUDENT/01-backpropagation/01-backpropagation.ipynb, and nbgrader writes its gradebook,
autograded/ and feedback/.
"""

import os
import sys
import sysconfig
from pathlib import Path

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    IgnorePattern,
    LimitOutput,
    SaveAutoGrades,
)

from grading.authoring.nbgrading import CourseExecute

c = get_config()  # ruff: ignore[undefined-name] - nbgrader puts it there

here = Path(__file__).resolve().parent
class_folder = (here / (os.environ.get("NNCOURSE_CLASS") or "my-class")).resolve()
if "nbgrader" in sys.argv[0] or os.environ.get("NNCOURSE_CLASS"):
    class_folder.mkdir(parents=True, exist_ok=True)  # not for a Jupyter that somebody starts here


def step(name):
    """Return the folder of a step as nbgrader wants it: relative to the root where possible."""
    try:
        return os.path.relpath(class_folder / name, here)
    except ValueError:  # on another drive of Windows
        return str(class_folder / name)


c.CourseDirectory.root = str(here)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "course"
c.CourseDirectory.submitted_directory = step("submitted")
c.CourseDirectory.autograded_directory = step("autograded")
c.CourseDirectory.feedback_directory = step("feedback")
c.CourseDirectory.db_url = (
    os.environ.get("NNCOURSE_DB") or f"sqlite:///{class_folder / 'gradebook.db'}"
)

# A unit may take four times its budget of 60 s.
c.ExecutePreprocessor.timeout = 240
# nbgrader's own list, but for a kernel that is this interpreter and needs no ports.
c.Autograde.autograde_preprocessors = [
    CourseExecute,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]

# nbgrader calls alembic by its name, though the environment may not be activated.
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
