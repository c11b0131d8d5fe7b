from __future__ import annotations

import numpy as np
import pytest
import torch

from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers import Layer, Linear, Sequential, Tanh
from nnlib.losses import MSE, CrossEntropy
from nnlib.optimizers import LBFGS, SGD, FunctionObjective, ModelObjective, Newton, minimize
from nnlib.regularizers import L1, L2

SAME = 1e-9  # relative; float64 on both sides


class Cubed(Layer):
    """y = x³, a layer without an R-operator."""

    def forward(self, x):
        x = self._input(x)
        self._kept = {"x": self._keep(x), "output": (x.shape, x.dtype)}
        return x**3

    def backward(self, dy, *, need_dx=True, accumulate=False):
        return self._upstream(dy) * 3 * self._kept["x"] ** 2


class Noisy(Layer):
    """y = x times a random mask, which frozen() holds still, as dropout does."""

    def __init__(self):
        super().__init__()
        self._generators["rng"] = np.random.default_rng(0)
        self._last_mask = None

    def forward(self, x):
        x = self._input(x)
        still = self._frozen and self._last_mask is not None and self._last_mask.shape == x.shape
        if not still:
            self._last_mask = self._generators["rng"].random(x.shape).astype(x.dtype)
        self._kept = {"output": (x.shape, x.dtype)}
        return x * self._last_mask

    def backward(self, dy, *, need_dx=True, accumulate=False):
        return self._upstream(dy) * self._last_mask


def network(dtype=np.float64) -> Sequential:
    return Sequential(Linear(3, 4, rng=1, dtype=dtype), Tanh(), Linear(4, 3, rng=2, dtype=dtype))


@pytest.fixture
def data(rng):
    return rng.normal(size=(10, 3)), rng.integers(0, 3, 10)


def torch_loss(theta: torch.Tensor, X: np.ndarray, y: np.ndarray) -> torch.Tensor:
    W1, b1, W2, b2 = (
        theta[:12].reshape(3, 4), theta[12:16], theta[16:28].reshape(4, 3), theta[28:],
    )  # fmt: skip
    z = torch.tanh(torch.tensor(X) @ W1 + b1) @ W2 + b2
    return torch.nn.functional.cross_entropy(z, torch.tensor(y))


