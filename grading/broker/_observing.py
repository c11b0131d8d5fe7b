"""Read what came out of the sandbox: nothing but its form is believed.

An observation that is none, or one that is too large to be looked at, becomes a failed trial with
a plain sentence.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grading.broker._reading import printable, tame
from grading.exercises import FunctionFixture
from grading.probes import (
    Observation,
    Probe,
    Problem,
    Reference,
    WireError,
    observation_from,
    shortened,
)
from grading.probes._probes import MAX_YIELDED

__all__ = [
    "CellError",
    "answers_to_calls",
    "cell_error",
    "observed",
    "sentence_alone",
    "wire_inputs",
]

MAX_BYTES = 16 * 2**20  # of one trial's outputs; those of the course stay below 1 MB
_ENDLESS = f"It yielded more than {MAX_YIELDED:,} items. Which loop never ends?"
_FOUND = {"yes", "missing", "not_callable", "class", "function"}


@dataclass(frozen=True)
class CellError:
    """The exception with which a cell stopped, as far as it can be believed."""

    type_name: str
    message: str
    line: int | None


def sentence_alone(sentence: str) -> Observation:
    """Return an observation without outputs, of which nothing is told but a sentence of ours.

    Parameters
    ----------
    sentence : str
        What the learner is told.

    Returns
    -------
    Observation
        Of the kind whose detail `grading.check` shows as it stands.
    """
    return Observation(problem=Problem("endless", sentence))


def observed(
    reply: Mapping[str, Any], probe: Probe, inputs: Mapping[str, Any]
) -> tuple[str, Observation | None]:
    """Read the answer to ``observe``.

    Parameters
    ----------
    reply : mapping of str to object
        What the sandbox said.
    probe : Probe
        What it was asked for.
    inputs : mapping of str to object
        On what.

    Returns
    -------
    found : str
        ``"yes"``, ``"missing"``, ``"not_callable"``, ``"class"`` or ``"function"``.
    observation : Observation or None
        Only for ``"yes"``.
    """
    found = reply.get("found")
    if type(found) is not str or found not in _FOUND:
        return "yes", sentence_alone(
            "What came out of the run does not have the form of a result: nothing could be judged."
        )
    if found != "yes":
        return found, None
    try:
        seen = observation_from(reply.get("observation"), probe, inputs)
    except (WireError, RecursionError):
        return "yes", sentence_alone(
            "What came out of the run does not have the form of a result: nothing could be judged."
        )
    if sum(map(_n_bytes, seen.outputs.values())) > MAX_BYTES:
        return "yes", sentence_alone(
            "The result is larger than what is looked at. Has an array grown in a loop?"
        )
    if seen.problem is not None and seen.problem.kind == "endless":
        seen = sentence_alone(_ENDLESS)  # the kind whose detail is shown as it stands
    return "yes", replace(seen, printed="", n_printed=0)  # nobody reads it; so it need not be kept


def _n_bytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, list):
        return sum(map(_n_bytes, value))
    return len(value) if isinstance(value, str) else 8


def cell_error(reply: Mapping[str, Any]) -> CellError | None:
    """Read the answer to ``cell``.

    Parameters
    ----------
    reply : mapping of str to object
        What the sandbox said.

    Returns
    -------
    CellError or None
        Its error, with its texts shortened; None if it ran to its end.
    """
    error = reply.get("error")
    if error is None:
        return None
    if not isinstance(error, dict):
        return CellError("an error", "", None)
    message, line = error.get("message"), error.get("line")
    return CellError(
        tame(str(error.get("type")), 40),
        printable(shortened(message, 150)) if isinstance(message, str) else "",
        line if type(line) is int and 0 < line < 1_000_000 else None,
    )


def wire_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Put a reference in place of each function among the inputs.

    Parameters
    ----------
    inputs : mapping of str to object
        Inputs of a case.

    Returns
    -------
    dict
        What may enter the sandbox.
    """
    return {
        name: Reference(name) if isinstance(value, FunctionFixture) else value
        for name, value in inputs.items()
    }


def answers_to_calls(
    inputs: Mapping[str, Any],
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Build the functions among the inputs, and answer calls of them from within the sandbox.

    Parameters
    ----------
    inputs : mapping of str to object
        Inputs of one case.

    Returns
    -------
    callable
        From a message to its answer. Calls are counted and capped by the fixture.
    """
    functions = {
        name: value.build() for name, value in inputs.items() if isinstance(value, FunctionFixture)
    }

    def answer(message: dict[str, Any]) -> dict[str, Any]:
        name, arguments = message.get("call"), message.get("arguments")
        if type(name) is not str or name not in functions or type(arguments) is not list:
            return {"raises": ["RuntimeError", "there is no such function"]}
        try:
            with np.errstate(all="ignore"):
                return {"result": functions[name](*arguments)}
        except Exception as error:  # ruff: ignore[blind-except]  # arguments may be anything
            return {"raises": [_builtin_name(error), shortened(str(error))]}

    return answer


def _builtin_name(error: Exception) -> str:
    """Name the nearest built-in exception; no other type can be raised inside."""
    for kind in type(error).__mro__:
        if vars(builtins).get(kind.__name__) is kind:
            return str(kind.__name__)
    return "RuntimeError"
