"""Metrics of labels against scikit-learn, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from nnlib import ArgumentError, DtypeError, ShapeError
from nnlib.metrics import accuracy, confusion_matrix, f1, precision, recall
from tests.nnlib.metrics.cases import CASES, MetricCase

every_metric = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
quick = settings(deadline=None, max_examples=25)

pairs = st.integers(1, 6).flatmap(
    lambda k: st.lists(st.tuples(st.integers(0, k), st.integers(0, k)), min_size=1, max_size=30)
)
binary_pairs = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=20)

SAME = 1e-13  # relative; both sides divide whole numbers in float64


def split(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([a for a, _ in rows]), np.array([b for _, b in rows])


@every_metric
@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
@pytest.mark.parametrize("zero_division", [0.0, 1.0, np.nan])
@given(rows=pairs)
@quick
def test_averages_equal_those_of_scikit_learn(case: MetricCase, average, zero_division, rows):
    true, predicted = split(rows)

    got = case.ours(true, predicted, average=average, zero_division=zero_division)
    expected = case.theirs(true, predicted, average=average, zero_division=zero_division)

    np.testing.assert_allclose(got, expected, rtol=SAME)


@every_metric
@given(rows=binary_pairs, positive=st.integers(0, 1))
@quick
def test_binary_looks_at_one_class(case: MetricCase, rows, positive):
    true, predicted = split(rows)
    expected = case.theirs(true, predicted, labels=[positive], average="macro", zero_division=0.0)

    got = case.ours(true, predicted, average="binary", positive=positive)

    assert type(got) is float
    assert got == pytest.approx(expected, rel=SAME)


@given(rows=pairs)
@quick
def test_accuracy_and_confusion_equal_those_of_scikit_learn(rows):
    true, predicted = split(rows)
    assume(len(np.unique([true, predicted])) > 1)  # of a single class scikit-learn warns

    assert accuracy(true, predicted) == sklearn.accuracy_score(true, predicted)
    np.testing.assert_array_equal(
        confusion_matrix(true, predicted), sklearn.confusion_matrix(true, predicted)
    )


@given(rows=pairs, order=st.permutations([0, 1, 9]))
@quick
def test_confusion_keeps_the_order_of_labels_and_leaves_others_out(rows, order):
    true, predicted = split(rows)
    if not np.isin(order, true).any():
        with pytest.raises(ArgumentError, match="none of the labels"):
            confusion_matrix(true, predicted, labels=order)
        return

    got = confusion_matrix(true, predicted, labels=order)

    np.testing.assert_array_equal(got, sklearn.confusion_matrix(true, predicted, labels=order))


def test_confusion_by_hand_has_true_classes_in_rows():
    C = confusion_matrix(["cat", "cat", "dog"], ["cat", "dog", "dog"])

    np.testing.assert_array_equal(C, [[1, 1], [0, 1]])  # one cat was taken for a dog


def test_macro_counts_classes_and_micro_counts_rows():
    true, predicted = [0] * 8 + [1] * 2, [0] * 10

    assert recall(true, predicted, average="macro") == pytest.approx(0.5)
    assert recall(true, predicted, average="micro") == pytest.approx(0.8)
    assert precision(true, predicted, average="binary") == pytest.approx(0)  # never predicted
    assert np.isnan(precision(true, predicted, average="binary", zero_division=np.nan))


def test_a_positive_class_that_never_occurs_is_a_zero_division():
    assert f1([0, 0], [0, 0], average="binary", zero_division=0.25) == pytest.approx(0.25)


@every_metric
def test_wrong_averages_are_named(case: MetricCase):
    with pytest.raises(ArgumentError, match=f"{case.name}: average is 'mean', expected one of"):
        case.ours([0, 1], [0, 1], average="mean")
    with pytest.raises(ArgumentError, match="there are 3 classes, expected two"):
        case.ours([0, 1, 2], [0, 1, 2], average="binary")
    with pytest.raises(ArgumentError, match=r"positive is 5, expected one of the labels \[0, 1\]"):
        case.ours([0, 1], [0, 1], average="binary", positive=5)


@pytest.mark.parametrize("metric", [accuracy, confusion_matrix, precision, recall, f1])
@pytest.mark.parametrize(
    ("true", "predicted", "error", "message"),
    [
        ([0, 1], [[0.1, 0.9], [0.8, 0.2]], ShapeError, r"argmax\(axis=1\)"),
        ([[0], [1]], [0, 1], ShapeError, r"y_true.reshape\(-1\)"),
        ([0, 1], [0, 1, 1], ShapeError, "y_true has 2 rows and y_pred 3"),
        ([], [], ShapeError, "N ≥ 1"),
        ([0, 1], [0.2, 0.7], DtypeError, "Turn scores into labels"),
        ([0, 1], ["a", "b"], DtypeError, "the same kind of labels"),
        ([b"a", b"b"], ["a", "b"], DtypeError, "Bytes become text by np.char.decode"),
        (np.array([1, "a"], object), [1, 2], DtypeError, "y_true holds int and str, expected"),
        ([1, "a"], ["1", "a"], DtypeError, "y_true holds int and str, expected labels of one kind"),
        (["a", "b"], np.array(["a", None], object), DtypeError, "y_pred holds NoneType and str"),
        ([0, 1], [0, np.nan], DtypeError, "such as nan, expected classes. Drop rows without"),
        ([0, 1], [0, np.inf], DtypeError, "that are no labels"),
        ([0, 1], np.array([0.5, 1], object), DtypeError, "that are no labels"),
        ([0, 1], [0j, 1], DtypeError, "that are no labels, expected integers"),
        ([[0], [0, 1]], [0, 1], ShapeError, "the rows of y_true differ in length"),
    ],
)
def test_labels_that_do_not_fit_are_named(metric, true, predicted, error, message):
    with pytest.raises(error, match=message):
        metric(true, predicted)


def test_labels_may_be_whole_floats():
    assert accuracy([0.0, 1.0], [0, 1]) == pytest.approx(1)


@pytest.mark.parametrize(
    "words", [np.array(["b", "a", "b"], object), ["b", "a", "b"], np.array(["b", "a", "b"])]
)
def test_columns_of_text_are_labels_like_other_text(words):
    other = ["b", "a", "a"]

    assert accuracy(words, other) == pytest.approx(2 / 3)
    np.testing.assert_array_equal(confusion_matrix(words, other), [[1, 0], [1, 1]])
    np.testing.assert_array_equal(
        confusion_matrix(words, other, labels=np.array(["b", "a"], object)), [[1, 1], [0, 1]]
    )


def test_large_unsigned_and_negative_labels_stay_apart():
    large = np.array([2**63, 2**63 + 1, 5], np.uint64)
    signed = np.array([-1, 2**62, 5])

    got = confusion_matrix(large, signed)

    expected = np.zeros((5, 5), int)  # -1, 5, 2⁶², 2⁶³, 2⁶³ + 1
    expected[3, 0] = expected[4, 2] = expected[1, 1] = 1
    np.testing.assert_array_equal(got, expected)
    assert accuracy(large, signed) == pytest.approx(1 / 3)
    small = large % np.uint64(7)
    np.testing.assert_array_equal(
        confusion_matrix(small, signed), confusion_matrix(small.astype(int), signed)
    )
    ids = np.array([2**70, 2**70 + 1], object)
    np.testing.assert_array_equal(confusion_matrix(ids, ids), np.eye(2))


@every_metric
@pytest.mark.parametrize("value", ["warn", None, 2.0, -1, True])
def test_what_stands_for_zero_by_zero_is_a_number(case: MetricCase, value):
    with pytest.raises(ArgumentError, match=f"{case.name}: zero_division is {value!r}, expected"):
        case.ours([0, 1], [0, 1], zero_division=value)


@every_metric
def test_the_positive_class_is_of_the_kind_of_the_labels(case: MetricCase):
    with pytest.raises(ArgumentError, match=r"positive is 1, expected one of the labels \['a'\]"):
        case.ours(["a"], ["a"], average="binary")
    assert case.ours(["a"], ["a"], average="binary", positive="a") == 1


def test_listed_classes_are_of_the_kind_of_the_labels():
    with pytest.raises(DtypeError, match="labels is <U1, expected the same kind of labels"):
        confusion_matrix([0, 1], [0, 1], labels=["a"])


def test_a_class_is_listed_once():
    with pytest.raises(ArgumentError, match="expected each class once"):
        confusion_matrix([0, 1], [0, 1], labels=[0, 0])
