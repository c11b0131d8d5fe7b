"""The workers of a Dask scheduler.

The scheduler keeps what was submitted until its result is here, so a job whose worker is lost is
begun again on another one. Dask's messages are pickled: whoever can reach the scheduler controls
every worker. Learners' code cannot reach it, since a sandbox has no network; still, use TLS
addresses wherever others share the network.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import queue
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from grading.engine import _dask_worker
from grading.engine._carrying import carry
from grading.engine._jobs import MAX_TRIES, Ended, Job, Work, failed, log
from grading.engine._work import work
from grading.refusals import Refusal
from grading.results import Result

__all__ = ["DaskCluster"]

_PARCEL = 8
"""Jobs in one task of Dask: a task costs its processes 10 ms, a tenth of what a submission does."""

_HELD_EACH = 2
"""Parcels at a worker: the one that it works on, and the next, so that it never waits for us."""

_REPLY_S = 30.0
_LOOK_S = 2.0
"""How long a scheduler and its first worker may take to answer."""


@dataclass
class _Task:
    job: Job
    tries: int = 0


@dataclass
class _Parcel:
    """Jobs that travel together; what failed once travels alone, so that it harms no other."""

    tasks: list[_Task]
    future: Any
    worker: str


class DaskCluster:
    """Grade on the workers of a running Dask scheduler.

    Every worker grades one submission at a time, however many threads it has, in a process that it
    starts for that. The version travels once to each worker and then stays there, with the sources
    of exercises of the instructor's own; what travels for a job are its files and its id. Jobs go
    in parcels, smaller ones towards the end; a worker hands back what it has not begun after two
    seconds.

    Parameters
    ----------
    address : str
        The scheduler's: ``"tcp://10.0.0.1:8786"`` or ``"tls://..."``.
    unsafe : bool, default False
        Accept workers that cannot isolate submissions.
    work : callable, default `grading.engine.work`
        What to do with a job.

    Raises
    ------
    Refusal
        If no scheduler or no worker answers, if a worker has another state of the course than this
        machine, or cannot isolate submissions.
    """

    def __init__(self, address: str, *, unsafe: bool = False, work: Work = work) -> None:
        self._work = work
        self._client = _connect(address)
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._session = uuid.uuid4().hex[:8]
        self._versions: dict[str, Any] = {}
        self._workers: list[str] = []
        self._look_again_s = 0.0
        self._numbers = itertools.count()
        try:
            self._inspect_workers(unsafe=unsafe)
        except BaseException:
            self.close()
            raise

    def _inspect_workers(self, *, unsafe: bool) -> None:
        try:
            self._client.wait_for_workers(1, timeout=_REPLY_S)
        except TimeoutError as error:
            msg = (
                f"{self._client.scheduler.address}: the scheduler has no worker. "
                "Start one with: dask worker ADDRESS --nthreads 1"
            )
            raise Refusal(msg) from error
        ours = _dask_worker.state()
        for address, (state, why_not) in self._client.run(_dask_worker.examined).items():
            if state != ours:
                msg = (
                    f"worker {address}: its copy of the course differs from the one here. "
                    "Install the same version on every machine."
                )
                raise Refusal(msg)
            if why_not and not unsafe:
                msg = f"worker {address}: {why_not}"
                raise Refusal(msg)

    def run(self, jobs: Iterable[Job], *, idle_s: float | None = None) -> Ended:
        """Grade jobs; results come in the order in which they end.

        Parameters
        ----------
        jobs : iterable of Job
            At most 24 for each worker are held at a time: two parcels of eight there, and eight
            that wait here.
        idle_s : float or None
            If given, the iterator yields None whenever no result came for that many seconds.

        Yields
        ------
        (str, Result) or None
            Each job's ``entry_id`` with its result, once.

        Raises
        ------
        Refusal
            If the connection to the scheduler is lost for good, or exercises of the instructor's
            own do not load on a worker.
        """
        source = map(_Task, jobs)
        waiting: deque[_Task] = deque()
        running: dict[str, _Parcel] = {}
        try:
            while True:
                self._hand_out(source, waiting, running)
                if not running:
                    break
                try:
                    future = self._ended.get(timeout=idle_s)
                except queue.Empty:
                    yield None
                    continue
                yield from self._collect(future, running, waiting)
        finally:
            for parcel in running.values():
                with contextlib.suppress(Exception):  # the scheduler may be gone
                    parcel.future.cancel()

    def _hand_out(
        self, source: Iterator[_Task], waiting: deque[_Task], running: dict[str, _Parcel]
    ) -> None:
        """Give every worker with room a share of what waits; shares shrink as the source ends."""
        self._look_for_workers()
        n_workers = max(1, len(self._workers))
        while (worker := self._with_room(running)) is not None:
            waiting.extend(itertools.islice(source, max(0, _PARCEL * n_workers - len(waiting))))
            if not waiting:
                return
            fresh = itertools.takewhile(lambda task: not task.tries, waiting)
            share = min(_PARCEL, math.ceil(len(waiting) / n_workers))
            n_tasks = max(1, sum(1 for _ in itertools.islice(fresh, share)))
            self._submit([waiting.popleft() for _ in range(n_tasks)], worker, running)

    def _look_for_workers(self) -> None:
        """Ask the scheduler for its workers, now and then: each time would take its time."""
        if time.monotonic() >= self._look_again_s:
            self._workers = list(self._client.scheduler_info(n_workers=-1)["workers"])
            self._look_again_s = time.monotonic() + _LOOK_S

    def _with_room(self, running: Mapping[str, _Parcel]) -> str | None:
        """Choose the worker with the fewest jobs; an empty name leaves it to the scheduler."""
        # Left alone, the scheduler sends jobs to whoever holds their version already, and moves
        # them to idle workers later: with two workers, one second of five was lost.
        workers = self._workers or [""]
        parcels = Counter(parcel.worker for parcel in running.values())
        jobs: Counter[str] = Counter()
        for parcel in running.values():
            jobs[parcel.worker] += len(parcel.tasks)
        roomy = [worker for worker in workers if parcels[worker] < _HELD_EACH]
        # Parcels of a worker that is gone are with the others now, whoever has them.
        if len(running) >= _HELD_EACH * len(workers) or not roomy:
            return None
        return min(roomy, key=lambda worker: jobs[worker])

    def _submit(self, tasks: list[_Task], worker: str, running: dict[str, _Parcel]) -> None:
        held = {task.job.version.hash: self._held(task.job) for task in tasks}
        parcel = [(_bare(task.job), task.job.version.hash) for task in tasks]
        future = self._client.submit(
            _dask_worker.work_on,
            held,
            parcel,
            self._work,
            key=f"grade-{tasks[0].job.entry_id}-{self._session}-{next(self._numbers)}",
            pure=False,
            workers=[worker] if worker else None,
            allow_other_workers=bool(worker),  # if that one is lost
        )
        running[future.key] = _Parcel(tasks, future, worker)
        future.add_done_callback(self._ended.put)

    def _held(self, job: Job) -> Any:
        key = job.version.hash
        if key not in self._versions:
            # A task and not scattered data: if the last worker that holds it is lost, the
            # scheduler makes it again. Its key is this session's, so that nothing is left behind.
            self._versions[key] = self._client.submit(
                _dask_worker.hold,
                carry(job.version),
                key=f"version-{key[:16]}-{self._session}",
                pure=False,
            )
        return self._versions[key]

    def _collect(
        self, future: Any, running: dict[str, _Parcel], waiting: deque[_Task]
    ) -> Iterator[tuple[str, Result]]:
        parcel = running.pop(future.key, None)
        if parcel is None:  # of a run that was left early
            return
        again: list[_Task] = []
        if future.status == "finished":
            answers = {answer.entry_id: answer for answer in future.result()}
            for task in parcel.tasks:
                answer = answers.get(task.job.entry_id)
                if answer is None:  # handed back
                    again.append(task)
                else:
                    yield from _settle(task, answer.result, answer.cause, again)
        else:
            cause, fatal = self._why(future)
            for task in parcel.tasks:
                if fatal and len(parcel.tasks) == 1:
                    task.tries = MAX_TRIES - 1
                yield from _settle(task, None, cause, again)
        waiting.extendleft(reversed(again))

    def _why(self, future: Any) -> tuple[str, bool]:
        """Say why a parcel has no answer, and whether the scheduler has tried often enough."""
        if future.status == "error":
            error = future.exception()
            if isinstance(error, _dask_worker.WorkerRefusal):
                raise error
            if type(error).__name__ == "KilledWorker":
                return "it lost its worker again and again", True
            return f"grading it ended in {type(error).__name__}", False
        if self._client.status != "running":
            msg = (
                "nncourse grade: the connection to the scheduler was lost. What is graded is "
                "safe; start the scheduler and run the same command again."
            )
            raise Refusal(msg)
        return "the connection to the scheduler was lost", False

    def close(self) -> None:
        """Leave the cluster; the workers stay for others."""
        self._versions.clear()
        self._client.close(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()


def _connect(address: str) -> Any:
    try:
        from distributed import Client  # only for a cluster: a second to import
    except ImportError as error:
        msg = (
            'nncourse grade: --cluster needs Dask. Install it with: pip install "nncourse[cluster]"'
        )
        raise Refusal(msg) from error
    try:
        return Client(address, timeout=_REPLY_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        msg = f"{address}: no scheduler answers there. Start one with: dask scheduler"
        raise Refusal(msg) from error


def _bare(job: Job) -> Job:
    bare = copy(job)
    object.__setattr__(bare, "version", None)  # it is held there
    return bare


def _settle(
    task: _Task, result: Result | None, cause: str, again: list[_Task]
) -> Iterator[tuple[str, Result]]:
    """Give the result of a job that ended; put down one that is to be tried again."""
    task.tries += 1
    if result is not None and result.status != "infra_error":
        yield task.job.entry_id, result
        return
    cause = cause if result is None else result.message
    log.warning("job %s, try %d: %s", task.job.entry_id, task.tries, cause)
    if task.tries < MAX_TRIES:
        again.append(task)
    else:
        yield task.job.entry_id, result or failed(task.job, cause, task.tries)
