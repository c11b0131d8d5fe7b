"""Plain networks take the quick way, which computes what the layers' own R-operator computes."""

from __future__ import annotations

import copy
import gc
import pickle

import numpy as np
import pytest

from nnlib.curvature import GaussNewton, Hessian, hessian_vector_product
from nnlib.curvature import _chain as chains
from nnlib.curvature._layerwise import LayerLinearization, private_copy
from nnlib.errors import ArgumentError, NonFiniteError, ShapeError
from nnlib.layers import GELU, Layer, Linear, ReLU, Sequential, Sigmoid, Softplus, Tanh
from nnlib.layers.dropout import Dropout
from nnlib.layers.flatten import Flatten
from nnlib.layers.tied import TiedLinear
from nnlib.losses import MSE, BinaryCrossEntropy, CrossEntropy, Loss
from tests.nnlib.curvature.cases import linear

SAME = {"rtol": 1e-12, "atol": 1e-14}  # float64, the same sums in another order
FUSED = {"rtol": 2e-5, "atol": 1e-7}  # float32, another exponential and another order

MODELS = {
    "one_layer": lambda: Sequential(linear(5, 3)),
    "tanh": lambda: Sequential(linear(5, 4), Tanh(), linear(4, 3)),
    "wide": lambda: Sequential(linear(5, 250), Tanh(), linear(250, 3)),
    "nested": lambda: Sequential(
        linear(5, 4), Sequential(Sigmoid(), Sequential(linear(4, 6, bias=False), GELU())),
        linear(6, 4), linear(4, 3),
    ),
    "kinks": lambda: Sequential(linear(5, 4), ReLU(), linear(4, 4), Softplus(), linear(4, 3)),
    "ends_in_a_bend": lambda: Sequential(linear(5, 4, bias=False), Tanh(), linear(4, 3), Tanh()),
    "flatten": lambda: Sequential(Flatten(), linear(5, 4), Tanh(), linear(4, 3)),
}  # fmt: skip
LOSSES = {
    "labels": CrossEntropy(),
    "smoothed": CrossEntropy(label_smoothing=0.1),
    "squares": MSE(),
    "yes_or_no": BinaryCrossEntropy(),
}


def build(name: str, rng: np.random.Generator) -> Sequential:
    model = MODELS[name]()
    model.theta = 0.7 * rng.normal(size=model.theta.size)
    return model


def data(loss: Loss, rng: np.random.Generator, n: int = 7):
    X = rng.normal(size=(n, 5))
    if isinstance(loss, CrossEntropy):
        return X, rng.integers(0, 3, n)
    return X, rng.integers(0, 2, (n, 3)).astype(float)


def general(model: Layer, X, y, loss: Loss, v: np.ndarray) -> np.ndarray:
    """Multiply by the R-operator of the layers, which knows nothing of chains."""
    point = LayerLinearization(private_copy(model), X, y, 1.0, loss, full=True)
    return point.products(np.atleast_2d(v)).reshape(v.shape)


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("name", MODELS)
def test_the_quick_way_is_the_general_way(name: str, loss_name: str, rng):
    model, loss = build(name, rng), LOSSES[loss_name]
    X, y = data(loss, rng)
    V = rng.normal(size=(19, model.theta.size))
    expected = general(model, X, y, loss, V)

    assert chains.find_chain(model, X) is not None
    scale = np.abs(expected).max()
    for found in (
        np.array([hessian_vector_product(model, X, y, loss, v) for v in V]),
        hessian_vector_product(model, X, y, loss, V),
        np.array([Hessian(model, X, y, loss) @ v for v in V]),
    ):
        np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0, 1e3, 1e8])
