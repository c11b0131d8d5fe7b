"""Work on jobs one after the other in this very process: for tests, and for a debugger."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from grading.engine._jobs import MAX_TRIES, Ended, Job, Work, failed, log
from grading.engine._work import close_sandboxes, work
from grading.results import Result

__all__ = ["InProcess"]


class InProcess:
    """Grade in this process, one job at a time.

    Parameters
    ----------
    work : callable, default `grading.engine.work`
        What to do with a job; a test gives another.
    """

    def __init__(self, *, work: Work = work) -> None:
        self._work = work

    def run(self, jobs: Iterable[Job], *, idle_s: float | None = None) -> Ended:
        """Grade jobs in their order, each when its result is asked for.

        Parameters
        ----------
        jobs : iterable of Job
            Read one at a time.
        idle_s : float or None
            Without meaning here.

        Yields
        ------
        (str, Result)
            Each job's ``entry_id`` with its result.
        """
        del idle_s
        for job in jobs:
            yield job.entry_id, self._graded(job)

    def _graded(self, job: Job) -> Result:
        cause = ""
        for attempt in range(1, MAX_TRIES + 1):
            try:
                result = self._work(job)
            except Exception as error:  # ruff: ignore[blind-except]  one job never ends the batch
                log.exception("job %s, try %d", job.entry_id, attempt)
                cause = f"grading it ended in {type(error).__name__}"
                continue
            if result.status != "infra_error" or attempt == MAX_TRIES:
                return result
        return failed(job, cause, MAX_TRIES)

    def close(self) -> None:
        """End the warm sandboxes of this process."""
        close_sandboxes()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()
