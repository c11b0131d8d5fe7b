"""The embedding: a table of vectors, of which each whole number picks one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlib._array import (
    Array,
    IntArray,
    Seed,
    as_generator,
    as_whole_numbers,
    check_count,
)
from nnlib.errors import ArgumentError, ShapeError
from nnlib.initializers import Initializer
from nnlib.layers._checks import starting_values
from nnlib.layers.base import Layer
from nnlib.layers.parameters import ParameterView


def standard_normal(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Draw a table whose entries have mean 0 and variance 1, as PyTorch's embedding does."""
    return rng.normal(size=(fan_in, fan_out))


class Embedding(Layer):
    """Look up a vector for each whole number: y = W[x].

    The same as multiplying a one-hot row by W, without the multiplications. Put it first in a
    model: it takes whole numbers from 0, such as the numbers of words.

    Parameters
    ----------
    num_embeddings : int
        Number of vectors: the size of the vocabulary.
    embedding_dim : int
        Length of each vector.
    init : function (fan_in, fan_out, rng) -> W, default standard normal
        Starting values of W.
    rng : Generator, int or None
        Where the starting values come from. None differs in every run.
    dtype : float32 (default) or float64
        Type of parameters and outputs.

    Attributes
    ----------
    W, dW : ndarray of shape (num_embeddings, embedding_dim)
        The vectors and their gradient, views of ``theta`` and ``grad``.

    Raises
    ------
    ArgumentError
        If a size, ``init`` or ``rng`` is outside what it may be.
    DtypeError
        If ``dtype`` is another.

    References
    ----------
    Bengio, Ducharme, Vincent & Jauvin (2003), JMLR 3, 1137-1155.

    Examples
    --------
    >>> layer = Embedding(3, 2, dtype=np.float64)
    >>> layer.W = [[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]
    >>> layer.forward([2, 1, 2])
    array([[3., 4.],
           [1., 2.],
           [3., 4.]])
    """

    W = ParameterView()
    dW = ParameterView()  # ruff: ignore[mixed-case-variable-in-class-scope]  the letters of ∂L/∂W
    takes_integers = True

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        init: Initializer = standard_normal,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        generator = as_generator(rng, "Embedding")
        self.num_embeddings = check_count(num_embeddings, "num_embeddings", "Embedding")
        self.embedding_dim = check_count(embedding_dim, "embedding_dim", "Embedding")
        super().__init__({"W": (self.num_embeddings, self.embedding_dim)}, dtype=dtype)
        self.W = starting_values(init, self._shapes["W"], generator, repr(self))

    def forward(self, x: ArrayLike) -> Array:
        """Look up the vectors: y = W[x].

        Parameters
        ----------
        x : ndarray of int of shape (N,) or (N, T)
            Rows of W, from 0. Floats are taken if they are whole.

        Returns
        -------
        y : ndarray of shape (N, embedding_dim) or (N, T, embedding_dim)
            A fresh array.

        Raises
        ------
        DtypeError
            If a number is not whole.
        ShapeError
            If x is a single number, or has no steps.
        ArgumentError
            If a number is below 0 or not below ``num_embeddings``.
        """
        rows = self._rows(x)
        W = self._views["W"]
        y: Array = self._array("y", (*rows.shape, self.embedding_dim), W.dtype)
        # mode="clip" lets take write into y directly; what would be clipped was refused above.
        np.take(W, rows, axis=0, out=y, mode="clip")
        if self._tie is not None:
            self._tie.begin(0)
        self._kept = {"rows": self._keep(rows), "output": (y.shape, y.dtype)}  # type: ignore[arg-type]  # whole numbers
        return y

    def backward(
        self,
        dy: ArrayLike,
        *,
        need_dx: bool = True,  # ruff: ignore[unused-method-argument]  there is no dx
        accumulate: bool = False,
    ) -> Array | None:
        """Add each gradient to the row it was looked up from.

        From y_i = W[x_i] the chain rule gives

            dW_k = Σ_{i: x_i = k} dy_i

        A number that occurs twice gets the sum of both gradients, one that does not occur gets
        zero. A whole number has no slope, so there is no dx.

        Parameters
        ----------
        dy : ndarray of shape (N, embedding_dim) or (N, T, embedding_dim)
            Loss gradient at the output.
        need_dx : bool, default True
            Without effect.
        accumulate : bool, default False
            Add to ``dW`` instead of overwriting it.

        Returns
        -------
        dx : None
            Always.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.

        Examples
        --------
        >>> layer = Embedding(3, 1, dtype=np.float64)
        >>> y = layer.forward([2, 1, 2])
        >>> layer.backward(np.array([[10.0], [20.0], [30.0]]))
        >>> layer.dW.ravel()
        array([ 0., 20., 40.])
        """
        dy = self._upstream(dy)
        if self._tie is not None:
            accumulate = self._tie.adds(0, self, accumulate=accumulate)
        dW = self._views["dW"]
        if accumulate:
            dW += self._sum_by_row(dy)
        else:
            np.copyto(dW, self._sum_by_row(dy))
        return None

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:
        """Differentiate y = W[x]: y_dot = V[x].

        Parameters
        ----------
        x_dot : None
            Whole numbers do not change by a little.
        v : ndarray of shape (..., P), or None
            Direction in parameter space; None is zero.

        Returns
        -------
        y_dot : ndarray of shape (..., N, embedding_dim) or (..., N, T, embedding_dim)
            Change of the output.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ArgumentError
            If ``x_dot`` is not None.

        References
        ----------
        Pearlmutter (1994), Neural Computation 6, 147-160.
        """
        rows = self._recall("rows", "rforward", "forward")
        if x_dot is not None:
            message = (
                f"{self!r}.rforward: x_dot is an array, expected None: whole numbers cannot change "
                "by a little."
            )
            raise ArgumentError(message)
        V = self._direction(v)["W"]
        self._kept["V"] = V
        if self._tie is not None:
            self._tie.dW_dot.clear()
        y_dot: Array = np.take(V, rows, axis=-2)
        return y_dot

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:  # ruff: ignore[unused-method-argument]  there is no dx
        """Differentiate ``backward``, which is linear in dy: dW_dot_k = Σ_{i: x_i = k} dy_dot_i.

        Parameters
        ----------
        dy_dot : ndarray of shape (..., N, embedding_dim) or (..., N, T, embedding_dim)
            Change of the loss gradient at the output.
        need_dx : bool, default True
            Without effect.

        Returns
        -------
        dx_dot : None
            Always.

        Raises
        ------
        OrderError
            If ``forward`` and ``rforward`` have not run.
        """
        self._recall("V", "rbackward", "rforward")
        shape, dtype = self._kept["output"]
        change = self._dy_dot(dy_dot)
        lead = change.shape[: change.ndim - len(shape)]
        each = change.reshape(-1, *shape)  # one direction after the other
        sums = np.array([self._sum_by_row(one) for one in each], dtype)
        dW_dot: Array = sums.reshape(*lead, *self.W.shape)
        if self._tie is not None:
            dW_dot = self._tie.with_other_uses(dW_dot)
        self.grad_dot = dW_dot.reshape(*dW_dot.shape[:-2], -1)
        return None

    def _sum_by_row(self, dy: Array) -> Array:
        """Return dW: the sum of dy over all places that hold the same number.

        That is the product of a one-hot matrix, stored sparsely, and dy; some five to fifteen
        times as fast as ``np.add.at``.

        Returns
        -------
        sums : ndarray of shape (num_embeddings, embedding_dim)
            Zero where a number does not occur.
        """
        from scipy.sparse import csc_array  # here: it takes longer to import than NumPy

        rows = self._kept["rows"].ravel()
        one_hot = csc_array(
            (np.ones(rows.size, dy.dtype), rows, np.arange(rows.size + 1)),
            shape=(self.num_embeddings, rows.size),
        )
        sums: Array = one_hot @ dy.reshape(-1, self.embedding_dim)
        return sums

    def _rows(self, x: ArrayLike) -> IntArray:
        """Return x as row numbers of W, after checking each."""
        given: Array | IntArray = self._input(x)
        # Floats come from a model that cast them: they are whole, or a mistake.
        rows: IntArray = as_whole_numbers(given, f"{self!r}.forward: x")
        if rows.ndim == 0 or 0 in rows.shape[1:]:
            message = (
                f"{self!r}.forward: x has shape {rows.shape}, expected (N,) or (N, T) with at "
                "least one step. One sequence is a batch too: x[np.newaxis]."
            )
            raise ShapeError(message)
        if rows.size and (rows.min() < 0 or rows.max() >= self.num_embeddings):
            place = np.argwhere((rows < 0) | (rows >= self.num_embeddings))[0]
            message = (
                f"{self!r}.forward: x holds {rows[tuple(place)]} at {tuple(place.tolist())}, "
                f"expected 0 to {self.num_embeddings - 1}. "
                "Give rare words a common number, or make the table larger."
            )
            raise ArgumentError(message)
        return rows

    def _features_after(self, features: int | None, where: str) -> int | None:
        if features is not None:
            message = (
                f"{where} {self!r} takes whole numbers, but the layer before it puts out "
                f"{features} features. Put the embedding first."
            )
            raise ShapeError(message)
        return self.embedding_dim

    def __repr__(self) -> str:
        return f"Embedding({self.num_embeddings}, {self.embedding_dim})"
