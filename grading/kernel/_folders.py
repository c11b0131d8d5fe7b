"""Folders of sandboxes in the temporary folder: whose they are, and which were left by the dead.

A worker that is killed leaves its folder, with the files of a submission. A lock on a file in it
tells whether the worker lives: the system gives it up with the process, in containers that share a
temporary folder too, where numbers of processes mean nothing.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["PREFIX", "mark_as_owned", "remove_stale"]

PREFIX = "nnk-"
_MARK = "owner"


def mark_as_owned(folder: Path) -> BinaryIO:
    """Say that this process uses a folder.

    Parameters
    ----------
    folder : Path
        New, and private.

    Returns
    -------
    binary file
        Open as long as the folder is in use.
    """
    import fcntl  # not on Windows, where there is no sandbox

    draft = folder / f"{_MARK}.draft"
    mark = draft.open("xb")
    fcntl.flock(mark, fcntl.LOCK_EX)
    draft.rename(folder / _MARK)  # locked before anybody can find it
    return mark


def remove_stale() -> int:
    """Remove this user's folders whose process is gone.

    Returns
    -------
    int
        How many were removed.
    """
    return sum(
        _remove_if_stale(folder) for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*")
    )


def _remove_if_stale(folder: Path) -> bool:
    with suppress(OSError, ImportError):  # not ours, in use, gone by now; or not Linux
        import fcntl

        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
            return False
        descriptor = os.open(folder / _MARK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
        return True
    return False
