"""What a probe writes down: outputs, problems, changed inputs, prints."""

from __future__ import annotations

import linecache
import re
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np

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
    names : tuple of str
        The local names that had a value there.
    shapes : tuple of (str, tuple of int)
        Those of them that are arrays and stand in the expression that failed, with their shapes.
    """

    kind: str
    detail: str
    type_name: str = ""
    line: int | None = None
    text: str = ""
    names: tuple[str, ...] = ()
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()


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
    rounded : tuple of str
        Those of them that differ in their last digits only.
    printed : str
        The start of what was printed, at most 2,000 characters.
    n_printed : int
        How many characters were printed in all.
    """

    outputs: dict[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    mutated: tuple[str, ...] = ()
    rounded: tuple[str, ...] = ()
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
    step = _step_in(error, filename)
    if step is None or filename is None:
        return Problem(kind, shortened(message), _type_name(error))
    text = linecache.getline(filename, step.tb_lineno)
    known = step.tb_frame.f_locals if step.tb_frame.f_code.co_name != "<module>" else {}
    return Problem(
        kind,
        shortened(message),
        _type_name(error),
        step.tb_lineno,
        shortened(text.strip(), 80),
        names=tuple(known),
        shapes=tuple(
            (name, known[name].shape)
            for name in dict.fromkeys(re.findall(r"\w+", _expression(step, text)))
            if type(known.get(name)) is np.ndarray  # a subclass may lie about its shape
        ),
    )


def _expression(step: TracebackType, text: str) -> str:
    """Return the part of a line that failed; all of it where Python does not tell."""
    positions = list(step.tb_frame.f_code.co_positions())
    line, end_line, start, end = positions[step.tb_lasti // 2]
    if line != end_line or line != step.tb_lineno or start is None or end is None:
        return text
    return text.encode()[start:end].decode(errors="replace")  # columns count UTF-8 bytes


def shortened(text: str, limit: int = MAX_MESSAGE) -> str:
    """Put text on one line of at most ``limit`` characters."""
    flat = " ".join(text[: 10 * limit].split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _step_in(error: BaseException, filename: str | None) -> TracebackType | None:
    """Return the innermost step in the learner's cell; a walk, because recursion makes it long."""
    found = None
    step = error.__traceback__
    while step is not None and filename is not None:
        if step.tb_frame.f_code.co_filename == filename:
            found = step
        step = step.tb_next
    return found


def _type_name(error: BaseException) -> str:
    # NumPy's own memory error is private; learners know the built-in one that it is.
    return "MemoryError" if isinstance(error, MemoryError) else str(type(error).__name__)
