"""Write into a folder that a learner uses at the same moment.

Two rules keep a learner's work safe. A file appears only under a name that is free, and the
system itself checks that, in the same step. A file leaves its name only by a rename, and is
read again under the new name before anything else happens, so that a save that came in
between is seen.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import time
from collections.abc import Generator
from pathlib import Path

from grading.refusals import Refusal

_DRAFT = re.compile(r"^\.(?P<name>.+)\.[0-9a-f]{8}\.nncourse-draft$")
_ASIDE = re.compile(r"^\.(?P<name>.+)\.[0-9a-f]{8}\.nncourse-aside$")
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}
_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or "" for what is not a plain file."""
    if path.is_symlink() or not path.is_file():
        return ""
    return digest_of(path.read_bytes())


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of some bytes as hexadecimal text."""
    return hashlib.sha256(data).hexdigest()


def create(path: Path, data: bytes) -> bool:
    """Write a new file whole, and only if its name is free.

    Parameters
    ----------
    path : Path
        Where the file shall stand; missing folders are made.
    data : bytes
        Its content.

    Returns
    -------
    created : bool
        False if something stood there already; it is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _draft(path, data) as draft:
        return _take_free_name(draft, path)


def replace_if_known(path: Path, data: bytes, known: set[str]) -> bool:
    """Put new content in place of a file, if the file is one that we delivered.

    Parameters
    ----------
    path : Path
        The file.
    data : bytes
        The new content.
    known : set of str
        SHA-256 of everything that was ever delivered under this name.

    Returns
    -------
    replaced : bool
        False if the file holds, or came to hold meanwhile, something else.
    """
    if digest(path) not in known:
        return False
    with _draft(path, data) as draft:
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.nncourse-aside")
        path.rename(aside)
        if digest(aside) not in known:  # saved between the two looks
            _settle(aside, path, known)
            return False
        replaced = _take_free_name(draft, path)
        _settle(aside, path, known)
        return replaced


def tidy(folder: Path, known: dict[str, set[str]]) -> None:
    """Clear what an interrupted run left behind; a learner's bytes come back under a name.

    Parameters
    ----------
    folder : Path
        The learner's folder.
    known : dict of str to set of str
        For each path in the folder, the SHA-256 of what was delivered there.
    """
    for place in [folder, *(p for p in folder.iterdir() if p.is_dir() and not p.is_symlink())]:
        for path in list(place.iterdir()):
            if _DRAFT.match(path.name):
                path.unlink(missing_ok=True)
            elif match := _ASIDE.match(path.name):
                owner = place / match["name"]
                _settle(path, owner, known.get(owner.relative_to(folder).as_posix(), set()))


def free_name(path: Path, word: str) -> Path:
    """Return ``stem.word.suffix`` beside a file, or ``stem.word-2.suffix`` and so on.

    Parameters
    ----------
    path : Path
        The file beside which a name is wanted.
    word : str
        What the new file is, such as "update".

    Returns
    -------
    free : Path
        A name that nothing bears now.
    """
    n = 1
    while True:
        number = "" if n == 1 else f"-{n}"
        candidate = path.with_name(f"{path.stem}.{word}{number}{path.suffix}")
        if not os.path.lexists(candidate):
            return candidate
        n += 1


@contextlib.contextmanager
def lock(folder: Path, timeout_s: float = 30.0) -> Generator[None, None, None]:
    """Let one run at a time change a folder; a second one waits.

    Parameters
    ----------
    folder : Path
        The learner's folder.
    timeout_s : float, default 30.0
        How long to wait for the other run, in seconds.

    Yields
    ------
    None
        The lock is held inside the block.

    Raises
    ------
    Refusal
        If the other run does not end in time.
    """
    with (folder / ".nncourse.lock").open("ab") as handle:
        deadline = time.monotonic() + timeout_s
        while not _try_lock(handle.fileno()):
            if time.monotonic() > deadline:
                message = (
                    f'nncourse learn: another "nncourse learn" has been changing {folder} for '
                    f"{timeout_s:.0f} s. Wait until it has ended, then run this again."
                )
                raise Refusal(message)
            time.sleep(0.05)
        yield  # closing the file releases the lock


@contextlib.contextmanager
def explained(folder: Path) -> Generator[None, None, None]:
    """Turn what the file system refuses into one sentence with its mend.

    Parameters
    ----------
    folder : Path
        The learner's folder, to be named in the sentence.

    Yields
    ------
    None
        The writing happens inside the block.

    Raises
    ------
    Refusal
        In place of an OSError of any kind.
    """
    try:
        yield
    except OSError as error:
        where = f"nncourse learn: {folder}"
        if error.errno in _FULL:
            message = f"{where}: the disk is full. Free some space and run the command again."
        elif error.errno in _CLOSED:
            message = f'{where} cannot be written to. Name another: "nncourse learn FOLDER".'
        elif isinstance(error, NotADirectoryError | FileExistsError):
            message = (
                f"{where} needs a folder where a file stands ({error.filename}). "
                'Move that file away, or name another folder: "nncourse learn FOLDER".'
            )
        else:
            message = f"{where} cannot be used: {error.strerror or error}. Name another folder."
        raise Refusal(message) from error


@contextlib.contextmanager
def _draft(path: Path, data: bytes) -> Generator[Path, None, None]:
    """Hold content in a hidden file beside its place; a full disk shows before a name is taken."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.nncourse-draft")
    try:
        with draft.open("xb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _take_free_name(source: Path, target: Path) -> bool:
    """Give a file its name unless something bears it; True if it was free."""
    try:
        if os.name == "nt":
            source.rename(target)  # on Windows a rename refuses to replace
        else:
            os.link(source, target)  # on POSIX a rename would replace, a link does not
            source.unlink()
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _copy_to_free_name(source, target)
    return True


def _copy_to_free_name(source: Path, target: Path) -> bool:
    """Do the same on file systems without links (memory sticks, some network folders)."""
    try:
        handle = target.open("xb")
    except FileExistsError:
        return False
    try:
        with handle:
            handle.write(source.read_bytes())
    except OSError:
        target.unlink(missing_ok=True)
        raise
    source.unlink()
    return True


def _settle(aside: Path, owner: Path, known: set[str]) -> None:
    """End a replacement: put the old file back, drop it if it is ours, else keep it by a name."""
    if not os.path.lexists(owner) and _take_free_name(aside, owner):
        return
    if digest(aside) in known:
        aside.unlink()
        return
    while not _take_free_name(aside, free_name(owner, "mine")):
        pass


def _try_lock(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt  # Windows only

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # Windows
        else:
            import fcntl  # POSIX only

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a network folder without locks: every write is safe on its own
        return True
    return True
