"""The spectrum: eigenvalues at its ends, or the density of all of them, from products alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlib._array import Array, Seed, as_generator, check_count, check_number
from nnlib.curvature._block_lanczos import BlockLanczos
from nnlib.curvature.krylov import as_operator, at_most, lanczos
from nnlib.errors import ArgumentError

ENDS = ("largest", "smallest", "both")


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Spectrum:
    """Eigenvalues, from the largest down, and their eigenvectors.

    Attributes
    ----------
    eigenvalues : ndarray of shape (k,)
        λ₁ ≥ λ₂ ≥ …, float64.
    eigenvectors : ndarray of shape (P, k)
        As columns, of length 1; float64.
    """

    eigenvalues: Array
    eigenvectors: Array


@dataclass(frozen=True, eq=False)
class SpectralDensity:
    """How many eigenvalues lie where, as a density that integrates to 1.

    Attributes
    ----------
    grid : ndarray of shape (n_points,)
        Eigenvalues.
    density : ndarray of shape (n_points,)
        Share of the P eigenvalues per unit of eigenvalue.
    """

    grid: Array
    density: Array


def spectrum(
    operator: Any,
    k: int,
    *,
    which: str = "largest",
    tolerance: float = 1e-6,
    rng: Seed = None,
) -> Spectrum:
    """Find k eigenvalues at one end of the spectrum, or at both, with their vectors.

    Lanczos with k random starts at once goes on until ‖A v − λ v‖ ≤ tolerance · max|λ| for each
    wanted pair, at most until all P are found. From k starts an eigenvalue is found as often as it
    is repeated, up to k times, which is as often as it can be wanted. (From one start each comes
    once, whatever its multiplicity.) Eigenvalues that lie within the tolerance of each other may
    share their vectors: single ones then are any basis of the same space.

    Mostly some 10 to 20 k products are needed, and as many vectors of length P kept. Where that is
    a good part of P, the dense matrix is cheaper.

    Parameters
    ----------
    operator : LinearOperator or ndarray of shape (P, P)
        Real and symmetric.
    k : int
        How many, from 1 to P; at each end with ``which="both"``.
    which : "largest" (default), "smallest" or "both"
        Which end, counted with the sign.
    tolerance : float, default 1e-6
        Relative size of the residual that is good enough. In float32 it cannot go below 1e-6.
    rng : Generator, int or None
        Draws the start.

    Returns
    -------
    spectrum : Spectrum
        From the largest eigenvalue down.

    Raises
    ------
    ArgumentError
        If k or ``which`` is outside what it may be.
    ShapeError
        If the operator is not square.
    DtypeError
        If it does not hold real numbers.
    NonFiniteError
        If a product holds nan or infinity.

    References
    ----------
    Lanczos (1950), Journal of Research of the National Bureau of Standards 45, 255-282.
    Golub & Underwood (1977), The block Lanczos method for computing eigenvalues, Mathematical
    Software III, Academic Press, 361-377.

    Examples
    --------
    >>> A = np.diag([5.0, 1.0, -3.0])
    >>> spectrum(A, 1, which="both", rng=0).eigenvalues.round(6)
    array([ 5., -3.])
    >>> spectrum(np.diag([2.0, 2.0, 2.0, 1.0]), 3, rng=0).eigenvalues.round(6)
    array([2., 2., 2.])
    """
    return spectrum_and_size(operator, k, which=which, tolerance=tolerance, rng=rng)[0]


def spectrum_and_size(
    operator: Any, k: int, *, which: str = "largest", tolerance: float = 1e-6, rng: Seed = None
) -> tuple[Spectrum, float]:
    """Return what ``spectrum`` does, and max|λ| as far as the iteration has seen it."""
    operator, size = as_operator(operator, "spectrum")
    count = at_most(k, size, "spectrum")
    check_end(which, "spectrum")
    limit = check_number(tolerance, "tolerance", "spectrum", positive=True)
    generator = as_generator(rng, "spectrum")
    state = BlockLanczos(operator, generator.standard_normal((size, count)), generator)
    wanted = min(2 * count, size) if which == "both" else count
    due = 0
    while True:
        state.step()
        found = len(state.rows)
        # The small eigenproblem costs more the larger it is: it is solved now and then.
        if found < wanted or (found < due and not state.closed):
            continue
        due = found + found // 8
        values, vectors, residuals = state.ritz()
        places = _ends(count, found, which)
        largest = float(np.abs(values).max())
        if residuals[places].max() <= limit * largest:
            return Spectrum(values[places], state.rows.T @ vectors[:, places]), largest


def check_end(which: object, where: str) -> None:
    """Raise unless there is such an end of the spectrum."""
    if which not in ENDS:
        message = f"{where}: which is {which!r}, expected 'largest', 'smallest' or 'both'."
        raise ArgumentError(message)


def _ends(count: int, n: int, which: str) -> np.ndarray[Any, Any]:
    """Return which of n ascending values are wanted, the largest first."""
    order = np.arange(n)[::-1]
    if which == "largest":
        return order[:count]
    if which == "smallest":
        return order[max(n - count, 0) :]
    return order if 2 * count >= n else np.concatenate([order[:count], order[-count:]])


def spectral_density(
    operator: Any,
    *,
    n_probes: int = 10,
    n_steps: int = 80,
    n_points: int = 1000,
    sigma: float | None = None,
    rng: Seed = None,
) -> SpectralDensity:
    """Estimate the density of all eigenvalues, from Lanczos on random vectors.

    A random unit vector holds a share 1/P of each eigenvector on average. The Ritz values θ_i of
    its Lanczos matrix, with the squares of the first entries of its eigenvectors as weights ω_i,
    are a Gaussian quadrature of the spectrum it sees; each is smoothed by a bell of width σ:

        density(t) = mean over probes of Σ_i ω_i N(t; θ_i, σ²)

    Parameters
    ----------
    operator : LinearOperator or ndarray of shape (P, P)
        Symmetric.
    n_probes : int, default 10
        Number of random vectors.
    n_steps : int, default 80
        Lanczos steps for each; at most P are taken.
    n_points : int, default 1000
        Points of the grid, which reaches 5 σ beyond the outermost Ritz values.
    sigma : float, optional
        σ in units of eigenvalues; by default 1 % of the range of the Ritz values.
    rng : Generator, int or None
        Draws the vectors.

    Returns
    -------
    result : SpectralDensity
        Grid and density.

    Raises
    ------
    ArgumentError
        If a number is outside what it may be.
    ShapeError
        If the operator is not square.
    DtypeError
        If it does not hold real numbers.
    NonFiniteError
        If a product holds nan or infinity.

    References
    ----------
    Lin, Saad & Yang (2016), Approximating spectral densities of large matrices, SIAM Review 58,
    34-65.
    Ghorbani, Krishnan & Xiao (2019), An investigation into neural net optimization via Hessian
    eigenvalue density, ICML, 2232-2241.

    Examples
    --------
    Half of the eigenvalues of diag(0, 1) lie below one half:

    >>> result = spectral_density(np.diag([0.0, 1.0]), n_probes=400, rng=0)
    >>> step = result.grid[1] - result.grid[0]
    >>> float((result.density[result.grid < 0.5].sum() * step).round(1))
    0.5
    """
    where = "spectral_density"
    operator, size = as_operator(operator, where)
    probes, points = (
        check_count(n_probes, "n_probes", where),
        check_count(n_points, "n_points", where, 2),
    )
    steps = min(check_count(n_steps, "n_steps", where), size)
    width = None if sigma is None else check_number(sigma, "sigma", where, positive=True)
    generator = as_generator(rng, where)
    nodes, weights = [], []
    for _ in range(probes):
        values, vectors = lanczos(operator, steps, rng=generator).ritz()
        nodes.append(values)
        weights.append(np.square(vectors[0]) / probes)
    theta, omega = np.concatenate(nodes), np.concatenate(weights)
    low, high = float(theta.min()), float(theta.max())
    if width is None:
        size_of_all = max(abs(low), abs(high))
        # Where all eigenvalues are one, their range is nothing but rounding.
        spread = high - low if high - low > 1e-6 * size_of_all else size_of_all
        width = 0.01 * spread or 0.01
    grid = np.linspace(low - 5 * width, high + 5 * width, points)
    if grid[1] - grid[0] > width:
        message = (
            f"{where}: sigma is {width:.3g}, expected at least a step of the grid, "
            f"{grid[1] - grid[0]:.3g}. Take more points, or a wider bell."
        )
        raise ArgumentError(message)
    bells = np.exp(-0.5 * ((grid[:, np.newaxis] - theta) / width) ** 2)
    return SpectralDensity(grid, bells @ omega / (width * np.sqrt(2 * np.pi)))
