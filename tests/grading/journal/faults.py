"""File operations that stop after a number of steps, as if the process or the disk had ended."""

from __future__ import annotations

import errno
import os
from typing import Any

STEPS = {"open", "write", "fsync", "replace", "unlink", "ftruncate", "makedirs", "sync"}
ALLOCATING = {"open", "write", "fsync", "makedirs"}


class Killed(BaseException):
    """The process is gone: nothing may catch this and go on."""


class KillingOs:
    """The module `os` up to a step; that step is done by half, and nothing after it.

    Parameters
    ----------
    n_steps : int
        Steps that succeed.
    """

    def __init__(self, n_steps: int) -> None:
        self.left = n_steps
        self.n_done = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in STEPS:
            return real

        def step(*arguments: Any, **options: Any) -> Any:
            if self.left <= 0:
                if self.left == 0 and name == "write":
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                self.left -= 1
                raise Killed
            self.left -= 1
            self.n_done += 1
            return real(*arguments, **options)

        return step


class FullOs(KillingOs):
    """The module `os` on a disk that is full from a step on; what frees room still works."""

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in ALLOCATING:
            return real

        def step(*arguments: Any, **options: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return real(*arguments, **options)
            self.left -= 1
            if self.left < 0:
                if name == "write":
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.n_done += 1
            return real(*arguments, **options)

        return step
