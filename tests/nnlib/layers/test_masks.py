"""Pruning masks: what they take, where they reach, and that assigning keeps them."""

from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from nnlib import (
    SGD,
    ArgumentError,
    CrossEntropy,
    DtypeError,
    EarlyStopping,
    Linear,
    ReLU,
    Sequential,
    ShapeError,
    SharedLayerError,
    WeightAveraging,
    fit,
)
from nnlib.layers import Residual

KEPT = np.arange(20) % 3 > 0


def model() -> Sequential:
    return Sequential(Linear(3, 3, rng=0), Sequential(ReLU(), Linear(3, 2, rng=1)))


def pruned() -> Sequential:
    new = model()
    new.mask = KEPT
    return new


def test_assigning_to_theta_and_to_parameters_keeps_the_mask():
    net = pruned()

    net.theta = 1.0
    np.testing.assert_array_equal(net.theta, KEPT)
    net.theta += 1.0
    np.testing.assert_array_equal(net.theta, 2 * KEPT)
    net.layers[0].W = np.full((3, 3), 5.0)
    np.testing.assert_array_equal(net.theta[:9], 5 * KEPT[:9])
    net.layers[1].layers[1].b = 7.0
    np.testing.assert_array_equal(net.theta[18:], 7 * KEPT[18:])
    net.layers[1].theta = 3.0
    np.testing.assert_array_equal(net.theta[12:], 3 * KEPT[12:])

    net.theta[:] = 1.0  # in place: the caller's own affair
    assert net.theta.all()


def test_gradients_are_not_masked():
    net = pruned()

    net.grad = 1.0
    net.layers[0].dW = 2.0

    assert net.grad.all()
    np.testing.assert_array_equal(net.grad[:9], np.full(9, 2.0))


def test_loading_a_state_keeps_the_mask():
    net, dense = pruned(), model()
    dense.theta = 1.0

    net.load_state_dict(dense.state_dict())

    np.testing.assert_array_equal(net.theta, KEPT)


@pytest.mark.parametrize(
    "callback",
    [lambda: EarlyStopping(patience=1, monitor="loss"), lambda: WeightAveraging(0.9)],
    ids=["early stopping", "averaging"],
)
def test_callbacks_that_bring_parameters_back_bring_them_back_pruned(callback, rng):
    net = model()
    X, y = rng.normal(size=(20, 3)), rng.integers(2, size=20)
    own = callback()
    fit(net, X, y, loss=CrossEntropy(), optimizer=SGD(net, lr=0.1), callbacks=[own],
        progress=False, rng=0)  # fmt: skip
    net.mask = KEPT

    own.on_train_end(SimpleNamespace(model=net))

    assert not net.theta[~KEPT].any()
    assert net.theta[KEPT].any()


def test_layers_bring_their_masks_into_a_model():
    first, second = Linear(3, 3, rng=0), Linear(3, 2, rng=1)
    first.mask = KEPT[:12]

    net = Sequential(first, Residual(ReLU()), Sequential(second))

    np.testing.assert_array_equal(net.mask, [*KEPT[:12], *[True] * 8])
    np.testing.assert_array_equal(first.mask, KEPT[:12])
    assert second.mask.all()
    assert Sequential(ReLU()).mask is None
    assert model().mask is None
    net.mask = None
    assert first.mask is None


def test_the_mask_of_a_layer_in_a_model_is_refused():
    net = model()
    theta = net.theta.copy()

    for layer in (net.layers[0], net.layers[1]):
        with pytest.raises(SharedLayerError, match=r"mask: it belongs to a model.*model\.mask"):
            layer.mask = np.zeros(layer.theta.size, bool)

    np.testing.assert_array_equal(net.theta, theta)
    assert net.mask is None


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), lambda m: m.astype(np.float64)],
    ids=["deepcopy", "pickle", "astype"],
)
def test_copies_carry_the_mask_and_their_layers_see_it(duplicate):
    net = pruned()
    twin = duplicate(net)

    twin.layers[0].W = 1.0
    np.testing.assert_array_equal(twin.theta[:9], KEPT[:9])
    twin.mask = None
    twin.theta = 1.0
    assert twin.theta.all()
    np.testing.assert_array_equal(net.mask, KEPT)

    alone = copy.deepcopy(net.layers[0])
    np.testing.assert_array_equal(Sequential(alone).mask, KEPT[:12])


@pytest.mark.parametrize("name", ["mask", "decay_mask"])
def test_masks_are_truth_values_or_zeros_and_ones(name):
    layer = Linear(1, 2, rng=0)
    for value in ([True, False, True, True], [1, 0, 1, 1], np.array([1.0, 0.0, 1.0, 1.0])):
        setattr(layer, name, value)
        np.testing.assert_array_equal(getattr(layer, name), [True, False, True, True])
        assert getattr(layer, name).dtype == bool
    theta = layer.theta.copy()

    for value, error, message in (
        ([0.1, 0.0, 1.0, 1.0], ArgumentError, r"holds 0\.1, expected True or False.*select\("),
        ([np.nan, 0, 1, 1], ArgumentError, "holds nan"),
        ([2, 0, 1, 1], ArgumentError, "holds 2"),
        (["a", "b", "c", "d"], DtypeError, "expected real numbers"),
        ([None, 1, 1, 1], DtypeError, "expected real numbers"),
        ([True], ShapeError, r"has shape \(1,\), expected \(4,\)"),
        ([[True], [True, False]], ShapeError, "rows differ in length"),
    ):
        with pytest.raises(error, match=message):
            setattr(layer, name, value)
    np.testing.assert_array_equal(getattr(layer, name), [True, False, True, True])
    np.testing.assert_array_equal(layer.theta, theta)
