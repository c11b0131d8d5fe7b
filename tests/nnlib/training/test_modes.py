"""Modes of the layers, running statistics, and batches of one row."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import MSE, SGD, ArgumentError, CrossEntropy, Linear, NonFiniteError, Sequential, fit
from nnlib.errors import ShapeError
from nnlib.layers.batchnorm import BatchNorm1d, BatchNorm2d
from nnlib.layers.dropout import Dropout
from nnlib.layers.flatten import Flatten
from nnlib.training import Callback, learning_rate_range_test
from tests.nnlib.training.cases import class_data, line, line_data, mlp


def normalized() -> Sequential:
    return mlp(BatchNorm1d(9), Dropout(0.3, rng=0))


def train(model: Sequential, data: tuple, **how):
    arguments = {"epochs": 2, "batch_size": 8, "rng": 0, "progress": False} | how
    return fit(
        model, *data, loss=CrossEntropy(), optimizer=SGD(model, lr=0.1), **arguments
    )  # fmt: skip


# Modes -----------------------------------------------------------------------------------------


def test_a_layer_in_eval_within_a_model_in_training_stays_so(rng):
    """Frozen for fine-tuning: the statistics stay, while its γ and β are trained."""
    model = normalized()
    model.layers[1].eval()
    seen = []

    class Look(Callback):
        def on_batch_end(self, run):
            seen.append([layer.training for layer in run.model.layers])

    gamma = model.layers[1].gamma.copy()
    train(model, class_data(rng), callbacks=[Look()])

    assert seen[0] == seen[-1] == [True, False, True, True, True]
    assert [layer.training for layer in model.layers] == seen[0]
    np.testing.assert_array_equal(model.layers[1].running_mean, 0.0)
    assert not np.array_equal(model.layers[1].gamma, gamma)


def test_a_model_in_eval_is_trained_and_then_in_eval_again(rng):
    model = normalized().eval()

    train(model, class_data(rng))

    assert not any(layer.training for layer in (model, *model.layers))
    assert model.layers[1].running_mean.any()


def test_modes_come_back_layer_by_layer_whatever_happens(rng):
    model = normalized()
    model.layers[2].eval()

    class Break(Callback):
        def on_batch_end(self, run):
            run.model.eval()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        train(model, class_data(rng), callbacks=[Break()])

    assert [layer.training for layer in model.layers] == [True, True, False, True, True]


# A row alone -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "batch_size", "message"),
    [
        (33, 8, "X has 33 rows and batch_size is 8.*Take another, such as 7"),
        (33, 1, "batch_size is 1, .*Take another, such as 2|such as 3"),
        (1, 8, "X has 1 rows.*Give it more rows"),
    ],
)
def test_a_row_alone_is_refused_before_the_first_update(n, batch_size, message, rng):
    X, y = class_data(rng, n)
    model = normalized()
    theta, drawn = model.theta.copy(), model.layers[2]._generators["rng"].bit_generator.state

    with pytest.raises(ShapeError, match=message):
        train(model, (X, y), batch_size=batch_size)

    np.testing.assert_array_equal(model.theta, theta)
    np.testing.assert_array_equal(model.layers[1].running_var, 1.0)
    assert model.layers[2]._generators["rng"].bit_generator.state == drawn


@pytest.mark.parametrize("batch_size", range(2, 13))
def test_the_batch_size_that_is_proposed_is_taken(batch_size, rng):
    data = class_data(rng, 13)
    if 13 % batch_size != 1:
        train(normalized(), data, batch_size=batch_size, epochs=1)
        return
    with pytest.raises(ShapeError) as caught:
        train(normalized(), data, batch_size=batch_size)
    proposed = int(str(caught.value).split("such as ")[-1].rstrip("."))
    train(normalized(), data, batch_size=proposed, epochs=1)


def test_a_row_alone_is_taken_where_it_can_be(rng):
    """Images have many pixels a channel, and a frozen layer normalizes with what it knows."""
    images = rng.normal(size=(5, 3, 3, 2)).astype(np.float32)
    model = Sequential(BatchNorm2d(2), Flatten(), Linear(18, 3, rng=0))
    assert len(train(model, (images, np.zeros(5, int)), batch_size=4)) == 2
    model = normalized()
    model.layers[1].eval()
    assert len(train(model, class_data(rng, 33))) == 2
    assert len(train(mlp(), class_data(rng, 33))) == 2


def test_the_range_test_keeps_a_frozen_layer_frozen(rng):
    model = mlp(BatchNorm1d(9))
    model.layers[1].eval()
    data = class_data(rng, 5)

    seen = learning_rate_range_test(
        model, *data, loss=CrossEntropy(), optimizer=SGD(model, lr=0.1), batch_size=1, n_steps=5,
        rng=0,
    )  # fmt: skip

    assert len(seen.losses)


# Divergence ------------------------------------------------------------------------------------


def test_running_statistics_are_those_of_the_last_finite_loss(rng):
    """Third batch: theta is set to infinity after it, and the fourth forward ruins the rest."""
    X, y = class_data(rng)
    model = mlp(BatchNorm1d(9))
    kept = []

    class Ruin(Callback):
        def on_gradient(self, run):
            if run.step == 2:
                kept.extend([run.model.theta.copy(), run.model.layers[1].running_mean.copy()])

        def on_batch_end(self, run):
            if run.step == 3:
                run.model.theta[:] = 1e30

    with pytest.raises(NonFiniteError, match="diverged"):
        train(model, (X, y), callbacks=[Ruin()])

    np.testing.assert_array_equal(model.theta, kept[0])
    np.testing.assert_array_equal(model.layers[1].running_mean, kept[1])
    assert np.isfinite(model.layers[1].running_var).all()


def test_a_loss_that_is_not_finite_at_first_leaves_the_statistics(rng):
    X, y = class_data(rng)
    model = mlp(BatchNorm1d(9))
    model.layers[3].W[:] = 3e38

    with pytest.raises(NonFiniteError, match="before the first update"):
        train(model, (X, y))

    np.testing.assert_array_equal(model.layers[1].running_mean, 0.0)


# Data ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["X", "y"])
def test_finite_numbers_beyond_the_dtype_are_called_too_large(part):
    X, y = line_data()
    {"X": X, "y": y}[part][2] = 1e300
    model = line(np.float32)

    with pytest.raises(ArgumentError, match=rf"{part} holds 1e\+300, too large for float32"):
        fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), progress=False)


@pytest.mark.parametrize("part", ["X", "y"])
def test_what_is_infinite_is_called_so(part):
    X, y = line_data()
    {"X": X, "y": y}[part][2] = np.inf
    model = line(np.float32)

    with pytest.raises(ArgumentError, match=r"nan or infinit"):
        fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), progress=False)


def test_ragged_targets_and_files_that_are_none_are_named():
    model, (X, _) = line(), line_data(2)
    with pytest.raises(ShapeError, match="rows of y differ in length"):
        fit(model, X, [[1.0], [1.0, 2.0]], loss=MSE(), optimizer=SGD(model, lr=0.1))
    with pytest.raises(ShapeError, match="rows of validation y differ in length"):
        fit(
            model, X, X, loss=MSE(), optimizer=SGD(model, lr=0.1),
            validation_data=(X, [[1.0], [1.0, 2.0]]),
        )  # fmt: skip
    with pytest.raises(TypeError, match="resume is 3, expected a file name"):
        fit(model, X, X, loss=MSE(), optimizer=SGD(model, lr=0.1), resume=3)
