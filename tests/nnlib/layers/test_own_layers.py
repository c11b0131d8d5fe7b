"""A learner's own layers and rules: what is written runs, and what cannot run is refused."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import (
    SGD,
    ArgumentError,
    CrossEntropy,
    DtypeError,
    Layer,
    Linear,
    OrderError,
    ReLU,
    Sequential,
    check_layer,
    fit,
)


class Scale(Layer):
    """y = γ x, with no word about views."""

    def __init__(self, n: int) -> None:
        super().__init__({"gamma": (n,)}, dtype=np.float64)
        self.gamma = np.ones(n)

    def forward(self, x):
        self.x = np.asarray(x)
        return self.x * self.gamma

    def backward(self, dy, *, need_dx=True, accumulate=False):
        self.dgamma = (self.x * dy).sum(axis=0) + (self.dgamma if accumulate else 0)
        return dy * self.gamma


class Center(Layer):
    """x − mean over the rows: couples them, and does not say so."""

    def forward(self, x):
        return np.asarray(x) - np.mean(x, axis=0)

    def backward(self, dy, *, need_dx=True, accumulate=False):
        return dy - dy.mean(axis=0)


def test_parameters_named_in_shapes_are_views_without_more_words(rng):
    model = Sequential(Scale(3), Linear(3, 2, rng=0, dtype=np.float64))

    np.testing.assert_array_equal(model.theta[:3], np.ones(3))
    assert check_layer(Scale(3), rng.normal(size=(5, 3))).passed
    X, y = rng.normal(size=(12, 3)), np.arange(12) % 2
    fit(model, X, y, loss=CrossEntropy(), optimizer=SGD(model, lr=0.5), progress=False, rng=0)
    assert (model.layers[0].gamma != 1).all()


def test_a_wrong_gradient_of_an_own_parameter_is_noticed(rng):
    class Wrong(Scale):
        def backward(self, dy, *, need_dx=True, accumulate=False):
            dx = super().backward(dy)
            self.dgamma = 0.0
            return dx

    assert not check_layer(Wrong(3), rng.normal(size=(5, 3))).passed


def test_a_parameter_set_too_early_is_refused():
    class Early(Scale):
        def __init__(self) -> None:
            self.beta = np.zeros(2)
            Layer.__init__(self, {"beta": (2,)})

    with pytest.raises(OrderError, match=r"beta is set before super\(\).__init__"):
        Early()


def test_a_backward_that_a_model_cannot_call_is_refused_where_it_is_written():
    with pytest.raises(DtypeError, match=r"Bare.backward takes \(self, dy\), expected"):

        class Bare(Layer):
            def forward(self, x):
                return x

            def backward(self, dy):
                return dy


def test_rows_that_couple_without_saying_so_are_noticed(rng):
    with pytest.raises(ArgumentError, match="Write couples_rows = True"):
        check_layer(Center(), rng.normal(size=(7, 3)))


def test_a_layer_that_says_that_rows_couple_passes(rng):
    class Honest(Center):
        couples_rows = True

    assert check_layer(Honest(), rng.normal(size=(7, 3))).passed


@pytest.mark.parametrize("seed", [0, 1, 20260101])
def test_data_from_the_same_seed_do_not_spoil_the_check(seed):
    class Honest(Center):
        couples_rows = True

    x = np.random.default_rng(seed).normal(size=(7, 5))

    assert check_layer(Honest(), x, rng=seed).passed


def three_ways(model: Sequential, place: str, rule, monkeypatch) -> None:
    """Put a rule in place of a layer's: in the class, or in the object."""
    if place == "class":
        monkeypatch.setattr(Linear, "backward", rule)
    else:
        layer = model.layers[2]
        layer.backward = lambda dy, **options: rule(layer, dy, **options)


@pytest.mark.parametrize("place", ["class", "object"])
@pytest.mark.parametrize("planned_before", [True, False])
def test_a_rule_put_in_place_of_ours_is_the_one_that_runs(place, planned_before, rng, monkeypatch):
    model = Sequential(Linear(4, 5, rng=0), ReLU(), Linear(5, 3, rng=1))
    X, y = rng.normal(size=(6, 4)).astype(np.float32), np.arange(6) % 3
    if planned_before:
        model.loss_and_gradient(X, y, CrossEntropy())
    right, calls = Linear.backward, []

    def mine(self, dy, **options):
        calls.append(self)
        return right(self, 2 * dy, **options)

    expected = model.loss_and_gradient(X, y, CrossEntropy())[1].copy()
    three_ways(model, place, mine, monkeypatch)
    grad = model.loss_and_gradient(X, y, CrossEntropy())[1]

    assert model.layers[2] in calls
    np.testing.assert_allclose(grad[-18:], 2 * expected[-18:], rtol=1e-5)


def test_a_rule_put_in_place_of_the_losss_is_the_one_that_runs(rng, monkeypatch):
    model = Sequential(Linear(4, 3, rng=0))
    X, y = rng.normal(size=(6, 4)).astype(np.float32), np.arange(6) % 3
    model.loss_and_gradient(X, y, CrossEntropy())
    right = CrossEntropy.backward
    monkeypatch.setattr(CrossEntropy, "backward", lambda self: 0 * right(self))

    assert not model.loss_and_gradient(X, y, CrossEntropy())[1].any()


def test_fit_asks_a_model_class_for_its_own_gradient(rng):
    class Mine(Sequential):
        calls = 0

        def loss_and_gradient(self, X, targets, loss, **options):
            Mine.calls += 1
            value, gradient = super().loss_and_gradient(X, targets, loss, **options)
            return value, 0 * gradient

    model = Mine(Linear(4, 3, rng=0))
    before = model.theta.copy()
    X, y = rng.normal(size=(6, 4)), np.arange(6) % 3

    history = fit(
        model, X, y, loss=CrossEntropy(), optimizer=SGD(model, lr=1.0), epochs=2, batch_size=3,
        progress=False, rng=0,
    )  # fmt: skip

    assert Mine.calls == 4
    np.testing.assert_array_equal(model.theta, before)
    assert len(history.loss) == 2
