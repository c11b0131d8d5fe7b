"""Doors through which labels and scores enter the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlib._array import Array, BoolArray, IntArray, as_exact_array
from nnlib.errors import ArgumentError, DtypeError, ShapeError

KINDS = {"U": "text", "S": "bytes"}
"""What labels are made of, by the kind of their array; all else are numbers."""


def label_pair(
    y_true: ArrayLike, y_pred: ArrayLike, where: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return true and predicted labels as arrays of the same shape (N,) that can be compared."""
    true, predicted = (
        _one_axis(values, name, where) for name, values in (("y_true", y_true), ("y_pred", y_pred))
    )
    if len(true) != len(predicted):
        message = (
            f"{where}: y_true has {len(true)} rows and y_pred {len(predicted)}, expected the same."
        )
        raise ShapeError(message)
    true, predicted = comparable({"y_true": true, "y_pred": predicted}, where)
    return true, predicted


def _one_axis(values: ArrayLike, name: str, where: str) -> NDArray[Any]:
    array = as_rows(values, name, where)
    if array.ndim != 1 or not array.size:
        hint = ""
        if array.ndim == 2 and array.shape[1] > 1:
            hint = " Rows of scores become labels by argmax(axis=1)."
        elif array.ndim == 2:
            hint = f" Drop the extra axis: {name}.reshape(-1)."
        message = f"{where}: {name} has shape {array.shape}, expected (N,), N ≥ 1.{hint}"
        raise ShapeError(message)
    return as_labels(array, name, where)


def as_rows(values: ArrayLike, name: str, where: str) -> NDArray[Any]:
    """Return values as an array, and those of a list as they are: a 1 beside an "a" stays a 1."""
    try:
        array = np.asarray(values)
        if array.dtype.kind in KINDS and array.ndim == 1 and not isinstance(values, np.ndarray):
            array = np.asarray(values, object)
    except ValueError as error:
        message = f"{where}: the rows of {name} differ in length, expected one label a row."
        raise ShapeError(message) from error
    return array


def as_labels(array: NDArray[Any], name: str, where: str) -> NDArray[Any]:
    """Return labels as text, bytes or integers; whole floats are integers, nan is no label."""
    if array.dtype.kind == "O":
        array = _of_one_kind(array, name, where)
    if array.dtype.kind == "f":
        if not ((array == np.floor(array)) & (abs(array) < 2.0**53)).all():
            missing = bool(np.isnan(array).any())
            advice = "Drop rows without a label." if missing else "Turn scores into labels first."
            message = (
                f"{where}: {name} holds {array.dtype} that are no labels"
                f"{', such as nan' if missing else ''}, expected classes. {advice}"
            )
            raise DtypeError(message)
        return array.astype(np.int64)
    if array.dtype.kind not in "iubUSO":
        message = (
            f"{where}: {name} holds {array.dtype} that are no labels, expected integers, truth "
            "values or text."
        )
        raise DtypeError(message)
    return array


def _of_one_kind(array: NDArray[Any], name: str, where: str) -> NDArray[Any]:
    """Return an array of objects, such as a column of text, by what they are."""
    types = set(map(type, array.tolist()))
    for kinds, dtype in (((str,), np.str_), ((bytes,), np.bytes_)):
        if all(issubclass(t, kinds) for t in types):
            return array.astype(dtype)
    if all(issubclass(t, int | float | np.integer | np.floating | np.bool_) for t in types):
        numbers = np.asarray(array.tolist())
        whole = all(issubclass(t, int | np.integer) for t in types)
        return array if whole and numbers.dtype.kind not in "iub" else numbers
    names = sorted(t.__name__ for t in types)
    message = (
        f"{where}: {name} holds {' and '.join(names)}, expected labels of one kind: integers, "
        "truth values or text. Drop or fill rows without a label."
    )
    raise DtypeError(message)


def comparable(labels: Mapping[str, NDArray[Any]], where: str) -> list[NDArray[Any]]:
    """Return labels of one kind in types between which no two of them become equal."""
    arrays = list(labels.values())
    if len({KINDS.get(array.dtype.kind, "numbers") for array in arrays}) > 1:
        given = " and ".join(f"{name} is {array.dtype}" for name, array in labels.items())
        some_bytes = any(array.dtype.kind == "S" for array in arrays)
        hint = " Bytes become text by np.char.decode." if some_bytes else ""
        message = f"{where}: {given}, expected the same kind of labels.{hint}"
        raise DtypeError(message)
    if np.result_type(*arrays).kind == "f":  # signed beside unsigned 64 bits, met in float64
        most = max(int(array.max()) for array in arrays if array.size)
        dtype = np.int64 if most <= np.iinfo(np.int64).max else object
        arrays = [array.astype(dtype) for array in arrays]
    return arrays


def check_positive(classes: NDArray[Any], positive: object, where: str) -> None:
    """Refuse a positive class that is none of two labels, or of another kind than the only one."""
    kind = "text" if isinstance(positive, str) else "numbers"
    kind = "bytes" if isinstance(positive, bytes) else kind
    alike = kind == KINDS.get(classes.dtype.kind, "numbers")
    if not alike or (len(classes) == 2 and positive not in classes.tolist()):
        message = (
            f"{where}: positive is {positive!r}, expected one of the labels {classes.tolist()}."
        )
        raise ArgumentError(message)


def yes_or_no(
    y_true: ArrayLike, scores: ArrayLike, positive: object, where: str, name: str = "scores"
) -> tuple[BoolArray, Array]:
    """Return whether each row is positive, and its score, both of shape (N,)."""
    true, values = as_rows(y_true, "y_true", where), as_exact_array(scores, f"{where}: {name}")
    if true.ndim != 1 or values.shape != true.shape or not true.size:
        message = (
            f"{where}: y_true has shape {true.shape} and {name} {values.shape}, expected (N,) "
            "both, N ≥ 1."
        )
        raise ShapeError(message)
    if not np.isfinite(values).all():
        message = f"{where}: {name} hold nan or infinity. Drop those rows."
        raise ArgumentError(message)
    true = as_labels(true, "y_true", where)
    classes = np.unique(true)
    if len(classes) > 2:
        message = f"{where}: y_true has {len(classes)} classes, expected two, such as 0 and 1."
        raise ArgumentError(message)
    check_positive(classes, positive, where)
    return true == positive, values


def class_rows(y_true: ArrayLike, rows: ArrayLike, where: str, name: str) -> tuple[IntArray, Array]:
    """Return labels from 0 to K − 1 of shape (N,), and values of shape (N, K)."""
    true, values = as_rows(y_true, "y_true", where), as_exact_array(rows, f"{where}: {name}")
    if values.ndim != 2 or true.shape != values.shape[:1] or not true.size or values.shape[1] < 2:
        message = (
            f"{where}: y_true has shape {true.shape} and {name} {values.shape}, expected (N,) and "
            "(N, K), N ≥ 1 and K ≥ 2; or (N,) both for two classes."
        )
        raise ShapeError(message)
    true = as_labels(true, "y_true", where)
    if true.dtype.kind not in "iub":
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
    return true.astype(np.intp, copy=False), values


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
