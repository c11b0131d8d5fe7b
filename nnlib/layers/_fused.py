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
        self.add_windows = compiled(_add_windows)
        self._max_pool = compiled(_max_pool)
        self._max_pool_backward = compiled(_max_pool_backward)
        self._max_of_four = compiled(_max_of_four)
        self._max_of_four_backward = compiled(_max_of_four_backward)

    def max_pool(self, x: Array, y: Array, first: IntArray, kernel: Any, stride: Any) -> None:
        """Fill y with the maxima, and first with their places."""
        if kernel == stride == (2, 2):
            self._max_of_four(x, y, first)
        else:
            self._max_pool(x, y, first, kernel, stride)

    def max_pool_backward(
        self, dy: Array, first: IntArray, dx: Array, kernel: Any, stride: Any
    ) -> None:
        """Fill dx: each maximum hands its share to its place."""
        if kernel == stride == (2, 2):
            rows, columns = dy.shape[1:3]
            dx[:, 2 * rows :] = 0.0
            dx[:, :, 2 * columns :] = 0.0
            self._max_of_four_backward(dy, first, dx)
        else:
            dx.fill(0.0)
            self._max_pool_backward(dy, first, dx, kernel, stride)


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


def _max_of_four(x: Array, y: Array, first: IntArray) -> None:
    # All four at once stay in registers, which takes a quarter of the time of place by place.
    n, rows, columns, channels = y.shape
    for b in range(n):
        for r in range(rows):
            for s in range(columns):
                best, place = y[b, r, s], first[b, r, s]
                x0, x1 = x[b, 2 * r, 2 * s], x[b, 2 * r, 2 * s + 1]
                x2, x3 = x[b, 2 * r + 1, 2 * s], x[b, 2 * r + 1, 2 * s + 1]
                for c in range(channels):
                    value, k = x0[c], 0
                    if (x1[c] > value) | (x1[c] != x1[c]):
                        value, k = x1[c], 1
                    if (x2[c] > value) | (x2[c] != x2[c]):
                        value, k = x2[c], 2
                    if (x3[c] > value) | (x3[c] != x3[c]):
                        value, k = x3[c], 3
                    best[c], place[c] = value, k


def _max_of_four_backward(dy: Array, first: IntArray, dx: Array) -> None:
    n, rows, columns, channels = dy.shape
    zero = dx.dtype.type(0)
    for b in range(n):
        for r in range(rows):
            for s in range(columns):
                share, place = dy[b, r, s], first[b, r, s]
                for k in range(4):
                    pixel = dx[b, 2 * r + (k >> 1), 2 * s + (k & 1)]
                    for c in range(channels):
                        pixel[c] = share[c] if place[c] == k else zero


def _add_windows(dx: Array, shares: Array, stride: Any, padding: Any) -> None:
    # In the order of NumPy's passes, place by place; what falls on the border is left out.
    n, rows, columns, kh, kw, channels = shares.shape
    for b in range(n):
        for i in range(kh):
            for j in range(kw):
                for r in range(rows):
                    h = r * stride[0] + i - padding[0]
                    if h < 0 or h >= dx.shape[1]:
                        continue
                    for s in range(columns):
                        w = s * stride[1] + j - padding[1]
                        if w < 0 or w >= dx.shape[2]:
                            continue
                        share, pixel = shares[b, r, s, i, j], dx[b, h, w]
                        for c in range(channels):
                            pixel[c] += share[c]
