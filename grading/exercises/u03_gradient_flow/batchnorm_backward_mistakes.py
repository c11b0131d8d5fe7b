"""Known wrong answers to `batchnorm_backward`."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _statistics_constant(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    return s * gamma * dy, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _variance_constant(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    return s * (g - g.mean(axis=0)), (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _mean_constant(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    return s * (g - x_hat * (g * x_hat).mean(axis=0)), (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _gamma_left_out(
    x: np.ndarray,
    gamma: np.ndarray,  # ruff: ignore[unused-function-argument]  the mistake
    dy: np.ndarray,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    dx = s * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _scale_left_out(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    g = gamma * dy
    dx = g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _sums_for_means(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    dx = s * (g - g.sum(axis=0) - x_hat * (g * x_hat).sum(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _unbiased_variance(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0, ddof=1) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    dx = s * (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _epsilon_left_out(
    x: np.ndarray,
    gamma: np.ndarray,
    dy: np.ndarray,
    eps: float,  # ruff: ignore[unused-function-argument]  the mistake
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0))
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    dx = s * (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _means_over_features(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    along = x_hat * (g * x_hat).mean(axis=1, keepdims=True)
    dx = s * (g - g.mean(axis=1, keepdims=True) - along)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _dgamma_with_x(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    dx = s * (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0))
    return dx, (dy * x).sum(axis=0), dy.sum(axis=0)


def _dgamma_not_summed(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    dx = s * (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0))
    return dx, dy * x_hat, dy.copy()


def _averaged(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    dx = s * (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0))
    return dx, (dy * x_hat).mean(axis=0), dy.mean(axis=0)


def _gamma_in_its_own_gradient(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    dx = s * (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0))
    return dx, (g * x_hat).sum(axis=0), g.sum(axis=0)


def _one_mean_for_all(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    dx = s * (g - g.mean() - x_hat * (g * x_hat).mean())
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _own_row_averaged(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    dx = s * (g - g.mean(axis=0) - (g * x_hat * x_hat).mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _divided_by_n_minus_1(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(x)
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * s
    g = gamma * dy
    dx = s * (g - g.mean(axis=0) - x_hat * (g * x_hat).sum(axis=0) / (n - 1))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def _centered_for_normalized(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s = 1 / np.sqrt(x.var(axis=0) + eps)
    centered = x - x.mean(axis=0)
    g = gamma * dy
    dx = s * (g - g.mean(axis=0) - centered * (g * centered).mean(axis=0))
    return dx, (dy * centered).sum(axis=0), dy.sum(axis=0)


MISCONCEPTIONS: tuple[Misconception, ...] = (
    Misconception(
        "divided_by_n_minus_1",
        _divided_by_n_minus_1,
        ("dx",),
        "In the last term of `dx` the sum is divided by N − 1. The variance of the forward pass "
        "was the sum of squares over N. Which divisor does its derivative carry?",
    ),
    Misconception(
        "centered_for_normalized",
        _centered_for_normalized,
        ("dx", "dgamma"),
        "x − μ stands where x̂ belongs: the mean is taken off, the spread is not divided out. What "
        "stands beside γ in y = γ x̂ + β?",
    ),
    Misconception(
        "statistics_constant",
        _statistics_constant,
        ("dx",),
        "`dx` takes mean and variance for constants. That is right in evaluation; in training "
        "every x also moves the mean and the variance of its column. If all x of a column grow by "
        "1, what happens to y, and what must `dx` then sum to?",
    ),
    Misconception(
        "variance_constant",
        _variance_constant,
        ("dx",),
        "`dx` lets the mean move and keeps the variance still: the third term is missing, or it is "
        "always zero, as with `x_hat.mean(axis=0)`. A column stretched around its mean gives "
        "nearly the same y, so `dx` has almost no share along x̂. Of which product must the mean "
        "be taken?",
    ),
    Misconception(
        "mean_constant",
        _mean_constant,
        ("dx",),
        "`dx` lets the variance move and keeps the mean still. Adding a constant to a column "
        "changes nothing in y. What does each column of your `dx` sum to, and what should it?",
    ),
    Misconception(
        "gamma_left_out",
        _gamma_left_out,
        ("dx",),
        "`dx` is made from dy as it arrives at y. Between x̂ and y stands γ. What arrives at x̂?",
    ),
    Misconception(
        "scale_left_out",
        _scale_left_out,
        ("dx",),
        "`dx` is the gradient before the division: the factor 1/√(σ² + ε) is missing. x̂ moves by "
        "that much when x moves by 1. Where does it enter?",
    ),
    Misconception(
        "sums_for_means",
        _sums_for_means,
        ("dx",),
        "In `dx` sums are subtracted where means belong. Each x moves the mean by 1/N only. What "
        "would happen to your `dx` with a batch of 10,000 rows?",
    ),
    Misconception(
        "unbiased_variance",
        _unbiased_variance,
        ("dx", "dgamma"),
        "x̂ is computed with the variance divided by N − 1. The forward pass in training divides "
        "by N; the other divisor belongs to the running variance alone. Of which function must the "
        "backward pass be the derivative?",
    ),
    Misconception(
        "epsilon_left_out",
        _epsilon_left_out,
        ("dx", "dgamma"),
        "ε is never used, so the backward pass belongs to another forward pass, and a column that "
        "does not vary divides by zero. Where did ε stand in the forward pass?",
    ),
    Misconception(
        "means_over_features",
        _means_over_features,
        ("dx",),
        "In `dx` the means run over the features of a row. x was normalized over the rows of a "
        "column. What moves the mean of a feature: the other features, or the other rows?",
    ),
    Misconception(
        "dgamma_with_x",
        _dgamma_with_x,
        ("dgamma",),
        "`dgamma` multiplies dy with x. In y = γ x̂ + β it is not x that stands beside γ. What "
        "does?",
    ),
    Misconception(
        "dgamma_not_summed",
        _dgamma_not_summed,
        ("dgamma", "dbeta"),
        "`dgamma` and `dbeta` have one row for each example. One γ and one β serve all rows, so "
        "what the rows give meets in them. Which axis must vanish?",
    ),
    Misconception(
        "averaged",
        _averaged,
        ("dgamma", "dbeta"),
        "`dgamma` and `dbeta` are means over the rows. dy already holds the 1/N of the loss. Why "
        "do the means inside `dx` stay, and this one goes?",
    ),
    Misconception(
        "gamma_in_its_own_gradient",
        _gamma_in_its_own_gradient,
        ("dgamma", "dbeta"),
        "`dgamma` and `dbeta` are made from g = γ dy. That is the gradient at x̂, one station "
        "further back. What arrives at y = γ x̂ + β itself, where γ and β enter?",
    ),
    Misconception(
        "one_mean_for_all",
        _one_mean_for_all,
        ("dx",),
        "In `dx` one mean is taken over all rows and all features. Each feature was normalized by "
        "itself, so each needs its own two means. Which axis must the mean run along?",
    ),
    Misconception(
        "own_row_averaged",
        _own_row_averaged,
        ("dx",),
        "In the last term of `dx` x̂ stands twice inside the mean. One of the two belongs to the "
        "row i whose gradient is wanted, the other to the row n that is summed over. Which one may "
        "not be averaged?",
    ),
)
