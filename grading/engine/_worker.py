"""The inside of a worker process: read jobs, work on them one at a time, send results.

A thread reads, so that the coordinator is never held up while a job runs, and so that the worker
notices at once when the coordinator is gone.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import traceback
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

__all__ = ["THREADS", "main"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Variables that hold a numerical library to one thread; set before it is imported."""


def main(descriptor: int) -> None:
    """Serve until told to end, or until the coordinator is gone.

    Parameters
    ----------
    descriptor : int
        Of a connection. First comes what to do with a job, a function. Then messages come as
        ``("import",)``, ``("version", hash, version)``, ``("job", job without version, hash)`` and
        None; answers go as ``("ready",)``, ``("result", id, Result)``, ``("raised", id, name of the
        exception, traceback)``.
    """
    # Ctrl-C goes to the whole foreground group; the coordinator decides what it means. A handler,
    # since to ignore the signal would pass on to every process started from here.
    signal.signal(signal.SIGINT, lambda *_: None)
    connection = Connection(descriptor)
    work = connection.recv()
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(connection, inbox), daemon=True).start()
    connection.send(("ready",))
    versions: dict[str, Any] = {}
    while (message := inbox.get()) is not None:
        kind, *content = message
        if kind == "import":
            import_module("grading.broker")  # most jobs need it, and it takes its time
            continue
        if kind == "version":
            versions[content[0]] = content[1]
            continue
        job, version = content
        object.__setattr__(job, "version", versions[version])  # frozen for everybody else
        try:
            answer: Any = ("result", job.entry_id, work(job))
        except Exception as error:  # ruff: ignore[blind-except]  one job never ends the batch
            answer = ("raised", job.entry_id, type(error).__name__, traceback.format_exc())
        try:
            answer = ForkingPickler.dumps(answer)
        except Exception as error:  # ruff: ignore[blind-except]  what cannot travel is a defect too
            name = type(error).__name__
            answer = ForkingPickler.dumps(("raised", job.entry_id, name, traceback.format_exc()))
        connection.send_bytes(answer)


def _read(connection: Connection, inbox: queue.SimpleQueue[Any]) -> None:
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            # Nobody waits for a result any more. Sandboxes die with this process.
            os._exit(0)
        except BaseException:  # ruff: ignore[blind-except]  what came cannot be loaded here
            traceback.print_exc()  # else it would be waited for until patience ends
            os._exit(1)
        inbox.put(message)
        if message is None:
            return
