"""Of a pruned model the curvature is that of what may still move."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib.curvature import (
    Fisher,
    GaussNewton,
    Hessian,
    hessian_vector_product,
    largest_stable_rate,
    sharpness,
)
from nnlib.layers import Linear, Sequential, Tanh
from nnlib.layers.layernorm import LayerNorm
from nnlib.losses import MSE, CrossEntropy
from nnlib.optimizers import SGD
from nnlib.regularizers import L2
from tests.nnlib.curvature.cases import linear

KINDS = {
    "hessian": Hessian,
    "gauss_newton": GaussNewton,
    "true_fisher": Fisher,
    "empirical_fisher": lambda *args, **kwargs: Fisher(*args, kind="empirical", **kwargs),
}


def pruned(rng, *between) -> tuple[Sequential, np.ndarray, np.ndarray, np.ndarray]:
    model = Sequential(linear(4, 3), Tanh(), *between, linear(3, 2))
    model.theta = rng.normal(size=model.theta.size)
    mask = rng.random(model.theta.size) < 0.6
    model.mask = mask
    return model, rng.normal(size=(7, 4)), rng.integers(0, 2, 7), mask


@pytest.mark.parametrize("between", ["plain", "layer_norm"])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_and_columns_of_pruned_parameters_are_zero(kind, between, rng):
    layers = [LayerNorm(3, dtype=np.float64)] if between == "layer_norm" else []
    model, X, y, mask = pruned(rng, *layers)
    A = KINDS[kind](model, X, y, CrossEntropy(), penalty=L2(0.3))
    model.mask[...] = True  # the operator stays what it was
    model.mask = None  # at the same parameters
    whole = KINDS[kind](model, X, y, CrossEntropy(), penalty=L2(0.3)).dense()

    expected, V = whole * np.outer(mask, mask), rng.normal(size=(3, len(whole)))
    same = {"rtol": 1e-9, "atol": 1e-12}  # both sides in float64, whose rounding is near 1e-15
    np.testing.assert_allclose(A.dense(), expected, **same)
    np.testing.assert_allclose(A.diagonal(), np.diag(expected), **same)
    np.testing.assert_allclose(A @ V[0], expected @ V[0], **same)
    np.testing.assert_allclose(A.products(V), V @ expected, **same)
    assert np.abs(whole - expected).max() > 0.01


def test_a_single_product_agrees(rng):
    model, X, y, mask = pruned(rng)
    v = rng.normal(size=mask.size)

    Hv = hessian_vector_product(model, X, y, CrossEntropy(), v)

    np.testing.assert_array_equal(Hv[~mask], 0.0)
    np.testing.assert_allclose(Hv, Hessian(model, X, y, CrossEntropy()) @ v, rtol=1e-12)


def test_the_stable_rate_is_that_of_training_with_the_mask(rng):
    """Three inputs, of which the largest is pruned: it limits the rate no more."""
    X, y = np.diag([9.0, 2.0, 1.0]), np.ones((3, 1))

    def loss_after(factor: float) -> float:
        model = Sequential(Linear(3, 1, bias=False, rng=0, dtype=np.float64))
        model.mask = [False, True, True]
        rate = largest_stable_rate(Hessian(model, X, y, MSE()), rng=0)
        assert rate == pytest.approx(2 / (2 * 4 / 3), rel=1e-9)
        optimizer = SGD(model, lr=factor * rate)
        for _ in range(200):
            model.loss_and_gradient(X, y, MSE())
            optimizer.step()
        return MSE().forward(model.forward(X), y)

    assert loss_after(0.95) < 1.0
    assert loss_after(1.05) > 1e6  # the factor of a step is 1.1, and 1.1⁴⁰⁰ is 10¹⁶


def test_sharpness_climbs_only_where_the_model_may_go():
    """L = mean (x·w)²: eigenvalues 2 xᵢ²/N, and the ball rises by ρ² λ/2 of those that are left."""
    model = Linear(3, 1, bias=False, dtype=np.float64)
    model.W = 0.0
    model.mask = [False, True, True]
    X = np.diag([3.0, 2.0, 1.0])

    found = sharpness(model, X, np.ones((3, 1)) * 0.0, MSE(), rho=0.1, n_probes=4, rng=0)

    assert found.largest_eigenvalue == pytest.approx(8 / 3, rel=1e-9)
    assert found.trace == pytest.approx((8 + 2) / 3, rel=1e-12)
    assert found.ball_increase == pytest.approx(0.1**2 * 4 / 3, rel=1e-6)


def test_sharpness_spends_no_step_on_what_is_pruned():
    """L = ((5 w₁ + w₂)² + 9 w₃²) / 2 at w₂ = 1, without w₁: its gradient points along w₂ alone."""
    model = Linear(3, 1, bias=False, dtype=np.float64)
    model.W = [[0.0], [1.0], [0.0]]
    model.mask = [False, True, True]
    X = [[5.0, 1.0, 0.0], [0.0, 0.0, 3.0]]

    found = sharpness(model, X, [[0.0], [0.0]], MSE(), rho=0.1, n_steps=0, n_probes=2, rng=0)

    assert found.largest_eigenvalue == pytest.approx(9.0, rel=1e-9)
    assert found.ball_increase == pytest.approx((1.1**2 - 1.0) / 2, rel=1e-9)
