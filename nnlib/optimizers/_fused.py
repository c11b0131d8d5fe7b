"""Compiled twins of a few update rules: one pass over the vectors in place of about ten.

The NumPy text of each optimizer is the reference. A kernel does the same operations in the same
order, in the same precision and without the shortcuts of "fast math", so its results are the same
to the last bit: it may take over in the middle of a run and nobody can tell from the numbers.

numba is imported, and a kernel compiled, only when that pays: loading takes longer than many short
runs. ``fused=None`` therefore waits until so many parameters have been updated that NumPy has spent
about as long as loading will take, or takes the kernels at once if something else has loaded them.
``fused=True`` loads at the first step, ``fused=False`` never; the environment variable NNLIB_FUSED,
1 or 0, speaks for all that leave it open. Machine code is cached on disk for the next session.
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np

from nnlib import _compiling
from nnlib._array import Array, BoolArray
from nnlib._compiling import compiled

PAYS_AFTER = 1_000_000_000
"""Parameters times steps after which loading pays: it takes about 1 s, and saves 1 ns an entry."""

Numbers: TypeAlias = tuple[float, ...]
_loaded: Kernels | None = None


def kernels(fused: bool | None, work: int) -> Kernels | None:
    """Return the kernels if they are wanted, there, and worth it after so much work."""
    if fused is None:
        fused = _setting()
    if fused is False:
        return None
    if _loaded is not None:
        return _loaded
    if fused or (work >= PAYS_AFTER and _compiling.available()):
        return _load()
    return None


@cache
def _setting() -> bool | None:
    """Return what the environment asks for, read once: an optimizer asks at each step."""
    return _compiling.setting()


def _load() -> Kernels:
    global _loaded
    _loaded = Kernels()
    return _loaded


class Kernels:
    """The update rules, compiled.

    Numbers are handed over in an array of the precision of theta: so they are rounded as NumPy
    rounds them, and a call takes 1 µs where numbers one by one would take 4.
    """

    def __init__(self) -> None:
        self._adam = compiled(_adam)
        self._sgd = compiled(_sgd)
        self._rmsprop = compiled(_rmsprop)

    def adam(
        self, theta: Array, grad: Array, M: Array, V: Array, mask: BoolArray, numbers: Numbers,
        *, decoupled: bool,
    ) -> None:  # fmt: skip
        """Do as ``Adam._update``, with numbers rate, β₁, β₂, eps, decay (times lr if decoupled)."""
        constants = np.array(numbers, theta.dtype)
        self._adam(*_flat(theta, grad, M, V), mask, constants, decoupled)

    def sgd(
        self, theta: Array, grad: Array, u: Array, mask: BoolArray, numbers: Numbers,
        *, nesterov: bool,
    ) -> None:  # fmt: skip
        """Do as ``SGD._update``, with numbers lr, momentum, decay."""
        constants = np.array(numbers, theta.dtype)
        self._sgd(*_flat(theta, grad, u), mask, constants, nesterov)

    def rmsprop(
        self, theta: Array, grad: Array, v: Array, mask: BoolArray, numbers: Numbers
    ) -> None:
        """Do as ``RMSProp._update``, with numbers lr, alpha, 1 − alpha, eps, decay."""
        constants = np.array(numbers, theta.dtype)
        self._rmsprop(*_flat(theta, grad, v), mask, constants)


def _flat(*arrays: Array) -> tuple[Array, ...]:
    """Put the folds one after the other, if there are folds; the kernels repeat the mask."""
    return arrays if arrays[0].ndim == 1 else tuple(array.reshape(-1) for array in arrays)


# What follows is compiled, so coverage cannot see it: plain loops, one for each case, because a
# branch on a setting inside would keep the compiler from using vector instructions, as would an
# index that is a sum: so the vectors of one fold are cut out. ``zero`` has the precision of theta,
# where a literal 0.0 would be float64.


def _adam(
    theta: Array, grads: Array, Ms: Array, Vs: Array, mask: BoolArray, numbers: Array,
    decoupled: bool,
) -> None:  # fmt: skip  # pragma: no cover
    rate, beta1, beta2, eps, decay = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    zero = decay - decay
    size = theta.size if decay == zero else mask.size
    for start in range(0, theta.size, size):
        fold = slice(start, start + size)
        p, grad, M, V = theta[fold], grads[fold], Ms[fold], Vs[fold]
        if decay == zero:
            for i in range(p.size):
                g = grad[i]
                m = M[i] * beta1 + g
                v = V[i] * beta2 + g * g
                M[i], V[i] = m, v
                p[i] -= m / (np.sqrt(v) + eps) * rate
        elif decoupled:
            for i in range(p.size):
                g = grad[i]
                m = M[i] * beta1 + g
                v = V[i] * beta2 + g * g
                M[i], V[i] = m, v
                w = p[i] - (p[i] * decay if mask[i] else zero)
                p[i] = w - m / (np.sqrt(v) + eps) * rate
        else:
            for i in range(p.size):
                g = (p[i] * decay if mask[i] else zero) + grad[i]
                m = M[i] * beta1 + g
                v = V[i] * beta2 + g * g
                M[i], V[i] = m, v
                p[i] -= m / (np.sqrt(v) + eps) * rate


def _sgd(
    theta: Array, grads: Array, Us: Array, mask: BoolArray, numbers: Array, nesterov: bool
) -> None:  # pragma: no cover
    lr, momentum, decay = numbers[0], numbers[1], numbers[2]
    zero = decay - decay
    for start in range(0, theta.size, mask.size):
        fold = slice(start, start + mask.size)
        p, grad, U = theta[fold], grads[fold], Us[fold]
        if nesterov:
            for i in range(p.size):
                g = (p[i] * decay if mask[i] else zero) + grad[i]
                u = U[i] * momentum + g
                U[i] = u
                p[i] -= (g + u * momentum) * lr
        else:
            for i in range(p.size):
                g = (p[i] * decay if mask[i] else zero) + grad[i]
                u = U[i] * momentum + g
                U[i] = u
                p[i] -= u * lr


def _rmsprop(
    theta: Array, grads: Array, Vs: Array, mask: BoolArray, numbers: Array
) -> None:  # pragma: no cover
    lr, alpha, rest, eps, decay = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    zero = decay - decay
    for start in range(0, theta.size, mask.size):
        fold = slice(start, start + mask.size)
        p, grad, V = theta[fold], grads[fold], Vs[fold]
        for i in range(p.size):
            g = (p[i] * decay if mask[i] else zero) + grad[i]
            v = V[i] * alpha + g * g * rest
            V[i] = v
            p[i] -= g / (np.sqrt(v) + eps) * lr
