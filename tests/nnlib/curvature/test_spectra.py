"""Ends and density of a spectrum against NumPy's eigenvalues."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.curvature import Hessian, spectral_density, spectrum
from nnlib.curvature._block_lanczos import BlockLanczos
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, ShapeError
from nnlib.layers import Linear
from nnlib.losses import CrossEntropy
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


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=5),
    st.sampled_from(["largest", "smallest", "both"]),
    st.integers(0, 99),
)
def test_eigenvalues_are_found_as_often_as_they_are_repeated(multiplicities, which, seed):
    """Blocks of identities, turned into random directions, or as they are."""
    rng = np.random.default_rng(seed)
    values = np.repeat(3.0 - np.arange(len(multiplicities)), multiplicities)
    A = symmetric(values, rng) if seed % 2 else np.diag(values)
    k = int(rng.integers(1, len(values) + 1))

    found = spectrum(A, k, which=which, rng=rng)

    ends = {
        "largest": values[:k],
        "smallest": values[-k:],
        "both": values if 2 * k >= len(values) else np.concatenate([values[:k], values[-k:]]),
    }
    np.testing.assert_allclose(found.eigenvalues, ends[which], atol=1e-10)
    U = found.eigenvectors
    np.testing.assert_allclose(U.T @ U, np.eye(U.shape[1]), atol=1e-10)
    np.testing.assert_allclose(A @ U, U * found.eigenvalues, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_regression_at_zero_has_each_eigenvalue_nine_times(dtype, rng):
    """At θ = 0 the Hessian is XᵀX/N ⊗ (1/10 − 1/100): nine equal ones, and a zero."""
    X, y = np.abs(rng.normal(size=(300, 8))), rng.integers(0, 10, 300)
    model = Linear(8, 10, dtype=dtype)
    model.theta = 0.0
    H = Hessian(model, X, y, CrossEntropy())
    x = np.concatenate([X, np.ones((300, 1))], axis=1)
    values = np.repeat(np.linalg.eigvalsh(x.T @ x / 3000)[::-1], 9)
    precision = {"rtol": 1e-5 if dtype == np.float32 else 1e-9}  # of single and double numbers

    for k in (5, 12):
        np.testing.assert_allclose(H.spectrum(k, rng=rng).eigenvalues, values[:k], **precision)
    both = H.spectrum(5, which="both", rng=rng).eigenvalues
    np.testing.assert_allclose(both[:5], values[:5], **precision)
    np.testing.assert_allclose(both[5:], 0.0, atol=1e-5 * values[0])


def test_a_second_copy_hidden_among_many_zeros_is_found(rng):
    values = np.zeros(2000)
    values[[7, 1500]] = 1.0, 1.0

    class Diagonal:
        shape = (2000, 2000)

        def __matmul__(self, v):
            return (values * v.T).T

    np.testing.assert_allclose(spectrum(Diagonal(), 3, rng=rng).eigenvalues, [1, 1, 0], atol=1e-12)


def test_a_space_that_holds_whole_eigenvectors_is_recognized(rng):
    """Two blocks find two eigenvalues; what is left then is rounding, and no direction."""
    A = symmetric(np.repeat([2.0, 1.0], 10), rng)
    state = BlockLanczos(A, rng.normal(size=(20, 3)), rng)

    state.step()
    assert not state.closed
    state.step()

    assert state.closed
    values, _, residuals = state.ritz()
    np.testing.assert_allclose(values, [1.0, 1.0, 1.0, 2.0, 2.0, 2.0], rtol=1e-12)
    assert not residuals.any()


def test_there_are_no_more_directions_than_parameters(rng, monkeypatch):
    """Even if rounding passed for a direction, the iteration would end."""
    monkeypatch.setattr("nnlib.curvature._block_lanczos.NOTHING_LEFT", 0.0)
    values = np.arange(1.0, 9.0)
    state = BlockLanczos(symmetric(values, rng), rng.normal(size=(8, 3)), rng)

    for _ in range(3):
        state.step()

    assert state.closed
    np.testing.assert_allclose(state.ritz()[0], values, rtol=1e-12)


def test_fresh_directions_nearly_within_the_space_are_cleaned_again(rng):
    """What is left of them is so short that one pass would leave rounding of 1e-6 in them."""

    class Near:
        def standard_normal(self, size):
            return Q[:, :2].T + 1e-10 * rng.normal(size=size)

    Q = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    state = BlockLanczos(np.eye(30), Q[:, :2], Near())

    for _ in range(3):
        state.step()

    np.testing.assert_allclose(state.rows @ state.rows.T, np.eye(6), atol=1e-14)  # rounding


def test_few_products_suffice_for_several_ends(rng):
    """The small eigenproblem is solved now and then, and yet little is done in excess."""
    A = symmetric(np.concatenate([[50.0, 40.0, 30.0], rng.random(297)]), rng)
    products = []

    class Counting:
        shape = A.shape

        def __matmul__(self, v):
            products.append(v.shape[1])
            return A @ v

    found = spectrum(Counting(), 3, rng=rng)

    np.testing.assert_allclose(found.eigenvalues, [50.0, 40.0, 30.0], rtol=1e-9)
    assert set(products) == {3}  # directions go three at a time
    assert sum(products) <= 24


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
    with pytest.raises(DtypeError, match=r"complex128, expected real numbers"):
        spectrum(1j * np.eye(3), 1)
    with pytest.raises(DtypeError, match="expected real numbers"):
        spectrum(np.array([["a"]]), 1)
    with pytest.raises(DtypeError, match="the operator: dtype is complex128"):
        spectral_density([[1j]])
    with pytest.raises(NonFiniteError, match="spectrum: a product holds nan"):
        spectrum(np.full((3, 3), np.nan), 2, rng=0)
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
