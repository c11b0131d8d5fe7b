"""Curvature of other models: the R-operator of each layer, or differences where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib.curvature import Fisher, GaussNewton, Hessian, per_sample_gradients
from nnlib.errors import ArgumentError
from nnlib.layers import Layer, Linear, Sequential, Softmax, Tanh
from nnlib.layers.batchnorm import BatchNorm1d
from nnlib.layers.conv import Conv2d
from nnlib.layers.dropout import Dropout
from nnlib.layers.embedding import Embedding
from nnlib.layers.flatten import Flatten
from nnlib.layers.layernorm import LayerNorm
from nnlib.layers.lstm import LSTM
from nnlib.layers.pooling import AvgPool2d, MaxPool2d
from nnlib.layers.residual import Residual
from nnlib.layers.tied import TiedLinear
from nnlib.layers.transformer import TransformerBlock
from nnlib.losses import MSE, CrossEntropy
from tests.nnlib.curvature.cases import linear

F64 = np.float64


class Squares(Layer):
    """y = W x², elementwise, by a learner who wrote no R-operator."""

    def __init__(self, n: int) -> None:
        super().__init__({"W": (n,)}, dtype=F64)

    def forward(self, x):
        self._kept = {"x": x, "output": (x.shape, x.dtype)}
        return x**2 * self._views["W"]

    def backward(self, dy, *, need_dx=True, accumulate=False):
        x = self._kept["x"]
        self._views["dW"][...] = (dy * x**2).sum(axis=0) + accumulate * self._views["dW"]
        return 2 * x * self._views["W"] * dy if need_dx else None


def _tied() -> Sequential:
    first = linear(4, 3)
    return Sequential(first, Tanh(), TiedLinear(first))


MODELS = {
    "conv": (
        lambda: Sequential(
            Conv2d(2, 2, 3, padding=1, rng=1, dtype=F64), Tanh(), AvgPool2d(2), Flatten(),
            linear(8, 3),
        ),
        (5, 4, 4, 2),
    ),
    "max_pool": (
        lambda: Sequential(
            Conv2d(1, 2, 2, rng=1, dtype=F64), MaxPool2d(2), Flatten(), linear(8, 3)
        ),
        (5, 5, 5, 1),
    ),
    "batch_norm": (
        lambda: Sequential(linear(4, 3), BatchNorm1d(3, dtype=F64), Tanh(), linear(3, 3)), (6, 4)
    ),
    "layer_norm": (
        lambda: Sequential(linear(4, 3), LayerNorm(3, dtype=F64), Tanh(), linear(3, 3)), (6, 4)
    ),
    "dropout": (
        lambda: Sequential(linear(4, 6), Tanh(), Dropout(0.5, rng=1), linear(6, 3)), (6, 4)
    ),
    "dropout_on_linear": (
        lambda: Sequential(linear(4, 6), Dropout(0.5, rng=1), linear(6, 3)), (6, 4)
    ),
    "lstm": (
        lambda: Sequential(LSTM(3, 2, return_sequences=False, rng=1, dtype=F64), linear(2, 3)),
        (4, 5, 3),
    ),
    "residual": (
        lambda: Sequential(linear(4, 3), Residual(linear(3, 3), Tanh()), linear(3, 3)), (5, 4)
    ),
    "transformer": (
        lambda: Sequential(
            TransformerBlock(4, 2, 3, rng=1, dtype=F64), Flatten(), linear(12, 3)
        ),
        (4, 3, 4),
    ),
    "tied": (lambda: _tied(), (5, 4)),
    "softmax": (lambda: Sequential(linear(3, 4), Softmax(), linear(4, 3)), (5, 3)),
    "linear_on_more_axes": (lambda: Sequential(linear(3, 2), Flatten(), linear(8, 3)), (5, 4, 3)),
    "without_r_operator": (lambda: Sequential(linear(3, 4), Squares(4), linear(4, 3)), (5, 3)),
}  # fmt: skip

every_model = pytest.mark.parametrize("name", MODELS)


def setting(name: str, rng):
    build, x_shape = MODELS[name]
    model = build()
    model.theta = 0.6 * rng.normal(size=model.theta.size)
    return model, rng.normal(size=x_shape), rng.integers(0, 3, x_shape[0]), CrossEntropy()


def difference_hessian(model, X, y, loss) -> np.ndarray:
    """Differentiate the gradient parameter by parameter, the masks held still."""
    theta, h, rows = model.theta.copy(), 1e-5, []
    with model.frozen():
        for i in range(theta.size):
            sides = []
            for sign in (1, -1):
                model.theta = theta + sign * h * np.eye(theta.size)[i]
                loss.forward(model.forward(X), y)
                model.backward(loss.backward())
                sides.append(model.grad.copy())
            rows.append((sides[0] - sides[1]) / (2 * h))
    model.theta = theta
    return np.array(rows)


def difference_gauss_newton(model, X, y, loss) -> np.ndarray:
    """Form Jᵀ S J with J from differences of the output, and S of softmax by hand."""
    theta, h, columns = model.theta.copy(), 1e-5, []
    with model.frozen():
        z = model.forward(X)
        for i in range(theta.size):
            sides = []
            for sign in (1, -1):
                model.theta = theta + sign * h * np.eye(theta.size)[i]
                sides.append(model.forward(X))
            columns.append((sides[0] - sides[1]) / (2 * h))
    model.theta = theta
    J = np.stack(columns, axis=-1)  # (N, K, P)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    S = (p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None]) / len(p)
    return np.einsum("nkp,nkl,nlq->pq", J, S, J)


@every_model
@pytest.mark.parametrize(
    ("kind", "reference"),
    [(Hessian, difference_hessian), (GaussNewton, difference_gauss_newton)],
    ids=["hessian", "gauss_newton"],
)
def test_the_matrix_is_that_of_differences(name, kind, reference, rng):
    model, X, y, loss = setting(name, rng)
    model.forward(X)  # dropout draws its mask, which all that follows must share
    v = rng.normal(size=model.theta.size)

    A = kind(model, X, y, loss)

    expected = reference(model, X, y, loss)
    # Central differences with h = 1e-5 leave h² ≈ 1e-10 and ε/h ≈ 1e-11, times large derivatives.
    np.testing.assert_allclose(A.dense(), expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(A.diagonal(), np.diag(expected), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(A @ v, expected @ v, rtol=1e-6, atol=1e-6)
    assert A.exact == (name != "without_r_operator")


@every_model
def test_the_model_stays_as_it_was(name, rng):
    model, X, y, loss = setting(name, rng)
    model.forward(X)
    before = {k: v.copy() for k, v in model.state_dict().items()}
    grad = model.grad.copy()
    states = [g.bit_generator.state for g in model.generators().values()]

    Hessian(model, X, y, loss) @ model.theta
    GaussNewton(model, X, y, loss) @ model.theta
    if name not in {"batch_norm", "dropout", "dropout_on_linear"}:
        per_sample_gradients(model, X, y, loss)

    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[key])
    np.testing.assert_array_equal(model.grad, grad)
    assert [g.bit_generator.state for g in model.generators().values()] == states
    assert all(leaf.training and not leaf._frozen for leaf in model._everything())


@every_model
def test_gradients_of_rows_are_those_of_each_row_alone(name, rng):
    model, X, y, loss = setting(name, rng)
    model.eval()

    G = per_sample_gradients(model, X, y, loss)

    for n in range(len(X)):
        loss.forward(model.forward(X[n : n + 1]), y[n : n + 1])
        model.backward(loss.backward())
        np.testing.assert_allclose(G[n], model.grad, rtol=1e-10, atol=1e-13)
    loss.forward(model.forward(X), y)
    model.backward(loss.backward())
    np.testing.assert_allclose(G.mean(axis=0), model.grad, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", ["conv", "lstm", "without_r_operator", "batch_norm", "dropout"])
@pytest.mark.parametrize("kind", [Hessian, GaussNewton])
def test_rows_in_slices_give_the_same(name, kind, rng, monkeypatch):
    """Rows that hang together are not cut."""
    model, X, y, loss = setting(name, rng)
    model.forward(X)
    v = rng.normal(size=(2, model.theta.size))
    A = kind(model, X, y, loss)
    expected, value = A.products(v), A.value
    monkeypatch.setattr(type(model), "slice_rows", 2)

    A = kind(model, X, y, loss)

    np.testing.assert_allclose(A.products(v), expected, rtol=1e-6, atol=1e-8)  # differences too
    np.testing.assert_allclose(A @ v[0], expected[0], rtol=1e-6, atol=1e-8)
    assert A.value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("kind", [Hessian, GaussNewton])
@pytest.mark.parametrize(("name", "between"), [("dropout", [Tanh]), ("dropout_on_linear", [])])
def test_evaluation_mode_is_respected(name, between, kind, rng):
    model, X, y, loss = setting(name, rng)
    plain = Sequential(linear(4, 6), *(layer() for layer in between), linear(6, 3))
    plain.theta = model.theta
    expected = kind(plain, X, y, loss).dense()

    A = kind(model.eval(), X, y, loss)

    np.testing.assert_allclose(A.dense(), expected, atol=1e-12)
    np.testing.assert_allclose(A.dense("r_operator"), expected, atol=1e-12)
    np.testing.assert_allclose(A.diagonal(), np.diag(expected), atol=1e-12)
    assert not model.training


@pytest.mark.parametrize("kind", [Hessian, GaussNewton])
@pytest.mark.parametrize("name", ["dropout", "dropout_on_linear"])
def test_a_mask_that_nobody_drew_is_drawn_once_and_not_from_the_model(name, kind, rng):
    model, X, y, loss = setting(name, rng)
    state = {k: g.bit_generator.state for k, g in model.generators().items()}
    twin, _, _, _ = setting(name, np.random.default_rng(0))
    twin.theta = model.theta
    twin.forward(X)  # draws the mask that the model would draw next
    reference = difference_hessian if kind is Hessian else difference_gauss_newton
    expected = reference(twin, X, y, loss)

    A = kind(model, X, y, loss)

    # Central differences with h = 1e-5 leave h² ≈ 1e-10 and ε/h ≈ 1e-11, times large derivatives.
    np.testing.assert_allclose(A.dense(), expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(A.dense("r_operator"), A.dense(), rtol=1e-12)
    np.testing.assert_allclose(A.diagonal(), np.diag(A.dense()), rtol=1e-12)
    np.testing.assert_allclose(A @ np.eye(len(expected)), A.dense(), rtol=1e-9, atol=1e-12)
    assert {k: g.bit_generator.state for k, g in model.generators().items()} == state


@every_model
@pytest.mark.parametrize("kind", [Hessian, GaussNewton])
def test_products_are_fresh_arrays_that_may_be_written_to(name, kind, rng):
    model, X, y, loss = setting(name, rng)
    A, v = kind(model, X, y, loss), rng.normal(size=model.theta.size)

    first = A @ v
    kept = first.copy()
    second = A @ (2 * v)

    np.testing.assert_array_equal(first, kept)
    assert first.flags.writeable
    first += 1.0
    second += first
    np.testing.assert_allclose(A @ v, kept, rtol=1e-12)


@pytest.mark.parametrize("name", ["layer_norm", "conv", "without_r_operator", "dropout"])
@pytest.mark.parametrize("slice_rows", [2, 1000])
def test_an_operator_keeps_rows_and_targets_of_its_own(name, slice_rows, rng, monkeypatch):
    model, X, y, loss = setting(name, rng)
    model.eval()
    v = rng.normal(size=model.theta.size)
    monkeypatch.setattr(type(model), "slice_rows", slice_rows)
    monkeypatch.setattr("nnlib.curvature.fisher.KEPT_NUMBERS", slice_rows * model.theta.size)
    operators = [Hessian(model, X, y, loss), GaussNewton(model, X, y, loss)]
    operators += [Fisher(model, X, y, loss, kind=kind) for kind in ("true", "empirical")]
    before = [(A @ v, A.dense()) for A in operators]

    X[...], y[...] = 0.0, 0

    for A, (product, matrix) in zip(operators, before, strict=True):
        np.testing.assert_allclose(A @ v, product, rtol=1e-12)
        np.testing.assert_allclose(A.dense(), matrix, rtol=1e-12)


def test_whole_numbers_reach_an_embedding(rng):
    model = Sequential(Embedding(5, 3, rng=1, dtype=F64), Flatten(), linear(6, 2))
    X, y, loss = rng.integers(0, 5, (4, 2)), rng.integers(0, 2, 4), CrossEntropy()

    H, E = Hessian(model, X, y, loss), Fisher(model, X, y, loss, kind="empirical")

    np.testing.assert_allclose(
        H.dense(), difference_hessian(model, X, y, loss), rtol=1e-6, atol=1e-8
    )
    assert E.dense().shape == H.shape


def test_a_lone_layer_is_a_model(rng):
    layer = Linear(3, 2, rng=1, dtype=F64)
    X, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))

    H = Hessian(layer, X, y, MSE()).dense()

    x = np.concatenate([X, np.ones((5, 1))], axis=1)
    np.testing.assert_allclose(H, np.kron(2 * x.T @ x / 10, np.eye(2)), atol=1e-12)


def test_differences_serve_any_size_of_direction(rng):
    model, X, y, loss = setting("without_r_operator", rng)
    A = Hessian(model, X, y, loss)
    v = rng.normal(size=model.theta.size)

    assert not (A @ (0.0 * v)).any()
    np.testing.assert_allclose(A @ (1e8 * v), 1e8 * (A @ v), rtol=1e-6, atol=1.0)


@pytest.mark.parametrize("name", ["batch_norm", "dropout"])
def test_rows_that_cannot_be_taken_alone_are_refused(name, rng):
    model, X, y, loss = setting(name, rng)

    with pytest.raises(ArgumentError, match=r"Call model\.eval\(\) first"):
        per_sample_gradients(model, X, y, loss)
    with pytest.raises(ArgumentError, match=r"Call model\.eval\(\) first"):
        Fisher(model, X, y, loss, kind="empirical")


@pytest.mark.parametrize("name", ["conv", "softmax"])
def test_gradients_too_many_to_keep_are_computed_anew(name, rng, monkeypatch):
    model, X, y, loss = setting(name, rng)
    E = Fisher(model, X, y, loss, kind="empirical")
    expected, v = E.dense(), rng.normal(size=model.theta.size)
    monkeypatch.setattr("nnlib.curvature.fisher.KEPT_NUMBERS", 2 * model.theta.size)

    E = Fisher(model, X, y, loss, kind="empirical")
    model.theta = 0.0

    np.testing.assert_allclose(E.dense(), expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(E.diagonal(), np.diag(expected), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(E @ v, expected @ v, rtol=1e-10, atol=1e-13)


def test_blocks_are_refused_where_there_is_no_closed_form(rng):
    model, X, y, loss = setting("conv", rng)

    with pytest.raises(ArgumentError, match="Use method='r_operator'"):
        Hessian(model, X, y, loss).dense("blocks")


def test_targets_by_step_are_means_over_rows_and_steps(rng):
    """A linear layer on each step of a sequence, with a label for each step."""
    model = Sequential(linear(3, 4), Tanh(), linear(4, 2))
    X, y = rng.normal(size=(5, 6, 3)), rng.integers(0, 2, (5, 6))

    H = Hessian(model, X, y, CrossEntropy()).dense()

    flat = Hessian(model, X.reshape(30, 3), y.reshape(30), CrossEntropy()).dense()
    np.testing.assert_allclose(H, flat, rtol=1e-9, atol=1e-12)
