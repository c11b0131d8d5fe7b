"""One matrix used twice: as an embedding or a linear layer, and transposed as the output layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array
from nnlib.errors import DtypeError, OrderError, ShapeError, SharedLayerError
from nnlib.layers.base import Layer
from nnlib.layers.embedding import Embedding
from nnlib.layers.linear import Linear


class Tie:
    """Keep count of the uses of one matrix, so that its gradient is the sum over all of them.

    Each use runs once in a pass, the owner as use 0. The first that runs backward writes dW, the
    others add. A use that comes again, a new forward, or a model after single layers that were run
    by hand, begins a new pass.
    """

    def __init__(self) -> None:
        self.uses = 1
        self.dW_dot: list[Array] = []
        self._forward: set[int] = set()
        self._backward: set[int] = set()
        self._in_model = False

    def begin(self, use: int) -> None:
        """Take note that a use ran forward."""
        if use in self._forward:
            self._forward.clear()
        self._forward.add(use)
        self._backward.clear()

    def owner_began(self) -> bool:
        """Return whether the owner has run in the present forward pass."""
        return 0 in self._forward

    def adds(self, use: int, layer: Layer, *, accumulate: bool) -> bool:
        """Return whether this use, by ``layer``, must add to dW: it is not the first in a pass."""
        in_model = layer._workspace is not None  # a model lends memory to its layers
        if use in self._backward or in_model != self._in_model:
            self._backward.clear()
        self._in_model = in_model
        first = not self._backward
        self._backward.add(use)
        return accumulate or not first

    def with_other_uses(self, dW_dot: Array) -> Array:
        """Return the owner's change of dW plus those of the other uses, which ran before it."""
        for other in self.dW_dot:
            dW_dot = dW_dot + other
        self.dW_dot.clear()
        return dW_dot


