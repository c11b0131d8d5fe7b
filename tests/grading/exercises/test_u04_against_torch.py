"""References and hand examples of unit 04 agree with PyTorch and with SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch

from grading.exercises import exercise, exercises_of_unit


def _drawn(name: str, criterion: int, rng: np.random.Generator) -> dict[str, Any]:
    """Draw the inputs of one random case."""
    each = exercise(name)
    return dict((each.criteria[criterion].draw or each.cases)(rng).inputs)


def _hand(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    hand = exercise(name).criteria[0].hand
    return dict(hand.inputs), dict(hand.expected)


def _tensors(case: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(torch.tensor(case[name], dtype=torch.float64) for name in names)


def _hessian_product(case: dict[str, Any]) -> tuple[Any, Any]:
    """Return PyTorch's product of the Hessian with V1, V2."""
    X, t, W1, W2, V1, V2 = _tensors(case, "X", "targets", "W1", "W2", "V1", "V2")

    def loss(W1: Any, W2: Any) -> Any:
        return torch.mean((torch.tanh(X @ W1) @ W2 - t) ** 2)

    _, (HV1, HV2) = torch.autograd.functional.hvp(loss, (W1, W2), (V1, V2))
    return HV1.numpy(), HV2.numpy()


def test_hessian_vector_product_agrees_with_torch(rng: np.random.Generator) -> None:
    case = _drawn("hessian_vector_product", 0, rng)

    results = exercise("hessian_vector_product").reference(**case)

    for got, wanted in zip(results, _hessian_product(case), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)  # sums reorder


def test_hand_example_of_the_product_agrees_with_torch() -> None:
    case, expected = _hand("hessian_vector_product")

    HV1, HV2 = _hessian_product(case)

    np.testing.assert_allclose(expected["HV1"], HV1, rtol=1e-12)
    np.testing.assert_allclose(expected["HV2"], HV2, rtol=1e-12)


@pytest.mark.parametrize("by_hand", [False, True])
def test_gauss_newton_product_agrees_with_jacobians_of_torch(
    by_hand: bool, rng: np.random.Generator
) -> None:
    case = _drawn("gauss_newton_product", 0, rng)
    if by_hand:
        case, expected = _hand("gauss_newton_product")
    X, W1, W2, V1, V2 = _tensors(case, "X", "W1", "W2", "V1", "V2")

    def logits(W1: Any, W2: Any) -> Any:
        return torch.tanh(X @ W1) @ W2

    z, z_dot = torch.autograd.functional.jvp(logits, (W1, W2), (V1, V2))
    p = torch.softmax(z, dim=1)
    S = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    dz = torch.einsum("nkl,nl->nk", S, z_dot) / len(X)
    _, wanted = torch.autograd.functional.vjp(logits, (W1, W2), dz)

    got = exercise("gauss_newton_product").reference(**case)

    for name, array, tensor in zip(("GV1", "GV2"), got, wanted, strict=True):
        np.testing.assert_allclose(array, tensor, rtol=1e-10, atol=1e-13)
        if by_hand:
            np.testing.assert_allclose(expected[name], tensor, rtol=1e-12)


@pytest.mark.parametrize("by_hand", [False, True])
def test_softmax_hessian_agrees_with_torch(by_hand: bool, rng: np.random.Generator) -> None:
    case = _hand("softmax_hessian")[0] if by_hand else _drawn("softmax_hessian", 0, rng)
    X, W = _tensors(case, "X", "W")
    targets = torch.tensor(rng.integers(W.shape[1], size=len(X)))

    def loss(flat: Any) -> Any:
        return torch.nn.functional.cross_entropy(X @ flat.reshape(W.shape), targets)

    wanted = torch.autograd.functional.hessian(loss, W.ravel()).numpy()

    got = exercise("softmax_hessian").reference(**case)

    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)  # p (1 − p) cancels
    if by_hand:
        np.testing.assert_allclose(_hand("softmax_hessian")[1]["H"], wanted, rtol=1e-12)


def test_true_fisher_is_the_diagonal_of_the_hessian(rng: np.random.Generator) -> None:
    """For softmax regression Hessian, Gauss-Newton and true Fisher are one matrix."""
    case = _drawn("fisher_diagonal", 0, rng)
    H = exercise("softmax_hessian").reference(case["X"], case["W"])

    true, _ = exercise("fisher_diagonal").reference(**case)

    np.testing.assert_allclose(true.ravel(), np.diag(H), rtol=1e-10)


