"""Check a gradient against differences of the loss, in float64.

A central difference along a random direction v compares one number, (f(θ + hv) − f(θ − hv)) / 2h,
with another, g·v. A wrong entry of g shows in almost every direction, so a few directions do
the work of P differences.

    >>> import numpy as np
    >>> from nnlib.gradcheck import check_gradient
    >>> theta = np.array([1.0, 2.0, 3.0])
    >>> check_gradient(lambda t: float(t @ t), theta, 2 * theta, rng=0).passed
    True
    >>> check_gradient(lambda t: float(t @ t), theta, theta, rng=0)
    GradientCheck(relative_error=0.5, tolerance=1e-06, passed=False)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import (
    Array,
    Seed,
    as_array,
    as_generator,
    check_count,
    check_number,
    check_shape,
    instance_hint,
)
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError
from nnlib.layers import Layer

__all__ = ["GradientCheck", "central_difference", "check_gradient", "check_layer"]

STEP = 6e-6
"""h: the cube root of float64's precision, where truncation h² and round-off ε/h are alike."""


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class GradientCheck:
    """The outcome of a check.

    Attributes
    ----------
    relative_error : float
        ‖numerical − claimed‖ / max(‖numerical‖, ‖claimed‖) over the directions.
    tolerance : float
        What still passes.
    numerical, claimed : ndarray of shape (directions,)
        The slopes that were compared.
    """

    relative_error: float
    tolerance: float
    numerical: Array = field(repr=False)
    claimed: Array = field(repr=False)

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.relative_error <= self.tolerance

    def __bool__(self) -> bool:
        """Be true if the check passed."""
        return self.passed

    def __repr__(self) -> str:
        return (
            f"GradientCheck(relative_error={self.relative_error:.3g}, "
            f"tolerance={self.tolerance:g}, passed={self.passed})"
        )


def central_difference(
    function: Callable[[Array], float], theta: ArrayLike, step: float = STEP
) -> Array:
    """Compute a whole gradient by differences: g_i = (f(θ + h e_i) − f(θ − h e_i)) / 2h.

    It takes 2P evaluations, where backpropagation takes about the time of three.

    Parameters
    ----------
    function : function of theta returning a number
        The loss.
    theta : ndarray of any shape
        Where to differentiate; it is not changed.
    step : float, default 6e-6
        h. The error is of order h² from the formula and ε/h from rounding.

    Returns
    -------
    gradient : ndarray of the shape of theta
        The numerical gradient, float64.

    Raises
    ------
    DtypeError
        If theta is not numbers, or the function is none or returns something but one number.
    ArgumentError
        If the step is not above 0.

    Examples
    --------
    >>> central_difference(lambda t: float(t[0] ** 2 * t[1]), np.array([3.0, 5.0])).round(6)
    array([30.,  9.])
    """
    where = "central_difference"
    value_at = _checked_function(function, where)
    point = as_array(theta, np.dtype(np.float64), f"{where}: theta").copy()
    h = check_number(step, "step", where, positive=True)
    gradient = np.empty_like(point)
    for i in np.ndindex(point.shape):
        value = point[i]
        point[i] = value + h
        above = value_at(point.copy())
        point[i] = value - h
        below = value_at(point.copy())
        point[i] = value
        gradient[i] = (above - below) / (2 * h)
    return gradient


def check_gradient(
    function: Callable[[Array], float],
    theta: ArrayLike,
    gradient: ArrayLike,
    *,
    directions: int = 8,
    step: float = STEP,
    tolerance: float = 1e-6,
    rng: Seed = 0,
) -> GradientCheck:
    """Compare a gradient with central differences along random directions.

    Parameters
    ----------
    function : function of theta returning a number
        The loss, computed in float64: float32 rounds away what is measured here.
    theta : ndarray of any shape
        Where the gradient was taken; it is not changed.
    gradient : ndarray of the shape of theta
        The gradient to check.
    directions : int, default 8
        Number of random unit directions.
    step : float, default 6e-6
        h, the distance along a direction.
    tolerance : float, default 1e-6
        Largest relative error that passes; a right gradient reaches about 1e-9.
    rng : Generator, int or None, default 0
        Where the directions come from.

    Returns
    -------
    check : GradientCheck
        True if it passed; ``relative_error`` says by how much.

    Raises
    ------
    DtypeError
        If theta or the gradient is not numbers, or the function is none or returns something but
        one number.
    ShapeError
        If the gradient is not shaped like theta.
    ArgumentError
        If directions, step or rng is outside what it may be.
    NonFiniteError
        If the function returns nan or infinity.

    Examples
    --------
    >>> theta = np.array([1.0, 2.0])
    >>> check_gradient(lambda t: float(t @ t), theta, [2.0, 4.0]).passed
    True
    >>> check_gradient(lambda t: float(t @ t), theta, [1.0, 2.0])  # half of it
    GradientCheck(relative_error=0.5, tolerance=1e-06, passed=False)
    """
    where = "check_gradient"
    value_at = _checked_function(function, where)
    point = as_array(theta, np.dtype(np.float64), f"{where}: theta")
    claim = as_array(gradient, np.dtype(np.float64), f"{where}: gradient")
    check_shape(claim, point.shape, f"{where}: gradient", "like theta")
    h = check_number(step, "step", where, positive=True)
    generator = as_generator(rng, where)
    numerical = np.empty(check_count(directions, "directions", where))
    claimed = np.empty_like(numerical)
    for k in range(directions):
        v = generator.normal(size=point.shape)
        v /= np.linalg.norm(v) or 1.0
        numerical[k] = (value_at(point + h * v) - value_at(point - h * v)) / (2 * h)
        claimed[k] = np.vdot(claim, v)
    if not np.isfinite(numerical).all():
        message = (
            f"{where}: the function returned nan or infinity near theta. Check it there first."
        )
        raise NonFiniteError(message)
    scale = max(np.linalg.norm(numerical), np.linalg.norm(claimed))
    error = float(np.linalg.norm(numerical - claimed) / scale) if scale else 0.0
    return GradientCheck(error, tolerance, numerical, claimed)


