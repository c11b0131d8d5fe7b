"""Layer normalization: every row with mean 0 and variance 1 over its own features."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlib._array import Array, check_count
from nnlib.errors import ShapeError
from nnlib.layers._normalization import Normalization, standardize


class LayerNorm(Normalization):
    """Normalize each row over its features: y = γ (x − μ) / √(σ² + ε) + β.

    μ and σ² are the mean and the biased variance of one row, so rows stay independent, batches of
    one are welcome, and training and evaluation do the same. Transformers use it for that.

    Parameters
    ----------
    normalized_features : int
        C, the size of the last axis.
    eps : float, default 1e-5
        ε, keeps the denominator above zero.
    dtype : float32 (default) or float64
        Type of parameters and outputs.

    Attributes
    ----------
    gamma, dgamma : ndarray of shape (C,)
        Scale and its gradient, views of ``theta`` and ``grad``. Spared by weight decay.
    beta, dbeta : ndarray of shape (C,)
        Shift and its gradient. Spared by weight decay.

    Raises
    ------
    ArgumentError
        If a number is outside what it may be.
    DtypeError
        If ``dtype`` is another.

    References
    ----------
    Ba, Kiros & Hinton (2016), arXiv:1607.06450.

    Examples
    --------
    >>> layer = LayerNorm(2, eps=1e-12, dtype=np.float64)
    >>> layer.forward([[1.0, 3.0], [20.0, 10.0]]).round(6)
    array([[-1.,  1.],
           [ 1., -1.]])
    >>> dx = layer.backward([[5.0, 7.0], [0.0, 0.0]])
    >>> layer.dgamma.round(6), layer.dbeta
    (array([-5.,  7.]), array([5., 7.]))
    >>> bool(abs(dx).max() < 1e-9)  # whatever x is, two features become −1 and 1: no slope
    True
    """

    _axis = -1

    def __init__(
        self, normalized_features: int, eps: float = 1e-5, *, dtype: DTypeLike = np.float32
    ) -> None:
        self.normalized_features = check_count(
            normalized_features, "normalized_features", "LayerNorm"
        )
        super().__init__(self.normalized_features, eps, dtype)

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = γ x̂ + β for every row.

        Parameters
        ----------
        x : ndarray of shape (..., C)
            Rows; all axes but the last are batch.

        Returns
        -------
        y : ndarray of shape (..., C)
            A fresh array.

        Raises
        ------
        ShapeError
            If the rows do not hold C numbers.
        """
        x = self._input(x)
        if x.ndim < 2 or x.shape[-1] != self.normalized_features:
            hint = ""
            if x.shape == (self.normalized_features,):
                hint = " One row is a batch too: x[np.newaxis]."
            elif x.ndim == 2 and x.shape[0] == self.normalized_features:
                hint = " It looks transposed."
            message = (
                f"{self!r}.forward: x has shape {x.shape}, expected "
                f"(..., N, {self.normalized_features}).{hint}"
            )
            raise ShapeError(message)
        rows = x.reshape(-1, self.normalized_features)
        x_hat: Array = self._array("x_hat", rows.shape, x.dtype)
        _, _, scale = standardize(rows, -1, self.eps, out=x_hat)
        return self._scale_and_shift(x_hat, scale, x.shape, moving=True)
