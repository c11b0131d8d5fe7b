"""Worker processes on this machine.

``concurrent.futures.ProcessPoolExecutor`` was not enough: when one of its workers is killed it
fails every job that was handed out and cannot say which one the dead worker had, it keeps one queue
for all, so that the version would travel with each job, and it stops for good. Here each worker has
a connection of its own. The job that it was working on is known, only that one counts as tried, and
a result that was sent before the death is read before the job is given to another.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self

from grading.engine._jobs import MAX_TRIES, Ended, Job, Work, failed, log
from grading.engine._process import WorkerProcess
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
    process: WorkerProcess
    tasks: deque[_Task] = field(default_factory=deque)
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
        return tuple(worker.process.pid for worker in self._workers)

    def start(self) -> None:
        """Start the workers now, so that they import what they need while the caller does."""
        while len(self._workers) < self.n_workers:
            worker = self._start()
            worker.process.prepare()
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
        return _Worker(WorkerProcess(self._work))

    def _send(self, worker: _Worker, task: _Task) -> None:
        if not worker.tasks:
            worker.begun_s = time.monotonic()
        worker.tasks.append(task)
        worker.process.send(task.job)

    def _collect(self, again: deque[_Task], idle_s: float | None) -> Iterator[tuple[str, Result]]:
        """Wait until something happens; give what ended, put back what has to be tried again."""
        busy = [worker for worker in self._workers if worker.tasks]
        now = time.monotonic()
        late_s = [worker.begun_s + worker.tasks[0].job.patience_s - now for worker in busy]
        timeouts = [max(0.0, min(late_s)), *([idle_s] if idle_s is not None else [])]
        spoken = wait([worker.process.connection for worker in busy], min(timeouts))
        for worker in busy:
            if worker.process.connection in spoken:
                yield from self._read(worker, again)
            elif time.monotonic() - worker.begun_s > worker.tasks[0].job.patience_s:
                yield from self._died(worker, again, "its worker did not answer any more")

    def _read(self, worker: _Worker, again: deque[_Task]) -> Iterator[tuple[str, Result]]:
        try:
            while worker.process.connection.poll():
                yield from self._answer(worker, worker.process.connection.recv(), again)
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
        ending = self._bury(worker)
        cause = cause or f"its worker died ({ending})"
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn >= MAX_TRIES * self.n_workers:
                message = f"worker processes end before they are ready: {ending}"
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

    def _bury(self, worker: _Worker, patience_s: float = 0.0) -> str:
        self._workers.remove(worker)
        worker.tasks.clear()
        return worker.process.end(patience_s)

    def close(self) -> None:
        """End the workers, giving each a few seconds to close its sandboxes."""
        for worker in self._workers:
            worker.process.dismiss()
        deadline = time.monotonic() + 10.0
        for worker in list(self._workers):
            self._bury(worker, max(0.0, deadline - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()
