"""Every layer, listed once: the contract test, the torch test and the dtype test run over this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from nnlib import LeakyReLU, Linear, ReLU, Sequential, Sigmoid, Softmax, Tanh
from nnlib.layers import Layer


@dataclass(frozen=True)
class LayerCase:
    """A layer in float64, the shape of its input, and the same function in PyTorch."""

    name: str
    build: Callable[[], Layer]
    x_shape: tuple[int, ...]
    torch_function: Callable[[torch.Tensor, dict[str, torch.Tensor]], torch.Tensor]


def _linear(prefix: str) -> Callable[[torch.Tensor, dict[str, torch.Tensor]], torch.Tensor]:
    def apply(x: torch.Tensor, p: dict[str, torch.Tensor]) -> torch.Tensor:
        y = x @ p[f"{prefix}W"]
        return y + p[f"{prefix}b"] if f"{prefix}b" in p else y

    return apply


def _mlp() -> Sequential:
    return Sequential(
        Linear(7, 6, rng=1, dtype=np.float64),
        Tanh(),
        Sequential(Linear(6, 4, rng=2, dtype=np.float64), Sigmoid()),
        Linear(4, 3, bias=False, rng=3, dtype=np.float64),
    )


def _torch_mlp(x: torch.Tensor, p: dict[str, torch.Tensor]) -> torch.Tensor:
    x = torch.tanh(_linear("0.")(x, p))
    x = torch.sigmoid(_linear("2.0.")(x, p))
    return _linear("3.")(x, p)


CASES = (
    LayerCase("linear", lambda: Linear(3, 2, rng=1, dtype=np.float64), (5, 3), _linear("")),
    LayerCase(
        "linear_without_bias",
        lambda: Linear(4, 7, bias=False, rng=1, dtype=np.float64),
        (3, 4),
        _linear(""),
    ),
    LayerCase(
        "linear_more_batch_axes",
        lambda: Linear(4, 3, rng=1, dtype=np.float64),
        (2, 6, 5, 4),
        _linear(""),
    ),
    LayerCase("relu", ReLU, (5, 4), lambda x, p: torch.relu(x)),
    LayerCase(
        "leaky_relu",
        lambda: LeakyReLU(0.2),
        (3, 6),
        lambda x, p: torch.nn.functional.leaky_relu(x, 0.2),
    ),
    LayerCase("sigmoid", Sigmoid, (6, 2), lambda x, p: torch.sigmoid(x)),
    LayerCase("tanh", Tanh, (2, 3, 4), lambda x, p: torch.tanh(x)),
    LayerCase("softmax", Softmax, (4, 5), lambda x, p: torch.softmax(x, -1)),
    LayerCase("mlp", _mlp, (5, 7), _torch_mlp),
)
