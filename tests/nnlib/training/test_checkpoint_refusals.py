"""Checkpoints that cannot be written, read or used: a named error, and nothing has changed."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib import (
    MSE,
    SGD,
    ArgumentError,
    CrossEntropy,
    DtypeError,
    Linear,
    ReLU,
    Sequential,
)
from nnlib.layers.batchnorm import BatchNorm1d
from nnlib.layers.dropout import Dropout
from nnlib.layers.layernorm import LayerNorm
from nnlib.optimizers.adam import Adam
from nnlib.regularizers import L2
from nnlib.training import (
    Checkpoint,
    EarlyStopping,
    fit,
)
from nnlib.training._archive import read_archive, write_archive
from tests.nnlib.training.cases import class_data, line, line_data, mlp
from tests.nnlib.training.test_checkpoint import OPTIMIZERS, assert_same_run, train


def test_a_process_killed_while_writing_leaves_the_older_checkpoint(tmp_path):
    """The process kills itself when all but the last step of the second file is done."""
    path = tmp_path / "run.npz"
    code = f"""
        import os, signal
        import numpy as np
        from nnlib import MSE, SGD, Linear, Sequential, fit
        from nnlib.training import Checkpoint, _archive
        sync, count = os.fsync, [0]
        def fsync(file):
            count[0] += 1
            if count[0] == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            sync(file)
        os.fsync = fsync
        model = Sequential(Linear(1, 1, rng=0))
        X = np.ones((4, 1))
        fit(model, X, 2 * X, loss=MSE(), optimizer=SGD(model, lr=0.1), epochs=9,
            callbacks=[Checkpoint({str(path)!r})], progress=False)
    """

    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)

    assert done.returncode == -9
    assert read_archive(path, "test")["epochs"] == 2


def test_a_full_disk_leaves_the_older_checkpoint_and_nothing_else(rng, tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    train(class_data(rng), OPTIMIZERS["Adam"], Checkpoint(path), epochs=2)
    before = path.read_bytes()

    def full(*args: Any, **arrays: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        train(class_data(rng), OPTIMIZERS["Adam"], Checkpoint(path))

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def written(folder: Path) -> Path:
    """Write a checkpoint of one epoch of the line."""
    path = folder / "run.npz"
    X, y = line_data()
    model = line()
    fit(
        model, X, y, loss=MSE(), optimizer=SGD(model, lr=0.1, momentum=0.5), rng=0,
        callbacks=[Checkpoint(path), EarlyStopping(monitor="loss")], progress=False,
    )  # fmt: skip
    return path


def refused(path: Path, message: str, **changes: Any) -> None:
    """Assert that a run is not resumed, and that nothing about it changed."""
    X, y = line_data()
    model = changes.pop("model", None) or line()
    optimizer = changes.pop("make", lambda m: SGD(m, lr=0.3, momentum=0.5))(model)
    rng = changes.pop("rng", None) or np.random.default_rng(1)
    arguments = {
        "X": X, "y": y, "loss": MSE(), "callbacks": [EarlyStopping(monitor="loss")], "epochs": 3,
    } | changes  # fmt: skip
    theta, state, draw = model.theta.copy(), optimizer.state_dict(), rng.bit_generator.state

    with pytest.raises(ArgumentError, match=message):
        fit(
            model, arguments.pop("X"), arguments.pop("y"), optimizer=optimizer, resume=path,
            rng=rng, progress=False, **arguments,
        )  # fmt: skip

    np.testing.assert_array_equal(model.theta, theta)
    assert optimizer.state_dict() == state
    np.testing.assert_equal(rng.bit_generator.state, draw)


def test_the_refusals_below_have_a_reason(tmp_path):
    """With nothing changed the same call goes on: the helper does not refuse by itself."""
    path = written(tmp_path)

    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        refused(path, "nothing")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": Sequential(Linear(1, 1, rng=0))}, r"holds 2 float64 parameters \(0.W \(1, 1\)"),
        (
            {"model": Sequential(Linear(1, 2, dtype=np.float64), Linear(2, 1, dtype=np.float64))},
            "but this model has 7 float64",
        ),
        ({"make": lambda m: Adam(m, lr=0.1)}, "the optimizer is Adam, but was SGD"),
        ({"make": lambda m: SGD(m, lr=0.1)}, "SGD.load_state_dict: missing"),
        ({"batch_size": 3}, "batch_size is 3, but was 32"),
        ({"shuffle": False}, "shuffle is False, but was True"),
        ({"penalty": L2(0.1)}, r"penalty is L2\(0.1\), but was None"),
        ({"X": np.ones((5, 1)), "y": np.ones((5, 1))}, r"the shape of X is \[5, 1\], but was"),
        ({"callbacks": []}, "holds the state of EarlyStopping, which is not among the callbacks"),
        ({"rng": np.random.Generator(np.random.MT19937(0))}, "kind PCG64, expected MT19937"),
    ],
)
def test_what_does_not_fit_the_checkpoint_is_refused_and_nothing_changes(
    tmp_path, changes, message
):
    refused(written(tmp_path), message, **changes)


@pytest.mark.parametrize(
    ("between", "message"),
    [
        ([BatchNorm1d(9), ReLU()], r"holds the generators \['2.rng'\], but the model has \[\]"),
        ([LayerNorm(9), Dropout()], r"and running statistics \['1.running_mean', .*, but this"),
    ],
)
def test_a_model_with_other_random_or_normalizing_layers_is_refused(
    rng, tmp_path, between, message
):
    path = tmp_path / "run.npz"
    X, y = class_data(rng)
    train((X, y), OPTIMIZERS["Adam"], Checkpoint(path))
    model = mlp(*between)

    with pytest.raises(ArgumentError, match=message):
        fit(model, X, y, loss=CrossEntropy(), optimizer=Adam(model, lr=0.1), resume=path,
            batch_size=7, penalty=L2(1e-3), progress=False)  # fmt: skip


class Trap:
    """Run code when it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, ("trapped",))


