"""What every layer does, asked of the layers for sequences: floats first, then whole numbers."""

from __future__ import annotations

import copy
import inspect
import itertools
import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch

from nnlib import ArgumentError, DtypeError, OrderError, Sequential, ShapeError, check_layer
from nnlib.layers import Layer
from tests.nnlib.layers import test_contract as contract
from tests.nnlib.layers.cases_sequence import CASES, TOKEN_CASES, LayerCase, TokenCase

FACTS = [value for name, value in vars(contract).items() if name.startswith("test_")]

every_layer = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_token_layer = pytest.mark.parametrize("case", TOKEN_CASES, ids=lambda case: case.name)

SAME = 1e-9  # relative; both sides compute in float64, whose rounding is near 1e-15


def facts_of_layers() -> list[tuple[Callable[..., None], LayerCase]]:
    """Return each fact with each layer of which it says something: sequences have no transpose."""
    pairs = itertools.product(FACTS, CASES)
    return [
        (fact, case)
        for fact, case in pairs
        if fact is not contract.test_a_transposed_dy_is_recognized
        or case.build().forward(np.zeros(case.x_shape)).ndim == 2
    ]


@pytest.mark.parametrize(
    ("fact", "case"),
    facts_of_layers(),
    ids=lambda value: getattr(value, "name", getattr(value, "__name__", "").removeprefix("test_")),
)
def test_contract(fact, case: LayerCase, rng, monkeypatch):
    offered = {"case": case, "rng": rng, "monkeypatch": monkeypatch}
    wanted = inspect.signature(fact).parameters

    fact(**{name: offered[name] for name in wanted})


@every_layer
def test_r_operator_without_dx_leaves_the_same_change_of_the_gradient(case: LayerCase, rng):
    layer, x = contract.filled(case, rng), rng.normal(size=case.x_shape)
    y = layer.forward(x)
    layer.backward(rng.normal(size=y.shape))
    layer.rforward(None, rng.normal(size=layer.theta.shape))
    dy_dot = rng.normal(size=y.shape)
    layer.rbackward(dy_dot)
    expected = layer.grad_dot.copy()

    assert layer.rbackward(dy_dot, need_dx=False) is None
    np.testing.assert_array_equal(layer.grad_dot, expected)


# Layers that take whole numbers: no dx, and no change of x ----------------------------------------


def filled(case: TokenCase, rng: np.random.Generator) -> tuple[Layer, np.ndarray]:
    layer = case.build()
    layer.theta = rng.normal(size=layer.theta.shape)
    return layer, rng.integers(0, case.n_tokens, case.x_shape)


@every_token_layer
def test_output_and_gradients_equal_those_of_torch(case: TokenCase, rng):
    layer, x = filled(case, rng)
    parameters = {k: torch.tensor(v, requires_grad=True) for k, v in layer.state_dict().items()}
    y_torch = case.torch_function(torch.tensor(x), parameters)
    dy = rng.normal(size=y_torch.shape)
    y_torch.backward(torch.tensor(dy))

    y = layer.forward(x)
    dx = layer.backward(dy)

    assert dx is None
    np.testing.assert_allclose(y, y_torch.detach().numpy(), rtol=SAME, atol=1e-12)
    for p in layer.parameters():
        expected = parameters[p.name].grad.numpy().ravel()
        np.testing.assert_allclose(layer.grad[p.slice], expected, rtol=SAME, atol=1e-12)


@every_token_layer
def test_gradients_agree_with_differences_of_forward(case: TokenCase, rng, monkeypatch):
    layer, x = filled(case, rng)

    assert check_layer(layer, x, rng=rng).relative_error < 1e-7  # differences are good to 1e-9

    right = type(layer).backward

    def wrong(self, dy, **options):
        dx = right(self, dy, **options)
        self.grad *= 1.001
        return dx

    monkeypatch.setattr(type(layer), "backward", wrong)
    assert not check_layer(layer, x, rng=rng).passed


