"""One worker process, as its parent sees it.

A program of its own and no ``multiprocessing.Process``: that one refuses to start where the parent
is itself a daemonic process, as a worker of Dask is.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess  # ruff: ignore[suspicious-subprocess-import]  fixed commands only
import sys
import threading
from collections.abc import Generator

from grading.engine._jobs import Job, Work, bare
from grading.engine._worker import THREADS

__all__ = ["WorkerProcess"]

_BEGIN = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from grading.engine._worker import main; main(int(sys.argv[1]))"
)


class WorkerProcess:
    """A process that works on one job after another, with one thread for linear algebra.

    It ends when this process does, or when told to.

    Parameters
    ----------
    work : callable
        What to do with a job: a function that a new process can import.

    Attributes
    ----------
    connection : Connection
        Answers come here as `grading.engine._worker.main` says; its end is the process's end.
    """

    def __init__(self, work: Work) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self._versions: set[str] = set()
        with _interrupts_ignored():
            self._process = subprocess.Popen(  # ruff: ignore[subprocess-without-shell-equals-true]  a list
                # -P, and no empty name in the path: neither is the folder where the command was
                # given, which may hold submissions, and a json.py among them.
                [sys.executable, "-P", "-c", _BEGIN, str(theirs.fileno()), *filter(None, sys.path)],
                pass_fds=[theirs.fileno()],
                env=os.environ | dict.fromkeys(THREADS, "1"),
            )
        theirs.close()  # else the end of the process would not close the pipe
        with contextlib.suppress(OSError):  # here and below: if it died, its reader finds that out
            self.connection.send(work)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def prepare(self) -> None:
        """Have it import what most jobs need, before the first of them."""
        with contextlib.suppress(OSError):
            self.connection.send(("import",))

    def send(self, job: Job) -> None:
        """Hand it a job; the version goes along where it has not been there yet."""
        version = job.version
        with contextlib.suppress(OSError):
            if version.hash not in self._versions:
                self.connection.send(("version", version.hash, version))
                self._versions.add(version.hash)
            self.connection.send(("job", bare(job), version.hash))

    def dismiss(self) -> None:
        """Tell it to end after what it has; `end` waits for it."""
        with contextlib.suppress(OSError):
            self.connection.send(None)

    def end(self, patience_s: float = 0.0) -> str:
        """Wait for its end, kill it if that takes too long, and say how it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_s)
        self._process.kill()  # does nothing to a process that has ended
        code = self._process.wait()
        self.connection.close()
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"signal {-code}, {signal.Signals(-code).name}"
        return f"exit status {code}"


@contextlib.contextmanager
def _interrupts_ignored() -> Generator[None, None, None]:
    """Have the processes started here ignore Ctrl-C until they set a handler."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
