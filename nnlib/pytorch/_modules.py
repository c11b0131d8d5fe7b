"""PyTorch's side: a module for each layer, and the weights of any module in order.

This file imports PyTorch, and is imported only when a conversion is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nnlib import layers as ours
from nnlib.errors import DtypeError
from nnlib.layers.attention import ScaledDotProductAttention


@dataclass(frozen=True)
class TorchLeaf:
    """The tensors of one layer, under PyTorch's usual names."""

    kind: str
    tensors: dict[str, Tensor]


KINDS = (
    nn.Linear, nn.Conv2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.Embedding, nn.RNN,
    nn.LSTM,
)  # fmt: skip


def torch_leaves(module: nn.Module) -> list[TorchLeaf]:
    """Return the weights of a module layer by layer; weights used twice are listed once."""
    seen: set[int] = set()
    found = []
    for leaf in _leaves(module):
        identities = {id(tensor) for tensor in leaf.tensors.values()}
        if not identities <= seen:
            found.append(leaf)
        seen |= identities
    return found


def _leaves(module: nn.Module) -> Iterator[TorchLeaf]:
    if isinstance(module, nn.MultiheadAttention):
        # Two linear layers in one object; the first has no module of its own.
        tensors: dict[str, Tensor] = {"weight": module.in_proj_weight}
        if module.out_proj.bias is not None:
            tensors["bias"] = module.in_proj_bias
        yield TorchLeaf("Linear", tensors)
        yield from _leaves(module.out_proj)
        return
    kind = next((kind for kind in KINDS if isinstance(module, kind)), None)
    if kind is not None:
        tensors = dict(module.state_dict(keep_vars=True))
        tensors.pop("num_batches_tracked", None)
        yield TorchLeaf(kind.__name__, tensors)
        return
    if next(module.parameters(recurse=False), None) is not None:
        message = (
            f"from_torch: {module!r:.60} has weights of its own, expected only known layers "
            f"within it: {', '.join(kind.__name__ for kind in KINDS)}."
        )
        raise DtypeError(message)
    for child in module.children():
        yield from _leaves(child)


def build(layer: ours.Layer) -> nn.Module:
    """Return a module of the same kind and sizes, with weights as PyTorch draws them."""
    return _build(layer, {})


def _build(layer: ours.Layer, made: dict[int, nn.Module]) -> nn.Module:
    if isinstance(layer, ours.TiedLinear):
        return Tied(made[id(layer.owner)])
    if isinstance(layer, ours.Residual):
        return Residual([_build(inner, made) for inner in layer.layers])
    if isinstance(layer, ours.Sequential):
        return nn.Sequential(*(_build(inner, made) for inner in layer.layers))
    if type(layer) not in BUILDERS:
        message = f"to_torch: {layer!r} has no counterpart in PyTorch. Convert the others by hand."
        raise DtypeError(message)
    made[id(layer)] = module = BUILDERS[type(layer)](layer)
    return module


class Residual(nn.Module):
    """x + f(x)."""

    def __init__(self, inner: list[nn.Module]) -> None:
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x: Tensor) -> Tensor:
        """Add the path around."""
        y: Tensor = x + self.inner(x)
        return y


class Tied(nn.Module):
    """x Wᵀ with the W of another module, in our layout (rows, features)."""

    def __init__(self, owner: nn.Module) -> None:
        super().__init__()
        self.owner = [owner]  # in a list, so that its weight is not registered a second time

    def forward(self, x: Tensor) -> Tensor:
        """Multiply by the transpose of what the owner looks up or multiplies by."""
        owner = self.owner[0]
        weight: Any = owner.weight
        y: Tensor = x @ (weight if isinstance(owner, nn.Linear) else weight.T)
        return y


