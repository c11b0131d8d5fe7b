"""A submission on its way from its file to the gradebook."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from grading.engine import Job

if TYPE_CHECKING:
    from grading.journal import Entry

__all__ = ["Wanted"]


@dataclass(frozen=True)
class Wanted:
    """A submission that wants a result.

    Attributes
    ----------
    entry : Entry
        Whose, and which work it is.
    job : Job
        The work; its ``entry_id`` is the entry's.
    again : bool
        Whether it is run even if its result is known, to see that it stays the same.
    """

    entry: Entry
    job: Job = field(repr=False)
    again: bool = False

    @property
    def waiting(self) -> Wanted:
        """The same without the files, which the engine has now."""
        return replace(self, job=replace(self.job, files={}))