class TiedLinear(Layer):
    """Multiply by the transpose of another layer's matrix: y = x Wᵀ.

    A language model that reads a word with the row W_k of its embedding can score it with the same
    row, y_k = x · W_k, and so save a matrix; an autoencoder can decode with the transpose of its
    encoder. W stays the other layer's, the owner's: it stands once in ``theta``, and its gradient
    is the sum over both uses. Owner and tied layer belong into one model.

    Parameters
    ----------
    owner : Embedding or Linear
        The layer whose W is used, of shape (out_features, in_features) seen from here.

    Attributes
    ----------
    owner : Embedding or Linear
        The layer given.

    Raises
    ------
    DtypeError
        If ``owner`` is something else.

    References
    ----------
    Press & Wolf (2017), EACL 2, 157-163.

    Examples
    --------
    >>> from nnlib import Sequential
    >>> words = Embedding(3, 2, dtype=np.float64)
    >>> words.W = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    >>> model = Sequential(words, TiedLinear(words))
    >>> model.forward([0, 2])  # how alike the words are
    array([[1., 0., 1.],
           [1., 1., 2.]])
    >>> [(p.name, p.shape) for p in model.parameters()]
    [('0.W', (3, 2))]
    """

    def __init__(self, owner: Embedding | Linear) -> None:
        if not isinstance(owner, Embedding | Linear):
            message = (  # type: ignore[unreachable]  # callers need not be typed
                f"TiedLinear: owner is {owner!r:.60}, expected an Embedding or a Linear layer."
            )
            raise DtypeError(message)
        super().__init__()
        self.owner = owner
        if owner._tie is None:
            owner._tie = Tie()
        self._tie: Tie = owner._tie
        self._use = self._tie.uses
        self._tie.uses += 1

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = x Wᵀ.

        Parameters
        ----------
        x : ndarray of shape (..., N, in_features)
            Rows of inputs; ``in_features`` is the number of columns of the owner's W.

        Returns
        -------
        y : ndarray of shape (..., N, out_features)
            One output for each row of the owner's W. A fresh array.

        Raises
        ------
        ShapeError
            If the rows do not hold ``in_features`` numbers.
        SharedLayerError
            If the owner is not in the model that runs.
        """
        W = self.owner._views["W"]
        x = as_array(x, W.dtype, f"{self!r}.forward: x")
        if W.ndim != 2 or x.ndim < 2 or x.shape[-1] != W.shape[-1]:
            message = (
                f"{self!r}.forward: x has shape {x.shape}, expected (..., N, {W.shape[-1]}), "
                "as many numbers in a row as W has columns."
            )
            raise ShapeError(message)
        if (self._workspace is None) != (self.owner._workspace is None):
            message = (
                f"{self!r}.forward: its owner is not in the model that runs, where W would not be "
                "trained. Put owner and tied layer into one model, and copy or run it as a whole."
            )
            raise SharedLayerError(message)
        self._tie.begin(self._use)
        y: Array = self._array("y", (*x.shape[:-1], len(W)), x.dtype)
        np.matmul(_flat(x), W.T, out=_flat(y))
        self._kept = {
            "x": self._keep(x),
            "owner_first": self._tie.owner_began(),
            "output": (y.shape, y.dtype),
        }
        return y

    def backward(
        self, dy: ArrayLike, *, need_dx: bool = True, accumulate: bool = False
    ) -> Array | None:
        """Carry the loss gradient back to x and to the owner's W.

        From y = x Wᵀ the chain rule gives

            dW = dyᵀ x        dx = dy W

        It is one of two terms: W moves the loss through both of its uses, and dL/dW is their sum.
        Whichever layer runs backward first in a pass writes ``owner.dW``, the other adds.

        Parameters
        ----------
        dy : ndarray of shape (..., N, out_features)
            Loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.
        accumulate : bool, default False
            Add to ``owner.dW`` in any case.

        Returns
        -------
        dx : ndarray of shape (..., N, in_features), or None if ``need_dx`` is False
            Loss gradient at the input, a fresh array.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.
        """
        dy = self._upstream(dy)
        x, W, dW = self._kept["x"], self.owner._views["W"], self.owner._views["dW"]
        self._kept["dy"] = self._keep(dy)
        if self._tie.adds(self._use, self, accumulate=accumulate):
            dW += _flat(dy).T @ _flat(x)
        else:
            np.matmul(_flat(dy).T, _flat(x), out=dW)
        if not need_dx:
            return None
        dx: Array = self._array("dx", x.shape, dy.dtype)
        np.matmul(_flat(dy), W, out=_flat(dx))
        return dx

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:  # ruff: ignore[unused-method-argument]  the owner has it
        """Differentiate y = x Wᵀ: y_dot = x_dot Wᵀ + x Vᵀ, with the owner's direction V.

        Parameters
        ----------
        x_dot : ndarray of shape (..., N, in_features), or None
            Change of the input along the direction.
        v : ndarray of shape (..., 0), or None
            Without effect: the direction of W is the one given to the owner.

        Returns
        -------
        y_dot : ndarray of shape (..., N, out_features)
            Change of the output.

        Raises
        ------
        OrderError
            If ``forward``, or the ``rforward`` of the owner, has not run.
        NotImplementedError
            If the owner comes after this layer.

        References
        ----------
        Pearlmutter (1994), Neural Computation 6, 147-160.
        """
        x, W = self._recall("x", "rforward", "forward"), self.owner.W
        if not self._kept["owner_first"]:
            message = (
                f"{self!r}.rforward: its owner comes after it, so the direction of W is not known "
                "here. Put the owner first, or use differences of gradients."
            )
            raise NotImplementedError(message)
        if "V" not in self.owner._kept:
            message = f"{self!r}.rforward: the rforward of its owner has not run. Call it first."
            raise OrderError(message)
        V = self.owner._kept["V"]
        y_dot: Array = _flat(x) @ V.mT
        self._kept |= {"V": V, "x_dot": None}
        if x_dot is not None:
            change = _flat(self._x_dot(x_dot, x), x.ndim)
            self._kept["x_dot"] = change
            y_dot = y_dot + change @ W.T
        return y_dot.reshape(*y_dot.shape[:-2], *self._kept["output"][0])

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate ``backward``; the owner adds dW_dot to its own.

            dW_dot = dy_dotᵀ x + dyᵀ x_dot        dx_dot = dy_dot W + dy V

        Parameters
        ----------
        dy_dot : ndarray of shape (..., N, out_features)
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Returns
        -------
        dx_dot : ndarray of shape (..., N, in_features), or None if ``need_dx`` is False
            Change of the loss gradient at the input.

        Raises
        ------
        OrderError
            If ``forward``, ``backward`` and ``rforward`` have not run.
        """
        V = self._recall("V", "rbackward", "rforward")
        dy = _flat(self._recall("dy", "rbackward", "backward"))
        x, x_dot = self._kept["x"], self._kept["x_dot"]
        change = _flat(self._dy_dot(dy_dot), x.ndim)
        dW_dot: Array = change.mT @ _flat(x)
        if x_dot is not None:
            dW_dot = dW_dot + dy.T @ x_dot
        self._tie.dW_dot.append(dW_dot)
        self.grad_dot = np.zeros((0,), x.dtype)
        if not need_dx:
            return None
        dx_dot: Array = change @ self.owner.W + dy @ V
        return dx_dot.reshape(*dx_dot.shape[:-2], *x.shape)

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """The type of the owner's parameters."""
        return self.owner.dtype

    def _set_dtype(self, dtype: np.dtype[Any]) -> None:
        """Convert an owner that belongs to no model; a model converts its own layers."""
        owner = self.owner
        if not owner._owned:
            owner._set_dtype(dtype)
            owner._bind(owner.theta.astype(dtype), owner.grad.astype(dtype), owner.decay_mask)

    def _features_after(self, features: int | None, where: str) -> int | None:
        out_features, in_features = self.owner._shapes["W"]
        if features is not None and features != in_features:
            message = f"{where} {self!r} takes {in_features} features, but gets {features}."
            raise ShapeError(message)
        return out_features

    def __repr__(self) -> str:
        return f"TiedLinear({self.owner!r})"


def _flat(array: Array, ndim: int | None = None) -> Array:
    """Merge the batch axes of an array that has ``ndim`` axes behind those of the directions."""
    lead = 0 if ndim is None else array.ndim - ndim
    return array.reshape(*array.shape[:lead], -1, array.shape[-1])
