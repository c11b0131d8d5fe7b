"""Compiled twins of loops over windows, for which NumPy needs a pass for each place in them.

The NumPy text of the layers is the reference. A kernel compares and adds the same numbers in the
same order, so its results are the same to the last bit: it may take over in the middle of a run and
nobody can tell from the numbers. numba is imported, and a kernel compiled, only when that pays:
after NumPy has spent about as long on these loops as loading takes. The environment variable
NNLIB_FUSED asks for the kernels at once (1) or never (0).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlib._array import Array, IntArray
from nnlib._compiling import available, compiled, setting

PAYS_AFTER = 2_000_000_000
"""Numbers passed through these loops after which loading pays: some 2 s of NumPy at 1 ns each."""


class Kernels:
    """The loops, compiled."""

    def __init__(self) -> None:
        self.max_pool = compiled(_max_pool)
        self.max_pool_backward = compiled(_max_pool_backward)
        self.add_windows = compiled(_add_windows)


class _State:
    """What this process has done and loaded."""

    work = 0
    kernels: Kernels | None = None


def kernels(*arrays: Array | IntArray) -> Kernels | None:
    """Return the kernels if they are wanted, there, worth it by now, and fit these arrays."""
    wanted = setting()
    if wanted is False or not all(type(a) is np.ndarray and a.flags.c_contiguous for a in arrays):
        return None
    if _State.kernels is None:
        _State.work += sum(array.size for array in arrays)
        if wanted or (_State.work >= PAYS_AFTER and available()):
            _State.kernels = Kernels()
    return _State.kernels


# What follows is compiled. The innermost loop runs over the channels of one pixel, which lie side
# by side: the compiler turns it into vector instructions.


def _max_pool(x: Array, y: Array, first: IntArray, kernel: Any, stride: Any) -> None:
    n, rows, columns, channels = y.shape
    for b in range(n):
        for r in range(rows):
            for s in range(columns):
                best, place = y[b, r, s], first[b, r, s]
                pixel = x[b, r * stride[0], s * stride[1]]
                for c in range(channels):
                    best[c] = pixel[c]
                    place[c] = 0
                for i in range(kernel[0]):
                    for j in range(kernel[1]):
                        pixel = x[b, r * stride[0] + i, s * stride[1] + j]
                        here = np.uint8(i * kernel[1] + j)
                        for c in range(channels):
                            value = pixel[c]
                            better = (value > best[c]) | (value != value)  # nan is passed on
                            place[c] = here if better else place[c]
                            best[c] = value if better else best[c]


def _max_pool_backward(dy: Array, first: IntArray, dx: Array, kernel: Any, stride: Any) -> None:
    n, rows, columns, channels = dy.shape
    for b in range(n):
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                here = np.uint8(i * kernel[1] + j)
                for r in range(rows):
                    for s in range(columns):
                        share, place = dy[b, r, s], first[b, r, s]
                        pixel = dx[b, r * stride[0] + i, s * stride[1] + j]
                        for c in range(channels):
                            pixel[c] += share[c] if place[c] == here else share[c] * 0


def _add_windows(dx: Array, shares: Array, stride: Any) -> None:
    n, rows, columns, kh, kw, channels = shares.shape
    for b in range(n):
        for i in range(kh):
            for j in range(kw):
                for r in range(rows):
                    for s in range(columns):
                        share = shares[b, r, s, i, j]
                        pixel = dx[b, r * stride[0] + i, s * stride[1] + j]
                        for c in range(channels):
                            pixel[c] += share[c]
