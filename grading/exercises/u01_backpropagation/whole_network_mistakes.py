"""Known wrong answers to `mlp_gradients`."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _relu_mask_forgotten(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows = np.arange(len(X))
    h = np.maximum(X @ W1 + b1, 0)
    z2 = h @ W2 + b2
    s = z2 - z2.max(axis=1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    dz2 = np.exp(log_p)
    dz2[rows, targets] -= 1.0
    dz2 /= len(X)
    dz1 = dz2 @ W2.T
    loss = float(-log_p[rows, targets].mean())
    return loss, X.T @ dz1, dz1.sum(axis=0), h.T @ dz2, dz2.sum(axis=0)


def _mask_from_upstream(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows = np.arange(len(X))
    h = np.maximum(X @ W1 + b1, 0)
    z2 = h @ W2 + b2
    s = z2 - z2.max(axis=1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    dz2 = np.exp(log_p)
    dz2[rows, targets] -= 1.0
    dz2 /= len(X)
    dz1 = np.maximum(dz2 @ W2.T, 0)
    loss = float(-log_p[rows, targets].mean())
    return loss, X.T @ dz1, dz1.sum(axis=0), h.T @ dz2, dz2.sum(axis=0)


def _mean_missing(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows = np.arange(len(X))
    z1 = X @ W1 + b1
    h = np.maximum(z1, 0)
    z2 = h @ W2 + b2
    s = z2 - z2.max(axis=1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    dz2 = np.exp(log_p)
    dz2[rows, targets] -= 1.0
    dz1 = (dz2 @ W2.T) * (z1 > 0)
    loss = float(-log_p[rows, targets].sum())
    return loss, X.T @ dz1, dz1.sum(axis=0), h.T @ dz2, dz2.sum(axis=0)


def _preactivation_for_activation(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows = np.arange(len(X))
    z1 = X @ W1 + b1
    z2 = np.maximum(z1, 0) @ W2 + b2
    s = z2 - z2.max(axis=1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    dz2 = np.exp(log_p)
    dz2[rows, targets] -= 1.0
    dz2 /= len(X)
    dz1 = (dz2 @ W2.T) * (z1 > 0)
    loss = float(-log_p[rows, targets].mean())
    return loss, X.T @ dz1, dz1.sum(axis=0), z1.T @ dz2, dz2.sum(axis=0)


def _probabilities_as_gradient(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows = np.arange(len(X))
    z1 = X @ W1 + b1
    h = np.maximum(z1, 0)
    z2 = h @ W2 + b2
    s = z2 - z2.max(axis=1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    dz2 = np.exp(log_p) / len(X)
    dz1 = (dz2 @ W2.T) * (z1 > 0)
    loss = float(-log_p[rows, targets].mean())
    return loss, X.T @ dz1, dz1.sum(axis=0), h.T @ dz2, dz2.sum(axis=0)


def _updated_weights_used(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows = np.arange(len(X))
    z1 = X @ W1 + b1
    h = np.maximum(z1, 0)
    z2 = h @ W2 + b2
    s = z2 - z2.max(axis=1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    dz2 = np.exp(log_p)
    dz2[rows, targets] -= 1.0
    dz2 /= len(X)
    dW2 = h.T @ dz2
    W2 = W2 - dW2
    dz1 = (dz2 @ W2.T) * (z1 > 0)
    loss = float(-log_p[rows, targets].mean())
    return loss, X.T @ dz1, dz1.sum(axis=0), dW2, dz2.sum(axis=0)


def _softmax_missing_in_gradient(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows = np.arange(len(X))
    z1 = X @ W1 + b1
    h = np.maximum(z1, 0)
    z2 = h @ W2 + b2
    s = z2 - z2.max(axis=1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    dz2 = z2.copy()
    dz2[rows, targets] -= 1.0
    dz2 /= len(X)
    dz1 = (dz2 @ W2.T) * (z1 > 0)
    loss = float(-log_p[rows, targets].mean())
    return loss, X.T @ dz1, dz1.sum(axis=0), h.T @ dz2, dz2.sum(axis=0)


def _relu_on_the_logits(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows = np.arange(len(X))
    z1 = X @ W1 + b1
    h = np.maximum(z1, 0)
    z2 = np.maximum(h @ W2 + b2, 0)
    s = z2 - z2.max(axis=1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    dz2 = np.exp(log_p)
    dz2[rows, targets] -= 1.0
    dz2 /= len(X)
    dz1 = (dz2 @ W2.T) * (z1 > 0)
    loss = float(-log_p[rows, targets].mean())
    return loss, X.T @ dz1, dz1.sum(axis=0), h.T @ dz2, dz2.sum(axis=0)


MISCONCEPTIONS: tuple[Misconception, ...] = (
    Misconception(
        "relu_mask_forgotten",
        _relu_mask_forgotten,
        ("first_layer",),
        "The gradient goes from the hidden values straight to `dW1`, past the ReLU. In the "
        "hand example unit 1 is closed for the second row. What may that row add to its weights?",
    ),
    Misconception(
        "mask_from_upstream",
        _mask_from_upstream,
        ("first_layer",),
        "The ReLU is applied to the gradient itself, so negative gradients are lost. The gate "
        "was set in the forward pass. Which array remembers where it was open?",
    ),
    Misconception(
        "mean_missing",
        _mean_missing,
        ("loss", "second_layer", "first_layer"),
        "Loss and gradients are sums over the batch. The course takes means, and one division "
        "at the logits reaches every gradient behind it. Where does the 1/N enter?",
    ),
    Misconception(
        "preactivation_for_activation",
        _preactivation_for_activation,
        ("second_layer",),
        "`dW2` is built from z1, the value before the ReLU. A weight's gradient is what went "
        "in times what comes back. What went into the second layer?",
    ),
    Misconception(
        "probabilities_as_gradient",
        _probabilities_as_gradient,
        ("second_layer", "first_layer"),
        "The gradient at the logits is p / N, which does not know the targets. A network "
        "trained with it would learn nothing about them. What is missing at each row's target?",
    ),
    Misconception(
        "updated_weights_used",
        _updated_weights_used,
        ("first_layer",),
        "`W2` was moved before the gradient passed through it. All gradients of one step "
        "belong to the same weights, those of the forward pass. When may the update happen?",
    ),
    Misconception(
        "softmax_missing_in_gradient",
        _softmax_missing_in_gradient,
        ("second_layer", "first_layer"),
        "The gradient at the logits is (z − one-hot) / N, which belongs to a squared error. "
        "The loss here is cross-entropy. What stands in the place of z?",
    ),
    Misconception(
        "relu_on_the_logits",
        _relu_on_the_logits,
        ("loss", "second_layer", "first_layer"),
        "A ReLU stands behind the second layer too, so every negative logit becomes 0. Logits may "
        "have any sign, and softmax makes them positive by itself. After which layer alone does "
        "the network have a ReLU?",
    ),
)
