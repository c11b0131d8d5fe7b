"""What every loss does, by being listed in cases.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnlib import ArgumentError, NonFiniteError, OrderError, ShapeError, check_gradient
from tests.nnlib.losses.cases import CASES, LossCase

every_loss = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@every_loss
def test_value_and_gradient_equal_those_of_torch(case: LossCase, rng):
    z, t = 3 * rng.normal(size=case.shape), case.targets(rng, case.shape)
    z_torch = torch.tensor(z, requires_grad=True)
    expected = case.torch_function(z_torch, torch.tensor(t))
    expected.backward()
    loss = case.build()

    value = loss.forward(z, t)

    # Both sides compute in float64.
    assert value == pytest.approx(expected.item(), rel=1e-9)
    np.testing.assert_allclose(loss.backward(), z_torch.grad.numpy(), rtol=1e-9, atol=1e-14)


@every_loss
def test_gradient_agrees_with_differences(case: LossCase, rng):
    z, t = rng.normal(size=case.shape), case.targets(rng, case.shape)
    loss = case.build()
    loss.forward(z, t)

    check = check_gradient(lambda p: case.build().forward(p, t), z, loss.backward(), rng=rng)

    assert check.relative_error < 1e-7  # a central difference in float64 is good to about 1e-9


@every_loss
def test_rbackward_is_the_derivative_of_backward_and_symmetric(case: LossCase, rng):
    z, t = rng.normal(size=case.shape), case.targets(rng, case.shape)
    u, v = rng.normal(size=(2, *case.shape))
    loss, h = case.build(), 1e-5

    def gradient(point: np.ndarray) -> np.ndarray:
        loss.forward(point, t)
        return loss.backward()

    expected = (gradient(z + h * v) - gradient(z - h * v)) / (2 * h)
    loss.forward(z, t)
    Hu, Hv = loss.rbackward(np.stack([u, v]))

    np.testing.assert_allclose(Hv, expected, rtol=1e-6, atol=1e-10)
    assert np.vdot(u, Hv) == pytest.approx(np.vdot(v, Hu), rel=1e-12)
    np.testing.assert_allclose(loss.rbackward(v), Hv, rtol=1e-12)


@every_loss
def test_float32_stays_float32_and_the_value_is_a_float(case: LossCase, rng):
    z, t = rng.normal(size=case.shape).astype(np.float32), case.targets(rng, case.shape)
    loss = case.build()

    value = loss.forward(z, t)

    assert type(value) is float
    assert loss.backward().dtype == np.float32
    assert loss.rbackward(z).dtype == np.float32


@every_loss
def test_huge_predictions_do_not_overflow_unless_squared(case: LossCase, rng):
    z, t = 1e4 * rng.normal(size=case.shape).astype(np.float32), case.targets(rng, case.shape)
    loss = case.build()

    assert np.isfinite(loss.forward(z, t))
    assert np.isfinite(loss.backward()).all()


@every_loss
def test_what_the_caller_does_with_its_arrays_does_not_reach_backward(case: LossCase, rng):
    z, t = rng.normal(size=case.shape), case.targets(rng, case.shape)
    loss = case.build()
    loss.forward(z, t)
    expected = loss.backward()
    first = expected.copy()

    z[...], t[...] = 5.0, 0
    again = loss.backward()
    again[...] = 0.0

    np.testing.assert_array_equal(expected, first)
    np.testing.assert_array_equal(loss.backward(), first)


@every_loss
def test_nan_predictions_are_counted(case: LossCase, rng):
    z, t = rng.normal(size=case.shape), case.targets(rng, case.shape)
    z.flat[:2] = np.nan

    with pytest.raises(NonFiniteError, match=f"2 of {z.size} predictions are nan or infinite"):
        case.build().forward(z, t)


@every_loss
def test_targets_of_another_shape_are_refused(case: LossCase, rng):
    z, t = rng.normal(size=case.shape), case.targets(rng, case.shape)

    with pytest.raises(ShapeError, match="targets have shape"):
        case.build().forward(z, t[:1])


@every_loss
def test_an_empty_batch_is_refused(case: LossCase, rng):
    z, t = np.zeros((0, *case.shape[1:])), case.targets(rng, case.shape)[:0]

    with pytest.raises(ShapeError, match=r"no rows|no axis empty|\(0, "):
        case.build().forward(z, t)


def row_weights(case: LossCase, rng: np.random.Generator) -> np.ndarray:
    """Draw weights for the rows: all axes but the last, which also gives each label its own."""
    weights = rng.uniform(0.1, 3.0, case.shape[:-1])
    weights.flat[1] = 0.0
    return weights


def by_brute_force(case: LossCase, z, t, weights) -> tuple[float, np.ndarray]:
    """Sum w l over single rows, each given to the unweighted loss, and divide by Σ w."""
    value, gradient = 0.0, np.zeros_like(z)
    for row in np.ndindex(weights.shape):
        loss = case.build()
        one = (np.newaxis,)
        value += weights[row] * loss.forward(z[row][one], t[row][one])
        gradient[row] = weights[row] * loss.backward()[0]
    return value / weights.sum(), gradient / weights.sum()


@every_loss
def test_row_weights_equal_a_sum_over_single_rows(case: LossCase, rng):
    z, t = 2 * rng.normal(size=case.shape), case.targets(rng, case.shape)
    weights = row_weights(case, rng)
    value, gradient = by_brute_force(case, z, t, weights)
    loss = case.build()

    assert loss.forward(z, t, weights) == pytest.approx(value, rel=1e-12)  # float64 on both sides
    np.testing.assert_allclose(loss.backward(), gradient, rtol=1e-12, atol=1e-15)


@every_loss
def test_weighted_gradients_and_their_change_agree_with_differences(case: LossCase, rng):
    z, t = rng.normal(size=case.shape), case.targets(rng, case.shape)
    weights, h = row_weights(case, rng), 1e-5
    u, v = rng.normal(size=(2, *case.shape))
    loss = case.build()

    def gradient(point: np.ndarray) -> np.ndarray:
        loss.forward(point, t, weights)
        return loss.backward()

    expected = (gradient(z + h * v) - gradient(z - h * v)) / (2 * h)
    loss.forward(z, t, weights)
    check = check_gradient(
        lambda p: case.build().forward(p, t, weights), z, loss.backward(), rng=rng
    )
    Hu, Hv = loss.rbackward(np.stack([u, v]))

    assert check.relative_error < 1e-7  # a central difference in float64 is good to about 1e-9
    np.testing.assert_allclose(Hv, expected, rtol=1e-6, atol=1e-10)
    assert np.vdot(u, Hv) == pytest.approx(np.vdot(v, Hu), rel=1e-12)


@every_loss
def test_equal_weights_change_nothing_and_a_zero_drops_the_row(case: LossCase, rng):
    z, t = rng.normal(size=case.shape), case.targets(rng, case.shape)
    loss, other = case.build(), case.build()
    expected, dz = loss.forward(z, t), loss.backward()

    assert other.forward(z, t, np.full(len(z), 3.0)) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(other.backward(), dz, rtol=1e-12, atol=1e-16)

    first = np.zeros(len(z))
    first[0] = 2.0
    assert other.forward(z, t, first) == pytest.approx(loss.forward(z[:1], t[:1]), rel=1e-12)
    np.testing.assert_allclose(other.backward()[:1], loss.backward(), rtol=1e-12, atol=1e-16)
    assert not other.backward()[1:].any()


@every_loss
def test_weights_that_cannot_be_are_refused_and_the_last_loss_stays(case: LossCase, rng):
    z, t = rng.normal(size=case.shape), case.targets(rng, case.shape)
    loss = case.build()
    loss.forward(z, t)
    before = loss.backward()
    negative, endless = np.ones(len(z)), np.ones(len(z))
    negative[0], endless[0] = -1.0, np.inf

    with pytest.raises(ShapeError, match=r"weights have shape \(.*\), expected"):
        loss.forward(z, t, np.ones(len(z) + 1))
    with pytest.raises(ShapeError, match=r"weights have shape \(\), expected"):
        loss.forward(z, t, 1.0)
    with pytest.raises(ShapeError, match="weights have shape"):
        loss.forward(z, t, np.ones(case.shape))
    with pytest.raises(ArgumentError, match="weights run from -1 to 1"):
        loss.forward(z, t, negative)
    with pytest.raises(ArgumentError, match="weights run from 1 to inf"):
        loss.forward(z, t, endless)
    with pytest.raises(ArgumentError, match="weights add up to 0, expected more"):
        loss.forward(z, t, np.zeros(len(z)))
    np.testing.assert_array_equal(loss.backward(), before)


@every_loss
def test_weights_stay_float32(case: LossCase, rng):
    z, t = rng.normal(size=case.shape).astype(np.float32), case.targets(rng, case.shape)
    loss = case.build()

    loss.forward(z, t, np.ones(len(z)))

    assert loss.backward().dtype == loss.rbackward(z).dtype == np.float32


@every_loss
def test_correct_rows_are_counted_or_the_loss_is_not_about_classes(case: LossCase, rng):
    z, t = rng.normal(size=case.shape), case.targets(rng, case.shape)
    loss = case.build()
    loss.forward(z, t)
    if case.name.startswith(("mse", "huber")):
        assert loss.count_correct() is None
        return
    if t.ndim < z.ndim:
        expected = (z.argmax(axis=-1) == t).sum()
    elif case.name.startswith("cross_entropy"):
        expected = (z.argmax(axis=-1) == t.argmax(axis=-1)).sum()
    else:
        expected = ((z > 0) == (t > 0.5)).reshape(len(z), -1).all(axis=1).sum()

    assert loss.count_correct() == expected


@every_loss
def test_backward_before_forward_is_an_order_error(case: LossCase):
    with pytest.raises(OrderError, match="forward has not run"):
        case.build().backward()
