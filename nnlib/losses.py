"""Losses: one number that says how wrong a batch is, and its gradient at the model's output.

``forward(prediction, targets) -> float`` is a mean over the batch; ``backward() -> dz`` already holds
the 1/N, so layers divide by nothing. ``MSE`` is for quantities, ``BinaryCrossEntropy`` and
``CrossEntropy`` are for classes and take logits: the values before sigmoid or softmax.

    >>> import numpy as np
    >>> from nnlib import CrossEntropy
    >>> loss = CrossEntropy()
    >>> round(loss.forward(np.array([[0.0, 0.0], [0.0, 0.0]]), [0, 1]), 4)
    0.6931
    >>> loss.backward()
    array([[-0.25,  0.25],
           [ 0.25, -0.25]])
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, IntArray, as_array
from nnlib._workspace import Buffered
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, OrderError, ShapeError
from nnlib.layers.activations import sigmoid

__all__ = ["MSE", "BinaryCrossEntropy", "CrossEntropy", "Loss"]


class Loss(Buffered, ABC):
    """Compare predictions with targets.

    A subclass gives ``check``, ``_value`` and ``backward``.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def forward(self, prediction: ArrayLike, targets: ArrayLike) -> float:
        """Compute the mean loss of a batch and keep what ``backward`` needs.

        Parameters
        ----------
        prediction : ndarray of shape (N, ...)
            Output of the model.
        targets : ndarray
            What it should have been.

        Returns
        -------
        value : float
            The loss, a mean over the batch.

        Raises
        ------
        ShapeError
            If the shapes do not fit; nothing is broadcast.
        DtypeError
            If the targets are numbers of the wrong kind.
        ArgumentError
            If a target is outside what it may be.
        NonFiniteError
            If a prediction or the loss is nan or infinite.
        """
        z = as_array(prediction, None, f"{self!r}.forward: prediction")
        t = self.check(z.shape, targets, z.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # reported below, with the cause
            value = self._value(z, t)
        if not math.isfinite(value):
            self._explain(value, z)
        return value

    @abstractmethod
    def check(
        self, prediction_shape: tuple[int, ...], targets: ArrayLike, dtype: np.dtype[Any]
    ) -> np.ndarray[Any, Any]:
        """Return the targets as an array of the right kind, or raise the error that says why not.

        Parameters
        ----------
        prediction_shape : tuple of int
            Shape of the model's output for all rows of the targets.
        targets : array_like
            As given to ``fit`` or ``forward``.
        dtype : dtype
            Type of the model's output.

        Returns
        -------
        targets : ndarray
            Ready for ``forward``, which need not convert it again.
        """

    @abstractmethod
    def _value(self, z: Array, t: Any) -> float:
        """Compute the loss of checked arrays and keep what ``backward`` needs."""

    @abstractmethod
    def backward(self) -> Array:
        """Return the gradient of the last loss with respect to the prediction."""

    @abstractmethod
    def rbackward(self, prediction_dot: ArrayLike) -> Array:
        """Return the change of ``backward()`` along a change of the prediction."""

    def count_correct(self) -> int | None:
        """Count the rows of the last ``forward`` that were classified right; None if not classes."""
        return None

    def _recall(self, rule: str) -> dict[str, Any]:
        if not self._kept:
            message = f"{self!r}.{rule}: forward has not run. Call forward first."
            raise OrderError(message)
        return self._kept

    def _tangent(self, prediction_dot: ArrayLike, z: Array) -> Array:
        """Return a change of the prediction in its dtype, after checking its trailing shape."""
        where = f"{self!r}.rbackward: prediction_dot"
        change = as_array(prediction_dot, z.dtype, where)
        if change.shape[max(change.ndim - z.ndim, 0) :] != z.shape:
            message = f"{where} has shape {change.shape}, expected (..., *{z.shape})."
            raise ShapeError(message)
        return change

    def _explain(self, value: float, z: Array) -> None:
        """Raise the error that says why the loss is not finite."""
        bad = int(z.size - np.count_nonzero(np.isfinite(z)))
        if bad:
            cause = f"{bad} of {z.size} predictions are nan or infinite"
        else:
            cause = f"predictions reach {float(np.abs(z).max()):.3g}, too large for {z.dtype}"
        message = f"{self!r}.forward: the loss is {value}, because {cause}. Lower the learning rate."
        raise NonFiniteError(message)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class MSE(Loss):
    """Mean squared error: L = Σ (z − t)² / n, a mean over rows and outputs, without ½.

    Its gradient is dz = 2 (z − t) / n, with n the number of entries of z.

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
        """
        return _like_prediction(self, prediction_shape, targets, dtype)

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
        """
        error = self._recall("rbackward")["error"]
        change: Array = self._tangent(prediction_dot, error) * (2.0 / error.size)
        return change


class BinaryCrossEntropy(Loss):
    """Cross-entropy of yes-or-no questions, from logits.

        L = −mean( t ln σ(z) + (1 − t) ln(1 − σ(z)) ) = mean( max(z, 0) − z t + ln(1 + e^{−|z|}) )

    The second form never overflows. The gradient is dz = (σ(z) − t) / n.

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
        """
        t = _like_prediction(self, prediction_shape, targets, dtype)
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
            Loss gradient at the logits, a fresh array.
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
        """
        z = self._recall("rbackward")["z"]
        p = sigmoid(z, out=np.empty_like(z), scratch=np.empty_like(z))
        change: Array = self._tangent(prediction_dot, z) * p * (1.0 - p) / z.size
        return change

    def count_correct(self) -> int:
        """Count the answers of the last ``forward`` on the right side of z = 0.

        Returns
        -------
        count : int
            Entries where z > 0 agrees with t > ½, divided by the outputs of a row.
        """
        kept = self._recall("count_correct")
        z, t = kept["z"], kept["t"]
        right = int(np.count_nonzero((z > 0) == (t > 0.5)))
        return right * len(z) // z.size


class CrossEntropy(Loss):
    """Cross-entropy of one class out of K, from logits: softmax and logarithm in one.

        L = mean( ln Σ_k e^{z_k} − z_label )        dz = (softmax(z) − onehot(label)) / N

    The largest logit of a row is taken off first, which changes neither and prevents overflow.

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
        self, prediction_shape: tuple[int, ...], targets: ArrayLike, dtype: np.dtype[Any]
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
        """
        labels = np.asarray(targets)
        if len(prediction_shape) < 2 or 0 in prediction_shape:
            message = f"{self!r}: logits have shape {prediction_shape}, expected (N, K), N and K ≥ 1."
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
            Loss gradient at the logits, a fresh array.
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
        """
        kept = self._recall("count_correct")
        p = kept["p"]
        best = p.reshape(-1, p.shape[-1]).argmax(axis=-1)
        return int(np.count_nonzero(best == kept["labels"]))


def _like_prediction(
    loss: Loss, prediction_shape: tuple[int, ...], targets: ArrayLike, dtype: np.dtype[Any]
) -> Array:
    """Return finite targets of exactly the shape of the prediction; nothing is broadcast."""
    t = as_array(targets, dtype, f"{loss!r}: targets")
    if t.shape != prediction_shape:
        hint = ""
        if t.size == math.prod(prediction_shape):
            hint = f" Reshape them: targets.reshape({prediction_shape})."
            if t.ndim == 2 and t.T.shape == prediction_shape and 1 not in t.shape:
                hint = " They look transposed."
        message = f"{loss!r}: targets have shape {t.shape}, expected {prediction_shape}.{hint}"
        raise ShapeError(message)
    if t.size == 0:
        message = f"{loss!r}: there are no rows, expected at least one."
        raise ShapeError(message)
    if not np.isfinite(t).all():
        bad = int(np.count_nonzero(~np.isfinite(t)))
        message = f"{loss!r}: {bad} of {t.size} targets are nan or infinite. Drop those rows."
        raise ArgumentError(message)
    return t
