"""Activations without a kink: their slopes change gradually, so second derivatives exist."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, check_number
from nnlib.errors import ArgumentError
from nnlib.layers.activations import Elementwise, sigmoid

CUBIC = 0.044715
"""The coefficient of x³ that makes tanh fit Φ best."""

FAR = 40.0
"""From here on Φ is 0 or 1 and Φ' is 0 even in float64; the square of x could overflow."""


class GELU(Elementwise):
    """Weigh x by the chance that a standard normal number is below it: y = x Φ(x).

    The slope is Φ(x) + x φ(x), with φ the normal density. Like ReLU for large |x|, but smooth, and
    a little below zero for negative x.

    Parameters
    ----------
    approximate : {"none", "tanh"}, default "none"
        Exact, Φ(x) = (1 + erf(x/√2)) / 2, or Φ(x) ≈ (1 + tanh u) / 2 with
        u = √(2/π) (x + 0.044715 x³), as GPT-2 has it.

    Raises
    ------
    ArgumentError
        If ``approximate`` is something else.

    References
    ----------
    Hendrycks & Gimpel (2016), arXiv:1606.08415.

    Examples
    --------
    >>> layer = GELU()
    >>> layer.forward(np.array([[-1.0, 0.0, 1.0]])).round(4)  # 1 · Φ(1) = 0.8413
    array([[-0.1587,  0.    ,  0.8413]])
    >>> layer.backward(np.array([[2.0, 2.0, 2.0]])).round(4)  # the slope at 0 is Φ(0) = 1/2
    array([[-0.1666,  1.    ,  2.1666]])
    """

    stackable = True

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            message = f'GELU: approximate is {approximate!r:.60}, expected "none" or "tanh".'
            raise ArgumentError(message)
        self.approximate = approximate

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = x Φ(x).

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
        below: Array = self._array("below", x.shape, x.dtype)  # Φ(x)
        if self.approximate == "tanh":
            np.tanh(self._tanh_argument(x, out=below), out=below)
        else:
            from scipy.special import (
                erf,
            )  # here: loading SciPy takes longer than most sessions' use

            erf(np.multiply(x, math.sqrt(0.5), out=below), out=below)
        below += 1.0
        below *= 0.5
        y: Array = np.multiply(x, below, out=self._array("y", x.shape, x.dtype))
        self._kept = {"x": self._keep(x), "below": below, "output": (y.shape, y.dtype)}
        return y

    def _slope(self) -> Array:
        """Return Φ + x Φ'."""
        x, below = self._kept["x"], self._kept["below"]
        slope: Array = self._density(self._array("slope", x.shape, x.dtype))
        slope *= x
        slope += below
        return slope

    def _bend(self) -> Array:
        """Return 2 Φ' + x Φ''."""
        below = self._kept["below"]
        x = np.clip(self._kept["x"], -FAR, FAR)
        density: Array = self._density(np.empty_like(x))
        if self.approximate == "none":
            exact: Array = (2.0 - x * x) * density  # Φ'' = −x Φ'
            return exact
        t, u_dot = 2.0 * below - 1.0, _scale() * (1.0 + 3.0 * CUBIC * x * x)
        bend: Array = 2.0 * density - 2.0 * x * t * u_dot * density
        bend += 0.5 * x * (1.0 - t * t) * (6.0 * CUBIC * _scale() * x)
        return bend

    def _density(self, out: Array) -> Array:
        """Write Φ'(x) into ``out``."""
        below = self._kept["below"]
        np.clip(self._kept["x"], -FAR, FAR, out=out)
        np.multiply(out, out, out=out)
        if self.approximate == "none":
            out *= -0.5
            np.exp(out, out=out)
            out *= 1.0 / math.sqrt(2.0 * math.pi)
            return out
        # With Φ = (1 + t)/2: Φ' = (1 − t²)/2 · u' = 2 Φ (1 − Φ) u'.
        out *= 3.0 * CUBIC
        out += 1.0
        out *= 2.0 * _scale()
        out *= below
        out *= 1.0 - below
        return out

    @staticmethod
    def _tanh_argument(x: Array, out: Array) -> Array:
        """Write u = √(2/π) (x + 0.044715 x³) into ``out``."""
        np.clip(x, -FAR, FAR, out=out)
        np.multiply(out, out, out=out)
        out *= CUBIC
        out += 1.0
        out *= x
        out *= _scale()
        return out

    def __repr__(self) -> str:
        return "GELU()" if self.approximate == "none" else f"GELU({self.approximate!r})"


def _scale() -> float:
    return math.sqrt(2.0 / math.pi)


class Softplus(Elementwise):
    """Round the corner of ReLU off: y = log(1 + e^{βx}) / β, with slope σ(βx).

    Always positive, so it also serves where a scale or a rate is wanted. For large β it is ReLU.

    Parameters
    ----------
    beta : float, default 1.0
        β, the sharpness of the corner, above 0.

    Raises
    ------
    ArgumentError
        If ``beta`` is not above 0.

    References
    ----------
    Dugas, Bengio, Bélisle, Nadeau & Garcia (2001), NIPS 13, 472-478.

    Examples
    --------
    >>> layer = Softplus()
    >>> y = layer.forward(np.array([[0.0, 1000.0]]))  # log 2, and no overflow
    >>> y.round(4).tolist()
    [[0.6931, 1000.0]]
    >>> layer.backward(np.array([[4.0, 4.0]]))  # σ(0) = 1/2
    array([[2., 4.]])
    """

    stackable = True

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = check_number(beta, "beta", "Softplus", positive=True)

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = max(x, 0) + log(1 + e^{−β|x|}) / β, which cannot overflow.

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
        y: Array = np.abs(x, out=self._array("y", x.shape, x.dtype))
        y *= -self.beta
        np.exp(y, out=y)
        np.log1p(y, out=y)
        y *= 1.0 / self.beta
        y += np.maximum(x, 0, out=self._array("positive", x.shape, x.dtype))
        self._kept = {"x": self._keep(x), "output": (y.shape, y.dtype)}
        return y

    def _slope(self) -> Array:
        x = self._kept["x"]
        scaled: Array = np.multiply(x, self.beta, out=self._array("scaled", x.shape, x.dtype))
        return sigmoid(
            scaled,
            out=self._array("slope", x.shape, x.dtype),
            scratch=self._array("scratch", x.shape, x.dtype),
        )

    def _bend(self) -> Array:
        slope = self._slope()
        bend: Array = self.beta * slope * (1.0 - slope)
        return bend

    def __repr__(self) -> str:
        return f"Softplus({'' if self.beta == 1 else format(self.beta, 'g')})"
