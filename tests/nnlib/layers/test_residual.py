"""The shortcut: what it adds, and when shapes forbid it."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import CrossEntropy, Linear, ReLU, Sequential, ShapeError, SharedLayerError, Tanh
from nnlib.layers.over_time import MeanOverTime
from nnlib.layers.residual import Residual


def test_with_f_zero_values_and_gradients_pass_unchanged(rng):
    block = Residual(Linear(3, 5), Tanh(), Linear(5, 3))
    block.theta = 0.0
    x, dy = rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=(4, 3))

    np.testing.assert_array_equal(block.forward(x), x)
    np.testing.assert_array_equal(block.backward(dy), dy.astype(np.float32))


def test_blocks_nest_and_train_in_reused_memory(rng):
    """In a workspace nothing is copied, so a layer that changed what it is lent would show."""
    model = Sequential(
        Linear(4, 5, rng=0, dtype=np.float64),
        Residual(Tanh(), Residual(Linear(5, 5, rng=1, dtype=np.float64), Tanh()), ReLU()),
        Residual(Tanh()),
        Linear(5, 3, rng=2, dtype=np.float64),
    )
    loss, X, y = CrossEntropy(), rng.normal(size=(9, 4)), np.arange(9) % 3
    value = loss.forward(model.forward(X), y)
    model.backward(loss.backward())
    expected = model.grad.copy()

    for _ in range(2):
        got, grad = model.loss_and_gradient(X, y, loss, rows_per_slice=4)
        np.testing.assert_allclose((got, *grad), (value, *expected), rtol=1e-12, atol=1e-15)


def test_the_r_operator_without_parameters_or_changes(rng):
    block = Residual(Tanh())
    x = rng.normal(size=(2, 3))
    block.forward(x)

    assert block.rforward(None, None) is None
    np.testing.assert_allclose(block.rforward(x), x + (1 - np.tanh(x) ** 2) * x, rtol=1e-12)


def test_the_r_operator_refuses_a_wrong_direction():
    block = Residual(Linear(2, 2))
    block.forward(np.ones((1, 2)))

    with pytest.raises(ShapeError, match=r"Residual\.rforward: v has shape \(5,\), expected"):
        block.rforward(None, np.ones(5))


def test_a_shape_that_changes_is_refused():
    with pytest.raises(ShapeError, match="takes 3 features and its layers put out 4"):
        Sequential(Linear(2, 3), Residual(Linear(3, 4)))
    with pytest.raises(ShapeError, match=r"x has shape \(2, 3\) and f\(x\) has shape \(2, 4\)"):
        Residual(Linear(3, 4)).forward(np.ones((2, 3)))
    with pytest.raises(ShapeError, match="Choose sizes, padding or stride"):
        Residual(MeanOverTime()).forward(np.ones((2, 3, 4)))


def test_the_shortcut_passes_features_on():
    with pytest.raises(ShapeError, match="takes 5 features, but gets 3"):
        Sequential(Linear(2, 3), Residual(Tanh()), Linear(5, 1))


def test_a_layer_belongs_to_one_block():
    layer = Linear(3, 3)
    Residual(layer)

    with pytest.raises(SharedLayerError, match="belongs to another model"):
        Residual(layer)
