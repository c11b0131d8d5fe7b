"""Each loss beyond the contract: by hand, and against wrong targets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nnlib import (
    MSE,
    ArgumentError,
    BinaryCrossEntropy,
    CrossEntropy,
    DtypeError,
    NonFiniteError,
    ShapeError,
)


def test_mse_is_a_mean_over_rows_and_outputs_without_a_half():
    value = MSE().forward([[1.0, 0.0], [0.0, 3.0]], [[0.0, 0.0], [0.0, 0.0]])

    assert value == pytest.approx((1**2 + 3**2) / 4, rel=1e-15)  # four entries


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_number_of_classes():
    value = CrossEntropy().forward(np.full((3, 7), 5.0), [0, 3, 6])

    assert value == pytest.approx(math.log(7), rel=1e-15)


def test_binary_cross_entropy_by_hand():
    value = BinaryCrossEntropy().forward([[0.0], [math.log(3)]], [[1.0], [0.0]])

    # σ(0) = 1/2 for yes, σ(ln 3) = 3/4 for no; float32 rounds at 6e-8
    assert value == pytest.approx((math.log(2) + math.log(4)) / 2, rel=1e-6)


def test_mse_that_overflows_says_so():
    with pytest.raises(NonFiniteError, match=r"reach 1e\+30, too large for float32"):
        MSE().forward(np.full((2, 1), 1e30, np.float32), np.zeros((2, 1)))


def test_classified_rows_are_counted():
    many, two = CrossEntropy(), BinaryCrossEntropy()
    many.forward([[1.0, 2.0, 0.0], [3.0, 1.0, 0.0], [0.0, 0.0, 9.0]], [1, 1, 2])
    two.forward([[-1.0], [2.0], [3.0]], [[0], [0], [1]])
    mse = MSE()
    mse.forward([[1.0]], [[1.0]])

    assert many.count_correct() == 2
    assert two.count_correct() == 2
    assert mse.count_correct() is None


def test_a_row_of_several_answers_is_right_if_all_of_them_are():
    loss = BinaryCrossEntropy()
    loss.forward(
        [[1.0, -1.0], [2.0, 3.0], [-1.0, -2.0], [4.0, -4.0]],
        [[1, 0], [1, 0], [0, 1], [1, 0]],
    )

    assert loss.count_correct() == 2  # the first and the last; the others are half right


def test_counts_of_slices_add_up_to_the_count_of_the_batch(rng):
    z, t = rng.normal(size=(11, 3)), rng.integers(0, 2, (11, 3))
    loss, slices = BinaryCrossEntropy(), 0
    for i in range(11):
        loss.forward(z[i : i + 1], t[i : i + 1])
        slices += loss.count_correct()

    loss.forward(z, t)

    assert (
        slices
        == loss.count_correct()
        == sum((z[i] > 0).tolist() == t[i].tolist() for i in range(11))
    )
    assert 0 < slices < 11


@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        ([0, 3], ArgumentError, "labels run from 0 to 3, expected 0 to 2 for 3 logits"),
        ([-1, 2], ArgumentError, "labels run from -1 to 2"),
        ([0.0, 1.0], DtypeError, r"targets.astype\(int\)"),
        (["a", "b"], DtypeError, "expected integer class labels"),
        ([True, False], DtypeError, "expected integer class labels"),
        ([[1, 0, 0], [0, 1, 0]], ShapeError, r"targets.argmax\(axis=-1\)"),
        ([[0], [1]], ShapeError, r"targets.reshape\(-1\)"),
        ([0, 1, 2], ShapeError, r"shape \(3,\), expected \(2,\)"),
    ],
)
def test_cross_entropy_names_what_is_wrong_with_labels(targets, error, message):
    with pytest.raises(error, match=message):
        CrossEntropy().forward(np.zeros((2, 3)), targets)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_cross_entropy_takes_integers_of_any_width(dtype):
    assert CrossEntropy().forward(np.zeros((2, 3)), np.array([0, 2], dtype)) > 0


@pytest.mark.parametrize("loss", [MSE(), BinaryCrossEntropy()])
def test_nothing_is_broadcast(loss):
    """(N, 1) against (N,) would silently compare every row with every target."""
    with pytest.raises(ShapeError, match=r"targets.reshape\(\(3, 1\)\)"):
        loss.forward(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(ShapeError, match="look transposed"):
        loss.forward(np.zeros((3, 2)), np.zeros((2, 3)))


@pytest.mark.parametrize("loss", [MSE(), BinaryCrossEntropy()])
def test_targets_must_be_finite(loss):
    with pytest.raises(ArgumentError, match="1 of 2 targets are nan or infinite"):
        loss.forward(np.zeros((2, 1)), [[0.5], [np.nan]])


def test_binary_targets_are_from_zero_to_one():
    with pytest.raises(ArgumentError, match="targets run from -1 to 1, expected 0 to 1"):
        BinaryCrossEntropy().forward(np.zeros((2, 1)), [[-1.0], [1.0]])
