"""Lower the learning rate where the validation loss has stopped falling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnlib._array import check_count, check_number
from nnlib.errors import ArgumentError
from nnlib.training._watch import Watch
from nnlib.training.callbacks import Callback, Run


class ReduceOnPlateau(Callback):
    """Multiply the learning rate by ``factor`` after ``patience`` epochs without improvement.

    A schedule knows the step and nothing else, so it cannot wait for a plateau; this callback
    can. After each reduction it counts anew. It sets ``optimizer.lr``: a rate of its own, such as
    ``adamw_lr`` of ``Muon``, stays.

    Parameters
    ----------
    factor : float, default 0.1
        From above 0 to below 1.
    patience : int, default 5
        Epochs without improvement, one after the other.
    min_delta : float, default 0
        Better means better by more than this.
    mode : {"auto", "min", "max"}
        Whether small or large is good. "auto": accuracies large, all else small.
    monitor : str, default "validation_loss"
        A list of the history.
    min_lr : float, default 0
        The rate is never set below this; one that is already smaller stays.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be, or when ``fit`` begins, if the run does not record
        what is monitored, or the optimizer follows a schedule.

    Examples
    --------
    >>> import numpy as np
    >>> from nnlib import MSE, SGD, Linear, Sequential, fit
    >>> X = np.ones((4, 1))
    >>> model = Sequential(Linear(1, 1, rng=0))
    >>> model.theta = 0.0
    >>> history = fit(model, X, 0 * X, loss=MSE(), optimizer=SGD(model, lr=0.8), epochs=6,
    ...               callbacks=[ReduceOnPlateau(0.5, patience=2, monitor="loss")],
    ...               progress=False)
    >>> [round(lr, 3) for lr in history.lr]
    [0.8, 0.8, 0.8, 0.4, 0.4, 0.2]
    """

    def __init__(
        self,
        factor: float = 0.1,
        patience: int = 5,
        min_delta: float = 0.0,
        mode: str = "auto",
        *,
        monitor: str = "validation_loss",
        min_lr: float = 0.0,
    ) -> None:
        self.factor = check_number(factor, "factor", "ReduceOnPlateau", below=1, positive=True)
        self.patience = check_count(patience, "patience", "ReduceOnPlateau")
        self.min_lr = check_number(min_lr, "min_lr", "ReduceOnPlateau")
        self._watch = Watch(monitor, mode, min_delta, "ReduceOnPlateau")

    def on_train_begin(self, run: Run) -> None:
        """Check that there is a fixed rate to reduce, and forget an earlier run."""
        self._watch.check(run)
        if callable(run.optimizer._lr):
            message = (
                "ReduceOnPlateau: the optimizer's lr is a schedule, expected a number to reduce. "
                "Use one of the two."
            )
            raise ArgumentError(message)
        self._watch.reset()

    def on_epoch_end(self, run: Run) -> None:
        """Reduce the rate after too many epochs without improvement."""
        if self._watch.improved(run) or self._watch.wait < self.patience:
            return
        lr = run.optimizer.lr
        run.optimizer.lr = min(lr, max(lr * self.factor, self.min_lr))
        self._watch.wait = 0

    def state_dict(self) -> dict[str, Any]:
        """Return what was seen."""
        return self._watch.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what was seen."""
        self._watch.load_state_dict(state)
