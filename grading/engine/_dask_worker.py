"""What runs inside a worker of Dask: it hands submissions to a worker process of its own.

That process is the one of `grading.engine.ProcessPool`. So neither Dask's threads nor its memory
come between a submission and its sandbox, and a grader that dies or hangs costs one try of one
submission, and not the worker.
"""

from __future__ import annotations

import atexit
import hashlib
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from grading.engine._carrying import Carried, put_down
from grading.engine._jobs import Job, Version, Work
from grading.engine._process import WorkerProcess
from grading.refusals import Refusal
from grading.results import Result

__all__ = ["Answer", "Reply", "WorkerRefusal", "examined", "hold", "state", "work_on"]

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
    trace : str
        The traceback of a defect, for the log.
    """

    entry_id: str
    result: Result | None
    cause: str = ""
    trace: str = ""


@dataclass(frozen=True)
class Reply:
    """What a worker says of a parcel.

    Attributes
    ----------
    worker : str
        The address of who had it in the end.
    state : str
        Of the course there; with another state than the coordinator's, nothing was done.
    answers : tuple of Answer
        Of what was worked on; the rest is handed back.
    """

    worker: str
    state: str
    answers: tuple[Answer, ...] = ()


class WorkerRefusal(Refusal):
    """Say that a worker lacks something, so that no job can end well there."""


@cache
def state() -> str:
    """Name the state of the course here: graders that differ would give other results.

    Returns
    -------
    str
        A hash of all code of ``grading`` and ``nnlib``, and of the versions of what computes.
    """
    content = hashlib.sha256(sys.version.split()[0].encode())
    for library in ("numpy", "scipy"):
        content.update(metadata.version(library).encode())
    for package in ("grading", "nnlib"):
        found = find_spec(package)
        folder = Path(found.origin).parent if found and found.origin else Path(package)
        for path in sorted(folder.rglob("*.py")):
            name = path.relative_to(folder).as_posix()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            content.update(f"{package} {name} {digest}\n".encode())
    return content.hexdigest()


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
    held: Mapping[str, Carried], parcel: Sequence[tuple[Job, str]], expected: str, work: Work
) -> Reply:
    """Work on some submissions, one after another.

    Parameters
    ----------
    held : mapping of str to Carried
        The versions, by their hashes at the coordinator.
    parcel : sequence of (Job, str)
        Jobs without their versions, and these versions' hashes.
    expected : str
        The coordinator's `state`.
    work : callable
        What to do with a job.

    Returns
    -------
    Reply
        With an answer for the first job at least; when time is up, the others are left for another
        parcel. Without any if this worker's state is another one.

    Raises
    ------
    WorkerRefusal
        If exercises of the instructor's own do not load here.
    """
    from distributed import get_worker

    address = get_worker().address
    if state() != expected:
        return Reply(address, state())
    answers: list[Answer] = []
    with _one_at_a_time:
        begun_s = time.monotonic()
        for bare, version_hash in parcel:
            if answers and time.monotonic() - begun_s > _PARCEL_S:
                break
            try:
                version = _found(version_hash, held[version_hash])
            except Refusal as refusal:
                msg = (
                    f"worker {address}: exercises of your own do not load there. {refusal} What "
                    "they import has to be installed on every worker; then run the same command "
                    "again."
                )
                raise WorkerRefusal(msg) from refusal
            answers.append(_answer(replace(bare, version=version), version_hash, work))
    return Reply(address, expected, tuple(answers))


_one_at_a_time = threading.Lock()
"""However many threads this worker has."""


def _answer(job: Job, version_hash: str, work: Work) -> Answer:
    process = _Process.of(work)
    process.send(job)
    while True:
        try:
            if not process.connection.poll(job.patience_s):
                _Process.end()
                return Answer(job.entry_id, None, "its worker did not answer any more")
            kind, *content = process.connection.recv()
        except (EOFError, OSError):
            return Answer(job.entry_id, None, f"its worker died ({_Process.end()})")
        if kind == "raised":
            return Answer(job.entry_id, None, f"grading it ended in {content[1]}", content[2])
        if kind == "result":
            result: Result = content[1]
            if result.version not in {version_hash, ""}:
                result = replace(result, status="infra_error", message=_DIFFERS)
            return Answer(job.entry_id, result)


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


atexit.register(_Process.end)

_put_down: dict[str, Version] = {}


def _found(version_hash: str, carried: Carried) -> Version:
    if version_hash not in _put_down:  # one object, so that what it caches stays
        _put_down[version_hash] = put_down(carried)
    return _put_down[version_hash]
