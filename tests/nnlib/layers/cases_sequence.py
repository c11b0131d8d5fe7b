"""The layers for sequences, listed once: the contract tests run over this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.func import functional_call

from nnlib import Linear, Sequential, Tanh
from nnlib.layers import Layer
from nnlib.layers.attention import MultiHeadAttention, ScaledDotProductAttention
from nnlib.layers.embedding import Embedding
from nnlib.layers.lstm import LSTM
from nnlib.layers.over_time import LastStep, MeanOverTime
from nnlib.layers.positions import PositionalEmbedding, PositionalEncoding
from nnlib.layers.recurrent import RNN
from nnlib.layers.residual import Residual
from nnlib.layers.tied import TiedLinear
from nnlib.layers.transformer import TransformerBlock
from tests.nnlib.layers.cases import LayerCase

Parameters = dict[str, torch.Tensor]
TorchFunction = Callable[[torch.Tensor, Parameters], torch.Tensor]

FLOAT64: dict[str, Any] = {"dtype": np.float64}


@dataclass(frozen=True)
class TokenCase:
    """A layer in float64 that takes whole numbers below ``n_tokens``, and its twin in PyTorch."""

    name: str
    build: Callable[[], Layer]
    x_shape: tuple[int, ...]
    n_tokens: int
    torch_function: TorchFunction


def recurrent_in_torch(module: torch.nn.RNNBase, *, last: bool = False) -> TorchFunction:
    """Return a module of PyTorch as a function of x and of our parameters."""
    module = module.double()

    def apply(x: torch.Tensor, p: Parameters) -> torch.Tensor:
        weights = {
            "weight_ih_l0": p["Wx"].T,
            "weight_hh_l0": p["Wh"].T,
            "bias_ih_l0": p["b"],
            "bias_hh_l0": torch.zeros_like(p["b"]),
        }
        y: torch.Tensor = functional_call(module, weights, (x,))[0]
        return y[:, -1] if last else y

    return apply


def attention_in_torch(
    embed_dim: int, num_heads: int, *, causal: bool = False, bias: bool = True
) -> TorchFunction:
    """Return PyTorch's attention as a function of x and of our parameters."""
    module = torch.nn.MultiheadAttention(embed_dim, num_heads, bias=bias, batch_first=True).double()

    def apply(x: torch.Tensor, p: Parameters) -> torch.Tensor:
        weights = {"in_proj_weight": p["0.W"].T, "out_proj.weight": p["2.W"].T}
        if bias:
            weights |= {"in_proj_bias": p["0.b"], "out_proj.bias": p["2.b"]}
        T = x.shape[1]
        mask = torch.triu(torch.full((T, T), -torch.inf, dtype=x.dtype), 1) if causal else None
        options = {"attn_mask": mask, "need_weights": False}
        y: torch.Tensor = functional_call(module, weights, (x, x, x), options)[0]
        return y

    return apply


def block_in_torch(
    embed_dim: int, num_heads: int, hidden: int, *, causal: bool = False
) -> TorchFunction:
    """Return PyTorch's encoder layer as a function of x and of our parameters."""
    module = torch.nn.TransformerEncoderLayer(
        embed_dim, num_heads, hidden, dropout=0.0, activation="gelu", batch_first=True,
        norm_first=True,
    ).double()  # fmt: skip
    names = {
        "0.0.{}": "norm1.",
        "0.1.0.{}": "self_attn.in_proj_",
        "0.1.2.{}": "self_attn.out_proj.",
        "1.0.{}": "norm2.",
        "1.1.{}": "linear1.",
        "1.3.{}": "linear2.",
    }

    def apply(x: torch.Tensor, p: Parameters) -> torch.Tensor:
        weights = {}
        for ours, theirs in names.items():
            weight = next(p[ours.format(k)] for k in ("W", "gamma") if ours.format(k) in p)
            offset = next(p[ours.format(k)] for k in ("b", "beta") if ours.format(k) in p)
            weights[f"{theirs}weight"] = weight.T if weight.ndim == 2 else weight
            weights[f"{theirs}bias"] = offset
        T = x.shape[1]
        mask = torch.triu(torch.full((T, T), -torch.inf, dtype=x.dtype), 1) if causal else None
        y: torch.Tensor = functional_call(module, weights, (x,), {"src_mask": mask})
        return y

    return apply


def _core_in_torch(x: torch.Tensor, p: Parameters) -> torch.Tensor:
    q, k, v = (part.unflatten(-1, (2, 3)).transpose(1, 2) for part in x.chunk(3, -1))
    y = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return y.transpose(1, 2).flatten(2)


