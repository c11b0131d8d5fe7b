"""The Lanczos iteration: a small matrix with nearly the same outer eigenvalues."""
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


def _case(rng: np.random.Generator, eigenvalues: np.ndarray, k: int, n_strong: int = 0) -> Case:
    p = len(eigenvalues)
    Q, _ = np.linalg.qr(rng.normal(size=(p, p)))
    A = (Q * eigenvalues) @ Q.T
    product = FunctionFixture("matrix_product", {"A": (A + A.T) / 2}, 2 * k + 2)
    parts = rng.uniform(0.5, 1.5, size=p) * rng.choice([-1.0, 1.0], size=p)
    if n_strong:
        parts[rng.permutation(p)[n_strong:]] *= 1e-12
    start = Q @ parts
    return Case({"product": product, "start": start, "k": k})


def _few_steps(rng: np.random.Generator) -> Case:
    p = int(rng.integers(8, 14))
    return _case(rng, rng.uniform(-3.0, 3.0, size=p), int(rng.integers(3, 6)))


def _all_steps(rng: np.random.Generator) -> Case:
    """Draw a spectrum whose upper end is found long before the rest, as that of a network."""
    # The start has next to no part along most eigenvectors. What is left after a few steps is then
    # tiny, and rounding in it large: one look at the older vectors does not remove it.
    p = int(rng.integers(28, 34))
    spread = 10.0 ** np.linspace(0.0, 3.0, p) * rng.uniform(0.95, 1.05, size=p)
    return _case(rng, np.sort(spread), p, n_strong=6)


