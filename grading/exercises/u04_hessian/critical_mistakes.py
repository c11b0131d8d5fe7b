"""Known wrong answers to `classify_critical_point`."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


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


def _sizes_added(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.abs(gradient).sum() > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if values.min() > tolerance:
        return "minimum"
    if values.max() < -tolerance:
        return "maximum"
    return "saddle" if values.min() < -tolerance and values.max() > tolerance else "degenerate"


def _mean_size_of_gradient(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.sqrt(np.mean(gradient**2)) > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if values.min() > tolerance:
        return "minimum"
    if values.max() < -tolerance:
        return "maximum"
    return "saddle" if values.min() < -tolerance and values.max() > tolerance else "degenerate"


def _root_forgotten(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if gradient @ gradient > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if values.min() > tolerance:
        return "minimum"
    if values.max() < -tolerance:
        return "maximum"
    return "saddle" if values.min() < -tolerance and values.max() > tolerance else "degenerate"


def _gradient_must_be_below_tolerance(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.linalg.norm(gradient) >= tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if values.min() > tolerance:
        return "minimum"
    if values.max() < -tolerance:
        return "maximum"
    return "saddle" if values.min() < -tolerance and values.max() > tolerance else "degenerate"


def _eigenvalue_must_be_below_tolerance(
    gradient: np.ndarray, H: np.ndarray, tolerance: float
) -> str:
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    if values.min() >= tolerance:
        return "minimum"
    if values.max() <= -tolerance:
        return "maximum"
    return "saddle" if values.min() <= -tolerance and values.max() >= tolerance else "degenerate"


def _relative_tolerance(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    zero = tolerance * np.abs(values).max()
    if values.min() > zero:
        return "minimum"
    if values.max() < -zero:
        return "maximum"
    return "saddle" if values.min() < -zero and values.max() > zero else "degenerate"


def _all_flat_called_maximum(gradient: np.ndarray, H: np.ndarray, tolerance: float) -> str:
    if np.linalg.norm(gradient) > tolerance:
        return "not critical"
    values = np.linalg.eigvalsh(H)
    up, down = np.any(values > tolerance), np.any(values < -tolerance)
    if up and down:
        return "saddle"
    if np.any(np.abs(values) <= tolerance) and (up or down):
        return "degenerate"
    return "minimum" if up else "maximum"


_WITH_A_SLOPE = ("minimum", "maximum", "saddle", "degenerate")
_AT_CRITICAL_POINTS = (*_WITH_A_SLOPE, "at the tolerance")

MISCONCEPTIONS: tuple[Misconception, ...] = (
    Misconception(
        "gradient_ignored",
        _gradient_ignored,
        ("not critical", "many small parts"),
        "The eigenvalues alone decide, so a point halfway down a bowl is called its minimum. "
        "A bowl is curved upward everywhere, on its slopes too. What distinguishes its lowest "
        "point?",
    ),
    Misconception(
        "largest_part_of_gradient",
        _largest_part_of_gradient,
        ("many small parts",),
        "Each part of the gradient is held against the tolerance by itself. A thousand parts "
        "just below it make a steep slope. Which single number is the length of a vector?",
    ),
    Misconception(
        "gradient_summed",
        _gradient_summed,
        ("not critical", "many small parts", *_WITH_A_SLOPE),
        "The parts of the gradient are added, so 0.6 and −0.6 look like no slope at all. Parts "
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
        ("maximum", "saddle", "at the tolerance"),
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
        ("degenerate", "at the tolerance"),
        "Zero counts as positive, so a flat direction makes a minimum. x⁴, −x⁴ and x³ all "
        "have the second derivative 0 at 0. Which of the three have a minimum there?",
    ),
    Misconception(
        "no_tolerance_for_eigenvalues",
        _no_tolerance_for_eigenvalues,
        ("degenerate", "at the tolerance"),
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
        ("saddle", "degenerate", "at the tolerance"),
        "You judge by the largest eigenvalue. It says that one direction rises; the others may "
        "do what they like. Which other eigenvalue do you need to know about all of them?",
    ),
    Misconception(
        "sizes_added",
        _sizes_added,
        _WITH_A_SLOPE,
        "The sizes of the parts of the gradient are added. Along two axes 3 and 4 that makes 7, "
        "but the way across is 5. Which single number is the length of a vector?",
    ),
    Misconception(
        "mean_size_of_gradient",
        _mean_size_of_gradient,
        ("not critical", "many small parts"),
        "The root of the mean of the squares is the size of a typical part, not the length of the "
        "gradient: a thousand parts just below the tolerance make a steep slope. Where does a "
        "length divide by the number of parts?",
    ),
    Misconception(
        "root_forgotten",
        _root_forgotten,
        ("not critical",),
        "You hold the square of the length against the tolerance. The square of 0.6 is 0.36, below "
        "0.5, though 0.6 is above. What is missing, or what must be squared as well?",
    ),
    Misconception(
        "gradient_must_be_below_tolerance",
        _gradient_must_be_below_tolerance,
        ("at the tolerance",),
        "A gradient as long as the tolerance is turned away. It counts as zero if its length is at "
        "most the tolerance. On which side of your comparison does the tie fall?",
    ),
    Misconception(
        "eigenvalue_must_be_below_tolerance",
        _eigenvalue_must_be_below_tolerance,
        ("at the tolerance",),
        "An eigenvalue as large as the tolerance counts as up or down for you. It counts as zero "
        "if its size is at most the tolerance. On which side of your comparison does the tie fall?",
    ),
    Misconception(
        "relative_tolerance",
        _relative_tolerance,
        ("minimum", "maximum", "at the tolerance"),
        "The tolerance is multiplied by the largest eigenvalue, so how flat a direction may be "
        "depends on how steep another one is. Here it is a plain limit. With what is each "
        "eigenvalue compared?",
    ),
    Misconception(
        "all_flat_called_maximum",
        _all_flat_called_maximum,
        ("at the tolerance",),
        "A point where no direction bends at all gets the name that was left over, a maximum. "
        "Nothing falls there as far as second derivatives can tell. Which case is your last line "
        "for, and what must be ruled out before it?",
    ),
)
