"""Models of every kind of layer, with random weights, and batches for us and for PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from nnlib import (
    LeakyReLU,
    Linear,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)
from nnlib.layers import (
    GELU,
    LSTM,
    RNN,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool2d,
    LastStep,
    Layer,
    LayerNorm,
    MaxPool2d,
    MeanOverTime,
    PositionalEmbedding,
    PositionalEncoding,
    Residual,
    Softplus,
    TiedLinear,
    TransformerBlock,
)
from nnlib.pytorch import from_torch

SAME = 1e-9  # both compute in float64
D = {"dtype": np.float64}


@dataclass(frozen=True)
class Case:
    """A model in float64, and the shape of one sample; whole numbers below ``words`` if given."""

    name: str
    build: Callable[[], Layer]
    input_shape: tuple[int, ...]
    words: int = 0


def _tied() -> Sequential:
    embedding = Embedding(11, 4, rng=1, **D)
    return Sequential(embedding, Linear(4, 4, rng=2, **D), Tanh(), TiedLinear(embedding))


CASES = (
    Case("linear", lambda: Linear(5, 3, rng=1, **D), (5,)),
    Case(
        "mlp",
        lambda: Sequential(
            Linear(5, 7, bias=False, rng=1, **D), BatchNorm1d(7, **D), ReLU(), Dropout(0.3, rng=1),
            Linear(7, 6, rng=2, **D), LayerNorm(6, **D), GELU(), Linear(6, 4, rng=3, **D),
            LeakyReLU(0.2), Sigmoid(), Softplus(2.0), Softmax(),
        ),
        (5,),
    ),
    Case(
        "images through Flatten",
        lambda: Sequential(
            Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0), rng=1, **D), BatchNorm2d(3, **D),
            ReLU(), MaxPool2d(2), Conv2d(3, 4, 2, bias=False, rng=2, **D), Flatten(), Tanh(),
            BatchNorm1d(24, **D), LayerNorm(24, **D), Dropout(0.5, rng=2),
            Linear(24, 5, rng=3, **D), ReLU(), Linear(5, 3, rng=4, **D),
        ),
        (13, 9, 2),
    ),
    Case(
        "images through a mean",
        lambda: Sequential(
            Conv2d(1, 4, 3, rng=1, **D), AvgPool2d(2, 1), GlobalAvgPool2d(),
            Linear(4, 3, rng=2, **D),
        ),
        (8, 7, 1),
    ),
    Case(
        "recurrent",
        lambda: Sequential(
            Embedding(9, 5, rng=1, **D), RNN(5, 4, rng=2, **D), LSTM(4, 6, rng=3, **D), LastStep(),
            Linear(6, 3, rng=4, **D),
        ),
        (7,),
        words=9,
    ),
    Case("states", lambda: LSTM(3, 4, return_sequences=False, rng=1, **D), (6, 3)),
    Case(
        "transformer",
        lambda: Sequential(
            Embedding(9, 6, rng=1, **D), PositionalEncoding(),
            PositionalEmbedding(8, 6, rng=2, **D),
            TransformerBlock(6, 2, 10, causal=True, rng=3, **D), MeanOverTime(),
            Linear(6, 4, rng=5, **D),
        ),
        (7,),
        words=9,
    ),
    Case("residual", lambda: Sequential(Residual(Linear(4, 4, rng=1, **D), Tanh())), (4,)),
    Case("tied", _tied, (6,), words=11),
)  # fmt: skip
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def filled(case: Case, rng: np.random.Generator) -> Layer:
    """Build the model with random parameters and statistics, in evaluation mode."""
    model = case.build()
    model.theta = rng.normal(scale=0.5, size=model.theta.shape)
    for buffer in model.buffers().values():
        buffer[...] = rng.uniform(0.5, 1.5, size=buffer.shape)
    return model.eval()


def sample(case: Case, rng: np.random.Generator) -> tuple[np.ndarray, torch.Tensor]:
    """Return a batch for us and for PyTorch, whose images have channels first."""
    shape = (4, *case.input_shape)
    if case.words:
        x = rng.integers(case.words, size=shape)
        return x, torch.from_numpy(x)
    x = rng.normal(size=shape)
    theirs = np.moveaxis(x, -1, 1) if x.ndim == 4 else x
    return x, torch.from_numpy(theirs.copy())


def untouched(
    model: Layer, match: str, error: type[Exception], *arguments: object, **options: object
) -> None:
    before = model.theta.copy()
    with pytest.raises(error, match=match):
        from_torch(model, *arguments, **options)
    np.testing.assert_array_equal(model.theta, before)
