"""Known wrong answers to `batchnorm_forward`."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _running_in_training(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not training:
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return gamma * x_hat + beta, running_mean.copy(), running_var.copy()
    n, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
    y = gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    return y, new_mean, new_var


def _new_running_in_training(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not training:
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return gamma * x_hat + beta, running_mean.copy(), running_var.copy()
    n, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    y = gamma * (x - new_mean) / np.sqrt(new_var + eps) + beta
    return y, new_mean, new_var


def _batch_in_evaluation(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    if not training:
        return y, running_mean.copy(), running_var.copy()
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    return y, new_mean, new_var


def _updated_in_evaluation(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    if not training:
        mean, var = running_mean, running_var
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    return y, new_mean, new_var


def _flag_ignored(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,  # ruff: ignore[unused-function-argument]  the mistake
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    return y, new_mean, new_var


def _momentum_reversed(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not training:
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return gamma * x_hat + beta, running_mean.copy(), running_var.copy()
    n, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    new_mean = momentum * running_mean + (1 - momentum) * mean
    new_var = momentum * running_var + (1 - momentum) * var * n / (n - 1)
    return y, new_mean, new_var


def _running_variance_biased(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not training:
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return gamma * x_hat + beta, running_mean.copy(), running_var.copy()
    mean, var = x.mean(axis=0), x.var(axis=0)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var
    return y, new_mean, new_var


def _normalized_with_unbiased(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not training:
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return gamma * x_hat + beta, running_mean.copy(), running_var.copy()
    mean, var = x.mean(axis=0), x.var(axis=0, ddof=1)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var
    return y, new_mean, new_var


def _epsilon_outside_root(
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
    new_mean, new_var = running_mean.copy(), running_var.copy()
    if training:
        n, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
        new_mean = (1 - momentum) * running_mean + momentum * mean
        new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    y = gamma * (x - mean) / (np.sqrt(var) + eps) + beta
    return y, new_mean, new_var


def _root_missing(
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
    new_mean, new_var = running_mean.copy(), running_var.copy()
    if training:
        n, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
        new_mean = (1 - momentum) * running_mean + momentum * mean
        new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    y = gamma * (x - mean) / (var + eps) + beta
    return y, new_mean, new_var


def _gamma_and_beta_left_out(
    x: np.ndarray,
    gamma: np.ndarray,  # ruff: ignore[unused-function-argument]  the mistake
    beta: np.ndarray,  # ruff: ignore[unused-function-argument]  the mistake
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, var = running_mean, running_var
    new_mean, new_var = running_mean.copy(), running_var.copy()
    if training:
        n, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
        new_mean = (1 - momentum) * running_mean + momentum * mean
        new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    y = (x - mean) / np.sqrt(var + eps)
    return y, new_mean, new_var


def _over_the_features(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not training:
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return gamma * x_hat + beta, running_mean.copy(), running_var.copy()
    n = len(x)
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    return y, new_mean, new_var


def _one_mean_for_all(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not training:
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return gamma * x_hat + beta, running_mean.copy(), running_var.copy()
    n, mean, var = len(x), x.mean(), x.var()
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    return y, new_mean, new_var


def _changed_in_place(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not training:
        y = gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
        return y, running_mean, running_var
    n, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
    y = gamma * (x - mean) / np.sqrt(var + eps) + beta
    running_mean += momentum * (mean - running_mean)
    running_var += momentum * (var * n / (n - 1) - running_var)
    return y, running_mean, running_var


MISCONCEPTIONS: tuple[Misconception, ...] = (
    Misconception(
        "running_in_training",
        _running_in_training,
        ("training",),
        "In training the batch is normalized with the running values, which belong to earlier "
        "batches. While it trains, the layer is to give exactly mean 0 and variance 1. Whose mean "
        "and variance achieve that?",
    ),
    Misconception(
        "new_running_in_training",
        _new_running_in_training,
        ("training",),
        "In training the batch is normalized with the running values *after* their update. They "
        "hold only a little of this batch. Which statistics make the batch exactly centered?",
    ),
    Misconception(
        "batch_in_evaluation",
        _batch_in_evaluation,
        ("evaluation",),
        "In evaluation the batch's own mean and variance are used, so the answer for one row "
        "depends on which rows happen to stand beside it, and a single row always gives β. What "
        "was stored for this purpose?",
    ),
    Misconception(
        "updated_in_evaluation",
        _updated_in_evaluation,
        ("evaluation",),
        "The running values move in evaluation too, so judging a model changes it, and the "
        "held-out rows leak in. In which mode may they move?",
    ),
    Misconception(
        "flag_ignored",
        _flag_ignored,
        ("evaluation",),
        "`training` is never asked: evaluation does what training does. Which two things must be "
        "different when the flag is False?",
    ),
    Misconception(
        "momentum_reversed",
        _momentum_reversed,
        ("running_statistics",),
        "The old value is weighed with momentum and the batch with 1 − momentum, as in Keras. Here "
        "and in PyTorch momentum is the weight of the *new* batch: 0.1 moves slowly. Which factor "
        "belongs to which?",
    ),
    Misconception(
        "running_variance_biased",
        _running_variance_biased,
        ("running_statistics",),
        "The running variance takes in the biased variance, divided by N. On average that is too "
        "small by the factor (N − 1)/N, and evaluation would inherit it. What does the text "
        "between the triple quotes divide by?",
    ),
    Misconception(
        "normalized_with_unbiased",
        _normalized_with_unbiased,
        ("training",),
        "The batch is normalized with the variance divided by N − 1, so the mean of x̂² falls short "
        "of 1 by more than ε explains. That divisor belongs to the running variance alone. What is "
        "the default of `var`?",
    ),
    Misconception(
        "epsilon_outside_root",
        _epsilon_outside_root,
        ("training", "evaluation"),
        "ε is added to the standard deviation, outside the root. It looks alike for a tiny ε and "
        "is another function; the backward pass would no longer fit. Beside what does ε stand in "
        "the formula?",
    ),
    Misconception(
        "root_missing",
        _root_missing,
        ("training", "evaluation"),
        "x − μ is divided by the variance. Variance has the square of x's unit. What must be taken "
        "before dividing, so that twice as large x give the same x̂?",
    ),
    Misconception(
        "gamma_and_beta_left_out",
        _gamma_and_beta_left_out,
        ("training", "evaluation"),
        "y is x̂ itself. Without γ and β the layer could never give anything but mean 0 and "
        "variance 1, even where the network would rather have something else. Where do they "
        "enter?",
    ),
    Misconception(
        "over_the_features",
        _over_the_features,
        ("training", "running_statistics"),
        "Mean and variance are taken over the features of a row. That is layer normalization. In "
        "batch normalization each feature is compared with itself, in other rows. Which axis "
        "counts the rows?",
    ),
    Misconception(
        "one_mean_for_all",
        _one_mean_for_all,
        ("training", "running_statistics"),
        "One mean and one variance serve the whole batch. A feature in meters and one in "
        "millimeters would stay as different as they were. How many means does a batch with d "
        "features have?",
    ),
    Misconception(
        "changed_in_place",
        _changed_in_place,
        ("training", "running_statistics"),
        "The results are right, but `+=` wrote into the caller's running_mean and running_var. The "
        "new values are to come back as results. Which form makes new arrays?",
    ),
)
