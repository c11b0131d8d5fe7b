"""A Newton step that does not climb at a saddle."""
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
)
from grading.exercises.u04_hessian.newton_mistakes import MISCONCEPTIONS
from grading.probes import Call


def _case(rng: np.random.Generator, eigenvalues: np.ndarray, n_flat: int) -> Case:
    """Turn all directions but the first `n_flat`, where H stays exactly 0."""
    p, damping = len(eigenvalues) + n_flat, float(rng.uniform(0.2, 0.6))
    eigenvalues[0] *= 0.1 * damping / abs(eigenvalues[0])  # far below the damping
    Q = np.eye(p)
    Q[n_flat:, n_flat:], _ = np.linalg.qr(rng.normal(size=(len(eigenvalues), len(eigenvalues))))
    H = (Q * np.concatenate([np.zeros(n_flat), eigenvalues])) @ Q.T
    return Case({
        "theta": rng.normal(size=p),
        "gradient": Q @ (rng.uniform(0.5, 2.0, size=p) * rng.choice([-1.0, 1.0], size=p)),
        "H": (H + H.T) / 2,
        "damping": damping,
    })


def _bowl(rng: np.random.Generator) -> Case:
    return _case(rng, rng.uniform(0.8, 5.0, size=int(rng.integers(3, 7))), n_flat=0)


def _saddle(rng: np.random.Generator) -> Case:
    """Draw a saddle with a direction that is exactly flat: there λ has no sign."""
    eigenvalues = rng.uniform(0.8, 5.0, size=int(rng.integers(4, 7)))
    eigenvalues[: int(rng.integers(2, 4))] *= -1.0
    return _case(rng, eigenvalues, n_flat=1)


def damped_newton_step(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    """Return theta after a step of −g/(|λ| + damping) along every eigenvector of H."""
    eigenvalues, vectors = np.linalg.eigh(H)
    along = vectors.T @ gradient
    return theta - vectors @ (along / (np.abs(eigenvalues) + damping))


def _by_matrix_of_sizes(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, V = np.linalg.eigh(H)
    size = V @ np.diag(np.abs(eigenvalues)) @ V.T  # |H|: H with all its signs made positive
    return theta - np.linalg.solve(size + damping * np.eye(len(theta)), gradient)


def _one_direction_at_a_time(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    new = np.array(theta, dtype=float)
    eigenvalues, vectors = np.linalg.eigh(H)
    for value, v in zip(eigenvalues, vectors.T, strict=True):
        new -= (v @ gradient) / (abs(value) + damping) * v
    return new


def _by_singular_values(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    _, sizes, rows = np.linalg.svd(H)  # of a symmetric matrix: the sizes of its eigenvalues
    return theta - rows.T @ np.diag(1 / (sizes + damping)) @ rows @ gradient


# Eigenvectors (1, 1, 0)/√2, (1, −1, 0)/√2 and (0, 0, 1) in both; the matrix of them is not
# symmetric, in whatever order and with whatever signs `eigh` returns them. Bowl: λ = 3, 1, 2 and
# g = 1·(1, 1, 0) + 3·(1, −1, 0) + 3·(0, 0, 1), so the step is −(1/4)(1, 1, 0) − (3/2)(1, −1, 0) −
# (3/3)(0, 0, 1). Saddle: λ = 3, −2, 1 and g = 4·(1, 1, 0) + 3·(1, −1, 0) + 2·(0, 0, 1), so the step
# is −(4/4)(1, 1, 0) − (3/3)(1, −1, 0) − (2/2)(0, 0, 1).
_HAND_BOWL = HandCase(
    {
        "theta": np.array([1, 1, 1]),  # whole numbers, as in the example of the stub
        "gradient": np.array([4, -2, 3]),
        "H": np.array([[2, 1, 0], [1, 2, 0], [0, 0, 2]]),
        "damping": 1,
    },
    {"new_theta": np.array([-0.75, 2.25, 0.0])},
)
_HAND_SADDLE = HandCase(
    {
        "theta": np.array([1.0, 1.0, 1.0]),
        "gradient": np.array([7.0, 1.0, 2.0]),
        "H": np.array([[0.5, 2.5, 0.0], [2.5, 0.5, 0.0], [0.0, 0.0, 1.0]]),
        "damping": 1.0,
    },
    {"new_theta": np.array([-1.0, 1.0, 0.0])},
)

DAMPED_NEWTON_STEP = Exercise(
    id="damped_newton_step",
    unit="04",
    tier="core",
    title="A Newton step that leaves saddles",
    minutes=12,
    difficulty=3,
    probe=Call(returns=("new_theta",)),
    cases=_bowl,
    criteria=(
        Criterion("bowl", 2, ("new_theta",), _HAND_BOWL),
        Criterion("saddle", 2, ("new_theta",), _HAND_SADDLE, draw=_saddle),
    ),
    reference=damped_newton_step,
    alternatives=(_by_matrix_of_sizes, _one_direction_at_a_time, _by_singular_values),
    misconceptions=MISCONCEPTIONS,
    hints=(
        Hint(
            "I do not know where to begin",
            "`np.linalg.eigh(H)` gives the eigenvalues and a matrix whose columns are the "
            "eigenvectors. For each of them: how long is the part of the gradient along it (a dot "
            "product)? Divide that by its number, and go back by so much along the eigenvector.",
        ),
        Hint(
            "The bowl is off",
            "With V the matrix of eigenvectors as columns, Vᵀ g are the parts of g along them, and "
            "V times a list of parts leads back to parameters. In the hand example the "
            "eigenvectors are (1, 1, 0)/√2, (1, −1, 0)/√2 and (0, 0, 1), and the parts are divided "
            "by 4, 2 and 3.",
            ("bowl",),
        ),
        Hint(
            "The bowl is right, the saddle is not",
            "In the hand example the eigenvalues are 3, −2 and 1, and the parts are divided by "
            "|3| + 1 = 4, |−2| + 1 = 3 and |1| + 1 = 2. What do you divide by along the second? "
            "And if an eigenvalue is 0, something is left to divide by there too.",
            ("saddle",),
        ),
    ),
    solution_note=(
        "In eigenvectors the quadratic model is a sum over directions that know nothing of each\n"
        "other: g_i s_i + ½ λ_i s_i². Its critical point is s_i = −g_i/λ_i, a maximum where λ_i <\n"
        "0.\n"
        "    s_i = −g_i / (|λ_i| + damping)          θ ← θ + V s,   g_i = (Vᵀg)_i\n"
        "goes down along every eigenvector, whatever its sign, as far as the curvature's size\n"
        "allows, and damping bounds the step where λ is near 0: large damping means short steps\n"
        "along −g. (H + damping · I)⁻¹g does the same in a bowl and climbs at a saddle unless the\n"
        "damping exceeds |λ_min|. Taking |λ| is the saddle-free Newton of Dauphin et al. (2014)."
    ),
)
