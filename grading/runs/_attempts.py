"""Which hand-ins a journal knows of each learner, so that the right one of them counts."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from grading.journal import Entry, Journal

__all__ = ["Attempts", "Hand"]

Hand = tuple[int, str]
"""A hand-in: which attempt it is, and the hash of what was handed in.

It has an entry for each version, and for each limit, that it was held to.
"""


class Attempts:
    """All hand-ins of a journal, by learner and assignment.

    Parameters
    ----------
    journal : Journal
        Read once; a third of a kilobyte an entry is kept.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[tuple[str, str], dict[Hand, tuple[datetime | None, str]]] = {}
        for entry in journal.entries():
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Take an entry in as the one that stands for its hand-in.

        Parameters
        ----------
        entry : Entry
            Of the journal.
        """
        known = self._known.setdefault((entry.learner, entry.slug), {})
        hand = entry.attempt, entry.submission
        known.pop(hand, None)
        known[hand] = entry.handed_in, entry.id

    def last_but(self, entry: Entry) -> str:
        """Find what was accepted last, if it is another hand-in of the same learner.

        Parameters
        ----------
        entry : Entry
            What came now.

        Returns
        -------
        str
            Id of its entry; empty if there is none.
        """
        known = self._known.get((entry.learner, entry.slug))
        if not known:
            return ""
        hand = next(reversed(known))
        return "" if hand == (entry.attempt, entry.submission) else known[hand][1]

    def before(self, entry: Entry, attempts: Literal["last", "first"]) -> Entry | None:
        """Find the hand-in that goes before another one.

        Parameters
        ----------
        entry : Entry
            What came now; the journal need not know it.
        attempts : {"last", "first"}
            Whether the last hand-in counts, or the first.

        Returns
        -------
        Entry or None
            None if `entry` counts. Of several of one time, the one that was accepted last.
        """
        came = entry.handed_in
        if came is None:
            return None
        hand = entry.attempt, entry.submission
        known = self._known.get((entry.learner, entry.slug), {})
        others = [
            (when, id_)
            for other, (when, id_) in reversed(known.items())
            if when is not None and other != hand
        ]
        if attempts == "last":
            when, id_ = max(others, key=lambda one: one[0], default=(came, ""))
            return self._journal.entry(id_) if when > came else None
        when, id_ = min(others, key=lambda one: one[0], default=(came, ""))
        return self._journal.entry(id_) if when < came else None

    def others(self, learner: str, slug: str, named: Collection[Hand]) -> list[Entry]:
        """List the hand-ins that are known beside those of a run.

        Parameters
        ----------
        learner : str
            The learner's random key.
        slug : str
            The assignment.
        named : collection of Hand
            Those of the run.

        Returns
        -------
        list of Entry
            One for each hand-in, as it was accepted last.
        """
        known = self._known.get((learner, slug), {})
        found = (self._journal.entry(id_) for hand, (_, id_) in known.items() if hand not in named)
        return [entry for entry in found if entry is not None]
