"""Trace and diagonal of an operator from a few products with random signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlib._array import Array, Seed, as_generator, check_count
from nnlib.curvature.krylov import as_operator, multiply
from nnlib.errors import ArgumentError

AT_ONCE = 32
"""How many products are asked for at a time, so that probes need not fit into memory together."""


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Estimate:
    """A mean over random probes, and how far off it may be.

    Attributes
    ----------
    value : float, or ndarray of shape (P,)
        The estimate.
    standard_error : float, or ndarray of shape (P,)
        Standard deviation of the estimate, itself estimated from the spread of the probes.
    """

    value: Any
    standard_error: Any


def trace(
    operator: Any, *, method: str = "hutchinson", n_probes: int = 100, rng: Seed = None
) -> Estimate:
    """Estimate the trace, the sum of all eigenvalues, without the matrix.

    With random signs z, E[zᵀ A z] = tr A (Hutchinson); the variance is 2 Σ_{i≠j} A_ij². Hutch++
    spends a third of the products on finding the directions in which A is large, takes their part
    exactly, and estimates the rest: with Q an orthonormal basis of A S,

        tr A = tr(Qᵀ A Q) + E[ zᵀ (1 − QQᵀ) A (1 − QQᵀ) z ]

    Where few eigenvalues dominate, as in Hessians, the error is then far smaller.

    Parameters
    ----------
    operator : LinearOperator or ndarray of shape (P, P)
        Symmetric.
    method : "hutchinson" (default) or "hutch++"
        Which estimator.
    n_probes : int, default 100
        Number of products, at least 2 (Hutchinson) or 6 (Hutch++).
    rng : Generator, int or None
        Draws the signs.

    Returns
    -------
    estimate : Estimate
        Value and standard error.

    Raises
    ------
    ArgumentError
        If there is no such method, or there are too few probes.
    ShapeError
        If the operator is not square.
    DtypeError
        If it does not hold real numbers.
    NonFiniteError
        If a product holds nan or infinity.

    References
    ----------
    Hutchinson (1990), Communications in Statistics - Simulation and Computation 19, 433-450.
    Meyer, Musco, Musco & Woodruff (2021), Hutch++: optimal stochastic trace estimation, SOSA.

    Examples
    --------
    The signs square to 1, so a diagonal matrix leaves nothing to chance:

    >>> trace(np.diag([1.0, 2.0, 4.0]), n_probes=2, rng=0)
    Estimate(value=7.0, standard_error=0.0)
    """
    operator, size = as_operator(operator, "trace")
    if method not in {"hutchinson", "hutch++"}:
        message = f"trace: method is {method!r}, expected 'hutchinson' or 'hutch++'."
        raise ArgumentError(message)
    count = check_count(n_probes, "n_probes", "trace", 2 if method == "hutchinson" else 6)
    generator = as_generator(rng, "trace")
    if method == "hutchinson":
        return _mean(_quadratic_forms(operator, size, count, generator))
    third = min(count // 3, size)
    sketch = multiply(operator, _signs(size, third, generator), "trace")
    Q, _ = np.linalg.qr(sketch)
    exact = float(np.einsum("pk,pk->", Q, multiply(operator, Q, "trace")))
    rest = _mean(_quadratic_forms(operator, size, max(count - 2 * third, 2), generator, without=Q))
    return Estimate(exact + rest.value, rest.standard_error)


def estimate_diagonal(operator: Any, *, n_probes: int = 100, rng: Seed = None) -> Estimate:
    """Estimate the diagonal without the matrix: the mean of z ⊙ A z over random signs z.

    An entry's error is √(Σ_{j≠i} A_ij² / n_probes), so it is good where the diagonal dominates.

    Parameters
    ----------
    operator : LinearOperator or ndarray of shape (P, P)
        Symmetric.
    n_probes : int, default 100
        Number of products, at least 2.
    rng : Generator, int or None
        Draws the signs.

    Returns
    -------
    estimate : Estimate
        Values and standard errors, each of shape (P,).

    Raises
    ------
    ArgumentError
        If there are too few probes.
    ShapeError
        If the operator is not square.
    DtypeError
        If it does not hold real numbers.
    NonFiniteError
        If a product holds nan or infinity.

    References
    ----------
    Bekas, Kokiopoulou & Saad (2007), An estimator for the diagonal of a matrix, Applied Numerical
    Mathematics 57, 1214-1229.

    Examples
    --------
    >>> estimate_diagonal(np.diag([1.0, 2.0, 4.0]), n_probes=2, rng=0).value
    array([1., 2., 4.])
    """
    operator, size = as_operator(operator, "estimate_diagonal")
    count = check_count(n_probes, "n_probes", "estimate_diagonal", 2)
    generator = as_generator(rng, "estimate_diagonal")
    total, squares = np.zeros(size), np.zeros(size)
    for some in _portions(count):
        z = _signs(size, some, generator)
        terms = z * multiply(operator, z, "estimate_diagonal")
        total += terms.sum(axis=1)
        squares += np.square(terms).sum(axis=1)
    mean = total / count
    variance = np.maximum(squares / count - mean**2, 0.0) * count / (count - 1)
    return Estimate(mean, np.sqrt(variance / count))


def _quadratic_forms(
    operator: Any, size: int, count: int, rng: np.random.Generator, without: Array | None = None
) -> Array:
    """Return zᵀ A z for several z, after taking out of z what lies along some directions."""
    forms = []
    for some in _portions(count):
        z = _signs(size, some, rng)
        if without is not None:
            z -= without @ (without.T @ z)
        forms.append(np.einsum("pk,pk->k", z, multiply(operator, z, "trace")))
    return np.concatenate(forms)


def _mean(samples: Array) -> Estimate:
    """Return mean and standard error."""
    error = samples.std(ddof=1) / np.sqrt(len(samples))
    return Estimate(float(samples.mean()), float(error))


def _portions(count: int) -> list[int]:
    """Cut a number of probes into portions."""
    return [min(AT_ONCE, count - start) for start in range(0, count, AT_ONCE)]


def _signs(size: int, count: int, rng: np.random.Generator) -> Array:
    """Return random signs, a probe in each column."""
    return 2.0 * rng.integers(0, 2, size=(size, count)) - 1.0
