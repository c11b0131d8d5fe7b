"""Event files: TensorBoard's own reader finds in them what the run recorded."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from nnlib import SGD, ArgumentError, CrossEntropy, NNLibError, Sequential, fit
from nnlib.plotting import new_axes
from nnlib.regularizers import L2
from nnlib.training import History, TensorBoard
from tests.nnlib.training.cases import class_data, mlp


def run(rng: np.random.Generator, board: TensorBoard, **how: Any) -> tuple[Sequential, History]:
    X, y = class_data(rng)
    model = mlp()
    arguments = {
        "epochs": 4, "batch_size": 8, "rng": 0, "validation_data": (X[:9], y[:9]),
        "penalty": L2(1e-3), "callbacks": [board], "progress": False,
    } | how  # fmt: skip
    optimizer = SGD(model, lr=lambda step: 0.1 / (1 + step))
    return model, fit(model, X, y, loss=CrossEntropy(), optimizer=optimizer, **arguments)


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder)).Reload()


def test_scalars_are_the_history(rng, tmp_path):
    _, history = run(rng, TensorBoard(tmp_path / "runs" / "a"))

    events = read(tmp_path / "runs" / "a")
    expected = {
        "loss/training": history.loss,
        "loss/validation": history.validation_loss,
        "accuracy/training": history.accuracy,
        "accuracy/validation": history.validation_accuracy,
        "penalty": history.penalty,
        "lr": history.lr,
        "seconds per epoch": history.seconds,
    }
    assert set(events.Tags()["scalars"]) == set(expected)
    for tag, values in expected.items():
        entries = events.Scalars(tag)
        assert [entry.step for entry in entries] == [1, 2, 3, 4]
        # the format holds float32
        np.testing.assert_array_equal([e.value for e in entries], np.float32(values))


def test_histograms_are_those_of_weights_and_gradients(rng, tmp_path):
    model, _ = run(rng, TensorBoard(tmp_path))

    events = read(tmp_path)
    names = [p.name for p in model.parameters()]
    assert set(events.Tags()["histograms"]) == {
        f"{kind}/{name}" for kind in ("weights", "gradients") for name in names
    }
    for kind, vector in (("weights", model.theta), ("gradients", model.grad)):
        values = vector[model.parameters()[0].slice].astype(float)
        last = events.Histograms(f"{kind}/0.W")[-1]
        found = last.histogram_value
        assert last.step == 4
        assert (found.min, found.max, found.num) == (values.min(), values.max(), values.size)
        # sums of 36 numbers in another order
        assert found.sum == pytest.approx(values.sum(), rel=1e-9)
        assert found.sum_squares == pytest.approx((values**2).sum(), rel=1e-9)
        # bucket i holds what lies below its limit and not below the one before
        counts = [np.count_nonzero(values <= limit) for limit in found.bucket_limit]
        np.testing.assert_allclose(np.cumsum(found.bucket), counts, atol=1)  # edges go either way
        assert sum(found.bucket) == values.size


def test_every_other_epoch_without_histograms(rng, tmp_path):
    run(rng, TensorBoard(tmp_path, every=2, histograms=False))

    events = read(tmp_path)
    assert [entry.step for entry in events.Scalars("loss/training")] == [2, 4]
    assert events.Tags()["histograms"] == []


def test_values_that_are_not_finite_are_left_out_of_histograms(tmp_path):
    from nnlib.training.tensorboard import _Writer

    writer = _Writer(tmp_path)
    writer.histogram("some", np.array([1.0, np.nan, 3.0, np.inf]), 1)
    writer.histogram("none", np.full(3, np.nan), 1)
    writer.histogram("same", np.zeros(5), 1)
    writer.close()

    events = read(tmp_path)
    assert set(events.Tags()["histograms"]) == {"some", "same"}
    assert events.Histograms("some")[0].histogram_value.num == 2
    assert sum(events.Histograms("same")[0].histogram_value.bucket) == 5


def test_figures_are_pictures(rng, tmp_path):
    def draw(run: Any) -> dict[str, Any]:
        figure, [axes] = new_axes()
        axes.plot(run.history.loss)
        return {"curve": figure}

    run(rng, TensorBoard(tmp_path, every=4, figures=draw))

    [image] = read(tmp_path).Images("curve")
    assert image.encoded_image_string.startswith(b"\x89PNG")
    width, height = (
        int.from_bytes(image.encoded_image_string[at : at + 4], "big") for at in (16, 20)
    )
    assert (image.width, image.height, image.step) == (width, height, 4)


def test_hyperparameters_are_what_the_plugin_reads(rng, tmp_path):
    given = {"lr": 0.1, "layers": 2, "optimizer": "SGD", "nesterov": True}

    run(rng, TensorBoard(tmp_path, hyperparameters=given))

    data = read(tmp_path).summary_metadata
    parts = {
        tag: plugin_data_pb2.HParamsPluginData.FromString(entry.plugin_data.content)
        for tag, entry in data.items()
        if entry.plugin_data.plugin_name == "hparams"
    }
    start = parts["_hparams_/session_start_info"].session_start_info
    found = {
        name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()
    }
    assert found == given
    experiment = parts["_hparams_/experiment"].experiment
    metrics = [info.name.tag for info in experiment.metric_infos]
    assert metrics == ["loss/training", "loss/validation"]


def test_the_model_is_the_same_with_and_without(rng, tmp_path):
    state = rng.bit_generator.state
    with_board, _ = run(rng, TensorBoard(tmp_path))
    rng.bit_generator.state = state
    without, _ = run(rng, TensorBoard(tmp_path), callbacks=[])

    np.testing.assert_array_equal(with_board.theta, without.theta)


def test_neither_torch_nor_tensorflow_is_imported(tmp_path):
    code = f"""
        import sys
        import numpy as np
        from nnlib import MSE, SGD, Linear, Sequential, fit
        from nnlib.training import TensorBoard
        assert "tensorboard" not in sys.modules
        model = Sequential(Linear(1, 1, rng=0))
        X = np.ones((4, 1))
        fit(model, X, 2 * X, loss=MSE(), optimizer=SGD(model, lr=0.1), progress=False,
            callbacks=[TensorBoard({str(tmp_path)!r}, hyperparameters={{"lr": 0.1}})])
        assert "tensorboard" in sys.modules
        print(sorted({{"torch", "tensorflow", "matplotlib"}} & set(sys.modules)))
    """

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_missing_package_is_said_with_the_command_that_installs_it(rng, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)

    with pytest.raises(ImportError, match=r'missing. Run "pip install tensorboard"') as caught:
        run(rng, TensorBoard(tmp_path))

    assert isinstance(caught.value, NNLibError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"folder": 3}, "folder is 3, expected a name"),
        ({"folder": "runs", "every": 0}, "every is 0"),
        ({"folder": "runs", "hyperparameters": {"lr": [1]}}, r"hyperparameter 'lr' is \[1\]"),
        ({"folder": "runs", "hyperparameters": {3: 1}}, "hyperparameter 3 is 1, expected a name"),
        ({"folder": "runs", "hyperparameters": 3}, "hyperparameters is 3, expected a dictionary"),
        ({"folder": "runs", "figures": 3}, "figures is 3, expected a function"),
    ],
)
def test_bad_settings_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        TensorBoard(**arguments)
