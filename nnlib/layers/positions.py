"""Positions: what tells a layer that treats all steps alike, such as attention, which is which."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlib._array import Array, Seed, as_generator, check_count
from nnlib.errors import ShapeError
from nnlib.initializers import Initializer
from nnlib.layers._checks import as_change, starting_values
from nnlib.layers._recurrence import check_sequences
from nnlib.layers.base import Layer
from nnlib.layers.parameters import ParameterView


def small_normal(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Draw a table from a normal distribution of standard deviation 0.02, as GPT-2 does."""
    return rng.normal(0.0, 0.02, (fan_in, fan_out))


class PositionalEncoding(Layer):
    """Add sines and cosines of the position: y_t = x_t + p_t, nothing to learn.

        p_t,2k = sin(t ω_k)        p_t,2k+1 = cos(t ω_k)        ω_k = 10000^(−2k/D)

    Moving by a fixed number of steps rotates each pair of numbers by a fixed angle, so distances
    can be read off; and there is a p_t for every t.

    References
    ----------
    Vaswani et al. (2017), NeurIPS 30, 5998-6008, section 3.5.

    Examples
    --------
    >>> PositionalEncoding().forward(np.zeros((1, 3, 2))).round(3)  # sin t and cos t
    array([[[ 0.   ,  1.   ],
            [ 0.841,  0.54 ],
            [ 0.909, -0.416]]])
    """

    def __init__(self) -> None:
        super().__init__()
        self._table = np.empty((0, 0), np.float32)

    def forward(self, x: ArrayLike) -> Array:
        """Compute y_t = x_t + p_t.

        Parameters
        ----------
        x : ndarray of shape (N, T, D)
            N sequences of T steps.

        Returns
        -------
        y : ndarray of shape (N, T, D)
            A fresh array.

        Raises
        ------
        ShapeError
            If x is not (N, T, D) with at least one step.
        """
        x = check_sequences(self._input(x), None, repr(self))
        if self._table.shape != x.shape[1:] or self._table.dtype != x.dtype:
            self._table = sinusoids(*x.shape[1:]).astype(x.dtype)
        y: Array = np.add(x, self._table, out=self._array("y", x.shape, x.dtype))
        self._kept = {"output": (y.shape, y.dtype)}
        return y

    def backward(
        self,
        dy: ArrayLike,
        *,
        need_dx: bool = True,
        accumulate: bool = False,  # ruff: ignore[unused-method-argument]  the contract of all layers; nothing to add to here
    ) -> Array | None:
        """Carry the loss gradient back: dx = dy.

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
        dx : ndarray of shape (N, T, D), or None if ``need_dx`` is False
            Loss gradient at the input, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.
        """
        dy = self._upstream(dy)
        return self._keep(dy) if need_dx else None

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:  # ruff: ignore[unused-method-argument]
        """Differentiate y_t = x_t + p_t: y_dot = x_dot."""
        shape, dtype = self._recall("output", "rforward", "forward")
        if x_dot is None:
            return None
        return as_change(x_dot, shape, dtype, f"{self!r}.rforward: x_dot").copy()

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate dx = dy: dx_dot = dy_dot."""
        _, dtype = self._recall("output", "rbackward", "forward")
        self.grad_dot = np.zeros((0,), dtype)
        change = self._dy_dot(dy_dot)
        return change.copy() if need_dx else None

    def _features_after(self, features: int | None, where: str) -> int | None:  # ruff: ignore[unused-method-argument]
        return features


class PositionalEmbedding(Layer):
    """Add a vector of its own to each position: y_t = x_t + W_t, learned.

    Parameters
    ----------
    max_length : int
        Number of positions; a longer sequence is refused.
    embedding_dim : int
        Features of a step.
    init : function (fan_in, fan_out, rng) -> W, default normal of standard deviation 0.02
        Starting values of W.
    rng : Generator, int or None
        Where the starting values come from. None differs in every run.
    dtype : float32 (default) or float64
        Type of parameters and outputs.

    Attributes
    ----------
    W, dW : ndarray of shape (max_length, embedding_dim)
        The vectors and their gradient, views of ``theta`` and ``grad``.

    Raises
    ------
    ArgumentError
        If a size, ``init`` or ``rng`` is outside what it may be.
    DtypeError
        If ``dtype`` is another.

    References
    ----------
    Gehring, Auli, Grangier, Yarats & Dauphin (2017), ICML, 1243-1252.

    Examples
    --------
    >>> layer = PositionalEmbedding(4, 1, dtype=np.float64)
    >>> layer.W = [[10.0], [20.0], [30.0], [40.0]]
    >>> layer.forward([[[1.0], [2.0]]]).ravel()
    array([11., 22.])
    >>> dx = layer.backward([[[5.0], [6.0]]])
    >>> layer.dW.ravel()
    array([5., 6., 0., 0.])
    """

    W = ParameterView()
    dW = ParameterView()  # ruff: ignore[mixed-case-variable-in-class-scope]  the letters of ∂L/∂W

    def __init__(
        self,
        max_length: int,
        embedding_dim: int,
        *,
        init: Initializer = small_normal,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        generator = as_generator(rng, "PositionalEmbedding")
        self.max_length = check_count(max_length, "max_length", "PositionalEmbedding")
        self.embedding_dim = check_count(embedding_dim, "embedding_dim", "PositionalEmbedding")
        super().__init__({"W": (self.max_length, self.embedding_dim)}, dtype=dtype)
        self.W = starting_values(init, self._shapes["W"], generator, repr(self))

    def forward(self, x: ArrayLike) -> Array:
        """Compute y_t = x_t + W_t.

        Parameters
        ----------
        x : ndarray of shape (N, T, embedding_dim)
            N sequences of T steps, at most ``max_length``.

        Returns
        -------
        y : ndarray of shape (N, T, embedding_dim)
            A fresh array.

        Raises
        ------
        ShapeError
            If x is not shaped so.
        """
        x = check_sequences(self._input(x), self.embedding_dim, repr(self))
        T = x.shape[1]
        if self.max_length < T:
            message = (
                f"{self!r}.forward: x has {T} steps, expected at most {self.max_length}. "
                "Cut the sequences, or make the table longer."
            )
            raise ShapeError(message)
        y: Array = self._array("y", x.shape, x.dtype)
        np.add(x, self._views["W"][:T], out=y)
        self._kept = {"output": (y.shape, y.dtype)}
        return y

    def backward(
        self, dy: ArrayLike, *, need_dx: bool = True, accumulate: bool = False
    ) -> Array | None:
        """Carry the loss gradient back: dW_t = Σ_rows dy_t, dx = dy.

        Parameters
        ----------
        dy : ndarray of shape (N, T, embedding_dim)
            Loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.
        accumulate : bool, default False
            Add to ``dW`` instead of overwriting it.

        Returns
        -------
        dx : ndarray of shape (N, T, embedding_dim), or None if ``need_dx`` is False
            Loss gradient at the input, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.
        """
        dy = self._upstream(dy)
        T, dW = dy.shape[1], self._views["dW"]
        if accumulate:
            dW[:T] += dy.sum(axis=0)
        else:
            np.sum(dy, axis=0, out=dW[:T])
            dW[T:] = 0.0
        return self._keep(dy) if need_dx else None

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:
        """Differentiate y_t = x_t + W_t: y_dot_t = x_dot_t + V_t.

        Parameters
        ----------
        x_dot : ndarray of shape (..., N, T, embedding_dim), or None
            Change of the input along the direction.
        v : ndarray of shape (..., P), or None
            Direction in parameter space; None is zero.

        Returns
        -------
        y_dot : ndarray of shape (..., N, T, embedding_dim)
            Change of the output.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        shape, dtype = self._recall("output", "rforward", "forward")
        V = self._direction(v)["W"][..., np.newaxis, : shape[1], :]
        if x_dot is None:
            return np.array(np.broadcast_to(V, (*V.shape[:-3], *shape)))
        y_dot: Array = as_change(x_dot, shape, dtype, f"{self!r}.rforward: x_dot") + V
        return y_dot

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate ``backward``: dW_dot_t = Σ_rows dy_dot_t, dx_dot = dy_dot.

        Parameters
        ----------
        dy_dot : ndarray of shape (..., N, T, embedding_dim)
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Returns
        -------
        dx_dot : ndarray of shape (..., N, T, embedding_dim), or None if ``need_dx`` is False
            Change of the loss gradient at the input.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        _, dtype = self._recall("output", "rbackward", "forward")
        change = self._dy_dot(dy_dot)
        lead, T = change.shape[:-3], change.shape[-2]
        dW_dot = np.zeros((*lead, *self.W.shape), dtype)
        dW_dot[..., :T, :] = change.sum(axis=-3)
        self.grad_dot = dW_dot.reshape(*lead, -1)
        return change.copy() if need_dx else None

    def _features_after(self, features: int | None, where: str) -> int | None:
        if features is not None and features != self.embedding_dim:
            message = f"{where} {self!r} takes {self.embedding_dim} features, but gets {features}."
            raise ShapeError(message)
        return self.embedding_dim

    def __repr__(self) -> str:
        return f"PositionalEmbedding({self.max_length}, {self.embedding_dim})"


def sinusoids(T: int, D: int) -> Array:
    """Return the table p of ``PositionalEncoding``, of shape (T, D), float64."""
    k = np.arange(D) // 2
    angle: Any = np.arange(T)[:, np.newaxis] * 10000.0 ** (-2.0 * k / D)
    table: Array = np.where(np.arange(D) % 2 == 0, np.sin(angle), np.cos(angle))
    return table
