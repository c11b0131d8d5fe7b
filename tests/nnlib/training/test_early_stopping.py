"""Early stopping: when it stops, what it puts back."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import MSE, SGD, ArgumentError, Callback, Linear, Sequential, ShapeError, fit
from nnlib.training import EarlyStopping
from tests.nnlib.training.cases import Counting, line, line_data, scripted

SLIDES = [0.21, 0.0401, 0.04001, 0.03998, 0.3]
"""The losses of the slides' example, taken as consecutive epochs."""


@pytest.mark.parametrize(
    ("patience", "min_delta", "n_epochs", "best_epoch"),
    [
        (1, 0.0, 5, 4),  # each epoch but the last is better, if by little
        (5, 0.0, 5, 4),
        (1, 1e-3, 3, 2),  # from 0.0401 on nothing is better by more than 0.001
        (2, 1e-3, 4, 2),
        (3, 1e-3, 5, 2),
        (4, 1e-3, 5, 2),
        (2, 1e-4, 5, 4),  # 0.04001 is not better by 0.0001 than 0.0401, but 0.03998 is
        (1, 1e-4, 3, 2),
        (1, 0.5, 2, 1),  # the first epoch is always an improvement
    ],
)
def test_the_example_of_the_slides(patience, min_delta, n_epochs, best_epoch):
    stopping = EarlyStopping(patience, min_delta)

    history, script, model = scripted(SLIDES, stopping)

    assert len(history) == n_epochs
    assert (stopping.best_epoch, stopping.best) == (best_epoch, SLIDES[best_epoch - 1])
    assert stopping.wait == n_epochs - best_epoch
    np.testing.assert_array_equal(model.theta, script.thetas[best_epoch - 1])
    stopped = stopping.wait >= patience
    assert (history.stop_reason is not None) == stopped
    replayed = EarlyStopping(patience, min_delta).replay(SLIDES)
    assert replayed == (n_epochs if stopped else None, best_epoch, SLIDES[best_epoch - 1])
    if stopped:
        assert f"best in epoch {best_epoch}" in history.stop_reason


def test_a_tie_is_no_improvement():
    history, _, _ = scripted([1.0, 1.0, 1.0, 1.0], EarlyStopping(patience=2))

    assert len(history) == 3


def test_an_improvement_of_exactly_min_delta_is_none():
    history, _, _ = scripted([1.0, 0.75, 0.5], EarlyStopping(patience=1, min_delta=0.25))

    assert len(history) == 2


def test_patience_begins_anew_after_each_improvement():
    values = [5.0, 6.0, 4.0, 5.0, 3.0, 4.0, 4.0]

    history, _, _ = scripted(values, EarlyStopping(patience=2))

    assert len(history) == 7
    assert history.stop_reason.startswith("no improvement of validation_loss for 2 epochs")


def test_without_restore_the_last_parameters_stay():
    _, script, model = scripted(SLIDES, EarlyStopping(1, 1e-3, restore_best=False))

    np.testing.assert_array_equal(model.theta, script.thetas[-1])
    assert (script.thetas[1] != script.thetas[-1]).any()


@pytest.mark.parametrize(
    ("mode", "monitor", "n_epochs"),
    [("max", "validation_loss", 4), ("auto", "validation_loss", 2), ("min", "validation_loss", 2)],
)
def test_the_mode_says_what_is_better(mode, monitor, n_epochs):
    rising = [1.0, 2.0, 3.0, 2.5]

    history, _, _ = scripted(rising, EarlyStopping(1, mode=mode, monitor=monitor))

    assert len(history) == n_epochs


def test_accuracies_are_better_when_larger():
    assert EarlyStopping(monitor="validation_accuracy").best == -np.inf
    assert EarlyStopping(monitor="accuracy", mode="min").best == np.inf
    assert EarlyStopping(monitor="loss").best == np.inf


def test_an_object_can_serve_two_runs():
    stopping = EarlyStopping(patience=1)
    scripted([0.1, 0.2], stopping)

    history, _, _ = scripted([3.0, 2.0, 1.0], stopping)

    assert len(history) == 3
    assert stopping.best == pytest.approx(1.0)


def test_running_statistics_of_the_best_epoch_come_back_too():
    X, y = line_data(6)
    model = Sequential(Counting(), Linear(1, 1, rng=0))

    counts = []

    class Rise(Callback):
        def on_epoch_end(self, run):
            run.history.validation_loss[-1] = [2.0, 1.0, 3.0, 3.0][run.epoch]
            counts.append(float(run.model.buffers()["0.batches"][0]))

    fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=9, batch_size=2,
        validation_data=(X, y), callbacks=[Rise(), EarlyStopping(patience=2)], progress=False,
    )  # fmt: skip

    assert counts == [3.0, 6.0, 9.0, 12.0]
    np.testing.assert_array_equal(model.buffers()["0.batches"], [6.0])


def test_an_interrupted_run_ends_with_its_best_epoch():
    class Impatient(Callback):
        def on_epoch_begin(self, run):
            if run.epoch == 3:
                raise KeyboardInterrupt

    history, script, model = scripted([2.0, 1.0, 3.0, 4.0], EarlyStopping(9), Impatient())

    assert history.stop_reason == "interrupted in epoch 4"
    np.testing.assert_array_equal(model.theta, script.thetas[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patience": 0}, "patience is 0"),
        ({"min_delta": -1}, "min_delta is -1"),
        ({"mode": "smallest"}, "mode is 'smallest', expected one of 'auto', 'min', 'max'"),
        ({"monitor": 3}, "monitor is 3, expected a name"),
    ],
)
def test_bad_settings_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        EarlyStopping(**arguments)


@pytest.mark.parametrize(
    ("monitor", "message"),
    [
        ("validation_loss", "this run records loss. Give fit validation_data"),
        ("val_loss", "monitor is 'val_loss', but this run records loss"),
        ("accuracy", "this run records loss"),
    ],
)
def test_a_run_that_does_not_record_what_is_watched_is_refused_before_it_begins(monitor, message):
    X, y = line_data()
    model = line()
    before = model.theta.copy()

    with pytest.raises(ArgumentError, match=message):
        fit(
            model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1),
            callbacks=[EarlyStopping(monitor=monitor)], progress=False,
        )  # fmt: skip

    np.testing.assert_array_equal(model.theta, before)


def test_replay_leaves_the_callback_as_it_is():
    stopping = EarlyStopping(patience=1, mode="max")

    first, second = stopping.replay([0.5, 0.4]), stopping.replay([0.1, 0.2])

    assert first == (2, 1, 0.5)
    assert second == (None, 2, 0.2)
    assert (stopping.best, stopping.best_epoch, stopping.wait) == (-np.inf, 0, 0)


@pytest.mark.parametrize("values", [[], [[0.1, 0.2]], 0.1])
def test_replay_wants_one_list_of_numbers(values):
    with pytest.raises(ShapeError, match="expected \\(epochs,\\)"):
        EarlyStopping().replay(values)
