"""Critical points by hand, stable rates by running gradient descent, sharpness under re-scaling."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib.curvature import (
    CriticalPoint,
    Hessian,
    classify_critical_point,
    largest_stable_rate,
    sharpness,
)
from nnlib.errors import ArgumentError, NonFiniteError, ShapeError
from nnlib.layers import Linear, ReLU, Sequential
from nnlib.losses import MSE, BinaryCrossEntropy
from tests.nnlib.curvature.cases import CASES, symmetric


@pytest.mark.parametrize(
    ("norm", "eigenvalues", "kind"),
    [
        (0.1, [1.0, 2.0], "not critical"),
        (0.0, [1.0, 2.0], "minimum"),
        (0.0, [-1.0, -2.0], "maximum"),
        (0.0, [1.0, -2.0], "saddle"),
        (0.0, [1.0, 0.0, -2.0], "saddle"),
        (0.0, [1.0, 0.0], "degenerate"),
        (0.0, [-1.0, 0.0], "degenerate"),
        (0.0, [0.0], "degenerate"),
        (1e-7, [1.0, -1e-7], "degenerate"),
        (1e-6, [1e-5], "minimum"),
        (0.0, [1.0, 1e-6], "degenerate"),
        (0.0, [-1.0, -1e-6], "degenerate"),
    ],
)
def test_kinds_of_points(norm, eigenvalues, kind):
    assert classify_critical_point(norm, eigenvalues) == kind
    assert CriticalPoint(kind) in CriticalPoint


def test_tolerance_serves_gradient_and_eigenvalues():
    assert classify_critical_point(0.05, [1.0, -0.05], tolerance=0.1) == "degenerate"
    assert classify_critical_point(0.05, [1.0, -0.05], tolerance=0.01) == "not critical"


def test_bad_points_are_named():
    with pytest.raises(ArgumentError, match="gradient_norm is -1"):
        classify_critical_point(-1.0, [1.0])
    with pytest.raises(ArgumentError, match="at least one finite number"):
        classify_critical_point(0.0, [])
    with pytest.raises(ArgumentError, match="at least one finite number"):
        classify_critical_point(0.0, [np.nan])
    with pytest.raises(ArgumentError, match="tolerance is nan"):
        classify_critical_point(0.0, [1.0], tolerance=np.nan)


def test_gradient_descent_shrinks_below_the_rate_and_grows_above_it(rng):
    model = Linear(4, 1, bias=False, rng=1, dtype=np.float64)
    X = rng.normal(size=(9, 4))
    H = Hessian(model, X, np.zeros((9, 1)), MSE())
    rate = largest_stable_rate(H, rng=rng)

    def distance_after(lr: float) -> float:
        theta = np.ones(4)
        for _ in range(300):
            theta = theta - lr * (H @ theta)
        return float(np.linalg.norm(theta))

    assert rate == pytest.approx(2 / np.linalg.eigvalsh(H.dense())[-1], rel=1e-9)
    assert distance_after(0.95 * rate) < 2.0  # all factors |1 − ηλ| are below 1
    assert distance_after(1.05 * rate) > 1e3  # the largest is 1.1, and 1.1³⁰⁰ is 10¹²


def test_rate_of_eigenvalues_and_of_matrices():
    assert largest_stable_rate([4.0, -9.0]) == pytest.approx(0.5)
    assert largest_stable_rate([-9.0, 4.0]) == pytest.approx(0.5)
    assert largest_stable_rate([[4.0, 0.0], [0.0, 1.0]], rng=0) == pytest.approx(0.5)
    assert largest_stable_rate(np.diag([4.0, -9.0]), rng=0) == pytest.approx(0.5)
    assert largest_stable_rate(-np.eye(2), rng=0) == np.inf
    with pytest.raises(ShapeError, match=r"expected \(k,\)"):
        largest_stable_rate([])
    with pytest.raises(ShapeError, match=r"expected \(P, P\)"):
        largest_stable_rate(np.ones((2, 3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_zeros", [1, 20])
def test_rounding_is_no_positive_eigenvalue(n_zeros, dtype, rng):
    """A negative semidefinite matrix limits no rate, but some of its zeros come out as 1e-17."""
    A = symmetric(np.concatenate([np.zeros(n_zeros), -5 * rng.random(40)]), rng)

    for seed in range(5):
        assert largest_stable_rate(A.astype(dtype), rng=seed) == np.inf
    assert largest_stable_rate(np.linalg.eigvalsh(A)) == np.inf
    assert largest_stable_rate([1e-17, -1.0]) == np.inf
    assert largest_stable_rate([1e-12, -1.0]) == pytest.approx(2e12)
    assert largest_stable_rate([1e-200]) == pytest.approx(2e200)


def test_numbers_that_are_not_finite_give_no_rate():
    for bad in ([np.nan, 1.0], [1.0, np.nan], [np.inf], np.array([-np.inf, 1.0])):
        with pytest.raises(ArgumentError, match="expected finite numbers"):
            largest_stable_rate(bad)
    with pytest.raises(NonFiniteError, match="a product holds nan"):
        largest_stable_rate(np.full((2, 2), np.nan), rng=0)


def test_both_ways_along_the_top_eigenvector_are_tried():
    """The loss of one weight at its minimum 1 rises more to the left; which way is up is chance.

    The target is a little below σ(1), so that the gradient points to the right.
    """
    model = Linear(1, 1, bias=False, dtype=np.float64)
    model.W = 1.0
    X, y = [[1.0]], [[0.73]]

    def loss(w):
        return np.log1p(np.exp(w)) - 0.73 * w

    for seed in range(6):
        found = sharpness(
            model, X, y, BinaryCrossEntropy(), rho=2.0, n_steps=0, n_probes=2, rng=seed
        )
        assert found.ball_increase == pytest.approx(loss(-1.0) - loss(1.0), rel=1e-9)


def test_sharpness_of_a_bowl_is_known(rng):
    """L = mean (x·w)² with orthogonal x: eigenvalues 2 xᵢ²/N, and the ball rises by ρ² λ/2."""
    model = Linear(3, 1, bias=False, dtype=np.float64)
    model.W = 0.0
    X = np.diag([3.0, 2.0, 1.0])

    found = sharpness(model, X, np.zeros((3, 1)), MSE(), rho=0.1, n_probes=4, rng=rng)

    assert found.largest_eigenvalue == pytest.approx(6.0, rel=1e-9)
    assert found.trace == pytest.approx((18 + 8 + 2) / 3, rel=1e-12)
    assert found.trace_error == pytest.approx(0.0, abs=1e-12)
    assert found.ball_increase == pytest.approx(0.03, rel=1e-6)


def test_the_climb_finds_more_than_one_step(rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    theta = model.theta.copy()

    one, climbed = (
        sharpness(model, X, y, case.loss, rho=1.0, n_steps=n, n_probes=2, rng=1) for n in (0, 8)
    )

    assert climbed.ball_increase > one.ball_increase > 0
    radii = rng.normal(size=(200, theta.size))
    radii /= np.linalg.norm(radii, axis=1, keepdims=True)
    base = case.loss.forward(model.forward(X), y)
    for step in radii:
        model.theta = theta + step
        rise = case.loss.forward(model.forward(X), y) - base
        assert climbed.ball_increase > rise  # no random direction does better


def test_rescaling_relu_layers_changes_sharpness_but_not_the_function(rng):
    """Dinh et al.: W₁ and b₁ times ten, W₂ by ten; flatness is not of the function."""
    model = Sequential(
        Linear(3, 5, rng=1, dtype=np.float64), ReLU(), Linear(5, 2, rng=2, dtype=np.float64)
    )
    X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    output = model.forward(X)
    before = sharpness(model, X, y, MSE(), rng=0)

    model.layers[0].theta *= 10.0
    model.layers[2].W /= 10.0
    after = sharpness(model, X, y, MSE(), rng=0)

    np.testing.assert_allclose(model.forward(X), output, rtol=1e-12)
    assert after.largest_eigenvalue > 10 * before.largest_eigenvalue
    assert after.trace > 10 * before.trace
    assert after.ball_increase > 2 * before.ball_increase


def test_sharpness_leaves_the_model(rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    theta, grad = model.theta.copy(), model.grad.copy()

    sharpness(model, X, y, case.loss, n_probes=2, rng=rng)

    np.testing.assert_array_equal(model.theta, theta)
    np.testing.assert_array_equal(model.grad, grad)


def test_bad_sharpness_is_named(rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    with pytest.raises(ArgumentError, match="rho is 0"):
        sharpness(model, X, y, case.loss, rho=0)
    with pytest.raises(ArgumentError, match="n_steps is -1"):
        sharpness(model, X, y, case.loss, n_steps=-1)
    with pytest.raises(ArgumentError, match="n_probes is 1"):
        sharpness(model, X, y, case.loss, n_probes=1)
