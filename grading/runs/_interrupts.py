"""Hold back Ctrl-C while something is being written, and let it through afterwards."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator

__all__ = ["held"]

_depth = 0


@contextlib.contextmanager
def held() -> Generator[None, None, None]:
    """Let a block run to its end; a Ctrl-C that came meanwhile is raised then.

    A journal line or a transaction is thus whole or absent. Blocks may stand in one another; only
    the outermost lets it through. Outside of the main thread, where Python never raises
    `KeyboardInterrupt`, it does nothing.

    Yields
    ------
    None
        Nothing.

    Raises
    ------
    KeyboardInterrupt
        At the end of the block, if it came within.
    """
    global _depth
    if threading.current_thread() is not threading.main_thread() or _depth:
        yield
        return
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    _depth = 1
    try:
        yield
    finally:
        _depth = 0
        signal.signal(signal.SIGINT, before)
    if came and before is not signal.SIG_IGN:
        raise KeyboardInterrupt
