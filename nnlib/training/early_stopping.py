"""Stop when the validation loss has stopped falling, and go back to where it was lowest."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array, check_count
from nnlib.errors import ArgumentError, ShapeError
from nnlib.training._watch import Watch
from nnlib.training.callbacks import Callback, Run


class Replay(NamedTuple):
    """What early stopping would have done on recorded values."""

    stop_epoch: int | None
    """The epoch after which training would have ended; None if it would not."""
    best_epoch: int
    """The epoch whose parameters would have been kept."""
    best: float
    """The quantity in that epoch."""


class EarlyStopping(Callback):
    """Stop after ``patience`` epochs without improvement, and restore the best epoch.

    An epoch improves if the quantity is better than the best so far by more than ``min_delta``;
    the first epoch always does. The rows that choose the epoch can no longer report how good it
    is: keep a third part of the data for that.

    Parameters
    ----------
    patience : int, default 5
        Epochs without improvement, one after the other, that end training.
    min_delta : float, default 0
        What counts as improvement, in units of the quantity.
    mode : {"auto", "min", "max"}
        Whether small or large is good. "auto": accuracies large, all else small.
    monitor : str, default "validation_loss"
        A list of the history, as "accuracy".
    restore_best : bool, default True
        Whether the parameters and running statistics of the best epoch are put back when training
        ends, however it ends, except by divergence.

    Attributes
    ----------
    best : float
        Best value so far.
    best_epoch : int
        Its epoch, counted from 1; 0 before the first.
    wait : int
        Epochs since then.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be, or when ``fit`` begins, if the run does not record
        what is monitored.

    References
    ----------
    Prechelt (1998), in Neural Networks: Tricks of the Trade, Springer, 55-69.

    Examples
    --------
    >>> from nnlib import MSE, SGD, Linear, Sequential, fit
    >>> X = np.linspace(-1, 1, 20)[:, np.newaxis]
    >>> model = Sequential(Linear(1, 1, rng=0))
    >>> history = fit(model, X, 3 * X, loss=MSE(), optimizer=SGD(model, lr=0.0), epochs=50,
    ...               validation_data=(X, 3 * X), callbacks=[EarlyStopping(patience=2)],
    ...               progress=False)
    >>> history.stop_reason
    'no improvement of validation_loss for 2 epochs, best in epoch 1'
    """

    def __init__(
        self,
        patience: int = 5,
        min_delta: float = 0.0,
        mode: str = "auto",
        *,
        monitor: str = "validation_loss",
        restore_best: bool = True,
    ) -> None:
        self.patience = check_count(patience, "patience", "EarlyStopping")
        self.restore_best = bool(restore_best)
        self._watch = Watch(monitor, mode, min_delta, "EarlyStopping")
        self._kept: dict[str, Array] = {}

    @property
    def best(self) -> float:
        """Best value so far; infinite before the first epoch."""
        return self._watch.best

    @property
    def best_epoch(self) -> int:
        """Epoch of the best value, counted from 1; 0 before the first."""
        return self._watch.best_epoch

    @property
    def wait(self) -> int:
        """Epochs since the best."""
        return self._watch.wait

    def on_train_begin(self, run: Run) -> None:
        """Check that the quantity is recorded, and forget an earlier run."""
        self._watch.check(run)
        self._watch.reset()
        self._kept = {}

    def on_resume(self, run: Run) -> None:
        """Check the parameters kept, and stop at once if the run had waited long enough."""
        buffers = run.model.buffers().items()
        own = {f"buffer {name}": np.shape(buffer) for name, buffer in buffers}
        own["theta"] = run.model.theta.shape
        if self._kept and {name: np.shape(kept) for name, kept in self._kept.items()} != own:
            message = (
                "EarlyStopping: the parameters of the best epoch in the checkpoint are not those "
                "of this model. Take an older checkpoint, or train anew."
            )
            raise ArgumentError(message)
        self._stop_if_idle(run)

    def on_epoch_end(self, run: Run) -> None:
        """Keep the parameters of a better epoch; stop after too many others."""
        if self._watch.improved(run):
            if self.restore_best:
                self._keep(run)
        else:
            self._stop_if_idle(run)

    def on_train_end(self, run: Run) -> None:
        """Put the best epoch back."""
        if not self._kept:
            return
        run.model.theta = self._kept["theta"]
        for name, buffer in run.model.buffers().items():
            np.copyto(buffer, self._kept[f"buffer {name}"])

    def replay(self, values: ArrayLike) -> Replay:
        """Say what would happen on recorded values: where training ends, and which epoch is kept.

        Nothing is trained, and what this object has seen is left as it is.

        Parameters
        ----------
        values : sequence of float
            The quantity after epoch 1, 2, ...

        Returns
        -------
        replay : Replay
            ``stop_epoch`` (None if training would not have stopped), ``best_epoch`` and ``best``.

        Raises
        ------
        DtypeError
            If the values are not numbers.
        ShapeError
            If they are not in one row, or there is none.

        Examples
        --------
        Epoch 3 is better than epoch 2 by 0.00001, which is less than ``min_delta``:

        >>> EarlyStopping(patience=2, min_delta=0.001).replay([0.21, 0.0401, 0.04009, 0.3, 0.01])
        Replay(stop_epoch=4, best_epoch=2, best=0.0401)
        """
        recorded = as_array(values, np.dtype(np.float64), "EarlyStopping.replay: values")
        if recorded.ndim != 1 or not recorded.size:
            message = (
                f"EarlyStopping.replay: values has shape {recorded.shape}, expected (epochs,) "
                "with at least one. Give one list of a history, as history.validation_loss."
            )
            raise ShapeError(message)
        watch = copy(self._watch)
        watch.reset()
        for epoch, value in enumerate(recorded.tolist(), start=1):
            if not watch.better(value, epoch) and watch.wait >= self.patience:
                return Replay(epoch, watch.best_epoch, watch.best)
        return Replay(None, watch.best_epoch, watch.best)

    def state_dict(self) -> dict[str, Any]:
        """Return what was seen, and the best parameters."""
        return self._watch.state_dict() | {"kept": dict(self._kept)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what was seen, and the best parameters."""
        self._watch.load_state_dict(state)
        self._kept = dict(state["kept"])

    def _keep(self, run: Run) -> None:
        buffers = run.model.buffers().items()
        self._kept = {f"buffer {name}": buffer.copy() for name, buffer in buffers}
        self._kept["theta"] = run.model.theta.copy()

    def _stop_if_idle(self, run: Run) -> None:
        if self.wait >= self.patience:
            epochs = "epoch" if self.wait == 1 else "epochs"
            run.stop(
                f"no improvement of {self._watch.monitor} for {self.wait} {epochs}, "
                f"best in epoch {self.best_epoch}"
            )
