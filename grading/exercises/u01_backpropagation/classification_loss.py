"""Softmax and cross-entropy in one: the loss of a classifier and its gradient at the logits."""

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
    n, k = rng.choice(np.arange(2, 9), size=2, replace=False)
    z = rng.uniform(-3.0, 3.0, size=(n, k))
    return Case({"z": z, "targets": rng.integers(k, size=n)})


def _cases_with_huge_logits(rng: np.random.Generator) -> Case:
    n, k = rng.choice(np.arange(3, 9), size=2, replace=False)
    z = rng.uniform(-1000.0, 1000.0, size=(n, k))
    z[0, 0], z[0, 1] = 1000.0, -1000.0
    z[1] -= 1000.0  # at least 1000 below the largest of the batch, so that a maximum of all shows
    targets = rng.integers(k, size=n)
    targets[0] = 1  # far from the truth, so that a loss cut off at log(ε) shows
    return Case({"z": z, "targets": targets})


def softmax_cross_entropy(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean loss in nats and dz (N, K), for logits z (N, K) and class numbers (N,)."""
    rows = np.arange(len(z))
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[rows, targets].mean()
    dz = np.exp(log_p)
    dz[rows, targets] -= 1.0
    return float(loss), dz / len(z)


def _by_logaddexp(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    log_total = np.logaddexp.reduce(z, axis=1)
    one_hot = np.eye(z.shape[1])[targets]
    loss = np.mean(log_total - (z * one_hot).sum(axis=1))
    return float(loss), (np.exp(z - log_total[:, None]) - one_hot) / len(z)


def _row_by_row(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    loss, dz = 0.0, np.zeros_like(z)
    for i in range(len(z)):
        e = np.exp(z[i] - z[i].max())
        loss += (np.log(e.sum()) - (z[i, targets[i]] - z[i].max())) / len(z)
        dz[i] = e / e.sum()
        dz[i, targets[i]] -= 1.0
        dz[i] /= len(z)
    return float(loss), dz


def _overflow(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    rows = np.arange(len(z))
    e = np.exp(z)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, targets]).mean()
    p[rows, targets] -= 1.0
    return float(loss), p / len(z)


def _mean_missing(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    rows = np.arange(len(z))
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dz = np.exp(log_p)
    dz[rows, targets] -= 1.0
    return float(-log_p[rows, targets].sum()), dz


def _gradient_not_averaged(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    rows = np.arange(len(z))
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dz = np.exp(log_p)
    dz[rows, targets] -= 1.0
    return float(-log_p[rows, targets].mean()), dz


def _jacobian_applied_twice(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    rows = np.arange(len(z))
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    g = p.copy()
    g[rows, targets] -= 1.0
    g /= len(z)
    dz = p * (g - (g * p).sum(axis=1, keepdims=True))
    return float(-log_p[rows, targets].mean()), dz


def _one_hot_forgotten(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(len(z)), targets].mean()
    return float(loss), np.exp(log_p) / len(z)


def _sign_reversed(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    rows = np.arange(len(z))
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dz = -np.exp(log_p)
    dz[rows, targets] += 1.0
    return float(-log_p[rows, targets].mean()), dz / len(z)


def _log_of_a_vanished_probability(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    rows = np.arange(len(z))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, targets]).mean()
    p[rows, targets] -= 1.0
    return float(loss), p / len(z)


def _epsilon_inside_log(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    rows = np.arange(len(z))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, targets] + 1e-12).mean()
    p[rows, targets] -= 1.0
    return float(loss), p / len(z)


def _softmax_over_the_batch(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    rows = np.arange(len(z))
    shifted = z - z.max(axis=0, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))
    dz = np.exp(log_p)
    dz[rows, targets] -= 1.0
    return float(-log_p[rows, targets].mean()), dz / len(z)


def _one_maximum_for_the_batch(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    rows = np.arange(len(z))
    shifted = z - z.max()
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dz = np.exp(log_p)
    dz[rows, targets] -= 1.0
    return float(-log_p[rows, targets].mean()), dz / len(z)


def _columns_of_every_row(z: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(len(z)), targets].mean()
    dz = np.exp(log_p)
    dz[:, targets] -= 1.0
    return float(loss), dz / len(z)


_HAND = HandCase(
    {
        "z": np.array([[0.0, np.log(2), np.log(5)], [np.log(2), 0.0, 0.0]]),
        "targets": np.array([1, 2]),
    },
    # p = (1/8, 2/8, 5/8) and (2/4, 1/4, 1/4): both targets have probability 1/4
    {
        "loss": np.log(4),
        "dz": np.array([[1 / 16, -3 / 8, 5 / 16], [1 / 4, 1 / 8, -3 / 8]]),
    },
)

_STABLE_HAND = HandCase(
    {
        "z": np.array([[1000.0, 0.0, -1000.0], [-1600.0, -800.0, 0.0]]),
        "targets": np.array([1, 2]),
    },
    # p = (1, 0, 0) and (0, 0, 1) to 340 digits: losses 1000 and 0
    {"loss": 500.0, "dz": np.array([[0.5, -0.5, 0.0], [0.0, 0.0, 0.0]])},
)

SOFTMAX_CROSS_ENTROPY = Exercise(
    id="softmax_cross_entropy",
    unit="01",
    tier="core",
    title="Softmax cross-entropy: loss and gradient",
    minutes=15,
    difficulty=3,
    probe=Call(returns=("loss", "dz")),
    cases=_cases,
    criteria=(
        Criterion("loss", 1, ("loss",), _HAND),
        Criterion("dz", 2, ("dz",), _HAND),
        Criterion("stable", 1, ("loss", "dz"), _STABLE_HAND, draw=_cases_with_huge_logits),
    ),
    reference=softmax_cross_entropy,
    alternatives=(_by_logaddexp, _row_by_row),
    misconceptions=(
        Misconception(
            "overflow",
            _overflow,
            ("stable",),
            "exp of a large logit is infinite, and infinite / infinite is NaN. Softmax does not "
            "change if the same number is taken from every logit of a row. Which number makes the "
            "largest exponent 0?",
        ),
        Misconception(
            "mean_missing",
            _mean_missing,
            ("loss", "dz", "stable"),
            "Loss and gradient are sums over the batch. In this course a loss is a mean, so that "
            "the learning rate need not know the batch size. By what do you divide both?",
        ),
        Misconception(
            "gradient_not_averaged",
            _gradient_not_averaged,
            ("dz", "stable"),
            "The loss is a mean over the rows, `dz` is not. Each row's logits reach the loss "
            "through that mean only. What factor does a mean over N rows pass back to each of "
            "them?",
        ),
        Misconception(
            "jacobian_applied_twice",
            _jacobian_applied_twice,
            ("dz", "stable"),
            "p − one-hot (1 at the right class, else 0) is multiplied with the derivatives of "
            "softmax. That difference is already the gradient at z: they and the 1/p of the "
            "logarithm have met in it. At which variable would you have to start to need them?",
        ),
        Misconception(
            "one_hot_forgotten",
            _one_hot_forgotten,
            ("dz", "stable"),
            "`dz` holds the probabilities alone, so every logit is pushed down, the right one too. "
            "A row of `dz` adds up to 0. What must be taken off at the target?",
        ),
        Misconception(
            "columns_of_every_row",
            _columns_of_every_row,
            ("dz", "stable"),
            "`dz[:, targets]` takes the columns of all targets in every row, so each row loses 1 "
            "at the classes of the other rows too. A row of `dz` adds up to 0. Which index pairs "
            "each row with its own target?",
        ),
        Misconception(
            "sign_reversed",
            _sign_reversed,
            ("dz", "stable"),
            "Every sign of `dz` is reversed: it points down the loss. Gradients of this course "
            "point up. If the logit of the target grows, does the loss rise or fall?",
        ),
        Misconception(
            "one_maximum_for_the_batch",
            _one_maximum_for_the_batch,
            ("stable",),
            "One maximum is taken off the whole batch. In a row that lies 1000 below it every exp "
            "is 0, and log 0 follows. Softmax works within a row. Which maximum leaves an exponent "
            "0 in each of them?",
        ),
        Misconception(
            "epsilon_inside_log",
            _epsilon_inside_log,
            ("stable",),
            "A small ε inside the logarithm puts a ceiling on the loss: no example can cost more "
            "than −log ε. A logit 1000 too low should cost 1000. Can log p be written without "
            "computing p first?",
        ),
        Misconception(
            "log_of_a_vanished_probability",
            _log_of_a_vanished_probability,
            ("stable",),
            "The maximum is taken off, so nothing overflows any more. But exp(−1000) is 0 in "
            "floating point, and −log 0 is infinite. With s = z − max, log p = s − log Σ exp(s) "
            "never forms p: which entry of it does the loss need?",
        ),
        Misconception(
            "softmax_over_the_batch",
            _softmax_over_the_batch,
            ("loss", "dz", "stable"),
            "The probabilities add up to 1 down each column, so the examples compete with each "
            "other. The classes of one example should. Along which axis do they lie?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin, or the loss is off",
            "For each row: p = exp(z) / Σ exp(z), where `axis=1, keepdims=True` sums along a row. "
            "Then −log of the entry at the target, then the mean over the rows. "
            "`p[np.arange(N), targets]` picks one entry a row: `np.arange(N)` counts the rows, "
            "`targets` holds the column for each.",
            ("loss",),
        ),
        Hint(
            "dz is off, or a row of it does not add up to 0",
            "∂L/∂z of one row is p minus a vector that is 1 at the target and 0 elsewhere. In the "
            "first hand row p is (1/8, 2/8, 5/8) and the target is class 1. What does the mean "
            "over N rows add as a factor? `dz[np.arange(N), targets] -= 1` reaches one entry a "
            "row.",
            ("dz",),
        ),
        Hint(
            "NaN or infinity appears, or a large loss is cut off",
            "Two places can break: exp of a large number is infinite, and the log of a p that has "
            "become 0 is too. With s = z − max of the row, p = exp(s) / Σ exp(s). Take the log of "
            "this fraction on paper: log p = … − log(…), whose sum is at least 1. The loss reads "
            "log p, and p = exp(log p).",
            ("stable",),
            ("finite", "value"),
        ),
    ),
    solution_note=(
        "Of one row with target t:  L = −log p_t = −z_t + log Σ_j exp(z_j).\n"
        "    ∂L/∂z_k = −[k = t] + exp(z_k) / Σ_j exp(z_j) = p_k − [k = t]\n"
        "Here [k = t] is 1 at the right class, else 0; all of them together are the one-hot row.\n"
        "The batch takes the mean, so dz = (p − one-hot) / N. Going through p gives the same:\n"
        "∂L/∂p_t = −1/p_t times ∂p_t/∂z_k = p_t ([k = t] − p_k), where the two p_t cancel.\n"
        "exp overflows beyond 709. Taking m = max_j z_j off every logit of a row leaves p:\n"
        "    log p_k = (z_k − m) − log Σ_j exp(z_j − m)\n"
        "The sum lies between 1 and K, so its logarithm is always finite and no ε is needed."
    ),
)
