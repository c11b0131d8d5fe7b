"""Optimal brain surgeon: exact on a quadratic, and no worse than OBD anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib import MSE, ArgumentError, CrossEntropy, Linear, ReLU, Sequential, ShapeError
from nnlib.curvature import GaussNewton, Hessian
from nnlib.pruning import (
    ablation,
    damped_inverse,
    obs_prune,
    obs_saliency,
    obs_update,
)
from tests.nnlib.pruning.cases import MODELS


def quadratic(seed, n):
    """A positive definite H and the place of the minimum."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, n + 2))
    return A @ A.T / n + 0.1 * np.eye(n), rng.normal(size=n)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), n=st.integers(2, 7))
def test_the_saliency_is_the_change_of_a_quadratic_after_the_update(seed, n):
    H, w = quadratic(seed, n)
    H_inv = np.linalg.inv(H)
    saliencies = obs_saliency(w, H_inv)

    for q in range(n):
        delta = obs_update(w, H_inv, q)

        # rounding of an inverse whose condition number is below 1e4
        assert w[q] + delta[q] == pytest.approx(0, abs=1e-10)
        assert 0.5 * delta @ H @ delta == pytest.approx(saliencies[q], rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), n=st.integers(2, 7))
def test_no_other_step_that_removes_the_weight_is_cheaper(seed, n):
    H, w = quadratic(seed, n)
    q = seed % n
    rest = np.delete(np.arange(n), q)
    # brute force: δ_q = −w_q, and the others by setting their gradient to zero
    best = np.zeros(n)
    best[q] = -w[q]
    best[rest] = np.linalg.solve(H[np.ix_(rest, rest)], w[q] * H[rest, q])

    np.testing.assert_allclose(obs_update(w, np.linalg.inv(H), q), best, rtol=1e-8, atol=1e-10)
    assert (obs_saliency(w, np.linalg.inv(H)) <= 0.5 * np.diag(H) * w**2 * (1 + 1e-12)).all()


def linear_problem(rng, bias=True):
    """A linear layer at the minimum of its squared error, which is a quadratic."""
    X = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 4))
    model = Sequential(Linear(4, 2, bias=bias, dtype=np.float64))
    design = np.column_stack([X, np.ones(30)]) if bias else X
    y = rng.normal(size=(30, 2))
    best = np.linalg.lstsq(design, y, rcond=None)[0]
    model.layers[0].W = best[:4]
    if bias:
        model.layers[0].b = best[4]
    return model, X, y


def loss_of(model, X, y):
    return MSE().forward(model.predict(X), y)


@pytest.mark.parametrize("bias", [True, False])
def test_many_steps_are_exact_on_a_quadratic(bias, rng):
    model, X, y = linear_problem(rng, bias)
    before = loss_of(model, X, y)

    result = obs_prune(model, Hessian(model, X, y, MSE()), sparsity=0.75, damping=0.0)

    assert len(result.order) == 6
    assert (model.theta[result.order] == 0).all()
    assert np.count_nonzero(model.theta[:8]) == 2
    # rounding through six rank-one changes
    change = loss_of(model, X, y) - before
    assert result.predicted_change == pytest.approx(change, rel=1e-8)
    # what is left is at the minimum that its mask allows
    model.loss_and_gradient(X, y, MSE())
    np.testing.assert_allclose(model.grad[model.mask], 0, atol=1e-9)


def test_biases_are_adjusted_and_never_removed(rng):
    model, X, y = linear_problem(rng)
    bias = model.layers[0].b.copy()

    obs_prune(model, Hessian(model, X, y, MSE()), sparsity=0.9)

    assert model.mask[8:].all()
    assert (model.layers[0].b != bias).all()


def test_the_first_step_is_the_cheapest(rng):
    model, X, y = linear_problem(rng, bias=False)
    H = Hessian(model, X, y, MSE()).dense()
    saliencies = obs_saliency(model.theta, np.linalg.inv(H))

    result = obs_prune(model, H, sparsity=1 / 8, damping=0.0)

    assert result.order.tolist() == [int(np.argmin(saliencies))]
    assert result.predicted_change == pytest.approx(saliencies.min(), rel=1e-9)


def test_what_was_pruned_before_counts_and_stays_at_zero(rng):
    model, X, y = linear_problem(rng, bias=False)
    H = Hessian(model, X, y, MSE()).dense()
    at_once, in_parts = model.astype(np.float64), model.astype(np.float64)
    obs_prune(at_once, H, sparsity=0.5, damping=0.0)

    first = obs_prune(in_parts, H, sparsity=0.25, damping=0.0)
    second = obs_prune(in_parts, H, sparsity=0.5, damping=0.0)
    third = obs_prune(in_parts, H, sparsity=0.5, damping=0.0)

    assert (len(first.order), len(second.order), len(third.order)) == (2, 2, 0)
    assert third.predicted_change == 0
    np.testing.assert_array_equal(in_parts.mask, at_once.mask)
    # two inverses in place of one with rank-one changes
    np.testing.assert_allclose(in_parts.theta, at_once.theta, rtol=1e-8, atol=1e-10)


