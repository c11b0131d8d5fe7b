"""Which hand-in of a learner counts: the last or the first, but a readable one if there is any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from grading.journal import Entry, Journal
    from grading.limits import Limits
    from grading.runs._attempts import Attempts
    from grading.runs._wanted import Wanted

__all__ = ["counts_instead", "fault_of"]


def counts_instead(
    journal: Journal,
    known: Attempts,
    wanted: Wanted,
    attempts: Literal["last", "best", "first"],
) -> tuple[Entry | None, str]:
    """Find the hand-in that counts in place of what came now.

    Parameters
    ----------
    journal : Journal
        The class's.
    known : Attempts
        Of the same journal.
    wanted : Wanted
        What came now.
    attempts : {"last", "best", "first"}
        Which of several attempts counts.

    Returns
    -------
    other : Entry or None
        None if what came now counts, or is compared with the others.
    fault : str
        Why what came now cannot be read, if that is the reason.
    """
    entry = wanted.entry
    if attempts == "best" or entry.handed_in is None:
        return None, ""
    others = []
    if attempts == "last":  # looked into only for who handed in more than once
        others = known.others(entry.learner, entry.slug, {(entry.attempt, entry.submission)})
    timed = [(each.handed_in, each) for each in others if each.handed_in is not None]
    if not timed:
        return known.before(entry, attempts), ""
    timed.reverse()  # of one time, what was accepted last goes first
    timed.sort(key=_when, reverse=True)
    later = [each for when, each in timed if when > entry.handed_in]
    for each in later:
        if not _was_unreadable(journal, each):
            return each, ""
    fault = _fault(journal, wanted)
    if not fault:
        return None, ""
    for _, each in timed[len(later) :]:
        if not _was_unreadable(journal, each):
            return each, fault
    return known.before(entry, attempts), ""


def _when(timed: tuple[datetime, Entry]) -> datetime:
    return timed[0]


def _was_unreadable(journal: Journal, entry: Entry) -> bool:
    result = journal.result_of(entry)
    return result is not None and result.status == "invalid_submission"


def _fault(journal: Journal, wanted: Wanted) -> str:
    result = journal.result_of(wanted.entry)
    if result is not None and result.status not in {"invalid_submission", "infra_error"}:
        return ""
    return fault_of(wanted.job.files, wanted.entry.slug, wanted.job.limits)


def fault_of(files: Mapping[str, bytes], slug: str, limits: Limits) -> str:
    """Say why a submission cannot be read; empty if it can, or if that is for the worker to say.

    Parameters
    ----------
    files : mapping of str to bytes
        What was handed in.
    slug : str
        For which assignment.
    limits : Limits
        Sizes that are read at all.

    Returns
    -------
    str
        A sentence.
    """
    from grading.broker._reading import InvalidSubmissionError, read_handed

    try:
        read_handed(files, slug, limits)
    except InvalidSubmissionError as error:
        return str(error)
    except Exception:  # ruff: ignore[blind-except]  whatever it is, the worker meets it and says so
        return ""
    return ""