@every_token_layer
def test_r_operator_is_the_derivative_of_forward_and_backward(case: TokenCase, rng):
    layer, x = filled(case, rng)
    dy = rng.normal(size=layer.forward(x).shape)
    v, dy_dot = (rng.normal(size=a.shape) for a in (layer.theta, dy))
    theta, h = layer.theta.copy(), 1e-4

    def at(t: float) -> tuple[np.ndarray, np.ndarray]:
        layer.theta = theta + t * v
        y = layer.forward(x)
        layer.backward(dy + t * dy_dot)
        return y, layer.grad.copy()

    y_dot, grad_dot = (
        (8 * (a - b) - (c - d)) / (12 * h)
        for a, b, c, d in zip(at(h), at(-h), at(2 * h), at(-2 * h), strict=True)
    )
    at(0.0)

    got_y_dot = layer.rforward(None, v)
    got_dx_dot = layer.rbackward(dy_dot)

    # A difference of fourth order with h = 1e-4 leaves h⁴ ≈ 1e-16 and ε/h ≈ 1e-12 of the values.
    assert got_dx_dot is None
    np.testing.assert_allclose(got_y_dot, y_dot, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(layer.grad_dot, grad_dot, rtol=1e-6, atol=1e-8)


@every_token_layer
def test_r_operator_takes_several_directions_at_once(case: TokenCase, rng):
    layer, x = filled(case, rng)
    dy = rng.normal(size=layer.forward(x).shape)
    layer.backward(dy)
    v, dy_dot = rng.normal(size=(9, *layer.theta.shape)), rng.normal(size=(9, *dy.shape))

    y_dot, _, grad_dot = layer.rforward(None, v), layer.rbackward(dy_dot), layer.grad_dot

    for k in range(9):
        np.testing.assert_allclose(layer.rforward(None, v[k]), y_dot[k], rtol=1e-12, atol=1e-13)
        layer.rbackward(dy_dot[k])
        np.testing.assert_allclose(layer.grad_dot, grad_dot[k], rtol=1e-12, atol=1e-13)


@every_token_layer
def test_accumulate_adds_and_its_absence_overwrites(case: TokenCase, rng):
    layer, x = filled(case, rng)
    dy = rng.normal(size=layer.forward(x).shape)
    layer.backward(dy)
    once = layer.grad.copy()

    layer.backward(dy, accumulate=True)
    np.testing.assert_allclose(layer.grad, 2 * once, rtol=1e-12, atol=1e-14)

    layer.backward(dy, need_dx=False)
    np.testing.assert_array_equal(layer.grad, once)


@every_token_layer
def test_what_the_caller_does_with_arrays_does_not_reach_backward(case: TokenCase, rng):
    layer, x = filled(case, rng)
    x_before = x.copy()
    y = layer.forward(x)
    dy = rng.normal(size=y.shape)
    layer.backward(dy)
    expected = layer.grad.copy()

    y = layer.forward(x)
    np.testing.assert_array_equal(x, x_before)
    x[...], y[...] = 0, 9.0
    layer.backward(dy)

    np.testing.assert_array_equal(layer.grad, expected)


@every_token_layer
def test_calls_out_of_order_and_wrong_shapes_are_refused(case: TokenCase, rng):
    layer, x = filled(case, rng)
    with pytest.raises(OrderError, match="forward has not run"):
        layer.backward(np.zeros((2, 2)))
    y = layer.forward(x)
    layer.zero_grad()

    with pytest.raises(ShapeError, match="expected"):
        layer.backward(np.ones((*y.shape[:-1], y.shape[-1] + 1)))

    assert not layer.grad.any()


@every_token_layer
def test_float32_stays_float32(case: TokenCase, rng):
    layer, x = filled(case, rng)
    layer = layer.astype(np.float32)

    y = layer.forward(x)
    layer.backward(np.ones_like(y))
    y_dot = layer.rforward(None, layer.theta)
    layer.rbackward(np.ones_like(y))

    arrays = (y, y_dot, layer.grad_dot, layer.theta, layer.grad)
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


@every_token_layer
def test_copies_pickles_and_models_compute_the_same(case: TokenCase, rng):
    layer, x = filled(case, rng)
    expected = layer.forward(x)
    dy = rng.normal(size=expected.shape)
    layer.backward(dy)
    grad = layer.grad.copy()

    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):  # our own bytes
        np.testing.assert_array_equal(other.forward(x), expected)
        other.backward(dy)
        np.testing.assert_array_equal(other.grad, grad)
        other.theta = 0.0
        np.testing.assert_array_equal(layer.forward(x), expected)

    model = Sequential(layer)
    np.testing.assert_array_equal(model.forward(x), expected)
    assert model.backward(dy) is None
    np.testing.assert_array_equal(model.grad, grad)


@every_token_layer
def test_whole_floats_and_lists_are_taken(case: TokenCase, rng):
    layer, x = filled(case, rng)
    expected = layer.forward(x)

    for same in (x.astype(np.float32), x.astype(np.float64), x.astype(np.uint8), x.tolist()):
        np.testing.assert_array_equal(layer.forward(same), expected)


@every_token_layer
@pytest.mark.parametrize("bad", [0.5, np.nan, np.inf, -np.inf, 1e30])
def test_floats_that_are_not_whole_are_refused(case: TokenCase, bad, rng):
    layer, x = filled(case, rng)
    x = x.astype(float)
    x[(-1,) * x.ndim] = bad

    with pytest.raises(DtypeError, match="expected whole numbers"):
        layer.forward(x)


@every_token_layer
def test_numbers_outside_the_table_are_named(case: TokenCase, rng):
    layer, x = filled(case, rng)
    for bad in (-1, case.n_tokens):
        x[(-1,) * x.ndim] = bad
        with pytest.raises(ArgumentError, match=rf"x holds {bad} at .*expected 0 to"):
            layer.forward(x)
