"""What a worker does with a job: hand it to the grader of its version's type.

The sandboxes of a process stay warm between jobs. They live as long as the process.
"""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, cast

from grading.assignments import AssignmentVersion
from grading.engine._jobs import Job
from grading.results import Result

if TYPE_CHECKING:
    from grading.kernel import CourseVersion, Kernels
    from grading.sandbox import Sandboxes

__all__ = ["close_sandboxes", "key_of", "work"]

_warm: dict[tuple[str, bool], Any] = {}
"""By kind, and whether they may run without isolation."""


def work(job: Job) -> Result:
    """Grade one submission in this process.

    Parameters
    ----------
    job : Job
        The submission and its version: an `AssignmentVersion` goes to `grading.broker`, any other
        to `grading.kernel`.

    Returns
    -------
    Result
        The outcome.
    """
    if isinstance(job.version, AssignmentVersion):
        from grading.broker import grade  # each worker loads only what its jobs need

        sandboxes = _sandboxes(unsafe=job.unsafe)
        return grade(job.files, job.version, job.limits, sandboxes, job.exercises)
    from grading.kernel import grade as grade_course

    version = cast("CourseVersion", job.version)
    return grade_course(job.files, version, job.limits, _kernels(unsafe=job.unsafe))


def key_of(job: Job) -> str:
    """Name the work of a job: the same key means the same result.

    Parameters
    ----------
    job : Job
        The submission and its version.

    Returns
    -------
    str
        The ``key`` that its result will carry.
    """
    mark: Literal["none", "bubblewrap"] = "none" if job.unsafe else "bubblewrap"
    if isinstance(job.version, AssignmentVersion):
        from grading.broker import result_key

        return result_key(job.files, job.version, job.limits, mark, job.exercises)
    from grading.kernel import result_key as course_result_key

    return course_result_key(job.files, cast("CourseVersion", job.version), job.limits, mark)


def close_sandboxes() -> None:
    """End the warm sandboxes of this process; a later job starts new ones."""
    while _warm:
        _, sandboxes = _warm.popitem()
        sandboxes.close()


def _sandboxes(*, unsafe: bool) -> Sandboxes:
    from grading.sandbox import Sandboxes  # Linux only

    return cast("Sandboxes", _kept("broker", unsafe, lambda: Sandboxes(unsafe=unsafe)))


def _kernels(*, unsafe: bool) -> Kernels:
    from grading.kernel import Kernels  # Linux only

    return cast("Kernels", _kept("kernel", unsafe, lambda: Kernels(unsafe=unsafe)))


def _kept(kind: str, unsafe: bool, make: Callable[[], Any]) -> Any:
    if (kind, unsafe) not in _warm:
        if not _warm:
            atexit.register(_close_quietly)
        _warm[kind, unsafe] = make()
    return _warm[kind, unsafe]


def _close_quietly() -> None:
    with contextlib.suppress(Exception):  # the interpreter is ending: nobody could act on it
        close_sandboxes()
