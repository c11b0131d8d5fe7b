"""Exercises and everything that judges them.

The package imports nnlib and is imported by notebooks. Its three main names:

- ``grading.check.check``: what a learner's cell calls to have an answer judged;
- ``grading.exercises.exercise``: the declaration behind an exercise;
- ``grading.proof``: shows that every exercise takes right answers and rejects known wrong ones.

>>> from grading.exercises import exercise
>>> exercise("mean_squared_error").unit
'00'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grading.exercises import all_exercises as all_exercises
    from grading.exercises import exercise as exercise
    from grading.exercises import exercises_of_unit as exercises_of_unit

_HOMES = {
    "all_exercises": "grading.exercises",
    "exercise": "grading.exercises",
    "exercises_of_unit": "grading.exercises",
}

__all__ = ["all_exercises", "exercise", "exercises_of_unit"]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that a subset of the package imports alone."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module 'grading' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
