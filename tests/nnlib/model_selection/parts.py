"""Small parts for cross-validation, at the top of a module so that processes can load them."""

from __future__ import annotations

import numpy as np

from nnlib import SGD, CrossEntropy, Linear, ReLU, Sequential
from nnlib.optimizers import Adam


def build(rng: np.random.Generator) -> Sequential:
    """Return a small classifier in float64."""
    return Sequential(
        Linear(3, 5, rng=rng, dtype=np.float64), ReLU(), Linear(5, 2, rng=rng, dtype=np.float64)
    )


def sgd(model: Sequential) -> SGD:
    """Return gradient descent with everything that is elementwise."""
    return SGD(model, lr=0.1, momentum=0.9, weight_decay=0.01)


def adam(model: Sequential) -> Adam:
    """Return Adam."""
    return Adam(model, lr=0.01)


def two_clouds(n: int, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of two overlapping classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return rng.normal(size=(n, 3)) + y[:, np.newaxis], y


def common(**changes: object) -> dict[str, object]:
    """Return arguments that most tests share."""
    return {
        "build": build, "optimizer": sgd, "loss": CrossEntropy(), "epochs": 3, "batch_size": 8,
    } | changes  # fmt: skip


SAME = 1e-10  # relative; float64 sums in another order, over some tens of steps


def same_results(one, two, *, exactly: bool) -> None:
    """Assert that two cross-validations gave the same."""
    tolerance = {"rtol": 0, "atol": 0} if exactly else {"rtol": SAME, "atol": 1e-12}
    assert one.scores.keys() == two.scores.keys()
    for name, values in one.scores.items():
        np.testing.assert_allclose(values, two.scores[name], **tolerance)
    for a, b in zip(one.models, two.models, strict=True):
        np.testing.assert_allclose(a.theta, b.theta, **tolerance)
    for a, b in zip(one.splits, two.splits, strict=True):
        np.testing.assert_array_equal(a[1], b[1])
