from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize

from nnlib.errors import ArgumentError, DtypeError
from nnlib.layers import Linear, Sequential
from nnlib.optimizers import SGD
from nnlib.regularizers import L1, L2, ElasticNet, Penalty, soft_threshold

PENALTIES = [L1(0.3), L2(0.2), ElasticNet(0.3, 0.2), ElasticNet(0.0, 0.0)]
each = pytest.mark.parametrize("penalty", PENALTIES, ids=repr)

MASK = np.array([True, True, False, True, False])


def in_torch(penalty: ElasticNet, theta: torch.Tensor) -> torch.Tensor:
    w = theta[..., torch.tensor(MASK)]
    return penalty.l1 * w.abs().sum() + penalty.l2 * (w**2).sum()


@each
@pytest.mark.parametrize("shape", [(5,), (3, 5)])
def test_value_and_gradient_equal_those_of_torch(penalty, shape, rng):
    theta, grad = rng.normal(size=shape), rng.normal(size=shape)
    there = torch.tensor(theta, requires_grad=True)
    expected = in_torch(penalty, there)
    expected.backward()
    before = theta.copy()
    total = grad + there.grad.numpy()

    value = penalty.value(theta, MASK)
    penalty.gradient(theta, grad, MASK)

    assert value == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(grad, total, rtol=1e-12)
    np.testing.assert_array_equal(theta, before)


@each
def test_the_hessian_is_the_derivative_of_the_gradient(penalty, rng):
    theta, h = rng.normal(size=5), 1e-4
    up, down = np.zeros(5), np.zeros(5)
    penalty.gradient(theta + h, up, MASK)
    penalty.gradient(theta - h, down, MASK)

    # Piecewise linear, so a difference is exact to rounding.
    expected = (up - down) / (2 * h)
    np.testing.assert_allclose(penalty.hessian_diagonal(theta, MASK), expected, atol=1e-9)


def test_the_slope_at_zero_is_zero():
    grad = np.zeros(3)

    L1(0.5).gradient(np.array([0.0, -0.0, 2.0]), grad, np.ones(3, bool))

    assert grad.tolist() == [0.0, 0.0, 0.5]


def test_biases_are_spared():
    model = Sequential(Linear(2, 2, dtype=np.float64))
    model.theta = 10.0
    model.grad = 0.0

    ElasticNet(1.0, 1.0).gradient(model.theta, model.grad, model.decay_mask)
    L1(1.0, proximal=True).prox(model.theta, 0.5, model.decay_mask)

    assert model.layers[0].db.tolist() == [0.0, 0.0]
    assert (model.layers[0].dW == 21).all()
    assert model.layers[0].b.tolist() == [10.0, 10.0]
    np.testing.assert_array_equal(model.layers[0].W, 9.5)


def test_proximal_l1_leaves_the_gradient_to_the_rest(rng):
    theta, grad = rng.normal(size=5), np.zeros(5)

    L1(0.3, proximal=True).gradient(theta, grad, MASK)
    assert not grad.any()

    ElasticNet(0.3, 0.2, proximal=True).gradient(theta, grad, MASK)
    np.testing.assert_allclose(grad, 0.4 * theta * MASK)
    assert L1(0.3, proximal=True).value(theta, MASK) == L1(0.3).value(theta, MASK)


@each
def test_without_proximal_the_step_is_followed_by_nothing(penalty, rng):
    theta = rng.normal(size=5)
    before = theta.copy()

    penalty.prox(theta, 0.1, MASK)

    np.testing.assert_array_equal(theta, before)


def test_folds_are_shrunk_like_single_vectors(rng):
    theta = rng.normal(size=(3, 5))
    expected = np.where(MASK, np.sign(theta) * np.maximum(np.abs(theta) - 0.06, 0), theta)

    L1(0.3, proximal=True).prox(theta, 0.2, MASK)

    np.testing.assert_allclose(theta, expected, rtol=1e-14)


@settings(deadline=None, max_examples=50)
@given(
    arrays(np.float64, st.integers(0, 8), elements=st.floats(-1e3, 1e3)),
    st.floats(0, 1e3),
)
def test_soft_thresholding_follows_its_cases(w, threshold):
    before = w.copy()
    expected = [
        x - threshold if x > threshold else x + threshold if x < -threshold else 0.0 for x in w
    ]

    u = soft_threshold(w, threshold)

    np.testing.assert_array_equal(u, expected)
    np.testing.assert_array_equal(w, before)


