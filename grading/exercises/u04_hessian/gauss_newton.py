"""The Gauss-Newton matrix of a classifier times a direction."""
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
    n, d, m, k = (int(size) for size in rng.choice(np.arange(2, 8), size=4, replace=False))
    return Case({
        "X": rng.normal(size=(n, d)),
        "W1": rng.normal(size=(d, m)) / np.sqrt(d),
        "W2": rng.normal(size=(m, k)),
        "V1": rng.normal(size=(d, m)),
        "V2": rng.normal(size=(m, k)),
    })


def gauss_newton_product(
    X: np.ndarray, W1: np.ndarray, W2: np.ndarray, V1: np.ndarray, V2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return GV1, GV2 for the mean cross-entropy of softmax(tanh(X W1) W2)."""
    h = np.tanh(X @ W1)
    z = h @ W2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    z_dot = ((1 - h**2) * (X @ V1)) @ W2 + h @ V2  # J v
    dz = p * (z_dot - (p * z_dot).sum(axis=1, keepdims=True)) / len(X)  # S J v
    return X.T @ ((dz @ W2.T) * (1 - h**2)), h.T @ dz  # Jᵀ S J v


def _with_all_jacobians(
    X: np.ndarray, W1: np.ndarray, W2: np.ndarray, V1: np.ndarray, V2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    n, d, m, k = len(X), *W1.shape, W2.shape[1]
    h = np.tanh(X @ W1)
    z = h @ W2
    p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    J1 = np.einsum("nd,nm,mk->nkdm", X, 1 - h**2, W2).reshape(n, k, d * m)
    J2 = np.einsum("nm,kl->nkml", h, np.eye(k)).reshape(n, k, m * k)
    J = np.concatenate([J1, J2], axis=2)
    S = np.einsum("nk,kl->nkl", p, np.eye(k)) - np.einsum("nk,nl->nkl", p, p)
    G = np.einsum("nkp,nkl,nlq->pq", J, S, J) / n
    out = G @ np.concatenate([V1.ravel(), V2.ravel()])
    return out[: d * m].reshape(d, m), out[d * m :].reshape(m, k)


def _row_by_row(
    X: np.ndarray, W1: np.ndarray, W2: np.ndarray, V1: np.ndarray, V2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    GV1, GV2 = np.zeros(W1.shape), np.zeros(W2.shape)
    for x in X:
        h = np.tanh(x @ W1)
        e = np.exp(h @ W2 - np.max(h @ W2))
        p = e / e.sum()
        change = ((1 - h * h) * (x @ V1)) @ W2 + h @ V2
        back = (np.diag(p) - np.outer(p, p)) @ change / len(X)
        GV2 += np.outer(h, back)
        GV1 += np.outer(x, (1 - h * h) * (W2 @ back))
    return GV1, GV2


def _curvature_of_loss_left_out(
    X: np.ndarray, W1: np.ndarray, W2: np.ndarray, V1: np.ndarray, V2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    dz = (((1 - h**2) * (X @ V1)) @ W2 + h @ V2) / len(X)
    return X.T @ ((dz @ W2.T) * (1 - h**2)), h.T @ dz


def _classes_taken_apart(
    X: np.ndarray, W1: np.ndarray, W2: np.ndarray, V1: np.ndarray, V2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    z = h @ W2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    z_dot = ((1 - h**2) * (X @ V1)) @ W2 + h @ V2
    dz = p * (1 - p) * z_dot / len(X)
    return X.T @ ((dz @ W2.T) * (1 - h**2)), h.T @ dz


def _not_averaged(
    X: np.ndarray, W1: np.ndarray, W2: np.ndarray, V1: np.ndarray, V2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    z = h @ W2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    z_dot = ((1 - h**2) * (X @ V1)) @ W2 + h @ V2
    dz = p * (z_dot - (p * z_dot).sum(axis=1, keepdims=True))
    return X.T @ ((dz @ W2.T) * (1 - h**2)), h.T @ dz


def _change_of_output_without_v2(
    X: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,  # ruff: ignore[unused-function-argument]  # it is left out
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    z = h @ W2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    z_dot = ((1 - h**2) * (X @ V1)) @ W2
    dz = p * (z_dot - (p * z_dot).sum(axis=1, keepdims=True)) / len(X)
    return X.T @ ((dz @ W2.T) * (1 - h**2)), h.T @ dz


def _slope_missing_forward(
    X: np.ndarray, W1: np.ndarray, W2: np.ndarray, V1: np.ndarray, V2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    z = h @ W2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    z_dot = (X @ V1) @ W2 + h @ V2
    dz = p * (z_dot - (p * z_dot).sum(axis=1, keepdims=True)) / len(X)
    return X.T @ ((dz @ W2.T) * (1 - h**2)), h.T @ dz


def _slope_missing_backward(
    X: np.ndarray, W1: np.ndarray, W2: np.ndarray, V1: np.ndarray, V2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    z = h @ W2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    z_dot = ((1 - h**2) * (X @ V1)) @ W2 + h @ V2
    dz = p * (z_dot - (p * z_dot).sum(axis=1, keepdims=True)) / len(X)
    return X.T @ (dz @ W2.T), h.T @ dz


def _way_back_along_v2(
    X: np.ndarray, W1: np.ndarray, W2: np.ndarray, V1: np.ndarray, V2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    z = h @ W2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    z_dot = ((1 - h**2) * (X @ V1)) @ W2 + h @ V2
    dz = p * (z_dot - (p * z_dot).sum(axis=1, keepdims=True)) / len(X)
    return X.T @ ((dz @ V2.T) * (1 - h**2)), h.T @ dz


def _way_back_moved(
    X: np.ndarray, W1: np.ndarray, W2: np.ndarray, V1: np.ndarray, V2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(X @ W1)
    z = h @ W2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    z_dot = ((1 - h**2) * (X @ V1)) @ W2 + h @ V2
    dz = p * (z_dot - (p * z_dot).sum(axis=1, keepdims=True)) / len(X)
    return X.T @ ((dz @ W2.T + dz @ V2.T) * (1 - h**2)), h.T @ dz


_BOTH = ("GV2", "GV1")

# h = (1/2, −1/2), slopes 3/4, logits (ln 3, 0) and (−ln 3, 0), so p = (3/4, 1/4) and (1/4, 3/4).
# ż = (a, 0) and (−a, 0) with a = 3/2 ln 3 + 1/2, and S ż / N = ±(3/32)(a, −a).
_LN3 = np.log(3)
_A = 1.5 * _LN3 + 0.5
_HAND = HandCase(
    {
        "X": np.array([[1], [-1]]),
        "W1": np.array([[0.5 * _LN3]]),
        "W2": np.array([[2 * _LN3, 0.0]]),
        "V1": np.array([[1]]),
        "V2": np.array([[1, 0]]),
    },
    {"GV1": np.array([[9 / 32 * _LN3 * _A]]), "GV2": 3 / 32 * _A * np.array([[1.0, -1.0]])},
)

GAUSS_NEWTON_PRODUCT = Exercise(
    id="gauss_newton_product",
    unit="04",
    tier="further",
    title="The Gauss-Newton matrix times a direction",
    minutes=15,
    difficulty=4,
    probe=Call(returns=("GV1", "GV2")),
    cases=_cases,
    criteria=(
        Criterion("GV2", 2, ("GV2",), _HAND),
        Criterion("GV1", 2, ("GV1",), _HAND),
    ),
    reference=gauss_newton_product,
    alternatives=(_with_all_jacobians, _row_by_row),
    misconceptions=(
        Misconception(
            "curvature_of_loss_left_out",
            _curvature_of_loss_left_out,
            _BOTH,
            "This is JᵀJ v / N, the product for squared errors with a factor ½. The cross-entropy "
            "bends in another way: strongly where the network is in doubt, hardly where it is "
            "sure. Which matrix of the probabilities belongs between Jᵀ and J?",
        ),
        Misconception(
            "classes_taken_apart",
            _classes_taken_apart,
            _BOTH,
            "Each class is multiplied by its own p (1 − p), as if the classes knew nothing of each "
            "other. When one logit rises, all other probabilities fall. What is ∂p_k/∂z_l for "
            "k ≠ l?",
        ),
        Misconception(
            "not_averaged",
            _not_averaged,
            _BOTH,
            "The rows are added up and not averaged. The loss is a mean, so its curvature is one "
            "too. Where does the 1/N enter?",
        ),
        Misconception(
            "change_of_output_without_v2",
            _change_of_output_without_v2,
            _BOTH,
            "The change of the logits holds the part through h only. z = h W2 is a product of two "
            "things that move. What does a move of W2 alone do to z?",
        ),
        Misconception(
            "slope_missing_forward",
            _slope_missing_forward,
            _BOTH,
            "On the way forward X V1 passes the tanh unchanged, as if its slope were 1. By how "
            "much does h change when X W1 changes by X V1?",
        ),
        Misconception(
            "slope_missing_backward",
            _slope_missing_backward,
            ("GV1",),
            "GV2 is right. On the way back the slope of the tanh is missing: forward and backward "
            "pass the same gate. What is dh multiplied by to become the gradient at X W1?",
        ),
        Misconception(
            "way_back_along_v2",
            _way_back_along_v2,
            ("GV1",),
            "GV2 is right. The way back goes through V2. That is Jᵀ of another network: the "
            "direction has done its work once the change of the logits is known. Which weights "
            "does an ordinary backward pass use?",
        ),
        Misconception(
            "way_back_moved",
            _way_back_moved,
            ("GV1",),
            "GV2 is right. On the way back you add a term with V2ᵀ, as a product with the whole "
            "Hessian has one. Gauss-Newton takes the outputs as straight lines, whose slopes do "
            "not change along V. Which factors still move after the change of the logits?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Three steps. Forward: how do the logits change when W1 moves along V1 and W2 along "
            "V2? Then: how does dz = p/N change when the logits do? Then an ordinary backward "
            "pass, which starts from that change in place of dz.",
        ),
        Hint(
            "GV2 is off",
            "z changes by ż = ((1 − h²)(X V1)) W2 + h V2, and p_k by p_k (ż_k − Σ_l p_l ż_l), row "
            "by row. The 1/N of the mean comes to it. Then GV2 = hᵀ times that.",
            ("GV2",),
        ),
        Hint(
            "GV2 is right, GV1 is not",
            "From the change of dz go back as in unit 01: through W2 transposed, through the slope "
            "of the tanh, then Xᵀ. Nothing else moves.",
            ("GV1",),
        ),
    ),
    solution_note=(
        "Take the logits as straight lines in the weights, z(θ + v) = z + J v, and keep the bend\n"
        "of the loss: then the change of the gradient along v is Jᵀ S J v.\n"
        "    J v    forward:   ż = ((1 − h²) · (X V1)) W2 + h V2\n"
        "    S      the loss:  dż = p · (ż − Σ_k p_k ż_k) / N\n"
        "    Jᵀ     backward:  GV2 = hᵀ dż,   GV1 = Xᵀ ((dż W2ᵀ) · (1 − h²))\n"
        "No target occurs. S is positive semidefinite, and so is G, for any weights: vᵀG v is the\n"
        "curvature of the loss along a change of outputs. What the Hessian has besides are the\n"
        "terms with p − target times a bend of the network (Schraudolph 2002)."
    ),
)
