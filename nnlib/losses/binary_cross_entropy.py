"""Cross-entropy of yes-or-no questions, from logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array
from nnlib.errors import ArgumentError
from nnlib.layers.activations import sigmoid
from nnlib.losses.base import Loss, Share, like_prediction, weighted_sum


class BinaryCrossEntropy(Loss):
    """Cross-entropy of yes-or-no questions, from logits.

        L = −mean( t ln σ(z) + (1 − t) ln(1 − σ(z)) ) = mean( max(z, 0) − z t + ln(1 + e^{−|z|}) )

    L is in nats: a guess of one half costs ln 2 = 0.69. The second form never overflows. The
    gradient is dz = (σ(z) − t) / n, with n the number of entries of z.

    References
    ----------
    Cox (1958), Journal of the Royal Statistical Society B 20, 215-242.

    Examples
    --------
    >>> loss = BinaryCrossEntropy()
    >>> loss.forward(np.array([[1000.0], [-1000.0]]), [[1.0], [1.0]])
    500.0
    >>> loss.backward()
    array([[ 0. ],
           [-0.5]])
    """

    def check(
        self, prediction_shape: tuple[int, ...], targets: ArrayLike, dtype: np.dtype[Any]
    ) -> Array:
        """Return targets of exactly the shape of the prediction, from 0 to 1.

        Parameters
        ----------
        prediction_shape : tuple of int
            Shape of the model's output.
        targets : array_like of that shape
            0 for no, 1 for yes; probabilities in between are allowed.
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
            If a target is not from 0 to 1.
        """
        t = like_prediction(self, prediction_shape, targets, dtype)
        if t.min() < 0 or t.max() > 1:
            message = (
                f"{self!r}: targets run from {t.min():g} to {t.max():g}, expected 0 to 1. "
                "Code no as 0 and yes as 1."
            )
            raise ArgumentError(message)
        return t

    def _value(self, z: Array, t: Array, share: Share) -> float:
        self._kept = {"z": self._keep(z), "t": self._keep(t), "share": share}
        terms: Array = np.abs(z, out=self._array("terms", z.shape, z.dtype))
        np.negative(terms, out=terms)
        np.log1p(np.exp(terms, out=terms), out=terms)
        terms += np.maximum(z, 0, out=self._array("scratch", z.shape, z.dtype))
        terms -= np.multiply(z, t, out=self._array("scratch", z.shape, z.dtype))
        return weighted_sum(terms, share)

    def backward(self) -> Array:
        """Return dz = (σ(z) − t) / n; with row weights 1/n becomes the share of the entry.

        Returns
        -------
        dz : ndarray of the shape of the prediction
            Loss gradient at the logits, in nats per unit of z, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        kept = self._recall("backward")
        z, t = kept["z"], kept["t"]
        dz: Array = self._array("dz", z.shape, z.dtype)
        sigmoid(z, out=dz, scratch=self._array("scratch", z.shape, z.dtype))
        dz -= t
        dz *= kept["share"]
        return dz

    def rbackward(self, prediction_dot: ArrayLike) -> Array:
        """Return σ(z) (1 − σ(z)) z_dot / n.

        Parameters
        ----------
        prediction_dot : ndarray of the shape of the prediction
            Change of the logits; leading axes are directions.

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
        z = kept["z"]
        p = sigmoid(z, out=np.empty_like(z), scratch=np.empty_like(z))
        change: Array = self._tangent(prediction_dot, z) * (p * (1.0 - p) * kept["share"])
        return change

    def count_correct(self) -> int:
        """Count the rows of the last ``forward`` whose answers are all on the right side of z = 0.

        Returns
        -------
        count : int
            Rows in which z > 0 agrees with t > ½ for every output.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        kept = self._recall("count_correct")
        z, t = kept["z"], kept["t"]
        # Whole rows, so that the counts of slices and batches add up without rounding.
        right = np.atleast_1d((z > 0) == (t > 0.5))
        right = right.reshape(len(right), -1)
        return int(np.count_nonzero(right.all(axis=1)))