def test_logits_of_any_size_give_the_same(size: float, rng):
    """Small ones are not shifted by their maximum, large ones are."""
    model, loss = build("one_layer", rng), CrossEntropy()
    model.theta = size * rng.normal(size=model.theta.size)
    X, y = data(loss, rng)
    v = rng.normal(size=model.theta.size)

    found = hessian_vector_product(model, X, y, loss, v)

    np.testing.assert_allclose(found, general(model, X, y, loss, v), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_labels_of_any_integer_type_will_do(dtype: type, rng):
    model, loss = build("tanh", rng), CrossEntropy()
    X, y = data(loss, rng, n=150)  # 2 · 150 is too large for eight bits
    v = rng.normal(size=model.theta.size)

    found = hessian_vector_product(model, X, y.astype(dtype), loss, v)

    np.testing.assert_allclose(found, general(model, X, y, loss, v), **SAME)


def test_every_call_sees_weights_rows_and_loss_as_they_are(rng):
    model, loss = build("tanh", rng), CrossEntropy()
    v = rng.normal(size=model.theta.size)
    for n in (7, 12, 1, 7):
        X, y = data(loss, rng, n)
        model.theta = rng.normal(size=model.theta.size)
        loss.label_smoothing = 0.05 * n % 1
        model.layers[2].W[0, 0] += 1.0
        found = hessian_vector_product(model, X, y, loss, v)
        np.testing.assert_allclose(found, general(model, X, y, loss, v), **SAME)
        X *= -1.0
        found = hessian_vector_product(model, X, y, loss, v)
        np.testing.assert_allclose(found, general(model, X, y, loss, v), **SAME)


def test_results_are_arrays_of_their_own(rng):
    model, loss = build("tanh", rng), CrossEntropy()
    X, y = data(loss, rng)
    u, v = rng.normal(size=(2, model.theta.size))
    H = Hessian(model, X, y, loss)

    results = hessian_vector_product(model, X, y, loss, u), H @ u
    before = [result.copy() for result in results]
    hessian_vector_product(model, X, y, loss, v), H @ v

    for now, then in zip(results, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_model_loss_and_data_stay_as_they_were(rng):
    model, loss = build("kinks", rng), CrossEntropy()
    X, y = data(loss, rng)
    dy = rng.normal(size=(7, 3))
    model.forward(X)
    expected = model.backward(dy)
    model.forward(X)
    value, kept = loss.forward(model.forward(X), y), loss.backward()
    theta, grad, rows, labels = (a.copy() for a in (model.theta, model.grad, X, y))
    v = rng.normal(size=theta.size)
    direction = v.copy()

    hessian_vector_product(model, X + 1.0, y, loss, v)
    hessian_vector_product(model, X, y[::-1], loss, v)

    for now, before in zip(
        (model.theta, model.grad, X, y, v), (theta, grad, rows, labels, direction), strict=True
    ):
        np.testing.assert_array_equal(now, before)
    np.testing.assert_array_equal(model.backward(dy), expected)
    np.testing.assert_array_equal(loss.backward(), kept)
    assert loss.forward(model.forward(X), y) == value
    assert model.training


@pytest.mark.parametrize("kind", [Hessian, GaussNewton])
def test_an_operator_outlives_changes_of_model_rows_and_labels(kind: type, rng):
    model, loss = build("tanh", rng), CrossEntropy()
    X, y = data(loss, rng)
    v = rng.normal(size=model.theta.size)
    A = kind(model, X, y, loss)
    product, value = A @ v, A.value

    model.theta = 0.0
    X[:], y[:] = 0.0, 0

    np.testing.assert_array_equal(A @ v, product)
    assert A.value == value


# What is remembered of a model -------------------------------------------------------------------


def test_layers_are_looked_up_once(rng, monkeypatch):
    model, (X, _) = build("nested", rng), data(CrossEntropy(), rng)
    first = chains.find_chain(model, X)
    monkeypatch.setattr(chains, "_search", lambda *_: pytest.fail("looked up again"))

    assert chains.find_chain(model, X) is first


def test_other_layers_tied_weights_and_more_axes_are_noticed(rng):
    model, inner = Sequential(linear(5, 4), Tanh()), Sequential(linear(5, 4), Tanh())
    whole, (X, _) = Sequential(inner, linear(4, 3)), data(CrossEntropy(), rng)
    first, second = chains.find_chain(model, X), chains.find_chain(whole, X)
    assert first is not None
    assert second is not None
    assert chains.find_chain(model, X[np.newaxis]) is None

    model.layers = model.layers[:1]
    inner.layers = (inner.layers[0], ReLU())

    assert len(chains.find_chain(model, X).links) == 1
    assert chains.find_chain(model, X).links[0][1] is None
    assert type(chains.find_chain(whole, X).links[0][1]) is ReLU
    TiedLinear(model.layers[0])
    assert chains.find_chain(model, X) is None


def test_models_taken_in_converted_copied_and_restored_have_products_of_their_own(rng):
    model, loss = build("tanh", rng), CrossEntropy()
    X, y = data(loss, rng)
    v = rng.normal(size=model.theta.size)
    before = hessian_vector_product(model, X, y, loss, v)

    single = model.astype(np.float32)
    twins = (copy.deepcopy(model), pickle.loads(pickle.dumps(model)))
    for twin in twins:
        np.testing.assert_array_equal(hessian_vector_product(twin, X, y, loss, v), before)
        twin.theta = 0.0
    assert hessian_vector_product(single, X, y, loss, v).dtype == np.float32
    np.testing.assert_allclose(
        hessian_vector_product(single, X, y, loss, v), before, rtol=1e-3, atol=1e-5
    )

    whole = Sequential(model, Tanh())  # the weights lie in another vector from here on
    whole.theta = rng.normal(size=whole.theta.size)
    for now in (model, whole):
        found = hessian_vector_product(now, X, y, loss, v)
        np.testing.assert_allclose(found, general(now, X, y, loss, v), **SAME)


def test_a_model_that_is_gone_is_forgotten(rng):
    model, (X, y) = build("nested", rng), data(CrossEntropy(), rng)
    gc.collect()
    hessian_vector_product(model, X, y, CrossEntropy(), model.theta)
    known = len(chains._found)

    del model
    gc.collect()

    assert len(chains._found) < known


def test_dropout_behind_a_linear_layer_takes_the_general_way(rng):
    """Its mask is drawn by rows, and from a copy of the generator."""
    model = Sequential(linear(5, 4), Dropout(0.5, rng=3), linear(4, 3))
    X, y = data(CrossEntropy(), rng)
    state = copy.deepcopy(model.layers[1].generators()["rng"].bit_generator.state)

    hessian_vector_product(model, X, y, CrossEntropy(), np.ones(model.theta.size))

    assert chains.find_chain(model, X) is None
    assert model.layers[1].generators()["rng"].bit_generator.state == state


def test_more_rows_than_suit_the_cache_take_turns(rng, monkeypatch):
    monkeypatch.setattr(Linear, "slice_rows", 3)
    model, loss = build("tanh", rng), CrossEntropy()
    X, y = data(loss, rng, n=10)
    v = rng.normal(size=model.theta.size)

    found = hessian_vector_product(model, X, y, loss, v)

    np.testing.assert_allclose(found, general(model, X, y, loss, v), **SAME)


# Bad input ---------------------------------------------------------------------------------------

BAD = {
    "label_too_large": (lambda X, y, v: (X, y + 1, v), ArgumentError, "labels run from"),
    "label_negative": (lambda X, y, v: (X, y - 1, v), ArgumentError, "labels run from -1"),
    "labels_of_two_axes": (lambda X, y, v: (X, y[:, np.newaxis], v), ShapeError, "targets have"),
    "nan": (lambda X, y, v: (X * np.nan, y, v), NonFiniteError, "predictions are nan"),
    "features": (lambda X, y, v: (X[:, :4], y, v), ShapeError, r"expected \(N, 5\)"),
    "direction": (lambda X, y, v: (X, y, v[1:]), ShapeError, r"product: v has shape \(38,\)"),
}


@pytest.mark.parametrize("fused", ["0", "1"])
@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_named(bad: str, fused: str, rng, monkeypatch, request):
    monkeypatch.setenv("NNLIB_FUSED", fused)
    if fused == "1":
        request.getfixturevalue("requires_numba")
    model = build("tanh", rng)
    X, y = data(CrossEntropy(), rng)
    y[:3] = (0, 1, 2)
    arguments, error, message = BAD[bad]

    with pytest.raises(error, match=message):
        hessian_vector_product(model, *_swapped(*arguments(X, y, model.theta)))


def _swapped(X, y, v):
    return X, y, CrossEntropy(), v


# Compiled kernels --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tanh", "kinks", "ends_in_a_bend"])
def test_compiled_kernels_agree(name: str, rng, monkeypatch, requires_numba):
    plain, loss = build(name, rng).astype(np.float32), CrossEntropy()
    X, y = data(loss, rng, n=40)
    V = rng.normal(size=(3, plain.theta.size)).astype(np.float32)
    monkeypatch.setenv("NNLIB_FUSED", "0")
    expected = hessian_vector_product(plain, X, y, loss, V)
    monkeypatch.setenv("NNLIB_FUSED", "1")
    fused = copy.deepcopy(plain)

    H = Hessian(fused, X, y, loss)

    assert chains.find_chain(fused, X).fused
    np.testing.assert_allclose(H.products(V), expected, **FUSED)
    for v, row in zip(V, expected, strict=True):
        np.testing.assert_allclose(hessian_vector_product(fused, X, y, loss, v), row, **FUSED)
        assert (H @ v).dtype == np.float32
    assert H.value == pytest.approx(Hessian(plain, X, y, loss).value, rel=1e-6)
