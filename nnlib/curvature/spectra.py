"""The spectrum: eigenvalues at its ends, or the density of all of them, from products alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlib._array import Array, Seed, as_generator, check_count, check_number
from nnlib.curvature.krylov import LanczosIteration, at_most, lanczos, operator_size, unit_start
from nnlib.errors import ArgumentError


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

    Lanczos goes on until ‖A v − λ v‖ ≤ tolerance · max|λ| for each wanted pair, at most for P
    steps, when all eigenvalues are found.

    Parameters
    ----------
    operator : LinearOperator or ndarray of shape (P, P)
        Symmetric.
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

    References
    ----------
    Lanczos (1950), Journal of Research of the National Bureau of Standards 45, 255-282.

    Examples
    --------
    >>> A = np.diag([5.0, 1.0, -3.0])
    >>> spectrum(A, 1, which="both", rng=0).eigenvalues.round(6)
    array([ 5., -3.])
    """
    size = operator_size(operator, "spectrum")
    count = at_most(k, size, "spectrum")
    if which not in {"largest", "smallest", "both"}:
        message = f"spectrum: which is {which!r}, expected 'largest', 'smallest' or 'both'."
        raise ArgumentError(message)
    limit = check_number(tolerance, "tolerance", "spectrum", positive=True)
    generator = as_generator(rng, "spectrum")
    state = LanczosIteration(operator, unit_start(None, size, generator), size, generator)
    while True:
        state.step()
        n_steps = len(state.alphas)
        if n_steps < size and (n_steps < 2 * count or n_steps % 5):
            continue
        found = state.result()
        values, vectors = found.ritz()
        places = _ends(count, n_steps, which)
        # ‖A v − θ v‖ = β_m |s_m|, with s_m the last entry of the small eigenvector.
        residual = found.betas[-1] * np.abs(vectors[-1, places])
        # β = 0 ends an invariant subspace, which says nothing about what lies outside of it.
        good = found.betas[-1] > 0 and residual.max() <= limit * max(np.abs(values).max(), 1e-300)
        if good or n_steps == size:
            return Spectrum(values[places], found.basis @ vectors[:, places])


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
    size = operator_size(operator, where)
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
