"""Shift, weaken or strengthen recordings, and add noise of a given loudness."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlib._array import FLOAT_TYPES, Array, check_count
from nnlib.augmentation.base import Transform, check_finite, check_range, like
from nnlib.errors import DtypeError, ShapeError


class _Audio(Transform):
    """A transform that takes recordings."""

    def _check(self, X: np.ndarray[Any, Any]) -> None:
        if X.dtype.kind not in "fiu":
            message = f"{self!r}: X is {X.dtype}, expected real numbers."
            raise DtypeError(message)
        if X.ndim != 2 or X.shape[1] == 0:
            message = (
                f"{self!r}: X has shape {X.shape}, expected (N, T), one recording of T samples in "
                "each row."
            )
            raise ShapeError(message)


class TimeShift(_Audio):
    """Move each recording by a whole number of samples drawn evenly from −most to most.

    What leaves on one side does not come back on the other: silence follows.

    Parameters
    ----------
    most : int
        Largest distance, in samples. Positive distances delay.
    fill : float, default 0
        What takes the empty places.

    Raises
    ------
    ArgumentError
        If ``most`` is outside what it may be.

    Examples
    --------
    >>> X, y = TimeShift(1)([[1.0, 2.0, 3.0]], [0], rng=0)
    >>> X
    array([[0., 1., 2.]])
    """

    _moves = True

    def __init__(self, most: int, *, fill: float = 0.0) -> None:
        self.most = check_count(most, "most", "TimeShift", minimum=0)
        self.fill = check_finite(fill, "fill", "TimeShift")

    def _rows(self, X: Array, rng: np.random.Generator) -> Array:
        n, length = X.shape
        source = np.arange(length) - rng.integers(-self.most, self.most + 1, (n, 1))
        inside = (source >= 0) & (source < length)
        moved = np.take_along_axis(X, np.where(inside, source, 0), axis=1)
        moved[~inside] = like(np.asarray(self.fill), X.dtype)
        return moved


class Gain(_Audio):
    """Make each recording louder or softer by decibels drawn evenly from ``low`` to ``high``.

        x̃ = x · 10^(dB / 20)

    Parameters
    ----------
    low, high : float, default −6 and 6
        In decibels: 6 doubles the amplitude, nearly; −6 halves it.

    Raises
    ------
    ArgumentError
        If the numbers are not in rising order.

    Examples
    --------
    >>> X, y = Gain(20, 20)([[1.0, 2.0]], [0], rng=0)
    >>> X
    array([[10., 20.]])
    """

    def __init__(self, low: float = -6.0, high: float = 6.0) -> None:
        self.low, self.high = check_range(low, high, "low and high", "Gain")

    def _rows(self, X: Array, rng: np.random.Generator) -> Array:
        decibels = rng.uniform(self.low, self.high, (len(X), 1))
        return X * (10.0 ** (decibels / 20.0)).astype(X.dtype)


class NoiseAtSNR(_Audio):
    """Add normal noise, as loud as a signal-to-noise ratio in decibels says.

        SNR = 10 log10( mean(x²) / σ² )

    The ratio of each recording is drawn evenly from ``low`` to ``high``. Silence stays silent.

    Parameters
    ----------
    low, high : float, default 10 and 30
        In decibels: at 20 the noise has a tenth of the signal's amplitude.

    Raises
    ------
    ArgumentError
        If the numbers are not in rising order.

    Examples
    --------
    >>> X, y = NoiseAtSNR(20, 20)(np.ones((1, 10000)), [0], rng=0)
    >>> round(float(X.std()), 2)
    0.1
    """

    def __init__(self, low: float = 10.0, high: float = 30.0) -> None:
        self.low, self.high = check_range(low, high, "low and high", "NoiseAtSNR")

    def _rows(self, X: Array, rng: np.random.Generator) -> Array:
        dtype = X.dtype if X.dtype in FLOAT_TYPES else np.dtype(np.float32)
        ratio = rng.uniform(self.low, self.high, (len(X), 1))
        power = np.square(X, dtype=np.float64).mean(axis=1, keepdims=True)
        noise: Array = rng.standard_normal(X.shape, dtype=dtype)
        noise *= np.sqrt(power * 10.0 ** (-ratio / 10.0)).astype(dtype)
        noise += X
        return noise
