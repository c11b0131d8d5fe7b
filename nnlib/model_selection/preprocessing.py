"""Preprocessing that is fitted on training rows only."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_exact_array
from nnlib.errors import ArgumentError, OrderError, ShapeError

BLOCK_NUMBERS = 2**16
"""So many are computed in float64 at once, to spare the memory of a copy in that type."""


SMALLEST = np.nextafter(0.0, 1.0)
"""A spread that is not zero is at least that."""


class Preprocessor(Protocol):
    """What ``cross_validate`` makes anew for each fold."""

    def fit(self, X: Array) -> object:
        """Learn from training rows."""

    def transform(self, X: Array) -> Array:
        """Apply what was learned to any rows."""


class Standardizer:
    """Bring each feature to mean 0 and standard deviation 1, as measured on the rows of ``fit``.

        z = (x − mean) / std

    The standard deviation is the biased one, Σ (x − mean)² / N under the root. A feature that is
    the same in all rows is only shifted. All is computed in float64, where integers up to 2⁵³ stay
    apart; rows in float64 come out in float64, all others in float32.

    Attributes
    ----------
    mean, std : ndarray of float64 of the shape of one row
        What ``fit`` measured; in ``std`` a 1 stands for 0.

    Examples
    --------
    >>> standardizer = Standardizer().fit(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> standardizer.mean, standardizer.std
    (array([2., 5.]), array([1., 1.]))
    >>> standardizer.transform(np.array([[4.0, 6.0]]))
    array([[2., 1.]])
    """

    mean: Array
    std: Array

    def fit(self, X: ArrayLike) -> Self:
        """Measure mean and standard deviation.

        Parameters
        ----------
        X : ndarray of shape (N, ...)
            Training rows.

        Returns
        -------
        standardizer : Standardizer
            The object itself.

        Raises
        ------
        ShapeError
            If there are no rows.
        ArgumentError
            If X holds nan or infinity.
        """
        rows = as_exact_array(X, "Standardizer.fit: X")
        if rows.ndim < 2 or len(rows) == 0:
            message = f"Standardizer.fit: X has shape {rows.shape}, expected (N, ...), N ≥ 1."
            raise ShapeError(message)
        mean = rows.mean(axis=0, dtype=np.float64)
        if not np.isfinite(mean).all():
            message = "Standardizer.fit: X holds nan or infinity. Drop or fill those rows."
            raise ArgumentError(message)
        away = np.subtract(rows, mean, dtype=np.float64)
        # The mean of equal numbers is off by rounding, which must not be taken for a spread.
        constant = rows.min(axis=0) == rows.max(axis=0)
        largest = np.where(constant, 1.0, np.maximum(away.max(axis=0), -away.min(axis=0)))
        away /= largest  # so that no square is lost below the smallest number, or overflows
        spread = largest * np.sqrt(np.mean(np.square(away, out=away), axis=0))
        self.mean, self.std = mean, np.where(constant, 1.0, np.maximum(spread, SMALLEST))
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Standardize rows with the numbers of ``fit``.

        Parameters
        ----------
        X : ndarray of shape (N, ...)
            Any rows.

        Returns
        -------
        Z : ndarray of the shape of X
            A fresh array; float64 if X is, else float32.

        Raises
        ------
        OrderError
            If ``fit`` has not run.
        ShapeError
            If the rows have another shape than those of ``fit``.
        """
        if not hasattr(self, "mean"):
            message = "Standardizer.transform: fit has not run. Call fit on the training rows."
            raise OrderError(message)
        rows = as_exact_array(X, "Standardizer.transform: X")
        if rows.shape[1:] != self.mean.shape or rows.ndim == 0:
            message = (
                f"Standardizer.transform: X has shape {rows.shape}, expected rows of shape "
                f"{self.mean.shape} as in fit."
            )
            raise ShapeError(message)
        out = np.asarray(X).dtype == np.float64
        Z: Array = np.empty(rows.shape, np.float64 if out else np.float32)
        step = max(1, BLOCK_NUMBERS // max(self.mean.size, 1))
        for start in range(0, len(rows), step):
            block = np.subtract(rows[start : start + step], self.mean, dtype=np.float64)
            Z[start : start + step] = np.divide(block, self.std, out=block)
        return Z

    def __repr__(self) -> str:
        return "Standardizer()"
