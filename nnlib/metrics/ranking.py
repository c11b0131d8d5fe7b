"""Metrics of scores: how well they rank, whatever the threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, BoolArray
from nnlib.errors import ArgumentError
from nnlib.metrics._labels import class_rows, yes_or_no


def roc_curve(
    y_true: ArrayLike, scores: ArrayLike, *, positive: Any = 1
) -> tuple[Array, Array, Array]:
    """Return the receiver operating characteristic: hits against false alarms by threshold.

    A row counts as positive if its score is at least the threshold. Lowering it step by step from
    infinity takes in row after row; rows of equal score come in together.

    Parameters
    ----------
    y_true : array_like of shape (N,)
        Labels of two classes.
    scores : array_like of shape (N,)
        Larger means more likely positive: logits or probabilities.
    positive : label, default 1
        Which label is positive.

    Returns
    -------
    false_positive_rate, true_positive_rate, thresholds : ndarray of shape (M,)
        From (0, 0) at infinity to (1, 1) at the smallest score.

    Raises
    ------
    ShapeError
        If labels and scores are not both of shape (N,).
    ArgumentError
        If there are not two classes, or scores are not finite.

    References
    ----------
    Fawcett (2006), Pattern Recognition Letters 27, 861-874.

    Examples
    --------
    >>> fpr, tpr, thresholds = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> fpr.tolist(), tpr.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    is_positive, values = yes_or_no(y_true, scores, positive, "roc_curve")
    hits, alarms, thresholds = _counts(is_positive, values, "roc_curve")
    return alarms / alarms[-1], hits / hits[-1], thresholds


def roc_auc(y_true: ArrayLike, scores: ArrayLike, *, positive: Any = 1) -> float:
    """Return the area under the ROC curve: how often a positive row scores above a negative one.

        AUC = P(s⁺ > s⁻) + ½ P(s⁺ = s⁻)

    over all pairs of a positive and a negative row; ties count half. With scores of shape (N, K)
    each class is compared with all others, and the mean over classes is returned.

    Parameters
    ----------
    y_true : array_like of shape (N,)
        Labels of two classes; or integers from 0 to K − 1, each present.
    scores : array_like of shape (N,) or (N, K)
        Larger means more likely.
    positive : label, default 1
        Which of two labels is positive. Not used with K columns.

    Returns
    -------
    auc : float
        From 0 to 1; ½ is guessing.

    Raises
    ------
    ShapeError
        If labels and scores do not fit each other.
    DtypeError
        If labels for K columns are not integers.
    ArgumentError
        If a class is missing, or scores are not finite.

    References
    ----------
    Hanley & McNeil (1982), Radiology 143, 29-36.

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])  # three of four pairs
    0.75
    >>> roc_auc([0, 1], [0.5, 0.5])
    0.5
    """
    if np.ndim(scores) != 2:
        is_positive, values = yes_or_no(y_true, scores, positive, "roc_auc")
        return _area(is_positive, values)
    labels, columns = class_rows(y_true, scores, "roc_auc", "scores")
    missing = sorted(set(range(columns.shape[1])) - set(labels.tolist()))
    if missing:
        message = (
            f"roc_auc: no row is of class {missing[0]}, expected some of each. Drop its column."
        )
        raise ArgumentError(message)
    areas = [_area(labels == k, columns[:, k]) for k in range(columns.shape[1])]
    return float(np.mean(areas))


def _area(is_positive: BoolArray, scores: Array) -> float:
    """Return the area under the curve by trapezoids, which count ties half."""
    hits, alarms, _ = _counts(is_positive, scores, "roc_auc")
    # Whole numbers up to here, so the area is exact.
    twice = np.sum(np.diff(alarms) * (hits[1:] + hits[:-1]))
    return float(twice / (2.0 * hits[-1] * alarms[-1]))


def _counts(is_positive: BoolArray, scores: Array, where: str) -> tuple[Array, Array, Array]:
    """Return true and false positives, cumulative, as the threshold falls."""
    if is_positive.all() or not is_positive.any():
        which = "positive" if is_positive.all() else "negative"
        message = f"{where}: all rows are {which}, expected some of both kinds."
        raise ArgumentError(message)
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    last_of_ties = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    hits = np.cumsum(is_positive[order])[last_of_ties]
    alarms = last_of_ties + 1 - hits
    return (
        np.append(0.0, hits),
        np.append(0.0, alarms),
        np.append(np.inf, falling[last_of_ties]),
    )