@pytest.mark.parametrize("w", [-2.0, -0.3, 0.1, 1.7])
def test_soft_thresholding_minimizes_what_it_says(w):
    found = optimize.minimize_scalar(
        lambda u: float(0.5 * (u - w) ** 2 + 0.5 * abs(u)), bounds=(-3, 3), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip

    # The minimizer is found to the root of the rounding unit.
    assert soft_threshold([w], 0.5)[0] == pytest.approx(found.x, abs=1e-6)


def test_the_proximal_step_finds_the_lasso_and_its_exact_zeros(rng):
    """Proximal gradient descent against the conditions of optimality (KKT)."""
    X = rng.normal(size=(60, 8))
    y = X[:, :2] @ [2.0, -1.0] + 0.1 * rng.normal(size=60)
    layer = Linear(8, 1, bias=False, dtype=np.float64, rng=0)
    optimizer, penalty = SGD(layer, lr=0.1), L1(0.2, proximal=True)

    for _ in range(2000):
        layer.grad = 2 * X.T @ (X @ layer.theta - y) / 60
        optimizer.step()
        penalty.prox(layer.theta, optimizer.lr, layer.decay_mask)

    slope = 2 * X.T @ (X @ layer.theta - y) / 60
    zero = layer.theta == 0
    assert zero.tolist() == [False] * 2 + [True] * 6
    assert (np.abs(slope[zero]) <= 0.2).all()
    np.testing.assert_allclose(slope[~zero], -0.2 * np.sign(layer.theta[~zero]), atol=1e-10)


def test_under_sgd_the_square_is_weight_decay_of_twice_its_strength(rng):
    with_penalty, with_decay = (Linear(3, 2, rng=4, dtype=np.float64) for _ in range(2))
    plain, decaying = SGD(with_penalty, lr=0.1), SGD(with_decay, lr=0.1, weight_decay=0.6)

    for _ in range(5):
        grad = rng.normal(size=8)
        with_penalty.grad, with_decay.grad = grad, grad
        L2(0.3).gradient(with_penalty.theta, with_penalty.grad, with_penalty.decay_mask)
        plain.step()
        decaying.step()

    np.testing.assert_allclose(with_penalty.theta, with_decay.theta, rtol=1e-12)


@pytest.mark.parametrize(
    "penalty", [L1(0.1), L1(0.1, proximal=True), L2(0.1), ElasticNet(0.1, 0.1, proximal=True)]
)
def test_float32_stays_float32(penalty):
    theta, grad, mask = np.ones(3, np.float32), np.zeros(3, np.float32), np.ones(3, bool)

    penalty.gradient(theta, grad, mask)
    penalty.prox(theta, np.float64(0.1), mask)

    assert theta.dtype == grad.dtype == np.float32
    assert penalty.hessian_diagonal(theta, mask).dtype == np.float32
    assert soft_threshold(theta, 0.1).dtype == np.float32


def test_a_penalty_of_ones_own_needs_value_and_gradient_only():
    class Bump(Penalty):
        def value(self, theta, decay_mask):
            return float(np.cos(theta * decay_mask).sum())

        def gradient(self, theta, grad, decay_mask):
            grad -= np.sin(theta) * decay_mask

    theta = np.ones(3)
    Bump().prox(theta, 0.1, np.ones(3, bool))

    assert theta.tolist() == [1.0, 1.0, 1.0]
    assert not Bump().hessian_diagonal(theta, np.ones(3, bool)).any()


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: L1(-0.1), "L1: strength is -0.1"),
        (lambda: L2("0.1"), "L2: strength is '0.1'"),
        (lambda: ElasticNet(l1=np.nan), "ElasticNet: l1 is nan"),
        (lambda: ElasticNet(l2=-1), "ElasticNet: l2 is -1"),
        (lambda: L1(0.1, proximal=1), "proximal is 1, expected True or False"),
        (lambda: soft_threshold([1.0], -1.0), "threshold is -1.0"),
    ],
)
def test_values_out_of_range_are_refused(make, match):
    with pytest.raises(ArgumentError, match=match):
        make()


def test_words_have_no_threshold():
    with pytest.raises(DtypeError, match="expected real numbers"):
        soft_threshold(["a"], 1.0)


@pytest.mark.parametrize(
    ("penalty", "text"),
    [
        (L1(0.1), "L1(0.1)"),
        (L1(0.1, proximal=True), "L1(0.1, proximal=True)"),
        (L2(1e-3), "L2(0.001)"),
        (ElasticNet(0.1, 0.2, proximal=True), "ElasticNet(l1=0.1, l2=0.2, proximal=True)"),
    ],
)
def test_the_text_form_is_what_one_would_write(penalty, text):
    assert repr(penalty) == text
