"""From a sequence to one vector, as a classifier of sequences needs it."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array
from nnlib.layers._checks import as_change
from nnlib.layers._recurrence import check_sequences
from nnlib.layers.base import Layer


class OverTime(Layer):
    """Take one vector from the T steps of each sequence, by a rule that is linear in x."""

    @abstractmethod
    def _take(self, x: Array) -> Array:
        """Return the vectors (..., N, D) of sequences (..., N, T, D)."""

    @abstractmethod
    def _give_back(self, dy: Array, dx: Array) -> Array:
        """Write the gradient at the steps into dx (..., N, T, D)."""

    def forward(self, x: ArrayLike) -> Array:
        """Take one vector from each sequence.

        Parameters
        ----------
        x : ndarray of shape (N, T, D)
            N sequences of T steps.

        Returns
        -------
        y : ndarray of shape (N, D)
            A fresh array.

        Raises
        ------
        ShapeError
            If x is not (N, T, D) with at least one step.
        """
        x = check_sequences(self._input(x), None, repr(self))
        y: Array = self._array("y", (x.shape[0], x.shape[2]), x.dtype)
        np.copyto(y, self._take(x))
        self._kept = {"shape": x.shape, "output": (y.shape, y.dtype)}
        return y

    def backward(
        self,
        dy: ArrayLike,
        *,
        need_dx: bool = True,
        accumulate: bool = False,  # ruff: ignore[unused-method-argument]  the contract of all layers; nothing to add to here
    ) -> Array | None:
        """Give the loss gradient back to the steps that the output came from.

        Parameters
        ----------
        dy : ndarray of shape (N, D)
            Loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.
        accumulate : bool, default False
            Without effect: there are no parameters.

        Returns
        -------
        dx : ndarray of shape (N, T, D), or None if ``need_dx`` is False
            Loss gradient at the input, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.
        """
        dy = self._upstream(dy)
        if not need_dx:
            return None
        return self._give_back(dy, self._array("dx", self._kept["shape"], dy.dtype))

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:  # ruff: ignore[unused-method-argument]
        """Differentiate ``forward``, which is linear: the same rule for x_dot."""
        _, dtype = self._recall("output", "rforward", "forward")
        if x_dot is None:
            return None
        shape = self._kept["shape"]
        return np.array(self._take(as_change(x_dot, shape, dtype, f"{self!r}.rforward: x_dot")))

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate ``backward``, which is linear: the same rule for dy_dot."""
        _, dtype = self._recall("output", "rbackward", "forward")
        self.grad_dot = np.zeros((0,), dtype)
        if not need_dx:
            return None
        change = self._dy_dot(dy_dot)
        return self._give_back(change, np.empty((*change.shape[:-2], *self._kept["shape"]), dtype))

    def _features_after(self, features: int | None, where: str) -> int | None:  # ruff: ignore[unused-method-argument]
        return features


class MeanOverTime(OverTime):
    """Take the mean of all steps: y = Σ_t x_t / T, so that dx_t = dy / T.

    Examples
    --------
    >>> layer = MeanOverTime()
    >>> layer.forward(np.array([[[1.0], [3.0]]]))
    array([[2.]])
    >>> layer.backward([[8.0]]).ravel()
    array([4., 4.])
    """

    def _take(self, x: Array) -> Array:
        mean: Array = x.mean(axis=-2)
        return mean

    def _give_back(self, dy: Array, dx: Array) -> Array:
        return np.divide(dy[..., np.newaxis, :], dx.shape[-2], out=dx)


class LastStep(OverTime):
    """Take the last step: y = x_T, so that dx_T = dy and all other steps get zero.

    Examples
    --------
    >>> layer = LastStep()
    >>> layer.forward(np.array([[[1.0], [3.0]]]))
    array([[3.]])
    >>> layer.backward([[8.0]]).ravel()
    array([0., 8.])
    """

    def _take(self, x: Array) -> Array:
        return x[..., -1, :]

    def _give_back(self, dy: Array, dx: Array) -> Array:
        dx[..., :-1, :] = 0.0
        dx[..., -1, :] = dy
        return dx
