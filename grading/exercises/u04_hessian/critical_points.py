"""Which kind of point it is: minimum, maximum, saddle, undecided, or not critical at all."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
)
from grading.exercises.u04_hessian.critical_mistakes import MISCONCEPTIONS
from grading.probes import Call


def _matrix(rng: np.random.Generator, eigenvalues: np.ndarray) -> np.ndarray:
    """Return a symmetric matrix with these eigenvalues, in random directions."""
    Q, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues), len(eigenvalues))))
    H = (Q * eigenvalues) @ Q.T
    symmetric: np.ndarray = (H + H.T) / 2
    return symmetric


def _slope(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return a gradient of length 1 whose parts are all positive, and none stands out."""
    parts = rng.uniform(0.7, 1.0, size=size)  # their sum is above 1.5, so it is no length
    direction: np.ndarray = parts / np.linalg.norm(parts)
    return direction


def _case(rng: np.random.Generator, eigenvalues: np.ndarray, tolerance: float) -> Case:
    """Put a matrix beside a gradient that counts as zero, but not by much."""
    return Case({
        "gradient": 0.95 * tolerance * _slope(rng, len(eigenvalues)),
        "H": _matrix(rng, eigenvalues),
        "tolerance": tolerance,
    })


def _size(rng: np.random.Generator) -> int:
    return int(rng.choice([3, 5]))  # odd: the determinant of a maximum is then negative


def _tolerance(rng: np.random.Generator) -> float:
    return float(10.0 ** rng.uniform(-4.0, -2.6))


def _definite(rng: np.random.Generator, sign: float) -> Case:
    """Draw a bowl with a direction that is nearly flat, but bent by more than the tolerance."""
    tolerance = _tolerance(rng)
    eigenvalues = rng.uniform(4.0, 6.0, size=_size(rng))
    eigenvalues[0] = tolerance * rng.uniform(1.2, 1.4)
    return _case(rng, sign * eigenvalues, tolerance)


def _minimum(rng: np.random.Generator) -> Case:
    return _definite(rng, 1.0)


def _maximum(rng: np.random.Generator) -> Case:
    return _definite(rng, -1.0)


def _saddle(rng: np.random.Generator) -> Case:
    """Draw a saddle whose diagonal shows only positive numbers."""
    while True:
        eigenvalues = rng.uniform(3.0, 6.0, size=5)
        eigenvalues[:2] = rng.uniform(-1.0, -0.5, size=2)
        eigenvalues[2] *= rng.integers(2)  # in half of the draws a zero stands between
        case = _case(rng, eigenvalues, _tolerance(rng))
        if np.diag(case.inputs["H"]).min() > 0.05:
            return case


def _degenerate(rng: np.random.Generator) -> Case:
    """Draw a matrix bent downward, with two eigenvalues that count as zero, one on each side."""
    # The hand case is bent upward.
    case = _case(rng, -rng.uniform(0.5, 4.0, size=_size(rng)), _tolerance(rng))
    values, vectors = np.linalg.eigh(case.inputs["H"])
    values[-2:] = np.array([0.3, -0.3]) * case.inputs["tolerance"]
    H = (vectors * values) @ vectors.T
    return Case({**case.inputs, "H": (H + H.T) / 2})


def _at_the_tolerance(rng: np.random.Generator) -> Case:
    """Draw ties: powers of two along the axes, which no rounding moves. All is flat."""
    size, tolerance = _size(rng), float(2.0 ** -rng.integers(1, 4))
    gradient = np.zeros(size)
    gradient[rng.integers(size)] = rng.choice([-1.0, 1.0]) * tolerance
    H = np.diag(rng.choice([-1.0, 1.0], size=size) * tolerance)
    return Case({"gradient": gradient, "H": H, "tolerance": tolerance})


def _not_critical(rng: np.random.Generator) -> Case:
    """Draw a slope along one axis, just longer than the tolerance: its mean part is below."""
    sign, tolerance = rng.choice([-1.0, 1.0]), _tolerance(rng)
    case = _case(rng, sign * rng.uniform(2.0, 4.0, size=_size(rng)), tolerance)
    slope = np.zeros(len(case.inputs["H"]))
    slope[rng.integers(len(slope))] = rng.uniform(1.08, 1.15) * tolerance
    return Case({**case.inputs, "gradient": slope})


def _many_small_parts(rng: np.random.Generator) -> Case:
    """Draw a slope each part of which is below the tolerance, but not its length."""
    sign, tolerance = rng.choice([-1.0, 1.0]), rng.uniform(0.94, 1.0)
    case = _case(rng, sign * rng.uniform(2.0, 4.0, size=_size(rng)), tolerance)
    direction = _slope(rng, len(case.inputs["H"]))
    signs = (-1.0) ** np.arange(len(direction))  # in a sum they nearly cancel
    return Case({
        **case.inputs,
        "gradient": rng.uniform(1.08, 1.15) * tolerance * direction * signs,
    })


