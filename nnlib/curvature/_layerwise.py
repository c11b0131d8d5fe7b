"""Curvature of any model: the R-operator of its layers, or differences where a layer has none."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from nnlib._array import Array
from nnlib.layers.base import Layer
from nnlib.losses import Loss


def private_copy(model: Layer) -> Layer:
    """Return a copy that computes the same function: parameters, statistics, last random masks."""
    twin = copy.deepcopy(model)
    for mine, theirs in zip(twin._everything(), model._everything(), strict=True):
        mine._kept = dict(theirs._kept)
        mine._frozen = True
    return twin


def own_copy(loss: Loss) -> Loss:
    """Return a copy of the loss that remembers nothing."""
    twin = copy.copy(loss)
    twin._kept = {}
    return twin


class LayerLinearization:
    """A model at one point: forward and backward have run, and its own copy remembers them.

    Parameters
    ----------
    model : Layer
        A private copy, frozen.
    X, targets : ndarray
        Rows.
    share : float
        Weight of these rows in the whole mean.
    loss : Loss
        A copy of it is kept.
    full : bool
        True for the Hessian. False for Gauss-Newton: with a loss gradient of zero, the R-operator
        of ``backward`` keeps only Jᵀ.
    """

    exact = True

    def __init__(
        self,
        model: Layer,
        X: Array,
        targets: np.ndarray[Any, Any],
        share: float,
        loss: Loss,
        *,
        full: bool,
    ) -> None:
        self.model, self.share = model, share
        self.loss = own_copy(loss)
        self.prediction = model.forward(X)
        self.value = self.loss.forward(self.prediction, targets)
        dy = self.loss.backward()
        model.backward(dy if full else np.zeros_like(dy), need_dx=False)

    def product(self, v: Array) -> Array:
        """Return the matrix times one direction of shape (P,)."""
        out: Array = self.products(v[np.newaxis])[0]
        return out

    def products(self, V: Array) -> Array:
        """Return the matrix times each row of V, of shape (K, P)."""
        y_dot = self.model.rforward(None, V)
        assert y_dot is not None  # ruff: ignore[assert]  since V changes parameters
        self.model.rbackward(self.loss.rbackward(y_dot), need_dx=False)
        # A copy: the next product may write into ``grad_dot``.
        return np.array(np.broadcast_to(self.model.grad_dot, V.shape), order="C")


class DifferenceLinearization:
    """A model some layer of which has no R-operator: central differences in float64.

        H v ≈ ( g(θ + hv) − g(θ − hv) ) / 2h          J v ≈ ( f(θ + hv) − f(θ − hv) ) / 2h

    h is 6e-6 of the size of θ in the direction of v, so the result is good to some nine digits of
    its largest entry; at a kink it is the mean of both sides.
    """

    exact = False
    step = 6e-6

    def __init__(
        self,
        model: Layer,
        X: Array,
        targets: np.ndarray[Any, Any],
        share: float,
        loss: Loss,
        *,
        full: bool,
    ) -> None:
        self.model, self.share, self.full = model.astype(np.float64), share, full
        for mine, theirs in zip(self.model._everything(), model._everything(), strict=True):
            mine._kept = dict(theirs._kept)
        self.X = X.astype(np.float64) if X.dtype.kind == "f" else X
        self.targets, self.loss = targets, own_copy(loss)
        self.theta = self.model.theta.copy()
        self._scale = max(1.0, float(np.abs(self.theta).max(initial=0.0)))
        self.prediction, _ = self._at(self.theta)
        self.value = self.loss.forward(self.prediction, targets)

    def _at(self, theta: Array) -> tuple[Array, Array]:
        """Return output and gradient at another point."""
        self.model.theta = theta
        y = self.model.forward(self.X)
        if not self.full:
            return y, self.theta
        self.loss.forward(y, self.targets)
        self.model.backward(self.loss.backward(), need_dx=False)
        return y, self.model.grad.copy()

    def product(self, v: Array) -> Array:
        """Return the matrix times one direction of shape (P,)."""
        size = float(np.abs(v).max(initial=0.0))
        if not size:
            return np.zeros_like(v)
        direction = v.astype(np.float64) / size
        h = self.step * self._scale
        above, below = self._at(self.theta + h * direction), self._at(self.theta - h * direction)
        if self.full:
            change: Array = (above[1] - below[1]) * (size / (2 * h))
        else:
            y_dot = (above[0] - below[0]) * (size / (2 * h))
            self._at(self.theta)
            self.loss.forward(self.prediction, self.targets)
            self.model.backward(self.loss.rbackward(y_dot), need_dx=False)
            change = self.model.grad
        self.model.theta = self.theta
        out: Array = change.astype(v.dtype)
        return out

    def products(self, V: Array) -> Array:
        """Return the matrix times each row of V, of shape (K, P)."""
        return np.stack([self.product(v) for v in V])


def rows_hang_together(model: Layer) -> bool:
    """Say whether rows depend on each other, or on random masks drawn for all: in training."""
    return any(
        leaf.training and (leaf.couples_rows or bool(leaf.generators()))
        for leaf in model._everything()
    )


def has_r_operator(model: Layer) -> bool:
    """Say whether every layer of a model defines ``rforward`` and ``rbackward``."""
    return all(
        type(leaf).rforward is not Layer.rforward and type(leaf).rbackward is not Layer.rbackward
        for leaf in model._everything()
    )
