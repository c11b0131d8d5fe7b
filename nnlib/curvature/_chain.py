"""Plain networks, linear layers with activations between, at one point: fast exact products.

A product of a small network lasts some 20 µs, most of it spent in calling NumPy. So there are few
calls: arrays lie by columns, (features, N), with a row of ones below each input. Weights and bias
are then one matrix, laid out as they are in ``theta``, the rows above the ones are contiguous, and
sums over classes run over few long rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from nnlib._array import Array, IntArray
from nnlib._compiling import setting
from nnlib.curvature._column_kernels import Kernels, kernels
from nnlib.curvature._columns import Bend, loss_at, slope_and_bend
from nnlib.curvature._compiled_product import layer_table
from nnlib.layers import Linear, Sequential
from nnlib.layers.activations import Elementwise
from nnlib.layers.base import Layer
from nnlib.layers.flatten import Flatten
from nnlib.losses import Loss

# Finding the layers ------------------------------------------------------------------------------


@dataclass
class Chain:
    """The layers of a plain network.

    Attributes
    ----------
    links : list
        Linear layers, the activation behind each or None, and their places in ``theta``.
    flattens : bool
        Whether rows may have more than one axis.
    layers : tuple of Layer
        What the model held when they were looked up.
    within : list
        The models within it, with what they held.
    fused : bool
        Whether compiled kernels are wanted.
    slice_rows : int
        How many rows run through at once.
    table : ndarray of shape (layers, 4), or None
        For the compiled product from scratch, if these layers have one.
    """

    links: list[tuple[Linear, Elementwise | None, slice]]
    flattens: bool
    layers: tuple[Layer, ...]
    within: list[tuple[Sequential, tuple[Layer, ...]]]
    fused: bool
    slice_rows: int
    table: IntArray | None = None

    def holds(self, model: Sequential) -> bool:
        """Whether the model still has these layers, and none of them shares its weights."""
        if model.layers is not self.layers:
            return False
        for inner, layers in self.within:
            if inner.layers is not layers:
                return False
        return all(linear._tie is None for linear, _, _ in self.links)


_found: WeakKeyDictionary[Layer, Chain] = WeakKeyDictionary()
"""By model: looking through the layers takes as long as half a product of a small network."""


def find_chain(model: Layer, X: Array) -> Chain | None:
    """Return the layers of a plain network that takes rows of features; None for any other."""
    if type(model) is not Sequential:
        chain = _search((model,), [])
    else:
        chain = _found.get(model)
        if chain is None or not chain.holds(model):
            # Layers, and not the model itself: a value that knows its key would keep it alive.
            chain = _search(model.layers, list(_models_within(model)))
            if chain is not None:
                _found[model] = chain
    return chain if chain is not None and (chain.flattens or X.ndim == 2) else None


def _search(
    layers: tuple[Layer, ...], within: list[tuple[Sequential, tuple[Layer, ...]]]
) -> Chain | None:
    leaves = list(_leaves(layers))
    flattens = type(leaves[0]) is Flatten
    links: list[tuple[Linear, Elementwise | None, slice]] = []
    start = 0
    before: Layer | None = None
    for leaf in leaves[flattens:]:
        if type(leaf) is Linear and leaf._tie is None:
            stop = start + leaf.theta.shape[-1]
            links.append((leaf, None, slice(start, stop)))
            start = stop
        # Dropout is elementwise too, but draws its mask by rows: it takes the ordinary way.
        elif isinstance(leaf, Elementwise) and type(before) is Linear and not leaf._generators:
            linear, _, place = links[-1]
            links[-1] = (linear, leaf, place)
        else:
            return None
        before = leaf
    if not links:
        return None
    slice_rows = min(leaf.slice_rows for leaf in leaves)
    fused = setting() is True
    table = layer_table(links) if fused else None
    return Chain(links, flattens, layers, within, fused, slice_rows, table)


def _leaves(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """Yield the layers of nested sequences in order."""
    for layer in layers:
        if type(layer) is Sequential:
            yield from _leaves(layer.layers)
        else:
            yield layer


def _models_within(model: Sequential) -> Iterator[tuple[Sequential, tuple[Layer, ...]]]:
    for layer in model.layers:
        if type(layer) is Sequential:
            yield layer, layer.layers
            yield from _models_within(layer)


# One point ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Stage:
    """A linear layer with the activation behind it, at one point, by columns.

    Attributes
    ----------
    place : slice
        Its parameters in ``theta``.
    W : ndarray of shape (in_features, out_features)
        Its weights, a view.
    whole : ndarray of shape (in_features + 1, out_features)
        The weights with the bias below; without the last row where there is no bias.
    x : ndarray of shape (in_features + 1, N)
        Its input, with ones below for the bias.
    left : ndarray of shape (in_features + 1, N)
        The same for products with x on the left; at a wide first layer with its columns in one
        piece, which is how BLAS multiplies it fastest.
    slope, bend : ndarray of shape (out_features, N), or None
        φ'(z), None if there is no activation; and φ''(z) ∂L/∂a, None where that is zero.
    delta : ndarray of shape (out_features, N), or None
        ∂L/∂z; None where its change of place does not count, in Gauss-Newton products.
    """

    place: slice
    W: Array
    whole: Array
    x: Array
    left: Array
    slope: Array | None = None
    bend: Array | None = None
    delta: Array | None = None

    def by_rows(self) -> Stage:
        """Return a copy whose arrays are of shape (N, features)."""
        x, slope, bend, delta = (
            None if array is None else np.ascontiguousarray(array.T)
            for array in (self.x, self.slope, self.bend, self.delta)
        )
        assert x is not None  # ruff: ignore[assert]  narrows the type
        return Stage(self.place, self.W, self.whole, x, x, slope, bend, delta)


class ChainLinearization:
    """A plain network at one point, on one slice of the rows.

    Parameters
    ----------
    chain : Chain
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
        Left as it is.
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
        self.stages: list[Stage] = []
        self._bends: list[Bend | None] = []
        self._kernels = kernels() if chain.fused else None
        links = chain.links
        a: Array = X.reshape(len(X), -1) if chain.flattens else X
        left, x = _first_input(links[0][0], a)
        for i, (linear, activation, place) in enumerate(links, start=1):
            whole = theta[place].reshape(-1, linear.out_features)
            stage = Stage(place, whole[: linear.in_features], whole, x, left)
            a = whole.T.dot(x)
            bend: Bend | None = None
            if i < len(links) or activation is not None:
                z = a
                a, x = _with_ones(z, bias=i < len(links) and links[i][0].bias)
                left = x
                if activation is None:
                    a[...] = z
                else:
                    stage.slope, bend = slope_and_bend(activation, z, a, self._kernels)
            self.stages.append(stage)
            self._bends.append(bend)
        self.prediction = a
        self.loss = loss_at(loss, a, targets, fused=chain.fused)
        if full:
            self._carry_back()

    def _carry_back(self) -> None:
        """Find δ of each stage, and φ'' ∂L/∂a."""
        da = self.loss.gradient()
        for i in range(len(self.stages) - 1, -1, -1):
            stage, bend = self.stages[i], self._bends[i]
            delta = stage.delta = da if stage.slope is None else da * stage.slope
            if bend is not None:
                stage.bend = bend(da, delta)
            if i:
                da = stage.W.dot(delta)

    @property
    def value(self) -> float:
        """The loss."""
        return self.loss.value

    # Products -----------------------------------------------------------------------------------

    def product(self, v: Array) -> Array:
        """Return the matrix times one direction of shape (P,): Pearlmutter's R-operator."""
        dots: list[tuple[Array, Array | None, Array]] = []
        a_dot: Array | None = None
        for stage in self.stages:
            V = v[stage.place].reshape(stage.whole.shape)
            z_dot = V.T.dot(stage.x)
            if a_dot is not None:
                z_dot += stage.W.T.dot(a_dot)
            dots.append((V, a_dot, z_dot))
            a_dot = z_dot if stage.slope is None else z_dot * stage.slope
        assert a_dot is not None  # ruff: ignore[assert]  a chain has a stage
        out = np.empty_like(v)
        da_dot = self.loss.change(a_dot)
        for stage, (V, x_dot, z_dot) in zip(reversed(self.stages), reversed(dots), strict=True):
            dz_dot = _through_bend(stage, da_dot, z_dot, self._kernels)
            part = out[stage.place].reshape(V.shape)
            np.dot(stage.left, dz_dot.T, out=part)
            if x_dot is None:
                break
            da_dot = stage.W.dot(dz_dot)
            if stage.delta is not None:
                n_in = len(x_dot)
                upper = part[:n_in]
                upper += x_dot.dot(stage.delta.T)
                da_dot += V[:n_in].dot(stage.delta)
        return out

    def products(self, V: Array) -> Array:
        """Return the matrix times each row of V, of shape (K, P)."""
        # All directions at once: arrays are of shape (K, features, N).
        n_directions = len(V)
        dots: list[tuple[Array, Array | None, Array]] = []
        a_dot: Array | None = None
        for stage in self.stages:
            parts = V[:, stage.place].reshape(n_directions, *stage.whole.shape)
            z_dot = _each(np.ascontiguousarray(parts.swapaxes(1, 2)), stage.x)
            if a_dot is not None:
                z_dot += stage.W.T @ a_dot
            dots.append((parts, a_dot, z_dot))
            a_dot = z_dot if stage.slope is None else z_dot * stage.slope
        assert a_dot is not None  # ruff: ignore[assert]  a chain has a stage
        out: Array = np.empty_like(V)
        da_dot = self.loss.change(a_dot)
        for stage, (parts, x_dot, z_dot) in zip(reversed(self.stages), reversed(dots), strict=True):
            dz_dot = _through_bend(stage, da_dot, z_dot, None)
            whole = out[:, stage.place].reshape(parts.shape)  # a view
            whole[...] = _each(dz_dot, stage.x.T).swapaxes(1, 2)
            if x_dot is None:
                break
            da_dot = stage.W @ dz_dot
            if stage.delta is not None:
                n_in = len(stage.W)
                whole[:, :n_in] += _each(x_dot, stage.delta.T)
                da_dot += _each(parts[:, :n_in], stage.delta)
        return out


