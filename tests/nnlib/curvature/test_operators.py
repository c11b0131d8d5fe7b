"""What every curvature operator does: it is the matrix of torch.func, and leaves the model."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, eigsh

from nnlib.curvature import Fisher, GaussNewton, Hessian, hessian_vector_product
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers import Linear, Sequential, Tanh
from nnlib.losses import MSE, BinaryCrossEntropy, CrossEntropy, Hinge
from nnlib.regularizers import L1, L2
from tests.nnlib.curvature.cases import (
    CASES,
    Case,
    linear,
    outputs,
    torch_gauss_newton,
    torch_hessian,
    torch_loss,
    torch_row_gradients,
    torch_true_fisher,
)

SAME = {"rtol": 1e-9, "atol": 1e-12}  # both sides in float64, whose rounding is near 1e-15


def empirical(*args, **kwargs) -> Fisher:
    return Fisher(*args, kind="empirical", **kwargs)


def outer_products(case, model, X, y):
    """Take g_n as the gradient of the sum over the outputs: of a mean the factor is one of them."""
    G = torch_row_gradients(case, model, X, y)
    n_terms = 1 if isinstance(case.loss, CrossEntropy) else case.n_outputs
    return n_terms * G.T @ G / len(G)


KINDS = {
    "hessian": (Hessian, torch_hessian),
    "gauss_newton": (GaussNewton, torch_gauss_newton),
    "true_fisher": (Fisher, lambda case, model, X, y: torch_true_fisher(case, model, X)),
    "empirical_fisher": (empirical, outer_products),
}

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
@every_case
def test_the_matrix_is_that_of_torch(case: Case, kind: str, rng):
    model, (X, y) = case.build(rng), case.data(rng)
    build, reference = KINDS[kind]

    dense = build(model, X, y, case.loss).dense()

    np.testing.assert_allclose(dense, reference(case, model, X, y), **SAME)


@every_kind
@every_case
def test_products_and_diagonal_are_those_of_the_matrix(case: Case, kind: str, rng):
    model, (X, y) = case.build(rng), case.data(rng)
    A = KINDS[kind][0](model, X, y, case.loss)
    dense, v = A.dense(), rng.normal(size=model.theta.size)
    V = rng.normal(size=(37, v.size))  # more than run through the model at once

    assert isinstance(A, LinearOperator)
    np.testing.assert_allclose(A @ v, dense @ v, **SAME)
    np.testing.assert_allclose(A.T @ v, dense @ v, **SAME)
    np.testing.assert_allclose(A @ V.T, dense @ V.T, **SAME)
    np.testing.assert_allclose(A.products(V), V @ dense, **SAME)
    np.testing.assert_allclose(A.diagonal(), np.diag(dense), **SAME)


@every_kind
@every_case
def test_it_is_symmetric_and_all_but_the_hessian_have_no_negative_eigenvalue(case, kind, rng):
    model, (X, y) = case.build(rng), case.data(rng)
    A = KINDS[kind][0](model, X, y, case.loss)
    u, v = rng.normal(size=(2, model.theta.size))

    np.testing.assert_allclose(u @ (A @ v), v @ (A @ u), rtol=1e-9)
    if kind != "hessian":
        values = np.linalg.eigvalsh(A.dense())
        assert values[0] > -1e-13 * values[-1]  # rounding of zeros


@every_kind
def test_the_model_stays_as_it_was(kind: str, rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    dy = rng.normal(size=model.forward(X).shape)
    expected = model.backward(dy)
    model.forward(X)
    theta, grad = model.theta.copy(), model.grad.copy()

    A = KINDS[kind][0](model, X + 1.0, y, case.loss)
    A.dense(), A.diagonal(), A @ theta

    np.testing.assert_array_equal(model.theta, theta)
    np.testing.assert_array_equal(model.grad, grad)
    assert model.training
    np.testing.assert_array_equal(model.backward(dy), expected)  # of the forward before A


@every_kind
def test_training_on_does_not_change_an_operator(kind: str, rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    A = KINDS[kind][0](model, X, y, case.loss)
    before = A.dense()

    model.theta = 0.0
    model.forward(X)

    np.testing.assert_array_equal(A.dense(), before)


@every_case
@pytest.mark.parametrize("kind", [Hessian, GaussNewton])
def test_blocks_and_the_r_operator_agree(case: Case, kind: type, rng):
    model, (X, y) = case.build(rng), case.data(rng)
    A = kind(model, X, y, case.loss)

    np.testing.assert_allclose(A.dense("blocks"), A.dense("r_operator"), **SAME)


@every_case
@pytest.mark.parametrize("kind", [Hessian, GaussNewton])
def test_rows_in_slices_give_the_same(case: Case, kind: type, rng, monkeypatch):
    """More rows than suit the cache take turns, in products and in blocks."""
    model, (X, y) = case.build(rng), case.data(rng)
    whole = kind(model, X, y, case.loss)
    dense = whole.dense()
    monkeypatch.setattr("nnlib.curvature._blocks.BLOCK_NUMBERS", 2 * 36)
    monkeypatch.setattr(Linear, "slice_rows", 3)

    sliced = kind(model, X, y, case.loss)

    v = rng.normal(size=(2, model.theta.size))
    np.testing.assert_allclose(sliced.dense(), dense, **SAME)
    np.testing.assert_allclose(sliced.diagonal(), np.diag(dense), **SAME)
    np.testing.assert_allclose(sliced.products(v), v @ dense, **SAME)
    np.testing.assert_allclose(sliced @ v[0], dense @ v[0], **SAME)
    assert sliced.value == pytest.approx(whole.value, rel=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), st.integers(1, 6), st.integers(0, 9))
def test_any_depth_and_width_gives_the_matrix_of_torch(sizes, n, seed):
    generator = np.random.default_rng(seed)
    case = Case(
        "drawn",
        lambda: [layer for a, b in pairwise(sizes) for layer in (linear(a, b), Tanh())],
        (n, sizes[0]),
        MSE(),
        sizes[-1],
    )
    model, (X, y) = case.build(generator), case.data(generator)

    H = Hessian(model, X, y, case.loss)

    expected = torch_hessian(case, model, X, y)
    np.testing.assert_allclose(H.dense(), expected, **SAME)
    np.testing.assert_allclose(H.products(np.eye(len(expected))), expected, **SAME)


def test_a_wrong_matrix_is_noticed(rng):
    """The comparison with torch would be worth nothing if Gauss-Newton passed as Hessian."""
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)

    H, G = torch_hessian(case, model, X, y), GaussNewton(model, X, y, case.loss).dense()

    assert np.abs(H - G).max() > 1e-2 * np.abs(H).max()


def test_value_is_the_loss(rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)

    assert Hessian(model, X, y, case.loss).value == pytest.approx(
        case.loss.forward(model.forward(X), y), rel=1e-12
    )


def test_gauss_newton_is_the_true_fisher_for_softmax_and_not_the_empirical_one(rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)

    G, F, E = (build(model, X, y, case.loss).dense() for build in (GaussNewton, Fisher, empirical))

    np.testing.assert_allclose(F, G, **SAME)
    assert np.abs(E - F).max() > 0.1 * np.abs(F).max()


@every_kind
def test_a_penalty_adds_twice_its_strength_on_weights_only(kind: str, rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    build = KINDS[kind][0]
    plain = build(model, X, y, case.loss).dense()
    expected = plain + np.diag(2 * 0.3 * model.decay_mask)

    A = build(model, X, y, case.loss, penalty=L2(0.3))

    v = rng.normal(size=(3, model.theta.size))
    np.testing.assert_allclose(A.dense(), expected, **SAME)
    np.testing.assert_allclose(A.diagonal(), np.diag(expected), **SAME)
    np.testing.assert_allclose(A @ v[0], expected @ v[0], **SAME)
    np.testing.assert_allclose(A.products(v), v @ expected, **SAME)
    lasso = build(model, X, y, case.loss, penalty=L1(0.3))
    np.testing.assert_allclose(lasso.dense(), plain, **SAME)


@every_kind
def test_float32_stays_float32_and_agrees(kind: str, rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    build = KINDS[kind][0]
    expected = build(model, X, y, case.loss).dense()

    A = build(model.astype(np.float32), X, y, case.loss)

    v = np.ones(len(expected))
    assert {A.dtype, A.dense().dtype, A.diagonal().dtype, (A @ v).dtype} == {np.dtype("float32")}
    error = np.linalg.norm(A.dense() - expected) / np.linalg.norm(expected)
    assert error < 1e-5  # float32 rounds at 6e-8, summed over a few dozen terms


def test_hessian_vector_product_takes_one_direction_or_several(rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    H = torch_hessian(case, model, X, y)
    V = rng.normal(size=(3, len(H)))

    one = hessian_vector_product(model, X, y, case.loss, V[0])
    many = hessian_vector_product(model, X, y, case.loss, V, penalty=L2(0.5))

    np.testing.assert_allclose(one, H @ V[0], **SAME)
    np.testing.assert_allclose(many, V @ H + V * model.decay_mask, **SAME)


def test_hessian_vector_product_is_that_of_torch_autograd(rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    v = rng.normal(size=model.theta.size)
    _, expected = torch.autograd.functional.hvp(
        lambda t: torch_loss(case.loss, outputs(model, t, torch.tensor(X)), torch.tensor(y)),
        torch.tensor(model.theta),
        torch.tensor(v),
    )

    Hv = hessian_vector_product(model, X, y, case.loss, v)

    np.testing.assert_allclose(Hv, expected.numpy(), **SAME)


def test_spectrum_is_that_of_the_matrix_whole_and_at_the_ends(rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    H = Hessian(model, X, y, case.loss)
    expected = np.linalg.eigvalsh(H.dense())[::-1]

    whole, top = H.spectrum(), H.spectrum(3, rng=rng)
    ends = H.spectrum(2, which="both", rng=rng)

    np.testing.assert_allclose(whole.eigenvalues, expected, atol=1e-12)
    np.testing.assert_allclose(H @ whole.eigenvectors, whole.eigenvectors * expected, atol=1e-12)
    # A Ritz value is off by the square of the residual, which is at most 1e-6.
    np.testing.assert_allclose(top.eigenvalues, expected[:3], rtol=1e-9)
    np.testing.assert_allclose(ends.eigenvalues, expected[[0, 1, -2, -1]], rtol=1e-8)
    found = eigsh(H, k=1, which="LA", return_eigenvectors=False)
    np.testing.assert_allclose(found, expected[:1], rtol=1e-9)


@every_kind
def test_repr_names_size_and_type(kind: str, rng):
    case = CASES[0]
    model, (X, y) = case.build(rng), case.data(rng)

    text = repr(KINDS[kind][0](model, X, y, case.loss))

    assert "P=15" in text
    assert "float64" in text


BAD = {
    "class_for_model": (lambda m, X, y: (Sequential, X, y, MSE()), DtypeError, "expected a model"),
    "class_for_loss": (lambda m, X, y: (m, X, y, MSE), DtypeError, "expected a Loss"),
    "no_parameters": (lambda m, X, y: (Tanh(), X, y, MSE()), ShapeError, "at least one param"),
    "too_few_targets": (lambda m, X, y: (m, X, y[:-1], CrossEntropy()), ShapeError, "same number"),
    "no_rows": (lambda m, X, y: (m, X[:0], y[:0], CrossEntropy()), ShapeError, "at least one"),
    "one_row_without_axis": (lambda m, X, y: (m, X[0], y, CrossEntropy()), ShapeError, "N, ..."),
    "other_features": (
        lambda m, X, y: (m, X[:, :3], y, CrossEntropy()),
        ShapeError,
        r"expected \(N, 5\)",
    ),
    "other_targets": (lambda m, X, y: (m, X, y, BinaryCrossEntropy()), ShapeError, "targets have"),
}


@every_kind
@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_named(bad: str, kind: str, rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    arguments, error, message = BAD[bad]

    with pytest.raises(error, match=message):
        KINDS[kind][0](*arguments(model, X, y))


def test_bad_directions_methods_and_penalties_are_named(rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    H = Hessian(model, X, y, case.loss)

    with pytest.raises(ShapeError, match="one entry for each parameter"):
        H.products(np.ones(5))
    with pytest.raises(ShapeError, match="one entry for each parameter"):
        H.products(np.ones((1, 1, H.shape[0])))
    with pytest.raises(ArgumentError, match="'auto', 'blocks' or"):
        H.dense("dense")
    with pytest.raises(DtypeError, match=r"such as L2\(1e-3\)\. Create it with parentheses"):
        Hessian(model, X, y, case.loss, penalty=L2)
    with pytest.raises(
        ArgumentError, match=r"Hessian\.spectrum: which is 'top', expected 'largest'"
    ):
        H.spectrum(which="top")
    with pytest.raises(ArgumentError, match="'true' or 'empirical'"):
        Fisher(model, X, y, case.loss, kind="exact")
    with pytest.raises(ArgumentError, match="expected a likelihood"):
        Fisher(model, X, np.sign(rng.normal(size=(7, 3))), Hinge())


def test_parameters_that_are_not_finite_are_refused(rng):
    case = CASES[1]
    model, (X, y) = case.build(rng), case.data(rng)
    model.theta[3] = np.nan

    with pytest.raises(ArgumentError, match="nan or infinity"):
        Hessian(model, X, y, case.loss)
