"""Whether a quantity of the history got better, and for how long it did not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nnlib._array import check_number
from nnlib.errors import ArgumentError
from nnlib.training.callbacks import Run

MODES = ("auto", "min", "max")


class Watch:
    """Follow one quantity, epoch by epoch.

    Parameters
    ----------
    monitor : str
        Name of a list of the history.
    mode : {"auto", "min", "max"}
        Whether small or large is good. "auto": accuracies large, all else small.
    min_delta : float
        Better means better by more than this.
    where : str
        Who asks, for messages.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float, where: str) -> None:
        self.where, self.monitor = where, monitor
        self.min_delta = check_number(min_delta, "min_delta", where)
        if mode not in MODES:
            message = f"{where}: mode is {mode!r}, expected one of {', '.join(map(repr, MODES))}."
            raise ArgumentError(message)
        if not isinstance(monitor, str):
            message = (  # type: ignore[unreachable]  # callers need not be typed
                f"{where}: monitor is {monitor!r}, expected a name such as 'validation_loss'."
            )
            raise ArgumentError(message)
        larger = monitor.endswith("accuracy") if mode == "auto" else mode == "max"
        self.sign = -1.0 if larger else 1.0
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self.best = self.sign * math.inf
        self.best_epoch = 0
        self.wait = 0

    def check(self, run: Run) -> None:
        """Raise unless the run records what is watched."""
        if self.monitor in run.entries:
            return
        known = ", ".join(sorted(run.entries - {"seconds", "lr"}))
        hint = " Give fit validation_data=(X, y)." if self.monitor.startswith("validation") else ""
        message = f"{self.where}: monitor is {self.monitor!r}, but this run records {known}.{hint}"
        raise ArgumentError(message)

    def improved(self, run: Run) -> bool:
        """Look at the epoch that has just ended; count it if it is not better."""
        return self.better(getattr(run.history, self.monitor)[-1], run.epoch + 1)

    def better(self, value: float, epoch: int) -> bool:
        """Look at the value of an epoch, numbered from 1; count it if it is not better."""
        if self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, epoch, 0
            return True
        self.wait += 1
        return False

    def state_dict(self) -> dict[str, Any]:
        """Return what was seen."""
        return {"best": self.best, "best_epoch": self.best_epoch, "wait": self.wait}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what was seen."""
        self.best, self.best_epoch = float(state["best"]), int(state["best_epoch"])
        self.wait = int(state["wait"])
