"""Which kind of point it is: minimum, maximum, saddle, undecided, or not critical at all."""

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


def _matrix(rng: np.random.Generator, eigenvalues: np.ndarray) -> np.ndarray:
    """Return a symmetric matrix with these eigenvalues, in random directions."""
    Q, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues), len(eigenvalues))))
    H = (Q * eigenvalues) @ Q.T
    symmetric: np.ndarray = (H + H.T) / 2
    return symmetric


def _case(rng: np.random.Generator, eigenvalues: np.ndarray) -> Case:
    """Put a matrix beside a gradient that counts as zero without being zero."""
    tolerance = float(10.0 ** rng.uniform(-4, -2))
    direction = rng.normal(size=len(eigenvalues))
    gradient = 0.3 * tolerance * direction / np.linalg.norm(direction)
    return Case({
        "gradient": gradient,
        "H": _matrix(rng, eigenvalues),
        "tolerance": tolerance,
    })


def _size(rng: np.random.Generator) -> int:
    return int(rng.choice([3, 5]))  # odd: the determinant of a maximum is then negative


def _definite(rng: np.random.Generator, sign: float) -> Case:
    return _case(rng, sign * rng.uniform(0.5, 4.0, size=_size(rng)))


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
        case = _case(rng, eigenvalues)
        if np.diag(case.inputs["H"]).min() > 0.05:
            return case


def _degenerate(rng: np.random.Generator) -> Case:
    """Draw a matrix of one sign with two eigenvalues that count as zero, one above, one below."""
    size = _size(rng)
    case = _case(rng, rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 4.0, size=size))
    values, vectors = np.linalg.eigh(case.inputs["H"])
    values[:2] = np.array([0.3, -0.3]) * case.inputs["tolerance"]
    H = (vectors * values) @ vectors.T
    return Case({**case.inputs, "H": (H + H.T) / 2})


def _not_critical(rng: np.random.Generator) -> Case:
    """Draw a slope each part of which is below the tolerance, but not its length."""
    size = _size(rng)
    case = _case(rng, rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 4.0, size=size))
    parts = rng.uniform(0.7, 0.95, size=size) * rng.choice([-1.0, 1.0])
    return Case({**case.inputs, "gradient": parts * case.inputs["tolerance"]})


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


