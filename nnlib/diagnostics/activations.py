"""What the activations of a network put out: their spread, dead units, saturation."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, BoolArray, check_number
from nnlib.diagnostics.gradients import check_model
from nnlib.errors import ShapeError
from nnlib.layers.activations import Elementwise, ReLU, Sigmoid, Tanh
from nnlib.layers.base import Layer
from nnlib.layers.container import Container

STEEPEST = {Sigmoid: 0.25, Tanh: 1.0}
"""The largest slope of the activations that saturate."""


@dataclass(frozen=True)
class ActivationStatistics:
    """What one activation layer put out for some rows.

    Attributes
    ----------
    layer : str
        Which kind of layer.
    mean, std : float
        Over all rows and units; the standard deviation is the biased one.
    dead : float
        Share of units that are zero for every row. Above 0 for ``ReLU`` only.
    saturated : float
        Share of values at which the slope is less than a tenth of its largest. Above 0 for
        ``Sigmoid`` and ``Tanh`` only.
    """

    layer: str
    mean: float
    std: float
    dead: float
    saturated: float


def activation_statistics(model: Layer, X: ArrayLike) -> dict[str, ActivationStatistics]:
    """Describe what each activation puts out: its mean and spread, dead units, saturation.

    In a healthy deep network the spread is alike in all layers; if it falls from layer to layer
    the signal dies out, and the gradient with it.

    Parameters
    ----------
    model : Sequential or Layer
        Evaluated as it stands, and left as it was.
    X : ndarray of shape (N, ...)
        Rows.

    Returns
    -------
    statistics : dict of str to ActivationStatistics
        By the place of the layer, such as ``"1"``, or ``"2.1"`` in a nested model.

    Raises
    ------
    DtypeError
        If the model is none.
    ShapeError
        If there are no rows, or they do not fit the model.

    Examples
    --------
    >>> from nnlib import Linear, ReLU, Sequential
    >>> model = Sequential(Linear(1, 2), ReLU())
    >>> model.theta = [1.0, 1.0, 0.0, -5.0]
    >>> activation_statistics(model, [[1.0], [3.0]])
    {'1': ActivationStatistics(layer='ReLU', mean=1.0, std=1.224..., dead=0.5, saturated=0.0)}
    """
    found = {}
    for name, layer, y in _activations(model, X, "activation_statistics"):
        dead = _zero_units(y).mean() if isinstance(layer, ReLU) else 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            mean, std = float(y.mean(dtype=np.float64)), float(y.std(dtype=np.float64))
        saturated = _saturated_share(layer, 0.1)
        found[name] = ActivationStatistics(type(layer).__name__, mean, std, float(dead), saturated)
    return found


def dead_units(model: Layer, X: ArrayLike) -> dict[str, BoolArray]:
    """Find the ReLU units that are zero for every row: no gradient reaches their weights any more.

    With another X a unit may live, so give many rows. Biases driven far below zero, by a large
    step, are the usual cause; ``LeakyReLU`` cannot die.

    Parameters
    ----------
    model : Sequential or Layer
        Evaluated as it stands, and left as it was.
    X : ndarray of shape (N, ...)
        Rows.

    Returns
    -------
    dead : dict of str to ndarray of bool of shape (units,)
        By the place of each ``ReLU``. A unit is an entry of the last axis: a feature or a channel.

    Raises
    ------
    DtypeError
        If the model is none.
    ShapeError
        If there are no rows, or they do not fit the model.

    Examples
    --------
    >>> from nnlib import Linear, ReLU, Sequential
    >>> model = Sequential(Linear(1, 2), ReLU())
    >>> model.theta = [1.0, 1.0, 0.0, -5.0]
    >>> dead_units(model, [[1.0], [3.0]])
    {'1': array([False,  True])}
    """
    return {
        name: _zero_units(y)
        for name, layer, y in _activations(model, X, "dead_units")
        if isinstance(layer, ReLU)
    }


def saturation(model: Layer, X: ArrayLike, *, threshold: float = 0.1) -> dict[str, float]:
    """Return which share of sigmoid and tanh values lie where the curve is nearly flat.

    Parameters
    ----------
    model : Sequential or Layer
        Evaluated as it stands, and left as it was.
    X : ndarray of shape (N, ...)
        Rows.
    threshold : float, default 0.1
        A value is saturated if the slope there is below this part of the largest slope, ¼ or 1: by
        default for |z| > 3.64 (sigmoid) and |z| > 1.82 (tanh).

    Returns
    -------
    shares : dict of str to float
        By the place of each ``Sigmoid`` and ``Tanh``.

    Raises
    ------
    ArgumentError
        If the threshold is not from 0 to below 1.
    DtypeError
        If the model is none.
    ShapeError
        If there are no rows, or they do not fit the model.

    Examples
    --------
    >>> from nnlib import Sigmoid
    >>> saturation(Sigmoid(), [[0.0, 3.0, 4.0, -9.0]])
    {'': 0.5}
    """
    limit = check_number(threshold, "threshold", "saturation", below=1)
    return {
        name: _saturated_share(layer, limit)
        for name, layer, _ in _activations(model, X, "saturation")
        if type(layer) in STEEPEST
    }


def _activations(model: Layer, X: ArrayLike, where: str) -> list[tuple[str, Elementwise, Array]]:
    """Run a copy of the model, and return each activation by its place with its output."""
    twin = copy.deepcopy(check_model(model, where))
    outputs: dict[int, Array] = {}
    named = list(_named(twin, ""))
    for _, leaf in named:
        _record(leaf, outputs)
    with twin.frozen(), np.errstate(over="ignore", invalid="ignore"):
        rows = twin._input(X)
        if rows.ndim == 0 or len(rows) == 0:
            message = f"{where}: X has shape {rows.shape}, expected (N, ...) with at least one row."
            raise ShapeError(message)
        twin.forward(rows)
    return [
        (name, leaf, outputs[id(leaf)])
        for name, leaf in named
        if isinstance(leaf, Elementwise) and id(leaf) in outputs
    ]


def _named(layer: Layer, prefix: str) -> Iterator[tuple[str, Layer]]:
    """Yield the layers within a model, with their places."""
    if not isinstance(layer, Container):
        yield prefix, layer
        return
    for i, inner in enumerate(layer.layers):
        yield from _named(inner, f"{prefix}.{i}" if prefix else str(i))


def _record(leaf: Layer, outputs: dict[int, Array]) -> None:
    """Let a layer of a copy leave its output behind."""
    forward = leaf.forward

    def recording(x: ArrayLike) -> Array:
        y = outputs[id(leaf)] = forward(x)
        return y

    setattr(leaf, "forward", recording)  # ruff: ignore[set-attr-with-constant]  on one object


def _zero_units(y: Array) -> BoolArray:
    """Return which entries of the last axis are zero in every row."""
    zero: BoolArray = ~np.any(y, axis=tuple(range(y.ndim - 1)))
    return zero


def _saturated_share(layer: Any, threshold: float) -> float:
    """Return the share of the last outputs where the slope is a small part of the largest."""
    steepest = STEEPEST.get(type(layer))
    return 0.0 if steepest is None else float((layer._slope() < threshold * steepest).mean())
