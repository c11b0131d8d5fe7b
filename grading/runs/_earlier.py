"""What a submission was worth when it was graded before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from grading.results import Result

if TYPE_CHECKING:
    from grading.journal import Entry, Journal

__all__ = ["Earlier"]


class Earlier:
    """Finds results of the same submission among a journal's entries.

    A submission is what one learner handed in for one assignment, by its content: it has an entry
    for each version, and for each limit, that it was held to. An entry without a result, because
    the run that accepted it was killed, and an ``infra_error`` say nothing about it, and are
    passed over.

    Parameters
    ----------
    journal : Journal
        Read as results are asked for; only ids are kept, half a kilobyte a submission.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._ids: dict[tuple[str, str, str], list[str]] = {}
        for entry in journal.entries():
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Take an entry in as the newest of its submission.

        Parameters
        ----------
        entry : Entry
            Of the journal.
        """
        ids = self._ids.setdefault((entry.learner, entry.slug, entry.submission), [])
        if entry.id in ids:
            ids.remove(entry.id)
        ids.append(entry.id)

    def ids(self, entry: Entry) -> list[str]:
        """List the entries of a submission, of all that it was held to.

        Parameters
        ----------
        entry : Entry
            Of the submission.

        Returns
        -------
        list of str
            Ids, that of what was taken in last at the end.
        """
        return self._ids.get((entry.learner, entry.slug, entry.submission), [])

    def results(self, entry: Entry) -> Iterator[Result]:
        """Iterate over the results that a submission got under other entries.

        Parameters
        ----------
        entry : Entry
            Of the submission; its own result is not given.

        Yields
        ------
        Result
            The newest first, none of them an ``infra_error``.
        """
        for id_ in reversed([each for each in self.ids(entry) if each != entry.id]):
            other = self._journal.entry(id_)
            result = None if other is None else self._journal.result_of(other)
            if result is not None and result.status != "infra_error":
                yield result
