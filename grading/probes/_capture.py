"""Keep a run quiet: collect what it prints, silence warnings and logs, and let it ask nobody.

``exit()`` is refused as well: it would end whoever runs the answer.

Nothing of a learner's run may reach stderr, where nbgrader takes any text for a failure, and
nothing may wait for an answer that no one gives.
"""

from __future__ import annotations

import builtins
import io
import logging
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np

from grading.probes._observation import MAX_PRINTED

_EXITS = ("exit", "quit")


class BoundedText(io.TextIOBase):
    """Keep the start of what is printed and count the rest, so that a flood costs nothing."""

    def __init__(self) -> None:
        self.kept = ""
        self.n_characters = 0

    def writable(self) -> bool:
        """Say yes to whoever asks before writing."""
        return True

    def write(self, text: str) -> int:
        """Take text, of which only the start is kept."""
        self.n_characters += len(text)
        if len(self.kept) < MAX_PRINTED:
            self.kept += text[: MAX_PRINTED - len(self.kept)]
        return len(text)


@contextmanager
def restored() -> Generator[None]:
    """Put back, after a block, whatever ``captured`` replaces in this process.

    For the caller of a run in another thread, which may be stopped in the middle of cleaning up.
    """
    streams = sys.stdout, sys.stderr
    asks = builtins.input, sys.breakpointhook
    exits = {name: vars(builtins)[name] for name in _EXITS if name in vars(builtins)}
    level = logging.root.manager.disable
    try:
        with warnings.catch_warnings():
            yield
    finally:
        sys.stdout, sys.stderr = streams
        builtins.input, sys.breakpointhook = asks
        for name in _EXITS:  # a notebook takes them out of the builtins while a cell runs
            vars(builtins).pop(name, None)
        vars(builtins).update(exits)
        logging.disable(level)


@contextmanager
def captured() -> Generator[BoundedText]:
    """Collect prints of a block and drop its warnings and logs; input(), exit() and more refuse."""
    text = BoundedText()
    with restored(), np.errstate(all="ignore"):
        sys.stdout = sys.stderr = text
        builtins.input, sys.breakpointhook = _no_input, _no_breakpoint
        vars(builtins).update(dict.fromkeys(_EXITS, no_exit))
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")
        yield text


def _no_input(*_: Any, **__: Any) -> NoReturn:
    message = "input() has nobody to ask while the function is checked"
    raise EOFError(message)


def _no_breakpoint(*_: Any, **__: Any) -> NoReturn:
    message = "breakpoint() cannot stop here while the function is checked; delete that line"
    raise RuntimeError(message)


def no_exit(*_: Any, **__: Any) -> NoReturn:
    """Stand in for ``exit`` and ``quit`` while an answer runs.

    Raises
    ------
    RuntimeError
        Always.
    """
    message = "exit() and quit() would end the kernel; leave a function with `return`"
    raise RuntimeError(message)
