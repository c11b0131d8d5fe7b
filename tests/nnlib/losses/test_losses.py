"""Each loss beyond the contract: by hand, and against wrong targets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import hinge_loss

from nnlib import ArgumentError, DtypeError, NonFiniteError, ShapeError
from nnlib.losses import MSE, BinaryCrossEntropy, CrossEntropy, Hinge, Huber


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


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([[0.5, 0.5, 0.1], [1.0, 0.0, 0.0]], "rows of targets add up to 1 to 1.1"),
        ([[1.5, -0.5, 0.0], [1.0, 0.0, 0.0]], "their least entry is -0.5"),
        ([[np.nan, 0.5, 0.5], [1.0, 0.0, 0.0]], "expected probabilities that add up to 1"),
    ],
)
def test_soft_targets_are_probabilities(targets, message):
    with pytest.raises(ArgumentError, match=message):
        CrossEntropy().forward(np.zeros((2, 3)), targets)


def test_one_hot_floats_are_the_labels_they_stand_for(rng):
    z, labels = rng.normal(size=(4, 3)), np.array([0, 2, 1, 1])

    for epsilon in (0.0, 0.3):
        loss = CrossEntropy(epsilon)
        expected = loss.forward(z, labels)
        assert loss.forward(z, np.eye(3)[labels]) == pytest.approx(expected, rel=1e-14)


def test_smoothing_keeps_the_best_logits_finite():
    """With ε = 0.1 and two classes the best odds are 0.95 / 0.05; without, they grow for ever."""
    loss = CrossEntropy(label_smoothing=0.1)

    loss.forward(np.array([[math.log(19), 0.0]]), [0])

    np.testing.assert_allclose(loss.backward(), 0.0, atol=1e-15)  # rounding of ln 19
    assert repr(loss) == "CrossEntropy(label_smoothing=0.1)"
    assert repr(CrossEntropy()) == "CrossEntropy()"


@pytest.mark.parametrize("epsilon", [-0.1, 1.0, "a"])
def test_label_smoothing_is_from_zero_to_below_one(epsilon):
    with pytest.raises(ArgumentError, match="label_smoothing is"):
        CrossEntropy(epsilon)


def test_weights_by_hand():
    loss = MSE()

    value = loss.forward([[1.0, 3.0], [2.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [3.0, 1.0])

    assert value == pytest.approx((3 * (1 + 9) / 2 + 1 * (4 + 0) / 2) / 4, rel=1e-6)  # float32


def test_weights_of_a_row_are_spread_over_its_inner_axes(rng):
    z, t = rng.normal(size=(2, 3, 4)), rng.integers(0, 4, (2, 3))
    w = np.array([1.0, 5.0])
    loss = CrossEntropy()

    by_row = loss.forward(z, t, w)
    by_step = loss.forward(z, t, np.repeat(w[:, np.newaxis], 3, axis=1))

    assert by_row == pytest.approx(by_step, rel=1e-14)


def test_huber_by_hand_and_between_its_neighbors(rng):
    z, t = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))

    assert Huber(2.0).forward([[1.0], [5.0]], [[0.0], [0.0]]) == pytest.approx((0.5 + 8) / 2)
    assert Huber(100.0).forward(z, t) == pytest.approx(MSE().forward(z, t) / 2, rel=1e-14)
    tiny = 1e-9
    assert Huber(tiny).forward(z, t) / tiny == pytest.approx(abs(z - t).mean(), rel=1e-8)  # δ²/2
    assert repr(Huber(0.5)) == "Huber(delta=0.5)"


@pytest.mark.parametrize("delta", [0.0, -1.0, math.nan, math.inf])
def test_huber_delta_is_above_zero(delta):
    with pytest.raises(ArgumentError, match="Huber: delta is"):
        Huber(delta)


def test_hinge_losses_equal_those_of_scikit_learn(rng):
    z, labels = 2 * rng.normal(size=(9, 4)), np.arange(9) % 4
    signs = rng.choice([-1, 1], 9)

    many = Hinge(multiclass="crammer-singer").forward(z, labels)
    two = Hinge().forward(z[:, :1], signs[:, np.newaxis])

    assert many == pytest.approx(hinge_loss(labels, z), rel=1e-14)
    assert two == pytest.approx(hinge_loss(signs, z[:, 0]), rel=1e-14)


def test_hinge_is_flat_where_the_margin_is_met_exactly():
    two, ww, cs = Hinge(), Hinge(), Hinge(multiclass="crammer-singer")

    assert not two.forward([[1.0], [-1.0]], [[1], [-1]])
    assert not two.backward().any()
    for loss in (ww, cs):
        assert not loss.forward([[2.0, 1.0, 1.0]], [0])
        assert not loss.backward().any()


def test_hinge_targets_are_signs_or_zeros_and_ones():
    with pytest.raises(ArgumentError, match="targets run from -1 to 1, expected only -1 and 1"):
        Hinge().forward(np.zeros((3, 1)), [[-1.0], [0.0], [1.0]])
    with pytest.raises(ArgumentError, match="labels run from 0 to 2"):
        Hinge().forward(np.zeros((2, 2)), [0, 2])
    with pytest.raises(ShapeError, match="expected"):
        Hinge().forward(np.zeros((2, 1)), [0, 1])


def test_hinge_arguments_are_checked_and_shown():
    with pytest.raises(ArgumentError, match="Hinge: margin is 0"):
        Hinge(0)
    with pytest.raises(ArgumentError, match="multiclass is 'ovr', expected one of"):
        Hinge(multiclass="ovr")
    assert repr(Hinge()) == "Hinge(margin=1)"
    assert repr(Hinge(2, multiclass="crammer-singer")).endswith("multiclass='crammer-singer')")
