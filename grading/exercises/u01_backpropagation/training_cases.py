"""What `train_mlp` is tried on: three steps of a small network, and a whole training on digits.

The held-out digits stay here: they are in no input that the learner's function sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from grading.exercises._declaration import Case, HandCase
from nnlib._array import Array, IntArray

_N_HIDDEN = 32
_PLAN = ((64, 6), (337, 4))
"""(rows a batch, epochs): larger batches at the end quiet the noise, so the result is steady."""
_LEARNING_RATE = 0.8
_WANTED = 0.95


@cache
def _digits() -> tuple[Array, IntArray, Array, IntArray]:
    """Return training and held-out digits; every fourth row is held out."""
    from nnlib import datasets  # read when the first check needs it

    digits = datasets.load("digits")
    X, targets = np.asarray(digits.X, dtype=np.float64), np.asarray(digits.y)
    held_out = np.arange(len(X)) % 4 == 0
    return X[~held_out], targets[~held_out], X[held_out], targets[held_out]


def first_steps(rng: np.random.Generator) -> Case:
    """Draw a small network and three batches of different sizes."""
    d, h, k = (int(size) for size in rng.choice(np.arange(3, 8), size=3, replace=False))
    sizes = rng.choice(np.arange(2, 7), size=3, replace=False)
    n = int(sizes.sum())
    return Case({
        "X": rng.normal(size=(n, d)),
        "targets": rng.integers(k, size=n),
        "W1": rng.normal(size=(d, h)),
        "b1": rng.normal(size=h),
        "W2": rng.normal(size=(h, k)),
        "b2": rng.normal(size=k),
        "batches": np.split(rng.permutation(n), np.cumsum(sizes)[:-1]),
        "lr": 0.7,
    })


def training_run(rng: np.random.Generator) -> Case:
    """Draw initial weights and the batches of a whole training on digits."""
    X, targets, _, _ = _digits()
    d, k = X.shape[1], 10
    batches: list[np.ndarray] = []
    for batch_size, epochs in _PLAN:
        for _ in range(epochs):
            batches += np.array_split(rng.permutation(len(X)), len(X) // batch_size)
    return Case({
        "X": X,
        "targets": targets,
        "W1": rng.normal(size=(d, _N_HIDDEN)) * np.sqrt(2 / d),
        "b1": np.zeros(_N_HIDDEN),
        "W2": rng.normal(size=(_N_HIDDEN, k)) * np.sqrt(2 / _N_HIDDEN),
        "b2": np.zeros(k),
        "batches": batches,
        "lr": _LEARNING_RATE,
    })


def held_out_accuracy(weights: Mapping[str, Any]) -> float | None:
    """Return the share of held-out digits that W1, b1, W2, b2 classify right; None if misshapen."""
    _, _, X, targets = _digits()
    shapes = {"W1": (64, _N_HIDDEN), "b1": (_N_HIDDEN,), "W2": (_N_HIDDEN, 10), "b2": (10,)}
    for name, shape in shapes.items():
        array = weights.get(name)
        if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype.kind != "f":
            return None
    with np.errstate(all="ignore"):  # weights that grew beyond all bounds are simply wrong
        hidden = np.maximum(X @ weights["W1"] + weights["b1"], 0)
        z = hidden @ weights["W2"] + weights["b2"]
        right = (np.argmax(z, axis=1) == targets) & np.isfinite(z).all(axis=1)
    return float(right.mean())


def too_few_right(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    """Say how many held-out digits are right, if too few are."""
    if inputs["X"].shape[1] != 64:
        return None  # the hand example is no picture of a digit
    accuracy = held_out_accuracy(outputs)
    if accuracy is None:
        return "W1, b1, W2 and b2 must come back with the shapes in which they were given."
    if accuracy >= _WANTED:
        return None
    return (
        f"{accuracy:.1%} of the held-out digits are right after training, expected at least "
        f"{_WANTED:.0%}."
    )


# One hidden unit, closed for row 1, which comes first: only b2 moves, to (−1, 3, −1, −1) ln 2.
# Then row 0: h = 1, logits (−1, 4, 1, −1) ln 2, so p = (1, 32, 4, 1)/38 with target 2.
_LN2 = np.log(2)
_SECOND = np.array([1.0, 32.0, -34.0, 1.0]) / 38 * 4 * _LN2
_HIDDEN_STEP = 72 / 19 * _LN2**2
HAND = HandCase(
    {
        "X": np.array([[1.0, 2.0, 3.0], [2.0, 1.0, -1.0]]),
        "targets": np.array([2, 1]),
        "W1": np.array([[1.0], [-1.0], [1.0]]),
        "b1": np.array([-1.0]),
        "W2": np.array([[0.0, _LN2, 2 * _LN2, 0.0]]),
        "b2": np.zeros(4),
        "batches": [np.array([1]), np.array([0])],
        "lr": 4 * _LN2,
    },
    {
        "W1": np.array([[1.0], [-1.0], [1.0]]) + _HIDDEN_STEP * np.array([[1.0], [2.0], [3.0]]),
        "b1": np.array([-1.0 + _HIDDEN_STEP]),
        "W2": np.array([[0.0, _LN2, 2 * _LN2, 0.0]]) - _SECOND,
        "b2": np.array([-1.0, 3.0, -1.0, -1.0]) * _LN2 - _SECOND,
    },
)
