"""A running average of the parameters, which is often better than the last of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlib._array import Array, check_number
from nnlib.errors import ArgumentError
from nnlib.training.callbacks import Callback, Run


class WeightAveraging(Callback):
    """Average the parameters over the last steps, and end training with the average.

        ā ← d ā + (1 − d) θ,   d = min(decay, t / (t + 9)),   t = 1, 2, …

    ā is θ itself after the first step, and d starts small, so that the starting values are soon
    forgotten. The average acts on nothing while training goes on. Running statistics are not
    averaged; with ``EarlyStopping`` the callback that comes last in the list decides.

    Parameters
    ----------
    decay : float, default 0.999
        Share of the average that a step keeps, from 0 to below 1: it reaches back about
        1 / (1 − decay) steps.

    Attributes
    ----------
    average : ndarray of shape (P,)
        The average, once training has begun.

    Raises
    ------
    ArgumentError
        If ``decay`` is outside what it may be.

    References
    ----------
    Polyak & Juditsky (1992), SIAM Journal on Control and Optimization 30, 838-855.

    Examples
    --------
    >>> from nnlib import MSE, SGD, Linear, Sequential, fit
    >>> model = Sequential(Linear(1, 1, bias=False, dtype=np.float64))
    >>> model.theta = 8.0
    >>> halve = WeightAveraging(decay=0.1)
    >>> history = fit(model, np.ones((1, 1)), np.zeros((1, 1)), loss=MSE(), epochs=2,
    ...               optimizer=SGD(model, lr=0.25), callbacks=[halve], progress=False)
    >>> model.theta  # θ was 4, then 2: the average 4, then 0.1 · 4 + 0.9 · 2
    array([2.2])
    """

    def __init__(self, decay: float = 0.999) -> None:
        self.decay = check_number(decay, "decay", "WeightAveraging", below=1)
        self.average: Array | None = None
        self._steps = 0

    def on_train_begin(self, run: Run) -> None:  # ruff: ignore[unused-method-argument]
        """Forget an earlier run."""
        self.average, self._steps = None, 0

    def on_resume(self, run: Run) -> None:
        """Check that the average is one of this model."""
        if self.average is not None and self.average.shape != run.model.theta.shape:
            message = (
                f"WeightAveraging: the average in the checkpoint has shape {self.average.shape}, "
                f"expected {run.model.theta.shape}. Take an older checkpoint, or train anew."
            )
            raise ArgumentError(message)

    def on_batch_end(self, run: Run) -> None:
        """Take the new parameters in."""
        theta = run.model.theta
        if self.average is None:
            self.average = theta.copy()
        else:
            self._steps += 1
            share = min(self.decay, self._steps / (self._steps + 9))
            self.average += (1.0 - share) * (theta - self.average)

    def on_train_end(self, run: Run) -> None:
        """Put the average in place of the last parameters."""
        if self.average is not None:
            run.model.theta = self.average

    def state_dict(self) -> dict[str, Any]:
        """Return the average."""
        return {"average": self.average, "steps": self._steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the average back."""
        average = state["average"]
        self.average = None if average is None else np.array(average)
        self._steps = int(state["steps"])
