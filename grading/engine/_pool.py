"""Worker processes on this machine.

``concurrent.futures.ProcessPoolExecutor`` was not enough: when one of its workers is killed it
fails every job that was handed out and cannot say which one the dead worker had, it keeps one queue
for all, so that the version would travel with each job, and it stops for good. Here each worker has
a connection of its own. The job that it was working on is known, only that one counts as tried, and
a result that was sent before the death is read before the job is given to another.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Self

from grading.engine import _worker
from grading.engine._jobs import MAX_TRIES, Ended, Job, Work, failed, log
from grading.engine._work import work
from grading.results import Result

__all__ = ["ProcessPool"]

_DEPTH = 2
"""Jobs at a worker: the one it works on, and the next, so that it never waits for us."""


@dataclass
class _Task:
    job: Job
    tries: int = 0


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    tasks: deque[_Task] = field(default_factory=deque)
    versions: set[str] = field(default_factory=set)
    ready: bool = False
    begun_s: float = 0.0


class ProcessPool:
    """Grade on some cores of this machine, in processes that stay warm between jobs.

    A worker that dies is replaced, and its job is begun again, three times in all; a worker that
    hangs is killed. Workers start when there is work and end with the pool or with this process.

    Parameters
    ----------
    n_workers : int or None, default None
        Worker processes; None takes one a core.
    work : callable, default `grading.engine.work`
        What to do with a job: a function that a new process can import.

    Examples
    --------
    >>> from grading.engine import ProcessPool
    >>> with ProcessPool(2) as pool:
    ...     dict(pool.run([]))
    {}
    """

    def __init__(self, n_workers: int | None = None, *, work: Work = work) -> None:
        if n_workers is not None and n_workers < 1:
            message = f"ProcessPool: n_workers is {n_workers}, expected 1 or more."
            raise ValueError(message)
        self.n_workers = n_workers or os.cpu_count() or 1
        self._work = work
        self._workers: list[_Worker] = []
        self._stillborn = 0

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run now."""
        return tuple(worker.process.pid or 0 for worker in self._workers)

    def start(self) -> None:
        """Start the workers now, so that they import what they need while the caller does."""
        while len(self._workers) < self.n_workers:
            worker = self._start()
            worker.connection.send(("import",))
            self._workers.append(worker)

    def run(self, jobs: Iterable[Job], *, idle_s: float | None = None) -> Ended:
        """Grade jobs; results come in the order in which they end.

        Parameters
        ----------
        jobs : iterable of Job
            At most two for each worker are held at a time.
        idle_s : float or None
            If given, the iterator yields None whenever no result came for that many seconds.

        Yields
        ------
        (str, Result) or None
            Each job's ``entry_id`` with its result, once.

        Raises
        ------
        RuntimeError
            If workers die before they are ready, so that no job could ever end.
        """
        source = iter(jobs)
        again: deque[_Task] = deque()
        try:
            while self._hand_out(again, source):
                ended = list(self._collect(again, idle_s))
                yield from ended
                if not ended and idle_s is not None:
                    yield None
        finally:
            for worker in [each for each in self._workers if each.tasks]:
                self._bury(worker)  # nobody waits for its results: the caller left

    def _hand_out(self, again: deque[_Task], source: Iterator[Job]) -> bool:
        """Fill the workers, the emptiest first; say whether any has something to do."""
        for depth in range(_DEPTH):
            for place in range(self.n_workers):
                held = len(self._workers[place].tasks) if place < len(self._workers) else 0
                if held > depth:
                    continue
                task = again.popleft() if again else next(map(_Task, source), None)
                if task is None:
                    return any(worker.tasks for worker in self._workers)
                if place >= len(self._workers):
                    self._workers.append(self._start())
                self._send(self._workers[place], task)
        return True

    def _start(self) -> _Worker:
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_worker.main, args=(theirs, self._work), daemon=True, name="grading worker"
        )
        with _one_thread(), _interrupts_ignored():
            process.start()
        theirs.close()  # else the end of the worker would not close the pipe
        return _Worker(process, ours)

    def _send(self, worker: _Worker, task: _Task) -> None:
        version = task.job.version
        bare = copy(task.job)
        object.__setattr__(bare, "version", None)  # it has been there once
        if not worker.tasks:
            worker.begun_s = time.monotonic()
        worker.tasks.append(task)
        with contextlib.suppress(OSError):  # it died: the next look at it finds that out
            if version.hash not in worker.versions:
                worker.connection.send(("version", version.hash, version))
                worker.versions.add(version.hash)
            worker.connection.send(("job", bare, version.hash))

    def _collect(self, again: deque[_Task], idle_s: float | None) -> Iterator[tuple[str, Result]]:
        """Wait until something happens; give what ended, put back what has to be tried again."""
        busy = [worker for worker in self._workers if worker.tasks]
        now = time.monotonic()
        late_s = [worker.begun_s + worker.tasks[0].job.patience_s - now for worker in busy]
        timeouts = [max(0.0, min(late_s)), *([idle_s] if idle_s is not None else [])]
        spoken = wait([worker.connection for worker in busy], min(timeouts))
        for worker in busy:
            if worker.connection in spoken:
                yield from self._read(worker, again)
            elif time.monotonic() - worker.begun_s > worker.tasks[0].job.patience_s:
                worker.process.kill()
                yield from self._died(worker, again, "its worker did not answer any more")

    def _read(self, worker: _Worker, again: deque[_Task]) -> Iterator[tuple[str, Result]]:
        try:
            while worker.connection.poll():
                yield from self._answer(worker, worker.connection.recv(), again)
        except (EOFError, OSError):
            yield from self._died(worker, again, "")

    def _answer(
        self, worker: _Worker, message: tuple[Any, ...], again: deque[_Task]
    ) -> Iterator[tuple[str, Result]]:
        kind, *content = message
        if kind == "ready":
            worker.ready, self._stillborn = True, 0
            return
        task = worker.tasks.popleft()
        worker.begun_s = time.monotonic()
        task.tries += 1
        if kind == "result":
            result: Result = content[1]
            if result.status != "infra_error" or task.tries >= MAX_TRIES:
                yield task.job.entry_id, result
                return
            log.warning("job %s is tried again: %s", task.job.entry_id, result.message)
        else:
            log.error("job %s, try %d: %s", task.job.entry_id, task.tries, content[2])
            if task.tries >= MAX_TRIES:
                cause = f"grading it ended in {content[1]}"
                yield task.job.entry_id, failed(task.job, cause, task.tries)
                return
        again.append(task)

    def _died(
        self, worker: _Worker, again: deque[_Task], cause: str
    ) -> Iterator[tuple[str, Result]]:
        tasks = list(worker.tasks)
        code = self._bury(worker)
        cause = cause or f"its worker died ({_ending(code)})"
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn >= MAX_TRIES * self.n_workers:
                message = f"worker processes end before they are ready: {_ending(code)}"
                raise RuntimeError(message)
            again.extendleft(reversed(tasks))
            return
        if tasks:
            first = tasks[0]
            first.tries += 1
            log.warning("job %s, try %d: %s", first.job.entry_id, first.tries, cause)
            if first.tries >= MAX_TRIES:
                yield first.job.entry_id, failed(first.job, cause, first.tries)
                tasks = tasks[1:]
        again.extendleft(reversed(tasks))

    def _bury(self, worker: _Worker) -> int | None:
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        code = worker.process.exitcode
        worker.process.close()
        worker.tasks.clear()
        return code

    def close(self) -> None:
        """End the workers, giving each a few seconds to close its sandboxes."""
        for worker in self._workers:
            with contextlib.suppress(OSError):
                worker.connection.send(None)
        deadline = time.monotonic() + 10.0
        for worker in list(self._workers):
            worker.process.join(max(0.0, deadline - time.monotonic()))
            self._bury(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()


@contextlib.contextmanager
def _one_thread() -> Generator[None, None, None]:
    """Have the processes started here begin with one thread for linear algebra."""
    before = {name: os.environ.get(name) for name in _worker.THREADS}
    os.environ.update(dict.fromkeys(_worker.THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


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


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {-code}, {signal.Signals(-code).name}"
    return f"exit status {code}"
