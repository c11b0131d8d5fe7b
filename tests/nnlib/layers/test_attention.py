"""Attention: equal to PyTorch on any shape, blind to the future, and readable."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib import ArgumentError, Linear, OrderError, Sequential, ShapeError
from nnlib.layers.attention import MultiHeadAttention, ScaledDotProductAttention
from tests.nnlib.layers.cases_sequence import attention_in_torch


@settings(max_examples=25)
@given(data=st.data())
def test_any_shape_equals_torch(data):
    N, T, heads, d = (data.draw(st.integers(1, top)) for top in (4, 7, 3, 4))
    causal, bias = data.draw(st.booleans()), data.draw(st.booleans())
    D, rng = heads * d, np.random.default_rng(data.draw(st.integers(0, 99)))
    layer = MultiHeadAttention(D, heads, causal, bias, rng=0, dtype=np.float64)
    layer.theta = rng.normal(size=layer.theta.shape)
    p = {k: torch.tensor(v, requires_grad=True) for k, v in layer.state_dict().items()}
    x = rng.normal(size=(N, T, D))
    x_torch = torch.tensor(x, requires_grad=True)
    y_torch = attention_in_torch(D, heads, causal=causal, bias=bias)(x_torch, p)
    dy = rng.normal(size=y_torch.shape)
    y_torch.backward(torch.tensor(dy))

    y, dx = layer.forward(x), layer.backward(dy)

    np.testing.assert_allclose(y, y_torch.detach().numpy(), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(dx, x_torch.grad.numpy(), rtol=1e-9, atol=1e-10)
    for parameter in layer.parameters():
        expected = p[parameter.name].grad.numpy().ravel()
        np.testing.assert_allclose(layer.grad[parameter.slice], expected, rtol=1e-9, atol=1e-10)


def test_the_weights_are_those_of_torch(rng):
    layer = MultiHeadAttention(6, 3, rng=0, dtype=np.float64)
    module = torch.nn.MultiheadAttention(6, 3, batch_first=True, dtype=torch.float64)
    module.load_state_dict({
        "in_proj_weight": torch.tensor(layer.layers[0].W.T.copy()),
        "in_proj_bias": torch.tensor(layer.layers[0].b),
        "out_proj.weight": torch.tensor(layer.layers[2].W.T.copy()),
        "out_proj.bias": torch.tensor(layer.layers[2].b),
    })
    x = rng.normal(size=(2, 5, 6))
    x_torch = torch.tensor(x)
    expected = module(x_torch, x_torch, x_torch, average_attn_weights=False)[1]

    layer.forward(x)

    np.testing.assert_allclose(layer.attention, expected.detach().numpy(), rtol=1e-9)
    layer.attention[...] = 7.0  # a copy
    np.testing.assert_allclose(layer.attention.sum(axis=-1), 1.0, rtol=1e-12)


def test_the_future_does_not_change_the_past(rng):
    layer, x = MultiHeadAttention(4, 2, causal=True, rng=0), rng.normal(size=(3, 6, 4))
    y = layer.forward(x)
    assert not np.triu(layer.attention, 1).any()
    x[:, 4:] *= 100.0

    changed = layer.forward(x)
    dx = layer.backward(np.concatenate([np.ones((3, 2, 4)), np.zeros((3, 4, 4))], axis=1))

    np.testing.assert_array_equal(changed[:, :4], y[:, :4])
    assert dx[:, :2].any()
    assert not dx[:, 2:].any()


def test_huge_scores_do_not_overflow():
    layer = ScaledDotProductAttention(1, causal=True)
    x = np.array([[[1e3, 1e3, 1.0], [-1e3, 1e3, 2.0], [1e3, -1e3, 3.0]]], np.float32)

    y = layer.forward(x)
    dx = layer.backward(np.ones_like(y))

    np.testing.assert_allclose(y.ravel(), [1.0, 1.5, 1.5], rtol=1e-6)  # float32
    assert np.isfinite(dx).all()


def test_without_positions_the_order_of_steps_does_not_matter(rng):
    layer, x = MultiHeadAttention(4, 2, rng=0, dtype=np.float64), rng.normal(size=(2, 5, 4))
    order = rng.permutation(5)

    np.testing.assert_allclose(layer.forward(x[:, order]), layer.forward(x)[:, order], rtol=1e-12)


def test_a_longer_sequence_may_follow_a_shorter_one(rng):
    layer, x = MultiHeadAttention(4, 2, causal=True, rng=0), rng.normal(size=(2, 7, 4))

    first = layer.forward(x[:, :3])

    np.testing.assert_allclose(layer.forward(x)[:, :3], first, rtol=1e-5, atol=1e-6)  # float32


def test_the_r_operator_without_a_change_of_the_input(rng):
    layer = ScaledDotProductAttention(2)
    y = layer.forward(rng.normal(size=(2, 3, 12)))
    dy = rng.normal(size=y.shape)
    expected = layer.backward(dy)

    assert layer.rforward(None) is None
    dx_dot = layer.rbackward(dy)  # backward is linear in dy
    assert layer.rbackward(dy, need_dx=False) is None

    np.testing.assert_allclose(dx_dot, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((6, 4), "embed_dim is 6 and num_heads is 4, expected a number of heads that divides"),
        ((0, 1), "embed_dim is 0"),
        ((6, 0), "num_heads is 0"),
    ],
)
def test_heads_that_do_not_divide_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        MultiHeadAttention(*arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (5, 4),
            r"MultiHeadAttention\(4, 2\)\.forward: x has shape \(5, 4\), expected \(N, T, 4\)",
        ),
        ((3, 5, 6), r"x has shape \(3, 5, 6\), expected \(N, T, 4\)"),
        ((3, 0, 4), "at least one step"),
    ],
)
def test_wrong_inputs_are_refused(shape, message):
    with pytest.raises(ShapeError, match=message):
        MultiHeadAttention(4, 2).forward(np.ones(shape))


def test_the_core_asks_for_queries_keys_and_values():
    core = ScaledDotProductAttention(2)

    for width in (4, 9):
        with pytest.raises(ShapeError, match=rf"x has {width} features, expected 3 D"):
            core.forward(np.ones((1, 2, width)))
        with pytest.raises(ShapeError, match=rf"a multiple of 2, but gets {width}"):
            Sequential(Linear(5, width), core)
    with pytest.raises(OrderError, match="forward has not run"):
        _ = core.attention


def test_a_model_checks_the_features_between_layers():
    with pytest.raises(ShapeError, match=r"gets 6. Write MultiHeadAttention\(6, 2\)"):
        Sequential(Linear(3, 6), MultiHeadAttention(4, 2))
    layer = MultiHeadAttention(4, 2, causal=True, bias=False)
    assert repr(layer) == "MultiHeadAttention(4, 2, causal=True, bias=False)"
