"""Stop a function that does not come to an end, on every system.

The function runs in a thread of its own while the caller waits. When time is up an exception is
raised inside that thread, which ends any loop written in Python. It is raised again and again for a
moment, because a bare ``except`` may swallow the first. A thread that outlives even this, or sits
in one long call into C, is left behind as a daemon and the caller is told so. Signals would be
simpler, but Windows has none of use here.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from grading.probes import Stopped

_GRACE_S = 0.15  # with the usual limit of 1.5 s a check stays below 2 s, also on a busy machine
_PAUSE_S = 0.01  # long beside the microseconds that an exception needs to leave the thread
_TICK_S = 0.05  # on Windows a wait cannot be interrupted, so the stop button is heard between ticks


@dataclass(frozen=True)
class Outcome:
    """How a watched run ended.

    Attributes
    ----------
    finished : bool
        Whether it came to an end by itself.
    still_running : bool
        Whether it could not be stopped and goes on in the background.
    seconds : float
        Wall-clock time that passed.
    error : BaseException or None
        What it raised.
    """

    finished: bool
    still_running: bool
    seconds: float
    error: BaseException | None = None


def watch(work: Callable[[], object], limit_s: float) -> Outcome:
    """Run ``work`` and stop it after ``limit_s`` seconds.

    Parameters
    ----------
    work : callable
        Called without arguments, in a thread of its own.
    limit_s : float
        Wall-clock seconds it may take.

    Returns
    -------
    Outcome
        How it ended.

    Raises
    ------
    KeyboardInterrupt
        If the user presses the stop button; the thread is stopped first.

    Examples
    --------
    >>> watch(lambda: sum(range(10)), limit_s=5.0).finished
    True
    """
    caught: list[BaseException] = []
    ended = threading.Event()  # not join, which forgets a living thread when it is interrupted

    def run() -> None:
        with suppress(Stopped):  # one more may arrive while the first is being handled
            try:
                work()
            except Stopped:
                pass
            except BaseException as error:  # ruff: ignore[blind-except]  # handed to the caller below
                caught.append(error)
        with suppress(Stopped):
            ended.set()
        ended.set()

    thread = threading.Thread(target=run, name="check", daemon=True)
    began = time.monotonic()
    thread.start()
    try:
        while not ended.is_set() and (left := began + limit_s - time.monotonic()) > 0:
            ended.wait(min(_TICK_S, left))
    except KeyboardInterrupt:
        _stop(thread, ended)
        raise
    finished = ended.is_set()
    still_running = not finished and not _stop(thread, ended)
    error = caught[0] if caught else None
    return Outcome(finished, still_running, time.monotonic() - began, error)


def _stop(thread: threading.Thread, ended: threading.Event) -> bool:
    """Raise inside the thread until it ends; tell whether it did."""
    until = time.monotonic() + _GRACE_S
    while not ended.is_set() and time.monotonic() < until:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Stopped)
        )
        ended.wait(_PAUSE_S)
    return ended.is_set()
