"""Random estimates lie within five of their own standard errors of the truth."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib.curvature import Hessian, estimate_diagonal, trace
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError, ShapeError
from tests.nnlib.curvature.cases import CASES, symmetric


@pytest.mark.parametrize("method", ["hutchinson", "hutch++"])
def test_trace_of_a_hessian_is_within_five_standard_errors(method, rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    H = Hessian(model, X, y, case.loss)

    found = trace(H, method=method, n_probes=90, rng=rng)

    assert found.standard_error > 0
    assert abs(found.value - np.trace(H.dense())) < 5 * found.standard_error


def test_standard_error_is_that_of_the_theory(rng):
    """The variance of one probe is 2 Σ_{i≠j} A_ij²."""
    A = symmetric(rng.normal(size=30), rng)
    off = A - np.diag(np.diag(A))

    found = trace(A, n_probes=4000, rng=rng)

    expected = np.sqrt(2 * np.sum(off**2) / 4000)
    assert found.standard_error == pytest.approx(expected, rel=0.1)  # 4000 samples: about 2 %


def test_hutch_plus_plus_is_better_where_few_eigenvalues_dominate(rng):
    A = symmetric(np.concatenate([[100.0, 90.0, 80.0], 0.01 * rng.random(97)]), rng)

    plain, better = (trace(A, method=m, n_probes=30, rng=rng) for m in ("hutchinson", "hutch++"))

    assert better.standard_error < 1e-3 * plain.standard_error
    assert abs(better.value - np.trace(A)) <= 5 * better.standard_error


def test_hutch_plus_plus_is_exact_where_the_sketch_spans_everything(rng):
    A = symmetric(rng.normal(size=4), rng)

    found = trace(A, method="hutch++", n_probes=30, rng=rng)

    assert found.value == pytest.approx(np.trace(A), abs=1e-12)
    assert found.standard_error < 1e-12


def test_diagonal_is_within_five_standard_errors(rng):
    A = symmetric(rng.normal(size=20), rng)

    found = estimate_diagonal(A, n_probes=300, rng=rng)

    assert found.value.shape == found.standard_error.shape == (20,)
    assert (np.abs(found.value - np.diag(A)) < 5 * found.standard_error).all()


def test_hutch_plus_plus_takes_as_many_products_as_it_is_given(rng):
    A, products = symmetric(rng.normal(size=40), rng), []

    class Counting:
        shape = A.shape

        def __matmul__(self, v):
            products.append(v.shape[1])
            return A @ v

    trace(Counting(), method="hutch++", n_probes=31, rng=rng)

    assert products == [10, 10, 11]


def test_error_of_a_diagonal_from_two_probes_is_that_of_two_samples():
    """For [[0, 1], [1, 0]] a probe gives ±1: of +1 and −1 the variance is 2, of the mean 1."""
    A = np.array([[0.0, 1.0], [1.0, 0.0]])

    found = [estimate_diagonal(A, n_probes=2, rng=seed) for seed in range(20)]

    errors = {float(each.value[0]): each.standard_error.tolist() for each in found}
    assert errors == {1.0: [0.0, 0.0], 0.0: [1.0, 1.0], -1.0: [0.0, 0.0]}


def test_a_matrix_may_be_written_as_lists():
    assert trace([[1, 0], [0, 1]], n_probes=2, rng=0).value == pytest.approx(2.0)
    assert estimate_diagonal([[1, 0], [0, 3]], n_probes=2, rng=0).value.tolist() == [1.0, 3.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_products_that_are_not_finite_are_refused(bad):
    A = np.full((8, 8), bad)
    A[1:] = 1.0
    with np.errstate(invalid="ignore"):
        with pytest.raises(NonFiniteError, match="trace: a product holds nan"):
            trace(A, n_probes=4, rng=0)
        with pytest.raises(NonFiniteError, match="trace: a product holds nan"):
            trace(A, method="hutch++", n_probes=8, rng=0)
        with pytest.raises(NonFiniteError, match="estimate_diagonal: a product holds nan"):
            estimate_diagonal(A, n_probes=4, rng=0)


def test_the_same_seed_gives_the_same_estimate(rng):
    A = symmetric(rng.normal(size=20), rng)

    assert trace(A, rng=3).value == trace(A, rng=np.random.default_rng(3)).value
    assert trace(A, rng=3).value != trace(A, rng=4).value


def test_bad_input_is_named():
    with pytest.raises(ArgumentError, match="'hutchinson' or 'hutch"):
        trace(np.eye(3), method="exact")
    with pytest.raises(DtypeError, match="expected real numbers"):
        trace(1j * np.eye(3))
    with pytest.raises(ArgumentError, match="n_probes is 1"):
        trace(np.eye(3), n_probes=1)
    with pytest.raises(ArgumentError, match="at least 6"):
        trace(np.eye(3), method="hutch++", n_probes=5)
    with pytest.raises(ShapeError, match=r"expected \(P, P\)"):
        estimate_diagonal(np.ones((3, 2)))
