"""What every curvature operator does: products, matrix, diagonal and spectrum at one point.

An operator copies what it needs, so the model may be trained on, and the operator stays what it
was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator

from nnlib._array import Array, Seed, as_array, instance_hint
from nnlib.curvature.spectra import Spectrum, check_end, spectrum
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers.base import Layer
from nnlib.losses import Loss
from nnlib.losses.base import check_loss
from nnlib.regularizers import Penalty

DIRECTIONS = 16
"""How many directions run through a model at once: more leave the processor's cache."""


class CurvatureOperator(LinearOperator):  # type: ignore[misc]  # SciPy is untyped
    """A symmetric matrix of shape (P, P) at one point of one model, given by its products.

    A subclass gives ``_products``, and what it can do better than by products.

    With a pruning mask, ``model.mask``, it is the curvature in what may still move: rows and
    columns of pruned parameters are zero, so that the largest eigenvalue, the trace and the stable
    rate are those of the pruned model. Each pruned parameter brings one eigenvalue of zero.

    Attributes
    ----------
    exact : bool
        False where products are differences of gradients.
    """

    exact: bool = True

    def __init__(
        self,
        model: Layer,
        X: ArrayLike,
        y: ArrayLike,
        loss: Loss,
        *,
        penalty: Penalty | None = None,
    ) -> None:
        where = type(self).__name__
        self._X, self._y = checked_rows(model, X, y, loss, where)
        size = model.theta.size
        super().__init__(model.theta.dtype, (size, size))
        self._penalty = None if penalty is None else penalty_diagonal(penalty, model, where)
        self._mask = None if model.mask is None else model.mask.copy()

    # Products -----------------------------------------------------------------------------------

    def _products(self, V: Array) -> Array:
        """Return the matrix times each row of V, of shape (K, P); without the penalty."""
        raise NotImplementedError

    def _product(self, v: Array) -> Array:
        """Return the matrix times one direction; without the penalty."""
        out: Array = self._products(v[np.newaxis])[0]
        return out

    def products(self, V: ArrayLike) -> Array:
        """Multiply several directions at once, each a row.

        Parameters
        ----------
        V : ndarray of shape (P,) or (K, P)
            Directions.

        Returns
        -------
        HV : ndarray of the shape of V
            The matrix times each of them.

        Raises
        ------
        ShapeError
            If the last axis is not one entry for each parameter.
        """
        where = f"{type(self).__name__}.products"
        directions = checked_directions(V, self.shape[0], self.dtype, where)
        if self._mask is not None:
            directions = directions * self._mask
        if directions.ndim == 1:
            out = self._product(directions)
        else:
            out = in_groups(self._products, directions)
        if self._penalty is not None:
            out = out + self._penalty * directions
        return out if self._mask is None else out * self._mask

    def _matvec(self, v: np.ndarray[Any, Any]) -> Array:
        return self.products(v.reshape(-1))

    def _matmat(self, M: np.ndarray[Any, Any]) -> Array:
        return self.products(np.ascontiguousarray(M.T)).T

    def _adjoint(self) -> CurvatureOperator:
        return self

    _transpose = _adjoint

    def __matmul__(self, v: Any) -> Any:
        """Multiply a vector of shape (P,), or the columns of a matrix of shape (P, K)."""
        # SciPy's checks take as long as a product of a small network.
        if type(v) is np.ndarray and v.ndim == 1:
            return self.products(v)
        return super().__matmul__(v)

    # The matrix ---------------------------------------------------------------------------------

    def dense(self) -> Array:
        """Return the whole matrix.

        Returns
        -------
        matrix : ndarray of shape (P, P)
            Symmetric up to rounding. It takes P² numbers: for 10⁴ parameters 400 MB in float32.
        """
        matrix = self._dense()
        if self._penalty is not None:
            matrix[np.diag_indices_from(matrix)] += self._penalty
        if self._mask is not None:
            matrix[~self._mask] = 0.0
            matrix[:, ~self._mask] = 0.0
        return matrix

    def _dense(self) -> Array:
        """Multiply the identity, some columns at a time."""
        size = self.shape[0]
        matrix = np.empty(self.shape, self.dtype)
        for start, V in self._unit_directions():
            matrix[start : start + len(V)] = self._products(V)
        # Rounding differs between (i, j) and (j, i); the mean of both is nearer to either.
        for i in range(0, size, 256):
            rows = slice(i, i + 256)
            mean = 0.5 * (matrix[rows, i:] + matrix[i:, rows].T)
            matrix[rows, i:] = mean
            matrix[i:, rows] = mean.T
        return matrix

    def diagonal(self) -> Array:
        """Return the diagonal, exactly; ``estimate_diagonal`` is for models too large for that.

        Returns
        -------
        diagonal : ndarray of shape (P,)
            Second derivatives along each parameter alone.
        """
        diagonal = self._diagonal()
        if self._penalty is not None:
            diagonal = diagonal + self._penalty
        return diagonal if self._mask is None else diagonal * self._mask

    def _diagonal(self) -> Array:
        """Read the diagonal off the products with unit vectors."""
        out = np.empty(self.shape[0], self.dtype)
        for start, V in self._unit_directions():
            columns = self._products(V)
            every = np.arange(len(V))
            out[start : start + len(V)] = columns[every, start + every]
        return out

    def _unit_directions(self) -> Iterator[tuple[int, Array]]:
        """Yield the rows of the identity, some at a time, with the number of the first."""
        size = self.shape[0]
        for start in range(0, size, DIRECTIONS):
            count = min(DIRECTIONS, size - start)
            V = np.zeros((count, size), self.dtype)
            V[np.arange(count), start + np.arange(count)] = 1.0
            yield start, V

    def spectrum(
        self, k: int | None = None, *, which: str = "largest", rng: Seed = None
    ) -> Spectrum:
        """Return eigenvalues and eigenvectors: all of them, or k at one end or both.

        Parameters
        ----------
        k : int, optional
            How many; all by default, from the dense matrix.
        which : "largest" (default), "smallest" or "both"
            Which end, counted with the sign. With "both", k at each end.
        rng : Generator, int or None
            Draws the start of the Lanczos iteration.

        Returns
        -------
        spectrum : Spectrum
            Eigenvalues from the largest down, each as often as it is repeated, and vectors as
            columns.

        Raises
        ------
        ArgumentError
            If k or ``which`` is outside what it may be.
        """
        check_end(which, f"{type(self).__name__}.spectrum")
        if k is None:
            values, vectors = np.linalg.eigh(self.dense().astype(np.float64))
            return Spectrum(values[::-1].copy(), vectors[:, ::-1].copy())
        return spectrum(self, k, which=which, rng=rng)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(P={self.shape[0]}, {self.dtype})"


