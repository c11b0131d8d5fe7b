"""Losses for quantities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array
from nnlib.losses.base import Loss, like_prediction


class MSE(Loss):
    """Mean squared error: L = Σ (z − t)² / n, a mean over rows and outputs, without ½.

    Its gradient is dz = 2 (z − t) / n, with n the number of entries of z. The unit of L
    is that of the targets, squared.

    References
    ----------
    Widrow & Hoff (1960), IRE WESCON Convention Record 4, 96-104.

    Examples
    --------
    >>> loss = MSE()
    >>> loss.forward(np.array([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 2.0], [3.0, 2.0]])
    1.0
    >>> loss.backward()
    array([[0., 0.],
           [0., 1.]])
    """

    def check(
        self, prediction_shape: tuple[int, ...], targets: ArrayLike, dtype: np.dtype[Any]
    ) -> Array:
        """Return targets of exactly the shape of the prediction.

        Parameters
        ----------
        prediction_shape : tuple of int
            Shape of the model's output.
        targets : array_like of that shape
            Finite numbers.
        dtype : dtype
            Type of the model's output.

        Returns
        -------
        targets : ndarray of that shape and dtype
            The targets.

        Raises
        ------
        ShapeError
            If the targets have another shape, or there are none.
        DtypeError
            If the targets are not real numbers.
        ArgumentError
            If a target is nan or infinite.
        """
        return like_prediction(self, prediction_shape, targets, dtype)

    def _value(self, z: Array, t: Array) -> float:
        error: Array = np.subtract(z, t, out=self._array("error", z.shape, z.dtype))
        self._kept = {"error": error}
        flat = error.ravel()
        return float(flat @ flat) / error.size

    def backward(self) -> Array:
        """Return dz = 2 (z − t) / n.

        Returns
        -------
        dz : ndarray of the shape of the prediction
            Loss gradient at the prediction, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        error: Array = self._recall("backward")["error"]
        dz: Array = self._array("dz", error.shape, error.dtype)
        return np.multiply(error, 2.0 / error.size, out=dz)

    def rbackward(self, prediction_dot: ArrayLike) -> Array:
        """Return 2 z_dot / n: the loss is quadratic, so its Hessian is constant.

        Parameters
        ----------
        prediction_dot : ndarray of the shape of the prediction
            Change of the prediction; leading axes are directions.

        Returns
        -------
        dz_dot : ndarray of that shape
            Change of the gradient.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``prediction_dot`` does not end in the shape of the prediction.
        """
        error = self._recall("rbackward")["error"]
        change: Array = self._tangent(prediction_dot, error) * (2.0 / error.size)
        return change
