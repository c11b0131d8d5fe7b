"""Activations: the bend between two linear layers.

Without one, two linear layers are one. Each class shows its rule and its slope side by side; what
all of them share, passing gradients back through the slope, stands in ``Elementwise``.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, BoolArray, check_number
from nnlib.layers._checks import as_change
from nnlib.layers.base import Layer


class Elementwise(Layer):
    """Apply y = φ(x) to each number, so that dx = φ'(x) dy.

    A subclass gives ``forward``, φ' as ``_slope`` and φ'' as ``_bend``.
    """

    @abstractmethod
    def _slope(self) -> Array | BoolArray:
        """Return φ'(x) at the x of the last forward."""

    @abstractmethod
    def _bend(self) -> Array | None:
        """Return φ''(x); None where it is zero (almost) everywhere."""

    def backward(
        self,
        dy: ArrayLike,
        *,
        need_dx: bool = True,
        accumulate: bool = False,  # ruff: ignore[unused-method-argument]  the contract of all layers; nothing to add to here
    ) -> Array | None:
        """Carry the loss gradient back through the slope: dx = φ'(x) dy.

        Parameters
        ----------
        dy : ndarray of the shape of y
            Loss gradient at the output.
        need_dx : bool, default True
            False in a first layer, whose dx nobody reads.
        accumulate : bool, default False
            Without effect: there are no parameters.

        Returns
        -------
        dx : ndarray of the shape of x, or None if ``need_dx`` is False
            Loss gradient at the input, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.
        """
        dy = self._upstream(dy)
        self._kept["dy"] = self._keep(dy)
        if not need_dx:
            return None
        dx: Array = self._array("dx", dy.shape, dy.dtype)
        np.multiply(dy, self._slope(), out=dx)
        return dx

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:  # ruff: ignore[unused-method-argument]
        """Differentiate y = φ(x): y_dot = φ'(x) x_dot.

        Parameters
        ----------
        x_dot : ndarray of the shape of x, or None
            Change of the input along the direction.
        v : ndarray of shape (..., 0), or None
            Without effect: there are no parameters.

        Returns
        -------
        y_dot : ndarray of the shape of y, or None if ``x_dot`` is None
            Change of the output.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        shape, dtype = self._recall("output", "rforward", "forward")
        self._kept["x_dot"] = None
        if x_dot is None:
            return None
        change = as_change(x_dot, shape, dtype, f"{self!r}.rforward: x_dot")
        self._kept["x_dot"] = change
        y_dot: Array = np.multiply(change, self._slope())
        return y_dot

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate dx = φ'(x) dy: dx_dot = φ'(x) dy_dot + φ''(x) x_dot dy.

        Parameters
        ----------
        dy_dot : ndarray of the shape of y
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Returns
        -------
        dx_dot : ndarray of the shape of x, or None if ``need_dx`` is False
            Change of the loss gradient at the input.

        Raises
        ------
        OrderError
            If ``forward``, ``backward`` and ``rforward`` have not run.
        """
        x_dot = self._recall("x_dot", "rbackward", "rforward")
        dy = self._recall("dy", "rbackward", "backward")
        change = self._dy_dot(dy_dot)
        self.grad_dot = np.zeros((0,), dy.dtype)
        if not need_dx:
            return None
        dx_dot: Array = np.multiply(change, self._slope())
        bend = self._bend()
        if bend is None or x_dot is None:
            return dx_dot
        sum_of_both: Array = dx_dot + bend * x_dot * dy  # x_dot may bring further directions
        return sum_of_both

    def _features_after(self, features: int | None, where: str) -> int | None:  # ruff: ignore[unused-method-argument]
        return features


