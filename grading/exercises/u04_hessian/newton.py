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
    Misconception,
)
from grading.probes import Call


def _case(rng: np.random.Generator, eigenvalues: np.ndarray) -> Case:
    p = len(eigenvalues)
    Q, _ = np.linalg.qr(rng.normal(size=(p, p)))
    H = (Q * eigenvalues) @ Q.T
    return Case({
        "theta": rng.normal(size=p),
        "gradient": Q @ (rng.uniform(0.5, 2.0, size=p) * rng.choice([-1.0, 1.0], size=p)),
        "H": (H + H.T) / 2,
        "damping": float(rng.uniform(0.2, 0.6)),
    })


def _bowl(rng: np.random.Generator) -> Case:
    return _case(rng, rng.uniform(0.8, 5.0, size=int(rng.integers(3, 7))))


def _saddle(rng: np.random.Generator) -> Case:
    eigenvalues = rng.uniform(0.8, 5.0, size=int(rng.integers(3, 7)))
    eigenvalues[: int(rng.integers(1, 3))] *= -1.0
    return _case(rng, eigenvalues)


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
    new = theta.copy()
    eigenvalues, vectors = np.linalg.eigh(H)
    for value, v in zip(eigenvalues, vectors.T, strict=True):
        new -= (v @ gradient) / (abs(value) + damping) * v
    return new


