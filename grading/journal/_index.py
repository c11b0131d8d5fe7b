"""What the journal keeps in memory: where lines begin and how far entries have come.

An entry costs about half a kilobyte here, whatever it holds: hashes, offsets and flags. The rest
is read from the file when it is wanted.
"""

from __future__ import annotations

import hashlib
from array import array
from typing import Any

__all__ = ["Index"]

_DONE, _OURS, _RECORDED, _REPLACED = 1, 2, 4, 8


def _short(*words: str) -> bytes:
    return hashlib.blake2b("\0".join(words).encode(), digest_size=16).digest()


class Index:
    """Rows in the order in which entries were last accepted."""

    def __init__(self) -> None:
        self._rows: dict[bytes, int] = {}
        self._by_key: dict[bytes, int] = {}
        self._topics: dict[bytes, int] = {}  # a topic is a learner's work on an assignment
        self._accepted_at = array("q")
        self._done_at = array("q")
        self._result_mark = array("Q")
        self._topic_of = array("q")
        self._flags = bytearray()
        self._newest = array("q")
        self._newest_recorded = array("q")

    def __len__(self) -> int:
        """Count rows, replaced ones included."""
        return len(self._flags)

    @property
    def n_entries(self) -> int:
        """How many different entries there are."""
        return len(self._rows)

    def add(self, at: int, content: dict[str, Any]) -> None:
        """Take in a line.

        Parameters
        ----------
        at : int
            Where it begins.
        content : dict of str to Any
            What it says.
        """
        match content["do"]:
            case "accepted":
                self._accept(at, content)
            case "done":
                self._finish(at, content)
            case "recorded":
                for id_, result in content["of"]:
                    self._record(id_, result)
            case _:
                pass

    def _accept(self, at: int, content: dict[str, Any]) -> None:
        entry = content["entry"]
        id_ = _short(entry["id"])
        row = len(self._flags)
        topic = self._topics.setdefault(_short(entry["learner"], entry["slug"]), len(self._topics))
        if topic == len(self._newest):
            self._newest.append(row)
            self._newest_recorded.append(-1)
        self._newest[topic] = row
        before = self._rows.get(id_)
        self._rows[id_] = row
        self._accepted_at.append(at)
        self._topic_of.append(topic)
        self._done_at.append(-1 if before is None else self._done_at[before])
        self._result_mark.append(0 if before is None else self._result_mark[before])
        self._flags.append(0 if before is None else self._flags[before] & (_DONE | _OURS))
        if before is not None:
            self._flags[before] |= _REPLACED

    def _finish(self, at: int, content: dict[str, Any]) -> None:
        row = self._rows.get(_short(content["id"]))
        if row is None:  # its line was deleted as damaged
            return
        self._done_at[row] = at
        self._result_mark[row] = int(content["result"][:16], 16)
        self._flags[row] = self._flags[row] & _REPLACED | _DONE
        if content["status"] == "infra_error":
            self._flags[row] |= _OURS
        else:
            self._by_key[_short(content["key"])] = row

    def _record(self, id_: str, result: str) -> None:
        row = self._rows.get(_short(id_))
        if row is None or self._result_mark[row] != int(result[:16], 16):
            return
        self._flags[row] |= _RECORDED
        topic = self._topic_of[row]
        self._newest_recorded[topic] = max(self._newest_recorded[topic], row)

    def undo(self, row: int) -> None:
        """Take back that a row is done: its result is gone.

        Parameters
        ----------
        row : int
            The row.
        """
        self._flags[row] &= _REPLACED
        self._done_at[row] = -1
        self._result_mark[row] = 0

    def row(self, id_: str) -> int | None:
        """Look an entry up.

        Parameters
        ----------
        id_ : str
            Its id.

        Returns
        -------
        int or None
            Its row.
        """
        return self._rows.get(_short(id_))

    def row_of_key(self, key: str) -> int | None:
        """Look up a row that has a final result under a key.

        Parameters
        ----------
        key : str
            The key of the work.

        Returns
        -------
        int or None
            The row.
        """
        return self._by_key.get(_short(key))

    def accepted_at(self, row: int) -> int:
        """Say where the row's entry is written."""
        return self._accepted_at[row]

    def done_at(self, row: int) -> int:
        """Say where the row's result is named; -1 if nowhere."""
        return self._done_at[row]

    def is_there(self, row: int) -> bool:
        """Tell whether the row was not accepted again later."""
        return not self._flags[row] & _REPLACED

    def is_done(self, row: int) -> bool:
        """Tell whether the row has a result, even an ``infra_error``."""
        return bool(self._flags[row] & _DONE)

    def is_final(self, row: int) -> bool:
        """Tell whether the row has a result that is not an ``infra_error``."""
        return self._flags[row] & (_DONE | _OURS) == _DONE

    def is_recorded(self, row: int) -> bool:
        """Tell whether the row's result stands in the gradebook."""
        return bool(self._flags[row] & _RECORDED)

    def is_newest(self, row: int) -> bool:
        """Tell whether nothing was accepted later from the learner for the assignment."""
        return self._newest[self._topic_of[row]] == row

    def is_overtaken(self, row: int) -> bool:
        """Tell whether something that was accepted later stands in the gradebook already."""
        return self._newest_recorded[self._topic_of[row]] > row