class ReLU(Elementwise):
    """Pass what is positive, stop the rest: y = max(x, 0), with slope 1 for x > 0, else 0.

    At the kink, x = 0, any slope in [0, 1] is a subgradient; we take 0, as PyTorch does.

    References
    ----------
    Nair & Hinton (2010), ICML, 807-814.

    Examples
    --------
    >>> layer = ReLU()
    >>> layer.forward(np.array([[-1.0, 0.0, 2.0]]))
    array([[0., 0., 2.]])
    >>> layer.backward(np.array([[10.0, 20.0, 30.0]]))
    array([[ 0.,  0., 30.]])
    """

    stackable = True

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = max(x, 0).

        Parameters
        ----------
        x : ndarray of any shape
            Input.

        Returns
        -------
        y : ndarray of the shape of x
            A fresh array.
        """
        x = self._input(x)
        y: Array = np.maximum(x, 0, out=self._array("y", x.shape, x.dtype))
        # A boolean mask and a multiplication: a fifth of the time of np.where or copyto.
        mask = np.greater(x, 0, out=self._array("mask", x.shape, np.bool_))
        self._kept = {"mask": mask, "output": (y.shape, y.dtype)}
        return y

    def _slope(self) -> BoolArray:
        mask: BoolArray = self._kept["mask"]
        return mask

    def _bend(self) -> None:
        return None


class LeakyReLU(Elementwise):
    """Pass what is positive, and a small part of the rest: y = x for x > 0, else αx.

    The slope is 1 for x > 0, else α, so no unit stops learning for good.

    Parameters
    ----------
    negative_slope : float, default 0.01
        α, from 0 to below 1.

    References
    ----------
    Maas, Hannun & Ng (2013), ICML Workshop on Deep Learning.

    Examples
    --------
    >>> layer = LeakyReLU(0.5)
    >>> layer.forward(np.array([[-1.0, 0.0, 2.0]]))
    array([[-0.5,  0. ,  2. ]])
    >>> layer.backward(np.array([[10.0, 20.0, 30.0]]))
    array([[ 5., 10., 30.]])
    """

    stackable = True

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = check_number(negative_slope, "negative_slope", "LeakyReLU", below=1)

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = max(x, αx), which is the same since α < 1.

        Parameters
        ----------
        x : ndarray of any shape
            Input.

        Returns
        -------
        y : ndarray of the shape of x
            A fresh array.
        """
        x = self._input(x)
        y: Array = np.multiply(x, self.negative_slope, out=self._array("y", x.shape, x.dtype))
        np.maximum(x, y, out=y)
        mask = np.greater(x, 0, out=self._array("mask", x.shape, np.bool_))
        self._kept = {"mask": mask, "output": (y.shape, y.dtype)}
        return y

    def _slope(self) -> Array:
        shape, dtype = self._kept["output"]
        slope: Array = self._array("slope", shape, dtype)
        slope.fill(self.negative_slope)
        np.copyto(slope, 1.0, where=self._kept["mask"])
        return slope

    def _bend(self) -> None:
        return None

    def __repr__(self) -> str:
        return f"LeakyReLU({self.negative_slope:g})"


class Sigmoid(Elementwise):
    """Squash to (0, 1): y = 1 / (1 + e⁻ˣ), with slope y (1 − y), at most 1/4.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), Nature 323, 533-536.

    Examples
    --------
    >>> layer = Sigmoid()
    >>> layer.forward(np.array([[0.0, 800.0, -800.0]]))
    array([[0.5, 1. , 0. ]])
    >>> layer.backward(np.array([[8.0, 8.0, 8.0]]))
    array([[2., 0., 0.]])
    """

    stackable = True

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = 1 / (1 + e⁻ˣ) without overflow, for any x.

        Parameters
        ----------
        x : ndarray of any shape
            Input.

        Returns
        -------
        y : ndarray of the shape of x
            A fresh array.
        """
        x = self._input(x)
        y: Array = self._array("y", x.shape, x.dtype)
        sigmoid(x, out=y, scratch=self._array("scratch", x.shape, x.dtype))
        self._kept = {"y": self._keep(y), "output": (y.shape, y.dtype)}
        return y

    def _slope(self) -> Array:
        y = self._kept["y"]
        slope: Array = np.subtract(1.0, y, out=self._array("slope", y.shape, y.dtype))
        slope *= y
        return slope

    def _bend(self) -> Array:
        y = self._kept["y"]
        bend: Array = y * (1.0 - y) * (1.0 - 2.0 * y)
        return bend


class Tanh(Elementwise):
    """Squash to (−1, 1): y = tanh x, with slope 1 − y², at most 1.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), Efficient BackProp.

    Examples
    --------
    >>> layer = Tanh()
    >>> layer.forward(np.array([[0.0, 100.0]]))
    array([[0., 1.]])
    >>> layer.backward(np.array([[3.0, 3.0]]))
    array([[3., 0.]])
    """

    stackable = True

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = tanh x.

        Parameters
        ----------
        x : ndarray of any shape
            Input.

        Returns
        -------
        y : ndarray of the shape of x
            A fresh array.
        """
        x = self._input(x)
        y: Array = np.tanh(x, out=self._array("y", x.shape, x.dtype))
        self._kept = {"y": self._keep(y), "output": (y.shape, y.dtype)}
        return y

    def _slope(self) -> Array:
        y = self._kept["y"]
        slope: Array = np.multiply(y, y, out=self._array("slope", y.shape, y.dtype))
        return np.subtract(1.0, slope, out=slope)

    def _bend(self) -> Array:
        y = self._kept["y"]
        bend: Array = -2.0 * y * (1.0 - y * y)
        return bend


def sigmoid(x: Array, out: Array, scratch: Array) -> Array:
    """Write 1 / (1 + e⁻ˣ) into ``out``: e^{−|x|} cannot overflow, and serves both signs of x."""
    e = np.abs(x, out=scratch)
    np.negative(e, out=e)
    np.exp(e, out=e)
    np.add(e, 1.0, out=out)
    np.reciprocal(out, out=out)
    # σ(x) = e^{x} / (1 + e^{x}) for negative x.
    np.multiply(out, e, out=out, where=x < 0)
    return out
