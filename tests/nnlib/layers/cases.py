"""Every layer, listed once: the contract test, the torch test and the dtype test run over this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # ruff: ignore[lowercase-imported-as-non-lowercase]  its usual name

from nnlib import LeakyReLU, Linear, ReLU, Sequential, Sigmoid, Softmax, Tanh
from nnlib.layers import (
    GELU,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LayerNorm,
    MaxPool2d,
    Softplus,
)

TorchFunction = Callable[[torch.Tensor, dict[str, torch.Tensor]], torch.Tensor]


@dataclass(frozen=True)
class LayerCase:
    """A layer in float64, the shape of its input, and the same function in PyTorch."""

    name: str
    build: Callable[[], Layer]
    x_shape: tuple[int, ...]
    torch_function: TorchFunction
    takes_rows: bool = True
    """Whether x may be rows (N, d), not images."""


def _linear(prefix: str) -> TorchFunction:
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


def conv_in_torch(prefix: str = "", **sizes: Any) -> TorchFunction:
    """Return PyTorch's convolution, for images NHWC and kernels (kh, kw, in, out)."""

    def apply(x: torch.Tensor, p: dict[str, torch.Tensor]) -> torch.Tensor:
        W, b = p[f"{prefix}W"].permute(3, 2, 0, 1), p.get(f"{prefix}b")
        return F.conv2d(x.permute(0, 3, 1, 2), W, b, **sizes).permute(0, 2, 3, 1)

    return apply


