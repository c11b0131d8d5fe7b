"""Starting values for weights: random, and of the size that keeps signals alive through depth.

An initializer is a function ``(fan_in, fan_out, rng) -> W`` of shape (fan_in, fan_out), accepted by
``Linear(..., init=...)``. With weights of variance v, one linear layer multiplies the variance of
the signal by fan_in · v on the way forward and that of the gradient by fan_out · v on the way back.

``Conv2d`` calls ``init(fan_in, out_channels, rng)`` with fan_in = kernel height · kernel width ·
in_channels, and shapes the result into its kernel. Its fan_out is kernel height · kernel width ·
out_channels, more than W has columns: an initializer that needs it, as the two of Xavier do, has a
parameter ``columns``, and is called as ``init(fan_in, fan_out, rng, columns=out_channels)``.
``constant``, and ``orthogonal`` or ``normal`` with a scale, are passed on as functools.partial.

    >>> from nnlib.initializers import xavier_uniform
    >>> W = xavier_uniform(fan_in=3, fan_out=5, rng=0)
    >>> W.shape, bool(abs(W).max() <= (6 / (3 + 5)) ** 0.5)
    ((3, 5), True)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from nnlib._array import Array, Seed, as_generator, check_count, check_number
from nnlib.errors import ArgumentError

__all__ = [
    "Initializer",
    "constant",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "orthogonal",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Initializer: TypeAlias = Callable[[int, int, np.random.Generator], Array]
"""A function from fan in, fan out and a generator to weights of shape (fan_in, fan_out)."""


def xavier_uniform(
    fan_in: int, fan_out: int, rng: Seed = None, *, columns: int | None = None
) -> Array:
    """Draw W from U(−a, a) with a = √(6 / (fan_in + fan_out)), for sigmoid and tanh.

    The variance a²/3 = 2 / (fan_in + fan_out) is the compromise between 1/fan_in, which keeps
    the forward signal, and 1/fan_out, which keeps the gradient.

    Parameters
    ----------
    fan_in, fan_out : int
        Number of inputs and of outputs of the layer.
    rng : Generator, int or None
        Where the numbers come from.
    columns : int, optional
        How many columns to draw, if not ``fan_out``: a kernel has fewer.

    Returns
    -------
    W : ndarray of shape (fan_in, columns)
        Weights, float64.

    Raises
    ------
    ArgumentError
        If a fan or ``columns`` is not a whole number of at least 1, or ``rng`` is no seed.

    References
    ----------
    Glorot & Bengio (2010), AISTATS, 249-256.

    Examples
    --------
    >>> W = xavier_uniform(fan_in=3, fan_out=5, rng=0)
    >>> W.shape, bool(abs(W).max() <= (6 / (3 + 5)) ** 0.5)
    ((3, 5), True)
    """
    n = fan_out if columns is None else check_count(columns, "columns", "xavier_uniform")
    limit = np.sqrt(6.0 / _fans(fan_in, fan_out, "xavier_uniform"))
    return as_generator(rng, "xavier_uniform").uniform(-limit, limit, (fan_in, n))


def xavier_normal(
    fan_in: int, fan_out: int, rng: Seed = None, *, columns: int | None = None
) -> Array:
    """Draw W from a normal distribution of variance 2 / (fan_in + fan_out).

    Parameters
    ----------
    fan_in, fan_out : int
        Number of inputs and of outputs of the layer.
    rng : Generator, int or None
        Where the numbers come from.
    columns : int, optional
        How many columns to draw, if not ``fan_out``: a kernel has fewer.

    Returns
    -------
    W : ndarray of shape (fan_in, columns)
        Weights, float64.

    Raises
    ------
    ArgumentError
        If a fan or ``columns`` is not a whole number of at least 1, or ``rng`` is no seed.

    References
    ----------
    Glorot & Bengio (2010), AISTATS, 249-256.

    Examples
    --------
    >>> W = xavier_normal(fan_in=300, fan_out=500, rng=0)
    >>> round(float(W.var()) * (300 + 500), 1)
    2.0
    """
    n = fan_out if columns is None else check_count(columns, "columns", "xavier_normal")
    scale = np.sqrt(2.0 / _fans(fan_in, fan_out, "xavier_normal"))
    return as_generator(rng, "xavier_normal").normal(0.0, scale, (fan_in, n))


def he_uniform(fan_in: int, fan_out: int, rng: Seed = None) -> Array:
    """Draw W from U(−a, a) with a = √(6 / fan_in), for ReLU.

    ReLU sets half of a centered signal to zero and with it half of the mean square, hence
    the variance 2 / fan_in instead of 1 / fan_in.

    Parameters
    ----------
    fan_in, fan_out : int
        Number of inputs and of outputs of the layer.
    rng : Generator, int or None
        Where the numbers come from.

    Returns
    -------
    W : ndarray of shape (fan_in, fan_out)
        Weights, float64.

    Raises
    ------
    ArgumentError
        If a fan is not a whole number of at least 1, or ``rng`` is no seed.

    References
    ----------
    He, Zhang, Ren & Sun (2015), ICCV, 1026-1034.

    Examples
    --------
    >>> W = he_uniform(fan_in=6, fan_out=4, rng=0)  # √(6/6) = 1
    >>> W.shape, bool(abs(W).max() <= 1)
    ((6, 4), True)
    """
    _fans(fan_in, fan_out, "he_uniform")
    limit = np.sqrt(6.0 / fan_in)
    return as_generator(rng, "he_uniform").uniform(-limit, limit, (fan_in, fan_out))


def he_normal(fan_in: int, fan_out: int, rng: Seed = None) -> Array:
    """Draw W from a normal distribution of variance 2 / fan_in, for ReLU.

    Parameters
    ----------
    fan_in, fan_out : int
        Number of inputs and of outputs of the layer.
    rng : Generator, int or None
        Where the numbers come from.

    Returns
    -------
    W : ndarray of shape (fan_in, fan_out)
        Weights, float64.

    Raises
    ------
    ArgumentError
        If a fan is not a whole number of at least 1, or ``rng`` is no seed.

    References
    ----------
    He, Zhang, Ren & Sun (2015), ICCV, 1026-1034.

    Examples
    --------
    >>> W = he_normal(fan_in=300, fan_out=500, rng=0)
    >>> round(float(W.var()) * 300, 1)
    2.0
    """
    _fans(fan_in, fan_out, "he_normal")
    return as_generator(rng, "he_normal").normal(0.0, np.sqrt(2.0 / fan_in), (fan_in, fan_out))


def lecun_uniform(fan_in: int, fan_out: int, rng: Seed = None) -> Array:
    """Draw W from U(−a, a) with a = √(3 / fan_in), which keeps the variance of the signal.

    The variance is a²/3 = 1 / fan_in. For units with slope 1 near zero: linear, scaled tanh, SELU.

    Parameters
    ----------
    fan_in, fan_out : int
        Number of inputs and of outputs of the layer.
    rng : Generator, int or None
        Where the numbers come from.

    Returns
    -------
    W : ndarray of shape (fan_in, fan_out)
        Weights, float64.

    Raises
    ------
    ArgumentError
        If a fan is not a whole number of at least 1, or ``rng`` is no seed.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), Efficient BackProp, section 4.6.

    Examples
    --------
    >>> W = lecun_uniform(fan_in=3, fan_out=4, rng=0)  # √(3/3) = 1
    >>> W.shape, bool(abs(W).max() <= 1)
    ((3, 4), True)
    """
    _fans(fan_in, fan_out, "lecun_uniform")
    limit = np.sqrt(3.0 / fan_in)
    return as_generator(rng, "lecun_uniform").uniform(-limit, limit, (fan_in, fan_out))


def lecun_normal(fan_in: int, fan_out: int, rng: Seed = None) -> Array:
    """Draw W from a normal distribution of variance 1 / fan_in.

    Parameters
    ----------
    fan_in, fan_out : int
        Number of inputs and of outputs of the layer.
    rng : Generator, int or None
        Where the numbers come from.

    Returns
    -------
    W : ndarray of shape (fan_in, fan_out)
        Weights, float64.

    Raises
    ------
    ArgumentError
        If a fan is not a whole number of at least 1, or ``rng`` is no seed.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), Efficient BackProp, section 4.6.

    Examples
    --------
    >>> W = lecun_normal(fan_in=300, fan_out=500, rng=0)
    >>> round(float(W.var()) * 300, 1)
    1.0
    """
    _fans(fan_in, fan_out, "lecun_normal")
    return as_generator(rng, "lecun_normal").normal(0.0, np.sqrt(1.0 / fan_in), (fan_in, fan_out))


def orthogonal(fan_in: int, fan_out: int, rng: Seed = None, *, gain: float = 1.0) -> Array:
    """Draw W at random among the matrices whose rows or columns are orthogonal.

    On the smaller side, WᵀW = gain² I (or W Wᵀ = gain² I if fan_in < fan_out), so lengths and
    angles survive any number of linear layers. W is the Q of the QR decomposition of normal
    numbers, each column with the sign that makes the diagonal of R positive: without it, some
    matrices would be more likely than others.

    Parameters
    ----------
    fan_in, fan_out : int
        Number of inputs and of outputs of the layer.
    rng : Generator, int or None
        Where the numbers come from.
    gain : float, default 1.0
        All singular values of W; √2 makes up for ReLU.

    Returns
    -------
    W : ndarray of shape (fan_in, fan_out)
        Weights, float64.

    Raises
    ------
    ArgumentError
        If a fan is not a whole number of at least 1, or ``rng`` is no seed.

    References
    ----------
    Saxe, McClelland & Ganguli (2014), ICLR.
    Mezzadri (2007), Notices of the American Mathematical Society 54, 592-604 (the signs).

    Examples
    --------
    >>> W = orthogonal(fan_in=4, fan_out=2, rng=0, gain=3.0)
    >>> np.allclose(W.T @ W, [[9, 0], [0, 9]])
    True
    """
    _fans(fan_in, fan_out, "orthogonal")
    gain = check_number(gain, "gain", "orthogonal", below=np.inf)
    tall = (max(fan_in, fan_out), min(fan_in, fan_out))
    Q, R = np.linalg.qr(as_generator(rng, "orthogonal").normal(size=tall))
    Q *= np.where(R.diagonal() < 0, -gain, gain)
    W: Array = np.ascontiguousarray(Q if fan_in >= fan_out else Q.T)
    return W


def normal(fan_in: int, fan_out: int, rng: Seed = None, *, std: float = 0.01) -> Array:
    """Draw W from a normal distribution of a fixed standard deviation, whatever the fans.

    Too small, and signals fade; too large, and they explode: the scaled ones above are the cure.

    Parameters
    ----------
    fan_in, fan_out : int
        Number of inputs and of outputs of the layer.
    rng : Generator, int or None
        Where the numbers come from.
    std : float, default 0.01
        Standard deviation.

    Returns
    -------
    W : ndarray of shape (fan_in, fan_out)
        Weights, float64.

    Raises
    ------
    ArgumentError
        If a fan is not a whole number of at least 1, or ``rng`` is no seed.

    Examples
    --------
    >>> W = normal(fan_in=300, fan_out=500, rng=0, std=2.0)
    >>> round(float(W.std()), 1)
    2.0
    """
    _fans(fan_in, fan_out, "normal")
    std = check_number(std, "std", "normal", below=np.inf)
    return as_generator(rng, "normal").normal(0.0, std, (fan_in, fan_out))


def constant(fan_in: int, fan_out: int, rng: Seed = None, *, value: float = 1.0) -> Array:  # ruff: ignore[unused-function-argument]  same call as the others
    """Return the same number everywhere, which hidden units cannot grow out of.

    Parameters
    ----------
    fan_in, fan_out : int
        Number of inputs and of outputs of the layer.
    rng : Generator, int or None
        Not used; present so that all initializers are called alike.
    value : float, default 1.0
        The number.

    Returns
    -------
    W : ndarray of shape (fan_in, fan_out)
        Weights, float64.

    Raises
    ------
    ArgumentError
        If a fan is not a whole number of at least 1, or ``value`` is not a finite number.

    Examples
    --------
    >>> constant(fan_in=1, fan_out=2, value=0.5)
    array([[0.5, 0.5]])
    """
    _fans(fan_in, fan_out, "constant")
    if not isinstance(value, int | float | np.integer | np.floating) or not np.isfinite(value):  # type: ignore[redundant-expr]  # callers need not be typed
        message = f"constant: value is {value!r}, expected a finite number."
        raise ArgumentError(message)
    return np.full((fan_in, fan_out), float(value))


def zeros(fan_in: int, fan_out: int, rng: Seed = None) -> Array:  # ruff: ignore[unused-function-argument]  same call as the others
    """Return zeros: right for a bias, wrong for hidden weights, whose units would stay equal.

    Parameters
    ----------
    fan_in, fan_out : int
        Number of inputs and of outputs of the layer.
    rng : Generator, int or None
        Not used; present so that all initializers are called alike.

    Returns
    -------
    W : ndarray of shape (fan_in, fan_out)
        Zeros, float64.

    Raises
    ------
    ArgumentError
        If a fan is not a whole number of at least 1.

    Examples
    --------
    >>> zeros(fan_in=2, fan_out=3)
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """
    _fans(fan_in, fan_out, "zeros")
    return np.zeros((fan_in, fan_out))


def _fans(fan_in: int, fan_out: int, where: str) -> int:
    """Return fan_in + fan_out after checking both."""
    return check_count(fan_in, "fan_in", where) + check_count(fan_out, "fan_out", where)
