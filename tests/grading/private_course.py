"""An instructor's own exercise: a folder as ``--exercises`` takes it."""

from __future__ import annotations

from pathlib import Path

HELPER = '''\
"""Draw a vector."""

from grading.exercises import Case


def draw_vector(rng):
    """Draw five numbers."""
    return Case({"v": rng.uniform(0.5, 2.0, size=5)})
'''

DECLARATION = '''\
"""The private exercise."""

import numpy as np

from grading.exercises import Criterion, Exercise, HandCase, Hint, Misconception
from grading.probes import Call

from ._drawing import draw_vector


def halved_norm(v):
    """Return half of the squared Euclidean norm."""
    secretly_squared = v * v
    return float(secretly_squared.sum()) / 2.0


def by_inner_product(v):
    return 0.5 * float(np.inner(v, v))


def by_loop(v):
    return sum(0.5 * float(entry) ** 2 for entry in v)


def not_halved(v):
    return float(np.sum(np.square(v)))


def root_taken(v):
    return 0.5 * float(np.sqrt(np.sum(v**2)))


def averaged(v):
    return 0.5 * float(np.mean(v**2))


def plain_sum(v):
    return 0.5 * float(np.sum(v))


EXERCISES = (
    Exercise(
        id="halved_norm",
        unit="91",
        tier="core",
        title="Half a squared norm",
        minutes=5,
        difficulty=1,
        probe=Call(returns=("half",)),
        cases=draw_vector,
        criteria=(
            Criterion("half", 2, ("half",), HandCase({"v": np.array([3.0, 4.0])}, {"half": 12.5})),
        ),
        reference=halved_norm,
        alternatives=(by_inner_product, by_loop),
        misconceptions=(
            Misconception("not_halved", not_halved, ("half",), "The marmot forgot its half."),
            Misconception("root_taken", root_taken, ("half",), "The marmot took a root too many."),
            Misconception("averaged", averaged, ("half",), "The marmot divided by the length."),
            Misconception("plain_sum", plain_sum, ("half",), "The marmot never squared anything."),
        ),
        hints=(
            Hint("It is twice too large, says the marmot", "Where does the marmot keep the half?"),
            Hint("It is not additive, says the marmot", "Square the entries one by one, marmot."),
            Hint("It has no marmot at all", "Read the task once more, slowly, little marmot."),
        ),
        solution_note="The marmot multiplies v by itself and sums; then it halves.",
    ),
)
'''

SOURCE = '''\
# %% [markdown]
# # Norms
#
# About 30 minutes. *How long is a vector?*

# %% tags=["setup"]
import numpy as np

from grading.check import check

# %% exercise="halved_norm"
def halved_norm(v):
    """Return half of the squared length of v: [3, 4] gives 12.5."""
    ### BEGIN SOLUTION
    grandly_multiplied = v * v
    return 0.5 * float(np.sum(grandly_multiplied))
    ### END SOLUTION

# %% check="halved_norm"
check("halved_norm")
'''

SLUG = "91-norms"
ANSWER = "def halved_norm(v):\n    return 0.5 * float(np.dot(v, v))\n"


def write_private_course(root: Path) -> Path:
    """Write the folder: ``exercises/`` and ``solutions/``."""
    for name, content in {
        "exercises/_drawing.py": HELPER,
        "exercises/norms.py": DECLARATION,
        f"solutions/{SLUG}.py": SOURCE,
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root
