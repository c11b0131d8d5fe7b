"""Gradients, weights and updates of a network that is being trained, parameter by parameter."""

from __future__ import annotations

import copy
import math

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import (
    Array,
    as_array,
    check_count,
    check_number,
    check_shape,
    instance_hint,
)
from nnlib.errors import ArgumentError, DtypeError
from nnlib.layers.activations import Elementwise, ReLU, Sigmoid, Tanh
from nnlib.layers.base import Layer


def gradient_norms(model: Layer, *, by: str = "parameter") -> dict[str, float]:
    """Return the length of the gradient of each parameter or layer, as it stands in ``grad``.

    Parameters
    ----------
    model : Sequential or Layer
        After ``backward`` or ``loss_and_gradient``.
    by : "parameter" (default) or "layer"
        Names are those of ``model.parameters()``, such as ``"0.W"``; those of layers lack the last
        part, and weights and bias count together.

    Returns
    -------
    norms : dict of str to float
        ‖∂L/∂W‖, the root of the sum of squares; inputs' side first.

    Raises
    ------
    ArgumentError
        If ``by`` is something else.
    DtypeError
        If the model is none.

    Examples
    --------
    >>> from nnlib import Linear
    >>> layer = Linear(2, 1)
    >>> layer.grad = [3.0, 4.0, 12.0]
    >>> gradient_norms(layer)
    {'W': 5.0, 'b': 12.0}
    >>> gradient_norms(layer, by="layer")
    {'': 13.0}
    """
    return _norms(model, check_model(model, "gradient_norms").grad, by, "gradient_norms")


def weight_norms(model: Layer, *, by: str = "parameter") -> dict[str, float]:
    """Return the length of each parameter or layer, as ``gradient_norms`` does for the gradient.

    Parameters
    ----------
    model : Sequential or Layer
        The model.
    by : "parameter" (default) or "layer"
        What is one.

    Returns
    -------
    norms : dict of str to float
        ‖W‖ by name.

    Raises
    ------
    ArgumentError
        If ``by`` is something else.
    DtypeError
        If the model is none.

    Examples
    --------
    >>> from nnlib import Linear
    >>> layer = Linear(2, 1)
    >>> layer.W = [[3.0], [4.0]]
    >>> weight_norms(layer)
    {'W': 5.0, 'b': 0.0}
    """
    return _norms(model, check_model(model, "weight_norms").theta, by, "weight_norms")


def update_ratio(model: Layer, theta_before: ArrayLike) -> dict[str, float]:
    """Return by how much of its length each parameter moved: ‖θ − θ_before‖ / ‖θ‖.

    For weights about 10⁻³ a step is usual. Far less and training hardly moves; a tenth or more and
    each step undoes what the last one learned. θ is taken after the update, so that a bias that
    started at zero has the ratio 1 rather than infinity.

    Parameters
    ----------
    model : Sequential or Layer
        After the update.
    theta_before : ndarray of shape (P,)
        A copy of ``model.theta`` from before it.

    Returns
    -------
    ratios : dict of str to float
        By parameter; 0 where nothing moved.

    Raises
    ------
    ShapeError
        If ``theta_before`` is not shaped like ``theta``.
    DtypeError
        If the model is none.

    Examples
    --------
    >>> from nnlib import Linear
    >>> layer = Linear(1, 1)
    >>> layer.theta = [2.0, 0.0]
    >>> before = layer.theta.copy()
    >>> layer.W += 2.0
    >>> update_ratio(layer, before)
    {'W': 0.5, 'b': 0.0}
    """
    where = "update_ratio"
    theta = check_model(model, where).theta
    before = as_array(theta_before, theta.dtype, f"{where}: theta_before")
    check_shape(before, theta.shape, f"{where}: theta_before", "like theta")
    ratios = {}
    for p in model.parameters():
        moved = _length(theta[..., p.slice] - before[..., p.slice])
        length = _length(theta[..., p.slice])
        ratios[p.name] = 0.0 if not moved else moved / length if length else float("inf")
    return ratios


def gradient_gain(
    fan_in: int, fan_out: int, var_w: float, activation: Elementwise | str = "linear"
) -> float:
    """Return by what a layer multiplies the mean square of the gradient on its way back.

        gain = E[φ'(z)²] · fan_out · var_w        z normal with variance fan_in · var_w

    Each input collects from ``fan_out`` units, through weights of variance ``var_w`` and the slope
    of the activation. Over depth D the gradient's mean square changes by gain^D: below 1 it
    vanishes, above 1 it explodes. The inputs are taken to have mean square 1.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer.
    var_w : float
        Variance of its weights, such as 2/fan_in (He).
    activation : "linear" (default), "relu", "tanh", "sigmoid", or a layer such as ``LeakyReLU()``
        What stands behind it.

    Returns
    -------
    gain : float
        1 is what initializers aim for.

    Raises
    ------
    ArgumentError
        If a number is outside what it may be, or the activation unknown.

    References
    ----------
    Glorot & Bengio (2010), AISTATS, 249-256.
    He, Zhang, Ren & Sun (2015), Delving deep into rectifiers, ICCV, 1026-1034.

    Examples
    --------
    Half of the ReLU slopes are zero, so He's variance 2/n keeps the gradient:

    >>> round(gradient_gain(100, 100, 2 / 100, "relu"), 6)
    1.0
    >>> gradient_gain(100, 100, 1 / 100, "linear")
    1.0
    """
    where = "gradient_gain"
    inputs, outputs = check_count(fan_in, "fan_in", where), check_count(fan_out, "fan_out", where)
    variance = check_number(var_w, "var_w", where)
    if isinstance(activation, str) and activation == "linear":
        return outputs * variance
    known: dict[str, Elementwise] = {"relu": ReLU(), "tanh": Tanh(), "sigmoid": Sigmoid()}
    layer = known.get(activation, activation) if isinstance(activation, str) else activation
    # A layer with random numbers of its own, such as Dropout, has no one slope.
    if not isinstance(layer, Elementwise) or layer._generators:
        message = (
            f"{where}: activation is {activation!r:.40}, expected 'linear', 'relu', 'tanh', "
            f"'sigmoid' or an activation layer.{instance_hint(activation)}"
        )
        raise ArgumentError(message)
    # An even number of points leaves out z = 0, where ReLU has its kink.
    z = np.linspace(-10.0, 10.0, 100_000)
    bell = np.exp(-0.5 * z**2)
    layer = copy.deepcopy(layer)
    layer.forward(z * np.sqrt(inputs * variance))
    slope = np.asarray(layer._slope(), np.float64)
    return float(bell @ slope**2 / bell.sum()) * outputs * variance


def check_model(model: object, where: str) -> Layer:
    """Return the model after checking that it is one."""
    if isinstance(model, Layer):
        return model
    message = f"{where}: model is {model!r:.60}, expected a model or layer.{instance_hint(model)}"
    raise DtypeError(message)


def _norms(model: Layer, vector: Array, by: str, where: str) -> dict[str, float]:
    """Return lengths of parts of a vector, by parameter or by layer."""
    if by not in {"parameter", "layer"}:
        message = f"{where}: by is {by!r}, expected 'parameter' or 'layer'."
        raise ArgumentError(message)
    norms: dict[str, float] = {}
    for p in model.parameters():
        name = p.name if by == "parameter" else p.name.rpartition(".")[0]
        norms[name] = math.hypot(norms.get(name, 0.0), _length(vector[..., p.slice]))
    return norms


def _length(vector: Array) -> float:
    """Return the root of the sum of squares; infinite, without a warning, where it overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.linalg.norm(vector.astype(np.float64).ravel()))
