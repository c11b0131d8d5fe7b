"""Runs that end early or badly: what is saved, what is closed, what goes on."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import MSE, SGD, ArgumentError, CrossEntropy, NonFiniteError, fit
from nnlib.pruning.training import GradualPruning
from nnlib.training import (
    Callback,
    Checkpoint,
    ClipGradient,
    EarlyStopping,
    ReduceOnPlateau,
    TensorBoard,
    WeightAveraging,
)
from nnlib.training._archive import read_archive
from tests.nnlib.training.cases import class_data, line, line_data, mlp, scripted


class StopAt(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_batch_end(self, run):
        if run.step == self.step:
            run.stop("enough")


def train(data, *callbacks, **how):
    model = mlp()
    arguments = {"epochs": 4, "batch_size": 8, "rng": 0, "progress": False} | how
    history = fit(
        model, *data, loss=CrossEntropy(), optimizer=SGD(model, lr=0.1, momentum=0.9),
        callbacks=callbacks, **arguments,
    )  # fmt: skip
    return model, history


# An epoch that is broken off -------------------------------------------------------------------


@pytest.mark.parametrize("step", [6, 9, 10, 12])
def test_a_run_stopped_anywhere_goes_on_as_if_it_had_not(step, rng, tmp_path):
    """Five batches an epoch: only step 10 is the end of one."""
    data, path = class_data(rng), tmp_path / "run.npz"
    whole, history = train(data)

    _, stopped = train(data, Checkpoint(path), StopAt(step))
    model, resumed = train(data, Checkpoint(path), resume=path)

    assert stopped.steps == step
    assert len(stopped) == -(-step // 5)
    np.testing.assert_array_equal(model.theta, whole.theta)
    assert resumed.loss == history.loss
    assert resumed.stop_reason is None


def test_an_epoch_that_is_broken_off_is_not_written(rng, tmp_path):
    path = tmp_path / "run.npz"
    train(class_data(rng), Checkpoint(path), StopAt(3))
    assert not path.exists()
    train(class_data(rng), Checkpoint(path), StopAt(8))
    assert read_archive(path, "test")["epochs"] == 1


# What is closed --------------------------------------------------------------------------------


class Closing(Callback):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_train_end(self, run):
        self.calls.append("end")

    def on_close(self, run):
        self.calls.append("close")


class Fail(Callback):
    def __init__(self, hook: str, error: type[BaseException] = RuntimeError) -> None:
        def fail(run):
            raise error

        setattr(self, hook, fail)


def test_an_ordinary_end_is_followed_by_closing(rng):
    closing = Closing()
    train(class_data(rng), closing)
    assert closing.calls == ["end", "close"]


@pytest.mark.parametrize("hook", ["on_train_begin", "on_batch_end", "on_epoch_end", "on_train_end"])
def test_callbacks_are_closed_whatever_goes_wrong(hook, rng):
    first, last = Closing(), Closing()
    with pytest.raises(RuntimeError):
        train(class_data(rng), first, Fail(hook), last)
    assert first.calls[-1] == last.calls[-1] == "close"
    assert first.calls.count("close") == last.calls.count("close") == 1


def test_one_that_fails_to_close_does_not_keep_others_from_it(rng):
    first, last = Closing(), Closing()
    with pytest.raises(RuntimeError):
        train(class_data(rng), first, Fail("on_close"), last)
    assert first.calls == last.calls == ["end", "close"]


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_end"])
def test_tensorboard_closes_its_file_after_an_error(hook, rng, tmp_path):
    board = TensorBoard(tmp_path)
    with pytest.raises(RuntimeError):
        train(class_data(rng), board, Fail(hook))
    assert board._writer is None


def test_tensorboard_closes_its_file_after_divergence(tmp_path):
    board, model, (X, y) = TensorBoard(tmp_path), line(), line_data()
    with pytest.raises(NonFiniteError):
        fit(
            model, X, y, loss=MSE(), optimizer=SGD(model, lr=1e200), epochs=9, callbacks=[board],
            progress=False,
        )  # fmt: skip
    assert board._writer is None


# TensorBoard's arguments -----------------------------------------------------------------------


def test_a_folder_that_is_a_file_is_named(rng, tmp_path):
    path = tmp_path / "file"
    path.write_text("text")
    for folder in (path, path / "inner"):
        with pytest.raises(ArgumentError, match="cannot be made or written to"):
            train(class_data(rng), TensorBoard(folder))


@pytest.mark.parametrize("drawn", [None, 3, {"a": 3}, {3: None}, []])
def test_figures_that_are_none_are_named(drawn, rng, tmp_path):
    with pytest.raises(ArgumentError, match=r"figures returned .*, expected a dictionary of names"):
        train(class_data(rng), TensorBoard(tmp_path, figures=lambda run: drawn))


def test_numbers_of_numpy_are_hyperparameters(rng, tmp_path):
    given = {"n": np.int64(3), "lr": np.float32(0.5), "on": np.bool_(True), "name": np.str_("a")}
    board = TensorBoard(tmp_path, hyperparameters=given)

    train(class_data(rng), board)

    assert board.hyperparameters == {"n": 3, "lr": 0.5, "on": True, "name": "a"}
    assert [type(value) for value in board.hyperparameters.values()] == [int, float, bool, str]


# Small repairs ---------------------------------------------------------------------------------


def test_a_plateau_never_raises_the_rate():
    history, _, _ = scripted([1.0] * 4, ReduceOnPlateau(0.5, 1, min_lr=0.4))  # lr is 0.1
    assert history.lr == [0.1] * 4
    history, _, _ = scripted([1.0] * 5, ReduceOnPlateau(0.5, 1, min_lr=0.04))
    np.testing.assert_allclose(history.lr, [0.1, 0.1, 0.05, 0.04, 0.04])


def test_norms_before_clipping_go_on_after_a_checkpoint(rng, tmp_path):
    data, path = class_data(rng), tmp_path / "run.npz"
    whole, first, second = (ClipGradient(max_norm=0.5) for _ in range(3))
    train(data, whole)
    train(data, first, Checkpoint(path), epochs=2)
    train(data, second, Checkpoint(path), resume=path)
    assert second.norms == whole.norms
    assert len(whole.norms) == 20


def test_the_average_starts_warm():
    """d is 1/10 at its first use, 2/11 at the second, ..., and never above ``decay``."""
    thetas, averages = [], []

    class Look(Callback):
        def on_batch_end(self, run):
            thetas.append(run.model.theta.copy())
            averages.append(averaging.average.copy())

    averaging = WeightAveraging(decay=0.3)
    model, (X, y) = line(), line_data()
    fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=8, batch_size=7,
        callbacks=[averaging, Look()], progress=False,
    )  # fmt: skip

    expected = thetas[0]
    for t, (theta, average) in enumerate(zip(thetas, averages, strict=True)):
        d = min(0.3, t / (t + 9))
        expected = d * expected + (1 - d) * theta
        np.testing.assert_allclose(average, expected, rtol=1e-12)  # one rounding a step


# Pruned weights --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "last", [WeightAveraging(0.9), EarlyStopping(monitor="loss", patience=99)], ids=["mean", "best"]
)
def test_what_is_pruned_stays_at_zero_when_older_parameters_come_back(last, rng):
    from nnlib.pruning.criteria import magnitude

    pruning = GradualPruning(magnitude, lambda step: 0.03 * step)
    model, _ = train(class_data(rng), pruning, last)

    assert model.mask is not None
    assert not model.mask.all()
    np.testing.assert_array_equal(model.theta[~model.mask], 0.0)
    assert model.theta[model.mask].any()


# Bad labels ------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [-1, 3, 99])
def test_bad_labels_out_of_an_augmentation_are_refused(label, rng):
    """Those of the data were checked at the beginning; these come later."""
    data, model = class_data(rng), mlp()
    before = model.theta.copy()

    with pytest.raises(ArgumentError, match="labels run from"):
        fit(
            model, *data, loss=CrossEntropy(), optimizer=SGD(model, lr=0.1), progress=False,
            augment=lambda X, y, rng: (X, np.full_like(y, label)),
        )  # fmt: skip

    np.testing.assert_array_equal(model.theta, before)
