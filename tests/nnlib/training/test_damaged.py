"""Checkpoints of which a part is missing or wrong: a named error, and nothing has changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlib import ArgumentError, CrossEntropy, fit
from nnlib.layers.batchnorm import BatchNorm1d
from nnlib.layers.dropout import Dropout
from nnlib.optimizers import LBFGS, Adam
from nnlib.training import Callback, Checkpoint, EarlyStopping, WeightAveraging, load_checkpoint
from nnlib.training._archive import read_archive, write_archive
from tests.nnlib.training.cases import class_data, mlp


class Noting(Callback):
    """Remember what it saw of the run, and refuse a state without a number."""

    def state_dict(self) -> dict[str, Any]:
        return {"number": 3}

    def load_state_dict(self, state: Any) -> None:
        int(state["number"])


def parts(pruned: bool = False) -> dict[str, Any]:
    model = mlp(BatchNorm1d(9), Dropout(0.2, rng=4))
    if pruned:
        model.mask = np.arange(model.theta.size) % 3 > 0
    callbacks = [EarlyStopping(monitor="loss"), WeightAveraging(0.9), Noting()]
    return {"model": model, "optimizer": Adam(model), "callbacks": callbacks}


def train(arguments: dict[str, Any], **how: Any) -> Any:
    X, y = class_data(np.random.default_rng(0))
    return fit(
        X=X, y=y, loss=CrossEntropy(), batch_size=8, progress=False,
        **({"epochs": 3, "rng": np.random.default_rng(5)} | arguments | how),
    )  # fmt: skip


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("run") / "run.npz"
    arguments = parts(pruned=True)
    arguments["callbacks"].append(Checkpoint(path))
    train(arguments, epochs=2)
    return read_archive(path, "test")


def without(*keys: str) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return change


def put(value: Any, *keys: str) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


PARTS = (
    "settings", "model", "generators", "optimizer", "rng", "history", "callbacks", "epochs",
    "steps",
)  # fmt: skip
MODEL = ("parameters", "theta", "decay_mask", "mask", "buffers")
CHANGES = {
    **{f"no {name}": without(name) for name in PARTS},
    **{f"{name} is text": put("x", name) for name in PARTS},
    **{f"no model {name}": without("model", name) for name in MODEL},
    **{f"model {name} is text": put("x", "model", name) for name in MODEL},
    "a short mask": put(np.ones(3, bool), "model", "mask"),
    "a mask of floats": put(np.ones(75), "model", "mask"),
    "another theta": put(np.ones(3, np.float32), "model", "theta"),
    "theta of nan": lambda c: c["model"]["theta"].fill(np.nan),
    "parameters without shapes": put([["0.W"]], "model", "parameters"),
    "a buffer of text": put("x", "model", "buffers", "1.running_mean"),
    "no buffers": put({}, "model", "buffers"),
    "a loss of text": put("x", "history", "loss"),
    "a loss of words": put(["x", "y"], "history", "loss"),
    "steps of text": put("x", "history", "steps"),
    "a reason of numbers": put(3, "history", "stop_reason"),
    "a short history": put([1.0], "history", "loss"),
    "negative epochs": put(-1, "epochs"),
    "half epochs": put(1.5, "epochs"),
    "negative steps": put(-1, "steps"),
    "a generator of text": put("x", "generators", "2.rng"),
    "an empty generator": put({}, "generators", "2.rng"),
    "a generator without its state": without("generators", "2.rng", "state"),
    "a generator of letters": put("x", "rng", "state", "state"),
    "an empty rng": put({}, "rng"),
    "an optimizer without M": without("optimizer", "M"),
    "an optimizer of negative steps": put(-1, "optimizer", "steps"),
    "a callback of text": put("x", "callbacks", "EarlyStopping"),
    "a callback without its best": without("callbacks", "EarlyStopping", "best"),
    "a callback with other parameters": put(
        np.ones(3), "callbacks", "EarlyStopping", "kept", "theta"
    ),
    "another average": put(np.ones(3), "callbacks", "WeightAveraging", "average"),
    "an average without steps": without("callbacks", "WeightAveraging", "steps"),
    "a callback of its own": without("callbacks", "Noting", "number"),
}


def state(arguments: dict[str, Any]) -> dict[str, Any]:
    model, generator = arguments["model"], arguments["rng"]
    return copy.deepcopy(
        {
            "theta": model.theta, "mask": model.mask, "decay": model.decay_mask,
            "buffers": model.buffers(), "optimizer": arguments["optimizer"].state_dict(),
            "draws": [g.bit_generator.state for g in [generator, *model.generators().values()]],
        }
    )  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_part_that_is_missing_or_wrong_is_named_and_changes_nothing(name, snapshot, tmp_path):
    path = tmp_path / "run.npz"
    content = copy.deepcopy(snapshot)
    CHANGES[name](content)
    write_archive(path, content, "test")
    arguments = parts() | {"rng": np.random.default_rng(5)}
    before = state(arguments)

    with pytest.raises(
        ArgumentError, match=r"resume|EarlyStopping|WeightAveraging|load_state_dict"
    ):
        train(arguments, resume=path)

    np.testing.assert_equal(state(arguments), before)
    assert len(train(arguments)) == 3  # and it trains from the beginning


@pytest.mark.parametrize(
    "name", [n for n in CHANGES if "model" in n or "mask" in n or "theta" in n]
)
def test_such_a_model_is_not_loaded_alone(name, snapshot, tmp_path):
    path = tmp_path / "run.npz"
    content = copy.deepcopy(snapshot)
    CHANGES[name](content)
    write_archive(path, content, "test")
    model = parts()["model"]
    before = model.theta.copy()

    with pytest.raises(ArgumentError, match="load_checkpoint"):
        load_checkpoint(path, model)

    np.testing.assert_array_equal(model.theta, before)
    assert model.mask is None


def test_the_checkpoint_as_it_was_is_taken(snapshot, tmp_path):
    """The counterpart: without a change nothing is refused."""
    path = tmp_path / "run.npz"
    write_archive(path, snapshot, "test")
    arguments = parts()

    history = train(arguments, resume=path)

    assert len(history) == 3
    np.testing.assert_array_equal(arguments["model"].mask, snapshot["model"]["mask"])


def test_a_callback_that_refuses_to_begin_undoes_the_loading(snapshot, tmp_path):
    class Refuse(Callback):
        def on_train_begin(self, run):
            raise RuntimeError

    path = tmp_path / "run.npz"
    write_archive(path, snapshot, "test")
    arguments = parts() | {"rng": np.random.default_rng(5)}
    arguments["callbacks"].append(Refuse())
    before = state(arguments)

    with pytest.raises(RuntimeError):
        train(arguments, resume=path)

    np.testing.assert_equal(state(arguments), before)


def test_the_mask_of_weight_decay_comes_back(tmp_path):
    path = tmp_path / "run.npz"
    arguments = parts()
    arguments["model"].decay_mask = np.arange(arguments["model"].theta.size) % 2 == 0
    arguments["callbacks"].append(Checkpoint(path))
    train(arguments, epochs=1)
    resumed, loaded = parts(), parts()["model"]

    train(resumed, epochs=1, resume=path)
    load_checkpoint(path, loaded)

    for model in (resumed["model"], loaded):
        np.testing.assert_array_equal(model.decay_mask, arguments["model"].decay_mask)


def test_lbfgs_refuses_pairs_that_it_cannot_have_learned(rng):
    model = mlp()
    optimizer = LBFGS(model, history_size=2)
    good = {
        "steps": 2, "lr": 1.0, "n_updates": 1,
        "S": np.ones((2, model.theta.size)), "Y": np.ones((2, model.theta.size)),
    }  # fmt: skip
    optimizer.load_state_dict(good)
    before = optimizer.state_dict()
    zeros = np.zeros_like(good["S"])
    for change in (
        {"S": zeros, "Y": zeros},
        {"n_updates": 3},
        {"n_updates": 0.5},
        {"Y": -good["Y"]},
    ):
        with pytest.raises(ArgumentError, match=r"yᵀ s of pair 0|n_updates is"):
            optimizer.load_state_dict(good | change)
        np.testing.assert_equal(optimizer.state_dict(), before)
    with pytest.raises(ArgumentError, match="n_updates is 1 after 0 steps"):
        optimizer.load_state_dict({"steps": 0, "n_updates": 1})


def test_a_path_that_is_none_is_named(rng):
    with pytest.raises(TypeError, match="load_checkpoint: path is 3"):
        load_checkpoint(3, mlp())
