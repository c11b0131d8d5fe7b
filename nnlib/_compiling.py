"""Compiled twins of hot loops: when they are wanted, and how they are made.

numba is optional. The NumPy text of each rule is the reference; what is compiled here does the same
and is held to it by tests. The environment variable NNLIB_FUSED decides, 1 or 0, where a call
leaves it open.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeAlias

from nnlib.errors import ArgumentError

Kernel: TypeAlias = Callable[..., Any]


@cache
def available() -> bool:
    """Return whether numba is installed."""
    return find_spec("numba") is not None


def setting() -> bool | None:
    """Return what NNLIB_FUSED asks for, as far as it can be had; None if it says nothing."""
    value = os.environ.get("NNLIB_FUSED", "")
    if value not in {"", "0", "1"}:
        message = f"NNLIB_FUSED is {value!r}, expected 1, 0 or nothing."
        raise ArgumentError(message)
    return None if value == "" else value == "1" and available()


def compiled(function: Kernel) -> Kernel:
    """Compile a function at its first call; keep the code on disk if there is a place."""
    import numba

    # Division by zero gives infinity, as in NumPy: a check at each entry would forbid vectors.
    options: dict[str, Any] = {"nopython": True, "error_model": "numpy", "nogil": True}
    try:
        kernel: Kernel = numba.jit(cache=True, **options)(function)
    except RuntimeError:  # no writable place for the cache
        kernel = numba.jit(**options)(function)
    return kernel
