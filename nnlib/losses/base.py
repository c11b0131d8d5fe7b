"""What every loss promises: a mean over the batch, its gradient, and errors that name the cause."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import FLOAT_TYPES, Array, as_array, instance_hint
from nnlib._workspace import Buffered
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, OrderError, ShapeError


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
        if type(prediction) is np.ndarray and prediction.dtype in FLOAT_TYPES:
            z: Array = prediction
        else:
            z = as_array(prediction, None, f"{self!r}.forward: prediction")
        t = self.check(z.shape, targets, z.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # reported below, with the cause
            value = self._value(z, t)
        if not math.isfinite(value):
            self._explain(value, z, t)
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
        """Count the rows of the last ``forward`` classified right; None if there are no classes."""
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

    def _explain(self, value: float, z: Array, t: np.ndarray[Any, Any]) -> None:
        """Raise the error that says why the loss is not finite."""
        bad = int(z.size - np.count_nonzero(np.isfinite(z)))
        if bad:
            cause = f"{bad} of {z.size} predictions are nan or infinite"
        else:
            # Labels are compared with no prediction, and targets from 0 to 1 are never the larger.
            sizes = {"predictions": float(np.abs(z).max())}
            if t.dtype.kind == "f":
                sizes["targets"] = float(np.abs(t).max())
            name = max(sizes, key=lambda key: sizes[key])
            cause = f"{name} reach {sizes[name]:.3g}, too large for {z.dtype}"
        message = (
            f"{self!r}.forward: the loss is {value}, because {cause}. "
            "Scale inputs and targets, or take smaller steps."
        )
        raise NonFiniteError(message)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def check_loss(loss: object, where: str) -> None:
    """Raise ``DtypeError`` unless ``loss`` is a loss."""
    if not isinstance(loss, Loss):
        message = (
            f"{where}: loss is {loss!r:.60}, expected a Loss, such as CrossEntropy()."
            f"{instance_hint(loss)}"
        )
        raise DtypeError(message)


def like_prediction(
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
