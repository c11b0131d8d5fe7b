"""Save a run now and then, so that it can go on after an interrupt, bit for bit."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnlib._array import check_count
from nnlib.errors import ArgumentError
from nnlib.training._archive import write_archive
from nnlib.training._snapshot import take_snapshot
from nnlib.training._watch import Watch
from nnlib.training.callbacks import Callback, Run


class Checkpoint(Callback):
    """Write model, optimizer, generators, history and callbacks to one file.

    ``fit(..., resume=path)`` goes on from there exactly as if the run had never stopped, and
    ``load_checkpoint(path, model)`` loads the model alone. The file is a NumPy archive of arrays
    and JSON text; reading it runs no code. It is complete at every moment: a new one is written
    beside it and takes its place at the end.

    Only whole epochs are written. Where ``run.stop`` or an interrupt breaks an epoch off, the file
    keeps the epoch before it, and a run that goes on from there does the whole epoch again.

    Parameters
    ----------
    path : str or Path
        The file, as "run.npz". Its folder is made if it is missing.
    every : int, default 1
        Epochs from one checkpoint to the next.
    keep : int, default 1
        How many to keep: of "run.npz", the older ones are "run.1.npz", "run.2.npz", ...
    best_only : bool, default False
        Write only epochs that are better than all that came up for writing before.
    monitor : str, default "validation_loss"
        A list of the history, which says what is better.
    mode : {"auto", "min", "max"}
        Whether small or large is good. "auto": accuracies large, all else small.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be, or when ``fit`` begins, if the folder cannot be
        written to or the run does not record what is monitored.

    Examples
    --------
    A run that stops after 2 of 4 epochs and goes on:

    >>> import tempfile
    >>> from nnlib import MSE, SGD, Linear, Sequential, fit
    >>> def train(epochs, **how):
    ...     model = Sequential(Linear(1, 1, rng=0))
    ...     return fit(model, [[1.0], [3.0]], [[2.0], [4.0]], loss=MSE(), epochs=epochs,
    ...                optimizer=SGD(model, lr=0.1, momentum=0.5), batch_size=1, rng=5,
    ...                progress=False, **how)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/run.npz"
    ...     history = train(2, callbacks=[Checkpoint(path)])
    ...     history = train(4, callbacks=[Checkpoint(path)], resume=path)
    >>> history.loss == train(4).loss
    True
    """

    def __init__(
        self,
        path: str | Path,
        *,
        every: int = 1,
        keep: int = 1,
        best_only: bool = False,
        monitor: str = "validation_loss",
        mode: str = "auto",
    ) -> None:
        given: object = path  # callers need not be typed
        if not isinstance(given, str | Path) or not Path(given).name:
            message = f"Checkpoint: path is {path!r:.60}, expected a file name, such as 'run.npz'."
            raise ArgumentError(message)
        self.path = Path(path)
        self.every = check_count(every, "every", "Checkpoint")
        self.keep = check_count(keep, "keep", "Checkpoint")
        self._watch = Watch(monitor, mode, 0.0, "Checkpoint") if best_only else None

    def on_train_begin(self, run: Run) -> None:
        """Make the folder."""
        if self._watch is not None:
            self._watch.check(run)
            self._watch.reset()
        if self.path.is_dir():
            message = (
                f"Checkpoint: {self.path} is a folder, expected a file. "
                f"Write Checkpoint({str(self.path / 'run.npz')!r})."
            )
            raise ArgumentError(message)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = (
                f"Checkpoint: the folder {self.path.parent} cannot be made ({error.strerror}). "
                "Name another."
            )
            raise ArgumentError(message) from error

    def on_epoch_complete(self, run: Run) -> None:
        """Write the file, if it is time."""
        if (run.epoch + 1) % self.every:
            return
        if self._watch is not None and not self._watch.improved(run):
            return
        for i in range(self.keep - 1, 0, -1):
            # Copied, not moved, so that at no moment the newest is missing.
            newer, older = self._name(i - 1), self._name(i)
            if newer.exists():
                beside = older.with_name(f".{older.name}.part")
                shutil.copyfile(newer, beside)
                beside.replace(older)
        write_archive(self.path, take_snapshot(run), "Checkpoint")

    def state_dict(self) -> dict[str, Any]:
        """Return which epoch was best."""
        return {} if self._watch is None else self._watch.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back which epoch was best."""
        if self._watch is not None:
            self._watch.load_state_dict(state)

    def _name(self, age: int) -> Path:
        """Return the name of the checkpoint that is so many writes old."""
        path = self.path
        return path if age == 0 else path.with_name(f"{path.stem}.{age}{path.suffix}")
