"""Lanczos and power iteration on matrices whose eigenvalues NumPy knows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator

from nnlib.curvature import lanczos, power_iteration
from nnlib.curvature.krylov import LanczosIteration
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, ShapeError
from tests.nnlib.curvature.cases import symmetric


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 30), st.integers(0, 99))
def test_basis_is_orthonormal_and_makes_the_matrix_tridiagonal(size, seed):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(size, size))
    A = A + A.T
    k = int(rng.integers(1, size + 1))

    found = lanczos(A, k, rng=rng)

    T = np.diag(found.alphas) + np.diag(found.betas[:-1], 1) + np.diag(found.betas[:-1], -1)
    Q = found.basis
    assert Q.shape == (size, k)
    np.testing.assert_allclose(Q.T @ Q, np.eye(k), atol=1e-12)  # rounding, after two passes
    np.testing.assert_allclose(Q.T @ A @ Q, T, atol=1e-11)


def test_all_steps_give_all_eigenvalues_and_no_copies(rng):
    """Without reorthogonalization the largest eigenvalue would come several times."""
    values = np.concatenate([[1e4], rng.normal(size=149)])
    A = symmetric(values, rng)

    found = lanczos(aslinearoperator(A), 150, rng=rng).ritz()[0]

    np.testing.assert_allclose(found, np.sort(values), atol=1e-8)  # 1e4 rounds at 2e-12


def test_a_start_in_an_invariant_subspace_goes_on_elsewhere():
    """From the first eigenvector nothing is left after one step; all others are still found."""
    A = np.diag([3.0, 2.0, 2.0, -1.0])

    found = lanczos(A, 4, start=[1.0, 0.0, 0.0, 0.0], rng=0)

    assert not found.betas[0]
    np.testing.assert_allclose(found.ritz()[0], [-1.0, 2.0, 2.0, 3.0], atol=1e-12)


def test_a_remainder_of_rounding_is_no_direction(rng):
    """From an eigenvector some 1e-16 is left: made a unit vector, it would lie within the basis."""
    A = symmetric(np.arange(1.0, 41.0), rng)
    start = np.linalg.eigh(A)[1][:, 20]

    found = lanczos(A, 40, start=start, rng=0)

    assert not found.betas[0]
    np.testing.assert_allclose(found.basis.T @ found.basis, np.eye(40), atol=1e-12)
    np.testing.assert_allclose(found.ritz()[0], np.arange(1.0, 41.0), atol=1e-11)


def test_a_fresh_direction_nearly_within_the_basis_is_cleaned_again(rng):
    """What is left of it is so short that one pass would leave rounding of 1e-6 in it."""

    class Near:
        def standard_normal(self, size):
            return Q[:, 0] + 1e-10 * rng.normal(size=size)

    A = np.eye(30)
    Q = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    state = LanczosIteration(A, Q[:, 0], 30, Near())

    state.step()  # an eigenvector: nothing is left

    assert abs(state.next @ Q[:, 0]) < 1e-14  # rounding of a product of 30 terms
    assert np.linalg.norm(state.next) == pytest.approx(1.0, rel=1e-12)


def test_a_matrix_may_be_written_as_lists():
    assert power_iteration([[3.0, 0.0], [0.0, 1.0]], rng=0).eigenvalue == pytest.approx(3.0)
    np.testing.assert_allclose(lanczos([[2, 0], [0, 4]], 2, rng=0).ritz()[0], [2.0, 4.0])


def test_the_start_sets_everything_else(rng):
    A, start = symmetric(np.arange(6.0), rng), rng.normal(size=6)

    a, b = lanczos(A, 4, start=start, rng=1), lanczos(A, 4, start=5 * start, rng=2)

    np.testing.assert_allclose(a.alphas, b.alphas, rtol=1e-12)
    np.testing.assert_array_equal(
        lanczos(A, 4, rng=3).basis, lanczos(A, 4, rng=np.random.default_rng(3)).basis
    )


@pytest.mark.parametrize("largest", [7.0, -7.0])
def test_power_iteration_keeps_the_sign(largest, rng):
    A = symmetric(np.array([largest, 3.0, -2.0, 0.5, 0.0]), rng)

    pair = power_iteration(A, rng=rng)

    assert pair.converged
    assert pair.eigenvalue == pytest.approx(largest, rel=1e-9)  # off by the squared residual
    np.testing.assert_allclose(A @ pair.eigenvector, largest * pair.eigenvector, atol=2e-5)
    assert np.linalg.norm(pair.eigenvector) == pytest.approx(1.0, rel=1e-12)


def test_power_iteration_does_not_overflow():
    """Without normalization the third product with 10¹⁵⁰ would leave float64."""
    pair = power_iteration(np.diag([1e150, 9e149]), start=[1.0, 1.0])

    assert pair.converged
    assert pair.eigenvalue == pytest.approx(1e150, rel=1e-9)


def test_two_largest_of_opposite_sign_do_not_converge(rng):
    pair = power_iteration(np.diag([2.0, -2.0]), n_steps=50, start=[1.0, 0.5])

    assert not pair.converged
    assert pair.n_steps == 50


def test_a_matrix_of_zeros_has_the_eigenvalue_zero():
    pair = power_iteration(np.zeros((3, 3)), rng=0)

    assert (pair.eigenvalue, pair.n_steps, pair.converged) == (0.0, 1, True)


class ComplexProducts:
    """An operator that does not tell its type."""

    shape = (2, 2)

    def __matmul__(self, v):
        return 1j * v


def test_bad_input_is_named():
    A = np.eye(3)
    with pytest.raises(ShapeError, match=r"shape \(2, 3\), expected \(P, P\)"):
        lanczos(np.ones((2, 3)), 1)
    with pytest.raises(ShapeError, match=r"expected \(P, P\)"):
        power_iteration(3.0)
    with pytest.raises(ShapeError, match=r"shape \(3,\), expected \(P, P\)"):
        lanczos([1.0, 2.0, 3.0], 1)
    with pytest.raises(ShapeError, match="the rows differ in length"):
        lanczos([[1.0], [2.0, 3.0]], 1)
    with pytest.raises(DtypeError, match="the operator is of complex128, expected real numbers"):
        power_iteration(A * 1j)
    with pytest.raises(DtypeError, match="expected real numbers"):
        lanczos(np.full((2, 2), "a"), 1)
    with pytest.raises(DtypeError, match="lanczos: a product: dtype is complex128"):
        lanczos(ComplexProducts(), 1, rng=0)
    with pytest.raises(ArgumentError, match="at most 3"):
        lanczos(A, 4)
    with pytest.raises(ArgumentError, match="k is 0"):
        lanczos(A, 0)
    with pytest.raises(ShapeError, match=r"start has shape \(2,\)"):
        lanczos(A, 1, start=[1.0, 0.0])
    with pytest.raises(ArgumentError, match="start has length 0"):
        power_iteration(A, start=np.zeros(3))
    with pytest.raises(ArgumentError, match="tolerance is 0"):
        power_iteration(A, tolerance=0)
    with pytest.raises(NonFiniteError, match="a product holds nan"):
        lanczos(A * np.nan, 1, rng=0)
