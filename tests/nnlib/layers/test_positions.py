"""Positions, and the ways from a sequence to one vector."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import ArgumentError, Linear, Sequential, ShapeError
from nnlib.layers.over_time import LastStep, MeanOverTime
from nnlib.layers.positions import PositionalEmbedding, PositionalEncoding


def test_a_fixed_distance_is_a_fixed_rotation():
    p = PositionalEncoding().forward(np.zeros((1, 9, 6)))[0].astype(np.float64)
    z = p[:, 1::2] + 1j * p[:, ::2]  # cos + i sin

    np.testing.assert_allclose(z[3:] / z[:-3], np.tile((z[3] / z[0]), (6, 1)), atol=1e-12)
    np.testing.assert_allclose(np.angle(z[1]), 10000.0 ** (-np.arange(3) / 3), rtol=1e-12)


def test_the_table_follows_shape_and_type(rng):
    layer, x = PositionalEncoding(), rng.normal(size=(2, 5, 4))

    long = layer.forward(x) - x
    short = layer.forward(x[:, :3]) - x[:, :3]

    np.testing.assert_allclose(short, long[:, :3], rtol=1e-12, atol=1e-15)
    assert layer.forward(x.astype(np.float32)).dtype == np.float32


def test_positions_that_do_not_occur_get_no_gradient(rng):
    layer, dy = PositionalEmbedding(5, 2, rng=0, dtype=np.float64), rng.normal(size=(3, 4, 2))
    layer.grad = 7.0
    layer.forward(rng.normal(size=dy.shape))

    layer.backward(dy)
    np.testing.assert_allclose(layer.dW, [*dy.sum(axis=0), [0.0, 0.0]])
    layer.backward(dy[:, ::-1], accumulate=True)
    np.testing.assert_allclose(layer.dW, [*(dy + dy[:, ::-1]).sum(axis=0), [0.0, 0.0]])


def test_the_r_operator_of_positions_without_a_change_of_the_input(rng):
    learned, fixed = PositionalEmbedding(5, 2, rng=0), PositionalEncoding()
    x, v = np.zeros((3, 4, 2), np.float32), rng.normal(size=(6, 10))
    learned.forward(x)
    fixed.forward(x)

    y_dot = learned.rforward(None, v)

    np.testing.assert_allclose(y_dot[2, 1], v[2, :8].reshape(4, 2), rtol=1e-6)  # float32
    assert fixed.rforward(None) is None


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (PositionalEmbedding(4, 3), (2, 5, 3), "x has 5 steps, expected at most 4"),
        (PositionalEmbedding(4, 3), (2, 4, 5), r"expected \(N, T, 3\)"),
        (PositionalEncoding(), (4, 3), r"expected \(N, T, D\)"),
        (PositionalEncoding(), (2, 0, 3), "at least one step"),
        (MeanOverTime(), (2, 0, 3), "at least one step"),
        (LastStep(), (4, 3), "One sequence is a batch too"),
    ],
)
def test_wrong_inputs_are_refused(layer, shape, message):
    with pytest.raises(ShapeError, match=message):
        layer.forward(np.ones(shape))


def test_a_model_checks_the_features_between_layers():
    with pytest.raises(ShapeError, match="takes 3 features, but gets 4"):
        Sequential(Linear(2, 4), PositionalEncoding(), PositionalEmbedding(7, 3))
    with pytest.raises(ShapeError, match="takes 5 features, but gets 4"):
        Sequential(Linear(2, 4), MeanOverTime(), Linear(5, 1))
    with pytest.raises(ArgumentError, match="max_length is 0"):
        PositionalEmbedding(0, 3)


def test_mean_and_last_step_without_a_change_of_the_input():
    for layer in (MeanOverTime(), LastStep()):
        layer.forward(np.ones((2, 3, 4)))
        assert layer.rforward(None) is None
        assert layer.rbackward(np.ones((2, 4)), need_dx=False) is None