def _by_singular_values(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    _, sizes, rows = np.linalg.svd(H)  # of a symmetric matrix: the sizes of its eigenvalues
    return theta - rows.T @ np.diag(1 / (sizes + damping)) @ rows @ gradient


def _damping_forgotten(
    theta: np.ndarray,
    gradient: np.ndarray,
    H: np.ndarray,
    damping: float,  # ruff: ignore[unused-function-argument]  # it is forgotten
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    return theta - vectors @ ((vectors.T @ gradient) / np.abs(eigenvalues))


def _plain_newton(
    theta: np.ndarray,
    gradient: np.ndarray,
    H: np.ndarray,
    damping: float,  # ruff: ignore[unused-function-argument]  # it is forgotten
) -> np.ndarray:
    return theta - np.linalg.solve(H, gradient)


def _ascent_at_a_saddle(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    return theta - np.linalg.solve(H + damping * np.eye(len(theta)), gradient)


def _uphill(theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    return theta + vectors @ ((vectors.T @ gradient) / (np.abs(eigenvalues) + damping))


def _size_of_every_entry(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    return theta - np.linalg.solve(np.abs(H) + damping * np.eye(len(theta)), gradient)


def _diagonal_only(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    return theta - gradient / (np.abs(np.diag(H)) + damping)


def _gradient_not_turned(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    return theta - gradient / (np.abs(np.linalg.eigvalsh(H)) + damping)


def _step_not_turned_back(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    return theta - (vectors.T @ gradient) / (np.abs(eigenvalues) + damping)


def _size_taken_after_damping(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    return theta - vectors @ ((vectors.T @ gradient) / np.abs(eigenvalues + damping))


def _downward_bends_dropped(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    step = (vectors.T @ gradient) / (np.abs(eigenvalues) + damping)
    return theta - vectors @ np.where(eigenvalues > 0, step, 0.0)


def _step_without_theta(
    theta: np.ndarray,  # ruff: ignore[unused-function-argument]  # only the step is returned
    gradient: np.ndarray,
    H: np.ndarray,
    damping: float,
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    return -vectors @ ((vectors.T @ gradient) / (np.abs(eigenvalues) + damping))


def _theta_changed_in_place(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    theta -= vectors @ ((vectors.T @ gradient) / (np.abs(eigenvalues) + damping))
    return theta


_BOTH = ("bowl", "saddle")

# Eigenvectors (1, 1)/√2 and (1, −1)/√2 in both. Bowl: λ = 3, 1 and g = 1·(1, 1) + 3·(1, −1), so
# the step is −(1/4)(1, 1) − (3/2)(1, −1). Saddle: λ = 3, −2 and g = 4·(1, 1) + 3·(1, −1), so the
# step is −(4/4)(1, 1) − (3/3)(1, −1).
_HAND_BOWL = HandCase(
    {
        "theta": np.array([1.0, 1.0]),
        "gradient": np.array([4.0, -2.0]),
        "H": np.array([[2.0, 1.0], [1.0, 2.0]]),
        "damping": 1.0,
    },
    {"new_theta": np.array([-0.75, 2.25])},
)
_HAND_SADDLE = HandCase(
    {
        "theta": np.array([1.0, 1.0]),
        "gradient": np.array([7.0, 1.0]),
        "H": np.array([[0.5, 2.5], [2.5, 0.5]]),
        "damping": 1.0,
    },
    {"new_theta": np.array([-1.0, 1.0])},
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
    misconceptions=(
        Misconception(
            "plain_newton",
            _plain_newton,
            _BOTH,
            "This is the plain Newton step −H⁻¹g. It jumps to where the gradient of the quadratic "
            "model is 0, be that a minimum, a saddle or a maximum. By which number should the part "
            "of g along each eigenvector be divided instead?",
        ),
        Misconception(
            "damping_forgotten",
            _damping_forgotten,
            _BOTH,
            "The signs are taken care of, but the damping plays no part. An eigenvalue near 0 "
            "would then send the step to infinity. What is added to |λ| before dividing?",
        ),
        Misconception(
            "ascent_at_a_saddle",
            _ascent_at_a_saddle,
            ("saddle",),
            "Right in a bowl. At a saddle λ + damping can be negative still, and dividing by it "
            "turns the step around: it climbs to the saddle. Which part of λ may decide about the "
            "length, and which may not decide about the direction?",
        ),
        Misconception(
            "uphill",
            _uphill,
            _BOTH,
            "The lengths are right and the sign is not: the step goes up the loss. Gradients of "
            "this course point up. Is the step added or taken away?",
        ),
        Misconception(
            "size_of_every_entry",
            _size_of_every_entry,
            _BOTH,
            "You take the size of every entry of H. That is another matrix, with other "
            "eigenvectors. Of which numbers should the size be taken, and how do you get at them?",
        ),
        Misconception(
            "diagonal_only",
            _diagonal_only,
            _BOTH,
            "Only the diagonal of H is used, as if no two parameters acted on each other. The "
            "convention divides along eigenvectors. Which function gives those, with their "
            "eigenvalues?",
        ),
        Misconception(
            "gradient_not_turned",
            _gradient_not_turned,
            _BOTH,
            "Entry i of the gradient is divided by eigenvalue i. But entry i belongs to parameter "
            "i, and eigenvalue i to eigenvector i. How large is the part of g along an "
            "eigenvector?",
        ),
        Misconception(
            "step_not_turned_back",
            _step_not_turned_back,
            _BOTH,
            "The parts along the eigenvectors are right, but they are taken off the parameters as "
            "they stand. Part i says how far to go along eigenvector i. How do you get from there "
            "back to parameters?",
        ),
        Misconception(
            "size_taken_after_damping",
            _size_taken_after_damping,
            ("saddle",),
            "You take the size of λ + damping. For λ = −1 and damping 1 that is 0, and the step "
            "has no bound: damping was to prevent this. In which order do the two go?",
        ),
        Misconception(
            "downward_bends_dropped",
            _downward_bends_dropped,
            ("saddle",),
            "Directions with a negative eigenvalue are left out. They are the ones that lead off a "
            "saddle, and the gradient says to which side. Which length does the convention give "
            "them?",
        ),
        Misconception(
            "step_without_theta",
            _step_without_theta,
            _BOTH,
            "This is the step alone. Asked is where it leads. From which point does it start?",
        ),
        Misconception(
            "theta_changed_in_place",
            _theta_changed_in_place,
            _BOTH,
            "The values are right, but `-=` wrote them into the caller's `theta`. Whoever wants to "
            "go back, because the loss has risen, no longer can. How do you get an array of your "
            "own?",
        ),
    ),
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
            "eigenvectors are (1, 1)/√2 and (1, −1)/√2, and the parts are divided by 4 and 2.",
            ("bowl",),
        ),
        Hint(
            "The bowl is right, the saddle is not",
            "In the hand example the eigenvalues are 3 and −2, and the parts are divided by "
            "|3| + 1 = 4 and |−2| + 1 = 3. What do you divide by along the second one?",
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
