"""Metrics of labels: accuracy, the confusion matrix, and what it holds for each class.

For one class, tp are its rows that were found, fn those that were missed, and fp the rows of other
classes that were taken for it:

    precision = tp / (tp + fp)      recall = tp / (tp + fn)      F1 = 2 tp / (2 tp + fp + fn)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlib._array import Array, IntArray
from nnlib.errors import ArgumentError
from nnlib.metrics._labels import as_labels, as_rows, check_positive, comparable, label_pair

AVERAGES = ("macro", "micro", "weighted", "binary", None)


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the share of rows whose label was predicted.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (N,)
        True and predicted labels.

    Returns
    -------
    accuracy : float
        From 0 to 1.

    Raises
    ------
    ShapeError
        If they are not both of shape (N,).
    DtypeError
        If they are not labels.

    Examples
    --------
    >>> accuracy([0, 1, 2, 2], [0, 1, 1, 2])
    0.75
    """
    true, predicted = label_pair(y_true, y_pred, "accuracy")
    return float(np.count_nonzero(true == predicted)) / len(true)


def confusion_matrix(
    y_true: ArrayLike, y_pred: ArrayLike, *, labels: ArrayLike | None = None
) -> IntArray:
    """Count how often each class was taken for each: rows are true, columns predicted.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (N,)
        True and predicted labels.
    labels : array_like of shape (K,), optional
        The classes in their order; by default all that occur, sorted. Rows of other classes are
        left out.

    Returns
    -------
    C : ndarray of int of shape (K, K)
        C[i, j] rows of class i were taken for class j.

    Raises
    ------
    ShapeError
        If the labels are not all of shape (N,).
    DtypeError
        If they are not labels.
    ArgumentError
        If ``labels`` names a class twice, or none that is true.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 1, 1], [0, 1, 1, 1, 0])
    array([[1, 1],
           [1, 2]])
    """
    true, predicted = label_pair(y_true, y_pred, "confusion_matrix")
    if labels is None:
        return _confusion(true, predicted, np.unique(np.concatenate([true, predicted])))
    classes = as_rows(labels, "labels", "confusion_matrix")
    if classes.ndim == 1:
        classes = as_labels(classes, "labels", "confusion_matrix")
        true, predicted, classes = comparable(
            {"y_true": true, "y_pred": predicted, "labels": classes}, "confusion_matrix"
        )
    if classes.ndim != 1 or len(np.unique(classes)) != len(classes):
        message = f"confusion_matrix: labels are {labels!r:.60}, expected each class once."
        raise ArgumentError(message)
    if not np.isin(classes, true).any():
        message = f"confusion_matrix: none of the labels {labels!r:.60} is in y_true."
        raise ArgumentError(message)
    return _confusion(true, predicted, classes)


def precision(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    average: str | None = "macro",
    positive: Any = 1,
    zero_division: float = 0.0,
) -> float | Array:
    """Return tp / (tp + fp): of the rows taken for a class, the share that is of it.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (N,)
        True and predicted labels.
    average : {"macro", "micro", "weighted", "binary", None}
        How classes become one number. Macro: their mean. Micro: tp, fp and fn are added up first.
        Weighted: their mean, weighted by the number of true rows. Binary: that of ``positive``
        alone. None: no mean, one number for each class in sorted order.
    positive : label, default 1
        The class that ``"binary"`` looks at.
    zero_division : float, default 0
        What stands for 0/0, where a class was never predicted. With nan it is left out of means.

    Returns
    -------
    precision : float, or ndarray of shape (K,) if ``average`` is None
        From 0 to 1.

    Raises
    ------
    ShapeError
        If the labels are not both of shape (N,).
    DtypeError
        If they are not labels.
    ArgumentError
        If ``average`` is unknown, or does not fit the number of classes.

    Examples
    --------
    >>> precision([1, 1, 0, 0], [1, 0, 1, 1], average="binary")  # one of three
    0.3333333333333333
    >>> precision([0, 0, 1, 2], [0, 1, 1, 2], average=None)
    array([1. , 0.5, 1. ])
    """
    return _averaged("precision", y_true, y_pred, average, positive, zero_division)


