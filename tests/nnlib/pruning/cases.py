"""The models that pruning is tried on, and every criterion, listed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnlib import CrossEntropy, Linear, ReLU, Sequential, Tanh
from nnlib.layers.batchnorm import BatchNorm1d, BatchNorm2d
from nnlib.layers.conv import Conv2d
from nnlib.layers.dropout import Dropout
from nnlib.layers.flatten import Flatten
from nnlib.layers.over_time import MeanOverTime
from nnlib.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from nnlib.layers.residual import Residual
from nnlib.layers.transformer import TransformerBlock
from nnlib.pruning import magnitude, obd, snip, taylor

F64 = {"dtype": np.float64}


def mlp() -> Sequential:
    return Sequential(
        Linear(7, 6, rng=1, **F64), ReLU(), Linear(6, 5, rng=2, **F64), Tanh(),
        Linear(5, 3, rng=3, **F64),
    )  # fmt: skip


def deep_mlp() -> Sequential:
    """With normalization, dropout, a nested model, a block, and a layer without bias."""
    return Sequential(
        Linear(7, 6, bias=False, rng=1, **F64), BatchNorm1d(6, **F64), ReLU(), Dropout(0.3, rng=4),
        Sequential(Linear(6, 5, rng=2, **F64), Tanh()),
        Residual(Linear(5, 4, rng=5, **F64), ReLU(), Linear(4, 5, rng=6, **F64)),
        Linear(5, 3, rng=3, **F64),
    )  # fmt: skip


def cnn() -> Sequential:
    """Two convolutions, then a Linear behind Flatten."""
    return Sequential(
        Conv2d(2, 4, 3, padding=1, rng=1, **F64), BatchNorm2d(4, **F64), ReLU(), MaxPool2d(2),
        Conv2d(4, 5, 2, bias=False, rng=2, **F64), ReLU(), Flatten(),
        Linear(5 * 2 * 3, 6, rng=3, **F64), ReLU(), Linear(6, 3, rng=4, **F64),
    )  # fmt: skip


def small_cnn() -> Sequential:
    """Channels become features by averaging over all pixels."""
    return Sequential(
        Conv2d(2, 4, (3, 2), stride=2, rng=1, **F64), Tanh(), AvgPool2d((1, 2)), GlobalAvgPool2d(),
        Linear(4, 3, rng=2, **F64),
    )  # fmt: skip


def transformer() -> Sequential:
    """Of a block the neurons of its hidden layer can go; attention and shortcuts hold the rest."""
    return Sequential(
        TransformerBlock(6, 2, 5, rng=1, **F64), MeanOverTime(), Linear(6, 3, rng=2, **F64)
    )  # fmt: skip


@dataclass(frozen=True)
class ModelCase:
    """A model, the shape of a row, and the layers whose units can be removed."""

    build: Callable[[], Sequential]
    row_shape: tuple[int, ...]
    units: dict[str, int]

    def data(self, rng: np.random.Generator, n: int = 8) -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(size=(n, *self.row_shape)), rng.integers(0, 3, n)

    def built(self, rng: np.random.Generator) -> Sequential:
        """Build the model with biases and running statistics that are not zero."""
        model = self.build()
        for p in model.parameters():
            if not p.decays:
                model.theta[p.slice] += rng.normal(0.2, 0.3, p.slice.stop - p.slice.start)
        for _ in range(3):
            model.train().forward(self.data(rng, 16)[0])
        return model.eval()


MODELS = {
    "mlp": ModelCase(mlp, (7,), {"0": 6, "2": 5}),
    "deep mlp": ModelCase(deep_mlp, (7,), {"0": 6, "5.0": 4}),
    "cnn": ModelCase(cnn, (7, 9, 2), {"0": 4, "4": 5, "7": 6}),
    "small cnn": ModelCase(small_cnn, (7, 9, 2), {"0": 4}),
    "transformer": ModelCase(transformer, (4, 6), {"0.1.1": 5}),
}


def _obd_of_ones(model, X, y, loss):
    return obd(model, diagonal=np.ones(model.theta.size))


CRITERIA = {
    "magnitude": lambda model, X, y, loss: magnitude(model),
    "snip": snip,
    "taylor": taylor,
    "obd": obd,
    "obd of a given diagonal": _obd_of_ones,
}
LOSS = CrossEntropy
