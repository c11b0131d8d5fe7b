from __future__ import annotations

import numpy as np
import pytest

from nnlib import MSE, SGD, CrossEntropy, Linear, Sequential, Tanh
from nnlib.errors import ArgumentError, NonFiniteError
from nnlib.layers import Layer
from nnlib.optimizers import LBFGS, Adam
from nnlib.training.range_test import learning_rate_range_test


class Restless(Layer):
    """Counts batches in a buffer, and draws from its generator."""

    def __init__(self):
        super().__init__()
        self._running["count"] = np.zeros(1)
        self._generators["rng"] = np.random.default_rng(0)

    def forward(self, x):
        x = self._input(x)
        if self.training and not self._frozen:
            self._running["count"] += 1
            self._generators["rng"].random()
        self._kept = {"output": (x.shape, x.dtype)}
        return x + 0.0

    def backward(self, dy, *, need_dx=True, accumulate=False):
        return self._upstream(dy).copy()


@pytest.fixture
def line(rng):
    X = rng.uniform(-1, 1, size=(64, 1))
    return X, 3 * X + 0.5


def test_the_model_stays_as_it_was(line):
    model = Sequential(Linear(1, 4, rng=0), Restless(), Tanh(), Linear(4, 1, rng=1))
    model.eval()
    optimizer = Adam(model, lr=0.01)
    model.loss_and_gradient(*line, MSE())
    optimizer.step()
    state, memory = model.state_dict(), optimizer.state_dict()
    generator, grad = model.generators()["1.rng"].bit_generator.state, model.grad.copy()

    seen = learning_rate_range_test(model, *line, loss=MSE(), optimizer=optimizer, rng=0)

    assert len(seen.rates) == len(seen.losses) == len(seen.smoothed)
    for before, after in ((state, model.state_dict()), (memory, optimizer.state_dict())):
        assert before.keys() == after.keys()
        for name, value in before.items():
            np.testing.assert_array_equal(after[name], value)
    np.testing.assert_array_equal(model.grad, grad)
    assert model.generators()["1.rng"].bit_generator.state == generator
    assert not any(leaf.training for leaf in model._everything())


def test_it_stops_when_the_loss_explodes_and_suggests_a_rate_below_that(line):
    """The curvature of MSE along b is 2, so no rate above 1 is stable."""
    model = Sequential(Linear(1, 1, rng=0, dtype=np.float64))

    seen = learning_rate_range_test(
        model, *line, loss=MSE(), optimizer=SGD(model, lr=1.0), lowest=1e-4, highest=1e3,
        n_steps=100, batch_size=64, rng=0,
    )  # fmt: skip

    assert len(seen.rates) < 100
    assert seen.smoothed[-1] > 4 * seen.smoothed.min()
    assert 0.01 < seen.suggestion < 1.0
    steps = np.diff(np.log(seen.rates))
    np.testing.assert_allclose(steps, np.log(1e7) / 99, rtol=1e-9)


def test_the_losses_are_those_of_training_by_hand(line):
    X, y = line
    model, twin = (Sequential(Linear(1, 1, rng=0, dtype=np.float64)) for _ in range(2))

    seen = learning_rate_range_test(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=9.0), lowest=0.01, highest=0.04,
        n_steps=3, batch_size=64, rng=5,
    )  # fmt: skip

    expected, means = [], []
    optimizer = SGD(twin, lr=1.0)
    for rate in (0.01, 0.02, 0.04):
        optimizer.lr = rate
        expected.append(twin.loss_and_gradient(X, y, MSE())[0])
        optimizer.step()
        weights = 0.8 ** np.arange(len(expected))[::-1]
        means.append(np.average(expected, weights=weights))
    np.testing.assert_allclose(seen.losses, expected, rtol=1e-12)  # rows in another order
    np.testing.assert_allclose(seen.smoothed, means, rtol=1e-12)