def not_a_checkpoint(folder: Path, kind: str) -> Path:
    path = folder / "file.npz"
    if kind == "text":
        path.write_text("not a checkpoint", encoding="utf-8")
    elif kind == "empty":
        path.touch()
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(Trap()))
    elif kind == "object array":
        np.savez(path, content=np.array([Trap()], dtype=object))
    elif kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.ones(3))
    elif kind == "other archive":
        np.savez(path, weights=np.ones(3))
    elif kind == "other content":
        write_archive(path, {"weights": np.ones(3)}, "test")
    elif kind == "list":
        np.savez(path, content=np.frombuffer(b"[1]", np.uint8))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("content.npy", "no array")
    else:
        whole = written(folder)
        path.write_bytes(whole.read_bytes()[:-50] if kind == "cut" else whole.read_bytes()[50:])
    return path


@pytest.mark.parametrize(
    "kind",
    ["text", "empty", "pickle", "object array", "npy", "other archive", "other content", "list",
     "zip", "cut", "beginning lost"],
)  # fmt: skip
def test_files_that_are_no_checkpoint_are_refused_and_run_no_code(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    path = not_a_checkpoint(tmp_path, kind)

    refused(path, r"fit: resume: file.npz .*(damaged|no checkpoint|format)")

    assert not (tmp_path / "trapped").exists()


def test_a_missing_file_is_refused(tmp_path):
    refused(tmp_path / "run.npz", "there is no file .*run.npz")


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    return written(tmp_path_factory.mktemp("good")).read_bytes()


@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_changed_byte_is_noticed_or_harmless(good, tmp_path_factory, place, flip):
    """All content has check sums; only bytes that say nothing, such as dates, may change."""
    path = tmp_path_factory.getbasetemp() / "flipped.npz"
    path.write_bytes(good)
    content = read_archive(path, "test")
    damaged = bytearray(good)
    damaged[int(place * len(damaged))] ^= flip
    path.write_bytes(bytes(damaged))

    try:
        other = read_archive(path, "test")
    except ArgumentError:
        return

    np.testing.assert_equal(other, content)


@pytest.mark.parametrize(
    "value", [{"a": object()}, {"a": np.array(["text"])}, {"a": {1: 2}}, {"a": 1j}]
)
def test_a_state_that_json_cannot_hold_is_refused_and_no_file_is_made(tmp_path, value):
    with pytest.raises(DtypeError, match="expected numbers, text, arrays"):
        write_archive(tmp_path / "run.npz", value, "Checkpoint")

    assert not list(tmp_path.iterdir())


def test_an_archive_gives_back_exactly_what_it_took(tmp_path, rng):
    content = {
        "float": 0.1 + 0.2, "infinite": float("-inf"), "whole": 2**127 - 1, "text": "σ",
        "nothing": None, "yes": True, "array": rng.normal(size=(2, 3)), "empty": np.empty((0, 2)),
        "float32": np.ones(3, np.float32), "truth": np.array([True, False]), "number": np.int64(3),
        "list": [1, [2.5, {"deep": np.arange(3)}]], "array name": {"array": "a0", "dict": {}},
    }  # fmt: skip

    write_archive(tmp_path / "run.npz", content, "test")
    back = read_archive(tmp_path / "run.npz", "test")

    np.testing.assert_equal(back, content)
    assert back["float32"].dtype == np.float32
    assert back["truth"].dtype == bool


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": 3}, "path is 3, expected a file name"),
        ({"path": ""}, "path is ''"),
        ({"path": "run.npz", "every": 0}, "every is 0"),
        ({"path": "run.npz", "keep": 0}, "keep is 0"),
        ({"path": "run.npz", "best_only": True, "mode": "up"}, "Checkpoint: mode is 'up'"),
    ],
)
def test_bad_settings_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        Checkpoint(**arguments)


def test_a_folder_that_cannot_be_made_is_refused_before_training(rng, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ArgumentError, match=r"folder .*file cannot be made"):
        train(class_data(rng), OPTIMIZERS["Adam"], Checkpoint(tmp_path / "file" / "run.npz"))
    with pytest.raises(ArgumentError, match=r"is a folder, expected a file. Write Checkpoint"):
        train(class_data(rng), OPTIMIZERS["Adam"], Checkpoint(tmp_path))


def test_a_run_that_does_not_record_what_is_best_is_refused(rng, tmp_path):
    best = Checkpoint(tmp_path / "run.npz", best_only=True)

    with pytest.raises(ArgumentError, match="Checkpoint: monitor is 'validation_loss'"):
        train(class_data(rng), OPTIMIZERS["Adam"], best, validation_data=None)


def test_a_copied_checkpoint_is_as_good(rng, tmp_path):
    data, path = class_data(rng), tmp_path / "run.npz"
    train(data, OPTIMIZERS["Adam"], Checkpoint(path), epochs=3)
    copied = Path(shutil.copy(path, tmp_path / "elsewhere"))

    assert_same_run(train(data), train(data, resume=str(copied)))
