"""Known wrong answers to `damped_newton_step`."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


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


def _rows_for_columns(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    return theta - vectors.T @ ((vectors @ gradient) / (np.abs(eigenvalues) + damping))


def _turned_the_wrong_way(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    return theta - vectors @ ((vectors @ gradient) / (np.abs(eigenvalues) + damping))


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


def _larger_of_size_and_damping(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    return theta - vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(eigenvalues), damping))


def _zero_has_no_sign(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    sign = np.sign(eigenvalues)
    return theta - vectors @ (sign * (vectors.T @ gradient) / (eigenvalues + sign * damping))


def _flat_directions_dropped(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    step = (vectors.T @ gradient) / (np.abs(eigenvalues) + damping)
    return theta - vectors @ np.where(np.abs(eigenvalues) > 1e-8, step, 0.0)


def _downward_bends_left_out(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    step = (vectors.T @ gradient) / (np.abs(eigenvalues) + damping)
    return theta - vectors @ np.where(eigenvalues < -1e-8, 0.0, step)


def _kept_as_whole_numbers(
    theta: np.ndarray, gradient: np.ndarray, H: np.ndarray, damping: float
) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(H)
    step = vectors @ ((vectors.T @ gradient) / (np.abs(eigenvalues) + damping))
    new = np.empty_like(theta)
    new[:] = theta - step
    return new


_BOTH = ("bowl", "saddle")

MISCONCEPTIONS: tuple[Misconception, ...] = (
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
        "rows_for_columns",
        _rows_for_columns,
        _BOTH,
        "The rows of the matrix from `eigh` are taken for eigenvectors, as a loop over it does "
        "too. H times such a row is no multiple of it. Which part of that matrix belongs to "
        "eigenvalue i?",
    ),
    Misconception(
        "turned_the_wrong_way",
        _turned_the_wrong_way,
        _BOTH,
        "V @ g adds up the columns of V, with the entries of g as weights: that leads from "
        "parts to parameters. Here the parts are wanted, the dot product of g with each "
        "column. Which product gives all of those?",
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
        "Only directions with a positive eigenvalue get a step. The negative ones are those that "
        "lead off a saddle, and the gradient says to which side. Which length does the convention "
        "give them, and which a direction with the eigenvalue 0?",
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
        "`-=` writes into the caller's `theta`. Whoever wants to go back, because the loss has "
        "risen, no longer can; and a `theta` of whole numbers takes no decimals. How do you get an "
        "array of your own?",
    ),
    Misconception(
        "larger_of_size_and_damping",
        _larger_of_size_and_damping,
        _BOTH,
        "You divide by the larger of |λ| and the damping, so the damping acts in flat directions "
        "only. The convention shortens the step along all of them. How are the two joined there?",
    ),
    Misconception(
        "zero_has_no_sign",
        _zero_has_no_sign,
        ("saddle",),
        "`np.sign(0)` is 0. Along a flat direction, with λ = 0, you divide 0 by 0 and get NaN, "
        "though the step there is simply −g/damping. Is there a way to the size of λ that needs no "
        "sign?",
    ),
    Misconception(
        "flat_directions_dropped",
        _flat_directions_dropped,
        ("saddle",),
        "Directions with an eigenvalue of 0 are left out. The loss still has a slope there, and "
        "the damping keeps the step short. What does the convention give for λ = 0?",
    ),
    Misconception(
        "downward_bends_left_out",
        _downward_bends_left_out,
        ("saddle",),
        "Directions with a negative eigenvalue are left out. They are the ones that lead off a "
        "saddle, and the gradient says to which side. Which length does the convention give "
        "them?",
    ),
    Misconception(
        "kept_as_whole_numbers",
        _kept_as_whole_numbers,
        ("bowl",),
        "The new array is made like `theta`, and a `theta` of whole numbers makes an array that "
        "cuts off decimals: −0.75 becomes 0. What kind of number must the new array hold, whatever "
        "kind it is given?",
    ),
)
