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
import traceback
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from grading.engine import _dask_worker
from grading.engine._carrying import carry
from grading.engine._dask_members import Members
from grading.engine._dask_worker import Answer, Reply, WorkerRefusal
from grading.engine._jobs import MAX_TRIES, Ended, Job, Work, bare, failed, log
from grading.engine._work import work
from grading.refusals import Refusal
from grading.results import Result

__all__ = ["DaskCluster"]

_PARCEL = 8
"""Jobs in one task of Dask: a task costs its processes 10 ms, a tenth of what a submission does."""

_HELD_EACH = 2
"""Parcels at a worker: the one that it works on, and the next, so that it never waits for us."""

_REPLY_S = 30.0
"""How long a scheduler and its first worker may take to answer."""

_WAIT_S = 1.0
"""How long a run without other work waits before it looks for workers again."""

_MAX_LOSSES = 9
"""How often a scheduler may drop a job, for which nobody is to blame."""


@dataclass
class _Task:
    job: Job
    tries: int = 0
    losses: int = 0
    failed_at: set[str] = field(default_factory=set)


@dataclass
class _Parcel:
    """Jobs that travel together; what failed once travels alone, so that it harms no other."""

    tasks: list[_Task]
    future: Any
    worker: str


class _Waiting:
    """What is to be handed out: fresh jobs of a source, and those that came back."""

    def __init__(self, source: Iterator[_Task]) -> None:
        self._source = source
        self._is_exhausted = False
        self._fresh: deque[_Task] = deque()
        self._again: list[_Task] = []

    def is_over(self) -> bool:
        """Whether nothing is left, here and in the source."""
        if not self._fresh and not self._again and not self._is_exhausted:
            self._fill(1)
        return not self._fresh and not self._again

    def share(self, worker: str, workers: Sequence[str]) -> list[_Task]:
        """Take what a worker shall do next: what failed elsewhere, or some of what is fresh."""
        for place, task in enumerate(self._again):
            if worker not in task.failed_at or task.failed_at.issuperset(workers):
                return [self._again.pop(place)]
        self._fill(_PARCEL * len(workers))
        # Shares shrink as the source ends, so that nobody is left with the last eight.
        n_tasks = min(_PARCEL, math.ceil(len(self._fresh) / len(workers)))
        return [self._fresh.popleft() for _ in range(n_tasks)]

    def put_back(self, tasks: Iterable[_Task]) -> None:
        """Take back what was not begun, and what is to be tried again."""
        for task in reversed(list(tasks)):
            if task.tries:
                self._again.insert(0, task)
            else:
                self._fresh.appendleft(task)

    def _fill(self, n_tasks: int) -> None:
        while len(self._fresh) < n_tasks and not self._is_exhausted:
            task = next(self._source, None)
            self._is_exhausted = task is None
            if task is not None:
                self._fresh.append(task)


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
        self._numbers = itertools.count()
        try:
            self._members = self._find_members(unsafe=unsafe)
        except BaseException:
            self.close()
            raise

    def _find_members(self, *, unsafe: bool) -> Members:
        try:
            self._client.wait_for_workers(1, timeout=_REPLY_S)
        except TimeoutError as error:
            msg = (
                f"{self._client.scheduler.address}: the scheduler has no worker. "
                "Start one with: dask worker ADDRESS --nthreads 1"
            )
            raise Refusal(msg) from error
        return Members(self._client, unsafe=unsafe)

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
            If the connection to the scheduler is lost for good, no worker is left, or exercises of
            the instructor's own do not load on a worker.
        """
        waiting = _Waiting(map(_Task, jobs))
        running: dict[str, _Parcel] = {}
        try:
            while True:
                self._hand_out(waiting, running)
                if not running and waiting.is_over():
                    break
                try:
                    future = self._ended.get(timeout=_WAIT_S if idle_s is None else idle_s)
                except queue.Empty:
                    if idle_s is not None:
                        yield None
                    continue
                yield from self._collect(future, running, waiting)
        finally:
            for parcel in running.values():
                with contextlib.suppress(Exception):  # the scheduler may be gone
                    parcel.future.cancel()

    def _hand_out(self, waiting: _Waiting, running: dict[str, _Parcel]) -> None:
        """Give every worker with room a share of what waits."""
        self._members.look()
        trusted = self._members.trusted
        while True:
            for worker in self._with_room(running):
                if tasks := waiting.share(worker, trusted):
                    self._submit(tasks, worker, running)
                    break
            else:
                return

    def _with_room(self, running: Mapping[str, _Parcel]) -> list[str]:
        """List the workers that hold less than they may, those with the fewest jobs first."""
        # Left alone, the scheduler sends jobs to whoever holds their version already, and moves
        # them to idle workers later: with two workers, one second of five was lost.
        parcels: Counter[str] = Counter()
        jobs: Counter[str] = Counter()
        for parcel in running.values():
            parcels[parcel.worker] += 1
            jobs[parcel.worker] += len(parcel.tasks)
        trusted = self._members.trusted
        if len(running) >= _HELD_EACH * len(trusted):  # others have those of a worker that is gone
            return []
        roomy = [worker for worker in trusted if parcels[worker] < _HELD_EACH]
        return sorted(roomy, key=lambda worker: jobs[worker])

    def _submit(self, tasks: list[_Task], worker: str, running: dict[str, _Parcel]) -> None:
        held = {task.job.version.hash: self._held(task.job) for task in tasks}
        parcel = [(bare(task.job), task.job.version.hash) for task in tasks]
        future = self._client.submit(
            _dask_worker.work_on,
            held,
            parcel,
            self._members.state,
            self._work,
            key=f"grade-{tasks[0].job.entry_id}-{self._session}-{next(self._numbers)}",
            pure=False,
            workers=[worker],
            allow_other_workers=True,  # if that one is lost
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
        self, future: Any, running: dict[str, _Parcel], waiting: _Waiting
    ) -> Iterator[tuple[str, Result]]:
        parcel = running.pop(future.key, None)
        if parcel is None:  # of a run that was left early
            return
        reply = self._reply(future, parcel)
        answers = {answer.entry_id: answer for answer in reply.answers}
        again: list[_Task] = []
        for task in parcel.tasks:
            answer = answers.get(task.job.entry_id)
            result = self._settle(task, answer, reply.worker) if answer else None
            if result is None:  # handed back, or to be tried again
                again.append(task)
            else:
                yield task.job.entry_id, result
        waiting.put_back(again)

    def _reply(self, future: Any, parcel: _Parcel) -> Reply:
        """Return what a worker said, or say it in its place."""
        if future.status == "error":
            return _failed(future.exception(), parcel)
        if future.status == "finished":
            # Its worker may be lost before it has sent this; then the scheduler begins it again.
            with contextlib.suppress(CancelledError):
                reply: Reply = future.result()
                if reply.state != self._members.state:
                    self._members.bar(reply.worker, "its copy of the course has changed.")
                return reply
        if self._client.status != "running":
            msg = (
                "nncourse grade: the connection to the scheduler was lost. What is graded is "
                "safe; start the scheduler and run the same command again."
            )
            raise Refusal(msg)
        # The scheduler was told to restart: what it held is gone, versions too.
        held = self._versions.items()
        self._versions = {key: each for key, each in held if each.status in {"pending", "finished"}}
        dropped = []
        for task in parcel.tasks:
            task.losses += 1
            if task.losses > _MAX_LOSSES:
                dropped.append(Answer(task.job.entry_id, None, "the scheduler dropped it"))
        return Reply("", self._members.state, tuple(dropped))

    def _settle(self, task: _Task, answer: Answer, worker: str) -> Result | None:
        """Return the result of a job that ended; None if it is to be tried again."""
        task.tries += 1
        result = answer.result
        if result is not None and result.status != "infra_error":
            self._members.blame(task.failed_at - {worker})
            return result
        cause = answer.cause if result is None else result.message
        log.warning(
            "job %s, try %d, at %s: %s", task.job.entry_id, task.tries, worker or "?", cause
        )
        if answer.trace:
            log.error("%s", answer.trace)
        task.failed_at.add(worker)
        if task.tries < MAX_TRIES:
            return None
        return result or failed(task.job, cause, task.tries)

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


def _failed(error: BaseException, parcel: _Parcel) -> Reply:
    """Answer for a parcel that ended in an error of Dask or of ours."""
    if isinstance(error, WorkerRefusal):
        raise error
    cause = f"grading it ended in {type(error).__name__}"
    if type(error).__name__ == "KilledWorker":  # each time it was with another one
        cause = "it lost its worker again and again"
        if len(parcel.tasks) == 1:
            parcel.tasks[0].tries = max(MAX_TRIES - 1, getattr(error, "allowed_failures", 0))
    trace = "".join(traceback.format_exception(error))
    answers = [Answer(task.job.entry_id, None, cause, trace) for task in parcel.tasks]
    return Reply(parcel.worker, "", tuple(answers))