def on_nchw(function: Callable[[torch.Tensor], torch.Tensor]) -> TorchFunction:
    """Return a function of PyTorch's images as one of ours."""
    return lambda x, p: function(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def _batch_norm(x: torch.Tensor, p: dict[str, torch.Tensor]) -> torch.Tensor:
    rows = x.reshape(-1, x.shape[-1])
    y = F.batch_norm(rows, None, None, p["gamma"], p["beta"], training=True, eps=1e-3)
    return y.reshape(x.shape)


def _batch_norm_in_evaluation(x: torch.Tensor, p: dict[str, torch.Tensor]) -> torch.Tensor:
    rows = x.reshape(-1, x.shape[-1])
    statistics = p["running_mean"].detach(), p["running_var"].detach()
    return F.batch_norm(rows, *statistics, p["gamma"], p["beta"]).reshape(x.shape)


def _evaluated(layer: BatchNorm1d | BatchNorm2d) -> Layer:
    rng = np.random.default_rng(5)
    layer.running_mean[:] = rng.normal(size=layer.num_features)
    layer.running_var[:] = rng.uniform(0.5, 2.0, size=layer.num_features)
    return layer.eval()


def _frozen_dropout() -> Dropout:
    layer = Dropout(0.3, rng=4)
    layer._frozen = True
    return layer


def _dropout_by_hand(x: torch.Tensor, p: dict[str, torch.Tensor]) -> torch.Tensor:
    mask = np.random.default_rng(4).random(x.shape, dtype=np.float32) >= 0.3
    return x * torch.tensor(mask) / 0.7


def _cnn() -> Sequential:
    return Sequential(
        Conv2d(2, 3, 3, padding=1, rng=1, dtype=np.float64),
        Tanh(),
        MaxPool2d(2),
        Conv2d(3, 4, (2, 1), stride=(1, 2), rng=2, dtype=np.float64),
        BatchNorm2d(4, eps=1e-3, dtype=np.float64),
        Softplus(2.0),
        Flatten(),
        Linear(8, 3, rng=3, dtype=np.float64),
    )


def _torch_cnn(x: torch.Tensor, p: dict[str, torch.Tensor]) -> torch.Tensor:
    x = torch.tanh(conv_in_torch("0.", padding=1)(x, p))
    x = on_nchw(lambda x: F.max_pool2d(x, 2))(x, p)
    x = conv_in_torch("3.", stride=(1, 2))(x, p)
    x = F.softplus(_batch_norm(x, {"gamma": p["4.gamma"], "beta": p["4.beta"]}), 2.0)
    return _linear("7.")(x.flatten(1), p)


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
    LayerCase("gelu", GELU, (4, 7), lambda x, p: F.gelu(x)),
    LayerCase(
        "gelu_tanh", lambda: GELU("tanh"), (4, 7), lambda x, p: F.gelu(x, approximate="tanh")
    ),
    LayerCase("softplus", Softplus, (3, 5), lambda x, p: F.softplus(x)),
    LayerCase("softplus_sharp", lambda: Softplus(3.0), (3, 5), lambda x, p: F.softplus(x, 3.0)),
    LayerCase(
        "conv2d",
        lambda: Conv2d(2, 3, 3, padding=1, rng=1, dtype=np.float64),
        (4, 6, 5, 2),
        conv_in_torch(padding=1),
        takes_rows=False,
    ),
    LayerCase(
        "conv2d_strided",
        lambda: Conv2d(3, 2, (2, 3), (3, 2), (1, 2), rng=1, dtype=np.float64),
        (2, 8, 6, 3),
        conv_in_torch(stride=(3, 2), padding=(1, 2)),
        takes_rows=False,
    ),
    LayerCase(
        "conv2d_of_one_channel_without_bias",
        lambda: Conv2d(1, 4, 3, stride=2, bias=False, rng=1, dtype=np.float64),
        (3, 8, 7, 1),
        conv_in_torch(stride=2),
        takes_rows=False,
    ),
    LayerCase(
        "conv2d_of_one_channel",
        lambda: Conv2d(1, 2, 2, padding=1, rng=1, dtype=np.float64),
        (3, 4, 5, 1),
        conv_in_torch(padding=1),
        takes_rows=False,
    ),
    LayerCase(
        "max_pool2d",
        lambda: MaxPool2d(2),
        (3, 7, 5, 2),
        on_nchw(lambda x: F.max_pool2d(x, 2)),
        takes_rows=False,
    ),
    LayerCase(
        "max_pool2d_overlapping",
        lambda: MaxPool2d((3, 2), (2, 1)),
        (2, 8, 5, 3),
        on_nchw(lambda x: F.max_pool2d(x, (3, 2), (2, 1))),
        takes_rows=False,
    ),
    LayerCase(
        "avg_pool2d",
        lambda: AvgPool2d(2),
        (3, 7, 5, 2),
        on_nchw(lambda x: F.avg_pool2d(x, 2)),
        takes_rows=False,
    ),
    LayerCase(
        "avg_pool2d_overlapping",
        lambda: AvgPool2d((3, 2), (2, 3)),
        (2, 8, 9, 3),
        on_nchw(lambda x: F.avg_pool2d(x, (3, 2), (2, 3))),
        takes_rows=False,
    ),
    LayerCase(
        "global_avg_pool2d",
        GlobalAvgPool2d,
        (3, 4, 5, 2),
        lambda x, p: x.mean((1, 2)),
        takes_rows=False,
    ),
    LayerCase("flatten", Flatten, (3, 2, 4, 5), lambda x, p: x.flatten(1)),
    LayerCase(
        "batch_norm1d", lambda: BatchNorm1d(3, eps=1e-3, dtype=np.float64), (7, 3), _batch_norm
    ),
    LayerCase(
        "batch_norm1d_more_batch_axes",
        lambda: BatchNorm1d(3, eps=1e-3, dtype=np.float64),
        (4, 5, 3),
        _batch_norm,
    ),
    LayerCase(
        "batch_norm1d_in_evaluation",
        lambda: _evaluated(BatchNorm1d(3, dtype=np.float64)),
        (7, 3),
        _batch_norm_in_evaluation,
    ),
    LayerCase(
        "batch_norm2d",
        lambda: BatchNorm2d(3, eps=1e-3, dtype=np.float64),
        (4, 2, 5, 3),
        _batch_norm,
        takes_rows=False,
    ),
    LayerCase(
        "batch_norm2d_in_evaluation",
        lambda: _evaluated(BatchNorm2d(3, dtype=np.float64)),
        (4, 2, 5, 3),
        _batch_norm_in_evaluation,
        takes_rows=False,
    ),
    LayerCase(
        "layer_norm",
        lambda: LayerNorm(5, eps=1e-3, dtype=np.float64),
        (4, 5),
        lambda x, p: F.layer_norm(x, (5,), p["gamma"], p["beta"], eps=1e-3),
    ),
    LayerCase(
        "layer_norm_more_batch_axes",
        lambda: LayerNorm(5, dtype=np.float64),
        (3, 2, 4, 5),
        lambda x, p: F.layer_norm(x, (5,), p["gamma"], p["beta"]),
    ),
    LayerCase("dropout_frozen", _frozen_dropout, (6, 7), _dropout_by_hand),
    LayerCase("dropout_in_evaluation", lambda: Dropout(0.3).eval(), (3, 4), lambda x, p: 1.0 * x),
    LayerCase("cnn", _cnn, (5, 6, 4, 2), _torch_cnn, takes_rows=False),
)
