"""The forward pass of batch normalization, in training and in evaluation."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Case, Criterion, Exercise, HandCase, Hint
from grading.exercises.u03_gradient_flow.batchnorm_forward_mistakes import MISCONCEPTIONS
from grading.exercises.u03_gradient_flow.turns import turn
from grading.probes import Call


def _inputs(rng: np.random.Generator, training: bool, one_row: bool = False) -> Case:
    n, d = (int(size) for size in rng.choice(np.arange(3, 9), size=2, replace=False))
    n = 1 if one_row else n
    return Case({
        "x": rng.normal(size=(n, d)) * rng.uniform(0.5, 3.0, size=d) + rng.normal(size=d),
        "gamma": rng.uniform(0.5, 2.0, size=d) * rng.choice([-1.0, 1.0], size=d),
        "beta": rng.normal(size=d),
        "running_mean": rng.normal(size=d),
        "running_var": rng.uniform(0.5, 2.0, size=d),
        "training": training,
        # Far from 1/2, so that reversing it shows, and an ε that shows in its place.
        "momentum": float(rng.uniform(0.1, 0.35)),
        "eps": float(rng.uniform(0.1, 0.4)),
    })


def _training_batch(rng: np.random.Generator) -> Case:
    return _inputs(rng, training=True)


def _evaluation_batch(rng: np.random.Generator) -> Case:
    return _inputs(rng, training=False, one_row=turn(rng, 2) == 0)


def batchnorm_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return y (N, d) and the running mean and (unbiased) variance (d,) after this batch."""
    if not training:
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return gamma * x_hat + beta, running_mean.copy(), running_var.copy()
    n = len(x)
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    x_hat = (x - mean) / np.sqrt(var + eps)
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    return gamma * x_hat + beta, new_mean, new_var


def _statistics_chosen_first(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, var = running_mean, running_var
    if training:
        mean, var = np.mean(x, axis=0), np.var(x, axis=0)
        unbiased = np.var(x, axis=0, ddof=1)
        running_mean = running_mean + momentum * (mean - running_mean)
        running_var = running_var + momentum * (unbiased - running_var)
    scale = gamma / (var + eps) ** 0.5
    return x * scale + (beta - mean * scale), running_mean, running_var


def _feature_by_feature(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, d = x.shape
    y = np.empty((n, d))
    means, variances = [], []
    for j in range(d):
        if training:
            mean = sum(x[:, j]) / n
            squares = sum((value - mean) ** 2 for value in x[:, j])
            var = squares / n
            means.append((1 - momentum) * running_mean[j] + momentum * mean)
            variances.append((1 - momentum) * running_var[j] + momentum * squares / (n - 1))
        else:
            mean, var = running_mean[j], running_var[j]
            means.append(mean)
            variances.append(var)
        for i in range(n):
            y[i, j] = gamma[j] * (x[i, j] - mean) / (var + eps) ** 0.5 + beta[j]
    return y, np.array(means), np.array(variances)


# Column 1: mean 3, deviations ±1, biased variance 1, with ε = 3 a root of 2, unbiased 4/3.
# Column 2: mean 0, deviations ±5 and ±1, variance 13, with ε a root of 4, unbiased 52/3.
# Column 3: mean −2, deviations 1, 1, −1, −1.
_X = np.array([[4.0, 5.0, -1.0], [2.0, -5.0, -1.0], [4.0, 1.0, -3.0], [2.0, -1.0, -3.0]])
_HAND = {
    "x": _X,
    "gamma": np.array([2.0, 4.0, 6.0]),
    "beta": np.array([10.0, 0.0, -1.0]),
    "running_mean": np.array([1.0, 2.0, 0.0]),
    "running_var": np.array([1.0, 13.0, 6.0]),
    "momentum": 0.25,
    "eps": 3.0,
}
_TRAINING_HAND = HandCase(
    {**_HAND, "training": True},
    {
        "y": np.array([[11.0, 5.0, 2.0], [9.0, -5.0, 2.0], [11.0, 1.0, -4.0], [9.0, -1.0, -4.0]]),
        "running_mean": np.array([1.5, 1.5, -0.5]),
        "running_var": np.array([13 / 12, 169 / 12, 29 / 6]),
    },
)
# Roots of 1 + 3, 13 + 3 and 6 + 3: 2, 4 and 3.
_EVALUATION_HAND = HandCase(
    {**_HAND, "training": False},
    {
        "y": np.array([
            [13.0, 3.0, -3.0], [11.0, -7.0, -3.0], [13.0, -1.0, -7.0], [11.0, -3.0, -7.0],
        ]),
        "running_mean": np.array([1.0, 2.0, 0.0]),
        "running_var": np.array([1.0, 13.0, 6.0]),
    },
)  # fmt: skip

BATCHNORM_FORWARD = Exercise(
    id="batchnorm_forward",
    unit="03",
    tier="core",
    title="Batch normalization, forward",
    minutes=18,
    difficulty=3,
    probe=Call(returns=("y", "running_mean", "running_var")),
    cases=_training_batch,
    criteria=(
        Criterion("training", 2, ("y",), _TRAINING_HAND),
        Criterion("running_statistics", 2, ("running_mean", "running_var"), _TRAINING_HAND),
        Criterion(
            "evaluation",
            2,
            ("y", "running_mean", "running_var"),
            _EVALUATION_HAND,
            draw=_evaluation_batch,
        ),
    ),
    reference=batchnorm_forward,
    alternatives=(_statistics_chosen_first, _feature_by_feature),
    misconceptions=MISCONCEPTIONS,
    hints=(
        Hint(
            "y is wrong in training",
            "In training mean and variance are those of this batch: one number for each feature, "
            "so the mean runs over the rows, `axis=0`. `x.var(axis=0)` divides by N, as the text "
            "asks. ε stands under the root, beside the variance. γ and β come last.",
            ("training",),
        ),
        Hint(
            "running_mean or running_var is wrong",
            "Both move a little from the old value toward that of the batch: with momentum 0 they "
            "would stay, with momentum 1 take the batch's. For the variance look again between the "
            "triple quotes: by what is the sum of squares divided there? Make new arrays, with "
            "`=`, not with `+=`.",
            ("running_statistics",),
        ),
        Hint(
            "The evaluation is wrong",
            "In evaluation the batch is not asked at all: the given running mean and variance "
            "normalize it, and come back as they are. A batch of one row must work. γ and β act "
            "as in training.",
            ("evaluation",),
        ),
    ),
    solution_note=(
        "In training, for each feature, over the N rows of the batch:\n"
        "    μ = mean x      σ² = mean (x − μ)²      x̂ = (x − μ) / √(σ² + ε)      y = γ x̂ + β\n"
        "    running_mean ← (1 − m) running_mean + m μ\n"
        "    running_var  ← (1 − m) running_var  + m σ² N / (N − 1)\n"
        "In evaluation the running values take the places of μ and σ², and stay.\n"
        "The batch is what it is: its biased variance makes mean(x̂²) = 1 up to ε. The running\n"
        "variance estimates that of all data, and σ², averaged over many batches, is too small by\n"
        "the factor (N − 1)/N: hence N / (N − 1), as in PyTorch and nnlib."
    ),
)
