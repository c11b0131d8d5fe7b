"""Attention: each step of a sequence takes a weighted mean of what all steps have to offer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlib._array import Array, Seed, as_generator, check_count
from nnlib.errors import ArgumentError, ShapeError
from nnlib.initializers import Initializer, xavier_uniform
from nnlib.layers._recurrence import check_sequences
from nnlib.layers.base import Layer
from nnlib.layers.linear import Linear
from nnlib.layers.sequential import Sequential


class ScaledDotProductAttention(Layer):
    """Average values by how well queries match keys: y = softmax(q kᵀ / √d) v, head by head.

    x holds queries, keys and values side by side, each of ``num_heads`` blocks of d numbers. Step
    i asks with q_i, step j offers v_j under the key k_j, and A_ij says how much of v_j goes to i.
    The scale 1/√d keeps scores of independent entries near a variance of 1.

    Parameters
    ----------
    num_heads : int
        Number of heads, which attend independently.
    causal : bool, default False
        Let no step see a later one: A_ij = 0 for j > i, as predicting the next word needs it.

    Attributes
    ----------
    attention : ndarray of shape (N, num_heads, T, T)
        A of the last forward, a copy; each row sums to 1.

    Raises
    ------
    ArgumentError
        If ``num_heads`` is not a whole number of at least 1.

    References
    ----------
    Vaswani et al. (2017), NeurIPS 30, 5998-6008.

    Examples
    --------
    >>> layer = ScaledDotProductAttention(num_heads=1, causal=True)
    >>> q, k, v = np.zeros((2, 1)), np.zeros((2, 1)), np.array([[4.0], [8.0]])
    >>> layer.forward(np.concatenate([q, k, v], axis=1)[np.newaxis]).ravel()
    array([4., 6.])
    >>> layer.attention[0, 0]
    array([[1. , 0. ],
           [0.5, 0.5]])
    """

    slice_rows = 64

    def __init__(self, num_heads: int, causal: bool = False) -> None:
        super().__init__()
        self.num_heads = check_count(num_heads, "num_heads", "ScaledDotProductAttention")
        self.causal = bool(causal)

    @property
    def attention(self) -> Array:
        """How much each step (third axis) took from each step (last axis), for rows and heads."""
        weights: Array = self._recall("A", "attention", "forward")
        return weights.copy()

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = A v with A = softmax(q kᵀ / √d).

        Parameters
        ----------
        x : ndarray of shape (N, T, 3 D)
            Queries, keys and values of T steps side by side; D = num_heads · d.

        Returns
        -------
        y : ndarray of shape (N, T, D)
            The weighted means, heads side by side. A fresh array.

        Raises
        ------
        ShapeError
            If x is not (N, T, 3 D) with at least one step, and D a multiple of ``num_heads``.
        """
        x = check_sequences(self._input(x), None, repr(self))
        N, T, width = x.shape
        D, rest = divmod(width, 3)
        if rest or D % self.num_heads or not D:
            message = (
                f"{self!r}.forward: x has {width} features, expected 3 D: queries, keys and values "
                f"side by side, with D a multiple of {self.num_heads}."
            )
            raise ShapeError(message)
        x = self._keep(x)
        q, k, v = self._split(x)
        scale = q.shape[-1] ** -0.5
        # Scaling q costs d numbers a step, scaling the scores would cost T.
        q = np.multiply(q, scale, out=self._array("q", q.shape, x.dtype))
        A: Array = self._array("A", (N, self.num_heads, T, T), x.dtype)
        np.matmul(q, k.mT, out=A)
        if self.causal:
            A += _later_steps(T, x.dtype)
        # Each step sees itself at least, so the largest score is never −∞, and e^{−∞} is 0.
        A -= A.max(axis=-1, keepdims=True)
        np.exp(A, out=A)
        A /= A.sum(axis=-1, keepdims=True)
        y: Array = self._array("y", (N, T, D), x.dtype)
        np.matmul(A, v, out=self._heads(y))
        self._kept = {
            "x": x, "q": q, "A": A, "y": self._keep(y), "output": (y.shape, y.dtype),
        }  # fmt: skip
        return y

    def backward(
        self,
        dy: ArrayLike,
        *,
        need_dx: bool = True,
        accumulate: bool = False,  # ruff: ignore[unused-method-argument]  the contract of all layers; nothing to add to here
    ) -> Array | None:
        """Carry the loss gradient back to queries, keys and values.

        From y = A v, A = softmax(S) row by row and S = q kᵀ / √d the chain rule gives

            dv = Aᵀ dy        dA = dy vᵀ
            dS = A (dA − s),  s_i = Σ_j A_ij dA_ij = dy_i · y_i
            dq = dS k / √d    dk = dSᵀ q / √d

        s comes from the slope of softmax, A_ij (δ_jk − A_ik): raising one weight of a row lowers
        the others. Its short form needs no sum over steps. Where the mask made A_ij zero, dS_ij is.

        Parameters
        ----------
        dy : ndarray of shape (N, T, D)
            Loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.
        accumulate : bool, default False
            Without effect: there are no parameters.

        Returns
        -------
        dx : ndarray of shape (N, T, 3 D), or None if ``need_dx`` is False
            dq, dk and dv side by side, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.
        """
        dy = self._upstream(dy)
        self._kept["dy"] = self._keep(dy)
        if not need_dx:
            return None
        x, q, A, y = (self._kept[name] for name in ("x", "q", "A", "y"))
        _, k, v = self._split(x)
        dx: Array = self._array("dx", x.shape, x.dtype)
        dq, dk, dv = self._split(dx)
        dy_heads, y_heads = self._heads(dy), self._heads(y)
        np.matmul(A.mT, dy_heads, out=dv)
        dS: Array = self._array("dS", A.shape, A.dtype)
        np.matmul(dy_heads, v.mT, out=dS)
        dS -= np.vecdot(dy_heads, y_heads)[..., np.newaxis]
        dS *= A
        np.matmul(dS, k, out=dq)
        dq *= q.shape[-1] ** -0.5
        np.matmul(dS.mT, q, out=dk)  # q holds the scale already
        return dx

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:  # ruff: ignore[unused-method-argument]
        """Differentiate y = A v: y_dot = A_dot v + A v_dot.

            S_dot = (q_dot kᵀ + q k_dotᵀ) / √d        A_dot = A (S_dot − Σ_j A_ij S_dot_ij)

        Parameters
        ----------
        x_dot : ndarray of shape (..., N, T, 3 D), or None
            Change of the input along the direction.
        v : ndarray of shape (..., 0), or None
            Without effect: there are no parameters.

        Returns
        -------
        y_dot : ndarray of shape (..., N, T, D), or None if ``x_dot`` is None
            Change of the output.

        Raises
        ------
        OrderError
            If ``forward`` has not run.

        References
        ----------
        Pearlmutter (1994), Neural Computation 6, 147-160.
        """
        x = self._recall("x", "rforward", "forward")
        self._kept["x_dot"] = None
        if x_dot is None:
            return None
        q, A = self._kept["q"], self._kept["A"]
        _, k, values = self._split(x)
        change = self._x_dot(x_dot, x)
        q_dot, k_dot, v_dot = self._split(change)
        S_dot = q_dot * q.shape[-1] ** -0.5 @ k.mT + q @ k_dot.mT
        A_dot = A * (S_dot - (A * S_dot).sum(axis=-1, keepdims=True))
        self._kept |= {"x_dot": change, "A_dot": A_dot}
        return self._side_by_side(A_dot @ values + A @ v_dot)

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate each line of ``backward`` by the product rule.

        Parameters
        ----------
        dy_dot : ndarray of shape (..., N, T, D)
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Returns
        -------
        dx_dot : ndarray of shape (..., N, T, 3 D), or None if ``need_dx`` is False
            Change of the loss gradient at the input.

        Raises
        ------
        OrderError
            If ``forward``, ``backward`` and ``rforward`` have not run.
        """
        x_dot = self._recall("x_dot", "rbackward", "rforward")
        dy = self._heads(self._recall("dy", "rbackward", "backward"))
        x, q, A = (self._kept[name] for name in ("x", "q", "A"))
        change = self._heads(self._dy_dot(dy_dot))
        self.grad_dot = np.zeros((0,), x.dtype)
        if not need_dx:
            return None
        scale = q.shape[-1] ** -0.5
        _, k, v = self._split(x)
        dA = dy @ v.mT
        s = (A * dA).sum(axis=-1, keepdims=True)
        dS = A * (dA - s)
        dA_dot = change @ v.mT
        dv_dot = A.mT @ change
        if x_dot is None:
            dS_dot = A * (dA_dot - (A * dA_dot).sum(axis=-1, keepdims=True))
            dq_dot, dk_dot = dS_dot @ k * scale, dS_dot.mT @ q
        else:
            A_dot = self._kept["A_dot"]
            q_dot, k_dot, v_dot = self._split(x_dot)
            dA_dot = dA_dot + dy @ v_dot.mT
            dv_dot = dv_dot + A_dot.mT @ dy
            s_dot = (A_dot * dA + A * dA_dot).sum(axis=-1, keepdims=True)
            dS_dot = A_dot * (dA - s) + A * (dA_dot - s_dot)
            dq_dot = (dS_dot @ k + dS @ k_dot) * scale
            dk_dot = dS_dot.mT @ q + dS.mT @ q_dot * scale
        parts = [self._side_by_side(part) for part in (dq_dot, dk_dot, dv_dot)]
        return np.concatenate(parts, axis=-1)

    def _heads(self, rows: Array) -> Array:
        """View (..., T, D) as (..., heads, T, d)."""
        split = rows.reshape(*rows.shape[:-1], self.num_heads, rows.shape[-1] // self.num_heads)
        return split.swapaxes(-3, -2)

    def _split(self, x: Array) -> tuple[Array, Array, Array]:
        """View (..., T, 3 D) as queries, keys and values, each (..., heads, T, d)."""
        D = x.shape[-1] // 3
        return (
            self._heads(x[..., :D]),
            self._heads(x[..., D : 2 * D]),
            self._heads(x[..., 2 * D :]),
        )

    def _side_by_side(self, heads: Array) -> Array:
        """Join (..., heads, T, d) to (..., T, D)."""
        rows = heads.swapaxes(-3, -2)
        return rows.reshape(*rows.shape[:-2], rows.shape[-2] * rows.shape[-1])

    def _features_after(self, features: int | None, where: str) -> int | None:
        if features is None:
            return None
        if features % (3 * self.num_heads):
            message = (
                f"{where} {self!r} takes 3 D features, D a multiple of {self.num_heads}, "
                f"but gets {features}."
            )
            raise ShapeError(message)
        return features // 3

    def __repr__(self) -> str:
        causal = ", causal=True" if self.causal else ""
        return f"ScaledDotProductAttention({self.num_heads}{causal})"


class MultiHeadAttention(Sequential):
    """Let the steps of a sequence attend to each other: y = Attention(x Wq, x Wk, x Wv) Wo.

    A chain of three layers: one linear layer makes queries, keys and values (Wq, Wk and Wv are
    the three blocks of its columns), ``ScaledDotProductAttention`` mixes the steps, and another
    linear layer joins the heads.

    Parameters
    ----------
    embed_dim : int
        D, the features of a step.
    num_heads : int
        Number of heads; it divides ``embed_dim``.
    causal : bool, default False
        Let no step see a later one.
    bias : bool, default True
        Whether the linear layers add biases.
    init : function (fan_in, fan_out, rng) -> W, default xavier_uniform
        Starting values of the weights.
    rng : Generator, int or None
        Where the starting values come from. None differs in every run.
    dtype : float32 (default) or float64
        Type of parameters and outputs.

    Attributes
    ----------
    layers : (Linear, ScaledDotProductAttention, Linear)
        The chain; weights are ``layers[0].W`` of shape (D, 3 D) and ``layers[2].W`` of (D, D).
    attention : ndarray of shape (N, num_heads, T, T)
        Weights of the last forward, a copy; each row sums to 1.

    Raises
    ------
    ArgumentError
        If a size or ``rng`` is outside what it may be, or the heads do not divide ``embed_dim``.
    DtypeError
        If ``dtype`` is another.

    References
    ----------
    Vaswani et al. (2017), NeurIPS 30, 5998-6008.

    Examples
    --------
    >>> layer = MultiHeadAttention(4, num_heads=2, causal=True, rng=0)
    >>> layer.forward(np.ones((5, 3, 4))).shape
    (5, 3, 4)
    >>> layer.attention[0, 0].round(2)  # steps that look alike get the same weight
    array([[1.  , 0.  , 0.  ],
           [0.5 , 0.5 , 0.  ],
           [0.33, 0.33, 0.33]], dtype=float32)
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        causal: bool = False,
        bias: bool = True,
        *,
        init: Initializer = xavier_uniform,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        generator = as_generator(rng, "MultiHeadAttention")
        self.embed_dim = check_count(embed_dim, "embed_dim", "MultiHeadAttention")
        self.num_heads = check_count(num_heads, "num_heads", "MultiHeadAttention")
        if embed_dim % num_heads:
            message = (
                f"MultiHeadAttention: embed_dim is {embed_dim} and num_heads is {num_heads}, "
                "expected a number of heads that divides embed_dim."
            )
            raise ArgumentError(message)
        self.causal, self.bias = bool(causal), bool(bias)
        options: dict[str, Any] = {"init": init, "rng": generator, "dtype": dtype}
        super().__init__(
            Linear(embed_dim, 3 * embed_dim, self.bias, **options),
            ScaledDotProductAttention(num_heads, causal),
            Linear(embed_dim, embed_dim, self.bias, **options),
        )

    @property
    def attention(self) -> Array:
        """How much each step (third axis) took from each step (last axis), for rows and heads."""
        core = self.layers[1]
        assert isinstance(core, ScaledDotProductAttention)  # ruff: ignore[assert]  narrows the type
        return core.attention

    def _forward(self, x: Array) -> Array:
        return super()._forward(check_sequences(x, self.embed_dim, repr(self)))

    def _features_after(self, features: int | None, where: str) -> int | None:
        if features is not None and features != self.embed_dim:
            message = (
                f"{where} {self!r} takes {self.embed_dim} features, but gets {features}. "
                f"Write MultiHeadAttention({features}, {self.num_heads})."
            )
            raise ShapeError(message)
        return self.embed_dim

    def __repr__(self) -> str:
        causal = ", causal=True" if self.causal else ""
        bias = "" if self.bias else ", bias=False"
        return f"MultiHeadAttention({self.embed_dim}, {self.num_heads}{causal}{bias})"


def _later_steps(T: int, dtype: np.dtype[Any]) -> Array:
    """Return what is added to the scores of T steps: −∞ where step j comes after step i, else 0."""
    return np.triu(np.full((T, T), -np.inf, dtype), 1)
