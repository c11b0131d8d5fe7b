"""RNN and LSTM: equal to PyTorch on any shape, causal, and right about what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib import ArgumentError, DtypeError, Linear, Sequential, ShapeError
from nnlib.initializers import zeros
from nnlib.layers._recurrence import Recurrent
from nnlib.layers.embedding import Embedding
from nnlib.layers.lstm import LSTM
from nnlib.layers.positions import PositionalEmbedding
from nnlib.layers.recurrent import RNN
from tests.nnlib.layers.cases_sequence import recurrent_in_torch

both = pytest.mark.parametrize("kind", [RNN, LSTM])


@both
@settings(max_examples=25)
@given(data=st.data())
def test_any_shape_equals_torch(kind: type[Recurrent], data):
    N, T, D, H = (data.draw(st.integers(1, top)) for top in (5, 9, 4, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    last = data.draw(st.booleans())
    layer = kind(D, H, return_sequences=not last, rng=0, dtype=np.float64)
    layer.theta = rng.normal(size=layer.theta.shape)
    module = getattr(torch.nn, kind.__name__)(D, H, batch_first=True)
    p = {k: torch.tensor(v, requires_grad=True) for k, v in layer.state_dict().items()}
    x = rng.normal(size=(N, T, D))
    x_torch = torch.tensor(x, requires_grad=True)
    y_torch = recurrent_in_torch(module, last=last)(x_torch, p)
    dy = rng.normal(size=y_torch.shape)
    y_torch.backward(torch.tensor(dy))

    y, dx = layer.forward(x), layer.backward(dy)

    np.testing.assert_allclose(y, y_torch.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dx, x_torch.grad.numpy(), rtol=1e-9, atol=1e-12)
    for name in ("Wx", "Wh", "b"):
        got, expected = getattr(layer, f"d{name}"), p[name].grad.numpy()
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@both
def test_later_steps_do_not_reach_earlier_ones(kind: type[Recurrent], rng):
    layer, x = kind(3, 4, rng=0), rng.normal(size=(2, 6, 3))
    y = layer.forward(x)
    x[:, 4:] += 1.0

    changed = layer.forward(x)

    np.testing.assert_array_equal(changed[:, :4], y[:, :4])
    assert (changed[:, 4:] != y[:, 4:]).any()


@both
def test_the_last_state_is_the_end_of_the_sequence(kind: type[Recurrent], rng):
    x = rng.normal(size=(3, 5, 2))

    all_steps = kind(2, 4, rng=0).forward(x)
    last = kind(2, 4, return_sequences=False, rng=0).forward(x)

    np.testing.assert_array_equal(last, all_steps[:, -1])


@both
def test_no_rows_give_no_output_and_no_gradient(kind: type[Recurrent]):
    layer = kind(3, 2, rng=0)

    y = layer.forward(np.empty((0, 5, 3)))
    dx = layer.backward(y)

    assert (y.shape, dx.shape) == ((0, 5, 2), (0, 5, 3))
    assert not layer.grad.any()


@both
def test_large_numbers_saturate_without_a_warning(kind: type[Recurrent]):
    layer = kind(1, 2, rng=0)
    layer.Wx = 1e4

    y = layer.forward([[[1.0], [-1.0]]])
    dx = layer.backward(np.ones_like(y))

    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()


def test_starting_values():
    lstm, rnn = LSTM(5, 4, rng=0), RNN(5, 4, init=zeros)

    np.testing.assert_array_equal(lstm.b, [0] * 4 + [1] * 4 + [0] * 8)  # the forget gate is open
    assert 0.4 < abs(lstm.Wx).max() <= 0.5  # 1 / √4
    assert lstm.decay_mask.sum() == (5 + 4) * 16
    assert not rnn.theta.any()


@both
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 3), r"expected \(N, T, 3\)\. One sequence is a batch too"),
        ((2, 4), r"x has shape \(2, 4\), expected \(N, T, 3\)\.$"),
        ((2, 0, 3), "A sequence has at least one step"),
        ((2, 5, 4), r"x has shape \(2, 5, 4\), expected \(N, T, 3\)\.$"),
        ((2, 3, 4), r"It looks transposed: x\.swapaxes\(1, 2\)"),
        ((2, 5, 4, 3), r"expected \(N, T, 3\)"),
    ],
)
def test_wrong_inputs_are_refused(kind: type[Recurrent], shape, message):
    layer = kind(3, 2, rng=0)
    y = layer.forward(np.ones((1, 2, 3)))

    with pytest.raises(ShapeError, match=message):
        layer.forward(np.ones(shape))

    assert layer.backward(y) is not None  # the refusal did not touch what the last forward kept


@both
def test_a_series_of_numbers_is_told_its_missing_axis(kind: type[Recurrent]):
    with pytest.raises(ShapeError, match=r"Steps of one number each are x\[\.\.\., np\.newaxis\]"):
        kind(1, 2).forward(np.ones((4, 9)))


@both
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"input_size": 0}, ArgumentError, "input_size is 0"),
        ({"hidden_size": 2.5}, ArgumentError, "hidden_size is 2.5"),
        ({"rng": "seed"}, ArgumentError, "rng is 'seed'"),
        ({"dtype": np.int32}, DtypeError, "expected np.float32 or np.float64"),
    ],
)
def test_wrong_arguments_are_refused(kind: type[Recurrent], options, error, message):
    with pytest.raises(error, match=message):
        kind(**{"input_size": 2, "hidden_size": 3, **options})


def test_an_unknown_nonlinearity_is_refused():
    with pytest.raises(ArgumentError, match="nonlinearity is 'gelu', expected 'tanh' or 'relu'"):
        RNN(2, 3, "gelu")


@both
def test_a_model_checks_the_features_between_layers(kind: type[Recurrent]):
    name = kind.__name__
    with pytest.raises(ShapeError, match=rf"takes 3 features, but gets 4. Write {name}\(4, 5\)"):
        Sequential(Linear(2, 4), kind(3, 5))
    with pytest.raises(ShapeError, match="takes 6 features, but gets 5"):
        Sequential(kind(3, 5), Linear(6, 1))


def test_repr_says_what_was_built():
    assert repr(RNN(2, 3, "relu")) == "RNN(2, 3, nonlinearity='relu')"
    assert repr(LSTM(2, 3, return_sequences=False)) == "LSTM(2, 3, return_sequences=False)"


@pytest.mark.parametrize(
    "build",
    [
        lambda init: Embedding(4, 3, init=init),
        lambda init: PositionalEmbedding(4, 3, init=init),
        lambda init: RNN(4, 3, init=init),
        lambda init: LSTM(4, 3, init=init),
        lambda init: Linear(4, 3, init=init),
    ],
    ids=["Embedding", "PositionalEmbedding", "RNN", "LSTM", "Linear"],
)
def test_starting_values_are_checked(build):
    for init in (0, "he", None, np.zeros((4, 3))):
        with pytest.raises(ArgumentError, match=r"(?s)\(4, 3\): init is .*, expected a function"):
            build(init)
    for shape in ((3, 4), (12,), ()):
        with pytest.raises(ShapeError, match=r"what init returned has shape .*expected \(4, 3\)"):
            build(lambda fan_in, fan_out, rng, shape=shape: np.zeros(shape))
    with pytest.raises(DtypeError, match="what init returned: dtype is"):
        build(lambda fan_in, fan_out, rng: None)
