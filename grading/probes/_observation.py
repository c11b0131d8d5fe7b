"""What a probe writes down: outputs, problems, changed inputs, prints."""

from __future__ import annotations

import linecache
from dataclasses import dataclass, field
from typing import Any

MAX_MESSAGE = 300
MAX_PRINTED = 2_000


class Stopped(BaseException):
    """Raised inside a run by whoever watches it; the one thing that a probe lets pass.

    Not an Exception, so that ``except Exception`` in a learner's loop does not stop it.
    """


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
    except Stopped:
        raise
    except BaseException:  # ruff: ignore[blind-except]  # a learner's exception may fail in its own __str__
        message = "its message cannot be shown"
    line = _line_in(error, filename)
    text = linecache.getline(filename, line).strip() if filename and line else ""
    return Problem(kind, shortened(message), _type_name(error), line, shortened(text, 80))


def shortened(text: str, limit: int = MAX_MESSAGE) -> str:
    """Put text on one line of at most ``limit`` characters."""
    flat = " ".join(text[: 10 * limit].split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _line_in(error: BaseException, filename: str | None) -> int | None:
    """Return the innermost line of the learner's cell; a walk, because recursion makes it long."""
    line = None
    step = error.__traceback__
    while step is not None and filename is not None:
        if step.tb_frame.f_code.co_filename == filename:
            line = step.tb_lineno
        step = step.tb_next
    return line


def _type_name(error: BaseException) -> str:
    # NumPy's own memory error is private; learners know the built-in one that it is.
    return "MemoryError" if isinstance(error, MemoryError) else str(type(error).__name__)
