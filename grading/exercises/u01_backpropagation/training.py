"""Train a two-layer network on digits, with gradients written by hand."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import (
    Criterion,
    Exercise,
    Hint,
    Property,
)
from grading.exercises.u01_backpropagation.training_cases import (
    HAND,
    first_steps,
    too_few_right,
    training_run,
)
from grading.exercises.u01_backpropagation.training_mistakes import MISCONCEPTIONS
from grading.probes import Call


def train_mlp(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    batches: list[np.ndarray],
    lr: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return W1, b1, W2, b2 after one step of gradient descent for each batch of row numbers."""
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
        b1 = b1 - lr * dz1.sum(axis=0)
        W2 = W2 - lr * (h.T @ dz2)
        b2 = b2 - lr * dz2.sum(axis=0)
    return W1, b1, W2, b2


def _on_copies(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    batches: list[np.ndarray],
    lr: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    W1, b1, W2, b2 = W1.copy(), b1.copy(), W2.copy(), b2.copy()
    one_hot = np.eye(len(b2))[targets]
    for rows in batches:
        h = np.maximum(X[rows] @ W1 + b1, 0)
        z = h @ W2 + b2
        e = np.exp(z - z.max(axis=1, keepdims=True))
        dz = (e / e.sum(axis=1, keepdims=True) - one_hot[rows]) / len(rows)
        dh = np.where(h > 0, dz @ W2.T, 0.0)
        W2 -= lr * (h.T @ dz)
        b2 -= lr * dz.sum(axis=0)
        W1 -= lr * (X[rows].T @ dh)
        b1 -= lr * dh.sum(axis=0)
    return W1, b1, W2, b2


def _bias_as_a_row_of_weights(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
    batches: list[np.ndarray],
    lr: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    V1, V2 = np.vstack([W1, b1]), np.vstack([W2, b2])
    ones = np.ones((len(X), 1))
    X = np.hstack([X, ones])
    for rows in batches:
        h = np.hstack([np.maximum(X[rows] @ V1, 0), ones[rows]])
        z = h @ V2
        dz = np.exp(z - z.max(axis=1, keepdims=True))
        dz /= dz.sum(axis=1, keepdims=True)
        dz[np.arange(len(rows)), targets[rows]] -= 1.0
        dh = (dz @ V2[:-1].T) * (h[:, :-1] > 0)
        V2 = V2 - lr / len(rows) * (h.T @ dz)
        V1 = V1 - lr / len(rows) * (X[rows].T @ dh)
    return V1[:-1], V1[-1], V2[:-1], V2[-1]


TRAIN_MLP = Exercise(
    id="train_mlp",
    unit="01",
    tier="further",
    title="Train a network on digits",
    minutes=20,
    difficulty=4,
    probe=Call(returns=("W1", "b1", "W2", "b2")),
    cases=first_steps,
    criteria=(
        Criterion("first_steps", 2, ("W1", "b1", "W2", "b2"), HAND),
        Criterion(
            "accuracy",
            1,
            (),
            HAND,
            draw=training_run,
            properties=(Property("at least 95 % of the held-out digits are right", too_few_right),),
        ),
    ),
    reference=train_mlp,
    alternatives=(_on_copies, _bias_as_a_row_of_weights),
    misconceptions=MISCONCEPTIONS,
    hints=(
        Hint(
            "I do not know where to begin",
            "It is `mlp_gradients` in a loop, but this exercise stands alone: write the lines out "
            "here, without calling that function. For each `rows` in `batches`: take X[rows] and "
            "targets[rows], compute the four gradients at the weights as they are now, take one "
            "step with each.",
        ),
        Hint(
            "The first steps differ from the reference",
            "In the hand example the hidden unit is closed for the first batch, so that step may "
            "move b2 only. Then the second batch meets the new b2. Are all four gradients computed "
            "before any weight moves? Is each a mean over its batch?",
            ("first_steps",),
        ),
        Hint(
            "The digits are not learned",
            "The loop in words: for rows in batches: forward; dz2 = (p − one-hot) / n; dW2, db2; "
            "dz1; dW1, db1; then for each of the four: weight = weight − … · gradient. After the "
            "loop, not inside: return.",
            ("accuracy",),
        ),
    ),
    solution_note=(
        "One step for each batch B of row numbers, all gradients at the same weights:\n"
        "    forward on X[B]:  z1, h, z2, p\n"
        "    dz2 = (p − one-hot) / |B|         dW2 = hᵀ dz2        db2 = Σ_rows dz2\n"
        "    dz1 = (dz2 W2ᵀ) · (z1 > 0)        dW1 = X[B]ᵀ dz1     db1 = Σ_rows dz1\n"
        "    each weight ← weight − lr · its gradient\n"
        "W = W − lr · dW makes a new array and leaves the caller's alone; W −= lr · dW would not.\n"
        "138 such steps get 96 to 98 % of the held-out digits right. The batches grow from 64\n"
        "to 337 rows at the end: their gradients scatter less, and the result with them."
    ),
)
