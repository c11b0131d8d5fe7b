"""Flip, crop, blot out and mix images, and add noise to rows of any kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import FLOAT_TYPES, Array, IntArray, check_count, check_number
from nnlib.augmentation.affine import check_images
from nnlib.augmentation.base import (
    Batch,
    Transform,
    check_finite,
    check_probability,
    even,
    float_for,
    like,
)
from nnlib.errors import ArgumentError, DtypeError, ShapeError


class _Images(Transform):
    """A transform that takes images."""

    def _check(self, X: np.ndarray[Any, Any]) -> None:
        check_images(X, repr(self))


class FlipHorizontal(_Images):
    """Mirror each image, left for right, with probability p.

    Parameters
    ----------
    p : float, default 0.5
        From 0 to 1.

    Raises
    ------
    ArgumentError
        If p is not from 0 to 1.

    Examples
    --------
    >>> X, y = FlipHorizontal(p=1)([[[1.0, 2.0, 3.0]]], [0], rng=0)
    >>> X
    array([[[3., 2., 1.]]])
    """

    _moves = True
    _axis = 2

    def __init__(self, p: float = 0.5) -> None:
        self.p = check_probability(p, "p", type(self).__name__)

    def _rows(self, X: Array, rng: np.random.Generator) -> Array:
        chosen = rng.random(len(X)) < self.p
        new = X.copy()
        new[chosen] = np.flip(X[chosen], self._axis)
        return new


class FlipVertical(FlipHorizontal):
    """Turn each image upside down, as in a mirror on the floor, with probability p.

    Parameters
    ----------
    p : float, default 0.5
        From 0 to 1.

    Raises
    ------
    ArgumentError
        If p is not from 0 to 1.

    Examples
    --------
    >>> X, y = FlipVertical(p=1)([[[1.0], [2.0], [3.0]]], [0], rng=0)
    >>> X.ravel()
    array([3., 2., 1.])
    """

    _axis = 1


class RandomCrop(_Images):
    """Pad each image on all sides, and cut a window of the old size out at random.

    Parameters
    ----------
    pad : int
        Pixels on each side; all (2 pad + 1)² windows are equally likely.
    fill : float, default 0
        What the padding holds.

    Raises
    ------
    ArgumentError
        If ``pad`` is outside what it may be.

    References
    ----------
    Krizhevsky, Sutskever & Hinton (2012), NeurIPS 25, 1097-1105.

    Examples
    --------
    >>> X, y = RandomCrop(1)(np.ones((1, 2, 2)), [0], rng=3)
    >>> X.shape
    (1, 2, 2)
    """

    _moves = True

    def __init__(self, pad: int, *, fill: float = 0.0) -> None:
        self.pad = check_count(pad, "pad", "RandomCrop", minimum=0)
        self.fill = check_finite(fill, "fill", "RandomCrop")

    def _rows(self, X: Array, rng: np.random.Generator) -> Array:
        n, height, width = X.shape[:3]
        p = self.pad
        fill = like(np.asarray(self.fill), X.dtype)
        padded = np.full((n, height + 2 * p, width + 2 * p, *X.shape[3:]), fill, X.dtype)
        padded[:, p : p + height, p : p + width] = X
        top, left = rng.integers(0, 2 * p + 1, (2, n, 1))
        rows = (top + np.arange(height))[:, :, np.newaxis]
        columns = (left + np.arange(width))[:, np.newaxis, :]
        cut: Array = padded[np.arange(n)[:, np.newaxis, np.newaxis], rows, columns]
        return cut


class Cutout(_Images):
    """Blot out one square of each image, centered on a pixel drawn evenly.

    A square that reaches over the border is cut off there, so some blots are smaller.

    Parameters
    ----------
    size : int
        Side of the square, in pixels. An even square reaches one pixel further up and left.
    fill : float, default 0
        What the square holds.

    Raises
    ------
    ArgumentError
        If ``size`` is outside what it may be.

    References
    ----------
    DeVries & Taylor (2017), arXiv:1708.04552.

    Examples
    --------
    >>> X, y = Cutout(1)(np.ones((1, 2, 2)), [0], rng=0)
    >>> float(X.sum())
    3.0
    """

    _moves = True

    def __init__(self, size: int, *, fill: float = 0.0) -> None:
        self.size = check_count(size, "size", "Cutout")
        self.fill = check_finite(fill, "fill", "Cutout")

    def _rows(self, X: Array, rng: np.random.Generator) -> Array:
        n, height, width = X.shape[:3]
        inside = []
        for length in (height, width):
            start = rng.integers(0, length, (n, 1)) - self.size // 2
            place = np.arange(length)
            inside.append((place >= start) & (place < start + self.size))
        new = X.copy()
        new[inside[0][:, :, np.newaxis] & inside[1][:, np.newaxis, :]] = like(
            np.asarray(self.fill), X.dtype
        )
        return new


class GaussianNoise(Transform):
    """Add normal noise to every number of every row.

    Parameters
    ----------
    std : float
        Standard deviation, in units of X.

    Raises
    ------
    ArgumentError
        If ``std`` is outside what it may be.

    References
    ----------
    Bishop (1995), Neural Computation 7, 108-116: small noise acts as a penalty on the slope.

    Examples
    --------
    >>> X, y = GaussianNoise(0.0)(np.ones((2, 3)), [0, 1], rng=0)
    >>> float(X.sum())
    6.0
    """

    def __init__(self, std: float) -> None:
        self.std = check_number(std, "std", "GaussianNoise")

    def _rows(self, X: Array, rng: np.random.Generator) -> Array:
        dtype = X.dtype if X.dtype in FLOAT_TYPES else np.dtype(np.float32)
        noise: Array = rng.standard_normal(X.shape, dtype=dtype)
        noise *= self.std
        noise += X
        return noise


def mixup(X: ArrayLike, y: ArrayLike, partners: ArrayLike, shares: ArrayLike) -> Batch:
    """Mix each row with its partner, inputs and targets alike.

        x̃_i = λ_i x_i + (1 − λ_i) x_j      ỹ_i = λ_i y_i + (1 − λ_i) y_j,      j = partners[i]

    Both are mixed as floats. Inputs then take on their old type again, whole numbers rounded, as in
    every transform; targets stay floats, since a mixture of labels is none.

    Parameters
    ----------
    X : ndarray of shape (N, ...)
        Inputs.
    y : ndarray of shape (N, K) or (N,)
        Targets as numbers: rows of probabilities, or quantities.
    partners : ndarray of int of shape (N,)
        With which row each is mixed.
    shares : ndarray of shape (N,)
        λ from 0 to 1, the share of the row itself.

    Returns
    -------
    X, y : ndarray
        New inputs and targets. Targets that were whole numbers or truth values become float32, or
        float64 where they take more than 16 bits.

    Raises
    ------
    ShapeError
        If the lengths differ.
    ArgumentError
        If a partner is none of the rows, or a share is not from 0 to 1.
    DtypeError
        If the partners are not integers, or the others no numbers.

    Examples
    --------
    >>> X, y = mixup([[0.0], [8.0]], [[1.0, 0.0], [0.0, 1.0]], partners=[1, 0], shares=[0.75, 1.0])
    >>> X.ravel(), y[0]
    (array([2., 8.]), array([0.75, 0.25]))
    """
    inputs, targets = _numbers(X, "X"), _numbers(y, "y")
    order, own = even(partners, "mixup: partners"), _numbers(shares, "shares")
    n = len(inputs)
    if len(targets) != n or order.shape != (n,) or own.shape != (n,):
        message = (
            f"mixup: X, y, partners and shares have the shapes {inputs.shape}, {targets.shape}, "
            f"{order.shape} and {own.shape}, expected {n} rows in each, as in X."
        )
        raise ShapeError(message)
    if order.dtype.kind not in "iu" and n:
        message = f"mixup: partners are {order.dtype}, expected whole numbers, those of rows."
        raise DtypeError(message)
    if n and not (order.min() >= 0 and order.max() < n):
        message = (
            f"mixup: partners run from {order.min()} to {order.max()}, expected 0 to {n - 1}, the "
            "numbers of rows."
        )
        raise ArgumentError(message)
    if n and not (own.min() >= 0 and own.max() <= 1):  # nan fails too
        message = f"mixup: shares run from {own.min():g} to {own.max():g}, expected 0 to 1."
        raise ArgumentError(message)
    order = order.astype(np.intp, copy=False)
    return like(_mixed(inputs, order, own), inputs.dtype), _mixed(targets, order, own)


def _numbers(values: ArrayLike, name: str) -> np.ndarray[Any, Any]:
    """Return rows of numbers as an array."""
    array = even(values, f"mixup: {name}")
    if array.dtype.kind not in "fiub":
        message = f"mixup: {name} is {array.dtype}, expected real numbers."
        raise DtypeError(message)
    if array.ndim == 0:
        message = f"mixup: {name} is a single number, expected rows (N, ...)."
        raise ShapeError(message)
    return array


def _mixed(values: np.ndarray[Any, Any], order: IntArray, shares: Array) -> Array:
    """Return λ a + (1 − λ) b as floats."""
    kind = values.dtype.kind
    work: Array = values if kind == "f" else values.astype(float_for(values.dtype))
    own = shares.astype(work.dtype).reshape(-1, *(1,) * (work.ndim - 1))
    mixed: Array = own * work + (1 - own) * work[order]
    return mixed


class Mixup(Transform):
    """Mix each row with another one of the batch, inputs and targets alike.

        x̃_i = λ_i x_i + (1 − λ_i) x_j      ỹ_i = λ_i y_i + (1 − λ_i) y_j,      λ_i ~ Beta(α, α)

    Labels become rows of probabilities, which ``CrossEntropy`` takes. Each row draws its own λ;
    the paper draws one for each batch, and its partners too are those of a shuffled batch, so a row
    may meet itself.

    Parameters
    ----------
    alpha : float, default 0.2
        Small: λ near 0 or 1, hardly a mixture. 1: every λ as likely as any other.
    n_classes : int, optional
        Number of classes K, needed where y holds integer labels. Integers whose last axis has K
        entries are one-hot rows already. Truth values are labels with it, and 0 and 1 without.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be, or, when called, if labels come without ``n_classes``
        or exceed it, or if rows of K integers are not one-hot.

    References
    ----------
    Zhang, Cissé, Dauphin & Lopez-Paz (2018), ICLR, arXiv:1710.09412.

    Examples
    --------
    >>> X, y = Mixup(1.0, n_classes=3)(np.eye(2), np.array([0, 2]), rng=0)
    >>> y.sum(axis=1)
    array([1., 1.])
    """

    def __init__(self, alpha: float = 0.2, *, n_classes: int | None = None) -> None:
        self.alpha = check_number(alpha, "alpha", "Mixup", positive=True)
        self.n_classes = None if n_classes is None else check_count(n_classes, "n_classes", "Mixup")

    def _rows(
        self, X: Array, rng: np.random.Generator
    ) -> Array:  # pragma: no cover  # _batch does all
        raise NotImplementedError

    def _batch(self, X: Array, y: np.ndarray[Any, Any], rng: np.random.Generator) -> Batch:
        labels = y.dtype.kind in "iu" or (y.dtype.kind == "b" and self.n_classes is not None)
        targets = self._one_hot(y, float_for(X.dtype)) if labels else y
        return mixup(X, targets, rng.permutation(len(X)), rng.beta(self.alpha, self.alpha, len(X)))

    def _one_hot(self, labels: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> Array:
        """Return labels as rows of zeros with a one."""
        k = self.n_classes
        if k is None:
            message = (
                f"{self!r}: y holds labels, expected n_classes too. Write Mixup(n_classes=10)."
            )
            raise ArgumentError(message)
        if labels.ndim > 1 and labels.shape[-1] == k:
            if not ((labels >= 0).all() and (labels.sum(axis=-1) == 1).all()):
                message = (
                    f"{self!r}: y has shape {labels.shape}, expected one-hot rows of {k} classes. "
                    "Give sequences of as many labels as one-hot rows, np.eye(K)[y]."
                )
                raise ArgumentError(message)
            return labels.astype(dtype)
        if labels.min() < 0 or labels.max() >= k:
            message = (
                f"{self!r}: labels run from {labels.min()} to {labels.max()}, expected 0 to "
                f"{k - 1}. Say with n_classes how many there are."
            )
            raise ArgumentError(message)
        rows = np.zeros((labels.size, k), dtype)
        rows[np.arange(labels.size), labels.ravel().astype(np.intp)] = 1.0
        return rows.reshape(*labels.shape, k)
