"""From results to the gradebook, in batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from grading.results import Result
from grading.runs._classes import ClassPort

if TYPE_CHECKING:
    from grading.classroom import Learner
    from grading.gradebook import Overruled, Record
    from grading.journal import Entry, Journal

__all__ = ["BATCH", "BATCH_S", "Recorder"]

BATCH = 64
"""Results in one transaction, at most."""

BATCH_S = 0.5
"""Seconds that a result waits for its transaction, while others come."""


class Recorder:
    """Gathers results, writes them in one transaction, and notes in the journal that it did.

    Parameters
    ----------
    port : ClassPort
        The class.
    journal : Journal
        Is told what stands in the gradebook.
    writer : Writer
        Writes into the gradebook.
    refuse : callable, optional
        Is told what could not be written, one sentence for each place.
    tell : callable, optional
        Is told where a person's points stand in place of the machine's, one sentence each.
    clock : callable, optional
        Seconds that only grow.
    """

    def __init__(
        self,
        port: ClassPort,
        journal: Journal,
        writer: Any,
        *,
        refuse: Callable[[str], None] = lambda _: None,
        tell: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port = port
        self._journal = journal
        self._writer = writer
        self._refuse = refuse
        self._tell = tell
        self._clock = clock
        self._first_s = 0.0
        self._batch: list[tuple[Entry, Result]] = []
        self._registered: set[str] = set()
        self._set_aside: set[str] = set()

    def add(self, entry: Entry, result: Result) -> None:
        """Take a result; a full batch is written.

        Parameters
        ----------
        entry : Entry
            Whose it is.
        result : Result
            As the journal holds it. An ``infra_error`` says nothing about a submission, and is
            not written.
        """
        if result.status == "infra_error" or entry.id in self._set_aside:
            return
        if not self._batch:
            self._first_s = self._clock()
        self._batch.append((entry, result))
        if len(self._batch) >= BATCH:
            self.flush()

    def flush_if_due(self) -> None:
        """Write what has waited long enough."""
        if self._batch and self._clock() - self._first_s >= BATCH_S:
            self.flush()

    def flush(self) -> None:
        """Write everything that was taken.

        What cannot be put in its place is set aside with a sentence, so that it costs nobody else
        anything; the journal keeps it as unrecorded, and the next run tries again.
        """
        found = self._records()
        if found:
            records = [record for _, record in found]
            ids = [id_ for id_, _ in found]
            self._journal.recorded(self._written(records, ids))
        self._batch.clear()

    def _written(self, records: list[Any], ids: list[str]) -> list[str]:
        """Write a batch at once, or else one by one; returns the ids of what stands."""
        from grading.gradebook import PlaceRefusal

        try:
            self._tell_of(records, self._writer.record(records))
        except PlaceRefusal:
            written = []
            for record, id_ in zip(records, ids, strict=True):
                try:
                    self._tell_of([record], self._writer.record([record]))
                    written.append(id_)
                except PlaceRefusal as refusal:
                    self._set_aside.add(id_)
                    self._refuse(str(refusal))
            return written
        return ids

    def _tell_of(self, records: list[Record], found: dict[tuple[str, str], Any]) -> None:
        """Say whose machine scores do not count, and what counts in their place."""
        if not found:  # as nearly always
            return
        last = {(each.learner.id, each.slug): each for each in records}
        for (who, slug), cells in found.items():
            counts = self._writer.standings(slug, [who])[who].points
            self._tell(f"{who}, {slug}: {_overruled(last[who, slug].result, cells, counts)}")

    def _records(self) -> list[tuple[str, Record]]:
        """Make what is written of the batch, by ids of entries; late policies are asked once."""
        from grading.gradebook import Record  # nbgrader takes seconds to import

        by_slug: dict[str, list[tuple[Entry, Result, Learner]]] = {}
        for entry, result in self._batch:
            learner = self._port.learner(entry.learner)
            if learner is not None:
                by_slug.setdefault(entry.slug, []).append((entry, result, learner))
        found = []
        for slug, several in by_slug.items():
            if slug not in self._registered:
                self._writer.register(self._port.version(slug), self._port.due(slug))
                self._registered.add(slug)
            hands = [(learner, entry.handed_in) for entry, _, learner in several]
            penalties = self._port.penalties(slug, hands)
            for (entry, result, learner), penalty in zip(several, penalties, strict=True):
                folder = self._port.autograded(learner.id, slug)
                found.append((
                    entry.id,
                    Record(
                        learner=learner,
                        slug=slug,
                        result=result,
                        handed_in=entry.handed_in,
                        autograded_dir=folder,
                        penalty=penalty,
                    ),
                ))
        return found


def _overruled(result: Result, cells: list[Overruled], counts: float) -> str:
    known = {(book.name, cell.grade_id): cell for book in result.notebooks for cell in book.cells}
    phrases = []
    for each in cells:
        cell = known.get((each.notebook, each.grade_id))
        name = each.grade_id if cell is None else cell.exercise or cell.grade_id
        most = "" if cell is None else f" of {cell.max_score:g}"
        phrases.append(
            f"{each.by_person:g}{most} for {name}, where the machine gives {each.by_machine:g}"
        )
    return (
        f"a person's points stand in place of the machine's ({'; '.join(phrases)}): {counts:g} of "
        f"{result.max_points:g} count before lateness; look at it in formgrader."
    )
