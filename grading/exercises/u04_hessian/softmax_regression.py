"""The whole Hessian of softmax regression."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Misconception,
)
from grading.probes import Call


def _cases(rng: np.random.Generator) -> Case:
    n, d, k = (int(size) for size in rng.choice(np.arange(2, 7), size=3, replace=False))
    return Case({"X": rng.normal(size=(n, d)), "W": rng.normal(size=(d, k))})


def _large_logits(rng: np.random.Generator) -> Case:
    """Draw rows of logits near 1000, others near −1000, and a last one that holds both."""
    n, d, k = (int(size) for size in 3 + rng.choice(5, size=3, replace=False))
    X, W = rng.normal(size=(n, d)), rng.normal(size=(d, k))
    X[:, 0], W[0] = rng.choice([-1.0, 1.0], size=n), W[0] + 1000.0  # shift a row as a whole
    X[:2, 0], X[-1, 0] = [1.0, -1.0], -1.0
    X[:, 1], W[1, 0] = 0.0, 2000.0  # lifts the first class of the last row from −1000 to 1000
    X[-1, 1] = 1.0
    return Case({"X": X, "W": W})


def softmax_hessian(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Return the Hessian (dK, dK) of the mean cross-entropy of softmax(X W), in W.ravel()."""
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    S = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]  # (N, K, K)
    H = np.einsum("ni,nj,nkl->ikjl", X, X, S) / len(X)
    return H.reshape(W.size, W.size)


