"""A job, how it is worked on, and what it becomes when the machinery fails."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Protocol

from grading.limits import Limits
from grading.results import Result

__all__ = [
    "MAX_TRIES",
    "Ended",
    "Engine",
    "Job",
    "Version",
    "Work",
    "bare",
    "failed",
    "submission_hash",
]

MAX_TRIES = 3
"""How often a job is begun before it ends as ``infra_error``."""

log = logging.getLogger("grading.engine")


class Version(Protocol):
    """What engines need of an `AssignmentVersion` or `CourseVersion`: plain data with a hash."""

    @property
    def hash(self) -> str:
        """Name of everything that decides about its grading."""


@dataclass(frozen=True)
class Job:
    """One submission to grade. It carries no name of a learner.

    Attributes
    ----------
    entry_id : str
        Names the job; the result comes back under it.
    files : mapping of str to bytes
        What was handed in, by file name.
    version : AssignmentVersion or CourseVersion
        What it is held to; its type decides who grades.
    limits : Limits
        How much of a machine it may use.
    unsafe : bool
        Whether it may run without isolation, where the machine has none.
    exercises : frozenset of str or None
        Judge only these; the result says nothing about the others. All without it, and of an
        nbgrader course, which is one piece, always.
    """

    entry_id: str
    files: Mapping[str, bytes] = field(repr=False)
    version: Version = field(repr=False)
    limits: Limits = field(default_factory=Limits)
    unsafe: bool = False
    exercises: frozenset[str] | None = None

    @property
    def patience_s(self) -> float:
        """Wall-clock seconds after which a worker counts as hung.

        The broker ends a submission at its own limit; this is for a broker that does not.
        """
        return 3.0 * self.limits.submission_s + 120.0


def bare(job: Job) -> Job:
    """Return a job without its version, as it travels to where the version is already."""
    without = copy(job)
    object.__setattr__(without, "version", None)  # frozen for everybody else
    return without


Work = Callable[[Job], Result]
"""What a worker does with a job."""

Ended = Iterator[tuple[str, Result] | None]
"""Results by ``entry_id`` as they come; None says that nothing ended for a while."""


class Engine(Protocol):
    """Runs jobs somewhere; every job ends in exactly one result, in no promised order."""

    def run(self, jobs: Iterable[Job], *, idle_s: float | None = None) -> Ended:
        """Grade jobs, taking them from the iterable as there is room.

        Parameters
        ----------
        jobs : iterable of Job
            Read lazily: few more are held than are worked on.
        idle_s : float or None
            If given, the iterator yields None whenever no result came for that many seconds, so
            that the caller can do something else.

        Returns
        -------
        iterator of (str, Result) or None
            Each job's ``entry_id`` with its result.
        """

    def close(self) -> None:
        """End all workers."""


def failed(job: Job, cause: str, tries: int) -> Result:
    """Make the result of a job that could not be graded, for no fault of the submission.

    Parameters
    ----------
    job : Job
        The job.
    cause : str
        What happened, as a clause: ``"its worker died (signal 9)"``.
    tries : int
        How often it was begun.

    Returns
    -------
    Result
        With status ``infra_error``, no notebooks, and a sentence.
    """
    log.error("job %s could not be graded: %s", job.entry_id, cause)
    times = "once" if tries == 1 else f"{tries} times"
    message = (
        f"This submission could not be graded: {cause}, {times} begun. It is not the learner's "
        "fault, and no score was recorded. Grade it again; if it stays so, look at the machine."
    )
    return Result(
        key="",
        submission=submission_hash(job.files),
        version=job.version.hash,
        status="infra_error",
        sandbox="none" if job.unsafe else "bubblewrap",
        message=message,
    )


def submission_hash(files: Mapping[str, bytes]) -> str:
    """Hash what was handed in: names and contents.

    Parameters
    ----------
    files : mapping of str to bytes
        By file name.

    Returns
    -------
    str
        SHA-256, as hex digits.
    """
    content = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode("utf-8", "surrogatepass"), files[name]):
            content.update(len(part).to_bytes(8, "big"))
            content.update(part)
    return content.hexdigest()
