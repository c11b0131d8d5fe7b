"""A whole network of two layers: loss and every gradient."""

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

_NEAR_THE_KINK = 1e-6


def _cases(rng: np.random.Generator) -> Case:
    """Draw a network whose hidden sums stay clear of 0, where rounding could open a gate."""
    while True:
        n, d, h, k = rng.choice(np.arange(3, 10), size=4, replace=False)
        X, W1, b1 = rng.normal(size=(n, d)), rng.normal(size=(d, h)), rng.normal(size=h)
        if np.abs(X @ W1 + b1).min() > _NEAR_THE_KINK:
            break
    return Case({
        "X": X,
        "targets": rng.integers(k, size=n),
        "W1": W1,
        "b1": b1,
        "W2": 0.5 * rng.normal(size=(h, k)),
        "b2": rng.normal(size=k),
    })


def mlp_gradients(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return loss, dW1, db1, dW2, db2 of softmax(ReLU(X W1 + b1) W2 + b2), mean over rows."""
    n = len(X)
    rows = np.arange(n)
    z1 = X @ W1 + b1
    h = np.maximum(z1, 0)
    z2 = h @ W2 + b2
    shifted = z2 - z2.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[rows, targets].mean()

    dz2 = np.exp(log_p)
    dz2[rows, targets] -= 1.0
    dz2 /= n
    dW2, db2 = h.T @ dz2, dz2.sum(axis=0)
    dz1 = (dz2 @ W2.T) * (z1 > 0)
    dW1, db1 = X.T @ dz1, dz1.sum(axis=0)
    return float(loss), dW1, db1, dW2, db2


def _by_einsum(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    h = np.maximum(np.einsum("nd,dh->nh", X, W1) + b1, 0)
    z = np.einsum("nh,hk->nk", h, W2) + b2
    log_total = np.logaddexp.reduce(z, axis=1)
    one_hot = np.eye(len(b2))[targets]
    loss = np.mean(log_total - (z * one_hot).sum(axis=1))
    dz = (np.exp(z - log_total[:, None]) - one_hot) / len(X)
    dh = np.einsum("nk,hk->nh", dz, W2) * (h > 0)
    dW1, dW2 = np.einsum("nd,nh->dh", X, dh), np.einsum("nh,nk->hk", h, dz)
    return float(loss), dW1, dh.sum(axis=0), dW2, dz.sum(axis=0)


def _example_by_example(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    b1: np.ndarray,
    W2: np.ndarray,
    b2: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    loss, n = 0.0, len(X)
    dW1, db1, dW2, db2 = (np.zeros_like(a) for a in (W1, b1, W2, b2))
    for x, target in zip(X, targets, strict=True):
        h = np.maximum(x @ W1 + b1, 0)
        z = h @ W2 + b2
        e = np.exp(z - z.max())
        loss += (np.log(e.sum()) - z[target] + z.max()) / n
        dz = e / e.sum() / n
        dz[target] -= 1 / n
        dh = np.where(h > 0, W2 @ dz, 0.0)
        dW1 += np.outer(x, dh)
        db1 += dh
        dW2 += np.outer(h, dz)
        db2 += dz
    return float(loss), dW1, db1, dW2, db2


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


# One hidden unit, open for the first row (z1 = 1) and closed for the second (z1 = −1). The logits
# are (0, ln 2, ln 4, 0) and (0, 0, 0, 0), so p = (1, 2, 4, 1)/8 and (1, 1, 1, 1)/4.
_HAND = HandCase(
    {
        "X": np.array([[1.0, 2.0, 3.0], [2.0, 1.0, -1.0]]),
        "targets": np.array([2, 1]),
        "W1": np.array([[1.0], [-1.0], [1.0]]),
        "b1": np.array([-1.0]),
        "W2": np.array([[0.0, np.log(2), np.log(4), 0.0]]),
        "b2": np.zeros(4),
    },
    {
        "loss": 1.5 * np.log(2),
        "dW2": np.array([[1 / 16, 1 / 8, -1 / 4, 1 / 16]]),
        "db2": np.array([3 / 16, -1 / 4, -1 / 8, 3 / 16]),
        "dW1": np.array([[-3 / 8], [-3 / 4], [-9 / 8]]) * np.log(2),
        "db1": np.array([-3 / 8 * np.log(2)]),
    },
)

MLP_GRADIENTS = Exercise(
    id="mlp_gradients",
    unit="01",
    tier="core",
    title="All gradients of a two-layer network",
    minutes=20,
    difficulty=4,
    probe=Call(returns=("loss", "dW1", "db1", "dW2", "db2")),
    cases=_cases,
    criteria=(
        Criterion("loss", 1, ("loss",), _HAND),
        Criterion("second_layer", 2, ("dW2", "db2"), _HAND),
        Criterion("first_layer", 3, ("dW1", "db1"), _HAND),
    ),
    reference=mlp_gradients,
    alternatives=(_by_einsum, _example_by_example),
    misconceptions=(
        Misconception(
            "relu_mask_forgotten",
            _relu_mask_forgotten,
            ("first_layer",),
            "The gradient goes from the hidden values straight to `dW1`, past the ReLU. In the "
            "hand example the unit is closed for the second row. What may that row add to `dW1`?",
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
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Forward first, every result under its own name: z1, h, z2, p, loss. Then walk back in "
            "the opposite order. Each backward line is one you have written before: "
            "`softmax_cross_entropy`, `linear_backward`, `relu_backward`, `linear_backward`.",
        ),
        Hint(
            "The loss or the second layer is off",
            "dz2 is (p − one-hot) / N, shaped like z2. Then the second layer is a linear layer "
            "with input h: in the hand example h is 1 and 0, so only the first row adds to dW2, "
            "but both add to db2.",
            ("loss", "second_layer"),
        ),
        Hint(
            "dW2 and db2 are right, dW1 or db1 is not",
            "Three steps: dh = dz2 times W2 turned; dz1 = dh times the mask (… > 0); then a linear "
            "layer with input X: dW1 = X turned times dz1, db1 = dz1 summed over rows. Which array "
            "belongs in the mask?",
            ("first_layer",),
        ),
    ),
    solution_note=(
        "Forward:   z1 = X W1 + b1    h = max(z1, 0)    z2 = h W2 + b2    p = softmax(z2)\n"
        "           L = mean over rows of −log p[target]\n"
        "Backward, each line the layer above in reverse:\n"
        "    dz2 = (p − one-hot) / N                       softmax and cross-entropy together\n"
        "    dW2 = hᵀ dz2      db2 = Σ_rows dz2            linear: input h\n"
        "    dh  = dz2 W2ᵀ\n"
        "    dz1 = dh · (z1 > 0)                           ReLU: mask of the forward pass\n"
        "    dW1 = Xᵀ dz1      db1 = Σ_rows dz1            linear: input X\n"
        "The 1/N enters once, in dz2. Nobody needs dX, so nothing is computed for it. Backward\n"
        "takes two matrix products a layer against one forward: loss and gradient together cost\n"
        "about 3 forward passes, whatever the number of weights."
    ),
)
