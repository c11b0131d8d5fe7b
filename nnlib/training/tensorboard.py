"""Event files for TensorBoard, written by the package tensorboard alone, without PyTorch."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import check_count
from nnlib.errors import ArgumentError, NNLibError
from nnlib.training.callbacks import Callback, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMES = {
    "loss": "loss/training",
    "validation_loss": "loss/validation",
    "accuracy": "accuracy/training",
    "validation_accuracy": "accuracy/validation",
    "penalty": "penalty",
    "lr": "lr",
    "seconds": "seconds per epoch",
}
"""How the lists of the history are called in TensorBoard; a word before / makes a group."""


class MissingTensorBoardError(NNLibError, ImportError):
    """Report that the package tensorboard is not installed."""


class TensorBoard(Callback):
    """Write what TensorBoard draws: losses, rates, histograms of weights and gradients.

    Start the viewer with ``tensorboard --logdir runs``, or in a notebook with
    ``%load_ext tensorboard`` and ``%tensorboard --logdir runs``. Each folder is one run.

    Parameters
    ----------
    folder : str or Path
        Where the event file goes; made if it is missing.
    every : int, default 1
        Epochs from one entry to the next.
    histograms : bool, default True
        Whether each parameter and its gradient (of the last batch of the epoch) get a histogram.
    hyperparameters : dict of str to number or text, optional
        Shown under HPARAMS, with the last losses as metrics.
    figures : function (run) -> dict of str to Figure, optional
        Drawn at each entry, as a confusion matrix or the filters of a layer.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be.
    MissingTensorBoardError
        When ``fit`` begins, if the package is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from nnlib import MSE, SGD, Linear, Sequential, fit
    >>> model = Sequential(Linear(1, 1, rng=0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     history = fit(model, [[1.0]], [[2.0]], loss=MSE(), optimizer=SGD(model, lr=0.1),
    ...                   callbacks=[TensorBoard(folder)], progress=False)
    ...     len(list(Path(folder).glob("events.*")))
    1
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        every: int = 1,
        histograms: bool = True,
        hyperparameters: Mapping[str, float | str | bool] | None = None,
        figures: Callable[[Run], Mapping[str, Figure]] | None = None,
    ) -> None:
        if not isinstance(folder, str | Path):
            message = f"TensorBoard: folder is {folder!r:.60}, expected a name, such as 'runs/a'."  # type: ignore[unreachable]  # callers need not be typed
            raise ArgumentError(message)
        self.folder = Path(folder)
        self.every = check_count(every, "every", "TensorBoard")
        self.histograms = bool(histograms)
        self.hyperparameters = _plain(hyperparameters)
        if figures is not None and not callable(figures):
            message = (  # type: ignore[unreachable]  # callers need not be typed
                f"TensorBoard: figures is {figures!r:.60}, expected a function (run) -> dict of "
                "name to figure, or None."
            )
            raise ArgumentError(message)
        self.figures = figures
        self._writer: _Writer | None = None

    def on_train_begin(self, run: Run) -> None:
        """Open the event file."""
        try:
            self._writer = _Writer(self.folder)
        except OSError as error:
            message = (
                f"TensorBoard: the folder {self.folder} cannot be made or written to "
                f"({error.strerror or error!s:.80}). Name another."
            )
            raise ArgumentError(message) from error
        if self.hyperparameters:
            metrics = [_NAMES[name] for name in ("loss", "validation_loss") if name in run.entries]
            self._writer.hyperparameters(self.hyperparameters, metrics)

    def on_epoch_end(self, run: Run) -> None:
        """Write the entries of the epoch, at its number counted from 1."""
        writer, epoch = self._writer, run.epoch + 1
        if writer is None or epoch % self.every:
            return
        for name in sorted(run.entries):
            values = getattr(run.history, name)
            if values:
                writer.scalar(_NAMES[name], values[-1], epoch)
        if self.histograms:
            for p in run.model.parameters():
                writer.histogram(f"weights/{p.name}", run.model.theta[..., p.slice], epoch)
                writer.histogram(f"gradients/{p.name}", run.model.grad[..., p.slice], epoch)
        if self.figures is not None:
            for name, figure in _checked_figures(self.figures(run)).items():
                writer.figure(name, figure, epoch)
        writer.flush()

    def on_close(self, run: Run) -> None:  # ruff: ignore[unused-method-argument]
        """Close the event file, however training ended."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _plain(hyperparameters: object) -> dict[str, float | str | bool]:
    """Return the hyper-parameters as plain numbers and text."""
    if hyperparameters is None:
        return {}
    if not isinstance(hyperparameters, Mapping):
        message = (
            f"TensorBoard: hyperparameters is {hyperparameters!r:.60}, expected a dictionary of "
            "names to numbers or text, such as {'lr': 0.1}."
        )
        raise ArgumentError(message)
    plain = {}
    for name, value in hyperparameters.items():
        number = value.item() if isinstance(value, np.generic) else value
        if not isinstance(name, str) or not isinstance(number, bool | int | float | str):
            message = (
                f"TensorBoard: hyperparameter {name!r:.60} is {value!r:.60}, expected a name that "
                "is text, and a number or text. Give its repr()."
            )
            raise ArgumentError(message)
        plain[name] = number
    return plain


def _checked_figures(figures: object) -> Mapping[str, Figure]:
    """Return what the user's function drew."""
    if isinstance(figures, Mapping) and all(
        isinstance(name, str) and hasattr(figure, "savefig") for name, figure in figures.items()
    ):
        return figures
    message = (
        f"TensorBoard: figures returned {figures!r:.60}, expected a dictionary of names to figures "
        "of Matplotlib. End your function with: return {'name': figure}."
    )
    raise ArgumentError(message)


class _Writer:
    """The few events that are wanted, as protocol buffers of the package tensorboard."""

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError as error:
            message = (
                'TensorBoard: the package tensorboard is missing. Run "pip install tensorboard".'
            )
            raise MissingTensorBoardError(message) from error
        self._event, self._proto = event_pb2.Event, summary_pb2
        self._file = EventFileWriter(str(folder))

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Write one number."""
        self._add(step, self._proto.Summary.Value(tag=tag, simple_value=value))

    def histogram(self, tag: str, values: ArrayLike, step: int, bins: int = 30) -> None:
        """Write how the values are distributed; entries that are not finite are left out."""
        flat = np.asarray(values, np.float64).ravel()
        flat = flat[np.isfinite(flat)]
        if not flat.size:
            return
        try:
            counts, edges = np.histogram(flat, bins)
        except ValueError:  # rounding leaves no room for bins between numbers so large and alike
            counts, edges = np.array([flat.size]), np.array([flat.min(), flat.max()])
        with np.errstate(over="ignore"):  # a run that diverges is drawn, too
            histogram = self._proto.HistogramProto(
                min=flat.min(), max=flat.max(), num=flat.size, sum=flat.sum(),
                sum_squares=np.square(flat).sum(), bucket_limit=edges[1:], bucket=counts,
            )  # fmt: skip
        self._add(step, self._proto.Summary.Value(tag=tag, histo=histogram))

    def figure(self, tag: str, figure: Figure, step: int) -> None:
        """Write a figure as a picture."""
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=100)
        width, height = (round(100 * side) for side in figure.get_size_inches())
        image = self._proto.Summary.Image(
            height=height, width=width, colorspace=4, encoded_image_string=file.getvalue()
        )
        self._add(step, self._proto.Summary.Value(tag=tag, image=image))

    def hyperparameters(self, values: Mapping[str, Any], metrics: list[str]) -> None:
        """Write the hyper-parameters of the run, and which numbers judge it."""
        from tensorboard.plugins.hparams import summary_v2

        config = summary_v2.hparams_config_pb(
            [summary_v2.HParam(name) for name in values],
            [summary_v2.Metric(tag) for tag in metrics],
        )
        for summary in (config, summary_v2.hparams_pb(dict(values))):
            self._file.add_event(self._event(wall_time=time(), step=0, summary=summary))

    def flush(self) -> None:
        """Bring all to the disk, so that a viewer sees it."""
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        self._file.close()

    def _add(self, step: int, value: Any) -> None:
        summary = self._proto.Summary(value=[value])
        self._file.add_event(self._event(wall_time=time(), step=step, summary=summary))
