"""Compiled twins of the planned steps that make many passes over small arrays.

They are used where NNLIB_FUSED is 1 and numba is installed. Sums run in another order than in
NumPy, and the exponential is another one, so results agree to about one part in ten million, not to
the last bit: a run must not change from one to the other half way, and the setting is read once,
when a plan is made.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from nnlib._array import Array, BoolArray, IntArray
from nnlib._compiling import compiled


class Kernels:
    """The loops, compiled at their first call."""

    def __init__(self) -> None:
        self.bias_relu = compiled(_bias_relu)
        self.relu_backward = compiled(_relu_backward)
        self.bias_relu_columns = compiled(_bias_relu_columns)
        self.relu_backward_columns = compiled(_relu_backward_columns)
        self.cross_entropy = compiled(_cross_entropy)


@cache
def kernels() -> Kernels:
    """Return the one set of kernels of this process."""
    return Kernels()


# What follows is compiled: plain loops over folds and rows, with the innermost free of branches.
# Vectors of folds must lie close together, else the compiler finds no vector instructions.


def _bias_relu(y: Array, b: Array, mask: BoolArray) -> None:
    for f in range(y.shape[0]):
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                z = y[f, i, j] + b[f, j]
                mask[f, i, j] = z > 0
                y[f, i, j] = max(z, np.float32(0))


def _relu_backward(dz: Array, y: Array, db: Array) -> None:
    zero = db[0, 0] * 0
    for f in range(dz.shape[0]):
        for j in range(dz.shape[2]):
            db[f, j] = zero
        for i in range(dz.shape[1]):
            for j in range(dz.shape[2]):
                g = dz[f, i, j] if y[f, i, j] > 0 else zero
                dz[f, i, j] = g
                db[f, j] += g


def _bias_relu_columns(y: Array, b: Array, mask: BoolArray) -> None:
    zero = y.dtype.type(0)
    for i in range(y.shape[0]):
        bias = b[i]
        for j in range(y.shape[1]):
            z = y[i, j] + bias
            mask[i, j] = z > 0
            y[i, j] = max(z, zero)


def _relu_backward_columns(dz: Array, y: Array) -> None:
    zero = y.dtype.type(0)
    for i in range(dz.shape[0]):
        for j in range(dz.shape[1]):
            dz[i, j] = dz[i, j] if y[i, j] > 0 else zero


def _cross_entropy(z: Array, labels: IntArray, p: Array, dz: Array, shares: Array) -> Any:
    n, n_classes = z.shape
    total = 0.0
    for i in range(n):
        label, share = labels[i], shares[i]
        if label < 0 or label >= n_classes:
            return -1.0
        largest = z[i, 0]
        for j in range(1, n_classes):
            largest = max(largest, z[i, j])
        mass = z[i, 0] * 0
        for j in range(n_classes):
            p[i, j] = np.exp(z[i, j] - largest)
            mass += p[i, j]
        total += (np.log(mass) - (z[i, label] - largest)) * share
        inverse = 1 / mass
        for j in range(n_classes):
            p[i, j] *= inverse
            dz[i, j] = p[i, j] * share
        dz[i, label] -= share
    return total
