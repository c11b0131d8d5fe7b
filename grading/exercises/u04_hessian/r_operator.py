"""The Hessian of a two-layer network times a direction, exactly."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Property,
)
from grading.exercises.u04_hessian.r_operator_mistakes import MISCONCEPTIONS
from grading.exercises.u04_hessian.r_operator_slips import SLIPS
from grading.probes import Call


def _cases(rng: np.random.Generator) -> Case:
    n, d, m, k = (int(size) for size in rng.choice(np.arange(2, 8), size=4, replace=False))
    return Case({
        "X": rng.normal(size=(n, d)),
        "targets": 2.0 * rng.normal(size=(n, k)),
        "W1": rng.normal(size=(d, m)) / np.sqrt(d),
        "W2": rng.normal(size=(m, k)),
        "V1": rng.normal(size=(d, m)),
        "V2": rng.normal(size=(m, k)),
    })


def hessian_vector_product(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return HV1, HV2: how the gradient of mean((tanh(X W1) W2 − targets)²) changes along V."""
    h = np.tanh(X @ W1)
    slope = 1 - h**2
    dy = 2 * (h @ W2 - targets) / targets.size
    dh = dy @ W2.T

    h_dot = slope * (X @ V1)  # how each value above changes along V
    dy_dot = 2 * (h_dot @ W2 + h @ V2) / targets.size
    dh_dot = dy_dot @ W2.T + dy @ V2.T
    dz_dot = dh_dot * slope - 2 * dh * h * h_dot

    HV2 = h_dot.T @ dy + h.T @ dy_dot
    HV1 = X.T @ dz_dot
    return HV1, HV2


