"""True and empirical Fisher are on one scale: the mean of one over all targets is the other."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from nnlib.curvature import Fisher, per_sample_gradients
from nnlib.layers import Sequential, Tanh
from nnlib.losses import MSE, BinaryCrossEntropy, CrossEntropy, Loss
from tests.nnlib.curvature.cases import linear

SIGMA = np.sqrt(0.5)
"""Standard deviation of the normal distribution whose negative log-likelihood MSE is."""

EVERY_LOSS = {
    "mse": (MSE(), (3, 4), 2),
    "mse_of_one_output": (MSE(), (3, 4), 1),
    "mse_of_sequences": (MSE(), (2, 2, 4), 2),
    "binary_cross_entropy": (BinaryCrossEntropy(), (3, 4), 3),
    "binary_cross_entropy_of_sequences": (BinaryCrossEntropy(), (2, 2, 4), 2),
    "cross_entropy": (CrossEntropy(), (3, 4), 3),
    "cross_entropy_of_sequences": (CrossEntropy(), (2, 3, 4), 2),
}

every_loss = pytest.mark.parametrize("name", EVERY_LOSS)


def setting(name: str, rng) -> tuple[Sequential, np.ndarray, Loss]:
    loss, x_shape, n_outputs = EVERY_LOSS[name]
    model = Sequential(linear(4, 3), Tanh(), linear(3, n_outputs))
    model.theta = 0.7 * rng.normal(size=model.theta.size)
    return model, rng.normal(size=x_shape), loss


def all_targets(loss: Loss, z: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """List the targets of one row, of shape (1, ...), with their probabilities.

    The gradients of MSE are linear in the target, so one standard deviation to both sides of each
    output gives their second moment exactly.
    """
    if isinstance(loss, CrossEntropy):
        p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
        steps, shape = p.reshape(-1, p.shape[-1]), z.shape[:-1]
        choices = [list(enumerate(step)) for step in steps]
    else:
        flat, shape = z.ravel(), z.shape
        if isinstance(loss, BinaryCrossEntropy):
            choices = [[(1.0, s), (0.0, 1 - s)] for s in 1 / (1 + np.exp(-flat))]
        else:
            choices = [[(m - SIGMA, 0.5), (m + SIGMA, 0.5)] for m in flat]
    return [
        (float(np.prod([p for _, p in each])), np.array([t for t, _ in each]).reshape(shape))
        for each in product(*choices)
    ]


@every_loss
def test_the_mean_of_the_empirical_one_over_the_models_targets_is_the_true_one(name, rng):
    model, X, loss = setting(name, rng)
    z = model.forward(X)
    y = np.concatenate([all_targets(loss, z[n : n + 1])[0][1] for n in range(len(X))])

    expected = sum(
        p * Fisher(model, X[n : n + 1], t, loss, kind="empirical").dense() / len(X)
        for n in range(len(X))
        for p, t in all_targets(loss, z[n : n + 1])
    )

    # Both sides in float64, whose rounding is near 1e-15.
    np.testing.assert_allclose(Fisher(model, X, y, loss).dense(), expected, rtol=1e-9, atol=1e-12)


@every_loss
@pytest.mark.parametrize("kept", [2**24, 1])
def test_the_formula_holds_as_printed(name, kept, rng, monkeypatch):
    """g_n is the gradient of the sum of a row's terms, and there are N m of them."""
    model, X, loss = setting(name, rng)
    z = model.forward(X)
    y = np.concatenate([all_targets(loss, z[n : n + 1])[-1][1] for n in range(len(X))])
    m = z[0].size // (z.shape[-1] if isinstance(loss, CrossEntropy) else 1)
    G = m * per_sample_gradients(model, X, y, loss)
    monkeypatch.setattr("nnlib.curvature.fisher.KEPT_NUMBERS", kept)

    F = Fisher(model, X, y, loss, kind="empirical")

    expected, v = G.T @ G / (len(X) * m), rng.normal(size=model.theta.size)
    np.testing.assert_allclose(F.dense(), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(F.diagonal(), np.diag(expected), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(F @ v, expected @ v, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["mse", "binary_cross_entropy", "cross_entropy_of_sequences"])
def test_targets_drawn_at_random_agree(name, rng):
    """Monte Carlo: the trace over drawn targets is within five standard errors."""
    model, X, loss = setting(name, rng)
    z = model.forward(X)
    traces = []
    for _ in range(400):
        if isinstance(loss, MSE):
            y = z + SIGMA * rng.normal(size=z.shape)
        elif isinstance(loss, BinaryCrossEntropy):
            y = (rng.random(z.shape) < 1 / (1 + np.exp(-z))).astype(float)
        else:
            y = (z + rng.gumbel(size=z.shape)).argmax(axis=-1)  # a draw from softmax(z)
        traces.append(np.trace(Fisher(model, X, y, loss, kind="empirical").dense()))

    error = np.std(traces) / np.sqrt(len(traces))
    assert abs(np.mean(traces) - np.trace(Fisher(model, X, y, loss).dense())) < 5 * error
