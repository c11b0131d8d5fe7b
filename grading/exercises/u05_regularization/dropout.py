"""Dropout, forward: drop numbers in training, do nothing afterwards."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Case, Criterion, Exercise, HandCase, Hint
from grading.exercises.u05_regularization.dropout_mistakes import MISCONCEPTIONS
from grading.probes import Call


def _case(rng: np.random.Generator, *, training: bool) -> Case:
    """Draw numbers, two of them 0, a rate clear of one half, and a u on the boundary."""
    n, d = rng.choice(np.arange(4, 9), size=2, replace=False)
    low, high = ((0.15, 0.4), (0.6, 0.85))[int(rng.integers(2))]
    rate = float(rng.uniform(low, high))
    u = rng.uniform(size=n * d)
    u[:5] = [0.5 * rate, 0.9 * rate, rate, rate + 0.1 * (1 - rate), rate + 0.7 * (1 - rate)]
    if np.sum(u < rate) == round(rate * u.size):  # the share that is drawn is not the rate
        u[-1] = 0.5 * rate if u[-1] >= rate else 0.5 + 0.5 * rate
    x = rng.uniform(0.2, 2.0, size=n * d) * rng.choice([-1.0, 1.0], size=n * d)
    x[[0, 4]] = 0.0  # one that is dropped and one that is kept
    mixed = rng.permutation(n * d)
    return Case({
        "x": x[mixed].reshape(n, d),
        "u": u[mixed].reshape(n, d),
        "rate": rate,
        "training": training,
    })


def _training(rng: np.random.Generator) -> Case:
    return _case(rng, training=True)


def _evaluation(rng: np.random.Generator) -> Case:
    return _case(rng, training=False)


def dropout_forward(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return y and kept, both shaped like x; kept is True where u >= rate."""
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = u >= rate
    y = x * kept / (1 - rate)
    return y, kept


def _by_where(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    kept = (u >= rate) | (not training)
    scale = 1 / (1 - rate) if training else 1.0
    return np.where(kept, scale * x, 0.0), kept


def _number_by_number(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    y, kept = np.array(x, dtype=float), np.full(x.shape, True)
    if training:
        for place in np.ndindex(x.shape):
            if u[place] < rate:
                y[place], kept[place] = 0.0, False
            else:
                y[place] = x[place] / (1.0 - rate)
    return y, kept


_TRAINING_HAND = HandCase(
    {
        "x": np.array([[1.0, 2.0, -3.0], [4.0, -5.0, 6.0]]),
        "u": np.array([[0.10, 0.60, 0.25], [0.90, 0.20, 0.30]]),
        "rate": 0.25,
        "training": True,
    },
    {
        "y": np.array([[0.0, 8.0, -12.0], [16.0, 0.0, 24.0]]) / 3,
        "kept": np.array([[False, True, True], [True, False, True]]),
    },
)
_EVALUATION_HAND = HandCase(
    {
        "x": np.array([[1.0, 2.0, -3.0], [4.0, -5.0, 6.0]]),
        "u": np.array([[0.10, 0.60, 0.25], [0.90, 0.20, 0.30]]),
        "rate": 0.25,
        "training": False,
    },
    {
        "y": np.array([[1.0, 2.0, -3.0], [4.0, -5.0, 6.0]]),
        "kept": np.array([[True, True, True], [True, True, True]]),
    },
)

DROPOUT_FORWARD = Exercise(
    id="dropout_forward",
    unit="05",
    tier="core",
    title="Dropout, forward",
    minutes=10,
    difficulty=2,
    probe=Call(returns=("y", "kept")),
    cases=_training,
    criteria=(
        Criterion("kept", 1, ("kept",), _TRAINING_HAND),
        Criterion("y in training", 2, ("y",), _TRAINING_HAND),
        Criterion("evaluation", 1, ("y", "kept"), _EVALUATION_HAND, draw=_evaluation),
    ),
    reference=dropout_forward,
    alternatives=(_by_where, _number_by_number),
    misconceptions=MISCONCEPTIONS,
    hints=(
        Hint(
            "I do not know where to begin, or the shapes do not fit",
            "Comparing an array with a number works entry by entry and gives True and False in "
            "the same shape. Which comparison of `u` with `rate` is true where an entry is kept? "
            "True multiplies as 1, False as 0. If `training` is False there is nothing to "
            "compare: `np.ones(x.shape, dtype=bool)` lets everything through.",
            (),
            ("problem", "type", "shape", "inputs"),
        ),
        Hint(
            "The zeros are in the right places, but the other numbers are off",
            "Imagine that x is 1 everywhere and rate 0.25. Of 100 numbers 75 are kept. Their "
            "sum was 100 before and should be 100 again, so each of them must become … ? Write it "
            "with 1 and rate.",
            ("y in training",),
        ),
        Hint(
            "Zeros stand in the wrong places, or evaluation fails",
            "Take the rule word by word: dropped if u < rate, so kept otherwise, the equal case "
            "included. That is for training. In evaluation the layer hands on x as it is, and "
            "`kept` is True everywhere.",
            ("kept", "evaluation"),
        ),
    ),
    solution_note=(
        "A number is kept with probability 1 − rate. If what is kept is divided by that,\n"
        "    E[y] = (1 − rate) · x / (1 − rate) + rate · 0 = x\n"
        "so the layer behind receives the same on average, and evaluation can leave x alone\n"
        '("inverted" dropout). The variance is not the same: Var[y] = x² rate / (1 − rate).\n'
        "The rate is an expectation. In one draw the share that is kept differs, and nothing is\n"
        "corrected for that: a row's output must not depend on the other rows."
    ),
)
