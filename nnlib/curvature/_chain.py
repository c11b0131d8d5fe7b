"""Plain networks, linear layers with activations between, at one point: fast exact products.

What forward and backward leave is kept as bare arrays, with a column of ones beside each input, so
that weights and bias are one matrix, laid out as they are in ``theta``. A product is then some
twenty calls of NumPy, and copies nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlib._array import Array
from nnlib.curvature._layerwise import own_copy
from nnlib.layers import Linear, Sequential
from nnlib.layers.activations import Elementwise
from nnlib.layers.base import Layer
from nnlib.layers.flatten import Flatten
from nnlib.losses import Loss


@dataclass
class Stage:
    """A linear layer with the activation behind it, at one point.

    Attributes
    ----------
    place : slice
        Its parameters in ``theta``.
    W : ndarray of shape (in_features, out_features)
        A copy of its weights.
    whole : ndarray of shape (in_features + 1, out_features)
        The weights with the bias below; without the last row where there is no bias.
    activation : Elementwise or None
        What follows.
    x : ndarray of shape (N, in_features + 1)
        Its input, with a column of ones for the bias.
    slope, bend : ndarray of shape (N, out_features), or None
        φ'(z), None if there is no activation; and φ''(z) ∂L/∂a, None where that is zero.
    delta : ndarray of shape (N, out_features), or None
        ∂L/∂z; None where its change of place does not count, in Gauss-Newton products.
    """

    place: slice
    W: Array
    whole: Array
    activation: Elementwise | None
    x: Array
    slope: Array | None = None
    bend: Array | None = None
    delta: Array | None = None


Chain = list[tuple[Linear, Elementwise | None, slice]]
"""Linear layers, the activation behind each, and their places in ``theta``."""


def find_chain(model: Layer, X: Array) -> Chain | None:
    """Return the layers of a plain network that takes rows of features; None for any other."""
    leaves = _leaves(model)
    if type(leaves[0]) is Flatten:
        del leaves[0]
    elif X.ndim != 2:
        return None
    found: Chain = []
    start = 0
    for i, leaf in enumerate(leaves):
        if type(leaf) is Linear and leaf._tie is None:
            stop = start + leaf.theta.shape[-1]
            after = leaves[i + 1] if i + 1 < len(leaves) else None
            found.append((
                leaf,
                after if isinstance(after, Elementwise) else None,
                slice(start, stop),
            ))
            start = stop
        elif not (isinstance(leaf, Elementwise) and i and type(leaves[i - 1]) is Linear):
            return None
    return found or None


def _leaves(model: Layer) -> list[Layer]:
    """Return the layers of nested sequences in order."""
    if type(model) is not Sequential:
        return [model]
    return [leaf for layer in model.layers for leaf in _leaves(layer)]


class ChainLinearization:
    """A plain network at one point, on one slice of the rows.

    Parameters
    ----------
    chain : list
        As ``find_chain`` returns it.
    theta : ndarray of shape (P,)
        The point; views of it are kept.
    X : ndarray of shape (N, ...)
        Rows.
    targets : ndarray
        What the loss compares with.
    share : float
        Weight of these rows in the whole mean.
    loss : Loss
        A copy of it is kept.
    full : bool
        True for the Hessian, False for Gauss-Newton.
    """

    exact = True

    def __init__(
        self,
        chain: Chain,
        theta: Array,
        X: Array,
        targets: np.ndarray[Any, Any],
        share: float,
        loss: Loss,
        *,
        full: bool,
    ) -> None:
        self.share = share
        self.loss = own_copy(loss)
        self.stages: list[Stage] = []
        bends: list[Array | None] = []
        a = X.reshape(len(X), -1)
        for linear, activation, place in chain:
            whole = theta[place].reshape(-1, linear.out_features)
            x = a = linear._rows(a)
            if linear.bias:
                x = np.empty((len(a), linear.in_features + 1), theta.dtype)
                x[:, :-1] = a
                x[:, -1] = 1.0
            stage = Stage(place, whole[: linear.in_features], whole, activation, x)
            a = x @ whole
            bend = None
            if activation is not None:
                a, stage.slope, bend = _bent(activation, a, curved=full)
            bends.append(bend)
            self.stages.append(stage)
        self.prediction = a
        self.value = self.loss.forward(a, targets)
        if full:
            self._carry_back(bends)

    def _carry_back(self, bends: list[Array | None]) -> None:
        """Find δ of each stage, and φ'' ∂L/∂a."""
        da = self.loss.backward()
        for stage, bend in zip(reversed(self.stages), reversed(bends), strict=True):
            stage.bend = None if bend is None else bend * da
            stage.delta = da if stage.slope is None else da * stage.slope
            if stage is not self.stages[0]:
                da = stage.delta @ stage.W.T

    # Products -----------------------------------------------------------------------------------

    def product(self, v: Array) -> Array:
        """Return the matrix times one direction of shape (P,): Pearlmutter's R-operator."""
        dots: list[tuple[Array | None, Array]] = []
        a_dot: Array | None = None
        for stage in self.stages:
            V = v[stage.place].reshape(stage.whole.shape)
            z_dot = stage.x.dot(V)
            if a_dot is not None:
                z_dot += a_dot.dot(stage.W)
            dots.append((a_dot, z_dot))
            a_dot = z_dot if stage.slope is None else z_dot * stage.slope
        assert a_dot is not None  # ruff: ignore[assert]  a chain has a stage
        out = np.empty_like(v)
        da_dot = self.loss.rbackward(a_dot)
        for stage, (x_dot, z_dot) in zip(reversed(self.stages), reversed(dots), strict=True):
            dz_dot = da_dot if stage.slope is None else da_dot * stage.slope
            if stage.bend is not None:
                dz_dot += stage.bend * z_dot
            part = out[stage.place].reshape(stage.whole.shape)
            np.dot(stage.x.T, dz_dot, out=part)
            if x_dot is None:
                break
            da_dot = dz_dot.dot(stage.W.T)
            if stage.delta is not None:
                n_in = len(stage.W)
                part[:n_in] += x_dot.T.dot(stage.delta)
                da_dot += stage.delta.dot(v[stage.place].reshape(stage.whole.shape)[:n_in].T)
        return out

    def products(self, V: Array) -> Array:
        """Return the matrix times each row of V, of shape (K, P)."""
        # Directions stand behind rows, (N, K, features): one matrix product serves all of them.
        n, n_directions = len(self.prediction), len(V)
        dots: list[tuple[Array | None, Array, Array]] = []
        a_dot: Array | None = None
        for stage in self.stages:
            n_in, n_out = stage.whole.shape
            parts = V[:, stage.place].reshape(n_directions, n_in, n_out)
            side_by_side = parts.transpose(1, 0, 2).reshape(n_in, -1)
            z_dot: Array = (stage.x @ side_by_side).reshape(-1, n_out)  # (N K, out)
            if a_dot is not None:
                z_dot += a_dot @ stage.W
            dots.append((a_dot, z_dot, parts))
            a_dot = z_dot
            if stage.slope is not None:
                a_dot = _per_row(z_dot, stage.slope)
        assert a_dot is not None  # ruff: ignore[assert]  a chain has a stage
        out: Array = np.empty_like(V)
        change = a_dot.reshape(n, n_directions, -1).transpose(1, 0, 2)
        da_dot: Array = self.loss.rbackward(change).transpose(1, 0, 2)
        da_dot = da_dot.reshape(n * n_directions, -1)
        for stage, (x_dot, z_dot, parts) in zip(reversed(self.stages), reversed(dots), strict=True):
            n_in, n_out = len(stage.W), stage.W.shape[1]
            dz_dot = da_dot if stage.slope is None else _per_row(da_dot, stage.slope)
            if stage.bend is not None:
                dz_dot += _per_row(z_dot, stage.bend)
            # A linear layer without a bend behind it hands dz_dot on as it is, hence no in-place.
            products = stage.x.T @ dz_dot.reshape(n, -1)  # (in + 1, K out)
            part = products.reshape(-1, n_directions, n_out).transpose(1, 0, 2)
            whole = out[:, stage.place].reshape(n_directions, -1, n_out)  # a view
            whole[...] = part
            if x_dot is not None:
                da_dot = dz_dot @ stage.W.T
                if stage.delta is not None:
                    moved = x_dot.reshape(n, -1).T @ stage.delta
                    whole[:, :n_in] += moved.reshape(n_directions, n_in, n_out)
                    flat = parts[:, :n_in].reshape(-1, n_out)
                    da_dot += (stage.delta @ flat.T).reshape(da_dot.shape)
        return out


def _per_row(many: Array, factor: Array) -> Array:
    """Multiply (N K, features), K directions for each row, by a factor of shape (N, features)."""
    n, features = factor.shape
    product: Array = many.reshape(n, -1, features) * factor[:, np.newaxis]
    return product.reshape(-1, features)


def _bent(activation: Elementwise, z: Array, *, curved: bool) -> tuple[Array, Array, Array | None]:
    """Return φ(z), φ'(z) and φ''(z); the layer keeps what it kept before."""
    before = activation._kept
    try:
        activation._kept = {}
        a = activation.forward(z)
        slope = activation._slope().astype(z.dtype, copy=False)
        bend = activation._bend() if curved else None
    finally:
        activation._kept = before
    return a, slope, bend
