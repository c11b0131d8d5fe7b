"""Keep watch during training: a callback that records what ``diagnose`` looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, check_count
from nnlib.diagnostics.activations import activation_statistics
from nnlib.diagnostics.gradients import gradient_norms, update_ratio, weight_norms
from nnlib.training import Callback
from nnlib.training.callbacks import Run

SATURATING = ("Sigmoid", "Tanh")
"""Layers whose curve is nearly flat far from zero."""


@dataclass(frozen=True)
class Record:
    """What was seen in one step.

    Attributes
    ----------
    step, epoch : int
        Which step and epoch, counted from 0.
    loss : float
        Loss of the batch, before the step.
    gradient_norms, weight_norms : dict of str to float
        By parameter, before the step.
    update_ratios : dict of str to float
        ‖Δθ‖ / ‖θ‖ by parameter.
    dead, saturated : dict of str to float
        Share of dead units and of saturated values by activation layer, after the step. Empty
        unless the monitor has rows to look at.
    """

    step: int
    epoch: int
    loss: float
    gradient_norms: dict[str, float]
    weight_norms: dict[str, float]
    update_ratios: dict[str, float]
    dead: dict[str, float] = field(default_factory=dict)
    saturated: dict[str, float] = field(default_factory=dict)


class Monitor(Callback):
    """Record gradients, weights, updates and activations while ``fit`` runs.

    The first step is always recorded: it shows the initialization.

    Parameters
    ----------
    every : int, optional
        Record each n-th step; by default the last step of each epoch.
    X : ndarray of shape (N, ...), optional
        Rows on which to look for dead units and saturation; some hundred will do.

    Attributes
    ----------
    records : list of Record
        In order.

    Raises
    ------
    ArgumentError
        If ``every`` is not at least 1.

    Examples
    --------
    >>> from nnlib import Linear, MSE, SGD, Sequential, fit
    >>> model = Sequential(Linear(1, 1, bias=False, dtype=np.float64))
    >>> model.theta = 2.0
    >>> monitor = Monitor()
    >>> history = fit(model, [[1.0]], [[0.0]], loss=MSE(), optimizer=SGD(model, lr=0.25), epochs=1,
    ...               callbacks=[monitor], progress=False)
    >>> monitor.records[0].gradient_norms, monitor.records[0].update_ratios
    ({'0.W': 4.0}, {'0.W': 1.0})
    """

    def __init__(self, *, every: int | None = None, X: ArrayLike | None = None) -> None:
        self.every = None if every is None else check_count(every, "every", "Monitor")
        self.X = None if X is None else np.asarray(X)
        self.records: list[Record] = []
        self._before: tuple[Array, dict[str, float], dict[str, float]] | None = None

    def on_train_begin(self, run: Run) -> None:  # ruff: ignore[unused-method-argument]
        """Begin a new recording.

        Parameters
        ----------
        run : Run
            The training that begins.
        """
        self.records = []

    def on_gradient(self, run: Run) -> None:
        """Look before the step.

        Parameters
        ----------
        run : Run
            The training that is going on.
        """
        self._before = None
        if self._wanted(run):
            norms = gradient_norms(run.model), weight_norms(run.model)
            self._before = (run.model.theta.copy(), *norms)

    def on_batch_end(self, run: Run) -> None:
        """Look after the step, and keep both.

        Parameters
        ----------
        run : Run
            The training that is going on.
        """
        if self._before is None:
            return
        theta, gradients, weights = self._before
        self._before = None
        found = {} if self.X is None else activation_statistics(run.model, self.X)
        self.records.append(
            Record(
                run.step - 1,  # the step just taken has been counted
                run.epoch,
                run.batch_loss,
                gradients,
                weights,
                update_ratio(run.model, theta),
                {n: each.dead for n, each in found.items() if each.layer == "ReLU"},
                {n: each.saturated for n, each in found.items() if each.layer in SATURATING},
            )
        )

    def _wanted(self, run: Run) -> bool:
        if run.step == 0:
            return True
        if self.every is None:
            return run.batch == run.n_batches - 1
        return run.step % self.every == 0

    def state_dict(self) -> dict[str, Any]:
        """Return the records, for a checkpoint.

        Returns
        -------
        state : dict
            Text and numbers only.
        """
        return {"records": [asdict(record) for record in self.records]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the records back.

        Parameters
        ----------
        state : dict
            As ``state_dict`` returned it.
        """
        self.records = [Record(**entry) for entry in state["records"]]
