"""Batch normalization: every feature with mean 0 and variance 1 over the batch."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlib._array import Array, check_count, check_number
from nnlib.errors import ArgumentError, ShapeError
from nnlib.layers._normalization import Normalization, standardize
from nnlib.layers._windows import check_images


class _BatchNorm(Normalization):
    """Do the work of ``BatchNorm1d`` and ``BatchNorm2d`` on rows (n, C)."""

    couples_rows = True
    _axis = -2
    _ndim: ClassVar[int]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        dtype: DTypeLike = np.float32,
    ) -> None:
        name = type(self).__name__
        self.num_features = check_count(num_features, "num_features", name)
        self.momentum = check_number(momentum, "momentum", name)
        if self.momentum > 1:
            message = f"{name}: momentum is {momentum!r}, expected a number from 0 to 1."
            raise ArgumentError(message)
        super().__init__(self.num_features, eps, dtype)
        shape = (self.num_features,)
        self._running = {
            "running_mean": np.zeros(shape, self._dtype),
            "running_var": np.ones(shape, self._dtype),
        }

    @property
    def running_mean(self) -> Array:
        """Running mean of each feature, (C,): what evaluation subtracts."""
        return self._running["running_mean"]

    @property
    def running_var(self) -> Array:
        """Running (unbiased) variance of each feature, (C,): what evaluation divides by."""
        return self._running["running_var"]

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = γ x̂ + β, with statistics of the batch or, after ``eval()``, running ones.

        Parameters
        ----------
        x : ndarray of shape (..., N, C), or (N, H, W, C) for ``BatchNorm2d``
            A batch: all axes but the last. In training at least two numbers of each feature.

        Returns
        -------
        y : ndarray of the shape of x
            A fresh array.

        Raises
        ------
        ShapeError
            If x has another shape, or one row that would be normalized by itself.
        """
        x = self._checked(self._input(x))
        rows = x.reshape(-1, self.num_features)
        x_hat: Array = self._array("x_hat", rows.shape, x.dtype)
        if self.training:
            mean, variance, scale = standardize(rows, -2, self.eps, out=x_hat)
            if not self._frozen:
                self._update_running(mean[0], variance[0], len(rows))
        else:
            scale = 1.0 / np.sqrt(self.running_var + self.eps)
            np.subtract(rows, self.running_mean, out=x_hat)
            np.multiply(x_hat, scale, out=x_hat)
        return self._scale_and_shift(x_hat, scale, x.shape, moving=self.training)

    def _update_running(self, mean: Array, variance: Array, n: int) -> None:
        """Move the running statistics by ``momentum`` towards those of the batch."""
        for name, value in (("running_mean", mean), ("running_var", variance * (n / (n - 1)))):
            running = self._running[name]
            running += self.momentum * (value - running)

    def _checked(self, x: Array) -> Array:
        """Return x after checking its shape, and that there is more than one row in training."""
        where = f"{self!r}.forward: x"
        if self._ndim == 4:
            check_images(x, self.num_features, where)
        elif x.ndim < 2 or x.shape[-1] != self.num_features:
            hint = ""
            if x.ndim == 2 and x.shape[0] == self.num_features:
                hint = " It looks transposed."
            elif x.shape == (self.num_features,):
                hint = " One row is a batch too: x[np.newaxis]."
            message = f"{where} has shape {x.shape}, expected (..., N, {self.num_features}).{hint}"
            raise ShapeError(message)
        rows = x.size // self.num_features
        if self.training and rows < 2:
            message = (
                f"{where} has shape {x.shape}, expected at least 2 numbers of each feature in "
                "training: the variance of one is zero. Use larger batches, or model.eval()."
            )
            raise ShapeError(message)
        return x


class BatchNorm1d(_BatchNorm):
    """Normalize each feature over the rows of a batch: y = γ (x − μ) / √(σ² + ε) + β.

    In training μ and σ² are the mean and the biased variance of the batch, so every row depends on
    all others. After ``eval()`` they are running averages, and rows are independent.

    Parameters
    ----------
    num_features : int
        C, the number of features.
    eps : float, default 1e-5
        ε, keeps the denominator above zero.
    momentum : float, default 0.1
        Weight of the new batch: running = (1 − momentum) · running + momentum · batch, as in
        PyTorch. Keras means the opposite by the word: its momentum 0.9 is our 0.1.
    dtype : float32 (default) or float64
        Type of parameters and outputs.

    Attributes
    ----------
    gamma, dgamma : ndarray of shape (C,)
        Scale and its gradient, views of ``theta`` and ``grad``. Spared by weight decay.
    beta, dbeta : ndarray of shape (C,)
        Shift and its gradient. Spared by weight decay.
    running_mean, running_var : ndarray of shape (C,)
        For evaluation; not trained, but saved. The running variance is unbiased (divided by
        n − 1) as in PyTorch, although the batch itself is normalized with the biased one.

    Raises
    ------
    ArgumentError
        If a number is outside what it may be.
    DtypeError
        If ``dtype`` is another.

    References
    ----------
    Ioffe & Szegedy (2015), ICML, 448-456.

    Examples
    --------
    >>> layer = BatchNorm1d(1, eps=1e-12, dtype=np.float64)
    >>> layer.forward([[1.0], [3.0]]).round(6)
    array([[-1.],
           [ 1.]])
    >>> layer.running_mean, layer.running_var  # 0.1 · 2 and 0.9 · 1 + 0.1 · 2
    (array([0.2]), array([1.1]))
    """

    _ndim = 2


class BatchNorm2d(_BatchNorm):
    """Normalize each channel over a batch of images: y = γ (x − μ) / √(σ² + ε) + β.

    Mean and variance are taken over N, H and W: all pixels of a channel are alike. The rest is as
    in ``BatchNorm1d``.

    Parameters
    ----------
    num_features : int
        C, the number of channels.
    eps : float, default 1e-5
        ε, keeps the denominator above zero.
    momentum : float, default 0.1
        Weight of the new batch: running = (1 − momentum) · running + momentum · batch, as in
        PyTorch. Keras means the opposite by the word: its momentum 0.9 is our 0.1.
    dtype : float32 (default) or float64
        Type of parameters and outputs.

    Attributes
    ----------
    gamma, dgamma : ndarray of shape (C,)
        Scale and its gradient, views of ``theta`` and ``grad``. Spared by weight decay.
    beta, dbeta : ndarray of shape (C,)
        Shift and its gradient. Spared by weight decay.
    running_mean, running_var : ndarray of shape (C,)
        For evaluation; not trained, but saved. The running variance is unbiased (divided by
        N · H · W − 1) as in PyTorch, although the batch itself is normalized with the biased one.

    Raises
    ------
    ArgumentError
        If a number is outside what it may be.
    DtypeError
        If ``dtype`` is another.

    References
    ----------
    Ioffe & Szegedy (2015), ICML, 448-456.

    Examples
    --------
    >>> layer = BatchNorm2d(1, eps=1e-12, dtype=np.float64)
    >>> layer.forward(np.array([1.0, 3.0]).reshape(1, 1, 2, 1)).ravel().round(6)
    array([-1.,  1.])
    """

    _ndim = 4