def torch_hessian(theta: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    return torch.autograd.functional.hessian(
        lambda t: torch_loss(t, X, y), torch.tensor(theta)
    ).numpy()


def torch_gauss_newton(theta: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Jᵀ H_out J, with J by torch and the closed form of H_out."""

    def logits(t):
        return (
            torch.tanh(torch.tensor(X) @ t[:12].reshape(3, 4) + t[12:16]) @ t[16:28].reshape(4, 3)
            + t[28:]
        )

    t = torch.tensor(theta)
    J, p = torch.autograd.functional.jacobian(logits, t), torch.softmax(logits(t), dim=1)
    H_out = (torch.diag_embed(p) - p[:, :, None] * p[:, None, :]) / len(X)
    return torch.einsum("nka,nkl,nlb->ab", J, H_out, J).numpy()


def test_value_gradient_and_products_equal_those_of_torch(data, rng):
    X, y = data
    model = network()
    objective = ModelObjective(model, CrossEntropy(), X, y)
    theta = torch.tensor(model.theta, requires_grad=True)
    expected = torch_loss(theta, X, y)
    expected.backward()
    H, G = torch_hessian(model.theta, X, y), torch_gauss_newton(model.theta, X, y)

    value, grad = objective.value_and_gradient()

    assert value == pytest.approx(expected.item(), rel=SAME)
    np.testing.assert_allclose(grad, theta.grad.numpy(), rtol=SAME, atol=1e-13)
    # In every order: what one product leaves in the layers must not disturb the next one.
    for kind in "HHGGHGH":
        v = rng.normal(size=model.theta.shape)
        if kind == "H":
            np.testing.assert_allclose(objective.hessian_product(v), H @ v, rtol=SAME, atol=1e-12)
        else:
            np.testing.assert_allclose(
                objective.gauss_newton_product(v), G @ v, rtol=SAME, atol=1e-12
            )
    assert objective.exact_products
    assert objective.n_products == 7


def test_what_others_do_with_the_model_does_not_reach_the_products(data, rng):
    """Between two products somebody may predict, train, move theta or run the layers."""
    X, y = data
    model = network()
    objective = ModelObjective(model, CrossEntropy(), X, y)
    v = rng.normal(size=model.theta.shape)
    H = torch_hessian(model.theta, X, y)
    loss = objective.loss

    def between_products():
        yield model.predict(X[:2])
        yield model.forward(X[::-1])
        yield model.loss_and_gradient(X + 1, y, CrossEntropy())
        yield model.backward(rng.normal(size=(10, 3)))
        yield objective.value_and_gradient()
        yield loss.forward(model.forward(X + 1), y)

    objective.hessian_product(v)
    for _ in between_products():
        np.testing.assert_allclose(objective.hessian_product(v), H @ v, rtol=SAME, atol=1e-12)
    model.theta = 2.0 * model.theta
    H = torch_hessian(model.theta, X, y)
    np.testing.assert_allclose(objective.hessian_product(v), H @ v, rtol=SAME, atol=1e-12)


def test_a_penalty_joins_value_gradient_and_products(data, rng):
    X, y = data
    model = network()
    plain = ModelObjective(model, CrossEntropy(), X, y)
    penalized = ModelObjective(model, CrossEntropy(), X, y, penalty=L2(0.3))
    v = rng.normal(size=model.theta.shape)
    w = model.theta * model.decay_mask

    (value, grad), (more, more_grad) = plain.value_and_gradient(), penalized.value_and_gradient()

    assert more == pytest.approx(value + 0.3 * (w @ w), rel=1e-12)
    np.testing.assert_allclose(more_grad, grad + 0.6 * w, rtol=1e-12, atol=1e-14)
    for product in ("hessian_product", "gauss_newton_product"):
        expected = getattr(plain, product)(v) + 0.6 * model.decay_mask * v
        np.testing.assert_allclose(getattr(penalized, product)(v), expected, rtol=1e-12, atol=1e-14)


def test_the_kink_of_l1_has_no_curvature(data, rng):
    X, y = data
    model = network()
    v = rng.normal(size=model.theta.shape)

    with_kink = ModelObjective(model, CrossEntropy(), X, y, penalty=L1(0.3)).hessian_product(v)

    expected = ModelObjective(model, CrossEntropy(), X, y).hessian_product(v)
    np.testing.assert_array_equal(with_kink, expected)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-6), (np.float32, 3e-2)])
def test_a_layer_without_r_operator_is_differenced(dtype, tolerance, rng):
    """Errors are near ε^(2/3), 4e-11 and 2e-5, times third derivatives."""
    X, y = rng.normal(size=(10, 3)).astype(dtype), rng.normal(size=(10, 2)).astype(dtype)
    model = Sequential(Linear(3, 2, rng=1, dtype=dtype), Cubed())
    objective = ModelObjective(model, MSE(), X, y, penalty=L2(0.01))
    v = rng.normal(size=model.theta.shape).astype(dtype)
    before = model.theta.copy()

    def loss(t):
        z = (torch.tensor(X).double() @ t[:6].reshape(3, 2) + t[6:]) ** 3
        return ((z - torch.tensor(y)) ** 2).mean() + 0.01 * (t[:6] ** 2).sum()

    H = torch.autograd.functional.hessian(loss, torch.tensor(model.theta).double()).numpy()

    Hv = objective.hessian_product(v)

    np.testing.assert_allclose(Hv, H @ v, atol=tolerance * np.abs(H @ v).max())
    assert not objective.exact_products
    np.testing.assert_array_equal(model.theta, before)
    np.testing.assert_array_equal(objective.hessian_product(np.zeros_like(v)), 0.0)


def test_random_masks_stand_still_so_one_function_is_asked(rng):
    X, y = rng.normal(size=(3000, 3)), rng.normal(size=(3000, 2))  # more rows than a slice
    model = Sequential(Linear(3, 2, rng=1, dtype=np.float64), Noisy())
    objective = ModelObjective(model, MSE(), X, y)
    theta = model.theta.copy()
    value, grad = objective.value_and_gradient()
    mask = model.layers[1]._last_mask.copy()

    model.theta = theta + 1.0
    objective.value_and_gradient()
    model.theta = theta
    again, again_grad = objective.value_and_gradient()

    assert again == value
    np.testing.assert_array_equal(again_grad, grad)
    np.testing.assert_array_equal(model.layers[1]._last_mask, mask)
    assert not model.layers[1]._frozen


def test_pruned_parameters_have_no_part(data, rng):
    X, y = data
    model = network()
    model.mask = rng.random(model.theta.size) < 0.6
    objective = ModelObjective(model, CrossEntropy(), X, y)
    v = rng.normal(size=model.theta.shape)
    H, G = torch_hessian(model.theta, X, y), torch_gauss_newton(model.theta, X, y)
    M = np.diag(model.mask.astype(float))

    np.testing.assert_allclose(objective.hessian_product(v), M @ H @ M @ v, rtol=SAME, atol=1e-12)
    np.testing.assert_allclose(
        objective.gauss_newton_product(v), M @ G @ M @ v, rtol=SAME, atol=1e-12
    )
    assert not objective.value_and_gradient()[1][~model.mask].any()


def test_a_second_question_at_the_same_place_costs_nothing(data):
    X, y = data
    model = network()
    objective = ModelObjective(model, CrossEntropy(), X, y)
    _, grad = objective.value_and_gradient()
    grad[:] = 7.0  # the answer belongs to the caller

    assert objective.value_and_gradient()[1].max() < 7.0
    assert objective.n_evaluations == 1
    model.theta[0] += 1.0
    objective.value_and_gradient()
    assert objective.n_evaluations == 2


def test_products_leave_the_gradient_of_the_model(data, rng):
    X, y = data
    model = network()
    objective = ModelObjective(model, CrossEntropy(), X, y)
    grad = objective.value_and_gradient()[1]

    objective.gauss_newton_product(rng.normal(size=model.theta.shape))
    np.testing.assert_array_equal(model.grad, grad)


def test_a_model_objective_takes_the_place_of_its_model(data):
    X, y = data
    objective = ModelObjective(network(), CrossEntropy(), X, y)
    start = objective.value_and_gradient()[0]

    found = minimize(objective, SGD(objective, lr=0.1), max_steps=20)

    assert found.value < start
    assert found.n_evaluations == 20  # the first one is known
    assert found.stop_reason == "max_steps reached"
    assert not found.converged


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"model": Linear(3, 3)}, DtypeError, "expected a Sequential"),
        ({"loss": CrossEntropy}, DtypeError, "Create it with parentheses"),
        ({"y": [0, 1]}, ShapeError, "expected the same number of rows"),
        ({"X": np.zeros((0, 3)), "y": []}, ShapeError, "at least one"),
        ({"X": 1.0}, ShapeError, r"X has shape \(\)"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, error, match, data):
    parts = {"model": network(), "loss": CrossEntropy(), "X": data[0], "y": data[1]} | changes
    with pytest.raises(error, match=match):
        ModelObjective(*parts.values())


def test_directions_of_another_length_are_refused(data):
    objective = ModelObjective(network(), CrossEntropy(), *data)

    for product in (objective.hessian_product, objective.gauss_newton_product):
        with pytest.raises(ShapeError, match=r"v has shape \(3,\), expected \(31,\) like theta"):
            product(np.ones(3))


def cube(x):
    return float((x**3).sum()), 3 * x**2


def test_a_function_without_products_is_differenced(rng):
    objective = FunctionObjective(cube, [1.0, 2.0, -3.0])
    v = rng.normal(size=3)

    np.testing.assert_allclose(
        objective.hessian_product(v), 6 * objective.theta * v, rtol=1e-6
    )  # a third derivative of 6, h² ≈ 4e-11
    with pytest.raises(ArgumentError, match=r"FunctionObjective\.least_squares"):
        objective.gauss_newton_product(v)


def test_a_function_keeps_what_the_mask_prunes_at_zero():
    objective = FunctionObjective(lambda x: (float(x @ x), 2 * x), [1.0, 2.0, 3.0])
    objective.mask = np.array([True, False, True])
    objective.theta *= objective.mask

    LBFGS(objective).step()

    assert objective.theta[1] == 0
    assert objective.value_and_gradient()[1][1] == 0


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((3.0, [1.0]), DtypeError, "expected a function"),
        ((cube, [[1.0]]), ShapeError, r"theta has shape \(1, 1\)"),
        ((cube, []), ShapeError, "at least one number"),
        ((cube, ["a"]), DtypeError, "expected real numbers"),
    ],
)
def test_functions_that_do_not_fit_are_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        FunctionObjective(*arguments)


def test_a_gradient_of_another_shape_is_refused():
    objective = FunctionObjective(lambda x: (1.0, np.ones(3)), [1.0, 2.0])

    with pytest.raises(ShapeError, match="the gradient has shape"):
        objective.value_and_gradient()


def test_an_optimizer_without_objective_says_what_to_write(data):
    model = network()

    with pytest.raises(ArgumentError, match=r"step\(ModelObjective\(model, loss, X, y\)\)"):
        Newton(model).step()


def test_an_objective_of_another_model_is_refused(data):
    other = ModelObjective(network(), CrossEntropy(), *data)

    with pytest.raises(ArgumentError, match="parameters of its own"):
        Newton(network()).step(other)
    with pytest.raises(ArgumentError, match="other parameters"):
        minimize(other, Newton(network()))


def test_minimize_refuses_what_it_cannot_use(data):
    objective = ModelObjective(network(), CrossEntropy(), *data)

    with pytest.raises(DtypeError, match="expected a FunctionObjective"):
        minimize(cube, SGD(objective, lr=0.1))
    with pytest.raises(DtypeError, match="expected an Optimizer"):
        minimize(objective, LBFGS)
    with pytest.raises(ArgumentError, match="max_steps is -1"):
        minimize(objective, LBFGS(objective), max_steps=-1)


def test_minimize_shows_every_place_it_comes_by():
    objective = FunctionObjective(lambda x: (float(x @ x), 2 * x), [4.0])
    path = []

    found = minimize(
        objective,
        SGD(objective, lr=0.25),
        max_steps=3,
        on_step=lambda theta, value: path.append((theta.item(), value)),
    )

    assert path == [(4.0, 16.0), (2.0, 4.0), (1.0, 1.0), (0.5, 0.25)]
    assert found.values == [16.0, 4.0, 1.0, 0.25]
    assert (found.n_steps, found.gradient_norm) == (3, 1.0)
