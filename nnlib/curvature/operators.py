"""The Hessian and the Gauss-Newton matrix: products first, the matrix if wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array
from nnlib.curvature._blocks import Blocks
from nnlib.curvature._chain import ChainLinearization, find_chain
from nnlib.curvature._compiled_product import product_from_scratch
from nnlib.curvature._layerwise import (
    DifferenceLinearization,
    LayerLinearization,
    has_r_operator,
    private_copy,
    rows_hang_together,
)
from nnlib.curvature.base import (
    CurvatureOperator,
    checked_directions,
    checked_rows,
    in_groups,
    penalty_diagonal,
)
from nnlib.errors import ArgumentError
from nnlib.layers.base import Layer
from nnlib.losses import Loss
from nnlib.regularizers import Penalty


class Linearization(Protocol):
    """A model at one point, on one slice of the rows."""

    exact: bool
    share: float

    @property
    def value(self) -> float:
        """The loss."""

    def product(self, v: Array) -> Array:
        """Return the matrix times a direction."""

    def products(self, V: Array) -> Array:
        """Return the matrix times each row of V."""


class _LossCurvature(CurvatureOperator):
    """What Hessian and Gauss-Newton share: they differ in the terms of the second derivatives."""

    _full: bool

    def __init__(
        self,
        model: Layer,
        X: ArrayLike,
        y: ArrayLike,
        loss: Loss,
        *,
        penalty: Penalty | None = None,
    ) -> None:
        super().__init__(model, X, y, loss, penalty=penalty)
        self._loss = loss
        self._model: Layer | None = None
        chain = find_chain(model, self._X)
        self._chained = chain is not None
        if chain is not None:
            theta = model.theta.copy()
            self._parts: list[Linearization] = [
                ChainLinearization(chain, theta, *piece, loss, full=self._full)
                for piece in self._slices(model)
            ]
        else:
            self._model = private_copy(model)
            # Some layers keep their input as it is, and several slices are run again and again.
            self._X, self._y = self._X.copy(), self._y.copy()
            pieces = list(self._slices(model))
            # One piece is linearized once and for all; of several each takes its turn.
            self._parts = [self._linearize(*pieces[0])] if len(pieces) == 1 else []
            self.exact = has_r_operator(model)

    def _slices(self, model: Layer) -> Iterator[tuple[Array, np.ndarray[Any, Any], float]]:
        """Yield rows, targets and their share, as many as suit the processor's cache."""
        n = len(self._X)
        step = n if rows_hang_together(model) else min(n, model.slice_rows)
        for start in range(0, n, step):
            rows = slice(start, start + step)
            some = self._X[rows]
            yield some, self._y[rows], len(some) / n

    def _linearize(self, X: Array, y: np.ndarray[Any, Any], share: float) -> Linearization:
        assert self._model is not None  # ruff: ignore[assert]  narrows the type
        kind = LayerLinearization if has_r_operator(self._model) else DifferenceLinearization
        return kind(self._model, X, y, share, self._loss, full=self._full)

    def _linearized(self) -> Iterator[Linearization]:
        """Yield the linearization of each slice in turn."""
        if self._parts or self._model is None:
            yield from self._parts
        else:
            for piece in self._slices(self._model):
                yield self._linearize(*piece)

    @property
    def value(self) -> float:
        """The loss at this point, without the penalty."""
        return sum(part.share * part.value for part in self._linearized())

    def _product(self, v: Array) -> Array:
        if len(self._parts) == 1:
            return self._parts[0].product(v)
        return sum(part.product(v) * part.share for part in self._linearized())  # type: ignore[return-value]

    def _products(self, V: Array) -> Array:
        if len(self._parts) == 1:
            return self._parts[0].products(V)
        return sum(part.products(V) * part.share for part in self._linearized())  # type: ignore[return-value]

    def dense(self, method: str = "auto") -> Array:
        """Return the whole matrix.

        Parameters
        ----------
        method : "auto" (default), "blocks" or "r_operator"
            "blocks" takes the closed form of plain networks, ``Linear`` layers with activations
            between: one matrix product over the rows for each pair of a unit and a layer.
            "r_operator" multiplies the identity, 16 columns at a time, for any model. "auto" takes
            the first where it can.

        Returns
        -------
        matrix : ndarray of shape (P, P)
            Symmetric up to rounding. It takes P² numbers: for 10⁴ parameters 400 MB in float32.

        Raises
        ------
        ArgumentError
            If the model is no plain network and "blocks" are asked for, or there is no such method.
        """
        if method not in {"auto", "blocks", "r_operator"}:
            message = (
                f"{type(self).__name__}.dense: method is {method!r}, expected 'auto', 'blocks' or "
                "'r_operator'."
            )
            raise ArgumentError(message)
        if method == "blocks" and not self._chained:
            message = (
                f"{type(self).__name__}.dense: method is 'blocks', expected a model of Linear "
                "layers with activations between and rows of shape (N, features). "
                "Use method='r_operator'."
            )
            raise ArgumentError(message)
        self._by_products = method == "r_operator"
        return super().dense()

    _by_products = False

    def _dense(self) -> Array:
        if not self._chained or self._by_products:
            return super()._dense()
        matrix = np.empty(self.shape, self.dtype)
        for i, part in enumerate(self._parts):
            assert isinstance(part, ChainLinearization)  # ruff: ignore[assert]  narrows the type
            Blocks(part).add_dense(matrix, fresh=i == 0)
        return matrix

    def _diagonal(self) -> Array:
        if not self._chained:
            return super()._diagonal()
        out = np.zeros(self.shape[0], self.dtype)
        for part in self._parts:
            assert isinstance(part, ChainLinearization)  # ruff: ignore[assert]  narrows the type
            Blocks(part).add_diagonal(out)
        return out


