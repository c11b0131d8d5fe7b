"""The diagonal of a matrix that cannot be looked at."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

from collections.abc import Callable

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Misconception,
)
from grading.exercises._fixtures import FunctionFixture
from grading.probes import Call


def _cases(rng: np.random.Generator) -> Case:
    p, k = (int(size) for size in rng.choice(np.arange(4, 12), size=2, replace=False))
    half = rng.normal(size=(p, p))
    return Case({
        "product": FunctionFixture("matrix_product", {"A": half + half.T}),
        "signs": rng.choice([-1.0, 1.0], size=(k, p)),
    })


def hessian_diagonal(
    product: "Callable[[np.ndarray], np.ndarray]", signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of z · Hz over the rows z of signs (K, P), and its standard error."""
    terms = np.array([z * product(z) for z in signs])
    return terms.mean(axis=0), terms.std(axis=0, ddof=1) / np.sqrt(len(signs))


def _by_running_sums(
    product: "Callable[[np.ndarray], np.ndarray]", signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    k = len(signs)
    total, squares = np.zeros(signs.shape[1]), np.zeros(signs.shape[1])
    for z in signs:
        term = product(z) / z  # 1/z = z for a sign
        total += term
        squares += term**2
    mean = total / k
    variance = np.maximum(squares - k * mean**2, 0.0) / (k - 1)
    return mean, (variance / k) ** 0.5


def _all_products_first(
    product: "Callable[[np.ndarray], np.ndarray]", signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    k = len(signs)
    columns = np.stack([product(z) for z in signs], axis=1)  # (P, K)
    diagonal = np.einsum("kp,pk->p", signs, columns) / k
    off = signs.T * columns - diagonal[:, None]
    return diagonal, np.sqrt((off**2).sum(axis=1) / (k * (k - 1)))


def _signs_not_taken_out(
    product: "Callable[[np.ndarray], np.ndarray]", signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    terms = np.array([product(z) for z in signs])
    return terms.mean(axis=0), terms.std(axis=0, ddof=1) / np.sqrt(len(signs))


def _sum_for_mean(
    product: "Callable[[np.ndarray], np.ndarray]", signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    terms = np.array([z * product(z) for z in signs])
    return terms.sum(axis=0), terms.std(axis=0, ddof=1) / np.sqrt(len(signs))


def _trace_estimate(
    product: "Callable[[np.ndarray], np.ndarray]", signs: np.ndarray
) -> tuple[float, float]:
    terms = np.array([z @ product(z) for z in signs])
    return float(terms.mean()), float(terms.std(ddof=1) / np.sqrt(len(signs)))


def _unit_vectors(
    product: "Callable[[np.ndarray], np.ndarray]", signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    n = signs.shape[1]
    diagonal = np.array([product(row)[i] for i, row in enumerate(np.eye(n))])
    return diagonal, np.zeros(n)


def _spread_of_the_terms(
    product: "Callable[[np.ndarray], np.ndarray]", signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    terms = np.array([z * product(z) for z in signs])
    return terms.mean(axis=0), terms.std(axis=0, ddof=1)


def _divided_by_k(
    product: "Callable[[np.ndarray], np.ndarray]", signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    terms = np.array([z * product(z) for z in signs])
    return terms.mean(axis=0), terms.std(axis=0, ddof=1) / len(signs)


def _biased_spread(
    product: "Callable[[np.ndarray], np.ndarray]", signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    terms = np.array([z * product(z) for z in signs])
    return terms.mean(axis=0), terms.std(axis=0) / np.sqrt(len(signs))


_BOTH = ("diagonal", "standard_error")

# z = (1, 1): Hz = (3, 5), z·Hz = (3, 5). z = (1, −1): Hz = (1, −3), z·Hz = (1, 3).
_HAND = HandCase(
    {
        "product": FunctionFixture("matrix_product", {"A": np.array([[2.0, 1.0], [1.0, 4.0]])}),
        "signs": np.array([[1, 1], [1, -1]]),
    },
    {"diagonal": np.array([2.0, 4.0]), "standard_error": np.array([1.0, 1.0])},
)

HESSIAN_DIAGONAL = Exercise(
    id="hessian_diagonal",
    unit="04",
    tier="further",
    title="The diagonal from a few products",
    minutes=10,
    difficulty=2,
    probe=Call(returns=("diagonal", "standard_error")),
    cases=_cases,
    criteria=(
        Criterion("diagonal", 2, ("diagonal",), _HAND),
        Criterion("standard_error", 1, ("standard_error",), _HAND),
    ),
    reference=hessian_diagonal,
    alternatives=(_by_running_sums, _all_products_first),
    misconceptions=(
        Misconception(
            "signs_not_taken_out",
            _signs_not_taken_out,
            _BOTH,
            "The products H z are averaged as they are. Entry i of H z holds z_i times the "
            "diagonal entry, so its sign flips at random and the mean tends to 0. What makes the "
            "sign of that term the same each time?",
        ),
        Misconception(
            "sum_for_mean",
            _sum_for_mean,
            ("diagonal",),
            "The terms are added and not averaged, so every further row of signs makes the "
            "diagonal larger. Each row alone already estimates all of it. What do you do with "
            "several estimates of one thing?",
        ),
        Misconception(
            "trace_estimate",
            _trace_estimate,
            _BOTH,
            "`z @ product(z)` adds everything up to one number: an estimate of the trace, the sum "
            "of the diagonal. The diagonal has an entry for each parameter. Which product of z and "
            "Hz leaves them apart?",
        ),
        Misconception(
            "unit_vectors",
            _unit_vectors,
            _BOTH,
            "This is the diagonal itself, for one product with each parameter. A network has too "
            "many of them. What can be learned from the few directions in `signs`?",
        ),
        Misconception(
            "spread_of_the_terms",
            _spread_of_the_terms,
            ("standard_error",),
            "The diagonal is right. Its error is the spread of a single term: it would not shrink "
            "with more rows. How far does the mean of K numbers scatter, if each scatters by s?",
        ),
        Misconception(
            "divided_by_k",
            _divided_by_k,
            ("standard_error",),
            "The diagonal is right, its error too small. Variances add when numbers are added, so "
            "that of a mean of K is 1/K of one. What follows for the spread, which is a root?",
        ),
        Misconception(
            "biased_spread",
            _biased_spread,
            ("standard_error",),
            "The diagonal is right. The spread is taken around the mean of the same K numbers, "
            "which lies nearer to them than the true value. By what does the text between the "
            "triple quotes divide, K or K − 1?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Each row z of `signs` gives one term, z · product(z), entry by entry. Collect the "
            "terms in an array of shape (K, P) and average over the K rows.",
        ),
        Hint(
            "The diagonal is off",
            "In the hand example z = (1, 1) gives (3, 5), and z = (1, −1) gives (1, −3) before and "
            "(1, 3) after the signs are taken out. The mean of (3, 5) and (1, 3) is (2, 4).",
            ("diagonal",),
        ),
        Hint(
            "The standard error is off",
            "The terms of the first entry are 3 and 1: their spread with `ddof=1` is √2, and the "
            "mean of two of them scatters by √2/√2 = 1.",
            ("standard_error",),
        ),
    ),
    solution_note=(
        "Entry i of z · Hz is  z_i Σ_j H_ij z_j = H_ii z_i² + Σ_{j≠i} H_ij z_i z_j.\n"
        "z_i² = 1, and z_i z_j is +1 or −1 with equal chance, so the mean is H_ii and the\n"
        "variance of one term Σ_{j≠i} H_ij². With K rows the error is √(Σ_{j≠i} H_ij² / K): good\n"
        "where the diagonal dominates, poor elsewhere, and known from the spread of the terms\n"
        "(Bekas, Kokiopoulou & Saad 2007). AdaHessian feeds its step with such estimates."
    ),
)
