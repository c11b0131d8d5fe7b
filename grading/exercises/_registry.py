"""Find and list declarations; the modules of the units are imported when first asked for."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib import import_module

from grading.exercises._declaration import Exercise

_MODULES = {
    "00": "grading.exercises.u00_start_here",
    "01": "grading.exercises.u01_backpropagation",
    "02": "grading.exercises.u02_supervised_learning",
    "03": "grading.exercises.u03_gradient_flow",
    "04": "grading.exercises.u04_hessian",
    "05": "grading.exercises.u05_regularization",
}

_private: dict[str, Exercise] = {}


@cache
def exercises_of_unit(unit: str) -> tuple[Exercise, ...]:
    """List the exercises of one unit, in the order of its notebook.

    Parameters
    ----------
    unit : str
        Two digits: ``"01"``. A unit without exercises gives an empty tuple.

    Returns
    -------
    tuple of Exercise
        The declarations.
    """
    if unit not in _MODULES:
        return ()
    declared: tuple[Exercise, ...] = import_module(_MODULES[unit]).EXERCISES
    return declared


@cache
def all_exercises() -> tuple[Exercise, ...]:
    """List every exercise of the course, unit by unit.

    Returns
    -------
    tuple of Exercise
        The declarations.

    Raises
    ------
    ValueError
        If two exercises share an id.
    """
    declared = [exercise for unit in sorted(_MODULES) for exercise in exercises_of_unit(unit)]
    ids = [exercise.id for exercise in declared]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        message = f"Two exercises share the id {twice[0]!r}; an id is unique in the course."
        raise ValueError(message)
    return tuple(declared)


def exercise(name: str) -> Exercise:
    """Find an exercise by its id.

    Parameters
    ----------
    name : str
        The id, which is the name of the function to write.

    Returns
    -------
    Exercise
        The declaration.

    Raises
    ------
    KeyError
        If no exercise has that id; the message suggests close ones.
    """
    for declared in (*all_exercises(), *_private.values()):
        if declared.id == name:
            return declared
    close = get_close_matches(name, [declared.id for declared in all_exercises()], n=3)
    suggestion = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    message = f"No exercise is called {name!r}.{suggestion}"
    raise KeyError(message)


def register_private(declared: Iterable[Exercise]) -> None:
    """Make declarations from outside of the course known to `exercise`, and to nothing else.

    Parameters
    ----------
    declared : iterable of Exercise
        Each takes the place of an earlier one with its id.
    """
    _private.update({each.id: each for each in declared})
