"""From results to the gradebook, in batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from grading.results import Result
from grading.runs._classes import ClassPort

if TYPE_CHECKING:
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port = port
        self._journal = journal
        self._writer = writer
        self._refuse = refuse
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
        records, ids = [], []
        for entry, result in self._batch:
            record = self._record(entry, result)
            if record is not None:
                records.append(record)
                ids.append(entry.id)
        if records:
            self._journal.recorded(self._written(records, ids))
        self._batch.clear()

    def _written(self, records: list[Any], ids: list[str]) -> list[str]:
        """Write a batch at once, or else one by one; returns the ids of what stands."""
        from grading.gradebook import PlaceRefusal

        try:
            self._writer.record(records)
        except PlaceRefusal:
            written = []
            for record, id_ in zip(records, ids, strict=True):
                try:
                    self._writer.record([record])
                    written.append(id_)
                except PlaceRefusal as refusal:
                    self._set_aside.add(id_)
                    self._refuse(str(refusal))
            return written
        return ids

    def _record(self, entry: Entry, result: Result) -> Any:
        from grading.gradebook import Record  # nbgrader takes seconds to import

        learner = self._port.learner(entry.learner)
        if learner is None:
            return None
        if entry.slug not in self._registered:
            self._writer.register(self._port.version(entry.slug), self._port.due(entry.slug))
            self._registered.add(entry.slug)
        return Record(
            learner=learner,
            slug=entry.slug,
            result=result,
            handed_in=entry.handed_in,
            autograded_dir=self._port.autograded(learner.id, entry.slug),
            penalty=self._port.penalty(learner, entry.slug, result, entry.handed_in),
        )
