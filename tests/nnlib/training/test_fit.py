"""The training loop: what it computes, how it ends, what it refuses."""

from __future__ import annotations

import time

import numpy as np
import pytest

from nnlib import (
    MSE,
    SGD,
    ArgumentError,
    BinaryCrossEntropy,
    Callback,
    CrossEntropy,
    DtypeError,
    Linear,
    NNLibError,
    ReLU,
    Sequential,
    ShapeError,
    datasets,
    fit,
)


def line(dtype: type = np.float64) -> Sequential:
    return Sequential(Linear(1, 1, rng=0, dtype=dtype))


def line_data(n: int = 7) -> tuple[np.ndarray, np.ndarray]:
    X = np.linspace(-1, 1, n)[:, np.newaxis]
    return X, 2 * X - 1


class Recorder(Callback):
    """Keep the order of hooks and the batch losses."""

    def __init__(self):
        self.calls: list[str] = []
        self.batch_losses: list[float] = []

    def on_train_begin(self, run):
        self.calls.append("train_begin")

    def on_epoch_begin(self, run):
        self.calls.append(f"epoch_begin {run.epoch}")

    def on_batch_begin(self, run):
        self.calls.append(f"batch_begin {run.batch}")

    def on_gradient(self, run):
        self.calls.append(f"gradient {run.step}")

    def on_batch_end(self, run):
        self.calls.append(f"batch_end {run.step}")
        self.batch_losses.append(run.batch_loss)

    def on_epoch_end(self, run):
        self.calls.append(f"epoch_end {len(run.history)}")

    def on_train_end(self, run):
        self.calls.append("train_end")


def test_digits_reach_95_percent_held_out_in_seconds():
    parts = datasets.load("digits").split(rng=0)
    model = Sequential(Linear(64, 64, rng=1), ReLU(), Linear(64, 10, rng=2))
    start = time.perf_counter()

    history = fit(
        model, parts.X_train, parts.y_train, loss=CrossEntropy(),
        optimizer=SGD(model, lr=0.1, momentum=0.9), epochs=30, batch_size=32,
        validation_data=(parts.X_validation, parts.y_validation), rng=3, progress=False,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    accuracy = (model.predict(parts.X_test).argmax(axis=1) == parts.y_test).mean()

    assert accuracy >= 0.95
    assert history.validation_accuracy[-1] >= 0.95
    assert history.loss[-1] < 0.1 * history.loss[0]
    assert seconds < 20  # measured: 0.3 s; this fails only when something is badly wrong


def test_one_full_batch_is_one_gradient_step_by_hand():
    X, y = line_data()
    model = line()
    W, b = model.theta.copy()
    residual = W * X + b - y

    history = fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), batch_size=7, progress=False
    )

    expected = [W - 0.1 * 2 * (residual * X).mean(), b - 0.1 * 2 * residual.mean()]
    np.testing.assert_allclose(model.theta, expected, rtol=1e-12)
    assert history.loss == [pytest.approx((residual**2).mean(), rel=1e-12)]
    assert history.steps == 1


def test_an_epoch_takes_every_row_once_and_the_ragged_batch_too():
    X, y = line_data(7)
    model, recorder = line(), Recorder()
    seen = []

    class Rows(Callback):
        def on_gradient(self, run):
            seen.append(run.model.layers[0]._kept["x"].ravel().copy())

    history = fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.0), epochs=2, batch_size=3,
        callbacks=[recorder, Rows()], rng=0, progress=False,
    )  # fmt: skip

    assert [len(rows) for rows in seen] == [3, 3, 1] * 2
    for epoch in (0, 1):
        np.testing.assert_array_equal(
            np.sort(np.concatenate(seen[3 * epoch : 3 * epoch + 3])), X.ravel()
        )
    assert (np.concatenate(seen[:3]) != np.concatenate(seen[3:])).any()  # a new order
    # The parameters stand still, so the mean over rows is the loss of the whole set: the ragged
    # batch of one row must not weigh as much as a batch of three.
    assert history.loss[0] == pytest.approx(MSE().forward(model.forward(X), y), rel=1e-12)


