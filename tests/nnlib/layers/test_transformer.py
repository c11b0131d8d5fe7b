"""The transformer block, and small models of all the layers for sequences."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from nnlib import SGD, ArgumentError, CrossEntropy, DtypeError, Linear, Sequential, ShapeError, fit
from nnlib.layers.embedding import Embedding
from nnlib.layers.layernorm import LayerNorm
from nnlib.layers.lstm import LSTM
from nnlib.layers.over_time import LastStep, MeanOverTime
from nnlib.layers.positions import PositionalEmbedding, PositionalEncoding
from nnlib.layers.recurrent import RNN
from nnlib.layers.tied import TiedLinear
from nnlib.layers.transformer import TransformerBlock
from tests.nnlib.test_dtype import spied, wide  # ruff: ignore[unused-import]  spied is a fixture


def language_model(**options) -> Sequential:
    words = Embedding(6, 8, rng=0, **options)
    return Sequential(
        words,
        PositionalEmbedding(5, 8, rng=1, **options),
        TransformerBlock(8, 2, 12, causal=True, rng=2, **options),
        LayerNorm(8, **options),
        LastStep(),
        TiedLinear(words),
    )


def zoo() -> Sequential:
    """Build a float32 model that holds every layer for sequences."""
    words = Embedding(6, 8, rng=0)
    return Sequential(
        words, PositionalEncoding(), PositionalEmbedding(5, 8, rng=1), RNN(8, 7, rng=2),
        LSTM(7, 8, rng=3), TransformerBlock(8, 2, 9, causal=True, dropout=0.1, rng=4),
        TiedLinear(words), MeanOverTime(), Linear(6, 3, rng=5),
    )  # fmt: skip


def test_the_future_does_not_change_the_past(rng):
    block, x = TransformerBlock(6, 2, 8, causal=True, rng=0), rng.normal(size=(2, 5, 6))
    y = block.forward(x)
    x[:, 3:] += 1.0

    np.testing.assert_array_equal(block.forward(x)[:, :3], y[:, :3])
    assert not np.triu(block.attention, 1).any()


def test_dropout_acts_in_training_only(rng):
    block, x = TransformerBlock(6, 2, 8, dropout=0.5, rng=0), rng.normal(size=(2, 5, 6))
    plain = TransformerBlock(6, 2, 8, rng=0)
    block.theta = plain.theta

    np.testing.assert_allclose(block.eval().forward(x), plain.forward(x), rtol=1e-6)  # float32
    block.train()
    assert (block.forward(x) != block.forward(x)).any()
    with block.frozen():
        np.testing.assert_array_equal(block.forward(x), block.forward(x))
    assert len(block.generators()) == 3
    assert len({id(generator) for generator in block.generators().values()}) == 3


def test_one_seed_gives_one_block(rng):
    x = rng.normal(size=(2, 5, 6))
    first, second = (TransformerBlock(6, 2, 8, dropout=0.3, rng=7) for _ in range(2))

    np.testing.assert_array_equal(first.forward(x), second.forward(x))


def test_a_tied_causal_model_learns_to_copy_the_first_word(rng):
    X = rng.integers(0, 6, (96, 5))
    model = language_model()

    history = fit(
        model, X, X[:, 0], loss=CrossEntropy(), optimizer=SGD(model, lr=0.05, momentum=0.9),
        epochs=40, batch_size=16, progress=False, rng=0,
    )  # fmt: skip

    assert history.accuracy[-1] > 0.95


def test_slices_in_reused_memory_give_the_gradient_of_the_whole(rng):
    model, loss = language_model(dtype=np.float64), CrossEntropy()
    X, y = rng.integers(0, 6, (11, 5)), np.arange(11) % 6
    value = loss.forward(model.forward(X), y)
    model.backward(loss.backward())
    expected = model.grad.copy()

    for _ in range(2):
        got, grad = model.loss_and_gradient(X, y, loss, rows_per_slice=4)
        np.testing.assert_allclose((got, *grad), (value, *expected), rtol=1e-10, atol=1e-14)


def test_the_hessian_product_is_the_difference_of_gradients(rng):
    model, loss = language_model(dtype=np.float64), CrossEntropy()
    X, y, v = rng.integers(0, 6, (4, 5)), np.arange(4), rng.normal(size=model.theta.size)
    theta, h = model.theta.copy(), 1e-5
    gradients = []
    for t in (h, -h):
        model.theta = theta + t * v
        gradients.append(model.loss_and_gradient(X, y, loss)[1].copy())
    model.theta = theta
    loss.forward(model.forward(X), y)
    model.backward(loss.backward())

    model.rbackward(loss.rbackward(model.rforward(None, v)))

    expected = (gradients[0] - gradients[1]) / (2 * h)
    np.testing.assert_allclose(model.grad_dot, expected, rtol=1e-5, atol=1e-7)  # h² and ε/h


def test_training_makes_no_float64(spied, rng):  # ruff: ignore[redefined-while-unused]
    model = zoo()
    X, y = rng.integers(0, 6, (11, 5)), np.arange(11) % 3

    fit(
        model, X, y, loss=CrossEntropy(), optimizer=SGD(model, lr=0.1), epochs=2, batch_size=4,
        progress=False, rng=0,
    )  # fmt: skip

    operations = {name for name, _ in spied}
    assert {"matmul", "tanh", "exp", "vecdot"} <= operations  # the spies were there
    assert wide(spied) == []


def test_a_copy_of_a_whole_model_trains_on_its_own(rng):
    model, loss = zoo().eval(), CrossEntropy()
    X, y = rng.integers(0, 6, (7, 5)), np.arange(7) % 3
    other = copy.deepcopy(model)
    expected = model.loss_and_gradient(X, y, loss)[1].copy()

    np.testing.assert_array_equal(other.loss_and_gradient(X, y, loss)[1], expected)
    other.theta -= 0.1 * other.grad
    np.testing.assert_array_equal(model.loss_and_gradient(X, y, loss)[1], expected)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((6, 4, 8), ArgumentError, "expected a number of heads that divides embed_dim"),
        ((6, 2, 0), ArgumentError, "TransformerBlock: hidden is 0"),
        ((6, 2, 8, False, 1.0), ArgumentError, r"dropout is 1\.0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        TransformerBlock(*arguments)


def test_wrong_dtype_and_shapes_are_refused():
    with pytest.raises(DtypeError, match=r"expected np\.float32 or np\.float64"):
        TransformerBlock(6, 2, 8, dtype=int)
    block = TransformerBlock(6, 2, 8, causal=True, dropout=0.25)
    name = r"TransformerBlock\(6, 2, 8, causal=True, dropout=0.25\)"
    for shape in ((5, 6), (2, 5, 4), (2, 0, 6)):
        with pytest.raises(ShapeError, match=rf"{name}\.forward: x has shape"):
            block.forward(np.ones(shape))
    with pytest.raises(ShapeError, match=rf"layer 1 {name} takes 6 features, but gets 4"):
        Sequential(Linear(3, 4), block)