def lanczos(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return alphas (k,) and betas (k − 1,), the diagonals of the tridiagonal matrix T."""
    Q = [start / np.linalg.norm(start)]
    alphas, betas = [], []
    for j in range(k):
        w = product(Q[j])
        alphas.append(Q[j] @ w)
        for _ in range(2):  # against all before, and once more for what rounding has left
            for q in Q:
                w = w - (q @ w) * q
        if j < k - 1:
            betas.append(np.linalg.norm(w))
            Q.append(w / betas[-1])
    return np.array(alphas), np.array(betas)


def _with_a_basis_matrix(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    basis = np.zeros((len(start), k))
    alphas, betas = np.zeros(k), np.zeros(k)
    q, q_before, beta = start / np.linalg.norm(start), np.zeros_like(start), 0.0
    for j in range(k):
        basis[:, j] = q
        w = product(q) - beta * q_before
        alphas[j] = w @ q
        w = w - alphas[j] * q
        w = w - basis @ (basis.T @ w)
        w = w - basis @ (basis.T @ w)
        beta = betas[j] = float(np.sqrt(w @ w))
        q_before, q = q, w / beta if beta > 0 else w
    return alphas, betas[:-1]


def _as_an_orthonormal_basis(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    q = np.asarray(start) / np.sqrt(np.sum(np.square(start)))
    basis, products = q[:, None], product(q)[:, None]
    while basis.shape[1] < k:
        new = products[:, -1]
        for _ in range(3):
            new = new - basis @ (basis.T @ new)
        new = new / np.sqrt(new @ new)
        basis = np.column_stack([basis, new])
        products = np.column_stack([products, product(new)])
    T = basis.T @ products  # tridiagonal, because A is symmetric
    return np.diag(T).copy(), np.diag(T, 1).copy()


def _without_reorthogonalization(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    q, before, beta = start / np.linalg.norm(start), np.zeros_like(start), 0.0
    alphas, betas = [], []
    for _ in range(k):
        w = product(q) - beta * before
        alphas.append(q @ w)
        w = w - alphas[-1] * q
        beta = float(np.linalg.norm(w))
        betas.append(beta)
        before, q = q, w / beta
    return np.array(alphas), np.array(betas[:-1])


def _term_before_forgotten(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    q = start / np.linalg.norm(start)
    alphas, betas = [], []
    for _ in range(k):
        w = product(q)
        alphas.append(q @ w)
        w = w - alphas[-1] * q
        betas.append(np.linalg.norm(w))
        q = w / betas[-1]
    return np.array(alphas), np.array(betas[:-1])


def _start_not_normalized(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    q, before, beta = start, np.zeros_like(start), 0.0
    alphas, betas = [], []
    for _ in range(k):
        w = product(q) - beta * before
        alphas.append(q @ w)
        w = w - alphas[-1] * q
        beta = float(np.linalg.norm(w))
        betas.append(beta)
        before, q = q, w / beta
    return np.array(alphas), np.array(betas[:-1])


def _power_iteration_instead(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    q = start / np.linalg.norm(start)
    alphas, betas = [], []
    for _ in range(k):
        w = product(q)
        alphas.append(q @ w)
        betas.append(np.linalg.norm(w))
        q = w / betas[-1]
    return np.array(alphas), np.array(betas[:-1])


def _last_beta_kept(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    Q = [start / np.linalg.norm(start)]
    alphas, betas = [], []
    for j in range(k):
        w = product(Q[j])
        alphas.append(Q[j] @ w)
        for _ in range(2):
            for q in Q:
                w = w - (q @ w) * q
        betas.append(np.linalg.norm(w))
        Q.append(w / betas[-1] if betas[-1] > 0 else w)
    return np.array(alphas), np.array(betas)


def _next_vector_not_normalized(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    q, before, beta = start / np.linalg.norm(start), np.zeros_like(start), 0.0
    alphas, betas = [], []
    for _ in range(k):
        w = product(q) - beta * before
        alphas.append(q @ w)
        w = w - alphas[-1] * q
        beta = float(np.linalg.norm(w))
        betas.append(beta)
        before, q = q, w
    return np.array(alphas), np.array(betas[:-1])


def _orthogonal_once_only(
    product: "Callable[[np.ndarray], np.ndarray]", start: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    Q = [start / np.linalg.norm(start)]
    alphas, betas = [], []
    for j in range(k):
        w = product(Q[j])
        alphas.append(Q[j] @ w)
        for q in Q:
            w = w - (q @ w) * q
        if j < k - 1:
            betas.append(np.linalg.norm(w))
            Q.append(w / betas[-1])
    return np.array(alphas), np.array(betas)


def _eigenvalues_are_off(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    """Compare the eigenvalues of T with those of the matrix, where all steps were taken."""
    A, k = inputs["product"].parameters["A"], inputs["k"]
    alphas, betas = outputs["alphas"], outputs["betas"]
    for name, value, shape in (("alphas", alphas, (k,)), ("betas", betas, (k - 1,))):
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            return f"{name} must be an array with decimal numbers."
        if value.shape != shape:
            return (
                f"k = {k} here, and {name} has shape {value.shape}, expected {shape}: k numbers "
                "stand on the diagonal of T, and k − 1 between them."
            )
        if not np.isfinite(value).all():
            return f"{name} holds NaN or infinity."
    found = np.linalg.eigvalsh(np.diag(alphas) + np.diag(betas, 1) + np.diag(betas, -1))
    wanted = np.linalg.eigvalsh(A)
    i = int(np.abs(found - wanted).argmax())
    if abs(found[i] - wanted[i]) <= 1e-7 * np.abs(wanted).max():
        return None
    return (
        f"After {k} steps on a {k} by {k} matrix T must have its eigenvalues, but number {i + 1} "
        f"from below is {found[i]:.6g}, expected {wanted[i]:.6g}."
    )


# From (1, 1): A q = (2, 4)/√2, α = 3, what is left (−1, 1)/√2 of length 1; then again α = 3.
_HAND_FEW = HandCase(
    {
        "product": FunctionFixture("matrix_product", {"A": np.diag([2.0, 4.0])}, 6),
        "start": np.array([1, 1]),
        "k": 2,
    },
    {"alphas": np.array([3.0, 3.0]), "betas": np.array([1.0])},
)
_HAND_ALL = HandCase({
    "product": FunctionFixture(
        "matrix_product",
        {"A": np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 2.0]])},
        8,
    ),
    "start": np.array([2, 0, 0]),
    "k": 3,
})
_BOTH = ("few_steps", "all_eigenvalues")

LANCZOS = Exercise(
    id="lanczos",
    unit="04",
    tier="further",
    title="Many eigenvalues from few products",
    minutes=20,
    difficulty=4,
    probe=Call(returns=("alphas", "betas")),
    cases=_few_steps,
    criteria=(
        Criterion("few_steps", 2, ("alphas", "betas"), _HAND_FEW),
        Criterion(
            "all_eigenvalues",
            2,
            (),
            _HAND_ALL,
            draw=_all_steps,
            properties=(
                Property("T has the eigenvalues of A after P steps", _eigenvalues_are_off),
            ),
        ),
    ),
    reference=lanczos,
    alternatives=(_with_a_basis_matrix, _as_an_orthonormal_basis),
    misconceptions=(
        Misconception(
            "without_reorthogonalization",
            _without_reorthogonalization,
            ("all_eigenvalues",),
            "In exact arithmetic the two vectors before are enough. With rounding the right angles "
            "to the older ones are lost as soon as an eigenvalue has been found, and copies of it "
            "appear in place of others. Against which vectors must w be made orthogonal?",
        ),
        Misconception(
            "orthogonal_once_only",
            _orthogonal_once_only,
            ("all_eigenvalues",),
            "w is made orthogonal to all vectors, but once. Where little of it is left, rounding "
            "is a large share of the rest, and dividing by β makes it larger. What would a second "
            "look at the same vectors still find?",
        ),
        Misconception(
            "term_before_forgotten",
            _term_before_forgotten,
            _BOTH,
            "From A q only the part along the present vector is taken out. A q also has a part "
            "along the vector before, so the next one is not at right angles to it. How large is "
            "that part?",
        ),
        Misconception(
            "start_not_normalized",
            _start_not_normalized,
            _BOTH,
            "The start is used at the length it came with, so the first α is too large by the "
            "square of that length. Which length do all vectors of the basis have?",
        ),
        Misconception(
            "power_iteration_instead",
            _power_iteration_instead,
            _BOTH,
            "This is the power iteration: nothing is taken out of A q, and all vectors turn to the "
            "same direction. Each new vector should bring something new. What must be removed from "
            "A q for that?",
        ),
        Misconception(
            "last_beta_kept",
            _last_beta_kept,
            _BOTH,
            "There is one β too many. k numbers stand on the diagonal of T, and the β stand "
            "between them. How many gaps are there between k numbers?",
        ),
        Misconception(
            "next_vector_not_normalized",
            _next_vector_not_normalized,
            _BOTH,
            "The next vector keeps the length β of what was left. Then its α is too large by β². "
            "Which length do all vectors of the basis have?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Keep a list of vectors, the first of them `start` at length 1. In each pass: multiply "
            "the last one, note α (its dot product with the result), remove from the result "
            "whatever lies along vectors you have, note β (the length left) and keep the rest at "
            "length 1. The last pass needs no β.",
        ),
        Hint(
            "The first steps are wrong",
            "In the hand example q = (1, 1)/√2 and A q = (2, 4)/√2, so α = 3; (2, 4)/√2 − 3 (1, "
            "1)/√2 = (−1, 1)/√2 has length 1: that is β, and the next q. Compare number by number.",
            ("few_steps",),
        ),
        Hint(
            "A few steps are right, with many steps eigenvalues repeat",
            "Make w orthogonal to every vector in your list, w −= (q @ w) q for each q, and do the "
            "whole round twice: dividing by a small β makes large what rounding left.",
            ("all_eigenvalues",),
        ),
    ),
    solution_note=(
        "Collect the q as columns of Q, orthonormal and spanning q, Aq, A²q, …: then\n"
        "    A q_j = β_{j−1} q_{j−1} + α_j q_j + β_j q_{j+1}        T = Qᵀ A Q is tridiagonal,\n"
        "since A q_j reaches no further than q_{j+1} and A is symmetric. The eigenvalues of T are\n"
        "the best that can be had from these products: the outer ones are right to many digits\n"
        "after few steps, often some 10 to 20 where power iteration needs hundreds. With\n"
        "rounding, orthogonality fails exactly when an eigenvalue has converged (Paige 1971),\n"
        "hence the second look at all vectors. The k vectors of length P are the price."
    ),
)