def _sum_of_kronecker_products(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    H = np.zeros((W.size, W.size))
    for x in X:
        z = x @ W
        p = np.exp(z - np.logaddexp.reduce(z))
        H += np.kron(np.outer(x, x), np.diag(p) - np.outer(p, p)) / len(X)
    return H


def _column_by_column(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    z = X @ W
    e = np.exp(z - z.max(axis=1)[:, None])
    p = e / e.sum(axis=1)[:, None]
    columns = []
    for unit in np.eye(W.size):
        z_dot = X @ unit.reshape(W.shape)  # how the logits change along one weight
        p_dot = p * (z_dot - (p * z_dot).sum(axis=1)[:, None])
        columns.append((X.T @ p_dot / len(X)).ravel())
    return np.array(columns).T


def _sum_over_rows(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    S = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]
    return np.einsum("ni,nj,nkl->ikjl", X, X, S).reshape(W.size, W.size)


def _classes_first(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    S = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]
    return np.einsum("ni,nj,nkl->kilj", X, X, S).reshape(W.size, W.size) / len(X)


def _classes_taken_apart(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    S = (p * (1 - p))[:, :, None] * np.eye(p.shape[1])
    return np.einsum("ni,nj,nkl->ikjl", X, X, S).reshape(W.size, W.size) / len(X)


def _without_outer_product(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    S = p[:, :, None] * np.eye(p.shape[1])
    return np.einsum("ni,nj,nkl->ikjl", X, X, S).reshape(W.size, W.size) / len(X)


def _mean_before_products(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    S = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]
    return np.kron(X.T @ X / len(X), S.mean(axis=0))


def _largest_logit_not_subtracted(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    p = np.exp(X @ W)
    p = p / p.sum(axis=1, keepdims=True)
    S = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]
    return np.einsum("ni,nj,nkl->ikjl", X, X, S).reshape(W.size, W.size) / len(X)


def _another_shift(X: np.ndarray, W: np.ndarray) -> np.ndarray:
    z = X @ W
    p = np.exp(z - z.max())
    p /= p.sum(axis=1, keepdims=True)
    S = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]
    return np.einsum("ni,nj,nkl->ikjl", X, X, S).reshape(W.size, W.size) / len(X)


# Row (1, 2) with the logits (ln 3, 0), so p = (3/4, 1/4); row (1, 0) with (0, 0), so p = (1, 1)/2.
# Both S are a multiple of ((1, −1), (−1, 1)): 3/16 and 1/4.
_SIGNS = np.array([[1.0, -1.0], [-1.0, 1.0]])
_HAND = HandCase(
    {
        "X": np.array([[1, 2], [1, 0]]),
        "W": np.array([[0.0, 0.0], [0.5 * np.log(3), 0.0]]),
    },
    {"H": np.kron(np.array([[7 / 32, 6 / 32], [6 / 32, 12 / 32]]), _SIGNS)},
)
_HAND_LARGE = HandCase(  # the same, with 1000 on all logits
    {
        "X": np.array([[1.0, 2.0], [1.0, 0.0]]),
        "W": np.array([[1000.0, 1000.0], [0.5 * np.log(3), 0.0]]),
    },
    {"H": np.kron(np.array([[7 / 32, 6 / 32], [6 / 32, 12 / 32]]), _SIGNS)},
)
_BOTH = ("matrix", "large_logits")

SOFTMAX_HESSIAN = Exercise(
    id="softmax_hessian",
    unit="04",
    tier="further",
    title="The Hessian of softmax regression",
    minutes=20,
    difficulty=4,
    probe=Call(returns=("H",)),
    cases=_cases,
    criteria=(
        Criterion("matrix", 3, ("H",), _HAND),
        Criterion("large_logits", 1, ("H",), _HAND_LARGE, draw=_large_logits),
    ),
    reference=softmax_hessian,
    alternatives=(_sum_of_kronecker_products, _column_by_column),
    misconceptions=(
        Misconception(
            "sum_over_rows",
            _sum_over_rows,
            _BOTH,
            "The rows are added up and not averaged, so a Hessian of twice the data is twice as "
            "large. The loss is a mean. Where does its 1/N enter?",
        ),
        Misconception(
            "classes_first",
            _classes_first,
            _BOTH,
            "All entries are right, and in another order: class by class. `W.ravel()` goes through "
            "W row by row. Which of the two indices of W runs fastest?",
        ),
        Misconception(
            "classes_taken_apart",
            _classes_taken_apart,
            _BOTH,
            "The entries between different classes are 0. But probabilities add up to 1: when one "
            "logit rises, all other probabilities fall. What is ∂p_k/∂z_l for k ≠ l?",
        ),
        Misconception(
            "without_outer_product",
            _without_outer_product,
            _BOTH,
            "∂p_k/∂z_k is taken as p_k, as if the denominator of the softmax did not depend on "
            "z_k. A logit shifted in all classes alike should change nothing. Does your matrix "
            "give 0 in that direction?",
        ),
        Misconception(
            "mean_before_products",
            _mean_before_products,
            _BOTH,
            "The mean of x xᵀ is combined with the mean of the softmax part. A mean of products is "
            "not the product of means: a row with large x counts with its own probabilities. What "
            "should be multiplied first?",
        ),
        Misconception(
            "largest_logit_not_subtracted",
            _largest_logit_not_subtracted,
            ("large_logits",),
            "e¹⁰⁰⁰ is infinite, and infinity over infinity is NaN. Shifting all logits of a row "
            "alike changes no probability. Which shift keeps every exponential finite?",
        ),
        Misconception(
            "another_shift",
            _another_shift,
            ("large_logits",),
            "A shift is there, but not the one that is safe for every row. By the largest logit of "
            "the whole table, a row far below it becomes 0/0; by the mean or the smallest of its "
            "row, one that stands out becomes infinite. Which number of which row is taken off?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Start from the gradient: ∂L/∂W_ik is the mean of x_i (p_k − [k = target]). Only p_k "
            "depends on W. So the entry for W_ik and W_jl is the mean of x_i ∂p_k/∂W_jl, and W_jl "
            "acts on p_k through the logit z_l, with the slope x_j.",
        ),
        Hint(
            "The entries are wrong",
            "∂p_k/∂z_l has two cases, which one line holds: p_k ([k = l] − p_l). For each row of X "
            "this is a K by K matrix of its own. Multiply it with x_i x_j before you average.",
            ("matrix",),
        ),
        Hint(
            "NaN or infinity, or the order is wrong",
            "Subtract the largest logit of each row before the exponential. In the result row i·K "
            "+ k belongs to W_ik: `reshape` of an array with the axes i, k, j, l does it.",
            ("large_logits",),
            ("finite", "shape"),
        ),
    ),
    solution_note=(
        "The gradient of a row is x_i (p_k − [k = t]); the target does not move. With\n"
        "    ∂p_k/∂z_l = p_k ([k = l] − p_l) = S_kl        ∂z_l/∂W_jl = x_j\n"
        "    ∂²L/∂W_ik ∂W_jl = 1/N Σ_rows x_i x_j S_kl\n"
        "No target is left in it: for this model Hessian, Gauss-Newton matrix and Fisher matrix\n"
        "are one. S is positive semidefinite, so the loss is convex, and S·(1, …, 1) = 0: adding\n"
        "the same column to all classes changes nothing, which makes at least d eigenvalues 0."
    ),
)