class Hessian(_LossCurvature):
    """The second derivatives of the loss at the present parameters: H_ij = ∂²L/∂θ_i ∂θ_j.

    A product H v takes about twice the time of a gradient and forms no matrix: it differentiates
    forward and backward along v (Pearlmutter's R-operator). Where a layer has no R-operator, it is
    a central difference of gradients in float64, and ``exact`` is False.

    Parameters
    ----------
    model : Sequential or Layer
        Evaluated as it stands, in its present mode, with random masks and running statistics held
        still. It is left as it was, and copied, so that training it does not change the operator.
        What ``model.mask`` has pruned cannot move: its rows and columns are zero.
    X : ndarray of shape (N, ...)
        Rows. All count the same: an operator knows no row weights. Rows that are to count twice are
        given twice.
    y : ndarray
        Targets, as the loss wants them.
    loss : Loss
        For example ``CrossEntropy()``.
    penalty : L2, optional
        Adds its own second derivatives, such as 2λ where ``model.decay_mask`` is True.

    Attributes
    ----------
    exact : bool
        False where products are differences of gradients.
    value : float
        The loss at this point.

    Raises
    ------
    DtypeError
        If model or loss are something else.
    ShapeError
        If rows and targets do not fit the model or each other.

    References
    ----------
    Pearlmutter (1994), Fast exact multiplication by the Hessian, Neural Computation 6, 147-160.
    Bishop (1992), Exact calculation of the Hessian matrix for the multilayer perceptron,
    Neural Computation 4, 494-501.

    Examples
    --------
    L = (w₁ + 2 w₂)² has the second derivatives 2 xᵀ x:

    >>> from nnlib import Linear, MSE
    >>> model = Linear(2, 1, bias=False, dtype=np.float64)
    >>> H = Hessian(model, [[1.0, 2.0]], [[0.0]], MSE())
    >>> H @ np.array([1.0, 0.0])
    array([2., 4.])
    >>> H.dense()
    array([[2., 4.],
           [4., 8.]])
    >>> H.spectrum().eigenvalues.round(6) + 0.0
    array([10.,  0.])
    """

    _full = True


