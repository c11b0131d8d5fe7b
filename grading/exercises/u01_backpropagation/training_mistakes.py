"""Known wrong answers to `train_mlp`."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _ascent(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    batches: list[np.ndarray],
    lr: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    for rows in batches:
        x, n = X[rows], len(rows)
        z1 = x @ W1 + b1
        h = np.maximum(z1, 0)
        z2 = h @ W2 + b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        dz2 = e / e.sum(axis=1, keepdims=True)
        dz2[np.arange(n), targets[rows]] -= 1.0
        dz2 /= n
        dz1 = (dz2 @ W2.T) * (z1 > 0)
        W1 = W1 + lr * (x.T @ dz1)
        b1 = b1 + lr * dz1.sum(axis=0)
        W2 = W2 + lr * (h.T @ dz2)
        b2 = b2 + lr * dz2.sum(axis=0)
    return W1, b1, W2, b2


def _gradient_at_start(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    batches: list[np.ndarray],
    lr: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    start = W1, b1, W2, b2
    for rows in batches:
        x, n = X[rows], len(rows)
        z1 = x @ start[0] + start[1]
        h = np.maximum(z1, 0)
        z2 = h @ start[2] + start[3]
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        dz2 = e / e.sum(axis=1, keepdims=True)
        dz2[np.arange(n), targets[rows]] -= 1.0
        dz2 /= n
        dz1 = (dz2 @ start[2].T) * (z1 > 0)
        W1 = W1 - lr * (x.T @ dz1)
        b1 = b1 - lr * dz1.sum(axis=0)
        W2 = W2 - lr * (h.T @ dz2)
        b2 = b2 - lr * dz2.sum(axis=0)
    return W1, b1, W2, b2


def _batches_ignored(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    batches: list[np.ndarray],
    lr: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    n = len(X)
    for _ in batches:
        z1 = X @ W1 + b1
        h = np.maximum(z1, 0)
        z2 = h @ W2 + b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        dz2 = e / e.sum(axis=1, keepdims=True)
        dz2[np.arange(n), targets] -= 1.0
        dz2 /= n
        dz1 = (dz2 @ W2.T) * (z1 > 0)
        W1 = W1 - lr * (X.T @ dz1)
        b1 = b1 - lr * dz1.sum(axis=0)
        W2 = W2 - lr * (h.T @ dz2)
        b2 = b2 - lr * dz2.sum(axis=0)
    return W1, b1, W2, b2


def _biases_not_updated(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    batches: list[np.ndarray],
    lr: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    for rows in batches:
        x, n = X[rows], len(rows)
        z1 = x @ W1 + b1
        h = np.maximum(z1, 0)
        z2 = h @ W2 + b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        dz2 = e / e.sum(axis=1, keepdims=True)
        dz2[np.arange(n), targets[rows]] -= 1.0
        dz2 /= n
        dz1 = (dz2 @ W2.T) * (z1 > 0)
        W1 = W1 - lr * (x.T @ dz1)
        W2 = W2 - lr * (h.T @ dz2)
    return W1, b1, W2, b2


def _only_first_batch(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    batches: list[np.ndarray],
    lr: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    for rows in batches[:1]:
        x, n = X[rows], len(rows)
        z1 = x @ W1 + b1
        h = np.maximum(z1, 0)
        z2 = h @ W2 + b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        dz2 = e / e.sum(axis=1, keepdims=True)
        dz2[np.arange(n), targets[rows]] -= 1.0
        dz2 /= n
        dz1 = (dz2 @ W2.T) * (z1 > 0)
        W1 = W1 - lr * (x.T @ dz1)
        b1 = b1 - lr * dz1.sum(axis=0)
        W2 = W2 - lr * (h.T @ dz2)
        b2 = b2 - lr * dz2.sum(axis=0)
    return W1, b1, W2, b2


def _gradient_not_averaged(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    batches: list[np.ndarray],
    lr: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    for rows in batches:
        x, n = X[rows], len(rows)
        z1 = x @ W1 + b1
        h = np.maximum(z1, 0)
        z2 = h @ W2 + b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        dz2 = e / e.sum(axis=1, keepdims=True)
        dz2[np.arange(n), targets[rows]] -= 1.0
        dz1 = (dz2 @ W2.T) * (z1 > 0)
        W1 = W1 - lr * (x.T @ dz1)
        b1 = b1 - lr * dz1.sum(axis=0)
        W2 = W2 - lr * (h.T @ dz2)
        b2 = b2 - lr * dz2.sum(axis=0)
    return W1, b1, W2, b2


def _weights_changed_in_place(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    batches: list[np.ndarray],
    lr: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    for rows in batches:
        x, n = X[rows], len(rows)
        z1 = x @ W1 + b1
        h = np.maximum(z1, 0)
        z2 = h @ W2 + b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        dz2 = e / e.sum(axis=1, keepdims=True)
        dz2[np.arange(n), targets[rows]] -= 1.0
        dz2 /= n
        dz1 = (dz2 @ W2.T) * (z1 > 0)
        W1 -= lr * (x.T @ dz1)
        b1 -= lr * dz1.sum(axis=0)
        W2 -= lr * (h.T @ dz2)
        b2 -= lr * dz2.sum(axis=0)
    return W1, b1, W2, b2


def _targets_not_selected(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    batches: list[np.ndarray],
    lr: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    for rows in batches:
        x, n = X[rows], len(rows)
        z1 = x @ W1 + b1
        h = np.maximum(z1, 0)
        z2 = h @ W2 + b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        dz2 = e / e.sum(axis=1, keepdims=True)
        dz2[np.arange(n), targets] -= 1.0
        dz2 /= n
        dz1 = (dz2 @ W2.T) * (z1 > 0)
        W1 = W1 - lr * (x.T @ dz1)
        b1 = b1 - lr * dz1.sum(axis=0)
        W2 = W2 - lr * (h.T @ dz2)
        b2 = b2 - lr * dz2.sum(axis=0)
    return W1, b1, W2, b2


MISCONCEPTIONS: tuple[Misconception, ...] = (
    Misconception(
        "ascent",
        _ascent,
        ("first_steps", "accuracy"),
        "Each step climbs the loss. Gradients of this course point up the loss. In which "
        "direction must the weights go?",
    ),
    Misconception(
        "gradient_at_start",
        _gradient_at_start,
        ("first_steps", "accuracy"),
        "Every gradient is taken at the initial weights. A gradient is a local statement and "
        "holds near the point where it was taken. Which weights does the second batch meet?",
    ),
    Misconception(
        "batches_ignored",
        _batches_ignored,
        ("first_steps",),
        "Every step uses all rows of X. It learns, at many times the cost of a step. What do "
        "the numbers in one entry of `batches` select?",
    ),
    Misconception(
        "biases_not_updated",
        _biases_not_updated,
        ("first_steps",),
        "`b1` and `b2` come back as they were given. On digits the weights can nearly make up "
        "for it, which is why only the exact comparison shows it. Which two lines are missing?",
    ),
    Misconception(
        "only_first_batch",
        _only_first_batch,
        ("first_steps", "accuracy"),
        "Training ends after one step. A `return` inside the loop does this, one indentation "
        "too deep. How many updates does this list of batches ask for?",
    ),
    Misconception(
        "gradient_not_averaged",
        _gradient_not_averaged,
        ("first_steps", "accuracy"),
        "The gradients are sums over the batch, so a batch of 64 steps 64 times as far. The "
        "loss is a mean. Where does its 1/n enter?",
    ),
    Misconception(
        "weights_changed_in_place",
        _weights_changed_in_place,
        ("first_steps", "accuracy"),
        "The weights are right, but `-=` wrote them into the caller's arrays. Whoever wants to "
        "train twice from the same start no longer can. How do you get arrays of your own?",
    ),
    Misconception(
        "targets_not_selected",
        _targets_not_selected,
        ("first_steps", "accuracy"),
        "`targets` is used whole, while X is cut down to the rows of the batch, so the two do not "
        "fit. Each row of `X[rows]` has its own target. How do you select those?",
    ),
)
