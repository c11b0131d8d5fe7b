"""Read tables that people and programs write: BOM, semicolons, quotes, empty lines."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grading.refusals import Refusal

__all__ = ["Row", "is_windows_1252", "read_rows", "read_table", "read_titles", "titled"]

MAX_BYTES = 64 * 2**20
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_SPREADSHEETS = {".xlsx", ".xlsm", ".ods", ".numbers"}
_UTF8_LETTER = re.compile(rb"[\xc3-\xf4][\x80-\xbf]")
_CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes
    ----------
    content : dict of str to str
        Cells by column, without white space around them; empty where there is none.
    path : Path
        The file.
    line : int
        Where the row ends, counted from 1.
    """

    content: dict[str, str]
    path: Path
    line: int

    @property
    def where(self) -> str:
        """File and line, for a sentence."""
        return f"{self.path}, line {self.line}"

    def __getitem__(self, column: str) -> str:
        return self.content.get(column, "")


def read_rows(
    path: Path,
    columns: Sequence[str],
    *,
    needed: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    or_windows: bool = False,
) -> list[Row]:
    """Read a table whose first line names its columns.

    Parameters
    ----------
    path : Path
        The file: UTF-8 or, with its mark, UTF-16; commas, semicolons or tabs.
    columns : sequence of str
        Columns to read; others are passed over.
    needed : sequence of str, default ()
        Columns that must be there, and not empty.
    names : mapping of str to str, optional
        Other titles of columns, in lower case.
    or_windows : bool, default False
        Read the file also if it `is_windows_1252`.

    Returns
    -------
    list of Row
        Every row with anything in it.

    Raises
    ------
    Refusal
        With file and line.
    """
    rows = read_table(path, or_windows=or_windows)
    if not rows:
        msg = f"{path}: the file is empty. Its first line names the columns: {','.join(columns)}"
        raise Refusal(msg)
    titles = [titled(title, names or {}) for title in rows[0][1]]
    missing = [name for name in needed if name not in titles]
    if missing:
        msg = (
            f"{path}, line 1: there is no column {missing[0]!r}, but {', '.join(titles)[:120]}. "
            f"The first line names the columns: {','.join(columns)}"
        )
        raise Refusal(msg)
    found: list[Row] = []
    for line, cells in rows[1:]:
        if len(cells) > len(titles):
            msg = (
                f"{path}, line {line}: it has {len(cells)} cells, but there are {len(titles)} "
                'columns. Put "quotes" around a cell that holds the separator.'
            )
            raise Refusal(msg)
        content: dict[str, str] = {}
        for name, cell in zip(titles, cells, strict=False):
            if name in columns and not content.get(name):  # of two such columns, the first filled
                content[name] = cell
        for name in needed:
            if not content.get(name):
                msg = (
                    f"{path}, line {line}: the cell {name!r} is empty. Fill it, or remove the line."
                )
                raise Refusal(msg)
        found.append(Row({name: content.get(name, "") for name in columns}, path, line))
    return found


def titled(title: str, names: Mapping[str, str]) -> str:
    """Name a column by its title.

    Parameters
    ----------
    title : str
        As the file has it.
    names : mapping of str to str
        Names by other titles, in lower case.

    Returns
    -------
    str
        In lower case, with ``_`` between words.

    Examples
    --------
    >>> titled("First-Name", {"first name": "first_name"})
    'first_name'
    """
    lower = title.lower()
    plain = " ".join(lower.replace("_", " ").replace("-", " ").split())
    return names.get(lower) or names.get(plain) or lower.replace(" ", "_")


def read_titles(path: Path, *, or_windows: bool = False) -> list[str]:
    """Read the first line of a table, whatever stands below it.

    Parameters
    ----------
    path : Path
        The file.
    or_windows : bool, default False
        As for `read_rows`.

    Returns
    -------
    list of str
        Titles of the columns; empty for an empty file.

    Raises
    ------
    Refusal
        If it is no text.
    """
    text = _decoded(path, or_windows)
    first = next((line for line in text.splitlines() if line.strip()), "")
    titles = next(csv.reader([first], delimiter=_separator(text)), [])
    return [title.strip() for title in titles]


def read_table(path: Path, *, or_windows: bool = False) -> list[tuple[int, list[str]]]:
    """Read the rows of a table as they are.

    Parameters
    ----------
    path : Path
        The file.
    or_windows : bool, default False
        As for `read_rows`.

    Returns
    -------
    list of (int, list of str)
        Line and cells of every row that is not empty.

    Raises
    ------
    Refusal
        If it cannot be read as a table.
    """
    text = _decoded(path, or_windows)
    separator = _separator(text)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append((reader.line_num, stripped))
    except csv.Error as error:
        msg = f"{path}, line {reader.line_num}: this is no table: {error}. Mend that line."
        raise Refusal(msg) from error
    return rows


def is_windows_1252(path: Path) -> bool:
    """Tell whether a table is as Excel writes it in Western Europe, where it is not UTF-8.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        Whether it is text of Windows-1252, and no UTF-8, whole or damaged.

    Raises
    ------
    Refusal
        If it cannot be read.
    """
    return _windows_1252(_bytes(path)) is not None


def _windows_1252(raw: bytes) -> str | None:
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    else:
        return None
    if raw.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    if _UTF8_LETTER.search(raw):  # UTF-8 that is damaged elsewhere
        return None
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            msg = (
                f"{path}: it is larger than {MAX_BYTES // 2**20} MB, no class list. Check its name."
            )
            raise Refusal(msg)
        return path.read_bytes()
    except OSError as error:
        msg = f"{path}: it cannot be read: {error.strerror}. Check its name."
        raise Refusal(msg) from error


def _decoded(path: Path, or_windows: bool) -> str:
    raw = _bytes(path)
    if raw.startswith(_ZIP):
        msg = f"{path}: {_kind_of_zip(path)}"
        raise Refusal(msg)
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        if or_windows and (read := _windows_1252(raw)) is not None:
            return read
        line = raw[: error.start].count(b"\n") + 1
        msg = f"{path}, line {line}: the text is not UTF-8. Save it again as CSV UTF-8."
        raise Refusal(msg) from error
    if "\0" in text:
        msg = f"{path}: it holds zero bytes, so it is no table. Save it again as CSV UTF-8."
        raise Refusal(msg)
    return text


def _kind_of_zip(path: Path) -> str:
    """Say what a zip is by its name: a spreadsheet is one as well."""
    if path.suffix.lower() in _SPREADSHEETS:
        return "this is a spreadsheet, not a CSV file. Save it as CSV UTF-8, and name that file."
    return "this is a zip, not a CSV file. Unpack it, and name the table that lies in it."


def _separator(text: str) -> str:
    """Take the separator that stands most often in the first line with anything in it."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=first.count)