def test_empirical_fisher_squares_the_gradients_of_torch(rng: np.random.Generator) -> None:
    case = _drawn("fisher_diagonal", 0, rng)
    squares = []
    for x, target in zip(case["X"], case["targets"], strict=True):
        W = torch.tensor(case["W"], requires_grad=True)
        z = torch.tensor(x)[None] @ W
        torch.nn.functional.cross_entropy(z, torch.tensor([int(target)])).backward()
        squares.append(W.grad.numpy() ** 2)  # type: ignore[union-attr]  # backward has filled it

    _, empirical = exercise("fisher_diagonal").reference(**case)

    np.testing.assert_allclose(empirical, np.mean(squares, axis=0), rtol=1e-9)


@pytest.mark.parametrize("criterion", [0, 1, 2])
def test_power_iteration_finds_the_eigenvalue_of_largest_size(
    criterion: int, rng: np.random.Generator
) -> None:
    case = _drawn("power_iteration", criterion, rng)
    values, vectors = scipy.linalg.eigh(case["product"].parameters["A"])
    top = int(np.abs(values).argmax())

    eigenvalue, v = exercise("power_iteration").reference(
        case["product"].build(), case["start"], case["n_steps"]
    )

    assert eigenvalue == pytest.approx(values[top], rel=1e-10)
    assert abs(v @ vectors[:, top]) == pytest.approx(1, abs=1e-10)


def test_gradient_descent_keeps_to_the_largest_stable_rate(rng: np.random.Generator) -> None:
    H = _drawn("largest_stable_rate", 0, rng)["H"]
    rate = exercise("largest_stable_rate").reference(H)

    lengths = []
    for factor in (0.98, 1.02):
        theta = rng.normal(size=len(H))
        for _ in range(1000):
            theta = theta - factor * rate * H @ theta
        lengths.append(float(np.linalg.norm(theta)))

    assert lengths[0] < 1e-3  # each direction by 0.96 or less a step, the flattest by 0.89 at most
    assert lengths[1] > 1e6  # the steepest direction by 1.04 a step: 1e17


def test_damped_newton_step_goes_down_at_every_saddle(rng: np.random.Generator) -> None:
    for _ in range(20):
        case = _drawn("damped_newton_step", 1, rng)

        step = exercise("damped_newton_step").reference(**case) - case["theta"]

        H, (_, absolute) = case["H"], scipy.linalg.polar(case["H"])  # |H|, the root of HᵀH
        solved = scipy.linalg.solve(absolute + case["damping"] * np.eye(len(H)), -case["gradient"])
        np.testing.assert_allclose(step, solved, rtol=1e-9, atol=1e-11)
        assert step @ case["gradient"] < 0


def test_lanczos_of_all_steps_has_the_eigenvalues_of_the_matrix(rng: np.random.Generator) -> None:
    case = _drawn("lanczos", 1, rng)
    A = case["product"].parameters["A"]

    alphas, betas = exercise("lanczos").reference(case["product"].build(), case["start"], case["k"])

    found = scipy.linalg.eigvalsh_tridiagonal(alphas, betas)
    np.testing.assert_allclose(found, scipy.linalg.eigvalsh(A), atol=1e-9 * np.abs(A).max())


def test_diagonal_of_all_sign_patterns_is_exact(rng: np.random.Generator) -> None:
    """Over all signs the other entries cancel, whatever the matrix."""
    half = rng.normal(size=(4, 4))
    A = half + half.T
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 4)).reshape(4, 16).T

    diagonal, error = exercise("hessian_diagonal").reference(lambda z: A @ z, signs)

    np.testing.assert_allclose(diagonal, np.diag(A), atol=1e-13)
    off = (A**2).sum(axis=1) - np.diag(A) ** 2  # the variance of one term
    np.testing.assert_allclose(error, np.sqrt(off / 15), rtol=1e-12)  # 16 terms, ddof=1


@pytest.mark.parametrize("each", exercises_of_unit("04"), ids=lambda each: each.id)
def test_hand_values_are_those_of_the_reference(each: Any) -> None:
    for criterion in each.criteria:
        inputs = {
            name: value.build() if hasattr(value, "build") else value
            for name, value in criterion.hand.inputs.items()
        }
        results = each.reference(**inputs)
        results = results if isinstance(results, tuple) else (results,)

        for name, got in zip(each.probe.returns, results, strict=True):
            if name in criterion.hand.expected and isinstance(got, str):
                assert got == criterion.hand.expected[name]
            elif name in criterion.hand.expected:
                np.testing.assert_allclose(
                    got, criterion.hand.expected[name], rtol=1e-9, atol=1e-12
                )
