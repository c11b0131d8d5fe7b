"""The diagonal of the Fisher matrix, true and empirical."""
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
    n, d, k = (int(size) for size in rng.choice(np.arange(3, 9), size=3, replace=False))
    return Case({
        "X": rng.normal(size=(n, d)),
        "targets": rng.integers(k, size=n),
        "W": rng.normal(size=(d, k)),
    })


def fisher_diagonal(
    X: np.ndarray, targets: np.ndarray, W: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the diagonals (d, K), true and empirical, for softmax(X W)."""
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    one_hot = np.eye(W.shape[1])[targets]
    true = (X**2).T @ (p * (1 - p)) / len(X)
    empirical = (X**2).T @ (p - one_hot) ** 2 / len(X)
    return true, empirical


def _from_all_gradients(
    X: np.ndarray, targets: np.ndarray, W: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    z = X @ W
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    k = W.shape[1]
    true = np.zeros(W.shape)
    for guess in range(k):  # every target that the model might have drawn, by its probability
        gradients = X[:, :, None] * (p - np.eye(k)[guess])[:, None, :]
        true += np.einsum("n,nik->ik", p[:, guess], gradients**2) / len(X)
    gradients = X[:, :, None] * (p - np.eye(k)[targets])[:, None, :]
    return true, (gradients**2).mean(axis=0)


def _row_by_row(X: np.ndarray, targets: np.ndarray, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    true, empirical = np.zeros(W.shape), np.zeros(W.shape)
    for x, target in zip(X, targets, strict=True):
        e = np.exp(x @ W - (x @ W).max())
        p = e / e.sum()
        error = p.copy()
        error[target] -= 1
        true += np.outer(x**2, p - p**2)
        empirical += np.outer(x, error) ** 2
    return true / len(X), empirical / len(X)


def _empirical_for_both(
    X: np.ndarray, targets: np.ndarray, W: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    empirical = (X**2).T @ (p - np.eye(W.shape[1])[targets]) ** 2 / len(X)
    return empirical, empirical.copy()


def _true_for_both(
    X: np.ndarray,
    targets: np.ndarray,  # ruff: ignore[unused-function-argument]  # they play no part
    W: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    true = (X**2).T @ (p * (1 - p)) / len(X)
    return true, true.copy()


def _batch_gradient_squared(
    X: np.ndarray, targets: np.ndarray, W: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    gradient = X.T @ (p - np.eye(W.shape[1])[targets]) / len(X)
    return (X**2).T @ (p * (1 - p)) / len(X), gradient**2


def _likeliest_class_as_target(
    X: np.ndarray, targets: np.ndarray, W: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    identity = np.eye(W.shape[1])
    true = (X**2).T @ (p - identity[p.argmax(axis=1)]) ** 2 / len(X)
    return true, (X**2).T @ (p - identity[targets]) ** 2 / len(X)


def _summed_over_rows(
    X: np.ndarray, targets: np.ndarray, W: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return (X**2).T @ (p * (1 - p)), (X**2).T @ (p - np.eye(W.shape[1])[targets]) ** 2


def _inputs_not_squared(
    X: np.ndarray, targets: np.ndarray, W: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    true = X.T @ (p * (1 - p)) / len(X)
    return true, X.T @ (p - np.eye(W.shape[1])[targets]) ** 2 / len(X)


_BOTH = ("true", "empirical")

# Both rows have the logits (ln 2, 0, 0), so p = (1/2, 1/4, 1/4) and p (1 − p) = (4, 3, 3)/16. The
# means of x² are 1 and 2. With the targets 0 and 2 the squared errors are (4, 1, 1)/16 and
# (4, 1, 9)/16, and the second input is 2 in the first row and 0 in the second.
_HAND = HandCase(
    {
        "X": np.array([[1, 2], [1, 0]]),
        "targets": np.array([0, 2]),
        "W": np.array([[np.log(2), 0.0, 0.0], [0.0, 0.0, 0.0]]),
    },
    {
        "true": np.array([[4.0, 3.0, 3.0], [8.0, 6.0, 6.0]]) / 16,
        "empirical": np.array([[4.0, 1.0, 5.0], [8.0, 2.0, 2.0]]) / 16,
    },
)

FISHER_DIAGONAL = Exercise(
    id="fisher_diagonal",
    unit="04",
    tier="further",
    title="The Fisher diagonal, true and empirical",
    minutes=12,
    difficulty=3,
    probe=Call(returns=("true", "empirical")),
    cases=_cases,
    criteria=(
        Criterion("true", 2, ("true",), _HAND),
        Criterion("empirical", 2, ("empirical",), _HAND),
    ),
    reference=fisher_diagonal,
    alternatives=(_from_all_gradients, _row_by_row),
    misconceptions=(
        Misconception(
            "empirical_for_both",
            _empirical_for_both,
            ("true",),
            "The true Fisher is taken at the given targets: that is the empirical one. The true "
            "one never sees them. Over which targets, and with which probabilities, does it "
            "average?",
        ),
        Misconception(
            "true_for_both",
            _true_for_both,
            ("empirical",),
            "The empirical Fisher comes out without any target. It takes the one target of each "
            "row as it came. Which error, squared, belongs to it?",
        ),
        Misconception(
            "batch_gradient_squared",
            _batch_gradient_squared,
            ("empirical",),
            "You average the gradients of the rows and square the mean. At a minimum that is 0, "
            "however much the rows disagree. Asked is the mean of squares. Which comes first, "
            "squaring or averaging?",
        ),
        Misconception(
            "likeliest_class_as_target",
            _likeliest_class_as_target,
            ("true",),
            "The likeliest class serves as target. The model does not always say it: with p = 0.6 "
            "it says something else in four of ten draws. What is the mean of (p_k − t_k)² when "
            "t_k is 1 with probability p_k and 0 otherwise?",
        ),
        Misconception(
            "summed_over_rows",
            _summed_over_rows,
            _BOTH,
            "Both are sums over the rows. On the scale of a loss that is a mean, they are means. "
            "By what must they be divided?",
        ),
        Misconception(
            "inputs_not_squared",
            _inputs_not_squared,
            _BOTH,
            "The errors are squared and the inputs are not, so some entries come out negative. A "
            "row's gradient is x_i times an error. What is its square?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "A row's gradient at W_ik is x_i (p_k − t_k), with t_k = 1 for the target and 0 "
            "otherwise. Its square is x_i² (p_k − t_k)². The empirical Fisher is the mean of this "
            "over the rows, at the targets as they are.",
        ),
        Hint(
            "The true one is off",
            "Here t_k is not given but drawn: 1 with probability p_k, 0 with probability 1 − p_k. "
            "The mean of (p_k − t_k)² is then p_k (p_k − 1)² + (1 − p_k) p_k². Can it be written "
            "shorter?",
            ("true",),
        ),
        Hint(
            "The empirical one is off",
            "Square first, row by row, then average. In the hand example the second input is 2 in "
            "the first row and 0 in the second, so its squares are 4 and 0.",
            ("empirical",),
        ),
    ),
    solution_note=(
        "A row's gradient is g_ik = x_i (p_k − t_k), and both diagonals are the mean over the\n"
        "rows of E[g_ik²]. They differ in where t comes from.\n"
        "    empirical: the data's t             1/N Σ_rows x_i² (p_k − t_k)²\n"
        "    true: t drawn from the model itself, E[(p_k − t_k)²] = p_k (1 − p_k), a coin's\n"
        "variance\n"
        "                                        1/N Σ_rows x_i² p_k (1 − p_k)\n"
        "The true one is the diagonal of the Gauss-Newton matrix and, for this model, of the\n"
        "Hessian. The empirical one shrinks with the errors: on rows that are fitted it says\n"
        "flat, on mislabeled rows it says curved (Kunstner, Balles & Hennig 2019)."
    ),
)
