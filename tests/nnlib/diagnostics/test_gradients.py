"""Lengths and ratios by hand, gains by brute force and in deep networks."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib.diagnostics import gradient_gain, gradient_norms, update_ratio, weight_norms
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers import LeakyReLU, Linear, ReLU, Sequential, Sigmoid
from nnlib.layers.dropout import Dropout
from nnlib.losses import MSE
from tests.nnlib.diagnostics.cases import linear, network


def test_norms_are_those_of_each_parameter_and_layer(rng):
    model = network()
    model.loss_and_gradient(rng.normal(size=(6, 4)), rng.normal(size=(6, 2)), MSE())

    gradients, layers = gradient_norms(model), gradient_norms(model, by="layer")
    weights = weight_norms(model)

    assert list(gradients) == ["0.W", "0.b", "2.0.W", "2.0.b", "3.W", "3.b"]
    assert gradients["2.0.W"] == pytest.approx(np.sqrt(np.sum(model.layers[2].layers[0].dW ** 2)))
    assert weights["3.W"] == pytest.approx(np.linalg.norm(model.layers[3].W), rel=1e-12)
    assert list(layers) == ["0", "2.0", "3"]
    assert layers["0"] == pytest.approx(np.hypot(gradients["0.W"], gradients["0.b"]), rel=1e-12)
    whole = np.sqrt(sum(norm**2 for norm in gradients.values()))
    assert whole == pytest.approx(np.linalg.norm(model.grad), rel=1e-12)


def test_update_ratio_is_the_part_that_moved():
    model = Sequential(linear(2, 1))
    model.theta = [3.0, 4.0, 0.0]
    before = model.theta.copy()
    model.theta = [3.0, 3.0, 0.5]

    ratios = update_ratio(model, before)

    assert ratios == {"0.W": pytest.approx(1 / np.sqrt(18)), "0.b": pytest.approx(1.0)}
    assert update_ratio(model, model.theta) == {"0.W": 0.0, "0.b": 0.0}
    model.theta = 0.0
    assert update_ratio(model, before) == {"0.W": np.inf, "0.b": 0.0}


@pytest.mark.parametrize(
    ("activation", "slope"),
    [
        ("relu", lambda z: (z > 0).astype(float)),
        ("tanh", lambda z: 1 / np.cosh(z) ** 2),
        ("sigmoid", lambda z: 0.25 / np.cosh(z / 2) ** 2),
        (LeakyReLU(0.2), lambda z: np.where(z > 0, 1.0, 0.2)),
    ],
    ids=["relu", "tanh", "sigmoid", "leaky_relu"],
)
@pytest.mark.parametrize("var_w", [0.01, 4.0])
def test_gain_is_the_mean_over_random_inputs(activation, slope, var_w, rng):
    z = np.sqrt(30 * var_w) * rng.normal(size=400_000)

    gain = gradient_gain(30, 20, var_w, activation)

    samples = slope(z) ** 2 * 20 * var_w
    error = samples.std() / np.sqrt(len(samples))
    assert abs(gain - samples.mean()) < 5 * error


def test_gain_predicts_the_gradient_through_a_deep_network(rng):
    """Fifteen linear layers whose weights are half of what keeps the gradient."""
    width, depth, var_w = 60, 15, 0.5 / 60
    gain = gradient_gain(width, width, var_w)
    dy = rng.normal(size=(200, width))

    before = np.mean(dy**2)
    for _ in range(depth):
        dy = dy @ rng.normal(scale=np.sqrt(var_w), size=(width, width)).T

    # A random matrix of width n changes the mean square by a factor with spread √(2/n) at most.
    assert np.log(np.mean(dy**2) / before) == pytest.approx(depth * np.log(gain), rel=0.1)


def test_sigmoids_let_the_gradient_vanish_over_depth_and_large_weights_let_it_explode(rng):
    def chain(depth, activation, scale):
        layers = []
        for i in range(depth):
            layers += [Linear(20, 20, rng=i, dtype=np.float64), activation()]
        model = Sequential(*layers)
        model.theta *= scale
        model.loss_and_gradient(rng.normal(size=(30, 20)), rng.normal(size=(30, 20)), MSE())
        norms = gradient_norms(model)
        return norms["0.W"], norms[f"{2 * depth - 2}.W"]

    vanished, kept, exploded = chain(30, Sigmoid, 1.0), chain(30, ReLU, 1.0), chain(30, ReLU, 3.0)

    assert vanished[0] < 1e-10 * vanished[1]
    assert 1e-2 < kept[0] / kept[1] < 1e2  # he_uniform is made for it
    assert exploded[0] > 1e10


def test_bad_input_is_named(rng):
    model = network()
    with pytest.raises(ArgumentError, match="'parameter' or 'layer'"):
        gradient_norms(model, by="unit")
    with pytest.raises(DtypeError, match=r"expected a model or layer\. Create it with parentheses"):
        weight_norms(Sequential)
    with pytest.raises(ShapeError, match="like theta"):
        update_ratio(model, np.zeros(3))
    with pytest.raises(ArgumentError, match="'sigmoid' or an activation layer"):
        gradient_gain(3, 3, 1.0, "softsign")
    with pytest.raises(ArgumentError, match="'sigmoid' or an activation layer"):
        gradient_gain(3, 3, 1.0, ["relu"])
    with pytest.raises(ArgumentError, match=r"activation is Dropout\(0\.5\), expected"):
        gradient_gain(3, 3, 1.0, Dropout(0.5))
    with pytest.raises(ArgumentError, match="Create it with parentheses"):
        gradient_gain(3, 3, 1.0, ReLU)
    with pytest.raises(ArgumentError, match="var_w is -1"):
        gradient_gain(3, 3, -1.0)
    with pytest.raises(ArgumentError, match="fan_out is 0"):
        gradient_gain(3, 0, 1.0)
