"""One coordinator at a time: a lock that the system takes back when its holder dies."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from grading.refusals import Refusal

__all__ = ["Lock"]

fcntl: Any
msvcrt: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

_HELD: set[Path] = set()


class Lock:
    """Hold a lock file as long as the process lives, or until `release`.

    It is a lock of POSIX's `lockf` kind: forked workers do not inherit it, so that workers which
    outlive a killed coordinator do not keep the next one out.

    Parameters
    ----------
    path : Path
        The lock file. It is made if absent, and stays.

    Raises
    ------
    Refusal
        If somebody holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        if self.path in _HELD:  # a second `lockf` of the same process would succeed
            raise Refusal(_sentence(self.path, str(os.getpid())))
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if fcntl is not None:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            else:
                os.lseek(self._descriptor, 64, os.SEEK_SET)  # past the number, which stays legible
                msvcrt.locking(self._descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            holder = ""
            with contextlib.suppress(OSError):
                holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise Refusal(_sentence(self.path, holder)) from error
        _HELD.add(self.path)
        with contextlib.suppress(OSError):  # it only serves the sentence above
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next one in."""
        if self.path in _HELD:
            _HELD.discard(self.path)
            os.close(self._descriptor)


def _sentence(path: Path, holder: str) -> str:
    who = f" (process {holder})" if holder.isdigit() else ""
    return (
        f"{path.parent}: another command{who} is grading this class. "
        "Wait until it has ended, or stop it, and run this one again."
    )
