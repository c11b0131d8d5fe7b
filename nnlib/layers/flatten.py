"""Flatten: from images to rows of features."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array
from nnlib.errors import ShapeError
from nnlib.layers._checks import as_change
from nnlib.layers.base import Layer


class Flatten(Layer):
    """Write each sample as one row: (N, H, W, C) becomes (N, H · W · C).

    The channels of a pixel stay side by side. PyTorch flattens (N, C, H, W), so the rows of the
    ``Linear`` that follows stand in another order there.

    Examples
    --------
    >>> layer = Flatten()
    >>> layer.forward(np.array([[[1.0, 2.0], [3.0, 4.0]]]))
    array([[1., 2., 3., 4.]])
    >>> layer.backward(np.array([[5.0, 6.0, 7.0, 8.0]]))
    array([[[5., 6.],
            [7., 8.]]])
    """

    def forward(self, x: ArrayLike) -> Array:
        """Reshape x to rows.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            A batch of anything.

        Returns
        -------
        y : ndarray of shape (N, d)
            With d the product of all sizes but the first. A fresh array.

        Raises
        ------
        ShapeError
            If x is a single number.
        """
        x = self._input(x)
        if x.ndim == 0:
            message = f"{self!r}.forward: x is a single number, expected a batch (N, ...)."
            raise ShapeError(message)
        y = self._keep(x.reshape(len(x), prod(x.shape[1:])))
        self._kept = {"x_shape": x.shape, "output": (y.shape, y.dtype)}
        return y

    def backward(
        self,
        dy: ArrayLike,
        *,
        need_dx: bool = True,
        accumulate: bool = False,  # ruff: ignore[unused-method-argument]  the contract of all layers; nothing to add to here
    ) -> Array | None:
        """Reshape the loss gradient back: nothing was computed, so nothing changes.

        Parameters
        ----------
        dy : ndarray of shape (N, d)
            Loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.
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
        return self._keep(dy.reshape(self._kept["x_shape"])) if need_dx else None

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:  # ruff: ignore[unused-method-argument]
        """Reshape the change of the input like the input.

        Parameters
        ----------
        x_dot : ndarray of shape (..., *x.shape), or None
            Change of the input along the direction.
        v : ndarray of shape (..., 0), or None
            Without effect: there are no parameters.

        Returns
        -------
        y_dot : ndarray of shape (..., N, d), or None if ``x_dot`` is None
            Change of the output.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        shape, dtype = self._recall("output", "rforward", "forward")
        self._kept["ready"] = True
        if x_dot is None:
            return None
        change = as_change(x_dot, self._kept["x_shape"], dtype, f"{self!r}.rforward: x_dot")
        lead = change.shape[: change.ndim - len(self._kept["x_shape"])]
        return change.reshape(*lead, *shape)

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Reshape the change of the loss gradient like the input.

        Parameters
        ----------
        dy_dot : ndarray of shape (..., N, d)
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Returns
        -------
        dx_dot : ndarray of shape (..., *x.shape), or None if ``need_dx`` is False
            Change of the loss gradient at the input.

        Raises
        ------
        OrderError
            If ``forward`` and ``rforward`` have not run.
        """
        self._recall("ready", "rbackward", "rforward")
        _, dtype = self._kept["output"]
        change = self._dy_dot(dy_dot)
        self.grad_dot = np.zeros((0,), dtype)
        if not need_dx:
            return None
        return change.reshape(*change.shape[:-2], *self._kept["x_shape"])
