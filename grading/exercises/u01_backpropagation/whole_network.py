"""A whole network of two layers: loss and every gradient."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
)
from grading.exercises.u01_backpropagation.whole_network_mistakes import MISCONCEPTIONS
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


# Row 1 opens hidden unit 1 (h = 1, 0), row 2 opens unit 2 (h = 0, 1), row 3 opens none. In units of
# ln 2 the logits are (−1, 1, 0, −1, 2), (0, −1, 2, −1, 1) and (2, 1, 0, −1, −1), and the
# probabilities in sixteenths (1, 4, 2, 1, 8), (2, 1, 8, 1, 4) and (8, 4, 2, 1, 1).
_LN2 = np.log(2)
_HAND = HandCase(
    {
        "X": np.array([[1.0, 2.0, 0.0, 1.0], [2.0, 0.0, 1.0, -1.0], [0.0, 1.0, -1.0, 2.0]]),
        "targets": np.array([4, 0, 1]),
        "W1": np.array([[-1.0, 1.0], [2.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]),
        "b1": np.array([-1.0, -1.0]),
        "W2": np.array([[-3.0, 0.0, 0.0, 0.0, 3.0], [-2.0, -2.0, 2.0, 0.0, 2.0]]) * _LN2,
        "b2": np.array([2.0, 1.0, 0.0, -1.0, -1.0]) * _LN2,
    },
    # The targets have probabilities 1/2, 1/8 and 1/4. Of dh, −9/16 and 25/24 pass open gates.
    {
        "loss": 2 * _LN2,
        "dW2": np.array([[1.0, 4.0, 2.0, 1.0, -8.0], [-14.0, 1.0, 8.0, 1.0, 4.0]]) / 48,
        "db2": np.array([-5.0, -7.0, 12.0, 3.0, -3.0]) / 48,
        "dW1": np.array([[-9 / 16, 25 / 12], [-9 / 8, 0.0], [0.0, 25 / 24], [-9 / 16, -25 / 24]])
        * _LN2,
        "db1": np.array([-9 / 16, 25 / 24]) * _LN2,
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
    misconceptions=MISCONCEPTIONS,
    hints=(
        Hint(
            "I do not know where to begin",
            "Forward first, every result under its own name: z1, h, z2, p, loss. Then walk back in "
            "the opposite order: `softmax_cross_entropy`, `linear_backward`, `relu_backward`, "
            "`linear_backward`. Calling those functions of yours works in this notebook, but "
            "written out in one function, as is asked here, you see the whole chain.",
        ),
        Hint(
            "The loss or the second layer is off",
            "z2 goes into softmax as it is, negative entries too. dz2 is (p − one-hot) / N, shaped "
            "like z2. Then the second layer is a linear layer with input h: in the hand example h "
            "is (1, 0), (0, 1) and (0, 0), so the third row adds nothing to dW2, but to db2.",
            ("loss", "second_layer"),
        ),
        Hint(
            "dW2 and db2 are right, dW1 or db1 is not",
            "Three steps: dh = dz2 times W2 transposed (`.T`); dz1 = dh times the mask (… > 0); "
            "then a linear layer with input X: dW1 = X transposed times dz1, db1 = dz1 summed over "
            "rows. Which array belongs in the mask?",
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
