"""Sequences of losses and scores for `EarlyStopping`, each with what tells mistakes apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from grading.exercises._declaration import Case, HandCase


def inputs(
    patience: int, min_delta: float, mode: str, values: Sequence[float], weights: np.ndarray
) -> dict[str, Any]:
    """Return what the probe runs, one call of ``step`` an epoch, and before it the same to read."""
    return {
        "patience": patience,
        "min_delta": min_delta,
        "mode": mode,
        "values": [float(value) for value in values],
        "build": [patience, min_delta, mode],
        "calls": [
            ["step", float(value), row.copy()] for value, row in zip(values, weights, strict=True)
        ],
    }


def plateaus(rng: np.random.Generator) -> Case:
    """Draw losses with a tie, a rise and a fall above the best, and a pause one epoch too short."""
    patience = int(rng.integers(3, 6))
    a, b, c = np.sort(rng.uniform(0.2, 1.0, size=3))[::-1] + np.array([2.0, 1.0, 0.0])
    pause = [b] + [b + rng.uniform(0.1, 0.5) for _ in range(patience - 2)]  # a tie, and worse
    falling = np.sort(rng.uniform(0.1, 0.9, size=patience - 2))[::-1]  # better than the one before
    end = [c + 0.95, *(c + falling), c]  # a tie in the last epoch of patience
    return _case(rng, patience, 0.0, "min", [a, b, *pause, c, *end])


def small_steps(rng: np.random.Generator) -> Case:
    """Draw losses that creep down, so that only the sum of three steps counts."""
    patience, eighth = int(rng.integers(3, 6)), _eighth(rng)
    best = int(rng.integers(96, 128)) / 32
    crept = best - eighth * np.array([0, 5, 8, 10])  # the third gains exactly min_delta
    creep = np.array([2, 4, 5])[5 - patience :]  # once more, after a rise
    end = crept[-1] - eighth * np.array([-20, *creep, 3])
    return _case(rng, patience, 8 * eighth, "min", [best + 1.0, *crept, *end])


def scores(rng: np.random.Generator) -> Case:
    """Draw negative scores, better when larger, that creep up in the same way."""
    patience, eighth = int(rng.integers(3, 6)), _eighth(rng)
    middle = -int(rng.integers(96, 128)) / 32
    crept = middle + eighth * np.array([0, 5, 8, 10])
    high = crept[-1]
    rising = np.sort(rng.uniform(0.1, 0.9, size=patience - 3))  # better than the one before
    end = [high - 1.0, *(high - 1.0 + rising), *(high + eighth * np.array([5, 3]))]
    return _case(rng, patience, 8 * eighth, "max", [middle - 4.0, *crept, *end])


def best_in_the_middle(rng: np.random.Generator) -> Case:
    """Draw losses whose best, exactly 0, is neither the first nor the last."""
    patience = int(rng.integers(3, 6))
    a, b = np.array([2.0, 1.0]) + np.sort(rng.uniform(0.2, 1.0, size=2))[::-1]
    worse = np.sort(rng.uniform(0.1, 0.9, size=patience))[::-1]  # better than the one before
    return _case(rng, patience, 0.0, "min", [a, a + 0.3, b, 0.0, *worse])


def best_at_once(rng: np.random.Generator) -> Case:
    """Draw large losses that only rise, and end before patience does."""
    patience = int(rng.integers(3, 6))
    first = 10 ** rng.uniform(4, 5)
    rises = np.cumsum(rng.uniform(1.0, 2.0, size=rng.integers(1, patience)))
    return _case(rng, patience, float(rng.uniform(0.05, 0.2)), "min", [first, *(first + rises)])


def _eighth(rng: np.random.Generator) -> float:
    """Draw an eighth of min_delta: with 256ths, a gain of exactly min_delta is exact in floats."""
    return int(rng.integers(3, 9)) / 256


def _case(
    rng: np.random.Generator, patience: int, min_delta: float, mode: str, values: Sequence[float]
) -> Case:
    n_weights = int(rng.integers(2, 5))
    return Case(
        inputs(patience, min_delta, mode, values, rng.normal(size=(len(values), n_weights)))
    )


SLIDE_LOSSES = (0.21, 0.0401, 0.04001, 0.03998, 0.3)
"""The losses of the slides, taken as consecutive epochs."""

_WEIGHTS = np.array([[1.0, 10.0], [2.0, -20.0], [3.0, 7.0], [4.0, 40.0], [5.0, -3.0]])

PATIENCE_HAND = HandCase(
    inputs(1, 0.0, "min", SLIDE_LOSSES, _WEIGHTS),
    {"returned": [False, False, False, False, True]},
)
MIN_DELTA_HAND = HandCase(
    inputs(1, 1e-4, "min", SLIDE_LOSSES[:3], _WEIGHTS[:3]),
    {"returned": [False, False, True], "best": 0.0401},
)
MODE_HAND = HandCase(
    inputs(2, 0.1, "max", (0.5, 0.7, 0.6, 0.75), _WEIGHTS[:4]),
    {
        "returned": [False, False, False, True],
        "best": 0.7,
        "best_epoch": 2,
        "best_weights": np.array([2.0, -20.0]),
    },
)
BEST_HAND = HandCase(
    inputs(1, 0.0, "min", SLIDE_LOSSES, _WEIGHTS),
    {"best": 0.03998, "best_epoch": 4, "best_weights": np.array([4.0, 40.0])},
)
FIRST_HAND = HandCase(
    inputs(2, 0.5, "max", (-2.5,), _WEIGHTS[:1]),
    {"best": -2.5, "best_epoch": 1, "best_weights": np.array([1.0, 10.0])},
)
