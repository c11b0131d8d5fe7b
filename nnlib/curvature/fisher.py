"""The Fisher matrix, of the model's own predictions or of the data, and gradients row by row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array
from nnlib.curvature._chain import ChainLinearization, find_chain
from nnlib.curvature._layerwise import own_copy, private_copy, rows_hang_together
from nnlib.curvature.base import CurvatureOperator, checked_rows
from nnlib.curvature.operators import GaussNewton
from nnlib.errors import ArgumentError
from nnlib.layers.base import Layer
from nnlib.losses import MSE, BinaryCrossEntropy, CrossEntropy, Loss
from nnlib.regularizers import Penalty

KEPT_NUMBERS = 2**24
"""How many numbers of gradients are kept; more are computed anew for each product."""


class Fisher(CurvatureOperator):
    """The mean of outer products of gradients: how far a step moves the predicted distribution.

        true:       F = 1/(N m) Σ_n E_{t ~ p(·|x_n)} [ g_n(t) g_n(t)ᵀ ]
        empirical:  F = 1/(N m) Σ_n g_n(y_n) g_n(y_n)ᵀ

    with g_n(t) = −∂ ln p(t|x_n)/∂θ, the sum of the m terms of row n's loss, differentiated: m = 1
    for ``CrossEntropy``, the number of outputs for ``MSE`` and ``BinaryCrossEntropy``, times the
    number of steps in sequences. The loss is the mean of all N m terms, and both matrices are on
    its scale: over targets drawn from the model the mean of the empirical one is the true one.

    The true Fisher takes the expectation over the model's own predictions and is the Gauss-Newton
    matrix wherever the loss is a negative log-likelihood in its natural parameter, which is how its
    products are computed. The empirical one takes the targets as they came, and label smoothing
    with them. It costs less, and is another matrix: its gradients shrink as the model fits, and
    away from a perfect model it does not estimate the curvature.

    Parameters
    ----------
    model : Sequential or Layer
        Evaluated as it stands, and left as it was. What ``model.mask`` has pruned cannot move: its
        rows and columns are zero.
    X, y : ndarray
        Rows and targets. All rows count the same.
    loss : Loss
        For ``kind="true"`` one that is a negative log-likelihood: ``CrossEntropy``,
        ``BinaryCrossEntropy``, or ``MSE`` (of a normal distribution with variance ½).
    kind : "true" (default) or "empirical"
        Which of the two.
    penalty : L2, optional
        Adds its own second derivatives.

    Raises
    ------
    ArgumentError
        If there is no such kind, or the loss is no likelihood, or (empirical) the rows depend on
        each other.
    DtypeError
        If model or loss are something else.
    ShapeError
        If rows and targets do not fit the model or each other.

    References
    ----------
    Amari (1998), Natural gradient works efficiently in learning, Neural Computation 10, 251-276.
    Kunstner, Balles & Hennig (2019), Limitations of the empirical Fisher approximation, NeurIPS.

    Examples
    --------
    A model that predicts one half for a coin: whatever came, the gradient is ±½.

    >>> from nnlib import BinaryCrossEntropy, Linear
    >>> model = Linear(1, 1, bias=False, dtype=np.float64)
    >>> model.W = 0.0
    >>> X, y = [[2.0], [2.0]], [[1.0], [0.0]]
    >>> Fisher(model, X, y, BinaryCrossEntropy()).dense()
    array([[1.]])
    >>> Fisher(model, X, y, BinaryCrossEntropy(), kind="empirical").dense()
    array([[1.]])
    """

    def __init__(
        self,
        model: Layer,
        X: ArrayLike,
        y: ArrayLike,
        loss: Loss,
        *,
        kind: str = "true",
        penalty: Penalty | None = None,
    ) -> None:
        if kind not in {"true", "empirical"}:
            message = f"Fisher: kind is {kind!r}, expected 'true' or 'empirical'."
            raise ArgumentError(message)
        super().__init__(model, X, y, loss, penalty=penalty)
        self.kind = kind
        self._gauss_newton: GaussNewton | None = None
        if kind == "true":
            if not isinstance(loss, CrossEntropy | BinaryCrossEntropy | MSE):
                message = (
                    f"Fisher: loss is {loss!r}, expected a likelihood: CrossEntropy(), "
                    "BinaryCrossEntropy() or MSE(). Any loss serves kind='empirical'."
                )
                raise ArgumentError(message)
            self._gauss_newton = GaussNewton(model, X, y, loss)
            self.exact = self._gauss_newton.exact
            return
        _check_independent(model, "Fisher(kind='empirical')")
        self._loss, self._model = own_copy(loss), private_copy(model)
        self._kept_gradients: Array | None = None
        self._n_terms = _count_terms(self._model, self._X[:1], self._y[:1], self._loss)
        if len(self._X) * self.shape[0] <= KEPT_NUMBERS:
            self._kept_gradients = per_sample_gradients(self._model, self._X, self._y, loss)
        else:
            self._X, self._y = self._X.copy(), self._y.copy()

    def _gradients(self) -> Iterator[Array]:
        """Yield g_n / m of some rows at a time, of shape (n, P)."""
        if self._kept_gradients is not None:
            yield self._kept_gradients
            return
        step = max(1, KEPT_NUMBERS // self.shape[0])
        for start in range(0, len(self._X), step):
            rows = slice(start, start + step)
            yield per_sample_gradients(self._model, self._X[rows], self._y[rows], self._loss)

    def _products(self, V: Array) -> Array:
        if self._gauss_newton is not None:
            return self._gauss_newton._products(V)
        out = np.zeros_like(V)
        for G in self._gradients():
            out += (V @ G.T) @ G
        out *= self._n_terms / len(self._X)
        return out

    def _dense(self) -> Array:
        if self._gauss_newton is not None:
            return self._gauss_newton._dense()
        out = np.zeros(self.shape, self.dtype)
        for G in self._gradients():
            out += G.T @ G
        out *= self._n_terms / len(self._X)
        return out

    def _diagonal(self) -> Array:
        if self._gauss_newton is not None:
            return self._gauss_newton._diagonal()
        out = np.zeros(self.shape[0], self.dtype)
        for G in self._gradients():
            out += np.einsum("np,np->p", G, G)
        out *= self._n_terms / len(self._X)
        return out

    def __repr__(self) -> str:
        return f"Fisher(P={self.shape[0]}, kind={self.kind!r}, {self.dtype})"


def per_sample_gradients(model: Layer, X: ArrayLike, y: ArrayLike, loss: Loss) -> Array:
    """Compute the gradient of each row's own loss; their mean is the gradient of the batch.

    In a linear layer row n gives dW_n = x_n ⊗ δ_n, so for plain networks one pass serves all rows.
    Any other model runs row by row.

    Parameters
    ----------
    model : Sequential or Layer
        Evaluated as it stands, and left as it was.
    X, y : ndarray
        Rows and targets.
    loss : Loss
        A mean over rows.

    Returns
    -------
    gradients : ndarray of shape (N, P)
        It takes N P numbers.

    Raises
    ------
    ArgumentError
        If the rows depend on each other, as in batch normalization while training, or share random
        masks.
    DtypeError
        If model or loss are something else.
    ShapeError
        If rows and targets do not fit the model or each other.

    References
    ----------
    Goodfellow (2015), Efficient per-example gradient computations, arXiv:1510.01799.

    Examples
    --------
    L = w² x² with x = 1 and x = 3 has the slopes 2 w x²:

    >>> from nnlib import Linear, MSE
    >>> model = Linear(1, 1, bias=False, dtype=np.float64)
    >>> model.W = 1.0
    >>> per_sample_gradients(model, [[1.0], [3.0]], [[0.0], [0.0]], MSE())
    array([[ 2.],
           [18.]])
    """
    where = "per_sample_gradients"
    rows, targets = checked_rows(model, X, y, loss, where)
    _check_independent(model, where)
    chain = find_chain(model, rows)
    out = np.empty((len(rows), model.theta.size), model.theta.dtype)
    if chain is not None:
        point = ChainLinearization(chain, model.theta, rows, targets, 1.0, loss, full=True)
        for stage in (stage.by_rows() for stage in point.stages):
            assert stage.delta is not None  # ruff: ignore[assert]  as full=True makes it
            outer = stage.x[:, :, np.newaxis] * (stage.delta * len(rows))[:, np.newaxis]
            out[:, stage.place] = outer.reshape(len(rows), -1)
        return out
    twin, own = private_copy(model), own_copy(loss)
    for n in range(len(rows)):
        one = slice(n, n + 1)
        own.forward(twin.forward(rows[one]), targets[one])
        twin.backward(own.backward(), need_dx=False)
        out[n] = twin.grad
    return out


def _count_terms(model: Layer, X: Array, y: np.ndarray[Any, Any], loss: Loss) -> int:
    """Return of how many terms the loss of one row is the mean."""
    z = model.forward(X)
    return math.prod(loss._terms_shape(z, loss.check(z.shape, y, z.dtype)))


def _check_independent(model: Layer, where: str) -> None:
    """Raise unless each row can be taken alone."""
    if rows_hang_together(model):
        message = (
            f"{where}: the rows of this model depend on each other or on common random masks, "
            "expected rows that can be taken alone. Call model.eval() first."
        )
        raise ArgumentError(message)