def recall(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    average: str | None = "macro",
    positive: Any = 1,
    zero_division: float = 0.0,
) -> float | Array:
    """Return tp / (tp + fn): of the rows of a class, the share that was found.

    The macro average is also called balanced accuracy, if no class is predicted that never occurs.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (N,)
        True and predicted labels.
    average, positive
        As in ``precision``.
    zero_division : float, default 0
        What stands for 0/0, where a class never occurs. With nan it is left out of means.

    Returns
    -------
    recall : float, or ndarray of shape (K,) if ``average`` is None
        From 0 to 1.

    Raises
    ------
    ShapeError
        If the labels are not both of shape (N,).
    DtypeError
        If they are not labels.
    ArgumentError
        If ``average`` is unknown, or does not fit the number of classes.

    Examples
    --------
    >>> recall([1, 1, 0, 0], [1, 0, 1, 1], average="binary")  # one of two
    0.5
    """
    return _averaged("recall", y_true, y_pred, average, positive, zero_division)


def f1(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    average: str | None = "macro",
    positive: Any = 1,
    zero_division: float = 0.0,
) -> float | Array:
    """Return 2 tp / (2 tp + fp + fn), the harmonic mean of precision and recall.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (N,)
        True and predicted labels.
    average, positive
        As in ``precision``.
    zero_division : float, default 0
        What stands for 0/0, where a class neither occurs nor is predicted.

    Returns
    -------
    f1 : float, or ndarray of shape (K,) if ``average`` is None
        From 0 to 1.

    Raises
    ------
    ShapeError
        If the labels are not both of shape (N,).
    DtypeError
        If they are not labels.
    ArgumentError
        If ``average`` is unknown, or does not fit the number of classes.

    References
    ----------
    van Rijsbergen (1979), Information Retrieval, 2nd edition, chapter 7.

    Examples
    --------
    >>> f1([1, 1, 0, 0], [1, 0, 1, 1], average="binary")  # 2 / (2 + 2 + 1)
    0.4
    """
    return _averaged("f1", y_true, y_pred, average, positive, zero_division)


def _averaged(
    name: str,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    average: str | None,
    positive: object,
    zero_division: float,
) -> float | Array:
    """Return one of the three quotients, averaged over classes as wanted."""
    true, predicted = label_pair(y_true, y_pred, name)
    if average not in AVERAGES:
        message = f"{name}: average is {average!r}, expected one of {AVERAGES}."
        raise ArgumentError(message)
    zero_division = _checked_stand_in(zero_division, name)
    classes = np.unique(np.concatenate([true, predicted]))
    matrix = _confusion(true, predicted, classes)
    tp = matrix.diagonal()
    support, taken = matrix.sum(axis=1), matrix.sum(axis=0)
    if average == "binary":
        chosen = _positive_class(name, classes, positive)
        tp, support, taken = tp[chosen], support[chosen], taken[chosen]
    elif average == "micro":
        tp, support, taken = (np.array([counts.sum()]) for counts in (tp, support, taken))
    above, below = {
        "precision": (tp, taken),
        "recall": (tp, support),
        "f1": (2 * tp, support + taken),
    }[name]
    values: Array = np.full(len(tp), zero_division)
    np.divide(above, below, out=values, where=below > 0)
    if average is None:
        return values
    if average in {"binary", "micro"}:
        return float(values[0]) if len(values) else zero_division
    counted = ~np.isnan(values)
    if not counted.any():
        return float("nan")
    weighted = average == "weighted" and support[counted].any()
    return float(np.average(values[counted], weights=support[counted] if weighted else None))


def _positive_class(name: str, classes: NDArray[Any], positive: object) -> NDArray[np.intp]:
    """Return where the positive class stands among at most two; nowhere if it never occurs."""
    if len(classes) > 2:
        message = (
            f"{name}: there are {len(classes)} classes, expected two for average='binary'. "
            "Use 'macro', 'micro' or 'weighted'."
        )
        raise ArgumentError(message)
    check_positive(classes, positive, name)
    return np.flatnonzero(classes == positive)


def _checked_stand_in(value: object, name: str) -> float:
    """Return what stands for 0/0 as a float from 0 to 1, or nan."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool | complex):
        number = float(value)
        if np.isnan(number) or 0 <= number <= 1:
            return number
    message = f"{name}: zero_division is {value!r}, expected a number from 0 to 1, or nan."
    raise ArgumentError(message)


def _confusion(true: NDArray[Any], predicted: NDArray[Any], classes: NDArray[Any]) -> IntArray:
    """Count pairs of the given classes."""
    n = len(classes)
    order = np.argsort(classes)
    sorted_classes = classes[order]
    codes = []
    for labels in (true, predicted):
        place = np.minimum(np.searchsorted(sorted_classes, labels), n - 1)
        codes.append(np.where(sorted_classes[place] == labels, order[place], -1))
    known = (codes[0] >= 0) & (codes[1] >= 0)
    pairs = codes[0][known] * n + codes[1][known]
    counts: IntArray = np.bincount(pairs, minlength=n * n).reshape(n, n)
    return counts
