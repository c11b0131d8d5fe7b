"""What shows only over all trials: results in another order, and outputs that never change."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grading.check.comparing import compare
from grading.exercises import Exercise
from grading.probes import Call, Observation, same

_VARIABLE = ("FAST", "DEREF", "CLOSURE", "FAST_CHECK", "FAST_AND_CLEAR", "FAST_BORROW")
"""How the names of instructions that use a local variable end."""


def other_order(
    exercise: Exercise, observations: Sequence[Observation], expected: Sequence[dict[str, Any]]
) -> str:
    """Tell whether the right results came back in another order.

    Parameters
    ----------
    exercise : Exercise
        The declaration.
    observations : sequence of Observation
        What was seen.
    expected : sequence of dict
        Expected outputs by name, one dict a trial.

    Returns
    -------
    str
        One sentence, or empty if no one order explains every trial that gave results.
    """
    if not isinstance(exercise.probe, Call) or len(exercise.probe.returns) < 2:
        return ""
    names = exercise.probe.returns
    pairs = [
        (seen.outputs, wanted)
        for seen, wanted in zip(observations, expected, strict=False)
        if seen.problem is None
    ]
    fits = {
        wanted_name: [
            name
            for name in names
            if all(
                compare(name, got[name], wanted[wanted_name], exercise.rtol, exercise.atol) is None
                for got, wanted in pairs
            )
        ]
        for wanted_name in names
    }
    # In their own places they would be right, and something else is wrong.
    in_place = all(name in fits[name] for name in names)
    if not pairs or in_place or not _all_placed(fits):
        return ""
    return (
        "The results are right but in another order: the text between the triple quotes asks for "
        f"`{', '.join(names)}`."
    )


def _all_placed(fits: dict[str, list[str]]) -> bool:
    """Tell whether every wanted result can be given one that came, each used once."""
    used_by: dict[str, str] = {}

    def place(wanted: str, tried: set[str]) -> bool:
        for name in fits[wanted]:
            if name not in tried:
                tried.add(name)
                if name not in used_by or place(used_by[name], tried):
                    used_by[name] = wanted
                    return True
        return False

    return all(place(wanted, set()) for wanted in fits)


def constant_outputs(
    observations: Sequence[Observation],
    expected: Sequence[dict[str, Any]],
    unread: Sequence[str] = (),
) -> dict[str, str]:
    """Find the outputs that are the same in all trials although they should not be.

    Parameters
    ----------
    observations : sequence of Observation
        What was seen.
    expected : sequence of dict
        Expected outputs by name, one dict a trial.
    unread : sequence of str
        Arguments that the answer never uses.

    Returns
    -------
    dict of str to str
        By the output's name, one sentence.
    """
    pairs = [
        (seen.outputs, wanted)
        for seen, wanted in zip(observations, expected, strict=False)
        if seen.problem is None
    ]
    if len(pairs) < 3:  # the hand example and two others: fewer may agree by chance
        return {}
    return {
        name: _constant_sentence(name, unread)
        for name in pairs[0][0]
        if name in pairs[0][1]
        and _is_numeric(pairs[0][0][name])
        and all(same(got[name], pairs[0][0][name]) for got, _ in pairs)
        and not all(same(wanted[name], pairs[0][1][name]) for _, wanted in pairs)
    }


def _constant_sentence(name: str, unread: Sequence[str]) -> str:
    if not unread:
        ask = "does the function use a variable of the notebook instead of an argument?"
    else:
        listed = " and ".join(f"`{argument}`" for argument in unread)
        many = len(unread) > 1
        ask = (
            f"{listed} {'are' if many else 'is'} never used. Does the function use a variable of "
            f"the notebook instead of {'these arguments' if many else 'this argument'}?"
        )
    return f"`{name}` does not change with the arguments: {ask}"


def _is_numeric(value: Any) -> bool:
    """Tell whether a value can be expected to differ; text and truth values repeat."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "iuf"
    if isinstance(value, list):
        return bool(value) and all(map(_is_numeric, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def unread_arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    """List the arguments whose values a function never uses.

    Parameters
    ----------
    function : callable
        The learner's function.

    Returns
    -------
    tuple of str
        Names, in the order of the signature; empty if that cannot be told, as for a class.

    Examples
    --------
    >>> unread_arguments(lambda x, w: x + 1)
    ('w',)
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or {"locals", "vars", "eval", "exec"} & set(code.co_names):
        return ()
    first_use: dict[str, str] = {}
    for step in dis.get_instructions(code):
        if not step.opname.endswith(_VARIABLE):
            continue
        named = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        for name in named:
            if isinstance(name, str):
                first_use.setdefault(name, step.opname)
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return tuple(
        name
        for name in arguments
        if name not in first_use or first_use[name] in {"STORE_FAST", "STORE_DEREF"}
    )