class Attention(nn.Module):
    """Queries, keys and values side by side, head by head."""

    def __init__(self, num_heads: int, causal: bool) -> None:
        super().__init__()
        self.num_heads, self.causal = num_heads, causal

    def forward(self, x: Tensor) -> Tensor:
        """Attend within each head."""
        n, t, width = x.shape
        parts = x.reshape(n, t, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = parts.unbind(0)
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return y.transpose(1, 2).reshape(n, t, width // 3)


class Recurrent(nn.Module):
    """A recurrent module that returns its states alone: all of them, or the last."""

    def __init__(self, cell: nn.Module, *, sequences: bool) -> None:
        super().__init__()
        self.cell, self.sequences = cell, sequences

    def forward(self, x: Tensor) -> Tensor:
        """Run over time."""
        states: Tensor = self.cell(x)[0]
        return states if self.sequences else states[:, -1]


class Positions(nn.Module):
    """Add a learned vector to each position."""

    def __init__(self, max_length: int, features: int) -> None:
        super().__init__()
        self.table = nn.Embedding(max_length, features)

    def forward(self, x: Tensor) -> Tensor:
        """Add the first T vectors."""
        y: Tensor = x + self.table.weight[: x.shape[1]]
        return y


class Sines(nn.Module):
    """Add sines and cosines of the position."""

    def forward(self, x: Tensor) -> Tensor:
        """Add the table that nnlib adds."""
        zeros = torch.zeros(1, *x.shape[1:], dtype=x.dtype).numpy()
        y: Tensor = x + torch.from_numpy(ours.PositionalEncoding().forward(zeros)).to(x.device)
        return y


class OverTime(nn.Module):
    """One vector from all steps of a sequence: their mean, or the last."""

    def __init__(self, *, mean: bool) -> None:
        super().__init__()
        self.mean = mean

    def forward(self, x: Tensor) -> Tensor:
        """Take it."""
        return x.mean(dim=1) if self.mean else x[:, -1]


def _window(layer: Any) -> dict[str, Any]:
    return {"kernel_size": layer.kernel_size, "stride": layer.stride}


def _norm(layer: Any) -> dict[str, Any]:
    return {"num_features": layer.num_features, "eps": layer.eps, "momentum": layer.momentum}


BUILDERS: dict[type[ours.Layer], Callable[[Any], nn.Module]] = {
    ours.Linear: lambda q: nn.Linear(q.in_features, q.out_features, bias=q.bias),
    ours.Conv2d: lambda q: nn.Conv2d(
        q.in_channels, q.out_channels, padding=q.padding, bias=q.bias, **_window(q)
    ),
    ours.MaxPool2d: lambda q: nn.MaxPool2d(**_window(q)),
    ours.AvgPool2d: lambda q: nn.AvgPool2d(**_window(q)),
    ours.GlobalAvgPool2d: lambda _: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    ours.Flatten: lambda _: nn.Flatten(),
    ours.BatchNorm1d: lambda q: nn.BatchNorm1d(**_norm(q)),
    ours.BatchNorm2d: lambda q: nn.BatchNorm2d(**_norm(q)),
    ours.LayerNorm: lambda q: nn.LayerNorm(q.normalized_features, eps=q.eps),
    ours.Dropout: lambda q: nn.Dropout(q.rate),
    ours.Embedding: lambda q: nn.Embedding(q.num_embeddings, q.embedding_dim),
    ours.PositionalEmbedding: lambda q: Positions(q.max_length, q.embedding_dim),
    ours.PositionalEncoding: lambda _: Sines(),
    ours.RNN: lambda q: Recurrent(
        nn.RNN(q.input_size, q.hidden_size, nonlinearity=q.nonlinearity, batch_first=True),
        sequences=q.return_sequences,
    ),
    ours.LSTM: lambda q: Recurrent(
        nn.LSTM(q.input_size, q.hidden_size, batch_first=True), sequences=q.return_sequences
    ),
    ScaledDotProductAttention: lambda q: Attention(q.num_heads, q.causal),
    ours.MeanOverTime: lambda _: OverTime(mean=True),
    ours.LastStep: lambda _: OverTime(mean=False),
    ours.ReLU: lambda _: nn.ReLU(),
    ours.LeakyReLU: lambda q: nn.LeakyReLU(q.negative_slope),
    ours.Sigmoid: lambda _: nn.Sigmoid(),
    ours.Tanh: lambda _: nn.Tanh(),
    ours.GELU: lambda q: nn.GELU(approximate=q.approximate),
    ours.Softplus: lambda q: nn.Softplus(beta=q.beta, threshold=1e9),
    ours.Softmax: lambda _: nn.Softmax(dim=-1),
}