def test_hooks_come_in_order():
    X, y = line_data(4)
    model, recorder = line(), Recorder()

    fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=1, batch_size=3,
        callbacks=[recorder], progress=False,
    )  # fmt: skip

    assert recorder.calls == [
        "train_begin", "epoch_begin 0",
        "batch_begin 0", "gradient 0", "batch_end 1",
        "batch_begin 1", "gradient 1", "batch_end 2",
        "epoch_end 1", "train_end",
    ]  # fmt: skip


def test_the_seed_fixes_the_run():
    X, y = line_data()

    def run(rng: object) -> np.ndarray:
        model = line()
        fit(
            model,
            X,
            y,
            loss=MSE(),
            optimizer=SGD(model, lr=0.3),
            batch_size=2,
            rng=rng,
            progress=False,
        )
        return model.theta

    np.testing.assert_array_equal(run(5), run(np.random.default_rng(5)))
    assert (run(5) != run(6)).any()


def test_without_shuffle_rows_come_in_order():
    X, y = line_data(4)
    model, recorder = line(), Recorder()

    fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.0), batch_size=1, shuffle=False,
        callbacks=[recorder], progress=False,
    )  # fmt: skip

    expected = ((model.forward(X) - y) ** 2).ravel()
    np.testing.assert_allclose(recorder.batch_losses, expected, rtol=1e-12)


def test_validation_is_judged_after_the_epoch_with_the_parameters_standing_still():
    X, y = line_data()
    model = line()
    judged = []

    class Judge(Callback):
        def on_epoch_end(self, run):
            judged.append(MSE().forward(run.model.predict(X[:3]), y[:3]))

    history = fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=3, batch_size=2,
        validation_data=(X[:3], y[:3]), callbacks=[Judge()], progress=False,
    )  # fmt: skip

    assert history.validation_loss == pytest.approx(judged, rel=1e-12)
    assert history.accuracy == history.validation_accuracy == []


def test_accuracy_counts_rows_for_both_kinds_of_classes(rng):
    X = rng.normal(size=(9, 2))
    two = Sequential(Linear(2, 1, rng=0, dtype=np.float64))
    many = Sequential(Linear(2, 3, rng=0, dtype=np.float64))
    yes = (two.forward(X) > 0).astype(float)
    labels = many.forward(X).argmax(axis=1)
    yes[0], labels[0] = 1 - yes[0], (labels[0] + 1) % 3

    for model, y, loss in ((two, yes, BinaryCrossEntropy()), (many, labels, CrossEntropy())):
        history = fit(
            model, X, y, loss=loss, optimizer=SGD(model, lr=0.0), batch_size=4,
            validation_data=(X[:2], y[:2]), progress=False,
        )  # fmt: skip
        assert history.accuracy == [pytest.approx(8 / 9)]
        assert history.validation_accuracy == [0.5]


def test_a_callback_can_stop_and_says_why():
    X, y = line_data(6)
    model = line()

    class Stop(Callback):
        def on_batch_end(self, run):
            if run.step == 5:
                run.stop("seen enough")

    history = fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=9, batch_size=2,
        callbacks=[Stop()], progress=False,
    )  # fmt: skip

    assert (history.steps, len(history), history.stop_reason) == (5, 2, "seen enough")


def test_an_interrupt_leaves_a_usable_history():
    X, y = line_data(6)
    model, recorder = line(), Recorder()

    class Impatient(Callback):
        def on_gradient(self, run):
            if run.step == 4:
                raise KeyboardInterrupt

    history = fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=9, batch_size=2,
        callbacks=[Impatient(), recorder], progress=False,
    )  # fmt: skip

    assert len(history) == 1
    assert history.steps == 4
    assert history.stop_reason == "interrupted in epoch 2"
    assert recorder.calls[-1] == "train_end"
    assert len(history.plot().axes) == 1
    assert model.forward(X).base is None  # workspaces were taken back: arrays are fresh


def test_a_callback_may_change_the_gradient_before_the_step():
    X, y = line_data()
    model = line()
    before = model.theta.copy()

    class Silence(Callback):
        def on_gradient(self, run):
            assert run.model.grad.any()  # there was something to silence
            run.model.grad[:] = 0.0

    history = fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=2, batch_size=3,
        callbacks=[Silence()], progress=False,
    )  # fmt: skip

    assert history.steps == 6
    np.testing.assert_array_equal(model.theta, before)


