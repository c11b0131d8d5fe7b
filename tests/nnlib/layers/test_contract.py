"""What every layer does, by being listed in cases.py."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from nnlib import OrderError, Sequential, ShapeError, check_layer
from nnlib.layers import Layer
from tests.nnlib.layers.cases import CASES, LayerCase

every_layer = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

SAME = 1e-9  # relative; both sides compute in float64, whose rounding is near 1e-15


def filled(case: LayerCase, rng: np.random.Generator) -> Layer:
    """Build the layer with random parameters: a bias of zero would hide mistakes."""
    layer = case.build()
    layer.theta = rng.normal(size=layer.theta.shape)
    return layer


@every_layer
def test_output_and_gradients_equal_those_of_torch(case: LayerCase, rng):
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)
    parameters = {k: torch.tensor(v, requires_grad=True) for k, v in layer.state_dict().items()}
    x_torch = torch.tensor(x, requires_grad=True)
    y_torch = case.torch_function(x_torch, parameters)
    dy = rng.normal(size=y_torch.shape)
    y_torch.backward(torch.tensor(dy))

    y = layer.forward(x)
    dx = layer.backward(dy)

    np.testing.assert_allclose(y, y_torch.detach().numpy(), rtol=SAME, atol=1e-12)
    np.testing.assert_allclose(dx, x_torch.grad.numpy(), rtol=SAME, atol=1e-12)
    for p in layer.parameters():
        expected = parameters[p.name].grad.numpy().ravel()
        np.testing.assert_allclose(layer.grad[p.slice], expected, rtol=SAME, atol=1e-12)


@every_layer
def test_gradients_agree_with_differences_of_forward(case: LayerCase, rng):
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)

    check = check_layer(layer, x, rng=rng)

    assert check.relative_error < 1e-7  # a central difference in float64 is good to about 1e-9


@every_layer
def test_a_wrong_gradient_is_noticed(case: LayerCase, rng, monkeypatch):
    """The check above would be worth nothing if it passed anything."""
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)
    right = type(layer).backward
    monkeypatch.setattr(
        type(layer), "backward", lambda self, dy, **kw: 1.001 * right(self, dy, **kw)
    )

    check = check_layer(layer, x, rng=rng)

    assert not check.passed


@every_layer
def test_r_operator_is_the_derivative_of_forward_and_backward(case: LayerCase, rng):
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)
    dy = rng.normal(size=layer.forward(x).shape)
    v, x_dot, dy_dot = (rng.normal(size=a.shape) for a in (layer.theta, x, dy))
    theta, h = layer.theta.copy(), 1e-4

    def at(t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        layer.theta = theta + t * v
        y = layer.forward(x + t * x_dot)
        return y, layer.backward(dy + t * dy_dot), layer.grad.copy()

    y_dot, dx_dot, grad_dot = (
        (8 * (a - b) - (c - d)) / (12 * h)
        for a, b, c, d in zip(at(h), at(-h), at(2 * h), at(-2 * h), strict=True)
    )
    at(0.0)

    got_y_dot = layer.rforward(x_dot, v)
    got_dx_dot = layer.rbackward(dy_dot)

    # A difference of fourth order with h = 1e-4 leaves h⁴ ≈ 1e-16 and ε/h ≈ 1e-12 of the values.
    np.testing.assert_allclose(got_y_dot, y_dot, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(got_dx_dot, dx_dot, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(layer.grad_dot, grad_dot, rtol=1e-6, atol=1e-8)


@every_layer
def test_r_operator_takes_several_directions_at_once(case: LayerCase, rng):
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)
    dy = rng.normal(size=layer.forward(x).shape)
    layer.backward(dy)
    v = rng.normal(size=(9, *layer.theta.shape))
    x_dot, dy_dot = rng.normal(size=(9, *x.shape)), rng.normal(size=(9, *dy.shape))

    together = layer.rforward(x_dot, v), layer.rbackward(dy_dot), layer.grad_dot
    for k in range(9):
        alone = layer.rforward(x_dot[k], v[k]), layer.rbackward(dy_dot[k]), layer.grad_dot
        for many, one in zip(together, alone, strict=True):
            expected = many[k] if many.size else many
            np.testing.assert_allclose(one, expected, rtol=1e-12, atol=1e-13)


@every_layer
def test_accumulate_adds_to_the_gradient(case: LayerCase, rng):
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)
    dy = rng.normal(size=layer.forward(x).shape)
    layer.backward(dy)
    once = layer.grad.copy()

    layer.backward(dy, accumulate=True)

    np.testing.assert_allclose(layer.grad, 2 * once, rtol=1e-12)


@every_layer
def test_without_need_dx_only_parameters_get_gradients(case: LayerCase, rng):
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)
    dy = rng.normal(size=layer.forward(x).shape)
    layer.backward(dy)
    expected = layer.grad.copy()
    layer.zero_grad()

    assert layer.backward(dy, need_dx=False) is None
    np.testing.assert_array_equal(layer.grad, expected)


@every_layer
def test_calls_return_fresh_arrays_and_change_no_input(case: LayerCase, rng):
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)
    x_before = x.copy()
    y = layer.forward(x)
    dy = rng.normal(size=y.shape)
    dx = layer.backward(dy)
    y_before, dx_before, dy_before = y.copy(), dx.copy(), dy.copy()

    layer.forward(x + 1)
    layer.backward(dy)

    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(dy, dy_before)
    np.testing.assert_array_equal(y, y_before)
    np.testing.assert_array_equal(dx, dx_before)
    assert not np.shares_memory(y, x)
    assert not np.shares_memory(dx, dy)


@every_layer
def test_what_the_caller_does_with_x_and_y_does_not_reach_backward(case: LayerCase, rng):
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)
    y = layer.forward(x)
    dy = rng.normal(size=y.shape)
    expected = layer.backward(dy)
    expected_grad = layer.grad.copy()

    y = layer.forward(x)
    x[...], y[...] = 7.0, 9.0

    np.testing.assert_array_equal(layer.backward(dy), expected)
    np.testing.assert_array_equal(layer.grad, expected_grad)


@every_layer
def test_backward_before_forward_is_an_order_error(case: LayerCase):
    with pytest.raises(OrderError, match="forward has not run"):
        case.build().backward(np.zeros((2, 2)))


@every_layer
def test_dy_of_another_shape_is_a_shape_error(case: LayerCase, rng):
    layer = filled(case, rng)
    y = layer.forward(rng.normal(size=case.x_shape))
    layer.zero_grad()

    with pytest.raises(ShapeError, match="expected"):
        layer.backward(np.ones((*y.shape[:-1], y.shape[-1] + 1)))
    assert not layer.grad.any()


@pytest.mark.parametrize("case", [c for c in CASES if c.takes_rows], ids=lambda case: case.name)
def test_a_transposed_dy_is_recognized(case: LayerCase, rng):
    layer = filled(case, rng)
    y = layer.forward(rng.normal(size=case.x_shape))
    if y.ndim != 2:
        y = y.reshape(-1, y.shape[-1])
        layer.forward(rng.normal(size=(len(y), case.x_shape[-1])))

    with pytest.raises(ShapeError, match="It looks transposed"):
        layer.backward(np.ones(y.T.shape))


@every_layer
def test_float32_stays_float32(case: LayerCase, rng):
    layer = filled(case, rng).astype(np.float32)
    x = rng.normal(size=case.x_shape).astype(np.float32)

    y = layer.forward(x)
    dx = layer.backward(np.ones_like(y))
    y_dot = layer.rforward(x, layer.theta)
    dx_dot = layer.rbackward(np.ones_like(y))

    arrays = (y, dx, y_dot, dx_dot, layer.grad_dot, layer.theta, layer.grad)
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


@every_layer
def test_copies_and_pickles_are_equal_and_independent(case: LayerCase, rng):
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)
    expected = layer.forward(x)

    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):  # our own bytes
        other._frozen = layer._frozen  # which a copy never is
        np.testing.assert_array_equal(other.forward(x), expected)
        other.theta = 0.0
        np.testing.assert_array_equal(layer.forward(x), expected)


@every_layer
def test_a_model_of_the_one_layer_computes_the_same(case: LayerCase, rng):
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)
    y = layer.forward(x)
    dy = rng.normal(size=y.shape)
    dx = layer.backward(dy)
    grad = layer.grad.copy()
    model = Sequential(layer)

    np.testing.assert_array_equal(model.forward(x), y)
    np.testing.assert_array_equal(model.backward(dy), dx)
    np.testing.assert_array_equal(model.grad, grad)


@every_layer
def test_changes_of_another_shape_are_shape_errors_of_the_layer(case: LayerCase, rng):
    layer, x = filled(case, rng), rng.normal(size=case.x_shape)
    dy = np.ones_like(layer.forward(x))
    layer.backward(dy)
    if not case.takes_rows:
        return  # images: their layers check windows, not changes

    for wrong in (x[..., :1], x[:1], x[0], np.ones((*x.shape, 2)), 1.0):
        with pytest.raises(ShapeError, match=r"rforward: x_dot has shape .*, expected \(\.\.\., "):
            layer.rforward(wrong)
    layer.rforward(x)
    for wrong in (dy[..., :1], dy[:1], dy[0], np.ones((*dy.shape, 2)), 1.0):
        with pytest.raises(ShapeError, match=r"rbackward: dy_dot has shape .*expected \(\.\.\., "):
            layer.rbackward(wrong)


@every_layer
def test_an_empty_batch_passes(case: LayerCase, rng):
    layer = filled(case, rng)
    y = layer.forward(rng.normal(size=case.x_shape))
    if layer.couples_rows and layer.training:
        return  # it has no statistics

    empty = layer.forward(np.empty((0, *case.x_shape[1:])))
    dx = layer.backward(empty)

    assert empty.shape == (0, *y.shape[1:])
    assert dx.shape == (0, *case.x_shape[1:])
    assert not layer.grad.any()
