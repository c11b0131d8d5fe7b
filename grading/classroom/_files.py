"""Write files whole or not at all, and keep private ones private."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from grading.refusals import Refusal

__all__ = ["locked", "refuse_if_readable_by_others", "said", "write_atomically"]


def write_atomically(
    path: Path, content: bytes, mode: int = 0o600, *, durable: bool = True
) -> None:
    """Write a file under another name, then rename it.

    Parameters
    ----------
    path : Path
        The file.
    content : bytes
        All of it.
    mode : int, default 0o600
        Its permissions, where there are such.
    durable : bool, default True
        Wait until it is on the disk: for what nobody could make again. It takes milliseconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.draft")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def refuse_if_readable_by_others(path: Path, what: str) -> None:
    """Refuse a private file that other people on the machine can read.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it holds, for the sentence: ``"the secret of the class"``.

    Raises
    ------
    Refusal
        With the command that mends it. Windows has no such permissions and is not asked.
    """
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        msg = (
            f"{path}: it holds {what}, and others on this machine can read it. "
            f"Run: chmod 600 '{path}'"
        )
        raise Refusal(msg)


@contextmanager
def said(path: Path) -> Generator[None, None, None]:
    """Turn what the system says about a file that cannot be written into one sentence.

    Parameters
    ----------
    path : Path
        What is being written, for errors that name no file.

    Raises
    ------
    Refusal
        With the file, the reason and the mend.
    """
    try:
        yield
    except OSError as error:
        is_full = error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
        mend = "Make room" if is_full else "Mend the rights of its folder, or name another one,"
        msg = (
            f"{error.filename or path}: it cannot be written: {error.strerror or error}. {mend} "
            "and run the same command again."
        )
        raise Refusal(msg) from error


@contextmanager
def locked(folder: Path) -> Generator[None, None, None]:
    """Keep other processes from changing the class folder's small files meanwhile.

    Parameters
    ----------
    folder : Path
        The class folder.

    Yields
    ------
    None
        While it lasts, the lock is held; a process that dies lets go of it.

    Raises
    ------
    Refusal
        If the folder, or what is written there meanwhile, cannot be written.
    """
    with said(folder), _held(folder):
        yield


@contextmanager
def _held(folder: Path) -> Generator[None, None, None]:
    try:
        import fcntl  # not on Windows, where one instructor runs one command at a time
    except ModuleNotFoundError:
        yield
        return
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
