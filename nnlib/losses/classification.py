"""Losses for classes, from logits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, IntArray
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers.activations import sigmoid
from nnlib.losses.base import Loss, like_prediction


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

    def _value(self, z: Array, t: Array) -> float:
        self._kept = {"z": self._keep(z), "t": self._keep(t)}
        terms: Array = np.abs(z, out=self._array("terms", z.shape, z.dtype))
        np.negative(terms, out=terms)
        np.log1p(np.exp(terms, out=terms), out=terms)
        terms += np.maximum(z, 0, out=self._array("scratch", z.shape, z.dtype))
        terms -= np.multiply(z, t, out=self._array("scratch", z.shape, z.dtype))
        return float(terms.mean())

    def backward(self) -> Array:
        """Return dz = (σ(z) − t) / n.

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
        dz /= z.size
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
        z = self._recall("rbackward")["z"]
        p = sigmoid(z, out=np.empty_like(z), scratch=np.empty_like(z))
        change: Array = self._tangent(prediction_dot, z) * p * (1.0 - p) / z.size
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
        right = ((z > 0) == (t > 0.5)).reshape(len(z), -1)
        return int(np.count_nonzero(right.all(axis=1)))


class CrossEntropy(Loss):
    """Cross-entropy of one class out of K, from logits: softmax and logarithm in one.

        L = mean( ln Σ_k e^{z_k} − z_label )        dz = (softmax(z) − onehot(label)) / N

    L is in nats: a guess among K classes costs ln K. The largest logit of a row is taken off
    first, which changes neither and prevents overflow.

    References
    ----------
    Bridle (1990), Neurocomputing, NATO ASI Series 68, 227-236.

    Examples
    --------
    >>> loss = CrossEntropy()
    >>> loss.forward(np.array([[1000.0, 0.0], [0.0, 1000.0]]), [0, 0])
    500.0
    >>> loss.backward()
    array([[ 0. ,  0. ],
           [-0.5,  0.5]])
    """

    def check(
        self,
        prediction_shape: tuple[int, ...],
        targets: ArrayLike,
        dtype: np.dtype[Any],  # ruff: ignore[unused-method-argument]  labels are integers
    ) -> IntArray:
        """Return labels as integers from 0 to K − 1, one for each row.

        Parameters
        ----------
        prediction_shape : tuple of int
            Shape (..., N, K) of the logits.
        targets : array_like of int of shape (..., N)
            Class labels.
        dtype : dtype
            Not used: labels are integers.

        Returns
        -------
        labels : ndarray of int of shape (..., N)
            The labels.

        Raises
        ------
        ShapeError
            If there is not one label for each row.
        DtypeError
            If the labels are not integers.
        ArgumentError
            If a label is not from 0 to K − 1.
        """
        labels = np.asarray(targets)
        if len(prediction_shape) < 2 or 0 in prediction_shape:
            message = (
                f"{self!r}: logits have shape {prediction_shape}, expected (N, K), N and K ≥ 1."
            )
            raise ShapeError(message)
        expected, n_classes = prediction_shape[:-1], prediction_shape[-1]
        if labels.shape != expected:
            hint = ""
            if labels.shape == prediction_shape:
                hint = " They look one-hot: use targets.argmax(axis=-1)."
            elif labels.size == math.prod(expected):
                hint = " Drop the extra axis: targets.reshape(-1)."
            message = f"{self!r}: targets have shape {labels.shape}, expected {expected}.{hint}"
            raise ShapeError(message)
        if labels.dtype.kind not in "iu":
            message = (
                f"{self!r}: targets are {labels.dtype}, expected integer class labels. "
                "Convert them with targets.astype(int)."
            )
            raise DtypeError(message)
        # Seen as unsigned, a negative label is huge: one pass finds both kinds of wrong label.
        if labels.astype(np.intp, copy=False).view(np.uintp).max() >= n_classes:
            message = (
                f"{self!r}: labels run from {labels.min()} to {labels.max()}, expected 0 to "
                f"{n_classes - 1} for {n_classes} logits. Give the last layer one output a class, "
                "and count classes from 0."
            )
            raise ArgumentError(message)
        return labels

    def _value(self, z: Array, t: IntArray) -> float:
        n_classes = z.shape[-1]
        p: Array = self._array("p", z.shape, z.dtype)
        np.subtract(z, z.max(axis=-1, keepdims=True), out=p)
        labels = t.ravel().astype(np.intp)
        places = labels + np.arange(0, labels.size * n_classes, n_classes)
        own = p.ravel().take(places)  # z_label less the largest logit of its row
        # A correct label is where its logit is the largest; argmax settles ties in count_correct.
        np.exp(p, out=p)
        total = p.sum(axis=-1, keepdims=True)
        p /= total
        self._kept = {"p": p, "places": places, "labels": labels}
        return float((np.log(total).ravel() - own).mean())

    def backward(self) -> Array:
        """Return dz = (softmax(z) − onehot(label)) / N.

        Returns
        -------
        dz : ndarray of shape (..., N, K)
            Loss gradient at the logits, in nats per unit of z, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        kept = self._recall("backward")
        p, places = kept["p"], kept["places"]
        dz: Array = self._array("dz", p.shape, p.dtype)
        np.multiply(p, 1.0 / places.size, out=dz)
        dz.reshape(-1)[places] -= 1.0 / places.size
        return dz

    def rbackward(self, prediction_dot: ArrayLike) -> Array:
        """Return p (z_dot − Σ_k p_k z_dot_k) / N, with p = softmax(z).

        Parameters
        ----------
        prediction_dot : ndarray of shape (..., N, K)
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
        p = kept["p"]
        change = self._tangent(prediction_dot, p)
        mean = (p * change).sum(axis=-1, keepdims=True)
        result: Array = p * (change - mean) / kept["places"].size
        return result

    def count_correct(self) -> int:
        """Count the rows of the last ``forward`` whose largest logit is that of their label.

        Returns
        -------
        count : int
            Number of such rows.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        kept = self._recall("count_correct")
        p = kept["p"]
        best = p.reshape(-1, p.shape[-1]).argmax(axis=-1)
        return int(np.count_nonzero(best == kept["labels"]))