def _gradient_ignored(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:  # ruff: ignore[unused-function-argument]  # it is ignored
    values = np.linalg.eigvalsh(H)
    if values.min() > tolerance:
        return "minimum"
    if values.max() < -tolerance:
        return "maximum"
    return "saddle" if values.min() < -tolerance and values.max() > tolerance else "degenerate"


def _largest_part_of_gradient(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.abs(gradient).max() > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if values.min() > tolerance:
        return "minimum"
    if values.max() < -tolerance:
        return "maximum"
    return "saddle" if values.min() < -tolerance and values.max() > tolerance else "degenerate"


def _gradient_summed(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if abs(gradient.sum()) > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if values.min() > tolerance:
        return "minimum"
    if values.max() < -tolerance:
        return "maximum"
    return "saddle" if values.min() < -tolerance and values.max() > tolerance else "degenerate"


def _gradient_must_be_exactly_zero(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.any(gradient != 0):
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if values.min() > tolerance:
        return "minimum"
    if values.max() < -tolerance:
        return "maximum"
    return "saddle" if values.min() < -tolerance and values.max() > tolerance else "degenerate"


def _diagonal_for_eigenvalues(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    values = np.diag(H)
    if values.min() > tolerance:
        return "minimum"
    if values.max() < -tolerance:
        return "maximum"
    return "saddle" if values.min() < -tolerance and values.max() > tolerance else "degenerate"


def _sign_of_the_determinant(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    determinant = np.linalg.det(H)
    if abs(determinant) <= tolerance:
        return "degenerate"
    if determinant < 0:
        return "saddle"
    return "minimum" if H[0, 0] > 0 else "maximum"


def _zero_before_saddle(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if np.any(np.abs(values) <= tolerance):
        return "degenerate"
    if np.all(values > 0):
        return "minimum"
    return "maximum" if np.all(values < 0) else "saddle"


def _semidefinite_for_definite(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if np.all(values >= -tolerance):
        return "minimum"
    return "maximum" if np.all(values <= tolerance) else "saddle"


def _no_tolerance_for_eigenvalues(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if np.any(values > 0) and np.any(values < 0):
        return "saddle"
    if np.any(values == 0):
        return "degenerate"
    return "minimum" if np.all(values > 0) else "maximum"


def _minimum_and_maximum_swapped(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if values.min() > tolerance:
        return "maximum"
    if values.max() < -tolerance:
        return "minimum"
    return "saddle" if values.min() < -tolerance and values.max() > tolerance else "degenerate"


def _only_the_largest_eigenvalue(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    return "minimum" if np.linalg.eigvalsh(H).max() > tolerance else "maximum"


_ZERO = np.zeros(2)
_HAND_MINIMUM = HandCase(  # eigenvalues 3 and 1
    {"gradient": _ZERO, "H": np.array([[2.0, 1.0], [1.0, 2.0]]), "tolerance": 0.1},
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
_HAND_NOT_CRITICAL = HandCase(  # length 0.42
    {"gradient": np.array([0.3, -0.3]), "H": np.array([[2.0, 1.0], [1.0, 2.0]]), "tolerance": 0.1},
    {"kind": "not critical"},
)
_AT_CRITICAL_POINTS = ("minimum", "maximum", "saddle", "degenerate")

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
        Criterion("minimum", 1, ("kind",), _HAND_MINIMUM, draw=_minimum),
        Criterion("maximum", 1, ("kind",), _HAND_MAXIMUM, draw=_maximum),
        Criterion("saddle", 1, ("kind",), _HAND_SADDLE, draw=_saddle),
        Criterion("degenerate", 1, ("kind",), _HAND_DEGENERATE, draw=_degenerate),
    ),
    reference=classify_critical_point,
    alternatives=(_by_both_ends, _by_counting_signs),
    misconceptions=(
        Misconception(
            "gradient_ignored",
            _gradient_ignored,
            ("not critical",),
            "The eigenvalues alone decide, so a point halfway down a bowl is called its minimum. "
            "A bowl is curved upward everywhere, on its slopes too. What distinguishes its lowest "
            "point?",
        ),
        Misconception(
            "largest_part_of_gradient",
            _largest_part_of_gradient,
            ("not critical",),
            "Each part of the gradient is held against the tolerance by itself. A thousand parts "
            "just below it make a steep slope. Which single number is the length of a vector?",
        ),
        Misconception(
            "gradient_summed",
            _gradient_summed,
            ("not critical",),
            "The parts of the gradient are added, so 0.3 and −0.3 look like no slope at all. Parts "
            "along different axes do not cancel. Which single number is the length of a vector?",
        ),
        Misconception(
            "gradient_must_be_exactly_zero",
            _gradient_must_be_exactly_zero,
            _AT_CRITICAL_POINTS,
            "A gradient of 0.0001 is turned away because it is not 0. After training no gradient "
            "is exactly 0, so no minimum would ever be found. Which argument says what counts as "
            "zero?",
        ),
        Misconception(
            "diagonal_for_eigenvalues",
            _diagonal_for_eigenvalues,
            ("saddle", "degenerate"),
            "You look at the diagonal of H, the curvature along each axis. Between the axes the "
            "surface may bend the other way: [[0, 2], [2, 0]] is flat along both and still a "
            "saddle. Which numbers hold for all directions?",
        ),
        Misconception(
            "sign_of_the_determinant",
            _sign_of_the_determinant,
            ("maximum", "saddle"),
            "The rule with the determinant holds for two parameters. It is the product of all "
            "eigenvalues, and two negative ones leave no trace in it, while three make it negative "
            "at a maximum. Which numbers do you need one by one?",
        ),
        Misconception(
            "zero_before_saddle",
            _zero_before_saddle,
            ("saddle",),
            "One zero eigenvalue makes everything undecided for you. If the loss falls along one "
            "direction and rises along another, is there anything left for the third to decide?",
        ),
        Misconception(
            "semidefinite_for_definite",
            _semidefinite_for_definite,
            ("degenerate",),
            "Zero counts as positive, so a flat direction makes a minimum. x⁴, −x⁴ and x³ all "
            "have the second derivative 0 at 0. Which of the three have a minimum there?",
        ),
        Misconception(
            "no_tolerance_for_eigenvalues",
            _no_tolerance_for_eigenvalues,
            ("degenerate",),
            "An eigenvalue of −0.0001 counts as negative. It may be nothing but rounding: computed "
            "eigenvalues are hardly ever exactly 0. Which argument says what counts as zero?",
        ),
        Misconception(
            "minimum_and_maximum_swapped",
            _minimum_and_maximum_swapped,
            ("minimum", "maximum"),
            "The two names are swapped. θ² has the second derivative 2 and its lowest point at 0. "
            "Does a positive eigenvalue mean that the loss rises or falls on leaving the point?",
        ),
        Misconception(
            "only_the_largest_eigenvalue",
            _only_the_largest_eigenvalue,
            ("saddle", "degenerate"),
            "You judge by the largest eigenvalue. It says that one direction rises; the others may "
            "do what they like. Which other eigenvalue do you need to know about all of them?",
        ),
    ),
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
            "A slope is called a minimum, or a minimum not critical",
            "The gradient is judged before the eigenvalues, as a whole, by its length: "
            "√(0.3² + 0.3²) = 0.42 is above 0.1. And it need not be exactly 0, only at most the "
            "tolerance.",
            ("not critical", "minimum", "maximum"),
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
