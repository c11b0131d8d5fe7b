"""The transformer block: attention between the steps, then a small network on each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nnlib._array import Array, Seed, as_generator, check_count, check_number
from nnlib.errors import ShapeError
from nnlib.layers._recurrence import check_sequences
from nnlib.layers.attention import MultiHeadAttention
from nnlib.layers.base import Layer
from nnlib.layers.dropout import Dropout
from nnlib.layers.layernorm import LayerNorm
from nnlib.layers.linear import Linear
from nnlib.layers.residual import Residual
from nnlib.layers.sequential import Sequential
from nnlib.layers.smooth_activations import GELU


class TransformerBlock(Sequential):
    """Let steps exchange what they know, then think about it each on its own.

        h = x + Attention(LayerNorm(x))        y = h + MLP(LayerNorm(h))
        MLP(z) = GELU(z W₁ + b₁) W₂ + b₂

    The norm stands inside the shortcut ("pre-norm"), so gradients reach the first block unchanged
    by any norm, and training needs no warm-up; the original paper put it behind the sum. It is
    ``torch.nn.TransformerEncoderLayer(..., norm_first=True, activation="gelu")``.

    Parameters
    ----------
    embed_dim : int
        D, the features of a step.
    num_heads : int
        Number of heads; it divides ``embed_dim``.
    hidden : int
        Hidden units of the MLP, often 4 D.
    causal : bool, default False
        Let no step see a later one, as predicting the next word needs it.
    dropout : float, default 0.0
        Part of the numbers that is dropped behind the attention, behind the GELU and behind the
        MLP. 0 builds no dropout layers.
    rng : Generator, int or None
        Where starting values and dropout masks come from. None differs in every run.
    dtype : float32 (default) or float64
        Type of parameters and outputs.

    Attributes
    ----------
    layers : (Residual, Residual)
        The attention half and the MLP half.
    attention : ndarray of shape (N, num_heads, T, T)
        Attention weights of the last forward, a copy; each row sums to 1.

    Raises
    ------
    ArgumentError
        If a size, ``dropout`` or ``rng`` is outside what it may be, or the heads do not divide
        ``embed_dim``.
    DtypeError
        If ``dtype`` is another.

    References
    ----------
    Vaswani et al. (2017), NeurIPS 30, 5998-6008.
    Xiong et al. (2020), ICML, 10524-10533 (the place of the norm).

    Examples
    --------
    >>> block = TransformerBlock(4, num_heads=2, hidden=8, causal=True, rng=0)
    >>> block.forward(np.ones((5, 3, 4))).shape
    (5, 3, 4)
    >>> block.attention.shape
    (5, 2, 3, 3)
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        hidden: int,
        causal: bool = False,
        dropout: float = 0.0,
        *,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        where = "TransformerBlock"
        generator = as_generator(rng, where)
        self.embed_dim = check_count(embed_dim, "embed_dim", where)
        self.num_heads = check_count(num_heads, "num_heads", where)
        self.hidden = check_count(hidden, "hidden", where)
        self.dropout = check_number(dropout, "dropout", where, below=1)
        self.causal = bool(causal)
        options: dict[str, Any] = {"rng": generator, "dtype": dtype}

        def drop() -> list[Layer]:
            return [Dropout(self.dropout, rng=generator.spawn(1)[0])] if self.dropout else []

        super().__init__(
            Residual(
                LayerNorm(embed_dim, dtype=dtype),
                MultiHeadAttention(embed_dim, num_heads, self.causal, **options),
                *drop(),
            ),
            Residual(
                LayerNorm(embed_dim, dtype=dtype),
                Linear(embed_dim, hidden, **options),
                GELU(),
                *drop(),
                Linear(hidden, embed_dim, **options),
                *drop(),
            ),
        )

    @property
    def attention(self) -> Array:
        """How much each step (third axis) took from each step (last axis), for rows and heads."""
        half = self.layers[0]
        assert isinstance(half, Residual)  # ruff: ignore[assert]  narrows the type
        attention = half.layers[1]
        assert isinstance(attention, MultiHeadAttention)  # ruff: ignore[assert]
        return attention.attention

    def _forward(self, x: Array) -> Array:
        return super()._forward(check_sequences(x, self.embed_dim, repr(self)))

    def _features_after(self, features: int | None, where: str) -> int | None:
        if features is not None and features != self.embed_dim:
            message = f"{where} {self!r} takes {self.embed_dim} features, but gets {features}."
            raise ShapeError(message)
        return self.embed_dim

    def __repr__(self) -> str:
        causal = ", causal=True" if self.causal else ""
        dropout = f", dropout={self.dropout:g}" if self.dropout else ""
        return (
            f"TransformerBlock({self.embed_dim}, {self.num_heads}, {self.hidden}{causal}{dropout})"
        )
