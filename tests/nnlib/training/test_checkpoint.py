"""Checkpoints: a run that stops and goes on is the run that never stopped, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlib import (
    SGD,
    Callback,
    CrossEntropy,
    Sequential,
)
from nnlib.augmentation import GaussianNoise
from nnlib.layers.batchnorm import BatchNorm1d
from nnlib.layers.dropout import Dropout
from nnlib.optimizers import Optimizer
from nnlib.optimizers.adam import Adam, AdamW
from nnlib.optimizers.quasi_newton import LBFGS
from nnlib.regularizers import L2
from nnlib.training import (
    Checkpoint,
    EarlyStopping,
    History,
    ReduceOnPlateau,
    WeightAveraging,
    fit,
    load_checkpoint,
)
from nnlib.training._archive import read_archive
from tests.nnlib.training.cases import class_data, mlp

OPTIMIZERS: dict[str, Callable[[Sequential], Optimizer]] = {
    "momentum": lambda model: SGD(model, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda model: Adam(model, lr=0.01),
    "L-BFGS": lambda model: LBFGS(model),
    "AdamW with a schedule": lambda model: AdamW(model, lr=lambda step: 0.02 / (1 + step)),
}


class KilledError(Exception):
    """Stand for the end of the process."""


class KillAfter(Callback):
    """End the run in the middle of an epoch."""

    def __init__(self, epochs: int):
        self.epochs = epochs

    def on_gradient(self, run):
        if run.epoch == self.epochs and run.batch == 2:
            raise KilledError


def train(
    data: tuple[np.ndarray, np.ndarray],
    make: Callable[[Sequential], Optimizer] = OPTIMIZERS["Adam"],
    *callbacks: Callback,
    **how: Any,
) -> tuple[Sequential, History]:
    X, y = data
    model = mlp(BatchNorm1d(9), Dropout(0.3, rng=3))
    model.mask = np.arange(model.theta.size) % 5 > 0
    arguments = {
        "epochs": 6, "batch_size": 7, "rng": 4, "validation_data": (X[:9], y[:9]),
        "callbacks": list(callbacks), "progress": False, "penalty": L2(1e-3),
        "augment": GaussianNoise(0.1),
    } | how  # fmt: skip
    history = fit(model, X, y, loss=CrossEntropy(), optimizer=make(model), **arguments)
    return model, history


def watching() -> list[Callback]:
    return [EarlyStopping(patience=3, min_delta=0.01), WeightAveraging(0.9)]


def assert_same_run(one, other) -> None:
    (model, history), (other_model, other_history) = one, other
    np.testing.assert_array_equal(model.theta, other_model.theta)
    np.testing.assert_array_equal(model.mask, other_model.mask)
    for name, buffer in model.buffers().items():
        np.testing.assert_array_equal(buffer, other_model.buffers()[name])
    for name, generator in model.generators().items():
        assert generator.bit_generator.state == other_model.generators()[name].bit_generator.state
    expected, given = history.to_dict(), other_history.to_dict()
    assert len(given.pop("seconds")) == len(expected.pop("seconds"))
    assert given == expected


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("shuffle", [True, False])
def test_three_epochs_and_three_more_are_six_bit_for_bit(rng, tmp_path, name, shuffle):
    data, path, make = class_data(rng), tmp_path / "run.npz", OPTIMIZERS[name]
    whole = train(data, make, *watching(), shuffle=shuffle)

    train(data, make, *watching(), Checkpoint(path), shuffle=shuffle, epochs=3)
    resumed = train(data, make, *watching(), Checkpoint(path), shuffle=shuffle, resume=path)

    assert len(whole[1]) > 3
    assert_same_run(whole, resumed)


def test_a_run_that_dies_in_the_middle_of_an_epoch_goes_on_from_its_beginning(rng, tmp_path):
    data, path = class_data(rng), tmp_path / "run.npz"
    whole = train(data)
    with pytest.raises(KilledError):
        train(data, OPTIMIZERS["Adam"], Checkpoint(path), KillAfter(epochs=4))

    resumed = train(data, OPTIMIZERS["Adam"], Checkpoint(path), resume=path)

    assert_same_run(whole, resumed)


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox])
def test_generators_of_all_kinds_go_on_too(rng, tmp_path, kind):
    data, path = class_data(rng), tmp_path / "run.npz"

    def run(**how: Any) -> tuple[Sequential, History]:
        return train(data, OPTIMIZERS["momentum"], rng=np.random.Generator(kind(7)), **how)

    whole = run()
    run(callbacks=[Checkpoint(path)], epochs=2)

    assert_same_run(whole, run(callbacks=[Checkpoint(path)], resume=path))


def test_a_plateau_goes_on_counting(rng, tmp_path):
    data, path = class_data(rng), tmp_path / "run.npz"

    def run(**how: Any) -> tuple[Sequential, History]:
        reduce = ReduceOnPlateau(0.5, patience=2, min_delta=9.0)
        return train(data, OPTIMIZERS["momentum"], reduce, Checkpoint(path), **how)

    whole = run()
    run(epochs=4)
    resumed = run(resume=path)

    assert whole[1].lr == [0.1, 0.1, 0.1, 0.05, 0.05, 0.025]
    assert_same_run(whole, resumed)


def test_early_stopping_that_had_stopped_stops_again_at_once(rng, tmp_path):
    data, path = class_data(rng), tmp_path / "run.npz"

    def run(**how: Any) -> tuple[Sequential, History]:
        stopping = EarlyStopping(patience=1, min_delta=9.0)
        return train(data, OPTIMIZERS["Adam"], stopping, Checkpoint(path), **how)

    stopped = run()
    again = run(resume=path)

    assert len(again[1]) == 2
    assert again[1].stop_reason.startswith("no improvement")
    assert_same_run(stopped, again)


def test_a_complete_run_has_nothing_left_to_do(rng, tmp_path):
    data, path = class_data(rng), tmp_path / "run.npz"
    whole = train(data, OPTIMIZERS["Adam"], Checkpoint(path))

    assert_same_run(whole, train(data, OPTIMIZERS["Adam"], resume=path))


def test_the_model_alone_can_be_loaded(rng, tmp_path):
    data, path = class_data(rng), tmp_path / "run.npz"
    model, _ = train(data, OPTIMIZERS["Adam"], Checkpoint(path))
    other = mlp(BatchNorm1d(9), Dropout(0.3, rng=9))

    load_checkpoint(path, other)

    np.testing.assert_array_equal(other.predict(data[0]), model.predict(data[0]))
    np.testing.assert_array_equal(other.mask, model.mask)
    for name, buffer in model.buffers().items():
        np.testing.assert_array_equal(other.buffers()[name], buffer)


# Which files there are -------------------------------------------------------------------------


class Copies(Callback):
    """Keep a copy of each checkpoint, by epoch."""

    def __init__(self, path: Path):
        self.path = path
        self.bytes: list[bytes] = []

    def on_epoch_begin(self, run):
        if self.path.exists():
            self.bytes.append(self.path.read_bytes())


def test_the_newest_are_kept(rng, tmp_path):
    path = tmp_path / "deep" / "run.npz"
    copies = Copies(path)

    train(class_data(rng), OPTIMIZERS["Adam"], copies, Checkpoint(path, keep=3))

    assert sorted(p.name for p in path.parent.iterdir()) == ["run.1.npz", "run.2.npz", "run.npz"]
    assert path.with_name("run.1.npz").read_bytes() == copies.bytes[4]
    assert path.with_name("run.2.npz").read_bytes() == copies.bytes[3]
    assert read_archive(path, "test")["epochs"] == 6


def test_every_other_epoch_is_written(rng, tmp_path):
    path = tmp_path / "run.npz"

    train(class_data(rng), OPTIMIZERS["Adam"], Checkpoint(path, every=4))

    assert read_archive(path, "test")["epochs"] == 4


class Fixed(Callback):
    """Put numbers of one's own in place of the validation losses."""

    def on_epoch_end(self, run):
        run.history.validation_loss[-1] = [3.0, 2.0, 4.0, 2.0, 1.0, 5.0][run.epoch]


@pytest.mark.parametrize(("epochs", "best"), [(4, 2), (6, 5)])
def test_only_the_best_is_written(rng, tmp_path, epochs, best):
    path = tmp_path / "run.npz"

    train(
        class_data(rng), OPTIMIZERS["Adam"], Fixed(), Checkpoint(path, best_only=True),
        epochs=epochs,
    )  # fmt: skip

    assert read_archive(path, "test")["epochs"] == best


def test_a_resumed_run_still_knows_what_was_best(rng, tmp_path):
    data, path, best = class_data(rng), tmp_path / "run.npz", tmp_path / "best.npz"

    def run(**how: Any) -> None:
        checkpoints = [Checkpoint(path), Checkpoint(best, best_only=True)]
        train(data, OPTIMIZERS["Adam"], Fixed(), *checkpoints, **how)

    run(epochs=3)
    run(epochs=4, resume=path)

    assert read_archive(path, "test")["epochs"] == 4
    assert read_archive(best, "test")["epochs"] == 2
