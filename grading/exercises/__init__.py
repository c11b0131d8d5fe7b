"""The exercises of the course, one module a unit.

- `exercise` finds a declaration by its id;
- `exercises_of_unit` and `all_exercises` list them in the order of the notebooks;
- `load_private` adds an instructor's own, kept elsewhere.

>>> exercise("mean_squared_error").tier
'core'
"""

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Misconception,
    Property,
)
from grading.exercises._fixtures import FunctionFixture
from grading.exercises._private import load_private
from grading.exercises._registry import all_exercises, exercise, exercises_of_unit

__all__ = [
    "Case",
    "Criterion",
    "Exercise",
    "FunctionFixture",
    "HandCase",
    "Hint",
    "Misconception",
    "Property",
    "all_exercises",
    "exercise",
    "exercises_of_unit",
    "load_private",
]