def _by_complex_step(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    step = 1e-30  # no difference is taken, so it may be as small as numbers go
    U1, U2 = W1 + 1j * step * V1, W2 + 1j * step * V2
    h = np.tanh(X @ U1)
    dy = 2 * (h @ U2 - targets) / targets.size
    dW1 = X.T @ ((dy @ U2.T) * (1 - h**2))
    return dW1.imag / step, (h.T @ dy).imag / step


def _row_by_row(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    HV1, HV2 = np.zeros(W1.shape), np.zeros(W2.shape)
    scale = 2 / targets.size
    for x, t in zip(X, targets, strict=True):
        h = np.tanh(W1.T @ x)
        e = h @ W2 - t
        h_dot = (1 - h * h) * (V1.T @ x)
        e_dot = h_dot @ W2 + h @ V2
        back, back_dot = W2 @ e, W2 @ e_dot + V2 @ e
        HV1 += scale * np.outer(x, (1 - h * h) * back_dot - 2 * h * h_dot * back)
        HV2 += scale * (np.outer(h_dot, e) + np.outer(h, e_dot))
    return HV1, HV2


def _gauss_newton_and_the_rest(
    X: np.ndarray,
    targets: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    V1: np.ndarray,
    V2: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    h = np.tanh(np.einsum("nd,dm->nm", X, W1))
    z_dot = np.einsum("nd,dm->nm", X, V1)
    slope, bend = 1 - h**2, -2 * h * (1 - h**2)
    error = 2 * (np.einsum("nm,mk->nk", h, W2) - targets) / targets.size
    change = 2 / targets.size * (np.einsum("nm,nm,mk->nk", slope, z_dot, W2) + h @ V2)
    HV1 = np.einsum("nd,nm,mk,nk->dm", X, slope, W2, change)  # Gauss-Newton
    HV1 += np.einsum("nd,nm,mk,nk->dm", X, slope, V2, error)
    HV1 += np.einsum("nd,nm,nm,mk,nk->dm", X, bend, z_dot, W2, error)
    HV2 = np.einsum("nm,nk->mk", h, change) + np.einsum("nm,nm,nk->mk", slope, z_dot, error)
    return HV1, HV2


def _exact(i_output: int, output: str) -> Property:
    """Tell what is exact, which agrees to 1e-13, from a difference quotient, 1e-9 at best."""
    breach = (
        f"`{output}` is near, but not exact: its first digits are right and the last ones are "
        "not. That is the mark of a difference quotient, whatever its step (or of float32). Each "
        "line of the gradient can be differentiated by itself."
    )

    def broken(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
        wanted = hessian_vector_product(**inputs)[i_output]
        return None if np.allclose(outputs[output], wanted, rtol=1e-10, atol=1e-12) else breach

    return Property(f"{output} is exact", broken)


# tanh(½ ln 3) = 1/2 and tanh(ln 3) = 4/5, so h = (1/2, 4/5) with the slopes 3/4 and 9/25;
# y = (1, 8/5), dy = (1, 3/5) and dh = (2, 6/5). Along V: ż = (1, 2), ḣ = (3/4, 18/25),
# dẏ = (2, 2.24), dḣ = (5, 5.08) and dż = (2.25, 0.4464).
_HAND = HandCase(
    {
        "X": np.array([[1], [2]]),
        "targets": np.array([[0], [1]]),
        "W1": np.array([[0.5 * np.log(3)]]),
        "W2": np.array([[2]]),
        "V1": np.array([[1]]),
        "V2": np.array([[1]]),
    },
    {"HV1": np.array([[3.1428]]), "HV2": np.array([[3.974]])},
)

HESSIAN_VECTOR_PRODUCT = Exercise(
    id="hessian_vector_product",
    unit="04",
    tier="core",
    title="The Hessian times a direction",
    minutes=25,
    difficulty=5,
    probe=Call(returns=("HV1", "HV2")),
    cases=_cases,
    criteria=(
        Criterion("HV2", 2, ("HV2",), _HAND, properties=(_exact(1, "HV2"),)),
        Criterion("HV1", 3, ("HV1",), _HAND, properties=(_exact(0, "HV1"),)),
    ),
    reference=hessian_vector_product,
    alternatives=(_by_complex_step, _row_by_row, _gauss_newton_and_the_rest),
    misconceptions=(*MISCONCEPTIONS, *SLIPS),
    hints=(
        Hint(
            "I do not know where to begin",
            "Write the gradient first, one line for each step: h, dy, dW2, dh, dz, dW1. Then put a "
            "second line below each, which says how that value changes when W1 moves along V1 and "
            "W2 along V2. X and targets do not move. A product of two moving things changes in two "
            "ways, so its line has two terms.",
        ),
        Hint(
            "HV2 is off",
            "dW2 = hᵀ dy, and both factors move. In the hand example h changes by (0.75, 0.72) and "
            "dy by (2, 2.24). If dy changes by something else: y = h W2 has two moving factors as "
            "well, and targets.size divides dy and its change alike.",
            ("HV2",),
        ),
        Hint(
            "HV2 is right, HV1 is not",
            "Two products lie between dy and dW1. dh = dy W2ᵀ: both factors move. dz = dh · (1 − "
            "h²): both factors move, and the change of 1 − h² follows from that of h. In the hand "
            "example dh changes by (5, 5.08) and dz by (2.25, 0.4464). Which of the four terms is "
            "missing?",
            ("HV1",),
        ),
    ),
    solution_note=(
        "Each line of the gradient, and below it its change along V (the R-operator, a dot here):\n"
        "    h  = tanh(X W1)             ḣ  = (1 − h²) · (X V1)\n"
        "    dy = 2 (h W2 − t) / (N K)   dẏ = 2 (ḣ W2 + h V2) / (N K)\n"
        "    dW2 = hᵀ dy                 HV2 = ḣᵀ dy + hᵀ dẏ\n"
        "    dh = dy W2ᵀ                 dḣ = dẏ W2ᵀ + dy V2ᵀ\n"
        "    dz = dh · (1 − h²)          dż = dḣ · (1 − h²) − 2 h ḣ · dh\n"
        "    dW1 = Xᵀ dz                 HV1 = Xᵀ dż\n"
        "Every line is linear in what moves, so nothing is approximated, and each costs what the\n"
        "line above it costs: a product takes about as long as two gradients, and no more memory.\n"
        "The terms with dy and dh vanish where the network meets its targets; without them the\n"
        "product is that of the Gauss-Newton matrix (Pearlmutter 1994)."
    ),
    rtol=1e-3,  # what is near is judged by the properties, which name it
    atol=1e-3,
)
