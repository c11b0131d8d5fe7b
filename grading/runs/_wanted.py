"""A submission on its way from its file to the gradebook."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from grading.engine import Job
from grading.results import Result

if TYPE_CHECKING:
    from grading.journal import Entry

__all__ = ["Wanted", "first_key", "next_entry"]


@dataclass(frozen=True)
class Wanted:
    """A submission that wants a result.

    Attributes
    ----------
    entry : Entry
        Whose, and which work it is.
    job : Job
        The work; its ``entry_id`` is the entry's.
    work : str
        The key that the result of the job will carry.
    again : bool
        Whether it is run even if its result is known.
    onto : Result or None
        Where the job judges only some exercises: the result that the others are taken from.
    beside : tuple of str or None
        What the learner is told about files that lay beside it; None to keep what was told before.
    """

    entry: Entry
    job: Job = field(repr=False)
    work: str
    again: bool = False
    onto: Result | None = field(default=None, repr=False)
    beside: tuple[str, ...] | None = None

    @property
    def waiting(self) -> Wanted:
        """The same without the files, which the engine has now."""
        return replace(self, job=replace(self.job, files={}))


def first_key(entry: Entry) -> str:
    """Name the work of an entry, however often it has come to count.

    Parameters
    ----------
    entry : Entry
        Of the journal.

    Returns
    -------
    str
        The key of its job.
    """
    return entry.key.partition(".")[0]


def next_entry(entry: Entry) -> Entry:
    """Make the entry under which the same work counts with a better result than it had.

    A journal keeps the first result of an entry, so a better one stands under another entry. Its
    key says which one it is: that of the work, a point and a number.

    Parameters
    ----------
    entry : Entry
        Of the journal.

    Returns
    -------
    Entry
        Of the same learner, attempt and submission.
    """
    first, _, number = entry.key.partition(".")
    return type(entry).of(
        key=f"{first}.{int(number or 0) + 1}",
        learner=entry.learner,
        slug=entry.slug,
        attempt=entry.attempt,
        handed_in=entry.handed_in,
        submission=entry.submission,
    )