def test_every_row_is_used_before_one_comes_again():
    """A batch of one: the loss of the first six steps names the rows."""
    X = np.eye(6)
    model = Sequential(Linear(6, 1, bias=False, rng=0, dtype=np.float64))
    model.theta = 0.0
    y = np.arange(1.0, 7.0).reshape(6, 1)

    seen = learning_rate_range_test(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=1.0), lowest=1e-9, highest=1e-8,
        n_steps=12, batch_size=1, explosion=1e6, rng=0,
    )  # fmt: skip

    for part in (seen.losses[:6], seen.losses[6:]):
        np.testing.assert_allclose(sorted(part), [1, 4, 9, 16, 25, 36], rtol=1e-6)


def test_methods_that_find_the_length_of_their_steps_are_refused(line):
    model = Sequential(Linear(1, 1, rng=0, dtype=np.float64))

    with pytest.raises(ArgumentError, match="LBFGS finds the length of its steps itself"):
        learning_rate_range_test(model, *line, loss=MSE(), optimizer=LBFGS(model), rng=0)


def test_a_loss_that_never_falls_gives_no_suggestion():
    model = Sequential(Linear(1, 1, bias=False, dtype=np.float64))
    model.theta = 0.0

    seen = learning_rate_range_test(
        model, np.ones((4, 1)), np.zeros((4, 1)), loss=MSE(), optimizer=SGD(model, lr=1.0), rng=0
    )

    assert seen.suggestion is None
    assert not seen.losses.any()


def test_an_overflow_ends_the_test(line):
    X, y = line
    model = Sequential(Linear(1, 1, rng=0))

    seen = learning_rate_range_test(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=1.0), lowest=1.0, highest=1e30,
        n_steps=10, explosion=1e300, rng=0,
    )  # fmt: skip

    assert 1 <= len(seen.losses) < 10
    assert np.isfinite(seen.losses).all()


def test_an_overflow_after_the_first_step_leaves_one_loss_and_no_suggestion(line):
    model = Sequential(Linear(1, 1, rng=0))

    seen = learning_rate_range_test(
        model, *line, loss=MSE(), optimizer=SGD(model, lr=1.0), lowest=1e38, highest=2e38, rng=0
    )

    assert (len(seen.losses), seen.suggestion) == (1, None)
    assert len(seen.plot().axes[0].texts) == 0


def test_a_loss_that_is_not_finite_at_the_start_is_an_error():
    model = Sequential(Linear(1, 1, rng=0))
    with pytest.raises(NonFiniteError):
        learning_rate_range_test(
            model, [[3e38]], [[-3e38]], loss=MSE(), optimizer=SGD(model, lr=1.0)
        )


def test_the_curve_can_be_drawn(line):
    model = Sequential(Linear(1, 1, rng=0))
    seen = learning_rate_range_test(model, *line, loss=MSE(), optimizer=SGD(model, lr=1.0), rng=0)

    (axes,) = seen.plot().axes

    assert axes.get_xscale() == "log"
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), seen.smoothed)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"lowest": 0.0}, "lowest is 0.0"),
        ({"lowest": 1.0, "highest": 0.1}, "expected a rise"),
        ({"n_steps": 2}, "n_steps is 2"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"explosion": 1.0}, "explosion is 1"),
        ({"rng": "zero"}, "rng is 'zero'"),
        ({"optimizer": SGD(Linear(1, 1), lr=0.1)}, "made for another model"),
    ],
)
def test_arguments_out_of_range_are_refused(changes, match, line):
    model = Sequential(Linear(1, 1, rng=0))
    arguments = {"loss": MSE(), "optimizer": SGD(model, lr=1.0)} | changes
    with pytest.raises(ArgumentError, match=match):
        learning_rate_range_test(model, *line, **arguments)


def test_classes_work_as_well(rng):
    X, y = rng.normal(size=(50, 3)), rng.integers(0, 2, 50)
    model = Sequential(Linear(3, 2, rng=0))

    seen = learning_rate_range_test(
        model, X, y, loss=CrossEntropy(), optimizer=SGD(model, lr=1.0), rng=0
    )

    assert 0.2 < seen.losses[0] < 2.0  # near ln 2: nothing is known yet