def checked_rows(
    model: object, X: ArrayLike, y: ArrayLike, loss: object, where: str
) -> tuple[Array, np.ndarray[Any, Any]]:
    """Return rows in the model's dtype and targets as they are, after checking all parts."""
    if not isinstance(model, Layer):
        message = (
            f"{where}: model is {model!r:.60}, expected a model or layer.{instance_hint(model)}"
        )
        raise DtypeError(message)
    check_loss(loss, where)
    theta = model.theta
    if theta.ndim != 1 or theta.size == 0:
        message = (
            f"{where}: theta has shape {theta.shape}, expected (P,) with at least one "
            "parameter. Take one fold at a time."
        )
        raise ShapeError(message)
    rows = model._input(X)
    targets = np.asarray(y)
    if rows.ndim < 2 or targets.ndim == 0 or len(targets) != len(rows) or len(rows) == 0:
        message = (
            f"{where}: X has shape {rows.shape} and y has shape {targets.shape}, expected "
            "(N, ...) and the same number of rows, at least one."
        )
        raise ShapeError(message)
    # Finite squares have finite entries, and this product takes a third of the time of isfinite.
    if not math.isfinite(theta.dot(theta)) and not np.isfinite(theta).all():
        message = f"{where}: the model's parameters hold nan or infinity. Build it anew."
        raise ArgumentError(message)
    return rows, targets


def checked_directions(
    V: ArrayLike, size: int, dtype: np.dtype[Any], where: str, name: str = "V"
) -> Array:
    """Return one direction or several in the model's dtype, after checking their size."""
    if type(V) is np.ndarray and V.shape == (size,) and V.dtype == dtype:
        return V
    directions = as_array(V, dtype, f"{where}: {name}")
    if directions.ndim not in {1, 2} or directions.shape[-1] != size:
        message = (
            f"{where}: {name} has shape {directions.shape}, expected ({size},) or (K, {size}), "
            "one entry for each parameter."
        )
        raise ShapeError(message)
    return directions


def in_groups(products: Callable[[Array], Array], V: Array) -> Array:
    """Multiply the rows of V, ``DIRECTIONS`` at a time."""
    out = np.empty_like(V)
    for start in range(0, len(V), DIRECTIONS):
        some = slice(start, start + DIRECTIONS)
        out[some] = products(V[some])
    return out


def penalty_diagonal(penalty: object, model: Layer, where: str) -> Array:
    """Return the second derivatives of a penalty, which are a diagonal."""
    if not isinstance(penalty, Penalty):
        message = (
            f"{where}: penalty is {penalty!r:.60}, expected a penalty such as L2(1e-3)."
            f"{instance_hint(penalty)}"
        )
        raise DtypeError(message)
    diagonal: Array = penalty.hessian_diagonal(model.theta, model.decay_mask)
    return diagonal
