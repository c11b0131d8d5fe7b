"""Statistics by hand, and on networks built to show a symptom."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib.diagnostics import activation_statistics, dead_units, saturation
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers import ReLU, Sequential, Sigmoid, Tanh
from nnlib.layers.batchnorm import BatchNorm1d
from nnlib.layers.conv import Conv2d
from nnlib.layers.dropout import Dropout
from nnlib.losses import MSE
from tests.nnlib.diagnostics.cases import linear, network


def test_statistics_are_those_of_the_outputs(rng):
    model, X = network(), rng.normal(size=(50, 4))
    h = np.maximum(X @ model.layers[0].W + model.layers[0].b, 0)
    inner = model.layers[2].layers[0]
    a = np.tanh(h @ inner.W + inner.b)

    found = activation_statistics(model, X)

    assert list(found) == ["1", "2.1"]
    assert found["1"].mean == pytest.approx(h.mean(), rel=1e-12)
    assert found["1"].std == pytest.approx(h.std(), rel=1e-12)
    assert found["1"].dead == (h == 0).all(axis=0).mean()
    assert found["2.1"].layer == "Tanh"
    assert found["2.1"].saturated == pytest.approx(np.mean(1 - a**2 < 0.1))
    assert not found["1"].saturated
    assert not found["2.1"].dead


def test_biases_far_below_zero_kill_units(rng):
    model, X = network(), rng.normal(size=(40, 4))
    assert not dead_units(model, X)["1"].all()
    model.layers[0].b = [0.0, -100.0, 0.0, -100.0, -100.0]

    dead = dead_units(model, X)

    np.testing.assert_array_equal(dead["1"][[1, 3, 4]], True)
    assert list(dead) == ["1"]
    model.loss_and_gradient(X, rng.normal(size=(40, 2)), MSE())
    assert not model.layers[0].dW[:, [1, 3, 4]].any()  # nothing reaches them any more


def test_a_unit_of_an_image_is_a_channel(rng):
    model = Sequential(Conv2d(1, 3, 2, rng=1, dtype=np.float64), ReLU())
    model.layers[0].b = [0.0, -100.0, 0.0]

    dead = dead_units(model, rng.normal(size=(4, 5, 5, 1)))

    assert dead["1"].tolist() == [False, True, False]


def test_saturation_is_where_the_slope_is_small():
    """σ'(z) < 0.1 · ¼ for |z| > 3.638, and 1 − tanh²z < 0.1 for |z| > 1.819."""
    assert saturation(Sigmoid(), [[3.6, -3.7, 3.7, 0.0]]) == {"": 0.5}
    assert saturation(Tanh(), [[1.8, -1.83, 1.83, 0.0]]) == {"": 0.5}
    assert saturation(Tanh(), [[0.0, 0.1]], threshold=0.999) == {"": 0.5}
    assert saturation(ReLU(), [[0.0, 0.1]]) == {}


def test_looking_changes_nothing(rng):
    model = Sequential(
        linear(4, 6), BatchNorm1d(6, dtype=np.float64), Tanh(), Dropout(0.5, rng=1), linear(6, 2)
    )
    X = rng.normal(size=(8, 4))
    model.forward(X)
    dy = rng.normal(size=(8, 2))
    expected = model.backward(dy)
    state = {name: value.copy() for name, value in model.state_dict().items()}
    generator = model.generators()["3.rng"].bit_generator.state

    activation_statistics(model, X + 1)
    dead_units(model, X + 1)

    np.testing.assert_array_equal(model.backward(dy), expected)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, state[name])
    assert model.generators()["3.rng"].bit_generator.state == generator


def test_bad_input_is_named(rng):
    model = network()
    with pytest.raises(DtypeError, match="expected a model or layer"):
        dead_units("model", [[1.0]])
    with pytest.raises(ShapeError, match="at least one row"):
        activation_statistics(model, np.empty((0, 4)))
    with pytest.raises(ShapeError, match=r"expected \(N, 4\)"):
        dead_units(model, np.ones((3, 5)))
    with pytest.raises(ArgumentError, match="threshold is 1"):
        saturation(model, np.ones((3, 4)), threshold=1.0)
