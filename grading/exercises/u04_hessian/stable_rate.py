"""The learning rate from which gradient descent overshoots."""
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
    Q, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues), len(eigenvalues))))
    H = (Q * eigenvalues) @ Q.T
    return Case({"H": (H + H.T) / 2})


def _bowl(rng: np.random.Generator) -> Case:
    return _case(rng, rng.uniform(0.5, 9.0, size=int(rng.integers(3, 7))))


def _saddle(rng: np.random.Generator) -> Case:
    eigenvalues = rng.uniform(0.5, 4.0, size=int(rng.integers(3, 7)))
    eigenvalues[0] = -rng.uniform(6.0, 9.0)
    return _case(rng, eigenvalues)


def largest_stable_rate(H: np.ndarray) -> float:
    """Return 2 / λ, with λ the largest eigenvalue of the symmetric matrix H (P, P)."""
    return float(2 / np.linalg.eigvalsh(H)[-1])


def _shortest_of_all_limits(H: np.ndarray) -> float:
    return min(2 / value for value in np.linalg.eigvalsh(H).tolist() if value > 0)


def _by_shifted_norm(H: np.ndarray) -> float:
    shift = np.linalg.norm(H)  # no eigenvalue is larger in size, so none is negative now
    return float(2 / (np.linalg.norm(H + shift * np.eye(len(H)), ord=2) - shift))


def _one_over_lambda(H: np.ndarray) -> float:
    return float(1 / np.linalg.eigvalsh(H)[-1])


def _largest_size(H: np.ndarray) -> float:
    return float(2 / np.abs(np.linalg.eigvalsh(H)).max())


def _smallest_eigenvalue(H: np.ndarray) -> float:
    return float(2 / np.linalg.eigvalsh(H)[0])


def _trace(H: np.ndarray) -> float:
    return float(2 / np.trace(H))


def _mean_eigenvalue(H: np.ndarray) -> float:
    return float(2 / np.linalg.eigvalsh(H).mean())


def _largest_on_the_diagonal(H: np.ndarray) -> float:
    return float(2 / np.diag(H).max())


def _frobenius_norm(H: np.ndarray) -> float:
    return float(2 / np.linalg.norm(H))


def _largest_eigenvalue_itself(H: np.ndarray) -> float:
    return float(np.linalg.eigvalsh(H)[-1])


_BOTH = ("bowl", "saddle")

LARGEST_STABLE_RATE = Exercise(
    id="largest_stable_rate",
    unit="04",
    tier="core",
    title="The limit of the learning rate",
    minutes=6,
    difficulty=1,
    probe=Call(returns=("rate",)),
    cases=_bowl,
    criteria=(
        Criterion(
            "bowl",
            2,
            ("rate",),
            HandCase({"H": np.array([[2, 1], [1, 2]])}, {"rate": 2 / 3}),
        ),
        Criterion(
            "saddle",
            1,
            ("rate",),
            HandCase({"H": np.array([[-2, 3], [3, -2]])}, {"rate": 2.0}),
            draw=_saddle,
        ),
    ),
    reference=largest_stable_rate,
    alternatives=(_shortest_of_all_limits, _by_shifted_norm),
    misconceptions=(
        Misconception(
            "one_over_lambda",
            _one_over_lambda,
            _BOTH,
            "At 1/λ one step leads exactly to the bottom of the steepest direction; that is not "
            "yet the limit. A step may go past the bottom and still end nearer to it. Until where?",
        ),
        Misconception(
            "largest_size",
            _largest_size,
            ("saddle",),
            "You take the eigenvalue of largest size, and here it is negative. Along a downward "
            "bend there is no bottom to overshoot. Which eigenvalues set a limit at all?",
        ),
        Misconception(
            "smallest_eigenvalue",
            _smallest_eigenvalue,
            _BOTH,
            "This is the limit of the flattest direction; `eigvalsh` counts from the smallest up. "
            "At that rate the steepest direction has long flown apart. Which end of the list is "
            "needed?",
        ),
        Misconception(
            "trace",
            _trace,
            _BOTH,
            "You divide by the trace, the sum of all eigenvalues. Each direction has a limit of "
            "its own, 2/λ, and all steps share one rate. Which of the limits is the narrowest?",
        ),
        Misconception(
            "mean_eigenvalue",
            _mean_eigenvalue,
            _BOTH,
            "You divide by the mean of the eigenvalues, a limit for no direction in particular. "
            "One direction that grows is enough to lose everything. Which one grows first?",
        ),
        Misconception(
            "largest_on_the_diagonal",
            _largest_on_the_diagonal,
            _BOTH,
            "The diagonal holds the curvature along the axes. [[2, 1], [1, 2]] is curved by 2 "
            "along both axes and by 3 between them. Which numbers hold for all directions?",
        ),
        Misconception(
            "frobenius_norm",
            _frobenius_norm,
            _BOTH,
            "`np.linalg.norm` of a matrix is the root of the sum of all its squared entries unless "
            "told otherwise, and no eigenvalue. The rate comes out too small. Which function gives "
            "the eigenvalues of a symmetric matrix?",
        ),
        Misconception(
            "largest_eigenvalue_itself",
            _largest_eigenvalue_itself,
            _BOTH,
            "This is the eigenvalue. A step multiplies the distance by 1 − ηλ, and asked is the η "
            "at which the size of that reaches 1. Which η is it?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Take one direction with curvature λ. A step multiplies the distance from the bottom "
            "by 1 − ηλ. Write down for which η this lies between −1 and 1. Then ask which of all "
            "directions is the first to leave that range.",
        ),
        Hint(
            "The rate of a bowl is off",
            "[[2, 1], [1, 2]] has the eigenvalues 3 and 1, and the answer is 2/3. "
            "`np.linalg.eigvalsh(H)` gives the eigenvalues from the smallest to the largest.",
            ("bowl",),
        ),
        Hint(
            "Bowls are right, saddles are not",
            "[[−2, 3], [3, −2]] has the eigenvalues 1 and −5. For λ = −5 the factor 1 − ηλ is "
            "above 1 for every positive rate, so no rate keeps that direction small; it sets no "
            "limit. Is your λ the largest with its sign, or without?",
            ("saddle",),
        ),
    ),
    solution_note=(
        "In a direction with curvature λ the gradient is λ times the distance s from the bottom:\n"
        "    s ← s − η λ s = (1 − ηλ) s          |1 − ηλ| < 1   exactly for   0 < η < 2/λ\n"
        "At η = 1/λ one step ends at the bottom, between 1/λ and 2/λ it overshoots and still\n"
        "comes nearer, beyond 2/λ it flies apart. The largest λ leaves the narrowest range:\n"
        "    η_max = 2 / λ_max\n"
        "Negative eigenvalues set no limit: there s grows for every η, which is how descent\n"
        "leaves a saddle."
    ),
)