def test_the_mode_of_the_model_is_put_back():
    X, y = line_data()
    model = line().eval()
    modes = []

    class Modes(Callback):
        def on_gradient(self, run):
            modes.append(run.model.layers[0].training)

    fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), callbacks=[Modes()], progress=False)

    assert modes == [True]
    assert not model.layers[0].training


CLASSES = {"loss": CrossEntropy()}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": np.ones((7, 2))}, ShapeError, r"x has shape \(1, 2\), expected \(N, 1\)"),
        ({"X": np.ones(7)}, ShapeError, r"X.reshape\(-1, 1\)"),
        ({"X": np.ones((0, 1)), "y": np.ones((0, 1))}, ShapeError, "at least one row"),
        ({"X": np.full((7, 1), np.nan)}, ArgumentError, "X holds nan or infinity in 7 places"),
        ({"X": [["a"]] * 7}, DtypeError, "expected real numbers"),
        ({"y": np.ones((6, 1))}, ShapeError, "X has 7 rows and y has shape"),
        ({"y": np.ones(7)}, ShapeError, r"targets.reshape\(\(7, 1\)\)"),
        ({"y": np.full((7, 1), np.inf)}, ArgumentError, "7 of 7 targets are nan or infinite"),
        ({"y": np.r_[np.zeros(6, int), 1], **CLASSES}, ArgumentError, "labels run from 0 to 1"),
        ({"y": np.zeros(7), **CLASSES}, DtypeError, r"targets.astype\(int\)"),
        ({"loss": "mse"}, DtypeError, "loss is 'mse', expected a Loss, such as CrossEntropy"),
        ({"optimizer": "sgd"}, DtypeError, "optimizer is 'sgd', expected an Optimizer"),
        ({"epochs": -1}, ArgumentError, "epochs is -1"),
        ({"batch_size": 0}, ArgumentError, "batch_size is 0"),
        ({"validation_data": np.ones((3, 1))}, ArgumentError, "validation_data is not a pair"),
        ({"validation_data": (np.ones((3, 1)), np.ones(3))}, ShapeError, "targets have shape"),
        ({"callbacks": [Recorder]}, DtypeError, "Create it with parentheses"),
        ({"callbacks": 3}, DtypeError, r"fit: callbacks is 3, expected a list of Callback objects"),
        ({"callbacks": Recorder()}, DtypeError, r"Write callbacks=\[\.\.\.\], also for one"),
        ({"loss": MSE}, DtypeError, "expected a Loss.*Create it with parentheses"),
        ({"optimizer": SGD}, DtypeError, "expected an Optimizer.*Create it with parentheses"),
        ({"rng": "a"}, ArgumentError, "fit: rng is 'a', expected a whole number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_refused_before_anything_changes(change, error, message):
    X, y = line_data()
    model = line()
    before = model.theta.copy()
    arguments = {
        "X": X,
        "y": y,
        "loss": MSE(),
        "optimizer": SGD(model, lr=0.1),
        "batch_size": 2,
    } | change

    with pytest.raises(error, match=message) as caught:
        fit(model, arguments.pop("X"), arguments.pop("y"), progress=False, **arguments)

    assert isinstance(caught.value, NNLibError)
    np.testing.assert_array_equal(model.theta, before)


def test_the_optimizer_of_another_model_is_refused():
    X, y = line_data()

    with pytest.raises(ArgumentError, match="made for another model"):
        fit(line(), X, y, loss=MSE(), optimizer=SGD(line(), lr=0.1), progress=False)


def test_a_model_that_is_broken_already_is_refused():
    X, y = line_data()
    model = line()
    model.theta[0] = np.nan

    with pytest.raises(ArgumentError, match=r"parameters hold nan or infinity. Build it anew"):
        fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), progress=False)


def test_progress_goes_to_stdout_and_can_be_silent(capsys):
    X, y = line_data()
    model = line()

    fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=2)
    shown = capsys.readouterr()
    fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=2, progress=False)
    silent = capsys.readouterr()

    assert "epoch 2/2" in shown.out
    assert "loss=" in shown.out
    assert shown.err == silent.err == silent.out == ""


def test_zero_epochs_change_nothing():
    X, y = line_data()
    model = line()
    before = model.theta.copy()

    history = fit(model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=0)

    assert len(history) == 0
    np.testing.assert_array_equal(model.theta, before)
