"""Each loss beyond the contract: by hand, and against wrong targets."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import hinge_loss
from torch.nn import functional

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


# Rows that do not count, kinds of targets, and where a rule just holds --------------------


@pytest.mark.parametrize("value", [1e30, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize(
    ("loss", "target"),
    [(MSE(), 0), (Huber(), 0), (BinaryCrossEntropy(), 1), (Hinge(), 1)],
)
def test_a_row_of_weight_zero_is_as_if_it_were_missing(loss, target, value):
    """In float32, where the square of 1e30 is infinite, and 0 times that is nan."""
    z, t = np.array([[0.5], [value], [2.0]], np.float32), np.full((3, 1), target)
    expected = loss.forward(z[::2], t[::2], [1.0, 3.0])
    dz, dz_dot = loss.backward(), loss.rbackward(np.ones((2, 1)))

    assert loss.forward(z, t, [1.0, 0.0, 3.0]) == pytest.approx(expected, rel=1e-6)  # float32
    np.testing.assert_allclose(loss.backward()[::2], dz, rtol=1e-6)
    np.testing.assert_allclose(loss.rbackward(np.ones((3, 1)))[::2], dz_dot, rtol=1e-6)
    assert loss.backward()[1] == loss.rbackward(np.ones((3, 1)))[1] == 0


@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(0.1), Hinge()])
def test_classes_of_a_row_of_weight_zero_are_as_if_missing(loss):
    z = np.array([[0.5, 1.0], [np.nan, np.inf], [2.0, -1.0]], np.float32)
    expected = loss.forward(z[::2], [0, 1], [1.0, 3.0])
    dz = loss.backward()

    assert loss.forward(z, [0, 1, 1], [1.0, 0.0, 3.0]) == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(loss.backward()[::2], dz, rtol=1e-6)
    assert not loss.backward()[1].any()
    with pytest.raises(NonFiniteError, match="2 of 6 predictions are nan or infinite"):
        loss.forward(z, [0, 1, 1], [1.0, 0.1, 3.0])


def test_a_row_that_counts_still_overflows():
    with pytest.raises(NonFiniteError, match=r"predictions reach 1e\+30, too large for float32"):
        MSE().forward(np.full((2, 1), 1e30, np.float32), np.zeros((2, 1)), [0.0, 1.0])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.uint64])
@pytest.mark.parametrize("loss", [CrossEntropy(), Hinge()])
def test_labels_come_out_of_check_in_the_type_of_planned_steps(loss, dtype):
    labels = loss.check((2, 3), np.array([0, 2], dtype), np.dtype(np.float32))

    assert labels.dtype == np.intp
    np.testing.assert_array_equal(labels, [0, 2])


@pytest.mark.parametrize("loss", [MSE(), CrossEntropy(), Hinge(), BinaryCrossEntropy(), Huber()])
def test_ragged_targets_are_named(loss):
    with pytest.raises(ShapeError, match="targets: the rows differ in length"):
        loss.forward(np.ones((2, 2)), [[1], [1, 0]])


@pytest.mark.parametrize("loss", [MSE(), Huber(), BinaryCrossEntropy()])
def test_finite_targets_beyond_the_type_are_named_as_such(loss):
    z = np.ones((2, 1), np.float32)

    with pytest.raises(ArgumentError, match=r"targets reach 1e\+300, too large for float32"):
        loss.forward(z, [[-1e300], [0.0]])
    with pytest.raises(ArgumentError, match="1 of 2 targets are nan or infinite"):
        loss.forward(z, [[np.inf], [0.0]])


def test_other_numbers_beyond_the_type_give_named_errors_alone():
    z = np.ones((1, 2), np.float32)

    with pytest.raises(ArgumentError, match="add up to inf"):
        CrossEntropy().forward(z, [[1e300, 0.0]])
    with pytest.raises(ArgumentError, match="expected probabilities"):
        CrossEntropy().forward(z, [[np.inf, -np.inf]])
    with pytest.raises(ArgumentError, match="weights run from inf"):
        MSE().forward(z, z, [1e300])


def test_one_answer_without_axes_is_one_row():
    loss = BinaryCrossEntropy()

    loss.forward(np.array(1.0), np.array(1.0))
    assert loss.count_correct() == 1
    loss.forward(np.array(1.0), np.array(0.0))
    assert loss.count_correct() == 0


def test_one_half_counts_as_no():
    loss = BinaryCrossEntropy()

    loss.forward([[-1.0], [-1.0], [1.0]], [[0.5], [0.5], [0.5]])

    assert loss.count_correct() == 2


@pytest.mark.parametrize("total", [0.9992, 1.0008])
@pytest.mark.parametrize("epsilon", [0.0, 0.2])
def test_rows_that_add_up_to_nearly_one_are_taken_as_they_are(rng, total, epsilon):
    """L = −Σ t ln softmax(z), whatever Σ t is: PyTorch's, with the same targets."""
    z, t = rng.normal(size=(4, 3)), total * rng.dirichlet(np.ones(3), 4)
    theirs = torch.tensor(z, requires_grad=True)
    expected = functional.cross_entropy(theirs, torch.tensor(t), label_smoothing=epsilon)
    (gradient,) = torch.autograd.grad(expected, theirs, create_graph=True)
    v = rng.normal(size=(4, 3))
    (change,) = torch.autograd.grad(gradient, theirs, torch.tensor(v))
    loss = CrossEntropy(epsilon)

    assert loss.forward(z, t) == pytest.approx(expected.item(), rel=1e-12)  # float64 on both sides
    np.testing.assert_allclose(loss.backward(), gradient.detach(), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(loss.rbackward(v), change, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("total", [0.998, 1.002])
def test_rows_further_than_a_thousandth_from_one_are_refused(total):
    with pytest.raises(ArgumentError, match="rows of targets add up to"):
        CrossEntropy().forward(np.zeros((1, 2)), [[total / 2, total / 2]])


def test_huber_is_quadratic_up_to_delta_itself():
    loss = Huber(0.5)

    loss.forward(np.array([[0.5], [-0.5], [0.75], [-0.75]]), np.zeros((4, 1)))

    np.testing.assert_array_equal(loss.rbackward(np.ones((4, 1))).ravel(), [0.25, 0.25, 0, 0])