def check_layer(
    layer: Layer,
    x: ArrayLike,
    *,
    directions: int = 8,
    step: float = STEP,
    tolerance: float = 1e-6,
    rng: Seed = 0,
) -> GradientCheck:
    """Compare a layer's backward rule with differences of its forward rule, in float64.

    The loss is a random weighted sum of the outputs, and parameters and inputs move together,
    so one check covers dx, dW and db; whole numbers, as an embedding takes them, stay. Inputs at a
    kink, such as 0 for ReLU, have no slope to compare with.

    Parameters
    ----------
    layer : Layer or Sequential
        It is copied; its own values and gradient stay.
    x : ndarray
        A batch of inputs.
    directions : int, default 8
        Number of random directions.
    step : float, default 6e-6
        h, the distance along a direction.
    tolerance : float, default 1e-6
        Largest relative error that passes.
    rng : Generator, int or None, default 0
        Where weights and directions come from.

    Returns
    -------
    check : GradientCheck
        True if it passed; ``relative_error`` says by how much.

    Raises
    ------
    DtypeError
        If ``layer`` is not a layer, or x is not numbers.
    ShapeError
        If x does not fit the layer.
    ArgumentError
        If directions, step or rng is outside what it may be.
    NonFiniteError
        If the layer puts out nan or infinity near x.

    Examples
    --------
    >>> from nnlib import Linear
    >>> check_layer(Linear(3, 2, rng=0), np.ones((5, 3))).passed
    True
    """
    if not isinstance(layer, Layer):
        message = (  # type: ignore[unreachable]  # callers need not be typed
            f"check_layer: layer is {layer!r:.60}, expected a layer, such as Linear(3, 2)."
            f"{instance_hint(layer)}"
        )
        raise DtypeError(message)
    generator = as_generator(rng, "check_layer")
    exact = layer.astype(np.float64)
    exact.mask = None  # the trial points leave zero; the gradient is that of all parameters
    inputs = as_array(x, np.dtype(np.float64), "check_layer: x")
    theta = exact.theta.copy()
    y = exact.forward(inputs)
    _check_rows_apart(layer, exact, inputs, y)
    # Numbers of a stream of their own: x may come from a generator with the same seed, and dy = x
    # is a special direction for layers that normalize.
    dy = np.random.default_rng(generator.integers(2**63)).normal(size=y.shape)
    exact.forward(inputs)
    dx = exact.backward(dy)
    gradient, point = exact.grad.ravel(), theta.ravel()
    if dx is not None:  # whole numbers have no slope, and stay
        gradient, point = (
            np.concatenate([gradient, dx.ravel()]),
            np.concatenate([point, inputs.ravel()]),
        )

    def weighted_sum(point: Array) -> float:
        exact.theta = point[: theta.size].reshape(theta.shape)
        moved = inputs if dx is None else point[theta.size :].reshape(inputs.shape)
        return float(np.vdot(exact.forward(moved), dy))

    return check_gradient(
        weighted_sum,
        point,
        gradient,
        directions=directions,
        step=step,
        tolerance=tolerance,
        rng=generator,
    )


def _check_rows_apart(layer: Layer, exact: Layer, x: Array, y: Array) -> None:
    """Raise if output rows depend on other rows and the layer does not say so."""
    half = len(x) // 2 if x.ndim > 1 and exact.theta.ndim == 1 else 0
    if half == 0 or layer.couples_rows or layer.generators() or len(y) != len(x):
        return
    apart = np.concatenate([exact.forward(x[:half]), exact.forward(x[half:])])
    if not np.allclose(apart, y, rtol=1e-9, atol=1e-12):
        message = (
            f"check_layer: {layer!r} puts out other rows for a part of the batch, so its rows "
            "depend on each other, and couples_rows is False. Write couples_rows = True in its "
            "class, or models will cut its batches in slices."
        )
        raise ArgumentError(message)


def _checked_function(function: object, where: str) -> Callable[[Array], float]:
    """Return ``function``, made to raise if it returns something but one real number."""
    if not callable(function):
        message = (
            f"{where}: function is {function!r:.60}, expected a function of theta that returns a "
            "number. Write one such as lambda theta: float(theta @ theta)."
        )
        raise DtypeError(message)

    def value_at(point: Array) -> float:
        value = function(point)
        if isinstance(value, int | float):
            return float(value)
        try:
            array = np.asarray(value)
        except ValueError:  # rows that differ in length
            array = np.empty(1)
        if array.ndim == 0 and array.dtype.kind in "fiub":
            return float(array)
        message = (
            f"{where}: function returned {value!r:.60}, expected one number. "
            "Return the loss itself, not its text or an array of its parts."
        )
        raise DtypeError(message)

    return value_at
