"""Softmax: from logits to probabilities, row by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array
from nnlib.layers.base import Layer


class Softmax(Layer):
    """Turn each row into probabilities: y_k = e^{x_k} / Σ_j e^{x_j}.

    Every output depends on every input of its row, dy_k/dx_j = y_k (δ_kj − y_j), so the backward
    rule mixes a row. For training prefer ``CrossEntropy``, which takes logits: softmax and
    logarithm together neither overflow nor need this Jacobian.

    References
    ----------
    Bridle (1990), Neurocomputing, NATO ASI Series 68, 227-236.

    Examples
    --------
    >>> layer = Softmax()
    >>> layer.forward(np.array([[1000.0, 1000.0]]))
    array([[0.5, 0.5]])
    >>> layer.backward(np.array([[1.0, 0.0]]))
    array([[ 0.25, -0.25]])
    """

    stackable = True

    def forward(self, x: ArrayLike) -> Array:
        """Compute the probabilities of each row, after taking off its largest entry.

        Parameters
        ----------
        x : ndarray of shape (..., K)
            Logits.

        Returns
        -------
        y : ndarray of shape (..., K)
            Probabilities: each row sums to 1. A fresh array.
        """
        x = self._input(x)
        y: Array = self._array("y", x.shape, x.dtype)
        np.subtract(x, x.max(axis=-1, keepdims=True, initial=-np.inf), out=y)
        np.exp(y, out=y)
        y /= y.sum(axis=-1, keepdims=True)
        self._kept = {"y": self._keep(y), "output": (y.shape, y.dtype)}
        return y

    def backward(
        self,
        dy: ArrayLike,
        *,
        need_dx: bool = True,
        accumulate: bool = False,  # ruff: ignore[unused-method-argument]  the contract of all layers; nothing to add to here
    ) -> Array | None:
        """Carry the loss gradient back: dx = y (dy − Σ_k y_k dy_k), row by row.

        Parameters
        ----------
        dy : ndarray of shape (..., K)
            Loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.
        accumulate : bool, default False
            Without effect: there are no parameters.

        Returns
        -------
        dx : ndarray of shape (..., K), or None if ``need_dx`` is False
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
        y = self._kept["y"]
        dx: Array = np.multiply(y, dy, out=self._array("dx", dy.shape, dy.dtype))
        mean = dx.sum(axis=-1, keepdims=True)
        np.subtract(dy, mean, out=dx)
        dx *= y
        return dx

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:  # ruff: ignore[unused-method-argument]
        """Differentiate the probabilities: y_dot = y (x_dot − Σ_k y_k x_dot_k).

        Parameters
        ----------
        x_dot : ndarray of shape (..., K), or None
            Change of the input along the direction.
        v : ndarray of shape (..., 0), or None
            Without effect: there are no parameters.

        Returns
        -------
        y_dot : ndarray of shape (..., K), or None if ``x_dot`` is None
            Change of the output.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        y = self._recall("y", "rforward", "forward")
        self._kept["y_dot"] = None
        if x_dot is None:
            return None
        change = self._x_dot(x_dot, y)
        y_dot: Array = y * (change - (y * change).sum(axis=-1, keepdims=True))
        self._kept["y_dot"] = y_dot
        return y_dot

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate dx = y (dy − s) with s = Σ_k y_k dy_k, by the product rule.

        Parameters
        ----------
        dy_dot : ndarray of shape (..., K)
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Returns
        -------
        dx_dot : ndarray of shape (..., K), or None if ``need_dx`` is False
            Change of the loss gradient at the input.

        Raises
        ------
        OrderError
            If ``forward``, ``backward`` and ``rforward`` have not run.
        """
        y_dot = self._recall("y_dot", "rbackward", "rforward")
        dy, y = self._recall("dy", "rbackward", "backward"), self._kept["y"]
        change = self._dy_dot(dy_dot)
        self.grad_dot = np.zeros((0,), y.dtype)
        if not need_dx:
            return None
        dx_dot: Array = y * (change - (y * change).sum(axis=-1, keepdims=True))
        if y_dot is None:
            return dx_dot
        s = (y * dy).sum(axis=-1, keepdims=True)
        s_dot = (y_dot * dy).sum(axis=-1, keepdims=True)
        sum_of_both: Array = dx_dot + y_dot * (dy - s) - y * s_dot
        return sum_of_both

    def _features_after(self, features: int | None, where: str) -> int | None:  # ruff: ignore[unused-method-argument]
        return features
