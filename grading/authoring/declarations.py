"""What the build needs to know of an exercise, whoever declares it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

__all__ = ["Declaration", "Registry", "course_registry", "of_unit"]


class Declaration(Protocol):
    """The part of an exercise's declaration that shapes a notebook."""

    @property
    def id(self) -> str:
        """Name of the function, and nbgrader's grade_id of its cell."""

    @property
    def unit(self) -> str:
        """Two digits."""

    @property
    def tier(self) -> str:
        """Either ``"core"`` or ``"further"``."""

    @property
    def minutes(self) -> float:
        """Time a learner should plan for it."""

    @property
    def graded_total(self) -> float:
        """Points in the gradebook, 0.0 for a further exercise."""

    @property
    def sandbox_modules(self) -> Sequence[str]:
        """Packages, beside the standard library, that its answer may import."""


Registry = Mapping[str, Declaration]


def course_registry() -> Registry:
    """Return every exercise of the course by its id.

    Returns
    -------
    Registry
        In the order of declaration.
    """
    from grading.exercises import all_exercises

    return {declared.id: declared for declared in all_exercises()}


def of_unit(registry: Registry, number: str) -> dict[str, Declaration]:
    """Select the exercises of one unit.

    Parameters
    ----------
    registry : Registry
        Exercises by id.
    number : str
        Two digits.

    Returns
    -------
    dict of str to Declaration
        In the order of the registry.
    """
    return {name: declared for name, declared in registry.items() if declared.unit == number}
