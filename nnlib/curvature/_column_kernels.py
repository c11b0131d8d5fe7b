"""Compiled twins of rules by columns that make several passes over small arrays.

They are used where NNLIB_FUSED is 1 and numba is installed. Sums run in another order than in
NumPy, so results agree to about one part in ten million, not to the last bit. The exponential and
tanh stay with NumPy, whose vector versions take a fifth of the time.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from nnlib._compiling import compiled

if TYPE_CHECKING:
    from nnlib._array import Array


class Kernels:
    """The kernels, compiled at their first call."""

    def __init__(self) -> None:
        self.softmax_change = compiled(_softmax_change)
        self.bent = compiled(_bent)
        self.tanh_slope = compiled(_tanh_slope)
        self.tanh_bend = compiled(_tanh_bend)


@cache
def kernels() -> Kernels:
    """Return the one set of kernels of this process."""
    return Kernels()


# What follows is compiled: plain loops along rows, with the innermost free of branches.


def _softmax_change(p: Array, z_dot: Array, change: Array) -> None:
    """Write p (z_dot − Σ_k p_k z_dot_k) / N into change, where p holds p / N."""
    n_classes, n = p.shape
    mean = np.zeros_like(p[0])
    for k in range(n_classes):
        for i in range(n):
            change[k, i] = p[k, i] * z_dot[k, i]
            mean[i] += change[k, i]
    for i in range(n):
        mean[i] *= n
    for k in range(n_classes):
        for i in range(n):
            change[k, i] -= p[k, i] * mean[i]


def _bent(dz_dot: Array, slope: Array, bend: Array, z_dot: Array) -> None:
    """Carry a change of ∂L/∂a to ∂L/∂z, in place: φ' da_dot + φ'' ∂L/∂a z_dot."""
    for j in range(dz_dot.shape[0]):
        for i in range(dz_dot.shape[1]):
            dz_dot[j, i] = dz_dot[j, i] * slope[j, i] + bend[j, i] * z_dot[j, i]


def _tanh_slope(a: Array, slope: Array) -> None:
    """Write 1 − a² into slope."""
    one = np.float32(1)  # with a whole number, float32 would become float64
    for j in range(a.shape[0]):
        for i in range(a.shape[1]):
            slope[j, i] = one - a[j, i] * a[j, i]


def _tanh_bend(a: Array, delta: Array, bend: Array) -> None:
    """Write −2 a δ into bend."""
    for j in range(a.shape[0]):
        for i in range(a.shape[1]):
            half = a[j, i] * delta[j, i]
            bend[j, i] = -(half + half)
