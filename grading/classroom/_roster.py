"""Who is in the class: ``roster.csv``, edited by hand or by command, and ``keys.json``."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path

from grading.classroom._files import locked, refuse_if_readable_by_others, write_atomically
from grading.classroom._learner import (
    Learner,
    id_problem,
    nearest_ids,
    new_key,
    refuse_unsafe_id,
)
from grading.classroom._tables import Row, read_rows
from grading.refusals import Refusal

__all__ = ["COLUMNS", "Roster"]

ROSTER, KEYS = "roster.csv", "keys.json"
COLUMNS = tuple(each.name for each in fields(Learner) if each.name != "key")
_KEY = re.compile(r"[0-9a-f]{32}")


class Roster:
    """The learners of a class, in the order of their ids.

    Parameters
    ----------
    folder : Path
        The class folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ROSTER
        self._keys_path = folder / KEYS
        self._by_id: dict[str, Learner] = {}
        self._by_key: dict[str, Learner] = {}
        self._read()

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Learner]:
        return iter(self.all())

    def __contains__(self, learner_id: object) -> bool:
        return learner_id in self._by_id

    def all(self) -> list[Learner]:
        """List everybody by id."""
        return [self._by_id[each] for each in sorted(self._by_id)]

    def by_id(self, learner_id: str) -> Learner:
        """Find a learner by id.

        Parameters
        ----------
        learner_id : str
            The id in the class.

        Returns
        -------
        Learner
            The learner.

        Raises
        ------
        Refusal
            If nobody has that id; the sentence names the nearest.
        """
        try:
            return self._by_id[learner_id]
        except KeyError:
            near = " or ".join(nearest_ids(learner_id, self.all()))
            mend = f"Did you mean {near}?" if near else "All ids are listed by: nncourse roster"
            msg = f"{self.path}: nobody has the id {learner_id[:80]!r}. {mend}"
            raise Refusal(msg) from None

    def by_key(self, key: str) -> Learner:
        """Find a learner by key.

        Parameters
        ----------
        key : str
            32 hexadecimal digits.

        Returns
        -------
        Learner
            The learner.

        Raises
        ------
        KeyError
            If nobody has that key: the learner has been forgotten.
        """
        return self._by_key[key]

    def nearest(self, text: str) -> str:
        """Name the learner whose id or name comes closest to a text; empty if none does."""
        names = {each.name.lower(): each.id for each in self._by_id.values()}
        names |= {each.lower(): each for each in self._by_id}
        close = get_close_matches(text.lower()[:100], names, n=1, cutoff=0.6)
        return names[close[0]] if close else ""

    def new(
        self,
        learner_id: str,
        *,
        first_name: str = "",
        last_name: str = "",
        email: str = "",
        lms_user_id: str = "",
        group: str = "",
        id_number: str = "",
    ) -> Learner:
        """Add one person and save.

        Parameters
        ----------
        learner_id : str
            The id in the class.
        first_name, last_name, email, lms_user_id, group, id_number : str
            See `Learner`.

        Returns
        -------
        Learner
            With a key of his or her own.
        """
        learner = Learner(
            new_key(), learner_id, first_name, last_name, email, lms_user_id, group, id_number
        )
        self.add(learner)
        return learner

    def add(self, *learners: Learner) -> None:
        """Add learners and save; one whose id is known is replaced and keeps the key.

        Parameters
        ----------
        *learners : Learner
            With any key; an empty one is drawn.

        Raises
        ------
        Refusal
            If an id is not safe as the name of a folder, or two differ in upper and lower case
            only.
        """
        added = dict(self._by_id)
        for learner in learners:
            refuse_unsafe_id(learner.id)
            known = self._by_id.get(learner.id)
            key = known.key if known else learner.key or new_key()
            added[learner.id] = replace(learner, key=key)
        _examine_ids((each, self.path) for each in added)
        self._set(added)
        self._save()

    def remove(self, learner_id: str) -> None:
        """Remove a learner from roster and keys, and save.

        Parameters
        ----------
        learner_id : str
            The id in the class.
        """
        self._set({each: one for each, one in self._by_id.items() if each != learner_id})
        self._save()

    def _set(self, by_id: dict[str, Learner]) -> None:
        self._by_id = by_id
        self._by_key = {each.key: each for each in by_id.values()}

    def _read(self) -> None:
        rows = read_rows(self.path, COLUMNS, needed=("id",)) if self.path.exists() else []
        _examine_ids((row["id"], row.where) for row in rows)
        _examine_unique(rows)
        keys = _read_keys(self._keys_path)
        if any(row["id"] not in keys for row in rows):
            with locked(self.path.parent):  # another process may have drawn them just now
                keys = _read_keys(self._keys_path)
                drawn = {row["id"]: new_key() for row in rows if row["id"] not in keys}
                keys |= drawn
                _write_keys(self._keys_path, keys)
        self._set({row["id"]: Learner(keys[row["id"]], **row.content) for row in rows})

    def _save(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for learner in self.all():
            writer.writerow([getattr(learner, name) for name in COLUMNS])
        with locked(self.path.parent):
            # Keys first: a key without a learner does no harm.
            _write_keys(self._keys_path, {each.id: each.key for each in self.all()})
            write_atomically(self.path, text.getvalue().encode())


def _examine_ids(ids: Iterable[tuple[str, object]]) -> None:
    """Refuse ids that cannot be folders, or that would share one where case does not count."""
    seen: dict[str, str] = {}
    for learner_id, where in ids:
        if problem := id_problem(learner_id):
            msg = f"{where}: the id {learner_id[:80]!r} cannot name a folder: an id {problem}."
            raise Refusal(msg + " Change it there.")
        other = seen.setdefault(learner_id.lower(), learner_id)
        if other != learner_id:
            msg = (
                f"{where}: the ids {other!r} and {learner_id!r} differ in upper and lower case "
                "only, and on some machines would share a folder. Change one of them."
            )
            raise Refusal(msg)


def _examine_unique(rows: list[Row]) -> None:
    for column in ("id", "lms_user_id"):
        seen: dict[str, Row] = {}
        for row in rows:
            value = row[column]
            if value and value in seen:
                first = seen[value]
                msg = (
                    f"{row.where}: the {column} {value!r} stands already in line {first.line}. "
                    "Remove one of the lines."
                )
                raise Refusal(msg)
            seen[value] = row


def _read_keys(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    refuse_if_readable_by_others(path, "the keys of the learners")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        content = None
        reason = str(error)
    else:
        reason = "expected ids and keys"
    if not isinstance(content, dict) or not all(
        isinstance(key, str) and _KEY.fullmatch(key) for key in content.values()
    ):
        msg = f"{path}: it is damaged ({reason}). Bring it back from a copy: grades hang on it."
        raise Refusal(msg)
    if len(set(content.values())) < len(content):
        msg = f"{path}: two learners share a key. Bring the file back from a copy."
        raise Refusal(msg)
    return content


def _write_keys(path: Path, keys: dict[str, str]) -> None:
    text = json.dumps(dict(sorted(keys.items())), indent=1) + "\n"
    write_atomically(path, text.encode(), 0o600)
