"""A step of an LSTM, of attention, of batch normalization, against PyTorch: only reported."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from nnlib.layers import LSTM, BatchNorm1d, Layer, MultiHeadAttention
from tests.benchmarks.rows import Row, compare
from tests.benchmarks.timing import Work, interleave


def nnlib_step(layer: Layer, x: np.ndarray) -> Work:
    """Return forward and backward of a layer."""
    dy = np.ones_like(layer.forward(x))

    def step() -> None:
        layer.forward(x)
        layer.backward(dy)

    return step


def torch_step(module: torch.nn.Module, x: np.ndarray) -> Work:
    """Return forward and backward of a module, with the gradient of its input."""
    inputs = torch.from_numpy(x).requires_grad_()

    def output() -> torch.Tensor:
        if isinstance(module, torch.nn.MultiheadAttention):
            return module(inputs, inputs, inputs, need_weights=False)[0]
        y = module(inputs)
        return y[0] if isinstance(y, tuple) else y

    dy = torch.ones_like(output())

    def step() -> None:
        module.zero_grad(set_to_none=True)
        inputs.grad = None
        output().backward(dy)

    return step


def rows(rounds: int) -> Iterator[Row]:
    """Yield a row for each layer."""
    rng = np.random.default_rng(0)
    cases = (
        (
            "LSTM 32 to 64, batch 32, 40 steps of time",
            LSTM(32, 64, rng=0),
            torch.nn.LSTM(32, 64, batch_first=True),
            (32, 40, 32),
        ),
        (
            "attention, 64 features, 4 heads, batch 16, 40 steps of time",
            MultiHeadAttention(64, 4, rng=0),
            torch.nn.MultiheadAttention(64, 4, batch_first=True),
            (16, 40, 64),
        ),
        (
            "batch normalization, 256 features, batch 128",
            BatchNorm1d(256),
            torch.nn.BatchNorm1d(256),
            (128, 256),
        ),
    )
    for name, layer, module, shape in cases:
        x = rng.normal(size=shape).astype(np.float32)
        times = interleave(
            {"nnlib": nnlib_step(layer, x), "torch": torch_step(module, x)}, rounds=rounds
        )
        yield compare(name, times)