def test_on_a_network_it_beats_zeroing_the_same_weights(rng):
    model = Sequential(
        Linear(3, 4, rng=0, dtype=np.float64), ReLU(), Linear(4, 2, rng=1, dtype=np.float64)
    )
    X = rng.normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)
    for _ in range(400):
        _, g = model.loss_and_gradient(X, y, CrossEntropy())
        model.theta -= 0.5 * g
    zeroed = model.astype(np.float64)

    result = obs_prune(model, GaussNewton(model, X, y, CrossEntropy()), 0.3, damping=1e-4)
    zeroed.theta[result.order] = 0.0

    losses = [CrossEntropy().forward(m.predict(X), y) for m in (model, zeroed)]
    assert losses[0] < losses[1]


def test_damping_is_added_to_every_eigenvalue(rng):
    H, _ = quadratic(3, 5)

    inverse = damped_inverse(H, 0.7)

    np.testing.assert_allclose(inverse, np.linalg.inv(H + 0.7 * np.eye(5)), rtol=1e-10)
    np.testing.assert_array_equal(inverse, inverse.T)


def test_a_saddle_is_refused_with_the_damping_it_would_need(rng):
    model, _, _ = linear_problem(rng)
    theta = model.theta.copy()

    with pytest.raises(ArgumentError, match=r"eigenvalue -2, expected all above 0.* above 3"):
        damped_inverse(np.diag([1.0, -3.0]), 1.0)
    with pytest.raises(ArgumentError, match="GaussNewton in place of Hessian"):
        obs_prune(model, -np.eye(10), 0.5)
    np.testing.assert_array_equal(model.theta, theta)
    assert model.mask is None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: obs_prune(m, np.eye(3), 0.5),
            ShapeError,
            r"hessian has shape \(3, 3\), expected",
        ),
        (lambda m: obs_prune(m, np.eye(10), 1.0), ArgumentError, "sparsity is 1.0"),
        (lambda m: obs_prune(m, np.eye(10), 0.5, damping=-1), ArgumentError, "damping is -1"),
        (lambda m: obs_prune(m.layers[0], np.eye(10), 0.5), ArgumentError, "model is Linear"),
        (lambda m: damped_inverse(np.ones((2, 3))), ShapeError, r"\(2, 3\), expected \(P, P\)"),
        (lambda m: damped_inverse([[np.nan]]), ArgumentError, "hessian holds nan or infinity in 1"),
        (
            lambda m: obs_prune(m, np.full((10, 10), np.inf), 0.5),
            ArgumentError,
            "hessian holds nan",
        ),
        (lambda m: obs_saliency([1.0], [[0.0]]), ArgumentError, "H_inv has 0 on its diagonal"),
        (lambda m: obs_saliency([1.0], [[-2.0]]), ArgumentError, "H_inv has -2 on its diagonal"),
        (lambda m: obs_saliency([np.nan], [[1.0]]), ArgumentError, "theta holds nan"),
        (lambda m: obs_update([1.0], [[0.0]], 0), ArgumentError, "H_inv has 0 on its diagonal"),
        (lambda m: obs_update([1.0], [[np.inf]], 0), ArgumentError, "H_inv holds nan or inf"),
        (lambda m: obs_saliency([[1.0]], np.eye(1)), ShapeError, r"theta has shape \(1, 1\)"),
        (lambda m: obs_saliency([1.0], np.eye(2)), ShapeError, "H_inv has shape"),
        (
            lambda m: obs_update([1.0], np.eye(1), 1),
            ArgumentError,
            "q is 1, expected a number from",
        ),
        (lambda m: obs_update([1.0], np.eye(1), -1), ArgumentError, "q is -1"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message, rng):
    model, _, _ = linear_problem(rng)
    theta = model.theta.copy()

    with pytest.raises(error, match=message):
        call(model)
    np.testing.assert_array_equal(model.theta, theta)


def test_the_price_of_a_weight_on_its_own_is_that_of_ablation(rng):
    """Where H is diagonal no other weight can help."""
    model = Sequential(Linear(1, 2, bias=False, dtype=np.float64))
    X, y = np.array([[1.0], [2.0]]), np.array([[1.0, 3.0], [2.0, 6.0]])
    model.theta = [1.0, 3.0]

    saliencies = obs_saliency(model.theta, damped_inverse(Hessian(model, X, y, MSE()), 0.0))

    np.testing.assert_allclose(saliencies, ablation(model, X, y, MSE()), rtol=1e-12)


def test_the_models_of_the_family_can_be_pruned(rng):
    case = MODELS["small cnn"]
    model, (X, y) = case.built(rng), case.data(rng)

    result = obs_prune(model, GaussNewton(model, X, y, CrossEntropy()), 0.5, damping=1e-2)

    assert (model.theta[result.order] == 0).all()
    assert np.isfinite(model.theta).all()
