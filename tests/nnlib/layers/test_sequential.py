"""The model: one vector, views, copies, slices."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib import (
    MSE,
    ArgumentError,
    BinaryCrossEntropy,
    CrossEntropy,
    DtypeError,
    Layer,
    Linear,
    NonFiniteError,
    ReLU,
    Sequential,
    ShapeError,
    SharedLayerError,
    Sigmoid,
    Tanh,
)


def mlp(dtype: type = np.float64) -> Sequential:
    return Sequential(
        Linear(5, 4, rng=1, dtype=dtype),
        Sequential(Tanh(), Linear(4, 6, bias=False, rng=2, dtype=dtype)),
        ReLU(),
        Linear(6, 3, rng=3, dtype=dtype),
    )


class RunningMean(Layer):
    """A layer with a buffer, such as batch normalization will be."""

    def __init__(self):
        super().__init__()
        self._running = {"mean": np.zeros(2, np.float32)}

    def forward(self, x):
        if self.training:
            self._running["mean"] += 1.0
        return np.array(x)

    def backward(self, dy, *, need_dx=True, accumulate=False):
        return np.array(dy)


def all_layers(model: Sequential) -> list[Linear]:
    return [model.layers[0], model.layers[1].layers[1], model.layers[3]]


def assert_one_vector(model: Sequential) -> None:
    """Every W, b, dW and db is a view of theta or grad, in the places that parameters() names."""
    assert model.theta.flags.c_contiguous
    assert model.grad.flags.c_contiguous
    model.theta = np.arange(model.theta.size)
    model.grad = -np.arange(model.grad.size)
    named = {p.name: p for p in model.parameters()}
    views = {
        "0.W": all_layers(model)[0].W,
        "0.b": all_layers(model)[0].b,
        "1.1.W": all_layers(model)[1].W,
        "3.W": all_layers(model)[2].W,
        "3.b": all_layers(model)[2].b,
    }
    assert list(named) == list(views)
    for name, view in views.items():
        expected = np.arange(model.theta.size)[named[name].slice].reshape(named[name].shape)
        np.testing.assert_array_equal(view, expected)
        assert np.shares_memory(view, model.theta)
    np.testing.assert_array_equal(all_layers(model)[1].dW, -views["1.1.W"])


def test_every_parameter_is_a_view_of_one_contiguous_vector():
    assert_one_vector(mlp())


def test_copies_are_one_vector_too_and_share_nothing():
    model = mlp()
    for other in (copy.deepcopy(model), model.astype(np.float32)):
        assert_one_vector(other)
        assert not np.shares_memory(other.theta, model.theta)


def test_building_a_model_keeps_the_values_of_its_layers():
    layer = Linear(2, 3, rng=0)
    W = layer.W.copy()

    model = Sequential(layer, ReLU())

    np.testing.assert_array_equal(layer.W, W)
    assert np.shares_memory(layer.W, model.theta)
    assert np.shares_memory(layer.theta, model.theta)


def test_assigning_theta_copies_into_the_vector():
    model = mlp()
    theta = model.theta

    model.theta = np.ones(theta.size)
    model.theta *= 2

    assert model.theta is theta
    assert (model.layers[0].W == 2).all()
    with pytest.raises(ShapeError, match="theta has shape"):
        model.theta = np.ones(3)


def test_decay_acts_on_weights_only():
    model = mlp()

    decays = {p.name: bool(model.decay_mask[p.slice].all()) for p in model.parameters()}

    assert decays == {"0.W": True, "0.b": False, "1.1.W": True, "3.W": True, "3.b": False}
    model.decay_mask[:] = True
    assert model.layers[3].decay_mask.all()  # a view as well


def test_the_same_layer_twice_is_refused():
    layer = Linear(3, 3)
    before = layer.theta

    with pytest.raises(SharedLayerError, match=r"layer 1, Linear\(3, 3\), comes twice"):
        Sequential(layer, layer)

    assert layer.theta is before
    Sequential(layer)  # the refusal did not make it anybody's
    with pytest.raises(SharedLayerError, match="belongs to another model"):
        Sequential(layer)


def test_a_copied_layer_can_join_another_model():
    model = Sequential(Linear(3, 3))

    other = Sequential(copy.deepcopy(model.layers[0]))

    assert not np.shares_memory(model.theta, other.theta)


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), lambda m: m.astype(np.float32)],
    ids=["copied", "pickled", "cast"],
)
def test_the_layers_of_a_copied_model_belong_to_the_copy(duplicate):
    """Else a second model would take their vectors away, and the copy would stop learning."""
    model = duplicate(mlp())

    for layer in (model.layers[0], model.layers[1], model.layers[1].layers[1]):
        with pytest.raises(SharedLayerError, match="belongs to another model"):
            Sequential(layer)
    Sequential(model)  # the copy itself is nobody's


def test_a_refused_model_leaves_its_layers_alone():
    first, second = Linear(2, 3), Linear(4, 1)
    before = first.theta

    with pytest.raises(ShapeError, match=r"layer 1 Linear\(4, 1\) takes 4 features, but gets 3"):
        Sequential(first, second)
    with pytest.raises(DtypeError, match=r"float32.*float64"):
        Sequential(first, Linear(3, 1, dtype=np.float64))

    assert first.theta is before
    Sequential(first)


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ((), ArgumentError, "no layers"),
        (([Linear(1, 1)],), DtypeError, r"Sequential\(\*layers\)"),
        ((ReLU,), DtypeError, "with parentheses"),
        ((np.tanh,), DtypeError, "expected a layer"),
    ],
)
def test_what_is_no_layer_is_named(layers, error, message):
    with pytest.raises(error, match=message):
        Sequential(*layers)


def test_input_is_cast_to_the_dtype_of_the_model(rng):
    assert mlp(np.float32).forward(rng.normal(size=(2, 5))).dtype == np.float32
    assert mlp().forward(rng.integers(0, 9, size=(2, 5))).dtype == np.float64


def test_state_goes_out_and_in(rng):
    model, other = mlp(), mlp()
    model.theta = rng.normal(size=model.theta.size)
    state = model.state_dict()

    other.load_state_dict(state)
    state["0.W"][:] = 0

    np.testing.assert_array_equal(other.theta, model.theta)
    assert_one_vector(other)


def test_a_state_that_does_not_fit_changes_nothing():
    model = mlp()
    before, state = model.theta.copy(), {k: v + 1 for k, v in model.state_dict().items()}

    with pytest.raises(ArgumentError, match=r"missing \['0.b'\], unknown \['extra'\]"):
        model.load_state_dict({k: v for k, v in state.items() if k != "0.b"} | {"extra": 1})
    with pytest.raises(ShapeError, match=r"3\.W has shape"):
        model.load_state_dict(state | {"3.W": np.ones((3, 6))})

    with pytest.raises(DtypeError, match="state is 3, expected a dictionary"):
        model.load_state_dict(3)

    np.testing.assert_array_equal(model.theta, before)


def test_buffers_are_saved_but_not_trained():
    model = Sequential(Linear(2, 2), RunningMean())

    model.forward(np.ones((3, 2)))
    model.predict(np.ones((3, 2)))  # evaluation mode: counts nothing
    other = Sequential(Linear(2, 2), RunningMean())
    other.load_state_dict(model.state_dict())

    assert list(model.buffers()) == ["1.mean"]
    np.testing.assert_array_equal(other.buffers()["1.mean"], [1, 1])
    assert model.theta.size == 6
    copied = copy.deepcopy(model)
    copied.forward(np.ones((3, 2)))
    np.testing.assert_array_equal(model.buffers()["1.mean"], [1, 1])


def test_train_and_eval_reach_every_layer():
    model = mlp()

    assert model.eval() is model
    assert not model.layers[1].layers[0].training
    model.predict(np.ones((1, 5)))
    assert not model.training
    model.train()
    model.predict(np.ones((1, 5)))
    assert model.layers[1].layers[0].training


@given(n=st.integers(1, 12), rows_per_slice=st.integers(1, 15))
def test_slices_add_up_to_the_batch(n, rows_per_slice):
    rng = np.random.default_rng(n)
    model, X, y = mlp(), rng.normal(size=(n, 5)), rng.integers(0, 3, n)
    loss = CrossEntropy()
    expected = loss.forward(model.forward(X), y)
    model.backward(loss.backward())
    gradient = model.grad.copy()

    value, got = model.loss_and_gradient(X, y, loss, rows_per_slice=rows_per_slice)

    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(got, gradient, rtol=1e-9, atol=1e-14)


def test_a_layer_that_couples_rows_gets_the_whole_batch(monkeypatch, rng):
    model = Sequential(Linear(2, 3, rng=0), Sequential(RunningMean()))
    monkeypatch.setattr(RunningMean, "couples_rows", True)

    model.loss_and_gradient(
        rng.normal(size=(9, 2)), np.zeros(9, int), CrossEntropy(), rows_per_slice=2
    )

    np.testing.assert_array_equal(model.buffers()["1.0.mean"], [1, 1])  # one call, not five


def test_reused_memory_does_not_leak_between_batches(rng):
    """Batches of changing size share one workspace; each result equals that of a fresh model."""
    model, loss = mlp(), MSE()
    for n in (7, 3, 7, 11, 1, 3):
        X, T = rng.normal(size=(n, 5)), rng.normal(size=(n, 3))

        value, grad = model.loss_and_gradient(X, T, loss)
        expected, expected_grad = mlp().loss_and_gradient(X, T, MSE())

        assert value == expected
        np.testing.assert_array_equal(grad, expected_grad)


def test_outputs_survive_later_training_calls(rng):
    model, X, T = mlp(), rng.normal(size=(4, 5)), rng.normal(size=(4, 3))
    y = model.forward(X)
    dx = model.backward(np.ones_like(y))
    prediction = model.predict(X)
    copies = y.copy(), dx.copy(), prediction.copy()

    model.loss_and_gradient(X + 1, T, MSE())
    model.predict(X - 1)

    for array, expected in zip((y, dx, prediction), copies, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_predict_runs_in_slices(rng):
    model, X = mlp(), rng.normal(size=(10, 5))

    np.testing.assert_allclose(model.predict(X, batch_size=3), model.forward(X), rtol=1e-12)
    assert model.predict(X[:0]).shape == (0, 3)


@pytest.mark.parametrize("loss_name", ["cross_entropy", "binary", "mse"])
def test_hessian_vector_products_are_symmetric_and_right(loss_name, rng):
    """Hv from the R-operator is the difference of gradients, and uᵀHv = vᵀHu."""
    model, X = mlp(), rng.normal(size=(6, 5))
    model.layers[2].forward(np.ones((1, 6)))
    loss, T = {
        "cross_entropy": (CrossEntropy(), rng.integers(0, 3, 6)),
        "binary": (BinaryCrossEntropy(), rng.integers(0, 2, (6, 3))),
        "mse": (MSE(), rng.normal(size=(6, 3))),
    }[loss_name]
    theta = model.theta.copy()

    def gradient(point: np.ndarray) -> np.ndarray:
        model.theta = point
        return model.loss_and_gradient(X, T, loss)[1].copy()

    def hessian_times(v: np.ndarray) -> np.ndarray:
        loss.forward(model.forward(X), T)
        model.backward(loss.backward(), need_dx=False)
        model.rbackward(loss.rbackward(model.rforward(None, v)), need_dx=False)
        return model.grad_dot

    u, v = rng.normal(size=(2, theta.size))
    h = 1e-6
    expected = (gradient(theta + h * v) - gradient(theta - h * v)) / (2 * h)
    model.theta = theta
    both = hessian_times(np.stack([u, v]))

    np.testing.assert_allclose(hessian_times(v), expected, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(both[1], hessian_times(v), rtol=1e-10, atol=1e-13)
    assert u @ both[1] == pytest.approx(v @ both[0], rel=1e-10)


def test_a_loss_that_is_not_finite_says_why():
    model = Sequential(Linear(2, 3, rng=0), Sigmoid())
    model.layers[0].W[0, 0] = np.nan

    with pytest.raises(NonFiniteError, match="5 of 15 predictions are nan or infinite"):
        model.loss_and_gradient(np.ones((5, 2)), np.zeros(5, int), CrossEntropy())


def test_rows_and_targets_must_match(rng):
    with pytest.raises(ShapeError, match="same number of rows"):
        mlp().loss_and_gradient(np.ones((4, 5)), np.zeros(3, int), CrossEntropy())
    with pytest.raises(ShapeError, match="at least one"):
        mlp().loss_and_gradient(np.ones((0, 5)), np.zeros(0, int), CrossEntropy())


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (MSE, r"loss is <class .*, expected a Loss, .*Create it with parentheses"),
        ("mse", r"^Sequential.loss_and_gradient: loss is 'mse', expected a Loss"),
    ],
)
def test_what_is_no_loss_is_named(loss, message):
    with pytest.raises(DtypeError, match=message):
        mlp().loss_and_gradient(np.ones((4, 5)), np.ones((4, 3)), loss)


def test_the_output_is_the_callers_to_change(rng):
    """Tanh works backward from its output, which must be another array."""
    model, x = Sequential(Linear(2, 3, rng=0), Tanh()), rng.normal(size=(4, 2))
    model.forward(x)
    expected = model.backward(np.ones((4, 3)))

    model.forward(x)[...] = 9.0

    np.testing.assert_array_equal(model.backward(np.ones((4, 3))), expected)


def test_layers_are_reached_by_number_and_in_order():
    layers = Linear(2, 3), ReLU(), Linear(3, 1)
    model = Sequential(*layers)

    assert len(model) == 3
    assert list(model) == list(layers)
    assert [model[0], model[-1]] == [layers[0], layers[2]]
    with pytest.raises(IndexError):
        model[3]
