"""The eigenvalue of largest size, from products alone."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Misconception,
    Property,
)
from grading.exercises._fixtures import FunctionFixture
from grading.probes import Call

_N_STEPS = 20


def _case(rng: np.random.Generator, largest: float) -> Case:
    """Draw a matrix with one eigenvalue that stands out, larger than the number of products."""
    n_steps = int(rng.integers(16, 25))
    p = int(rng.integers(2 * n_steps + 5, 2 * n_steps + 20))
    eigenvalues = rng.uniform(-0.3, 0.3, size=p) * largest
    eigenvalues[0] = largest
    Q, _ = np.linalg.qr(rng.normal(size=(p, p)))
    A = (Q * eigenvalues) @ Q.T
    start = Q[:, 0] * rng.choice([-1.0, 1.0]) + 0.3 * rng.normal(size=p) / np.sqrt(p)
    return Case({
        "product": FunctionFixture("matrix_product", {"A": (A + A.T) / 2}, 2 * n_steps + 2),
        "start": start * rng.uniform(0.5, 3.0),
        "n_steps": n_steps,
    })


def _upward(rng: np.random.Generator) -> Case:
    return _case(rng, rng.uniform(1.5, 4.0))


def _downward(rng: np.random.Generator) -> Case:
    return _case(rng, -rng.uniform(1.5, 4.0))


def _far_apart(rng: np.random.Generator) -> Case:
    return _case(rng, 10.0 ** rng.uniform(78, 80))  # two products are too many


def _few_steps(rng: np.random.Generator) -> Case:
    """Draw so few steps that the vector is still on its way, and each of them shows."""
    p, n_steps = int(rng.integers(20, 30)), int(rng.integers(2, 4))
    half = rng.normal(size=(p, p)) / np.sqrt(p)
    product = FunctionFixture("matrix_product", {"A": half + half.T}, 2 * n_steps + 2)
    return Case({"product": product, "start": rng.normal(size=p), "n_steps": n_steps})


def power_iteration(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, n_steps: int
) -> tuple[float, np.ndarray]:
    """Return the eigenvalue of largest size, with its sign, and its eigenvector of length 1."""
    v = start / np.linalg.norm(start)
    for _ in range(n_steps):
        w = product(v)
        v = w / np.linalg.norm(w)
    return float(v @ product(v)), v


def _scaled_by_largest_entry(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, n_steps: int
) -> tuple[float, np.ndarray]:
    v = start
    for _ in range(n_steps):
        v = product(v)
        v = v / np.abs(v).max()  # any scale will do on the way
    eigenvalue = (v @ product(v)) / (v @ v)
    return float(eigenvalue), v / np.sqrt(v @ v)


def _by_sign_of_overlap(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, n_steps: int
) -> tuple[float, np.ndarray]:
    v, eigenvalue = start * (1 / np.linalg.norm(start)), 0.0
    while n_steps > 0:
        w = product(v)
        length = float(np.sqrt(np.sum(w * w)))
        eigenvalue = length if np.dot(w, v) > 0 else -length
        v = w / eigenvalue
        n_steps -= 1
    return eigenvalue, v


def _size_without_sign(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, n_steps: int
) -> tuple[float, np.ndarray]:
    v, length = start / np.linalg.norm(start), 0.0
    for _ in range(n_steps):
        w = product(v)
        length = float(np.linalg.norm(w))
        v = w / length
    return length, v


def _no_renormalization(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, n_steps: int
) -> tuple[float, np.ndarray]:
    v = start
    for _ in range(n_steps):
        v = product(v)
    v = v / np.sqrt(v @ v)
    return float(v @ product(v)), v


def _vector_not_normalized(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, n_steps: int
) -> tuple[float, np.ndarray]:
    v = start / np.linalg.norm(start)
    w = product(v)
    for _ in range(n_steps - 1):
        v = w / np.linalg.norm(w)
        w = product(v)
    return float(v @ w), w


def _length_forgotten_in_quotient(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, n_steps: int
) -> tuple[float, np.ndarray]:
    v = start
    for _ in range(n_steps):
        v = product(v)
        v = v / np.abs(v).max()
    return float(v @ product(v)), v / np.linalg.norm(v)


def _one_multiplication_only(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, n_steps: int
) -> tuple[float, np.ndarray]:
    v = start / np.linalg.norm(start)
    for _ in range(n_steps):
        w = product(start)
        v = w / np.linalg.norm(w)
    return float(v @ product(v)), v


def _length_taken_too_late(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, n_steps: int
) -> tuple[float, np.ndarray]:
    v = start / np.linalg.norm(start)
    for _ in range(n_steps):
        v = product(v)
        v = v / np.linalg.norm(v)
    return float(np.linalg.norm(v)), v


def _divided_by_the_sum(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, n_steps: int
) -> tuple[float, np.ndarray]:
    v = start / start.sum()
    for _ in range(n_steps):
        w = product(v)
        v = w / w.sum()
    return float((v @ product(v)) / (v @ v)), v


def _one_step_too_few(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, n_steps: int
) -> tuple[float, np.ndarray]:
    v = start / np.linalg.norm(start)
    for _ in range(n_steps - 1):
        w = product(v)
        v = w / np.linalg.norm(w)
    return float(v @ product(v)), v


def _twenty_steps_always(
    product: "Callable[[np.ndarray], np.ndarray]",
    start: np.ndarray,
    n_steps: int,  # ruff: ignore[unused-function-argument]  # it is ignored
) -> tuple[float, np.ndarray]:
    v = start / np.linalg.norm(start)
    for _ in range(20):
        w = product(v)
        v = w / np.linalg.norm(w)
    return float(v @ product(v)), v


def _is_elsewhere(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    """Say where the vector is, of whichever sign, if not where the steps lead."""
    v, A = outputs["v"], inputs["product"].parameters["A"]
    if not isinstance(v, np.ndarray) or v.shape != A.shape[:1] or v.dtype.kind != "f":
        return f"v must be an array of shape {A.shape[:1]}, like the start."
    with np.errstate(all="ignore"):
        length = float(np.linalg.norm(v))
    if not abs(length - 1) < 1e-6:
        return f"v has the length {length:.4g}, expected 1."
    n_steps, on_the_way = inputs["n_steps"], inputs["start"] / np.linalg.norm(inputs["start"])
    for step in range(2 * n_steps + 3):
        if min(np.linalg.norm(v - on_the_way), np.linalg.norm(v + on_the_way)) < 1e-6:
            if step == n_steps:
                return None
            return f"v is where {step} multiplications lead, expected {n_steps}, as n_steps says."
        on_the_way = A @ on_the_way
        on_the_way = on_the_way / np.linalg.norm(on_the_way)
    return f"v has length 1, but is not where {n_steps} multiplications of the start lead."


_ARRIVED = Property("v is where n_steps multiplications lead, of length 1", _is_elsewhere)


def _hand(A: list[list[float]], eigenvalue: float) -> HandCase:
    product = FunctionFixture("matrix_product", {"A": np.array(A)}, 2 * _N_STEPS + 2)
    return HandCase(
        {"product": product, "start": np.array([1, 0]), "n_steps": _N_STEPS},
        {"eigenvalue": eigenvalue},
    )


_HAND_TWO_STEPS = HandCase({  # (1, 0) → (2, 1) → (5, 4)
    "product": FunctionFixture("matrix_product", {"A": np.array([[2.0, 1.0], [1.0, 2.0]])}, 6),
    "start": np.array([1, 0]),
    "n_steps": 2,
})


_ALL = ("positive", "negative", "scale")

POWER_ITERATION = Exercise(
    id="power_iteration",
    unit="04",
    tier="core",
    title="The largest eigenvalue from products",
    minutes=12,
    difficulty=3,
    probe=Call(returns=("eigenvalue", "v")),
    cases=_upward,
    criteria=(
        Criterion("positive", 2, ("eigenvalue",), _hand([[2.0, 1.0], [1.0, 2.0]], 3.0)),
        Criterion(
            "negative", 1, ("eigenvalue",), _hand([[-2.0, 1.0], [1.0, -2.0]], -3.0), draw=_downward
        ),
        Criterion(
            "scale", 1, ("eigenvalue",), _hand([[2e79, 1e79], [1e79, 2e79]], 3e79), draw=_far_apart
        ),
        Criterion(
            "vector",
            1,
            (),
            _HAND_TWO_STEPS,
            draw=_few_steps,
            properties=(_ARRIVED,),
        ),
    ),
    reference=power_iteration,
    alternatives=(_scaled_by_largest_entry, _by_sign_of_overlap),
    misconceptions=(
        Misconception(
            "size_without_sign",
            _size_without_sign,
            ("negative",),
            "The length of A v has the size of the eigenvalue and no sign. For a negative one A v "
            "points against v. Which product of v and A v notices that?",
        ),
        Misconception(
            "no_renormalization",
            _no_renormalization,
            ("scale",),
            "v is multiplied again and again, and brought to length 1 at the end only. By then it "
            "has grown beyond the largest number there is, and inf/inf is NaN. When must its "
            "length be taken out?",
        ),
        Misconception(
            "vector_not_normalized",
            _vector_not_normalized,
            ("vector",),
            "The eigenvalue is right, but what comes back beside it is A v, whose length is the "
            "size of the eigenvalue. Which of your vectors has length 1?",
        ),
        Misconception(
            "length_forgotten_in_quotient",
            _length_forgotten_in_quotient,
            _ALL,
            "Dividing by the largest entry keeps v small, but not of length 1, and vᵀA v is the "
            "eigenvalue only for a v of length 1. What must it be divided by otherwise?",
        ),
        Misconception(
            "one_multiplication_only",
            _one_multiplication_only,
            (*_ALL, "vector"),
            "v ends where a single multiplication leads. Either each pass multiplies `start` and "
            "not the newest vector, or the line that returns stands inside the loop. Of what "
            "should the next product be taken, and when is it time to return?",
        ),
        Misconception(
            "length_taken_too_late",
            _length_taken_too_late,
            _ALL,
            "The eigenvalue comes out as 1, whatever the matrix: it is the length of v after v was "
            "brought to length 1. Which product of v with A v gives back how much A stretches it?",
        ),
        Misconception(
            "divided_by_the_sum",
            _divided_by_the_sum,
            ("vector",),
            "v is divided by the sum of its entries. That keeps the direction, so the eigenvalue "
            "comes out right, but positive and negative entries cancel in a sum. What is the "
            "length of a vector?",
        ),
        Misconception(
            "one_step_too_few",
            _one_step_too_few,
            ("vector",),
            "v has been multiplied once less than `n_steps` says. The product at the end, for the "
            "eigenvalue, does not move v. How often must the loop run?",
        ),
        Misconception(
            "twenty_steps_always",
            _twenty_steps_always,
            ("vector",),
            "You multiply twenty times, as in the example. How often is for the caller to say: "
            "each product may cost as much as two gradients. Which argument holds the number?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "`product` is a function: `product(v)` gives A v. Repeat `n_steps` times: multiply v, "
            "then bring it back to length 1 by dividing by `np.linalg.norm`. After the loop "
            "multiply once more and compare the result with v.",
        ),
        Hint(
            "The sign is wrong",
            "At the end A v = λ v. If λ is negative the two point in opposite directions. The dot "
            "product of v with A v is λ vᵀv, and vᵀv is 1.",
            ("negative",),
        ),
        Hint(
            "NaN, infinity, or v is another vector than expected",
            "Four multiplications by 10⁸⁰ make 10³²⁰, and numbers end near 10³⁰⁸; a length squares "
            "them on the way. So it is taken out after every single product, not after the loop. "
            "The v that you return has length 1 too. With start (1, 0) and the matrix [[2, 1], [1, "
            "2]] it points along (2, 1) after one step and along (5, 4) after two.",
            ("scale", "vector"),
        ),
    ),
    solution_note=(
        "In eigenvectors v = Σ c_i e_i, so multiplying k times gives Σ c_i λ_i^k e_i. The ratio\n"
        "of any term to the largest shrinks like |λ_i/λ_1|^k, and the direction turns to e_1.\n"
        "    v ← A v / ‖A v‖           the length would otherwise grow like |λ_1|^k\n"
        "    λ = vᵀ A v                 Rayleigh's quotient, for vᵀv = 1: it keeps the sign\n"
        "Its error shrinks twice as fast as that of v, like |λ_2/λ_1|^2k. Only products are\n"
        "needed: with a Hessian-vector product the matrix is never formed. It finds the\n"
        "eigenvalue of largest size; Lanczos, under Going further, gets more out of the same "
        "products."
    ),
)
