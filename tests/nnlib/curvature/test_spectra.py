"""Ends and density of a spectrum against NumPy's eigenvalues."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.curvature import spectral_density, spectrum
from nnlib.errors import ArgumentError, ShapeError
from tests.nnlib.curvature.cases import symmetric


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.sampled_from(["largest", "smallest", "both"]), st.integers(0, 99))
def test_the_ends_are_those_of_numpy(size, which, seed):
    rng = np.random.default_rng(seed)
    values = np.sort(rng.normal(size=size))[::-1]
    A, k = symmetric(values, rng), int(rng.integers(1, size + 1))
    expected = {
        "largest": values[:k],
        "smallest": values[-k:],
        "both": values if 2 * k >= size else np.concatenate([values[:k], values[-k:]]),
    }[which]

    found = spectrum(A, k, which=which, rng=rng, tolerance=1e-9)

    np.testing.assert_allclose(found.eigenvalues, expected, atol=1e-8)  # nearby ones may mix
    U = found.eigenvectors
    np.testing.assert_allclose(U.T @ U, np.eye(len(expected)), atol=1e-10)
    residual = A @ U - U * found.eigenvalues
    assert np.abs(residual).max() < 1e-8 * max(1.0, np.abs(values).max())


def test_few_products_suffice_for_a_lone_large_eigenvalue(rng):
    A, products = symmetric(np.concatenate([[50.0], rng.random(299)]), rng), []

    class Counting:
        shape = A.shape

        def __matmul__(self, v):
            products.append(1)
            return A @ v

    found = spectrum(Counting(), 1, rng=rng)

    assert found.eigenvalues[0] == pytest.approx(50.0, rel=1e-9)
    assert len(products) <= 20


def test_equal_eigenvalues_are_all_found_when_all_are_wanted(rng):
    A = symmetric(np.array([2.0, 2.0, 2.0, 0.0, 0.0]), rng)

    np.testing.assert_allclose(
        spectrum(A, 5, rng=rng).eigenvalues, [2.0, 2.0, 2.0, 0.0, 0.0], atol=1e-12
    )


def test_a_matrix_of_zeros_has_a_spectrum():
    assert spectrum(np.zeros((3, 3)), 2, rng=0).eigenvalues.tolist() == [0.0, 0.0]


def test_density_integrates_to_one_and_has_the_right_moments(rng):
    values = np.concatenate([rng.normal(size=95), [10.0, 12.0, 14.0, 16.0, 18.0]])
    A = symmetric(values, rng)

    found = spectral_density(A, n_probes=60, n_steps=40, n_points=4000, rng=rng)

    step = found.grid[1] - found.grid[0]
    total = found.density.sum() * step
    mean = (found.grid * found.density).sum() * step
    assert total == pytest.approx(1.0, abs=1e-5)  # tails beyond 5 σ hold 6e-7
    # Each probe's mean has variance 2 Σ(λ − mean)² / P², here 60 probes: five standard errors.
    spread = 5 * np.sqrt(2 * np.var(values) / len(values) / 60)
    assert abs(mean - values.mean()) < spread


def test_with_as_many_steps_as_eigenvalues_the_density_is_the_smoothed_spectrum():
    """All weights are 1/P on average; for P = 1 they are exact."""
    found = spectral_density(np.array([[3.0]]), n_probes=1, sigma=0.5, n_points=11, rng=0)

    expected = np.exp(-0.5 * ((found.grid - 3.0) / 0.5) ** 2) / (0.5 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(found.grid[[0, -1]], [0.5, 5.5])
    np.testing.assert_allclose(found.density, expected, rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, 4.0])
def test_a_single_eigenvalue_gives_one_narrow_bell(value):
    found = spectral_density(value * np.eye(4), n_points=2001, rng=0)

    assert found.grid[found.density.argmax()] == pytest.approx(value, abs=1e-9)
    assert np.trapezoid(found.density, found.grid) == pytest.approx(1.0, abs=1e-5)


def test_bad_input_is_named():
    with pytest.raises(ArgumentError, match="'largest', 'smallest' or 'both'"):
        spectrum(np.eye(3), 1, which="top")
    with pytest.raises(ArgumentError, match="at most 3"):
        spectrum(np.eye(3), 4)
    with pytest.raises(ShapeError, match=r"expected \(P, P\)"):
        spectral_density(np.ones(3))
    with pytest.raises(ArgumentError, match="sigma is 0"):
        spectral_density(np.eye(3), sigma=0)
    with pytest.raises(ArgumentError, match="Take more points, or a wider bell"):
        spectral_density(np.diag([0.0, 1.0]), sigma=1e-4, rng=0)
    with pytest.raises(ArgumentError, match="n_points is 1"):
        spectral_density(np.eye(3), n_points=1)
