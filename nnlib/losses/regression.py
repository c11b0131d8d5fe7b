"""Losses for quantities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, check_number
from nnlib.losses.base import Loss, Share, like_prediction, weighted_sum


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

    def _value(self, z: Array, t: Array, share: Share) -> float:
        error: Array = np.subtract(z, t, out=self._array("error", z.shape, z.dtype))
        self._kept = {"error": error, "share": share}
        if type(share) is not float:
            # The share first: where it is 0, the square of a large error must not be infinite.
            return float(np.add.reduce(error * share * error, axis=None))
        flat = error.ravel()
        return float(flat @ flat) * share

    def backward(self) -> Array:
        """Return dz = 2 (z − t) / n; with row weights 1/n becomes the share of the entry.

        Returns
        -------
        dz : ndarray of the shape of the prediction
            Loss gradient at the prediction, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        kept = self._recall("backward")
        error: Array = kept["error"]
        dz: Array = self._array("dz", error.shape, error.dtype)
        np.multiply(error, 2.0 * kept["share"], out=dz)
        return dz

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
        kept = self._recall("rbackward")
        change: Array = self._tangent(prediction_dot, kept["error"]) * (2.0 * kept["share"])
        return change


class Huber(Loss):
    """Squared error near zero, absolute error far away, so that outliers pull no harder than δ.

        l(e) = ½ e²  for |e| ≤ δ,  else  δ (|e| − ½ δ)        L = Σ l(z − t) / n

    The gradient is dz = clip(z − t, −δ, δ) / n, with n the number of entries of z. As in PyTorch's
    ``HuberLoss``, the quadratic part carries a ½, which ``MSE`` does not.

    Parameters
    ----------
    delta : float, default 1.0
        Where the parabola becomes a line, in the unit of the targets.

    References
    ----------
    Huber (1964), Annals of Mathematical Statistics 35, 73-101.

    Examples
    --------
    >>> loss = Huber(delta=1.0)
    >>> loss.forward(np.array([[1.0], [5.0]]), [[0.5], [1.0]])  # (½·0.25 + 4 − ½) / 2
    1.8125
    >>> loss.backward()
    array([[0.25],
           [0.5 ]])
    """

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__()
        self.delta = check_number(delta, "delta", "Huber", below=math.inf, positive=True)

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

    def _value(self, z: Array, t: Array, share: Share) -> float:
        error: Array = np.subtract(z, t, out=self._array("error", z.shape, z.dtype))
        clipped: Array = self._array("clipped", z.shape, z.dtype)
        np.minimum(np.maximum(error, -self.delta, out=clipped), self.delta, out=clipped)
        self._kept = {"clipped": clipped, "inside": clipped == error, "share": share}
        # c (e − c/2) is e²/2 where c = e, and δ |e| − δ²/2 where c = ±δ.
        error -= 0.5 * clipped
        error *= clipped
        return weighted_sum(error, share)

    def backward(self) -> Array:
        """Return dz = clip(z − t, −δ, δ) / n; with row weights 1/n becomes the share of the entry.

        Returns
        -------
        dz : ndarray of the shape of the prediction
            Loss gradient at the prediction, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        kept = self._recall("backward")
        clipped: Array = kept["clipped"]
        dz: Array = self._array("dz", clipped.shape, clipped.dtype)
        np.multiply(clipped, kept["share"], out=dz)
        return dz

    def rbackward(self, prediction_dot: ArrayLike) -> Array:
        """Return z_dot / n where |z − t| ≤ δ, and 0 on the straight parts.

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
        kept = self._recall("rbackward")
        change: Array = self._tangent(prediction_dot, kept["clipped"]) * kept["inside"]
        change *= kept["share"]
        return change

    def __repr__(self) -> str:
        return f"Huber(delta={self.delta:g})"
