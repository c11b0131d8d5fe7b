"""The workers of a Dask scheduler.

The scheduler keeps what was submitted until its result is here, so a job whose worker is lost is
begun again on another one. Dask's messages are pickled: whoever can reach the scheduler controls
every worker. Learners' code cannot reach it, since a sandbox has no network; still, use TLS
addresses wherever others share the network.
"""

from __future__ import annotations

import contextlib
import queue
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from types import TracebackType
from typing import Any, Self

from grading.engine._carrying import Carried, carry, put_down
from grading.engine._jobs import MAX_TRIES, Ended, Job, Version, Work, failed, log
from grading.engine._work import work
from grading.limits import Limits
from grading.refusals import Refusal
from grading.results import Result

__all__ = ["DaskCluster"]

_HELD_EACH = 2
"""Jobs at a worker: the one that it works on, and the next, so that it never waits for us."""

_REPLY_S = 30.0
_LOOK_S = 2.0
"""How long a scheduler and its first worker may take to answer."""


@dataclass
class _Task:
    job: Job
    tries: int = 0
    future: Any = None
    worker: str = ""


class DaskCluster:
    """Grade on the workers of a running Dask scheduler.

    Every worker grades one submission at a time, however many threads it has. The version travels
    once to each worker and then stays there, with the sources of exercises of the instructor's own;
    what travels for a job are its files and its id.

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
        ours = _state()
        for address, (state, why_not) in self._client.run(_examined).items():
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
            At most two for each worker are held at a time.
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
        source = iter(jobs)
        running: dict[str, _Task] = {}
        try:
            while True:
                while len(running) < self._window() and (job := next(source, None)) is not None:
                    self._submit(_Task(job), running)
                if not running:
                    break
                try:
                    future = self._ended.get(timeout=idle_s)
                except queue.Empty:
                    yield None
                    continue
                yield from self._collect(future, running)
        finally:
            for task in running.values():
                with contextlib.suppress(Exception):  # the scheduler may be gone
                    task.future.cancel()

    def _window(self) -> int:
        """Say how many jobs to hold; asking the scheduler for each job would take its time."""
        if time.monotonic() >= self._look_again_s:
            self._workers = list(self._client.scheduler_info(n_workers=-1)["workers"])
            self._look_again_s = time.monotonic() + _LOOK_S
        return _HELD_EACH * max(1, len(self._workers))

    def _least_busy(self, running: Mapping[str, _Task]) -> list[str] | None:
        """Choose a worker; None leaves it to the scheduler, if there is nobody to be chosen."""
        # Left alone, the scheduler sends jobs to whoever holds their version already, and moves
        # them to idle workers later: with two workers, one second of five was lost.
        held = Counter(task.worker for task in running.values())
        return [min(self._workers, key=lambda each: held[each])] if self._workers else None

    def _submit(self, task: _Task, running: dict[str, _Task]) -> None:
        job = task.job
        key = job.version.hash
        if key not in self._versions:
            # A task and not scattered data: if the last worker that holds it is lost, the
            # scheduler makes it again. Its key is this session's, so that nothing is left behind.
            self._versions[key] = self._client.submit(
                _hold, carry(job.version), key=f"version-{key[:16]}-{self._session}", pure=False
            )
        chosen = self._least_busy(running)
        task.worker = chosen[0] if chosen else ""
        task.future = self._client.submit(
            _work_on,
            self._versions[key],
            key,
            job.entry_id,
            dict(job.files),
            job.limits,
            job.unsafe,
            job.exercises,
            self._work,
            key=f"grade-{job.entry_id}-{self._session}-{task.tries}",
            pure=False,
            workers=chosen,
            allow_other_workers=chosen is not None,  # if that one is lost
        )
        running[task.future.key] = task
        task.future.add_done_callback(self._ended.put)

    def _collect(self, future: Any, running: dict[str, _Task]) -> Iterator[tuple[str, Result]]:
        task = running.pop(future.key, None)
        if task is None:  # of a run that was left early
            return
        task.tries += 1
        cause = "the connection to the scheduler was lost"
        if future.status == "finished":
            result: Result = future.result()
            if result.status != "infra_error" or task.tries >= MAX_TRIES:
                yield task.job.entry_id, result
                return
            cause = result.message
        elif future.status == "error":
            error = future.exception()
            if isinstance(error, _WorkerRefusal):
                raise error
            cause = f"grading it ended in {type(error).__name__}"
            if type(error).__name__ == "KilledWorker":  # the scheduler has tried often enough
                cause, task.tries = "it lost its worker again and again", MAX_TRIES
        elif self._client.status != "running":
            msg = (
                "nncourse grade: the connection to the scheduler was lost. What is graded is "
                "safe; start the scheduler and run the same command again."
            )
            raise Refusal(msg)
        log.warning("job %s, try %d: %s", task.job.entry_id, task.tries, cause)
        if task.tries >= MAX_TRIES:
            yield task.job.entry_id, failed(task.job, cause, task.tries)
        else:
            self._submit(task, running)

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


# ---------------------------------------------------------------- in a worker


def _state() -> str:
    """Name the state of the course here: graders that differ would give other results."""
    from grading.assignments import code_hash

    return code_hash()


def _examined() -> tuple[str, str | None]:
    from grading.sandbox import why_unavailable

    return _state(), why_unavailable()


class _WorkerRefusal(Refusal):
    """Say that a worker lacks something, so that no job can end well there."""


def _hold(carried: Carried) -> Carried:
    return carried  # not yet put down: what is held on one worker may go on to another


_held: dict[str, Version] = {}


@cache
def _bench() -> ThreadPoolExecutor:
    """One thread for all jobs: one submission at a time, and sandboxes that die with one thread."""
    return ThreadPoolExecutor(1, "grading")


def _work_on(
    carried: Carried,
    version_hash: str,
    entry_id: str,
    files: Mapping[str, bytes],
    limits: Limits,
    unsafe: bool,
    exercises: frozenset[str] | None,
    work: Work,
) -> Result:
    try:
        version = _bench().submit(_found, version_hash, carried).result()
    except Refusal as refusal:
        from distributed import get_worker

        msg = (
            f"worker {get_worker().address}: exercises of your own do not load there. {refusal} "
            "What they import has to be installed on every worker; then run the same command again."
        )
        raise _WorkerRefusal(msg) from refusal
    job = Job(entry_id, files, version, limits, unsafe, exercises)
    result = _bench().submit(work, job).result()
    if result.version not in {version_hash, ""}:
        return replace(result, status="infra_error", message=_DIFFERS)
    return result


def _found(version_hash: str, carried: Carried) -> Version:
    if version_hash not in _held:  # one object, so that what it caches stays
        _held[version_hash] = put_down(carried)
    return _held[version_hash]


_DIFFERS = (
    "This submission was graded by a worker with another state of the course, so the result does "
    "not count. Install the same version on every machine and grade it again."
)
