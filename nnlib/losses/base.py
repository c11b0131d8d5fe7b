"""What every loss promises: a mean over the batch, its gradient, and errors that name the cause.

A loss is a mean of *terms*: one an entry of the prediction (``MSE``), or one a row
(``CrossEntropy``). The *share* of a term is what it counts: 1/n, or with row weights its part of
w / Σ w.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import FLOAT_TYPES, Array, as_array, instance_hint
from nnlib._workspace import Buffered
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, OrderError, ShapeError

Share: TypeAlias = float | Array
"""What a term counts in the mean: 1/n for all, or an array that broadcasts over the terms."""


class Loss(Buffered, ABC):
    """Compare predictions with targets.

    A subclass gives ``check``, ``_value``, ``backward`` and ``rbackward``.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def forward(
        self, prediction: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None
    ) -> float:
        """Compute the mean loss of a batch and keep what ``backward`` needs.

        With row weights w the mean is L = Σ w l / Σ w, where l is the mean loss within a row.

        Parameters
        ----------
        prediction : ndarray of shape (N, ...)
            Output of the model.
        targets : ndarray
            What it should have been.
        weights : ndarray of shape (N,), or of further leading axes of the prediction, optional
            How much each row counts, at least 0. A row of weight 0 might as well be missing. By
            default all rows count the same.

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
            If a target is outside what it may be, or a weight is negative, or all are zero.
        NonFiniteError
            If the loss, or a prediction in a row that counts, is nan or infinite.
        """
        if type(prediction) is np.ndarray and prediction.dtype in FLOAT_TYPES:
            z: Array = prediction
        else:
            z = as_array(prediction, None, f"{self!r}.forward: prediction")
        t = self.check(z.shape, targets, z.dtype)
        terms_shape = self._terms_shape(z, t)
        if weights is None:
            share: Share = 1.0 / math.prod(terms_shape)
        else:
            share = self._shares(weights, z, terms_shape)
            z = without_dropped(z, share)
        with np.errstate(over="ignore", invalid="ignore"):  # reported below, with the cause
            value = self._value(z, t, share)
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
    def _value(self, z: Array, t: Any, share: Share) -> float:
        """Compute Σ share · term of checked arrays and keep what ``backward`` needs."""

    def _terms_shape(self, z: Array, t: np.ndarray[Any, Any]) -> tuple[int, ...]:  # ruff: ignore[unused-method-argument]  some losses ask the targets
        """Return the shape of the terms whose mean the loss is: by default one an entry."""
        return z.shape

    def _shares(self, weights: ArrayLike, z: Array, terms_shape: tuple[int, ...]) -> Array:
        """Return what each term counts, w / Σ w spread over the terms of its row."""
        where = f"{self!r}.forward: weights"
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
            w = as_array(weights, z.dtype, where)
        lead = max(1, z.ndim - 1)
        if not 1 <= w.ndim <= lead or w.shape != z.shape[: w.ndim]:
            message = (
                f"{where} have shape {w.shape}, expected {z.shape[:1]}, one for each row"
                f"{f', or {z.shape[:lead]}' if lead > 1 else ''}."
            )
            raise ShapeError(message)
        if not np.isfinite(w).all() or w.min() < 0:
            message = (
                f"{where} run from {w.min():g} to {w.max():g}, expected finite and at least 0."
            )
            raise ArgumentError(message)
        total = float(w.sum())
        if not 0 < total < math.inf:
            message = f"{where} add up to {total:g}, expected more than 0. Give some row a weight."
            raise ArgumentError(message)
        inner = terms_shape[w.ndim :]
        shares: Array = w / (total * math.prod(inner))
        return shares.reshape(*w.shape, *(1,) * len(inner))

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


def without_dropped(z: Array, share: Array) -> Array:
    """Return predictions with 0 for what is not finite in rows of weight 0: 0 · nan is nan."""
    if share.all():
        return z
    lost = ~np.isfinite(z)
    lost &= (share == 0).reshape(*share.shape, *(1,) * (z.ndim - share.ndim))
    return np.where(lost, z.dtype.type(0), z) if lost.any() else z


def weighted_sum(terms: Array, share: Share) -> float:
    """Return Σ share · term."""
    if type(share) is float:
        return float(np.add.reduce(terms, axis=None)) * share
    return float(np.add.reduce(terms * share, axis=None))


def check_loss(loss: object, where: str) -> None:
    """Raise ``DtypeError`` unless ``loss`` is a loss."""
    if not isinstance(loss, Loss):
        message = (
            f"{where}: loss is {loss!r:.60}, expected a Loss, such as CrossEntropy()."
            f"{instance_hint(loss)}"
        )
        raise DtypeError(message)


def as_targets(loss: Loss, targets: ArrayLike) -> np.ndarray[Any, Any]:
    """Return targets as an array of any kind."""
    if type(targets) is np.ndarray:
        return targets
    try:
        return np.asarray(targets)
    except ValueError as error:
        message = (
            f"{loss!r}: targets: the rows differ in length, expected an array. Pad or drop rows."
        )
        raise ShapeError(message) from error


def like_prediction(
    loss: Loss, prediction_shape: tuple[int, ...], targets: ArrayLike, dtype: np.dtype[Any]
) -> Array:
    """Return finite targets of exactly the shape of the prediction; nothing is broadcast."""
    given = as_targets(loss, targets)
    t: Array = given
    if given.dtype != dtype:
        with np.errstate(over="ignore"):  # refused below, with the cause
            t = as_array(given, dtype, f"{loss!r}: targets")
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
        if np.isfinite(given).all():
            message = (
                f"{loss!r}: targets reach {np.abs(given).max():.3g}, too large for {dtype}. "
                "Scale them, or build the model with dtype=np.float64."
            )
            raise ArgumentError(message)
        bad = int(np.count_nonzero(~np.isfinite(t)))
        message = f"{loss!r}: {bad} of {t.size} targets are nan or infinite. Drop those rows."
        raise ArgumentError(message)
    return t
