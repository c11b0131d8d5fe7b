"""Open and read files that anybody may have put there, on disk and in archives."""

from __future__ import annotations

import os
import stat
import zipfile
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from grading.collection._archive import ArchiveError, open_archive, read_entry, too_large
from grading.limits import MEGABYTE

__all__ = ["INNER_ARCHIVE_BYTES", "Reader", "kind_problem", "open_regular"]

INNER_ARCHIVE_BYTES = 256 * MEGABYTE


class Reader:
    """Reads files on disk and in archives; the archives opened last stay open.

    Use it as a context manager.
    """

    def __init__(self) -> None:
        self._open: list[tuple[object, BinaryIO, zipfile.ZipFile]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close_from(0)

    def _close_from(self, level: int) -> None:
        while len(self._open) > level:
            _, file, archive = self._open.pop()
            archive.close()
            file.close()

    def archive(self, file: Path, inside: tuple[int, ...]) -> zipfile.ZipFile:
        """Open an archive on disk, or the archive at some position within it.

        Parameters
        ----------
        file : Path
            The archive on disk.
        inside : tuple of int
            Positions that lead to the inner archive.

        Returns
        -------
        ZipFile
            Open until another is asked for.

        Raises
        ------
        ArchiveError
            With a clause and a mend, if something speaks against it.
        """
        names: list[object] = [file, *inside]
        for level, name in enumerate(names):
            if len(self._open) > level and self._open[level][0] == name:
                continue
            self._close_from(level)
            if level == 0:
                stream = open_regular(file)
            else:
                outer = self._open[level - 1][2]
                entry = outer.infolist()[inside[level - 1]]
                stream = BytesIO(read_entry(outer, entry, INNER_ARCHIVE_BYTES))
            try:
                archive = open_archive(stream)
            except ArchiveError:
                stream.close()
                raise
            self._open.append((name, stream, archive))
        self._close_from(len(names))
        return self._open[-1][2]

    def read(self, file: Path, inside: tuple[int, ...], limit_bytes: int) -> bytes:
        """Read a file, or an entry of an archive.

        Parameters
        ----------
        file : Path
            On disk.
        inside : tuple of int
            Positions; empty for the file itself.
        limit_bytes : int
            The most that is read.

        Returns
        -------
        bytes
            All of it.

        Raises
        ------
        ArchiveError
            With a clause and a mend, if something speaks against it.
        """
        if inside:
            archive = self.archive(file, inside[:-1])
            return read_entry(archive, archive.infolist()[inside[-1]], limit_bytes)
        with open_regular(file) as stream:
            content = stream.read(limit_bytes + 1)
        if len(content) > limit_bytes:
            raise ArchiveError(too_large(len(content), limit_bytes))
        return content


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading that is no link, device or second name of another file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    binary file
        Open.

    Raises
    ------
    ArchiveError
        With a clause and a mend, if it is something else.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    flags |= getattr(os, "O_BINARY", 0)
    try:
        if problem := kind_problem(path.lstat()):
            raise ArchiveError(problem)
        descriptor = os.open(path, flags)
    except OSError as error:
        message = f"it cannot be read: {error.strerror}. Mend its permissions."
        raise ArchiveError(message) from error
    if problem := kind_problem(os.fstat(descriptor)):  # exchanged in the meantime
        os.close(descriptor)
        raise ArchiveError(problem)
    return os.fdopen(descriptor, "rb")


def kind_problem(status: os.stat_result) -> str | None:
    """Say why a file on disk is not read; None if it is an ordinary one with one name.

    Parameters
    ----------
    status : os.stat_result
        Of the file itself, not of what it may point to.

    Returns
    -------
    str or None
        A clause and a mend.
    """
    if stat.S_ISLNK(status.st_mode):
        return "it is a link. Put the file itself there."
    if not stat.S_ISREG(status.st_mode):
        return "it is no ordinary file. Remove it."
    if status.st_nlink > 1:
        return "the file has a second name (a hard link). Put a copy there."
    return None
