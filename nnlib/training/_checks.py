"""What ``fit`` asks of its arguments, before anything changes."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array, as_whole_numbers, instance_hint
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers import Layer, Sequential
from nnlib.losses import Loss
from nnlib.losses.base import check_loss
from nnlib.optimizers import AdaGrad, Lion, Optimizer
from nnlib.regularizers import Penalty

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


def check_extras(penalty: object, augment: object, optimizer: Optimizer) -> None:
    """Check that the penalty is one that goes with the optimizer, and augmentation a function."""
    if penalty is not None and not isinstance(penalty, Penalty):
        message = (
            f"fit: penalty is {penalty!r:.60}, expected a Penalty, such as L2(1e-3), or None."
            f"{instance_hint(penalty)}"
        )
        raise DtypeError(message)
    if penalty is not None and penalty.proximal:
        _check_proximal(penalty, optimizer)
    if augment is not None and (isinstance(augment, type) or not callable(augment)):
        message = (
            f"fit: augment is {augment!r:.60}, expected a function (X, y, rng) -> (X, y), "
            f"such as Rotate(10), or None.{instance_hint(augment)}"
        )
        raise DtypeError(message)


def _check_proximal(penalty: Penalty, optimizer: Optimizer) -> None:
    """Raise where the proximal step would lead to the minimum of something else."""
    kind = type(optimizer).__name__
    if optimizer.needs_objective:
        fault = f"{kind}, which asks for losses and gradients that know nothing of it"
    elif getattr(optimizer, "momentum", 0.0):
        fault = f"{kind} with momentum, with which its strength would be another"
    elif isinstance(optimizer, AdaGrad):
        fault = f"{kind}, whose steps become ever shorter while the threshold does not"
    elif isinstance(optimizer, Lion):
        fault = f"{kind}, whose steps do not grow with the gradient"
    else:
        return
    message = (
        f"fit: penalty is {penalty!r:.60} together with {fault}. Use SGD without momentum, or "
        "Adam for an approximation."
    )
    raise ArgumentError(message)


def check_last_batch(model: Sequential, X: Array, batch_size: int) -> None:
    """Raise if the last batch is a row alone that the model, in training, does not take."""
    n = len(X)
    alone = batch_size == 1 or n % batch_size == 1
    if not alone or not model.couples_rows:
        return
    trial = copy.deepcopy(model)  # forward may draw numbers and move statistics
    set_modes(trial._everything(), training_modes(model))
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            trial.forward(X[:1])
    except ShapeError as error:
        fitting = [size for size in range(2, n + 1) if n % size != 1]
        best = min(fitting, key=lambda size: abs(size - batch_size), default=None)
        mend = "Give it more rows." if best is None else f"Take another, such as {best}."
        message = (
            f"fit: X has {n} rows and batch_size is {batch_size}, which leaves a batch of one row, "
            f"and a layer normalizes over rows in training: {error} {mend}"
        )
        raise ShapeError(message) from error


def training_modes(model: Sequential) -> list[bool]:
    """Return which layers are in training while the model trains."""
    # A layer that was set to eval() within a model in training is frozen on purpose.
    return [layer.training or not model.training for layer in model._everything()]


def set_modes(layers: Iterable[Layer], modes: Sequence[bool]) -> None:
    """Set the mode of each layer."""
    for layer, mode in zip(layers, modes, strict=True):
        layer.training = mode


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
    with np.errstate(over="ignore"):  # too large for the dtype: said below
        inputs: Any = (
            as_whole_numbers(X, where) if model.takes_integers else as_array(X, model.dtype, where)
        )
    try:
        targets = np.asarray(y)
    except ValueError as error:
        message = f"fit: the rows of {kind}y differ in length, expected an array. Pad or drop rows."
        raise ShapeError(message) from error
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
        _check_range(X, inputs.dtype, where)
        bad = int(np.count_nonzero(~np.isfinite(inputs)))
        message = f"fit: {kind}X holds nan or infinity in {bad} places. Drop or fill those rows."
        raise ArgumentError(message)
    with np.errstate(over="ignore", invalid="ignore"):  # only the shape is looked at
        output = model.predict(inputs[:1])
    if targets.dtype.kind == "f":
        _check_range(targets, output.dtype, f"fit: {kind}y")
    return inputs, loss.check((len(inputs), *output.shape[1:]), targets, output.dtype)


def _check_range(values: ArrayLike, dtype: np.dtype[Any], where: str) -> None:
    """Raise if a finite number becomes infinite in this dtype."""
    array, largest = np.asarray(values), np.finfo(dtype).max
    if array.dtype.kind not in "fiu" or np.can_cast(array.dtype, dtype):
        return
    sizes = np.abs(array[np.isfinite(array)])
    if sizes.size and sizes.max() > largest:
        message = (
            f"{where} holds {sizes.max():.3g}, too large for {dtype}, expected at most "
            f"{largest:.3g}. Scale the data, or build the model with dtype=np.float64."
        )
        raise ArgumentError(message)


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