class GaussNewton(_LossCurvature):
    """The curvature of the loss with the model taken as linear: G = Σ_rows Jᵀ S J.

    J holds the derivatives of the outputs, S the second derivatives of the loss by the outputs. G
    leaves out Σ ∂L/∂y · ∂²y/∂θ², which vanishes where the model fits the targets. For losses that
    are convex in the output, such as ``MSE`` and ``CrossEntropy``, G is positive semidefinite.

    Parameters
    ----------
    model : Sequential or Layer
        As in ``Hessian``; so is what becomes of pruned parameters.
    X, y : ndarray
        Rows and targets. All rows count the same.
    loss : Loss
        For example ``CrossEntropy()``.
    penalty : L2, optional
        Adds its own second derivatives.

    Attributes
    ----------
    exact : bool
        False where products are differences.
    value : float
        The loss at this point.

    Raises
    ------
    DtypeError
        If model or loss are something else.
    ShapeError
        If rows and targets do not fit the model or each other.

    References
    ----------
    Schraudolph (2002), Fast curvature matrix-vector products for second-order gradient descent,
    Neural Computation 14, 1723-1738.

    Examples
    --------
    >>> from nnlib import Linear, MSE
    >>> model = Linear(2, 1, bias=False, dtype=np.float64)
    >>> GaussNewton(model, [[1.0, 2.0]], [[7.0]], MSE()).dense()
    array([[2., 4.],
           [4., 8.]])
    """

    _full = False


def hessian_vector_product(
    model: Layer,
    X: ArrayLike,
    y: ArrayLike,
    loss: Loss,
    v: ArrayLike,
    *,
    penalty: Penalty | None = None,
) -> Array:
    """Compute H v exactly, without forming H.

    For several products at the same point build ``Hessian(model, X, y, loss)`` once: it keeps
    what forward and backward left. As there, H is zero for what ``model.mask`` has pruned.

    Parameters
    ----------
    model : Sequential or Layer
        Evaluated as it stands, and left as it was.
    X, y : ndarray
        Rows and targets.
    loss : Loss
        For example ``CrossEntropy()``.
    v : ndarray of shape (P,) or (K, P)
        One direction, or several.
    penalty : L2, optional
        Adds its own second derivatives.

    Returns
    -------
    Hv : ndarray of the shape of v
        Change of the gradient along v.

    Raises
    ------
    ShapeError
        If v does not hold one entry for each parameter, or rows and targets do not fit.
    DtypeError
        If model or loss are something else.

    References
    ----------
    Pearlmutter (1994), Neural Computation 6, 147-160.

    Examples
    --------
    >>> from nnlib import Linear, MSE
    >>> model = Linear(2, 1, bias=False, dtype=np.float64)
    >>> hessian_vector_product(model, [[1.0, 2.0]], [[0.0]], MSE(), [1.0, 0.0])
    array([2., 4.])
    """
    where = "hessian_vector_product"
    rows, targets = checked_rows(model, X, y, loss, where)
    chain = find_chain(model, rows)
    if chain is None or len(rows) > chain.slice_rows or model.mask is not None:
        return Hessian(model, rows, targets, loss, penalty=penalty).products(v)
    theta = model.theta
    directions = checked_directions(v, theta.size, theta.dtype, where, "v")
    diagonal = None if penalty is None else penalty_diagonal(penalty, model, where)
    out = None
    if chain.table is not None and directions.ndim == 1:
        flat = rows.reshape(len(rows), -1) if chain.flattens else rows
        out = product_from_scratch(chain.table, theta, directions, flat, targets, loss)
    if out is None:
        # Nothing is copied, since nothing outlasts this call.
        point = ChainLinearization(chain, theta, rows, targets, 1.0, loss, full=True)
        if directions.ndim == 1:
            out = point.product(directions)
        else:
            out = in_groups(point.products, directions)
    return out if diagonal is None else out + diagonal * directions
