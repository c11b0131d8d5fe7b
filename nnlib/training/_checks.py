"""What ``fit`` asks of its arguments, before anything changes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array, as_whole_numbers, instance_hint
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers import Sequential
from nnlib.losses import Loss
from nnlib.losses.base import check_loss
from nnlib.optimizers import Optimizer

Rows = tuple[Array, np.ndarray[Any, Any]]
"""Inputs and checked targets, row by row."""


def check_parts(model: object, loss: object, optimizer: object) -> None:
    """Check that the three parts are what they should be, and belong together."""
    for name, part, kind, expected in (
        ("model", model, Sequential, "a Sequential, such as Sequential(Linear(64, 10))"),
        ("optimizer", optimizer, Optimizer, "an Optimizer, such as SGD(model, lr=0.1)"),
    ):
        if not isinstance(part, kind):
            message = f"fit: {name} is {part!r:.60}, expected {expected}.{instance_hint(part)}"
            raise DtypeError(message)
    check_loss(loss, "fit")
    assert isinstance(model, Sequential)  # ruff: ignore[assert]  narrows the types
    assert isinstance(optimizer, Optimizer)  # ruff: ignore[assert]
    if optimizer.model is not model:
        message = (
            "fit: the optimizer was made for another model, expected this one. "
            f"Write {type(optimizer).__name__}(model, ...) after building the model."
        )
        raise ArgumentError(message)
    if not np.isfinite(model.theta).all():
        message = "fit: the model's parameters hold nan or infinity. Build it anew."
        raise ArgumentError(message)


def check_extras(penalty: object, augment: object) -> None:
    """Check that the penalty is one, and that the augmentation can be called."""
    if penalty is not None and (isinstance(penalty, type) or not hasattr(penalty, "value")):
        message = (
            f"fit: penalty is {penalty!r:.60}, expected a Penalty, such as L2(1e-3), or None."
            f"{instance_hint(penalty)}"
        )
        raise DtypeError(message)
    if augment is not None and (isinstance(augment, type) or not callable(augment)):
        message = (
            f"fit: augment is {augment!r:.60}, expected a function (X, y, rng) -> (X, y), "
            f"such as Rotate(10), or None.{instance_hint(augment)}"
        )
        raise DtypeError(message)


def pair(validation_data: object) -> tuple[ArrayLike, ArrayLike]:
    """Return the two parts of ``validation_data``."""
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        message = "fit: validation_data is not a pair, expected (X_validation, y_validation)."
        raise ArgumentError(message)
    X, y = validation_data
    return X, y


def check_data(model: Sequential, loss: Loss, X: ArrayLike, y: ArrayLike, kind: str) -> Rows:
    """Return inputs in the model's dtype and targets as the loss wants them."""
    where = f"fit: {kind}X"
    inputs: Any = (
        as_whole_numbers(X, where) if model.takes_integers else as_array(X, model.dtype, where)
    )
    targets = np.asarray(y)
    if inputs.ndim < 2 or len(inputs) == 0:
        message = (
            f"fit: {kind}X has shape {inputs.shape}, expected (N, ...) with at least one row. "
            "Rows of one number each are X.reshape(-1, 1)."
        )
        raise ShapeError(message)
    if targets.ndim == 0 or len(targets) != len(inputs):
        message = (
            f"fit: {kind}X has {len(inputs)} rows and {kind}y has shape {targets.shape}, "
            "expected one target for each row."
        )
        raise ShapeError(message)
    if not np.isfinite(inputs).all():
        bad = int(np.count_nonzero(~np.isfinite(inputs)))
        message = f"fit: {kind}X holds nan or infinity in {bad} places. Drop or fill those rows."
        raise ArgumentError(message)
    with np.errstate(over="ignore", invalid="ignore"):  # only the shape is looked at
        output = model.predict(inputs[:1])
    return inputs, loss.check((len(inputs), *output.shape[1:]), targets, output.dtype)


def check_augmented(batch: object, before: Array) -> Rows:
    """Return what an augmentation made of a batch, as rows like those before."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        message = (
            f"fit: augment returned {batch!r:.60}, expected a pair (X, y). "
            "End your function with: return X, y."
        )
        raise ArgumentError(message)
    X, y = _like(batch[0], before), np.asarray(batch[1])
    if X.shape != before.shape or y.ndim == 0 or len(y) != len(X):
        message = (
            f"fit: augment returned X of shape {X.shape} and y of shape {y.shape}, expected X of "
            f"shape {before.shape}, as it was given, and one target for each row."
        )
        raise ShapeError(message)
    return X, y


def _like(X: ArrayLike, before: Array) -> Array:
    """Return X in the dtype of ``before``, which may be that of whole numbers."""
    if before.dtype.kind == "f":
        return as_array(X, before.dtype, "fit: augment: X")
    whole: Array = as_whole_numbers(X, "fit: augment: X")  # type: ignore[assignment]  # numbers of words
    return whole
