"""Doors through which labels and scores enter the metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlib._array import Array, BoolArray, IntArray, as_array
from nnlib.errors import ArgumentError, DtypeError, ShapeError


def label_pair(
    y_true: ArrayLike, y_pred: ArrayLike, where: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return true and predicted labels as arrays of the same shape (N,)."""
    true, predicted = np.asarray(y_true), np.asarray(y_pred)
    for name, array in (("y_true", true), ("y_pred", predicted)):
        if array.ndim != 1 or not array.size:
            hint = ""
            if array.ndim == 2 and array.shape[1] > 1:
                hint = " Rows of scores become labels by argmax(axis=1)."
            elif array.ndim == 2:
                hint = f" Drop the extra axis: {name}.reshape(-1)."
            message = f"{where}: {name} has shape {array.shape}, expected (N,), N ≥ 1.{hint}"
            raise ShapeError(message)
        is_whole = array.dtype.kind == "f" and bool((array == np.floor(array)).all())
        if array.dtype.kind not in "iubUSO" and not is_whole:
            message = (
                f"{where}: {name} holds {array.dtype} that are no labels, expected classes. "
                "Turn scores into labels first."
            )
            raise DtypeError(message)
    if len(true) != len(predicted):
        message = (
            f"{where}: y_true has {len(true)} rows and y_pred {len(predicted)}, expected the same."
        )
        raise ShapeError(message)
    if (true.dtype.kind in "US") != (predicted.dtype.kind in "US"):
        message = (
            f"{where}: y_true is {true.dtype} and y_pred is {predicted.dtype}, expected the same "
            "kind of labels."
        )
        raise DtypeError(message)
    return true, predicted


def yes_or_no(
    y_true: ArrayLike, scores: ArrayLike, positive: object, where: str, name: str = "scores"
) -> tuple[BoolArray, Array]:
    """Return whether each row is positive, and its score, both of shape (N,)."""
    true, values = np.asarray(y_true), as_array(scores, None, f"{where}: {name}")
    if true.ndim != 1 or values.shape != true.shape or not true.size:
        message = (
            f"{where}: y_true has shape {true.shape} and {name} {values.shape}, expected (N,) "
            "both, N ≥ 1."
        )
        raise ShapeError(message)
    if not np.isfinite(values).all():
        message = f"{where}: {name} hold nan or infinity. Drop those rows."
        raise ArgumentError(message)
    classes = np.unique(true)
    if len(classes) > 2:
        message = f"{where}: y_true has {len(classes)} classes, expected two, such as 0 and 1."
        raise ArgumentError(message)
    if len(classes) == 2 and positive not in classes.tolist():
        message = (
            f"{where}: positive is {positive!r}, expected one of the labels {classes.tolist()}."
        )
        raise ArgumentError(message)
    return true == positive, values


def class_rows(y_true: ArrayLike, rows: ArrayLike, where: str, name: str) -> tuple[IntArray, Array]:
    """Return labels from 0 to K − 1 of shape (N,), and values of shape (N, K)."""
    true, values = np.asarray(y_true), as_array(rows, None, f"{where}: {name}")
    if values.ndim != 2 or true.shape != values.shape[:1] or not true.size or values.shape[1] < 2:
        message = (
            f"{where}: y_true has shape {true.shape} and {name} {values.shape}, expected (N,) and "
            "(N, K), N ≥ 1 and K ≥ 2; or (N,) both for two classes."
        )
        raise ShapeError(message)
    if true.dtype.kind not in "iu":
        message = f"{where}: y_true is {true.dtype}, expected integer labels from 0 to K - 1."
        raise DtypeError(message)
    if true.min() < 0 or true.max() >= values.shape[1]:
        message = (
            f"{where}: labels run from {true.min()} to {true.max()}, expected 0 to "
            f"{values.shape[1] - 1} for {values.shape[1]} columns."
        )
        raise ArgumentError(message)
    if not np.isfinite(values).all():
        message = f"{where}: {name} hold nan or infinity. Drop those rows."
        raise ArgumentError(message)
    return true, values


def check_probabilities(p: Array, where: str) -> None:
    """Refuse numbers outside [0, 1], and rows that do not add up to 1."""
    if p.min() < 0 or p.max() > 1:
        message = (
            f"{where}: probabilities run from {p.min():g} to {p.max():g}, expected 0 to 1. "
            "Apply softmax or sigmoid to logits first."
        )
        raise ArgumentError(message)
    if p.ndim == 2 and abs(p.sum(axis=1) - 1).max() > 1e-3:
        message = f"{where}: rows of probabilities do not add up to 1. Divide each by its sum."
        raise ArgumentError(message)
