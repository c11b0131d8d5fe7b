"""What a probe writes down: outputs, problems, changed inputs, prints."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Any

MAX_MESSAGE = 300
MAX_PRINTED = 2_000


@dataclass(frozen=True)
class Problem:
    """Why there is no output.

    Attributes
    ----------
    kind : str
        ``"error"`` (an exception), ``"not_started"`` (NotImplementedError), ``"arity"`` (wrong
        number of results), ``"arguments"`` (the signature refuses the arguments), ``"endless"``.
    detail : str
        The exception's message, or what came in place of what was expected.
    type_name : str
        Name of the exception's type, or empty.
    line : int or None
        Line of the learner's cell on which it happened, counted from 1.
    text : str
        That line.
    """

    kind: str
    detail: str
    type_name: str = ""
    line: int | None = None
    text: str = ""


@dataclass(frozen=True)
class Observation:
    """What happened when a learner's object met one set of inputs.

    Attributes
    ----------
    outputs : dict of str to object
        Plain values by name; empty when there is a problem.
    problem : Problem or None
        What prevented the outputs.
    mutated : tuple of str
        Names of the inputs that the object changed.
    printed : str
        The start of what was printed, at most 2,000 characters.
    n_printed : int
        How many characters were printed in all.
    """

    outputs: dict[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    mutated: tuple[str, ...] = ()
    printed: str = ""
    n_printed: int = 0


def problem_from(error: BaseException, filename: str | None) -> Problem:
    """Describe an exception by its type, its message and the learner's line that raised it."""
    kind = "not_started" if isinstance(error, NotImplementedError) else "error"
    try:
        message = str(error)
    except Exception:  # ruff: ignore[blind-except]  # a learner's exception may fail in its own __str__
        message = "(its message cannot be shown)"
    line, text = None, ""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if filename is not None and frame.filename == filename:
            line, text = frame.lineno, (frame.line or "").strip()
            break
    return Problem(kind, _shortened(message), type(error).__name__, line, _shortened(text))


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= MAX_MESSAGE else flat[: MAX_MESSAGE - 1] + "…"
