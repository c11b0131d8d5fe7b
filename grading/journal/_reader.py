"""Reading a journal: what is left to do, and what came of the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from grading.journal._entry import Entry
from grading.journal._index import Index
from grading.journal._lines import read_at, read_lines
from grading.journal._objects import ObjectStore
from grading.refusals import Refusal
from grading.results import Result

__all__ = ["FORMAT", "Reader"]

FORMAT = 1
"""Of the journal's lines; another number is another format."""


class Reader:
    """Reads a journal without a lock. Iterators read as they go, also while lines are added.

    Parameters
    ----------
    folder : Path
        Where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "journal.jsonl"
        self._objects = ObjectStore(self.folder / "objects")
        self._index = Index()
        self._reading: BinaryIO | None = None
        self._end = 0  # of the last whole line
        self._forgetting: str | None = None
        self._handed_out: dict[str, str] = {}  # result by entry id, as `unrecorded` gave them

    def __len__(self) -> int:
        """Count entries."""
        return self._index.n_entries

    def pending(self) -> Iterator[Entry]:
        """Iterate over entries that want grading.

        Those are accepted and not done, those whose result is an ``infra_error``, and those whose
        result was lost by the disk before it was recorded.

        Yields
        ------
        Entry
            In the order in which they were accepted.
        """
        index = self._index
        for row in range(len(index)):
            if not index.is_there(row):
                continue
            if index.is_final(row) and not index.is_recorded(row):
                name = self._line(index.done_at(row))["result"]
                if not self._objects.has(name):
                    index.undo(row)
            if not index.is_final(row):
                yield self._entry(row)

    def unrecorded(self, *, overtaken: bool = False) -> Iterator[tuple[Entry, Result]]:
        """Iterate over results that the gradebook does not hold yet.

        Parameters
        ----------
        overtaken : bool, default False
            Give also those of learners from whom something accepted later stands in the gradebook
            already. Recording them would bring an older attempt back.

        Yields
        ------
        entry : Entry
            In the order in which they were accepted.
        result : Result
            What came of it.
        """
        index = self._index
        for row in range(len(index)):
            if not index.is_there(row) or not index.is_done(row) or index.is_recorded(row):
                continue
            if index.is_overtaken(row) and not overtaken:
                continue
            line = self._line(index.done_at(row))
            result = self._result(line["result"])
            if result is None:
                index.undo(row)
                continue
            self._handed_out[line["id"]] = line["result"]
            yield self._entry(row), result

    def entries(
        self, slug: str | None = None, learner: str | None = None, *, latest: bool = False
    ) -> Iterator[Entry]:
        """Iterate over entries.

        Parameters
        ----------
        slug : str, optional
            Only of this assignment.
        learner : str, optional
            Only of the learner with this random key.
        latest : bool, default False
            Only what was accepted last from each learner for each assignment.

        Yields
        ------
        Entry
            In the order in which they were accepted last.
        """
        index = self._index
        for row in range(len(index)):
            if not index.is_there(row) or (latest and not index.is_newest(row)):
                continue
            entry = self._entry(row)
            if slug in {None, entry.slug} and learner in {None, entry.learner}:
                yield entry

    def entry(self, entry_id: str) -> Entry | None:
        """Look an entry up.

        Parameters
        ----------
        entry_id : str
            Its id.

        Returns
        -------
        Entry or None
            None if it is not known.
        """
        row = self._index.row(entry_id)
        return None if row is None else self._entry(row)

    def files(self, entry: Entry) -> dict[str, bytes]:
        """Return what was handed in.

        Parameters
        ----------
        entry : Entry
            An entry of this journal.

        Returns
        -------
        dict of str to bytes
            Contents by file name.

        Raises
        ------
        Refusal
            If the entry or one of its files is gone.
        """
        row = self._index.row(entry.id)
        names = {} if row is None else self._line(self._index.accepted_at(row))["files"]
        found = {name: self._objects.get(object_) for name, object_ in names.items()}
        files = {name: data for name, data in found.items() if data is not None}
        if row is None or len(files) < len(found):
            msg = (
                f"{self.folder}: a file that was handed in for {entry.slug} is gone or damaged. "
                "Collect the submissions again; what is known as done stays."
            )
            raise Refusal(msg)
        return files

    def result(self, key: str) -> Result | None:
        """Look up what a piece of work came to: the same key gives the same result.

        Parameters
        ----------
        key : str
            `Result.key`.

        Returns
        -------
        Result or None
            None if it is not done. An ``infra_error`` is no result of the work, and not given.
        """
        row = self._index.row_of_key(key)
        if row is None:
            return None
        return self._result(self._line(self._index.done_at(row))["result"])

    def result_of(self, entry: Entry) -> Result | None:
        """Return the result of an entry, an ``infra_error`` too.

        Parameters
        ----------
        entry : Entry
            An entry of this journal.

        Returns
        -------
        Result or None
            None if it is not done.
        """
        name = self._result_name(entry.id)
        return self._result(name) if name else None

    def is_recorded(self, entry: Entry) -> bool:
        """Tell whether the result of an entry stands in the gradebook.

        Parameters
        ----------
        entry : Entry
            An entry of this journal.

        Returns
        -------
        bool
            False also for an unknown entry.
        """
        row = self._index.row(entry.id)
        return row is not None and self._index.is_recorded(row)

    def refresh(self) -> None:
        """Read what the writer has added since."""
        if not self.path.exists():
            return
        opened = None if self._reading is None else os.fstat(self._reading.fileno()).st_ino
        if opened != self.path.stat().st_ino:
            self._load()
        else:
            self._read_on()

    def _load(self) -> None:
        """Read from the start."""
        self._index = Index()
        self._end = 0
        self._forgetting = None
        if self._reading is not None:
            self._reading.close()
        self._reading = self.path.open("rb")
        self._read_on()

    def _read_on(self) -> None:
        for at, stop, content in read_lines(self._file, self.path, self._end):
            if content["do"] == "journal" and content["format"] != FORMAT:
                msg = f"{self.path}: a newer version of the course wrote it. Update this one."
                raise Refusal(msg)
            if content["do"] == "forgetting":
                self._forgetting = content["learner"]
            self._index.add(at, content)
            self._end = stop

    @property
    def _file(self) -> BinaryIO:
        if self._reading is None:
            message = f"{self.path} is closed"
            raise ValueError(message)
        return self._reading

    def _line(self, at: int) -> dict[str, Any]:
        return read_at(self._file, at)

    def _entry(self, row: int) -> Entry:
        return Entry.from_dict(self._line(self._index.accepted_at(row))["entry"])

    def _result_name(self, entry_id: str) -> str:
        row = self._index.row(entry_id)
        if row is None or not self._index.is_done(row):
            return ""
        name: str = self._line(self._index.done_at(row))["result"]
        return name

    def _result(self, name: str) -> Result | None:
        data = self._objects.get(name)
        return None if data is None else Result.from_json(data.decode("ascii"))
