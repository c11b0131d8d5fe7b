"""Activations and losses at one point, by columns: arrays of shape (features, N).

Sums over classes then run over few long rows, which NumPy adds several times faster than many
short ones. ``SoftmaxColumns`` holds the rules of softmax with cross-entropy in that layout; every
other loss runs as it is, on its rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np

from nnlib._array import Array, IntArray
from nnlib.curvature._column_kernels import Kernels, kernels
from nnlib.curvature._layerwise import own_copy
from nnlib.layers.activations import Elementwise, Tanh
from nnlib.losses import CrossEntropy, Loss

Bend: TypeAlias = Callable[[Array, Array], Array]
"""Gives φ''(z) ∂L/∂a from ∂L/∂a and ∂L/∂z."""


def slope_and_bend(
    activation: Elementwise, z: Array, a: Array, compiled: Kernels | None
) -> tuple[Array, Bend | None]:
    """Write φ(z) into a; return φ'(z) and the rule of φ'', or None where that is zero."""
    if type(activation) is Tanh:
        np.tanh(z, out=a)
        if compiled is not None:
            slope = np.empty_like(z)
            compiled.tanh_slope(a, slope)
        else:
            slope = a * a
            np.subtract(1.0, slope, out=slope)
        return slope, lambda _da, delta: _tanh_bend(a, delta, compiled)
    before = activation._kept  # the layer keeps what it kept: a backward may be pending
    try:
        activation._kept = {}
        a[...] = activation.forward(z)
        slope = activation._slope().astype(z.dtype)
        second = activation._bend()
    finally:
        activation._kept = before
    return slope, None if second is None else lambda da, _delta: second * da


def _tanh_bend(a: Array, delta: Array, compiled: Kernels | None) -> Array:
    """Return φ'' ∂L/∂a = −2 a φ' ∂L/∂a = −2 a δ."""
    if compiled is not None:
        bend: Array = np.empty_like(a)
        compiled.tanh_bend(a, delta, bend)
    else:
        bend = a * delta
        bend *= -2.0
    return bend


SMALL = 60.0
"""Logits up to here need not be shifted by their maximum: e⁶⁰ and e⁻⁶⁰ are far from the limits."""


class LossColumns(Protocol):
    """A loss at one prediction."""

    @property
    def value(self) -> float:
        """The loss."""

    def gradient(self) -> Array:
        """Return ∂L/∂z of shape (outputs, N), a fresh array."""

    def change(self, z_dot: Array) -> Array:
        """Return the change of the gradient along z_dot of shape (..., outputs, N)."""


def loss_at(loss: Loss, z: Array, targets: np.ndarray[Any, Any], *, fused: bool) -> LossColumns:
    """Run a loss at a prediction of shape (outputs, N), or raise its own error."""
    plain_labels = targets.dtype.kind in "iu" and targets.shape == z.shape[1:]
    if type(loss) is CrossEntropy and not loss.label_smoothing and plain_labels:
        return (FusedSoftmaxColumns if fused else SoftmaxColumns)(loss, z, targets)
    return OtherLoss(loss, z, targets)


class OtherLoss:
    """Any loss, by its own rules."""

    def __init__(self, loss: Loss, z: Array, targets: np.ndarray[Any, Any]) -> None:
        self.loss = own_copy(loss)
        self.value = self.loss.forward(np.ascontiguousarray(z.T), targets)

    def gradient(self) -> Array:
        """Return ∂L/∂z of shape (outputs, N), a fresh array."""
        return np.ascontiguousarray(self.loss.backward().T)

    def change(self, z_dot: Array) -> Array:
        """Return the change of the gradient along z_dot of shape (..., outputs, N)."""
        rows = self.loss.rbackward(np.ascontiguousarray(z_dot.swapaxes(-1, -2)))
        return np.ascontiguousarray(rows.swapaxes(-1, -2))


class SoftmaxColumns:
    """Cross-entropy of integer labels: ∂L/∂z = (p − onehot) / N, with p = softmax(z).

    Its change is p (z_dot − Σ_k p_k z_dot_k) / N. What is kept is p / N, so that nothing is scaled
    later; sums over classes are products with a row of numbers N, which give back p.
    """

    def __init__(self, loss: CrossEntropy, z: Array, labels: IntArray) -> None:
        self.loss, self.z = loss, z
        n_classes, n = z.shape
        labels = labels.astype(np.intp, copy=False)
        # Seen as unsigned, a negative label is huge: one pass finds both kinds of wrong label.
        whole = labels.view(np.uintp)
        flat = z.reshape(-1)
        squares = flat.dot(flat)  # nan and infinity show here
        if whole[whole.argmax()] >= n_classes or not math.isfinite(squares):
            own_copy(self.loss).forward(z.T, labels)  # raises its own error, if it finds one
        self.numbers_n, columns = _constants(n_classes, n, z.dtype)
        self.places = labels * n + columns
        small = squares < SMALL * SMALL
        p = np.exp(z if small else z - np.maximum.reduce(z, axis=0))
        p /= self.numbers_n.dot(p)
        self.p = p

    @property
    def value(self) -> float:
        """The loss."""
        return own_copy(self.loss).forward(self.z.T, self.places // self.z.shape[1])

    def gradient(self) -> Array:
        """Return ∂L/∂z of shape (classes, N), a fresh array."""
        dz: Array = self.p.copy()
        dz.reshape(-1)[self.places] -= 1.0 / dz.shape[1]
        return dz

    def change(self, z_dot: Array) -> Array:
        """Return the change of the gradient along z_dot of shape (..., classes, N)."""
        change: Array = self.p * z_dot
        if z_dot.ndim == 2:
            mean: Array = self.numbers_n.dot(change)
        else:
            mean = (self.numbers_n @ change)[..., np.newaxis, :]
        change -= self.p * mean
        return change


class FusedSoftmaxColumns(SoftmaxColumns):
    """The same with the change in one compiled pass, for one direction."""

    def change(self, z_dot: Array) -> Array:
        """Return the change of the gradient along z_dot of shape (..., classes, N)."""
        if z_dot.ndim > 2:
            return super().change(z_dot)
        change: Array = np.empty_like(z_dot)
        kernels().softmax_change(self.p, z_dot, change)
        return change


@lru_cache(maxsize=16)
def _constants(n_classes: int, n: int, dtype: np.dtype[Any]) -> tuple[Array, IntArray]:
    """Return the number N for each class, and the numbers of the columns; nobody writes there."""
    return np.full(n_classes, n, dtype), np.arange(n)