def classify_critical_point(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    """Return "not critical", "minimum", "maximum", "saddle" or "degenerate"."""
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    eigenvalues = np.linalg.eigvalsh(H)
    up = np.any(eigenvalues > tolerance)
    down = np.any(eigenvalues < -tolerance)
    if up and down:
        return "saddle"
    if np.any(np.abs(eigenvalues) <= tolerance):
        return "degenerate"
    return "minimum" if up else "maximum"


def _by_both_ends(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if gradient @ gradient > tolerance**2:
        return "not critical"
    ordered = sorted(np.linalg.eigvalsh(H))
    smallest, largest = ordered[0], ordered[-1]
    if smallest > tolerance:
        return "minimum"
    if largest < -tolerance:
        return "maximum"
    if smallest < -tolerance and largest > tolerance:
        return "saddle"
    return "degenerate"


def _by_counting_signs(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if sum(float(g) ** 2 for g in gradient) ** 0.5 > tolerance:
        return "not critical"
    signs = {0 if abs(value) <= tolerance else np.sign(value) for value in np.linalg.eigh(H)[0]}
    names = {frozenset({1.0}): "minimum", frozenset({-1.0}): "maximum"}
    if {-1.0, 1.0} <= signs:
        return "saddle"
    return names.get(frozenset(float(sign) for sign in signs), "degenerate")


# Whole numbers, as the example of the stub has them.
_ZERO = np.zeros(2, dtype=int)
_UP = np.array([[2, 1], [1, 2]])
_HAND_MINIMUM = HandCase(  # eigenvalues 3 and 1
    {"gradient": _ZERO, "H": _UP, "tolerance": 0.1},
    {"kind": "minimum"},
)
_HAND_MAXIMUM = HandCase(  # eigenvalues −1 and −3
    {"gradient": _ZERO, "H": np.array([[-2.0, 1.0], [1.0, -2.0]]), "tolerance": 0.1},
    {"kind": "maximum"},
)
_HAND_SADDLE = HandCase(  # eigenvalues 2, −2 and 0
    {
        "gradient": np.zeros(3),
        "H": np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
        "tolerance": 0.1,
    },
    {"kind": "saddle"},
)
_HAND_DEGENERATE = HandCase(  # eigenvalues 2 and 0
    {"gradient": _ZERO, "H": np.array([[1.0, 1.0], [1.0, 1.0]]), "tolerance": 0.1},
    {"kind": "degenerate"},
)
_HAND_NOT_CRITICAL = HandCase(  # length 0.85
    {"gradient": np.array([0.6, -0.6]), "H": _UP, "tolerance": 0.5},
    {"kind": "not critical"},
)
_HAND_SMALL_PARTS = HandCase(  # length 1.13
    {"gradient": np.array([0.8, -0.8]), "H": _UP, "tolerance": 1.0},
    {"kind": "not critical"},
)
_HAND_TIE = HandCase(  # length 0.5, eigenvalues 2 and 0.5
    {"gradient": np.array([0.0, 0.5]), "H": np.diag([2.0, 0.5]), "tolerance": 0.5},
    {"kind": "degenerate"},
)

CLASSIFY_CRITICAL_POINT = Exercise(
    id="classify_critical_point",
    unit="04",
    tier="core",
    title="Minimum, maximum, saddle, or none of them",
    minutes=12,
    difficulty=2,
    probe=Call(returns=("kind",)),
    cases=_minimum,
    criteria=(
        Criterion("not critical", 1, ("kind",), _HAND_NOT_CRITICAL, draw=_not_critical),
        Criterion("many small parts", 1, ("kind",), _HAND_SMALL_PARTS, draw=_many_small_parts),
        Criterion("minimum", 1, ("kind",), _HAND_MINIMUM, draw=_minimum),
        Criterion("maximum", 1, ("kind",), _HAND_MAXIMUM, draw=_maximum),
        Criterion("saddle", 1, ("kind",), _HAND_SADDLE, draw=_saddle),
        Criterion("degenerate", 1, ("kind",), _HAND_DEGENERATE, draw=_degenerate),
        Criterion("at the tolerance", 1, ("kind",), _HAND_TIE, draw=_at_the_tolerance),
    ),
    reference=classify_critical_point,
    alternatives=(_by_both_ends, _by_counting_signs),
    misconceptions=MISCONCEPTIONS,
    hints=(
        Hint(
            "I do not know where to begin",
            "Two questions, one after the other. Is the slope zero, that is, is the length of the "
            "gradient (`np.linalg.norm`) at most the tolerance? Only then: which signs do the "
            "eigenvalues have? `np.linalg.eigvalsh(H)` gives them from the smallest up.",
        ),
        Hint(
            "A saddle or a flat direction gets the wrong name",
            "Count each eigenvalue as up (above the tolerance), down (below minus the tolerance) "
            "or flat. Up and down together: a saddle, whatever the rest. Otherwise one flat "
            "direction is enough to leave it undecided.",
            ("saddle", "degenerate"),
        ),
        Hint(
            "A slope is called a minimum, a minimum not critical, or ties are wrong",
            "The gradient is judged before the eigenvalues, as a whole, by its length: that of "
            "(0.3, −0.3) is √(0.3² + 0.3²) = 0.42. And it need not be exactly 0, only at most the "
            "tolerance. What is as large as the tolerance still counts as zero, for gradient and "
            "eigenvalues alike.",
            ("not critical", "many small parts", "minimum", "maximum", "at the tolerance"),
        ),
    ),
    solution_note=(
        "Near a point the loss is L + gᵀs + ½ sᵀH s. Where g is not zero, going along −g leads\n"
        "down, whatever H says. Where g is zero, write s in eigenvectors: ½ Σ λ_i s_i².\n"
        "    all λ > 0: up in every direction, a minimum        all λ < 0: a maximum\n"
        "    both signs: a saddle, whatever else there is\n"
        "    one sign and zeros: along the zeros the next derivatives decide, so nothing is known\n"
        "The two ends are enough: all eigenvalues lie between the smallest and the largest. For a\n"
        "network that is good news, since the ends can be had without the matrix."
    ),
)
