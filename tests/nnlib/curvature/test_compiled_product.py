"""One product from scratch in compiled code: torch's product, of the point and data as they are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nnlib import _compiling
from nnlib.curvature import _chain as chains
from nnlib.curvature import _compiled_product, hessian_vector_product, operators
from nnlib.curvature._compiled_product import product_from_scratch
from nnlib.errors import ArgumentError, NonFiniteError, ShapeError
from nnlib.layers import GELU, LeakyReLU, ReLU, Sequential, Sigmoid, Softplus, Tanh
from nnlib.layers.flatten import Flatten
from nnlib.losses import MSE, BinaryCrossEntropy, CrossEntropy, Huber
from tests.nnlib.curvature.cases import Case, linear, torch_hessian

TORCH = {"rtol": 1e-9, "atol": 1e-12}  # both sides in float64, whose rounding is near 1e-15
LAYERS = {
    "one_layer": lambda: (linear(5, 3),),
    "one_layer_without_bias": lambda: (linear(5, 3, bias=False),),
    "linear": lambda: (linear(5, 4), linear(4, 3)),
    "relu": lambda: (linear(5, 4), ReLU(), linear(4, 3)),
    "sigmoid": lambda: (linear(5, 4), Sigmoid(), linear(4, 3)),
    "tanh": lambda: (linear(5, 4), Tanh(), linear(4, 3)),
    "one_unit": lambda: (linear(5, 1), Tanh(), linear(1, 3)),
    "mixed": lambda: (
        linear(5, 4, bias=False), Sequential(Tanh(), linear(4, 6), Sigmoid()), linear(6, 2), ReLU(),
        linear(2, 4, bias=False), linear(4, 7), Tanh(), linear(7, 3),
    ),
}  # fmt: skip
LOSSES = {"labels": CrossEntropy(), "squares": MSE()}


@pytest.fixture
def compiled(monkeypatch, requires_numba):
    """Ask for compiled code, and let nothing else take its place."""
    monkeypatch.setenv("NNLIB_FUSED", "1")
    monkeypatch.setattr(operators, "ChainLinearization", _not_compiled)


def _not_compiled(*_args, **_kwargs):
    pytest.fail("the product was not compiled")


def case(layers: str = "mixed", loss: str = "labels", n: int = 9) -> Case:
    return Case(layers, LAYERS[layers], (n, 5), LOSSES[loss], 3)


def check(case: Case, model: Sequential, X: np.ndarray, y: np.ndarray, v: np.ndarray) -> None:
    found = hessian_vector_product(model, X, y, case.loss, v)
    np.testing.assert_allclose(found, torch_hessian(case, model, X, y) @ v, **TORCH)


every_network = pytest.mark.parametrize("layers", LAYERS)
every_loss = pytest.mark.parametrize("loss", LOSSES)


@every_loss
@every_network
@pytest.mark.usefixtures("compiled")
def test_the_product_is_that_of_torch(layers: str, loss: str, rng):
    some = case(layers, loss)
    model = some.build(rng)

    for _ in range(3):
        check(some, model, *some.data(rng), rng.normal(size=model.theta.size))


@every_loss
@every_network
@pytest.mark.parametrize("lacking", ["not_asked_for", "not_installed"])
def test_without_numba_it_is_the_same(layers: str, loss: str, lacking: str, rng, monkeypatch):
    monkeypatch.setenv("NNLIB_FUSED", "0" if lacking == "not_asked_for" else "1")
    if lacking == "not_installed":
        monkeypatch.setattr(_compiling, "available", lambda: False)
    monkeypatch.setattr(operators, "product_from_scratch", _not_compiled)
    some = case(layers, loss)
    model = some.build(rng)

    check(some, model, *some.data(rng), rng.normal(size=model.theta.size))


@pytest.mark.usefixtures("compiled")
def test_images_are_flattened(rng):
    some = Case("images", lambda: (Flatten(), *LAYERS["tanh"]()), (6, 1, 5, 1), CrossEntropy(), 3)
    model = some.build(rng)

    check(some, model, *some.data(rng), rng.normal(size=model.theta.size))


@every_loss
@pytest.mark.usefixtures("compiled")
def test_changes_in_place_are_seen_at_once(loss: str, rng):
    """Neither parameters nor rows, targets or direction are remembered from the last call."""
    some = case(loss=loss)
    model, (X, y) = some.build(rng), some.data(rng)
    v = rng.normal(size=model.theta.size)
    check(some, model, X, y, v)

    model.theta += 0.1 * rng.normal(size=v.size)
    check(some, model, X, y, v)
    model.layers[0].W[2, 1] -= 1.0
    check(some, model, X, y, v)
    X *= -0.5
    check(some, model, X, y, v)
    y[:] = y[::-1].copy()
    check(some, model, X, y, v)
    v[::3] = 0.0
    check(some, model, X, y, v)
    check(some, model, X[:4], y[:4], v)
    check(some, model, X[:1], y[:1], v)


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0, 1e3])
@pytest.mark.usefixtures("compiled")
def test_logits_of_any_size_will_do(size: float, rng):
    """Small ones are not shifted by their maximum, large ones are."""
    some = case("tanh")
    model = some.build(rng)
    model.layers[2].theta = size * rng.normal(size=model.layers[2].theta.size)

    check(some, model, *some.data(rng), rng.normal(size=model.theta.size))


@pytest.mark.usefixtures("compiled")
def test_directions_of_any_size_will_do(rng):
    """In float32 a product of e⁵⁰ with a large change would overflow."""
    some = case("one_layer")
    model = some.build(rng).astype(np.float32)
    model.theta *= 50.0 / np.abs(model.theta).max()
    X, y = some.data(rng)
    X = np.clip(X, -1, 1).astype(np.float32)
    v = rng.normal(size=model.theta.size).astype(np.float32)

    product = hessian_vector_product(model, X, y, some.loss, v)
    large = hessian_vector_product(model, X, y, some.loss, v * np.float32(2.0**60))

    np.testing.assert_array_equal(large, product * np.float32(2.0**60))


LAYOUTS = {
    "in_the_other_order": np.asfortranarray,
    "every_second": lambda array: np.repeat(array, 2, axis=0)[::2],
    "backward": lambda array: array[::-1].copy()[::-1],
    "read_only": lambda array: _read_only(array.copy()),
}


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@every_loss
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.usefixtures("compiled")
def test_arrays_may_lie_in_memory_as_they_like(layout: str, loss: str, rng):
    some, as_they_lie = case(loss=loss), LAYOUTS[layout]
    model, (X, y) = some.build(rng), some.data(rng)
    v = rng.normal(size=model.theta.size)
    expected = hessian_vector_product(model, X, y, some.loss, v)

    lying = as_they_lie(X), as_they_lie(y), some.loss, as_they_lie(v)

    np.testing.assert_array_equal(hessian_vector_product(model, *lying), expected)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
@pytest.mark.usefixtures("compiled")
def test_labels_of_any_integer_type_will_do(dtype: type, rng):
    some = case(n=150)
    model, (X, y) = some.build(rng), some.data(rng)
    v = rng.normal(size=model.theta.size)

    found = hessian_vector_product(model, X, y.astype(dtype), some.loss, v)

    np.testing.assert_array_equal(found, hessian_vector_product(model, X, y, some.loss, v))


@every_loss
@pytest.mark.usefixtures("compiled")
def test_model_loss_and_data_stay_as_they_were(loss: str, rng):
    some = case(loss=loss)
    model, (X, y) = some.build(rng), some.data(rng)
    some.loss.forward(model.forward(X), y)
    dz = some.loss.backward()
    model.backward(dz)
    v = rng.normal(size=model.theta.size)
    arrays = (model.theta, model.grad, X, y, v)
    before = [array.copy() for array in arrays]

    first = hessian_vector_product(model, X, y, some.loss, v)
    kept = first.copy()
    hessian_vector_product(model, X + 1.0, y[::-1], some.loss, 2.0 * v)

    for array, copy in zip((*arrays, first), (*before, kept), strict=True):
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_array_equal(some.loss.backward(), dz)
    model.backward(dz)
    np.testing.assert_array_equal(model.grad, before[1])


@pytest.mark.usefixtures("compiled")
def test_threads_do_not_disturb_each_other(rng):
    some = case(n=300)
    model, (X, y) = some.build(rng), some.data(rng)
    V = rng.normal(size=(200, model.theta.size))
    expected = [hessian_vector_product(model, X, y, some.loss, v) for v in V]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda v: hessian_vector_product(model, X, y, some.loss, v), V))

    np.testing.assert_array_equal(found, expected)


# What takes the ordinary way ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "layers",
    [
        lambda: (linear(5, 4), GELU(), linear(4, 3)),
        lambda: (linear(5, 4), LeakyReLU(), linear(4, 3)),
        lambda: (linear(5, 4), Tanh(), linear(4, 4), Softplus(), linear(4, 3)),
        lambda: (linear(5, 3), Tanh()),
    ],
    ids=["gelu", "leaky_relu", "softplus", "bend_at_the_end"],
)
@every_loss
def test_other_networks_take_the_ordinary_way(layers, loss: str, rng, monkeypatch, requires_numba):
    some = Case("other", layers, (9, 5), LOSSES[loss], 3)
    model, (X, y) = some.build(rng), some.data(rng)
    v = rng.normal(size=model.theta.size)
    _check_both_ways(model, X, y, some.loss, v, monkeypatch)
    chain = chains.find_chain(model, X)
    assert chain is not None
    assert chain.fused
    assert chain.table is None


OTHERS = {
    "smoothed": (CrossEntropy(label_smoothing=0.1), lambda rng: rng.integers(0, 3, 9)),
    "probabilities": (CrossEntropy(), lambda rng: rng.dirichlet(np.ones(3), 9)),
    "yes_or_no": (BinaryCrossEntropy(), lambda rng: rng.integers(0, 2, (9, 3)).astype(float)),
    "huber": (Huber(), lambda rng: rng.normal(size=(9, 3))),
    "whole_numbers": (MSE(), lambda rng: rng.integers(0, 5, (9, 3))),
}


@pytest.mark.parametrize("other", OTHERS)
def test_other_losses_and_targets_take_the_ordinary_way(
    other: str, rng, monkeypatch, requires_numba
):
    (loss, targets), model = OTHERS[other], case("tanh").build(rng)
    X, y = rng.normal(size=(9, 5)), targets(rng)

    _check_both_ways(model, X, y, loss, rng.normal(size=model.theta.size), monkeypatch)


def test_large_products_take_the_ordinary_way(rng, monkeypatch, requires_numba):
    some = case("tanh", n=100)
    model, (X, y) = some.build(rng), some.data(rng)
    v = rng.normal(size=model.theta.size)
    monkeypatch.setenv("NNLIB_FUSED", "1")
    table = chains.find_chain(model, X).table

    def product():
        return product_from_scratch(table, model.theta, v, X, y, some.loss)

    monkeypatch.setattr(_compiled_product, "ONE_THREAD", 100 * 5 * 4)
    assert product() is not None
    monkeypatch.setattr(_compiled_product, "ONE_THREAD", 100 * 5 * 4 - 1)
    assert product() is None
    check(some, model, X, y, v)


def _check_both_ways(model, X, y, loss, v, monkeypatch) -> None:
    monkeypatch.setenv("NNLIB_FUSED", "0")
    expected = hessian_vector_product(model, X, y, loss, v)
    chains._found.clear()
    monkeypatch.setenv("NNLIB_FUSED", "1")
    found = hessian_vector_product(model, X, y, loss, v)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=1e-12)


BAD = {
    "nan_in_rows": (lambda X, t: (X * np.nan, t), NonFiniteError, "predictions are nan"),
    "nan_in_targets": (lambda X, t: (X, t * np.nan), ArgumentError, "targets are nan"),
    "too_large": (lambda X, t: (X, t * 1e200), NonFiniteError, "targets reach"),
    "transposed": (lambda X, t: (X, t.T), ShapeError, "rows"),
    "features": (lambda X, t: (X[:, :4], t), ShapeError, r"expected \(N, 5\)"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_named(bad: str, rng, monkeypatch, requires_numba):
    monkeypatch.setenv("NNLIB_FUSED", "1")
    spoiled, error, message = BAD[bad]
    model, X, t = case("one_layer").build(rng), rng.normal(size=(9, 5)), rng.normal(size=(9, 3))

    with pytest.raises(error, match=message), np.errstate(over="ignore"):
        hessian_vector_product(model, *spoiled(X, t), MSE(), model.theta)
