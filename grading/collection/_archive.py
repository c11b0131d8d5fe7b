"""Read entries of a zip that anybody may have made.

The end record is examined before the directory is read, since the directory of a hostile archive
can be larger than the machine; then every entry is examined by its directory line alone, and read
at last in pieces, up to a cap that its declared size cannot move.
"""

from __future__ import annotations

import stat
import struct
import unicodedata
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import BinaryIO

__all__ = [
    "MAX_DEPTH",
    "MAX_ENTRIES",
    "MAX_TOTAL_BYTES",
    "ArchiveError",
    "clean_parts",
    "entry_problem",
    "entry_time",
    "kind_of_entry_problem",
    "open_archive",
    "read_entry",
    "too_large",
]

MAX_ENTRIES = 50_000
MAX_TOTAL_BYTES = 8 * 2**30
MAX_DEPTH = 3
MAX_RATIO = 200
RATIO_COUNTS_FROM = 4 * 2**20
"""Below this size any ratio is harmless: a notebook full of one repeated output packs well."""

_MAX_DIRECTORY_BYTES = 16 * 2**20
_END, _END_BYTES = b"PK\x05\x06", 22
_LOCATOR, _LOCATOR_BYTES = b"PK\x06\x07", 20
_ENCRYPTED = 0x1
_UTF8 = 0x800
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_EXTENDED_TIME = 0x5455


class ArchiveError(Exception):
    """Say in a clause and a mend why an archive or an entry is not read."""


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open a zip whose directory is of a size to be read.

    Parameters
    ----------
    file : binary file
        Open for reading, seekable.

    Returns
    -------
    ZipFile
        Its entries are not examined yet.

    Raises
    ------
    ArchiveError
        If it is damaged, or too large in itself or in what it declares.
    """
    _examine_end(file)
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:
        message = f"the zip is damaged ({type(error).__name__}). Ask for it again."
        raise ArchiveError(message) from error
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        message = (
            f"it holds {len(entries):,} files, allowed are {MAX_ENTRIES:,}. Hand it over in parts."
        )
        raise ArchiveError(message)
    total = sum(entry.file_size for entry in entries)
    if total > MAX_TOTAL_BYTES:
        message = (
            f"it unpacks to {total / 2**30:,.1f} GB, allowed are {MAX_TOTAL_BYTES / 2**30:g} GB. "
            "Split it."
        )
        raise ArchiveError(message)
    return archive


def _examine_end(file: BinaryIO) -> None:
    """Refuse a directory beyond all measure before `zipfile` reads it."""
    file.seek(0, 2)
    size = file.tell()
    start = max(0, size - 65_535 - _END_BYTES - _LOCATOR_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END)
    if size == 0:
        message = "the file is empty. Ask for it again."
        raise ArchiveError(message)
    if at < 0 or len(tail) - at < _END_BYTES:
        message = "it is no zip, or its end is cut off. Ask for it again."
        raise ArchiveError(message)
    directory_bytes = struct.unpack_from("<L", tail, at + 12)[0]
    is_zip64 = tail[max(0, at - _LOCATOR_BYTES) : at].startswith(_LOCATOR)
    if is_zip64 or directory_bytes > _MAX_DIRECTORY_BYTES:
        message = "its directory is too large for a class. Unpack it, and name the folder instead."
        raise ArchiveError(message)


def clean_parts(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    """Return the folders and the name of an entry.

    Parameters
    ----------
    entry : ZipInfo
        An entry.

    Returns
    -------
    tuple of str
        Never empty names, ``.`` or ``..``.

    Raises
    ------
    ArchiveError
        If the name leads out of the archive.
    """
    name = entry.filename
    if not entry.flag_bits & _UTF8:
        with suppress(UnicodeError):  # many programs write UTF-8 without saying so
            name = name.encode("cp437").decode("utf-8")
    name = unicodedata.normalize("NFC", name)
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":" or "\0" in name:
        message = "its name leads out of the archive. Ask for the notebook alone."
        raise ArchiveError(message)
    return path.parts


def entry_problem(entry: zipfile.ZipInfo, limit_bytes: int) -> str | None:
    """Say why an entry is not read.

    Parameters
    ----------
    entry : ZipInfo
        An entry.
    limit_bytes : int
        The most that it may unpack to.

    Returns
    -------
    str or None
        A clause and a mend; None if nothing speaks against it.
    """
    if problem := kind_of_entry_problem(entry):
        return problem
    if entry.file_size > limit_bytes:
        return too_large(entry.file_size, limit_bytes)
    if entry.file_size > RATIO_COUNTS_FROM and (
        entry.file_size > MAX_RATIO * max(entry.compress_size, 1)
    ):
        return f"it unpacks to more than {MAX_RATIO} times its size. Clear its outputs."
    return None


def kind_of_entry_problem(entry: zipfile.ZipInfo) -> str | None:
    """Say why an entry is not read, whatever its size.

    Parameters
    ----------
    entry : ZipInfo
        An entry.

    Returns
    -------
    str or None
        A clause and a mend; None if nothing speaks against it.
    """
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        what = "a link" if kind == stat.S_IFLNK else "no ordinary file"
        return f"it is {what}. Ask for the file itself."
    if entry.flag_bits & _ENCRYPTED:
        return "it is encrypted. Ask for it without a password."
    if entry.compress_type not in _METHODS:
        return "it is packed in an unusual way. Ask for an ordinary zip."
    return None


def too_large(n_bytes: int, limit_bytes: int) -> str:
    """Say that a file is larger than allowed."""
    return (
        f"it has {n_bytes / 2**20:,.1f} MB, allowed are {limit_bytes / 2**20:g} MB. "
        "Clear its outputs, and hand it in again."
    )


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit_bytes: int) -> bytes:
    """Read an entry, whatever it declares.

    Parameters
    ----------
    archive : ZipFile
        The archive.
    entry : ZipInfo
        One of its entries.
    limit_bytes : int
        The most that is unpacked.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    ArchiveError
        If something speaks against it, or it is damaged.
    """
    if problem := entry_problem(entry, limit_bytes):
        raise ArchiveError(problem)
    try:
        with archive.open(entry) as file:
            content = file.read(limit_bytes + 1)
    except Exception as error:
        message = f"it is damaged in the zip ({type(error).__name__}). Ask for it again."
        raise ArchiveError(message) from error
    if len(content) > limit_bytes:
        raise ArchiveError(too_large(len(content), limit_bytes))
    return content


def entry_time(entry: zipfile.ZipInfo) -> datetime | None:
    """Tell when an entry was written.

    Parameters
    ----------
    entry : ZipInfo
        An entry.

    Returns
    -------
    datetime or None
        In UTC where the archive says so, without a zone where it holds a clock's time only; None
        if it holds none.
    """
    extra = entry.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _EXTENDED_TIME and length >= 5 and extra[4] & 1 and len(extra) >= 9:
            return datetime.fromtimestamp(struct.unpack_from("<l", extra, 5)[0], UTC)
        extra = extra[4 + length :]
    try:
        when = datetime(*entry.date_time)
    except ValueError:
        return None
    return when if when.year > 1980 else None
