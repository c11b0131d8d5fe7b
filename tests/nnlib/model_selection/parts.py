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
