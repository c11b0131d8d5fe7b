"""Files that are there whole or not at all, and a full disk said in one sentence."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Collection, Generator, Iterable
from pathlib import Path

from grading.refusals import Refusal

_FULL = {errno.ENOSPC, errno.EFBIG} | ({errno.EDQUOT} if hasattr(errno, "EDQUOT") else set())
_FEW = 8
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_OF_ALL = _FULL | {errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


@contextlib.contextmanager
def said(path: Path) -> Generator[None]:
    """Turn a full disk or a closed folder into one sentence; other errors pass.

    Parameters
    ----------
    path : Path
        What is being written.

    Raises
    ------
    Refusal
        If there is no room, or no right to write.
    OSError
        For any other reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            msg = (
                f"{path}: the disk is full. Make room and run the same command again: "
                "nothing that was graded is lost."
            )
            raise Refusal(msg) from error
        if error.errno in _CLOSED:
            msg = f"{path}: it cannot be written ({error.strerror}). Mend the rights of its folder."
            raise Refusal(msg) from error
        raise


def is_of_one_place(error: OSError) -> bool:
    """Tell whether an error is about one place, while others can be written.

    Parameters
    ----------
    error : OSError
        What went wrong.

    Returns
    -------
    bool
        False for a full disk, a system that may not be written, and a lack of resources.
    """
    return error.errno not in _OF_ALL


def write_whole(path: Path, parts: Iterable[bytes], *, wait: bool = True) -> None:
    """Write a file under a draft's name, wait for the disk, and rename it into place.

    The draft's name follows from the path: what a killed process left behind is overwritten by
    the next attempt instead of gathering.

    Parameters
    ----------
    path : Path
        Where it shall stand; missing folders are made, what stands there is replaced.
    parts : iterable of bytes
        Its content.
    wait : bool, default True
        Without it, a loss of power may leave a file cut short under its name: for whoever can tell
        by the content.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        descriptor = _create(draft)
    except FileNotFoundError:
        os.makedirs(path.parent, exist_ok=True)  # ruff: ignore[os-makedirs]  tests count its steps
        descriptor = _create(draft)
    try:
        try:
            for part in parts:
                write_all(descriptor, part)
            if wait:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(draft, path)  # ruff: ignore[os-replace]  likewise
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)  # ruff: ignore[os-unlink]  likewise
        raise


def _create(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o644)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte: the system may take fewer at a time.

    Parameters
    ----------
    descriptor : int
        An open file.
    data : bytes
        What to write.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Parameters
    ----------
    path : Path
        The file.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # ruff: ignore[os-unlink]  tests count its steps


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk; not every system can.

    Parameters
    ----------
    path : Path
        The folder.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_files(paths: Collection[Path]) -> None:
    """Wait until files and their names are on the disk.

    Parameters
    ----------
    paths : collection of Path
        The files. Of many, everything that the system holds back is written at once: 64 files
        take 20 ms so, and 250 ms one by one.
    """
    if len(paths) > _FEW and hasattr(os, "sync"):
        os.sync()
        return
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # forgotten meanwhile
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    for folder in {path.parent for path in paths}:
        sync_folder(folder)


def open_to_append(path: Path) -> int:
    """Open a file whose every write goes to its end; made if absent.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    int
        Its descriptor.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)


def sync(descriptor: int) -> None:
    """Wait until an open file is on the disk.

    Parameters
    ----------
    descriptor : int
        The file.
    """
    os.fsync(descriptor)


def cut(descriptor: int, size: int) -> None:
    """Drop everything behind a place.

    Parameters
    ----------
    descriptor : int
        An open file.
    size : int
        Bytes to keep.
    """
    os.ftruncate(descriptor, size)
