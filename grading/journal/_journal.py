"""The journal: what was handed in, what came of it, what stands in the gradebook."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from grading.journal import _disk
from grading.journal._entry import Entry
from grading.journal._forgetting import erase, take_out
from grading.journal._lines import to_line
from grading.journal._lock import Lock
from grading.journal._reader import FORMAT, Reader
from grading.results import Result

__all__ = ["Journal"]

_LINES_PER_SYNC = 64
_SECONDS_PER_SYNC = 0.5
_IDS_PER_LINE = 500


class Journal(Reader):
    """An append-only record of grading, from which everything continues after a crash.

    An entry goes from accepted to done to recorded. Each step is one checksummed line; submitted
    files and results lie beside, once each, under the hash of their content. Lines reach the
    operating system at once, so that a killed process loses none, and the disk in batches, so
    that a power failure loses little; what is lost is done again, with the same outcome.

    Use it from one thread. Iterators read as they go: they may be kept open while lines are added.

    Parameters
    ----------
    folder : Path
        Where it lies; made if absent.
    readonly : bool, default False
        Read beside a writer, without a lock. Call `refresh` to see what it has added.

    Raises
    ------
    Refusal
        If somebody else writes it, or a line before the last is damaged.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> entry = Entry.of(
    ...     key="k", learner="7f3a", slug="01-x", attempt=1, handed_in=None, submission="s"
    ... )
    >>> with Journal(folder) as journal:
    ...     journal.accept(entry, {"01-x.ipynb": b"{}"})
    ...     [pending.attempt for pending in journal.pending()]
    ...     journal.done(entry.id, Result("k", "s", "v", "ok"))
    True
    [1]
    True
    >>> with Journal(folder) as journal:
    ...     [(each.slug, result.status) for each, result in journal.unrecorded()]
    [('01-x', 'ok')]
    """

    def __init__(self, folder: Path, readonly: bool = False) -> None:
        super().__init__(folder)
        self.readonly = readonly
        self._n_unsynced = 0
        self._synced_at = time.monotonic()
        self._descriptor = -1
        self._lock: Lock | None = None
        self._owner = os.getpid()
        try:
            if readonly:
                self.refresh()
                return
            with _disk.said(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                self._lock = Lock(self.folder / "lock")
            self._open()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def accept(self, entry: Entry, files: Mapping[str, bytes]) -> bool:
        """Take in what somebody handed in.

        What was accepted last from a learner for an assignment is what shall stand in the
        gradebook. So an entry that is known, but not the learner's last one, is accepted again; it
        keeps its result and is recorded once more. So does one of which another time is known now.

        Parameters
        ----------
        entry : Entry
            Whose it is, and what it is held to.
        files : mapping of str to bytes
            What was handed in. Their names are written as they are: give them none of a person.

        Returns
        -------
        bool
            Whether that changed anything; False for an entry that is there already.

        Raises
        ------
        Refusal
            If the disk is full. The journal then stands as before.
        """
        with _disk.said(self.folder):
            names = {name: self._objects.put(data) for name, data in files.items()}
        row = self._index.row(entry.id)
        if (
            row is not None
            and self._index.is_newest(row)
            and self._entry(row).handed_in == entry.handed_in
        ):
            return False
        self._append({"do": "accepted", "entry": entry.to_dict(), "files": names})
        return True

    def done(self, entry_id: str, result: Result) -> bool:
        """Keep the result of an entry.

        The first result stays; a second delivery changes nothing. Only an ``infra_error`` gives
        way, since it says nothing about the submission.

        Parameters
        ----------
        entry_id : str
            Whose result it is.
        result : Result
            What came of it.

        Returns
        -------
        bool
            Whether it was kept: False for a second delivery, and for an entry that is not known
            because its learner was forgotten meanwhile.

        Raises
        ------
        Refusal
            If the disk is full. The journal then stands as before.
        """
        row = self._index.row(entry_id)
        if row is None or self._index.is_final(row):
            return False
        if self._index.is_done(row) and result.status == "infra_error":
            return False
        with _disk.said(self.folder):
            name = self._objects.put(result.to_json().encode("ascii"))
        self._append({
            "do": "done",
            "id": entry_id,
            "key": result.key,
            "status": result.status,
            "result": name,
        })
        return True

    def recorded(self, ids: Iterable[str]) -> None:
        """Note that results stand in the gradebook, after its transaction.

        Parameters
        ----------
        ids : iterable of str
            Ids of entries. Those without a result, and unknown ones, are passed over.
        """
        named = ((id_, self._handed_out.pop(id_, "") or self._result_name(id_)) for id_ in ids)
        known = (pair for pair in named if pair[1])
        while pairs := list(islice(known, _IDS_PER_LINE)):
            self._append({"do": "recorded", "of": pairs})

    def forget(self, learner: str) -> int:
        """Erase a learner: entries, files and results that nobody else shares.

        Parameters
        ----------
        learner : str
            The learner's random key.

        Returns
        -------
        int
            How many entries were erased.
        """
        self._append({"do": "forgetting", "learner": learner})
        self.sync()
        return self._forget(learner)

    def withdraw(
        self,
        ids: Collection[str],
        counts: Entry | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> int:
        """Take entries out, as if they had never been accepted.

        It happens in one step: a process that is killed has done it, or has changed nothing.

        Parameters
        ----------
        ids : collection of str
            Ids of entries.
        counts : Entry, optional
            The entry that is accepted once more in the same step, so that it is the last one of
            its learner; what stands in the gradebook of it still does.
        files : mapping of str to bytes, optional
            What was handed in, if that entry is new to the journal.

        Returns
        -------
        int
            How many entries were taken out.
        """
        ending: list[dict[str, Any]] = []
        row = None if counts is None else self._index.row(counts.id)
        if counts is not None and row is not None:
            ending.append(self._line(self._index.accepted_at(row)))
            if self._index.is_recorded(row):
                ending.append({"do": "recorded", "of": [[counts.id, self._result_name(counts.id)]]})
        elif counts is not None and files is not None:
            with _disk.said(self.folder):
                names = {name: self._objects.put(data) for name, data in files.items()}
            ending.append({"do": "accepted", "entry": counts.to_dict(), "files": names})
        self.sync()
        return self._rewritten(
            lambda: take_out(self._file, self.path, self._objects, set(ids), ending)
        )

    def sync(self) -> None:
        """Wait until everything is on the disk. `close` does it too."""
        with _disk.said(self.path):
            self._objects.sync()
            _disk.sync(self._descriptor)
        self._n_unsynced = 0
        self._synced_at = time.monotonic()

    def close(self) -> None:
        """Wait for the disk and let the next one in."""
        if os.getpid() != self._owner:  # a forked worker: nothing of this is its own
            return
        try:
            if self._descriptor >= 0:
                self.sync()
        finally:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
            if self._reading is not None:
                self._reading.close()
                self._reading = None
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def _open(self) -> None:
        with _disk.said(self.path):
            self._descriptor = _disk.open_to_append(self.path)
            self._load()
            if os.fstat(self._descriptor).st_size > self._end:
                _disk.cut(self._descriptor, self._end)  # a torn last line
        if not self._end:
            self._append({"do": "journal", "format": FORMAT})
        if self._forgetting is not None:
            self._forget(self._forgetting)

    def _append(self, content: dict[str, Any]) -> None:
        if self._descriptor < 0:
            message = f"{self.path} is not open for writing"
            raise RuntimeError(message)
        line = to_line(content)
        try:
            with _disk.said(self.path):
                _disk.write_all(self._descriptor, line)
        except BaseException:
            self._take_back()
            raise
        self._index.add(self._end, content)
        self._end += len(line)
        self._n_unsynced += 1
        waited_s = time.monotonic() - self._synced_at
        if self._n_unsynced >= _LINES_PER_SYNC or waited_s >= _SECONDS_PER_SYNC:
            self.sync()

    def _take_back(self) -> None:
        """Remove half a line; where even that fails, leave the journal to whoever opens it next."""
        try:
            _disk.cut(self._descriptor, self._end)
        except BaseException:  # ruff: ignore[blind-except]  whatever it was, the line is torn
            os.close(self._descriptor)
            self._descriptor = -1

    def _forget(self, learner: str) -> int:
        return self._rewritten(lambda: erase(self._file, self.path, self._objects, learner))

    def _rewritten(self, work: Callable[[], int]) -> int:
        """Let some work put another file in place of the journal's, and go on with that one."""
        with _disk.said(self.path):
            n_entries = work()
            os.close(self._descriptor)
            self._descriptor = -1
        self._handed_out.clear()
        self._open()
        return n_entries
