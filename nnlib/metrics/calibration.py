"""Metrics of probabilities: what is given 70 % should happen in 70 % of cases."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, IntArray, check_count
from nnlib.metrics._labels import check_probabilities, class_rows, yes_or_no


def log_loss(y_true: ArrayLike, probabilities: ArrayLike, *, positive: Any = 1) -> float:
    """Return the mean surprise, −mean( ln p(true class) ), in nats.

    A probability of 0 for what happened would cost without end; probabilities are kept at least one
    rounding unit of their type away from 0 (and from 1, for two classes), as scikit-learn does.

    Parameters
    ----------
    y_true : array_like of shape (N,)
        Labels of two classes; or integers from 0 to K − 1.
    probabilities : array_like of shape (N,) or (N, K)
        Of the positive class; or of each class, adding up to 1.
    positive : label, default 1
        Which of two labels is positive. Not used with K columns.

    Returns
    -------
    log_loss : float
        0 for certainty that is right; ln K for an even guess.

    Raises
    ------
    ShapeError
        If labels and probabilities do not fit each other.
    DtypeError
        If labels for K columns are not integers.
    ArgumentError
        If they are no probabilities or no labels.

    References
    ----------
    Good (1952), Journal of the Royal Statistical Society B 14, 107-114.

    Examples
    --------
    >>> round(log_loss([1, 0], [0.5, 0.5]), 4)  # ln 2
    0.6931
    """
    if np.ndim(probabilities) == 2:
        labels, p = class_rows(y_true, probabilities, "log_loss", "probabilities")
        check_probabilities(p, "log_loss")
        own = p[np.arange(len(p)), labels]
    else:
        is_positive, p = yes_or_no(y_true, probabilities, positive, "log_loss", "probabilities")
        check_probabilities(p, "log_loss")
        own = np.where(is_positive, p, 1 - p)
    unit = np.finfo(p.dtype).eps
    return float(-np.mean(np.log(np.clip(own, unit, 1 - unit), dtype=np.float64)))


def calibration_curve(
    y_true: ArrayLike, probabilities: ArrayLike, *, n_bins: int = 10, positive: Any = 1
) -> tuple[Array, Array, IntArray]:
    """Compare predicted probabilities with what happened, bin by bin.

    The bins [0, 1/B], (1/B, 2/B], …, (1 − 1/B, 1] are equally wide; empty ones are left out.

    Parameters
    ----------
    y_true : array_like of shape (N,)
        Labels of two classes.
    probabilities : array_like of shape (N,)
        Of the positive class.
    n_bins : int, default 10
        B.
    positive : label, default 1
        Which label is positive.

    Returns
    -------
    happened, predicted : ndarray of shape (M,)
        Share of positive rows and mean probability in each bin; equal if perfectly calibrated.
    counts : ndarray of int of shape (M,)
        Rows in each bin.

    Raises
    ------
    ShapeError
        If labels and probabilities are not both of shape (N,).
    ArgumentError
        If they are no probabilities or no labels.

    References
    ----------
    DeGroot & Fienberg (1983), The Statistician 32, 12-22.

    Examples
    --------
    >>> happened, predicted, counts = calibration_curve([0, 1, 1], [0.2, 0.4, 0.9], n_bins=2)
    >>> happened, predicted.round(2), counts
    (array([0.5, 1. ]), array([0.3, 0.9]), array([2, 1]))
    """
    where = "calibration_curve"
    n_bins = check_count(n_bins, "n_bins", where)
    is_positive, p = yes_or_no(y_true, probabilities, positive, where, "probabilities")
    check_probabilities(p, where)
    return _binned(is_positive.astype(np.float64), p, n_bins)


def expected_calibration_error(
    y_true: ArrayLike, probabilities: ArrayLike, *, n_bins: int = 10, positive: Any = 1
) -> float:
    """Return how far probabilities are from what happened, on average over bins.

        ECE = Σ_b (n_b / N) · | share of b that happened − mean probability in b |

    For K classes, the probability is that of the predicted class, and what may happen is that the
    prediction is right.

    Parameters
    ----------
    y_true : array_like of shape (N,)
        Labels of two classes; or integers from 0 to K − 1.
    probabilities : array_like of shape (N,) or (N, K)
        Of the positive class; or of each class, adding up to 1.
    n_bins : int, default 10
        Number of equally wide bins. More bins find more error, part of it chance.
    positive : label, default 1
        Which of two labels is positive. Not used with K columns.

    Returns
    -------
    error : float
        From 0 to 1.

    Raises
    ------
    ShapeError
        If labels and probabilities do not fit each other.
    DtypeError
        If labels for K columns are not integers.
    ArgumentError
        If they are no probabilities or no labels.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger (2017), ICML, 1321-1330.

    Examples
    --------
    >>> round(expected_calibration_error([0, 1, 1], [0.2, 0.4, 0.9], n_bins=2), 4)
    0.1667
    """
    where = "expected_calibration_error"
    n_bins = check_count(n_bins, "n_bins", where)
    if np.ndim(probabilities) == 2:
        labels, rows = class_rows(y_true, probabilities, where, "probabilities")
        check_probabilities(rows, where)
        happens: Array = (rows.argmax(axis=1) == labels).astype(np.float64)
        p: Array = rows.max(axis=1)
    else:
        is_positive, p = yes_or_no(y_true, probabilities, positive, where, "probabilities")
        check_probabilities(p, where)
        happens = is_positive.astype(np.float64)
    happened, predicted, counts = _binned(happens, p, n_bins)
    return float(np.sum(counts * np.abs(happened - predicted)) / len(p))


def _binned(happens: Array, p: Array, n_bins: int) -> tuple[Array, Array, IntArray]:
    """Return the means of both, and the rows, of each bin that has any."""
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    place = np.searchsorted(edges[1:-1], p)
    counts = np.bincount(place, minlength=n_bins)
    used = counts > 0
    sums = (np.bincount(place, weights=values, minlength=n_bins) for values in (happens, p))
    happened, predicted = (total[used] / counts[used] for total in sums)
    return happened, predicted, counts[used]
