"""Metrics of scores and probabilities against scikit-learn, by brute force and by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn
from sklearn.calibration import calibration_curve as sklearn_calibration_curve

from nnlib import ArgumentError, DtypeError, ShapeError
from nnlib.metrics import (
    calibration_curve,
    expected_calibration_error,
    log_loss,
    roc_auc,
    roc_curve,
)

quick = settings(deadline=None, max_examples=30)
SAME = 1e-12  # relative; sums of a few dozen numbers in float64

scored = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-3, 3).map(lambda i: i / 4)), min_size=2, max_size=30
)
judged = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 20).map(lambda i: i / 20)), min_size=2, max_size=40
)
sizes = st.tuples(st.integers(2, 5), st.integers(6, 30), st.integers(0, 2**32 - 1))


def split(rows: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    true, scores = np.array([a for a, _ in rows]), np.array([b for _, b in rows])
    assume(0 < true.sum() < len(true))
    return true, scores


def many_classes(size: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    k, n, seed = size
    rng = np.random.default_rng(seed)
    return rng.permutation(np.arange(n) % k), rng.dirichlet(np.ones(k), n).round(2) + 1e-3


@given(rows=scored)
@quick
def test_roc_curve_and_area_equal_those_of_scikit_learn(rows):
    true, scores = split(rows)

    got = roc_curve(true, scores)

    for ours, theirs in zip(
        got, sklearn.roc_curve(true, scores, drop_intermediate=False), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=SAME)
    assert roc_auc(true, scores) == pytest.approx(sklearn.roc_auc_score(true, scores), rel=SAME)


@given(rows=scored)
@quick
def test_area_counts_pairs_and_ties_half(rows):
    true, scores = split(rows)
    pairs = scores[true == 1][:, np.newaxis] - scores[true == 0]

    expected = ((pairs > 0) + 0.5 * (pairs == 0)).mean()

    assert roc_auc(true, scores) == pytest.approx(expected, rel=SAME)
    assert roc_auc(true, -scores) == pytest.approx(1 - expected, rel=SAME, abs=SAME)
    assert roc_auc(1 - true, scores, positive=0) == pytest.approx(expected, rel=SAME)


@given(size=sizes)
@quick
def test_areas_of_many_classes_are_averaged(size):
    labels, p = many_classes(size)
    k = p.shape[1]
    expected = np.mean([sklearn.roc_auc_score(labels == c, p[:, c]) for c in range(k)])

    assert roc_auc(labels, p) == pytest.approx(expected, rel=SAME)
    if k > 2:
        p /= p.sum(axis=1, keepdims=True)
        theirs = sklearn.roc_auc_score(labels, p, multi_class="ovr", average="macro")
        assert roc_auc(labels, p) == pytest.approx(theirs, rel=SAME)


@given(rows=judged)
@quick
def test_log_loss_of_two_classes_equals_that_of_scikit_learn(rows):
    true, p = split(rows)

    expected = sklearn.log_loss(true, p)

    assert log_loss(true, p) == pytest.approx(expected, rel=SAME)
    assert log_loss(1 - true, p, positive=0) == pytest.approx(expected, rel=SAME)


@given(size=sizes)
@quick
def test_log_loss_of_many_classes_equals_that_of_scikit_learn(size):
    labels, p = many_classes(size)
    p /= p.sum(axis=1, keepdims=True)

    assert log_loss(labels, p) == pytest.approx(sklearn.log_loss(labels, p), rel=SAME)


@given(rows=judged, n_bins=st.integers(1, 12))
@quick
def test_calibration_curve_equals_that_of_scikit_learn(rows, n_bins):
    true, p = split(rows)

    happened, predicted, counts = calibration_curve(true, p, n_bins=n_bins)

    theirs = sklearn_calibration_curve(true, p, n_bins=n_bins)
    np.testing.assert_allclose(happened, theirs[0], rtol=SAME)
    np.testing.assert_allclose(predicted, theirs[1], rtol=SAME, atol=1e-15)
    assert counts.sum() == len(true)


@given(size=sizes, n_bins=st.integers(1, 12))
@quick
def test_calibration_error_is_a_sum_over_bins(size, n_bins):
    labels, p = many_classes(size)
    p /= p.sum(axis=1, keepdims=True)
    top, right = p.max(axis=1), p.argmax(axis=1) == labels
    expected, edges = 0.0, np.linspace(0, 1, n_bins + 1)
    for low, high in pairwise(edges):
        inside = (top > low) & (top <= high)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - top[inside].mean())

    assert expected_calibration_error(labels, p, n_bins=n_bins) == pytest.approx(expected, rel=1e-9)


def test_calibration_error_by_hand():
    error = expected_calibration_error([1, 0, 1, 1], [0.9, 0.8, 0.3, 0.1], n_bins=2)

    # upper bin: half happened, 0.85 predicted; lower bin: all happened, 0.2 predicted
    assert error == pytest.approx(0.5 * 0.35 + 0.5 * 0.8)


def test_certainty_that_is_wrong_costs_a_finite_amount():
    assert log_loss([1], [0.0]) == pytest.approx(-np.log(np.finfo(float).eps))
    assert log_loss([0, 1], np.eye(2)) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    "metric", [roc_auc, roc_curve, log_loss, calibration_curve, expected_calibration_error]
)
@pytest.mark.parametrize(
    ("true", "values", "error", "message"),
    [
        ([0, 1], [0.5], ShapeError, r"expected \(N,\)"),
        ([0, 1], [0.5, np.nan], ArgumentError, "nan or infinity"),
        ([0, 1, 2], [0.1, 0.2, 0.3], ArgumentError, "y_true has 3 classes, expected two"),
        ([0, np.nan], [0.1, 0.2], DtypeError, "y_true holds float64 .* such as nan, expected"),
        ([0, None], [0.1, 0.2], DtypeError, "y_true holds NoneType and int, expected labels"),
        ([[0], [0, 1]], [0.1, 0.2], ShapeError, "the rows of y_true differ in length"),
        (["yes"] * 2, [0.9] * 2, ArgumentError, r"positive is 1, expected .* \['yes'\]"),
        ([b"1"] * 2, [0.9] * 2, ArgumentError, r"positive is 1, expected .* \[b'1'\]"),
        ([2, 3], [0.1, 0.2], ArgumentError, r"positive is 1, expected one of the labels \[2, 3\]"),
        ([0, 1], ["a", "b"], DtypeError, "expected real numbers"),
    ],
)  # fmt: skip
def test_scores_that_do_not_fit_are_named(metric, true, values, error, message):
    with pytest.raises(error, match=message):
        metric(true, values)


@pytest.mark.parametrize("metric", [roc_auc, log_loss, expected_calibration_error])
@pytest.mark.parametrize(
    ("true", "values", "error", "message"),
    [
        ([0, 1, 0], [[0.5, 0.5]], ShapeError, r"\(N, K\)"),
        (["a", "b"], [[0.5, 0.5], [0.5, 0.5]], DtypeError, "integer labels from 0 to K - 1"),
        ([0.5, 1.0], [[0.5, 0.5], [0.5, 0.5]], DtypeError, "that are no labels"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], ArgumentError, "labels run from 0 to 2, expected 0 to"),
        ([0, 1], [[0.5, 0.5], [np.inf, 0.5]], ArgumentError, "nan or infinity"),
    ],
)
def test_rows_of_scores_that_do_not_fit_are_named(metric, true, values, error, message):
    with pytest.raises(error, match=message):
        metric(true, values)


@pytest.mark.parametrize("scores", [[2**24, 2**24 + 1], np.array([2**24, 2**24 + 1], np.uint32)])
def test_integer_scores_that_float32_would_merge_stay_apart(scores):
    assert roc_auc([0, 1], scores) == 1
    assert roc_auc([0, 1], np.stack([scores[::-1], scores], axis=1)) == 1
    assert roc_curve([0, 1], scores)[2].tolist() == [np.inf, 2**24 + 1, 2**24]


def test_labels_of_text_bytes_and_whole_floats_are_taken():
    p, rows = [0.2, 0.9], np.array([[0.8, 0.2], [0.1, 0.9]])
    expected = log_loss([0, 1], p)

    for true, positive in (
        (["no", "yes"], "yes"), (np.array(["no", "yes"], object), "yes"), ([b"n", b"y"], b"y"),
        ([0.0, 1.0], 1), ([False, True], True), (np.array([0, 1], object), 1),
    ):  # fmt: skip
        assert log_loss(true, p, positive=positive) == expected
    for true in ([0.0, 1.0], [False, True], np.array([0, 1], object)):
        assert log_loss(true, rows) == pytest.approx(expected, rel=SAME)
    assert log_loss(["yes", "yes"], [0.9, 0.9], positive="yes") == pytest.approx(-np.log(0.9))
    assert log_loss(["no", "no"], [0.1, 0.1], positive="yes") == pytest.approx(-np.log(0.9))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_keep_one_rounding_unit_of_their_type_from_the_ends(dtype):
    unit = float(np.finfo(dtype).eps)
    certain = np.array([0, 1], dtype)

    # Right, it costs −ln(1 − ε), and wrong −ln ε; the logarithm of float64 is exact to 1e-15.
    assert log_loss([0, 1], certain) == pytest.approx(-np.log1p(-unit), rel=1e-6)
    assert log_loss([1, 0], certain) == pytest.approx(-np.log(unit), rel=1e-6)
    assert log_loss([0, 1], np.eye(2, dtype=dtype)) == pytest.approx(-np.log1p(-unit), rel=1e-6)
    assert log_loss([0, 1], certain) == pytest.approx(sklearn.log_loss([0, 1], certain), rel=1e-6)


def test_a_curve_needs_both_kinds_of_rows():
    with pytest.raises(ArgumentError, match="all rows are positive"):
        roc_auc([1, 1], [0.1, 0.2])
    with pytest.raises(ArgumentError, match="all rows are negative"):
        roc_curve([0, 0], [0.1, 0.2])
    with pytest.raises(ArgumentError, match="no row is of class 2"):
        roc_auc([0, 1], np.full((2, 3), 1 / 3))


@pytest.mark.parametrize("metric", [log_loss, expected_calibration_error])
def test_probabilities_are_from_zero_to_one_and_add_up(metric):
    with pytest.raises(ArgumentError, match=r"probabilities run from -1 to 2, expected 0 to 1"):
        metric([0, 1], [-1.0, 2.0])
    with pytest.raises(ArgumentError, match="do not add up to 1"):
        metric([0, 1], [[0.5, 0.4], [0.5, 0.5]])
    with pytest.raises(ArgumentError, match="Apply softmax or sigmoid"):
        calibration_curve([0, 1], [0.5, 1.5])


def test_bins_are_counted():
    with pytest.raises(ArgumentError, match="n_bins is 0"):
        calibration_curve([0, 1], [0.5, 0.5], n_bins=0)
