"""Eigenvalues from products alone: the Lanczos iteration and the power iteration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, Seed, as_array, as_generator, check_count, check_number
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, ShapeError


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Lanczos:
    """What k steps of Lanczos leave: A Q ≈ Q T with orthonormal Q and tridiagonal T.

    Attributes
    ----------
    alphas : ndarray of shape (k,)
        Diagonal of T.
    betas : ndarray of shape (k,)
        Length of what is left after each step; the first k − 1 stand beside the diagonal of T.
    basis : ndarray of shape (P, k)
        Q, the Lanczos vectors as columns.
    """

    alphas: Array
    betas: Array
    basis: Array

    def ritz(self) -> tuple[Array, Array]:
        """Return the eigenvalues of T from the smallest up, and its eigenvectors as columns."""
        from scipy.linalg import eigh_tridiagonal  # here: takes long to import

        values, vectors = eigh_tridiagonal(self.alphas, self.betas[:-1])
        return values, vectors


@dataclass(frozen=True, eq=False)
class EigenPair:
    """The outcome of a power iteration.

    Attributes
    ----------
    eigenvalue : float
        The one of largest size, with its sign.
    eigenvector : ndarray of shape (P,)
        Of length 1.
    n_steps : int
        How many products it took.
    converged : bool
        Whether ‖A v − λ v‖ came below the tolerance. It never does if λ and −λ are both largest.
    """

    eigenvalue: float
    eigenvector: Array
    n_steps: int
    converged: bool


def lanczos(operator: Any, k: int, *, rng: Seed = None, start: ArrayLike | None = None) -> Lanczos:
    """Find a small tridiagonal matrix with nearly the extreme eigenvalues of a symmetric operator.

        β_j q_{j+1} = A q_j − α_j q_j − β_{j−1} q_{j−1}        α_j = q_jᵀ A q_j

    In exact arithmetic the three terms suffice. With rounding the q lose their right angles as
    soon as an eigenvalue has converged, and copies of it appear; therefore each new vector is made
    orthogonal to all before, twice. When nothing is left (β = 0), a new random direction goes on.

    Parameters
    ----------
    operator : LinearOperator or ndarray of shape (P, P)
        Real and symmetric.
    k : int
        Number of steps, from 1 to P; each takes one product.
    rng : Generator, int or None
        Draws the start.
    start : ndarray of shape (P,), optional
        The first vector, of any length but zero.

    Returns
    -------
    result : Lanczos
        T and Q, float64.

    Raises
    ------
    ShapeError
        If the operator is not square, or ``start`` does not fit it.
    DtypeError
        If it does not hold real numbers.
    ArgumentError
        If k is not from 1 to P, or ``start`` is zero.
    NonFiniteError
        If a product holds nan or infinity.

    References
    ----------
    Lanczos (1950), Journal of Research of the National Bureau of Standards 45, 255-282.
    Parlett (1998), The Symmetric Eigenvalue Problem, SIAM, chapter 13.

    Examples
    --------
    Starting from (1, 1), two steps on diag(2, 4) find everything:

    >>> result = lanczos(np.diag([2.0, 4.0]), 2, start=[1.0, 1.0])
    >>> result.alphas.round(6), result.betas[:1].round(6)
    (array([3., 3.]), array([1.]))
    >>> result.ritz()[0].round(6)
    array([2., 4.])
    """
    operator, size = as_operator(operator, "lanczos")
    n_steps = at_most(k, size, "lanczos")
    generator = as_generator(rng, "lanczos")
    q = unit_start(start, size, generator)
    state = LanczosIteration(operator, q, n_steps, generator)
    for _ in range(n_steps):
        state.step()
    return state.result()


class LanczosIteration:
    """A Lanczos iteration that can go on."""

    def __init__(self, operator: Any, q: Array, room: int, rng: np.random.Generator) -> None:
        self.operator, self.rng = operator, rng
        self.rows = np.empty((min(room, 64), len(q)))  # Lanczos vectors, grown when needed
        self.alphas: list[float] = []
        self.betas: list[float] = []
        self.next = q

    def step(self) -> None:
        """Take one product, and make what is left orthogonal to all before."""
        j = len(self.alphas)
        if j == len(self.rows):
            larger = np.empty((min(2 * j, self.rows.shape[1]), self.rows.shape[1]))
            larger[:j] = self.rows
            self.rows = larger
        self.rows[j] = self.next
        w = multiply(self.operator, self.next, "lanczos")
        self.alphas.append(float(self.next @ w))
        scale = float(np.linalg.norm(w))
        basis = self.rows[: j + 1]
        for _ in range(2):
            w -= basis.T @ (basis @ w)
        beta = float(np.linalg.norm(w))
        if beta <= 1e-12 * max(scale, abs(self.alphas[0]), 1e-300):
            self.betas.append(0.0)
            self.next = self._fresh_direction(basis)
        else:
            self.betas.append(beta)
            self.next = w / beta

    def _fresh_direction(self, basis: Array) -> Array:
        """Return a random unit vector orthogonal to all so far; zero if there is none."""
        size = basis.shape[1]
        if len(basis) >= size:
            return np.zeros(size)
        w: Array = self.rng.standard_normal((size,))
        for _ in range(3):
            w -= basis.T @ (basis @ w)
            w /= np.linalg.norm(w)
        return w

    def result(self) -> Lanczos:
        """Return what has been found so far."""
        basis = self.rows[: len(self.alphas)].T.copy()
        return Lanczos(np.array(self.alphas), np.array(self.betas), basis)


def power_iteration(
    operator: Any,
    *,
    n_steps: int = 1000,
    tolerance: float = 1e-6,
    rng: Seed = None,
    start: ArrayLike | None = None,
) -> EigenPair:
    """Find the eigenvalue of largest size, with its sign, by multiplying again and again.

        v ← A v / ‖A v‖        λ = vᵀ A v

    The error shrinks by |λ₂/λ₁| a step, which for Hessians is slow; Lanczos needs far fewer
    products. The Rayleigh quotient keeps the sign that ‖A v‖ loses.

    Parameters
    ----------
    operator : LinearOperator or ndarray of shape (P, P)
        Symmetric.
    n_steps : int, default 1000
        Most products.
    tolerance : float, default 1e-6
        Ends the iteration when ‖A v − λ v‖ ≤ tolerance · |λ|.
    rng : Generator, int or None
        Draws the start.
    start : ndarray of shape (P,), optional
        The first vector, of any length but zero.

    Returns
    -------
    pair : EigenPair
        Eigenvalue and vector, and whether they are good.

    Raises
    ------
    ShapeError
        If the operator is not square, or ``start`` does not fit it.
    DtypeError
        If it does not hold real numbers.
    ArgumentError
        If a number is outside what it may be.
    NonFiniteError
        If a product holds nan or infinity.

    References
    ----------
    von Mises & Pollaczek-Geiringer (1929), ZAMM 9, 58-77.

    Examples
    --------
    >>> pair = power_iteration(np.diag([-8.0, 2.0]), start=[1.0, 1.0])
    >>> round(pair.eigenvalue, 6), pair.converged
    (-8.0, True)
    """
    operator, size = as_operator(operator, "power_iteration")
    most = check_count(n_steps, "n_steps", "power_iteration")
    limit = check_number(tolerance, "tolerance", "power_iteration", positive=True)
    v = unit_start(start, size, as_generator(rng, "power_iteration"))
    value = 0.0
    for step in range(1, most + 1):
        w = multiply(operator, v, "power_iteration")
        value = float(v @ w)
        if np.linalg.norm(w - value * v) <= limit * abs(value):
            return EigenPair(value, v, step, converged=True)
        v = w / np.linalg.norm(w)
    return EigenPair(value, v, most, converged=False)


def multiply(operator: Any, v: Array, where: str) -> Array:
    """Return the product in float64, after checking that it is real and finite."""
    product = as_array(operator @ v, np.dtype(np.float64), f"{where}: a product")
    if not np.isfinite(product).all():
        message = f"{where}: a product holds nan or infinity, expected finite numbers."
        raise NonFiniteError(message)
    return product.copy() if product is v else product


def as_operator(operator: Any, where: str) -> tuple[Any, int]:
    """Return an operator of shape (P, P), or a matrix written as lists, and P."""
    if isinstance(operator, list | tuple):
        operator = as_array(operator, np.dtype(np.float64), f"{where}: the operator")
    dtype = getattr(operator, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind not in "fiub":
        message = (
            f"{where}: the operator is of {dtype}, expected real numbers, in a symmetric matrix."
        )
        raise DtypeError(message)
    shape: tuple[int, ...] = getattr(operator, "shape", ())
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        message = (
            f"{where}: the operator has shape {shape}, expected (P, P). "
            "Give a Hessian(model, X, y, loss), another LinearOperator or a matrix."
        )
        raise ShapeError(message)
    return operator, int(shape[0])


def at_most(k: object, size: int, where: str) -> int:
    """Return k after checking that it is from 1 to the size of the operator."""
    count = check_count(k, "k", where)
    if count > size:
        message = f"{where}: k is {count}, expected at most {size}, the size of the operator."
        raise ArgumentError(message)
    return count


def unit_start(start: ArrayLike | None, size: int, rng: np.random.Generator) -> Array:
    """Return a unit vector: the one given, or a random one."""
    if start is None:
        vector: Array = rng.standard_normal(size)
    else:
        vector = as_array(start, np.dtype(np.float64), "start")
        if vector.shape != (size,):
            message = f"start has shape {vector.shape}, expected ({size},) like the operator."
            raise ShapeError(message)
    length = np.linalg.norm(vector)
    if not (0 < length < np.inf):
        message = f"start has length {length:g}, expected a finite one above 0."
        raise ArgumentError(message)
    unit: Array = vector / length
    return unit
