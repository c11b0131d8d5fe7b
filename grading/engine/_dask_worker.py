"""What runs inside a worker of Dask: it hands submissions to a worker process of its own.

That process is the one of `grading.engine.ProcessPool`. So neither Dask's threads nor its memory
come between a submission and its sandbox, and a grader that dies or hangs costs one try of one
submission, and not the worker.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

from grading.engine._carrying import Carried, put_down
from grading.engine._jobs import Job, Version, Work
from grading.engine._process import WorkerProcess
from grading.refusals import Refusal
from grading.results import Result

__all__ = ["Answer", "WorkerRefusal", "examined", "hold", "state", "work_on"]

_PARCEL_S = 2.0
"""Seconds after which a worker hands back what it has not begun, so that others may take it."""

_DIFFERS = (
    "This submission was graded by a worker with another state of the course, so the result does "
    "not count. Install the same version on every machine and grade it again."
)


@dataclass(frozen=True)
class Answer:
    """What became of one submission of a parcel.

    Attributes
    ----------
    entry_id : str
        The job's.
    result : Result or None
        Its result.
    cause : str
        Without a result, what happened, as a clause.
    """

    entry_id: str
    result: Result | None
    cause: str = ""


class WorkerRefusal(Refusal):
    """Say that a worker lacks something, so that no job can end well there."""


def state() -> str:
    """Name the state of the course here: graders that differ would give other results.

    Returns
    -------
    str
        A hash of the code.
    """
    from grading.assignments import code_hash

    return code_hash()


def examined() -> tuple[str, str | None]:
    """Look at this machine.

    Returns
    -------
    state : str
        As `state`.
    why_not : str or None
        Why submissions cannot be isolated here.
    """
    from grading.sandbox import why_unavailable

    return state(), why_unavailable()


def hold(carried: Carried) -> Carried:
    """Keep a version in the cluster.

    Parameters
    ----------
    carried : Carried
        Not yet put down: what is held on one worker may go on to another.

    Returns
    -------
    Carried
        The same.
    """
    return carried


def work_on(
    held: Mapping[str, Carried], parcel: Sequence[tuple[Job, str]], work: Work
) -> list[Answer]:
    """Work on some submissions, one after another.

    Parameters
    ----------
    held : mapping of str to Carried
        The versions, by their hashes at the coordinator.
    parcel : sequence of (Job, str)
        Jobs without their versions, and these versions' hashes.
    work : callable
        What to do with a job.

    Returns
    -------
    list of Answer
        Of the first job at least; when time is up, the others are left for another parcel.

    Raises
    ------
    WorkerRefusal
        If exercises of the instructor's own do not load here.
    """
    # One thread for all parcels, however many threads this worker has: one submission at a time.
    try:
        return _bench().submit(_work_off, held, parcel, work).result()
    except Refusal as refusal:
        from distributed import get_worker  # knows this thread, and not that of the bench

        msg = (
            f"worker {get_worker().address}: exercises of your own do not load there. {refusal} "
            "What they import has to be installed on every worker; then run the same command again."
        )
        raise WorkerRefusal(msg) from refusal


def _work_off(
    held: Mapping[str, Carried], parcel: Sequence[tuple[Job, str]], work: Work
) -> list[Answer]:
    begun_s = time.monotonic()
    answers: list[Answer] = []
    for bare, version_hash in parcel:
        if answers and time.monotonic() - begun_s > _PARCEL_S:
            break
        job = replace(bare, version=_found(version_hash, held[version_hash]))
        answer = _answer(job, work)
        result = answer.result
        if result is not None and result.version not in {version_hash, ""}:
            result = replace(result, status="infra_error", message=_DIFFERS)
        answers.append(replace(answer, result=result))
    return answers


def _answer(job: Job, work: Work) -> Answer:
    process = _Process.of(work)
    process.send(job)
    ready = False
    while True:
        try:
            if not process.connection.poll(job.patience_s):
                _Process.end()
                return Answer(job.entry_id, None, "its worker did not answer any more")
            kind, *content = process.connection.recv()
        except (EOFError, OSError):
            ending = _Process.end()
            when = "" if ready else ", perhaps before it was ready"
            return Answer(job.entry_id, None, f"its worker died ({ending}{when})")
        if kind == "result":
            return Answer(job.entry_id, content[1])
        if kind == "raised":
            return Answer(job.entry_id, None, f"grading it ended in {content[1]}")
        ready = True


class _Process:
    """The worker process of this worker, kept from parcel to parcel."""

    _now: tuple[Work, WorkerProcess] | None = None

    @classmethod
    def of(cls, work: Work) -> WorkerProcess:
        if cls._now is not None and cls._now[0] != work:
            cls.end(10.0)
        if cls._now is None:
            cls._now = work, WorkerProcess(work)
        return cls._now[1]

    @classmethod
    def end(cls, patience_s: float = 0.0) -> str:
        if cls._now is None:
            return ""
        process, cls._now = cls._now[1], None
        if patience_s:
            process.dismiss()
        return process.end(patience_s)


_put_down: dict[str, Version] = {}


def _found(version_hash: str, carried: Carried) -> Version:
    if version_hash not in _put_down:  # one object, so that what it caches stays
        _put_down[version_hash] = put_down(carried)
    return _put_down[version_hash]


@cache
def _bench() -> ThreadPoolExecutor:
    atexit.register(_Process.end, 10.0)
    return ThreadPoolExecutor(1, "grading")
