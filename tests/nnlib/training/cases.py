"""Small runs that several test files share."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlib import MSE, SGD, Callback, Layer, Linear, ReLU, Sequential, fit
from nnlib.training import History, Run


def line(dtype: type = np.float64) -> Sequential:
    return Sequential(Linear(1, 1, rng=0, dtype=dtype))


def line_data(n: int = 7) -> tuple[np.ndarray, np.ndarray]:
    X = np.linspace(-1, 1, n)[:, np.newaxis]
    return X, 2 * X - 1


def class_data(rng: np.random.Generator, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Return two overlapping clouds of 4 numbers a row, so that no run fits them exactly."""
    y = rng.integers(0, 3, n)
    return (rng.normal(size=(n, 4)) + y[:, np.newaxis]).astype(np.float32), y


def mlp(*between: Any) -> Sequential:
    return Sequential(Linear(4, 9, rng=1), *between, ReLU(), Linear(9, 3, rng=2))


class Script(Callback):
    """Put numbers of one's own in place of the validation losses, and note every theta."""

    def __init__(self, values: list[float], name: str = "validation_loss"):
        self.values, self.name = values, name
        self.thetas: list[np.ndarray] = []

    def on_epoch_end(self, run: Run) -> None:
        getattr(run.history, self.name)[-1] = self.values[run.epoch]
        self.thetas.append(run.model.theta.copy())


def scripted(values: list[float], *callbacks: Callback, **how: Any) -> tuple[History, Script, Any]:
    """Run one epoch for each value, with ``callbacks`` that see it as the validation loss."""
    X, y = line_data()
    model, script = line(), Script(values)
    arguments = {
        "optimizer": SGD(model, lr=0.1), "epochs": len(values), "batch_size": 3, "rng": 0,
        "validation_data": (X, y), "callbacks": [script, *callbacks], "progress": False,
    } | how  # fmt: skip
    return fit(model, X, y, loss=MSE(), **arguments), script, model


class Counting(Layer):
    """Pass on what comes, and count the batches in a running statistic."""

    def __init__(self):
        super().__init__()
        self._running["batches"] = np.zeros(1)

    def forward(self, x):
        if self.training:
            self._running["batches"] += 1
        self._kept = {"output": (x.shape, x.dtype)}
        return x

    def backward(self, dy, *, need_dx=True, accumulate=False):
        return dy