WIDE = 1000
"""From so many weights on a second copy of the input, in the other order of memory, pays."""


def _first_input(linear: Linear, rows: Array) -> tuple[Array, Array]:
    """Return the input of a network, by columns, in both orders of memory: ``left`` and x."""
    n, n_in = rows.shape
    if n_in != linear.in_features:
        linear._rows(rows)  # raises the error that names the cause
    if linear.theta.size < WIDE:
        a, x = _with_ones(rows.T, bias=linear.bias)
        a[...] = rows.T
        return x, x
    by_rows = np.empty((n, n_in + linear.bias), rows.dtype)
    by_rows[:, :n_in] = rows
    if linear.bias:
        by_rows[:, n_in] = 1.0
    left = by_rows.T
    return left, left.copy()


def _with_ones(z: Array, *, bias: bool) -> tuple[Array, Array]:
    """Return room for the activations of z, and the same with ones below if there is a bias."""
    n_out, n = z.shape
    x = np.empty((n_out + bias, n), z.dtype)
    if bias:
        x[n_out] = 1.0
    return x[:n_out], x


def _through_bend(stage: Stage, da_dot: Array, z_dot: Array, compiled: Kernels | None) -> Array:
    """Return φ' da_dot + φ'' ∂L/∂a z_dot. Nobody reads these two again: they are overwritten."""
    if stage.slope is not None:
        if stage.bend is None:
            da_dot *= stage.slope
        elif compiled is not None:
            compiled.bent(da_dot, stage.slope, stage.bend, z_dot)
        else:
            da_dot *= stage.slope
            z_dot *= stage.bend
            da_dot += z_dot
    return da_dot


def _each(many: Array, matrix: Array) -> Array:
    """Multiply each of many matrices, of shape (K, n, m), in one product."""
    product: Array = many.reshape(-1, many.shape[-1]) @ matrix
    return product.reshape(*many.shape[:-1], -1)