def _encoding_in_torch(x: torch.Tensor, p: Parameters) -> torch.Tensor:
    T, D = x.shape[1:]
    table = torch.zeros(T, D, dtype=torch.float64)
    for t in range(T):
        for k in range(D):
            angle = torch.tensor(t / 10000 ** (2 * (k // 2) / D), dtype=torch.float64)
            table[t, k] = torch.cos(angle) if k % 2 else torch.sin(angle)
    return x + table


def _residual() -> Residual:
    return Residual(Linear(4, 6, rng=1, **FLOAT64), Tanh(), Linear(6, 4, rng=2, **FLOAT64))


def _residual_in_torch(x: torch.Tensor, p: Parameters) -> torch.Tensor:
    return x + torch.tanh(x @ p["0.W"] + p["0.b"]) @ p["2.W"] + p["2.b"]


def _autoencoder() -> Sequential:
    encoder = Linear(5, 3, rng=1, **FLOAT64)
    return Sequential(encoder, Tanh(), TiedLinear(encoder))


def _autoencoder_in_torch(x: torch.Tensor, p: Parameters) -> torch.Tensor:
    return torch.tanh(x @ p["0.W"] + p["0.b"]) @ p["0.W"].T


def _nested_ties() -> Sequential:
    """Build a model whose one W serves three times, in three containers."""
    owner = Linear(5, 3, bias=False, rng=1, **FLOAT64)
    return Sequential(
        Sequential(owner, Tanh()),
        Sequential(Residual(TiedLinear(owner), Linear(5, 3, rng=2, **FLOAT64)), TiedLinear(owner)),
    )


def _nested_ties_in_torch(x: torch.Tensor, p: Parameters) -> torch.Tensor:
    W = p["0.0.W"]
    h = torch.tanh(x @ W)
    h = h + (h @ W.T) @ p["1.0.1.W"] + p["1.0.1.b"]
    return h @ W.T


CASES = (
    LayerCase("rnn", lambda: RNN(3, 5, rng=1, **FLOAT64), (4, 6, 3),
              recurrent_in_torch(torch.nn.RNN(3, 5, batch_first=True))),
    LayerCase("rnn_relu_last", lambda: RNN(3, 5, "relu", return_sequences=False, rng=1, **FLOAT64),
              (6, 4, 3),
              recurrent_in_torch(torch.nn.RNN(3, 5, nonlinearity="relu", batch_first=True),
                                 last=True)),
    LayerCase("rnn_one_step", lambda: RNN(3, 5, rng=1, **FLOAT64), (4, 1, 3),
              recurrent_in_torch(torch.nn.RNN(3, 5, batch_first=True))),
    LayerCase("lstm", lambda: LSTM(3, 5, rng=1, **FLOAT64), (4, 6, 3),
              recurrent_in_torch(torch.nn.LSTM(3, 5, batch_first=True))),
    LayerCase("lstm_last", lambda: LSTM(6, 2, return_sequences=False, rng=1, **FLOAT64), (3, 5, 6),
              recurrent_in_torch(torch.nn.LSTM(6, 2, batch_first=True), last=True)),
    LayerCase("lstm_one_step", lambda: LSTM(3, 5, rng=1, **FLOAT64), (4, 1, 3),
              recurrent_in_torch(torch.nn.LSTM(3, 5, batch_first=True))),
    LayerCase("attention_core", lambda: ScaledDotProductAttention(2, causal=True), (3, 5, 18),
              _core_in_torch),
    LayerCase("attention", lambda: MultiHeadAttention(6, 2, rng=1, **FLOAT64), (3, 5, 6),
              attention_in_torch(6, 2)),
    LayerCase("attention_causal_without_bias",
              lambda: MultiHeadAttention(8, 4, causal=True, bias=False, rng=1, **FLOAT64),
              (3, 5, 8), attention_in_torch(8, 4, causal=True, bias=False)),
    LayerCase("residual", _residual, (5, 4), _residual_in_torch),
    LayerCase("transformer_block", lambda: TransformerBlock(6, 3, 7, rng=1, **FLOAT64), (2, 5, 6),
              block_in_torch(6, 3, 7)),
    LayerCase("transformer_block_causal",
              lambda: TransformerBlock(4, 2, 9, causal=True, rng=1, **FLOAT64), (3, 5, 4),
              block_in_torch(4, 2, 9, causal=True)),
    LayerCase("positional_encoding", PositionalEncoding, (3, 5, 7), _encoding_in_torch),
    LayerCase("positional_embedding", lambda: PositionalEmbedding(9, 4, rng=1, **FLOAT64),
              (3, 5, 4), lambda x, p: x + p["W"][: x.shape[1]]),
    LayerCase("mean_over_time", MeanOverTime, (3, 5, 4), lambda x, p: x.mean(1)),
    LayerCase("last_step", LastStep, (3, 5, 4), lambda x, p: x[:, -1]),
    LayerCase("tied_autoencoder", _autoencoder, (4, 5), _autoencoder_in_torch),
    LayerCase("tied_three_times_nested", _nested_ties, (4, 5), _nested_ties_in_torch),
)  # fmt: skip


def _language_model() -> Sequential:
    words = Embedding(7, 4, rng=1, **FLOAT64)
    return Sequential(
        Sequential(words, PositionalEmbedding(6, 4, rng=2, **FLOAT64)),
        MultiHeadAttention(4, 2, causal=True, rng=3, **FLOAT64),
        TiedLinear(words),
    )


def _language_model_in_torch(x: torch.Tensor, p: Parameters) -> torch.Tensor:
    h = torch.nn.functional.embedding(x, p["0.0.W"]) + p["0.1.W"][: x.shape[1]]
    attention = {k.removeprefix("1."): v for k, v in p.items() if k.startswith("1.")}
    return attention_in_torch(4, 2, causal=True)(h, attention) @ p["0.0.W"].T


TOKEN_CASES = (
    TokenCase("embedding", lambda: Embedding(6, 3, rng=1, **FLOAT64), (4, 5), 6,
              lambda x, p: torch.nn.functional.embedding(x, p["W"])),
    TokenCase("embedding_without_steps", lambda: Embedding(4, 3, rng=1, **FLOAT64), (7,), 4,
              lambda x, p: torch.nn.functional.embedding(x, p["W"])),
    TokenCase("tied_language_model", _language_model, (3, 5), 7, _language_model_in_torch),
)  # fmt: skip
