"""Read a settings file entry by entry, and refuse what cannot be meant."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, overload

from grading.refusals import Refusal

__all__ = ["Table", "read_json", "read_toml"]


class Table:
    """Named entries of a file; each is asked for once, and `finish` refuses what is left.

    Parameters
    ----------
    content : mapping of str to object
        As read.
    path : Path
        The file, for sentences.
    name : str, default ""
        Where in the file the table stands.
    """

    def __init__(self, content: Mapping[str, Any], path: Path, name: str = "") -> None:
        self.content = content
        self.path = path
        self.name = name
        self._asked: set[str] = set()

    def refuse(self, fact: str, key: str = "") -> NoReturn:
        """Refuse an entry."""
        where = ".".join(filter(None, [self.name, key]))
        msg = f"{self.path}: {where + ': ' if where else ''}{fact}. Mend it there."
        raise Refusal(msg)

    def names(self) -> Iterator[str]:
        """Yield the names of all entries."""
        yield from self.content

    def _get(self, key: str) -> Any:
        self._asked.add(key)
        return self.content.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """Read a text; without a default it has to be there."""
        value = self._get(key)
        if value is None:
            if default is None:
                self.refuse("the entry is missing", key)
            return default
        if not isinstance(value, str):
            self.refuse(f'it is {value!r:.60}, expected a text in "quotes"', key)
        return value

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """Read one of some words; the first is the default."""
        value = self.text(key, choices[0])
        if value not in choices:
            listed = " or ".join(f'"{each}"' for each in choices)
            self.refuse(f"it is {value!r:.60}, expected {listed}", key)
        return value

    @overload
    def number(self, key: str, default: float, *, most: float, least: float = 0.0) -> float: ...
    @overload
    def number(
        self, key: str, default: None, *, most: float, least: float = 0.0
    ) -> float | None: ...
    def number(
        self, key: str, default: float | None, *, most: float, least: float = 0.0
    ) -> float | None:
        """Read a number within bounds."""
        value = self._get(key)
        if value is None:
            return default
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not least <= value <= most:
            self.refuse(f"it is {value!r:.60}, expected a number from {least:g} to {most:g}", key)
        return float(value)

    def texts(self, key: str) -> list[str]:
        """Read a list of texts; empty if absent."""
        value = self._get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.refuse("expected a list of texts", key)
        return list(value)

    def table(self, key: str) -> Table:
        """Read a table; empty if absent."""
        value = self._get(key)
        if value is not None and not isinstance(value, Mapping):
            self.refuse(f"it is {value!r:.60}, expected entries with names", key)
        return Table(value or {}, self.path, ".".join(filter(None, [self.name, key])))

    def tables(self, key: str) -> list[Table]:
        """Read a list of tables; empty if absent."""
        value = self._get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
            self.refuse("expected a list of entries in { }", key)
        return [Table(each, self.path, f"{key}[{i}]") for i, each in enumerate(value)]

    def finish(self) -> None:
        """Refuse entries that nobody asked for: most are misspelled."""
        for key in self.content:
            if key not in self._asked:
                close = get_close_matches(key, self._asked, n=1)
                known = close or sorted(self._asked)
                self.refuse(f"the entry is not known; known is {', '.join(known)}", key)


def read_toml(path: Path) -> Table:
    """Read a TOML file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Table
        Its entries.

    Raises
    ------
    Refusal
        If it is not TOML; the sentence names the line.
    """
    try:
        return Table(tomllib.loads(_text(path)), path)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        msg = f"{path}: this is not TOML: {error}. Mend that line."
        raise Refusal(msg) from error


def read_json(path: Path) -> Table:
    """Read a JSON file; one that is absent has no entries.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Table
        Its entries.

    Raises
    ------
    Refusal
        If it is not a JSON object; the sentence names the line.
    """
    if not path.exists():
        return Table({}, path)
    try:
        content = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        msg = f"{path}: this is not JSON: {error}. Mend that line."
        raise Refusal(msg) from error
    if not isinstance(content, dict):
        msg = f"{path}: expected entries in {{ }}. Mend the file."
        raise Refusal(msg)
    return Table(content, path)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path}: the text is not UTF-8. Save it again as UTF-8."
        raise Refusal(msg) from error
    except OSError as error:
        msg = f"{path}: it cannot be read: {error.strerror}. Mend its permissions."
        raise Refusal(msg) from error
