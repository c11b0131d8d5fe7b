"""Rotate, scale and shift images: where each new pixel lies in the old image, and what is there.

The new pixel at (row, column) shows the old image at

    (row', column') = M · (row − c_r, column − c_c) + (c_r, c_c) + t

with c the center of the image. Between pixels the four neighbors are weighted by their nearness
(bilinear); beyond the border everything has the value ``fill``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array, check_number
from nnlib.augmentation.base import Transform, check_finite, check_range, even, float_for, like
from nnlib.errors import ArgumentError, DtypeError, ShapeError


def rotate(images: ArrayLike, degrees: ArrayLike, fill: float = 0.0) -> Array:
    """Turn each image about its center; positive angles turn it counter-clockwise as it is seen.

    Parameters
    ----------
    images : ndarray of shape (N, H, W) or (N, H, W, C)
        Row 0 is at the top.
    degrees : float, or ndarray of shape (N,)
        Angles. Quarter turns of square images are exact.
    fill : float, default 0
        What comes in from beyond the border.

    Returns
    -------
    images : ndarray of that shape and dtype
        New images.

    Raises
    ------
    ShapeError
        If the images or angles have other axes.
    DtypeError
        If they are not real numbers.

    Examples
    --------
    >>> rotate([[[1.0, 2.0], [3.0, 4.0]]], 90)
    array([[[2., 4.],
            [1., 3.]]])
    """
    array = check_images(images, "rotate")
    angle = _per_image(degrees, len(array), "rotate: degrees")
    # Reduced to the nearest quarter turn, whose sine and cosine are then exact.
    quarters = np.rint(angle / 90.0)
    rest = np.deg2rad(angle - 90.0 * quarters)
    c, s = np.cos(rest), np.sin(rest)
    turns = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], float)[quarters.astype(int) % 4]
    cosine, sine = turns[:, 0] * c - turns[:, 1] * s, turns[:, 1] * c + turns[:, 0] * s
    matrices = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], axis=-2)
    return _affine(array, matrices, None, fill)


def scale(images: ArrayLike, factors: ArrayLike, fill: float = 0.0) -> Array:
    """Enlarge each image about its center, or shrink it; its frame stays.

    Parameters
    ----------
    images : ndarray of shape (N, H, W) or (N, H, W, C)
        Images.
    factors : float, or ndarray of shape (N,)
        Above 1 enlarges, below 1 shrinks.
    fill : float, default 0
        What comes in from beyond the border.

    Returns
    -------
    images : ndarray of that shape and dtype
        New images.

    Raises
    ------
    ShapeError
        If the images or factors have other axes.
    DtypeError
        If they are not real numbers.
    ArgumentError
        If a factor is not above 0.

    Examples
    --------
    >>> scale([[[0.0, 8.0, 0.0]]], 2.0)
    array([[[4., 8., 4.]]])
    """
    array = check_images(images, "scale")
    factor = _per_image(factors, len(array), "scale: factors")
    if not (factor > 0).all():
        message = f"scale: factors go down to {factor.min():g}, expected numbers above 0."
        raise ArgumentError(message)
    return _affine(array, np.eye(2) / factor[:, np.newaxis, np.newaxis], None, fill)


def shift(images: ArrayLike, rows: ArrayLike, columns: ArrayLike, fill: float = 0.0) -> Array:
    """Move each image down by ``rows`` pixels and to the right by ``columns``.

    Parameters
    ----------
    images : ndarray of shape (N, H, W) or (N, H, W, C)
        Images.
    rows, columns : float, or ndarray of shape (N,)
        How far; negative is up and left. Where all are whole, pixels move unchanged.
    fill : float, default 0
        What comes in from beyond the border.

    Returns
    -------
    images : ndarray of that shape and dtype
        New images.

    Raises
    ------
    ShapeError
        If the images or distances have other axes.
    DtypeError
        If they are not real numbers.

    Examples
    --------
    >>> shift([[[1.0, 2.0, 3.0]]], rows=0, columns=1)
    array([[[0., 1., 2.]]])
    """
    array = check_images(images, "shift")
    down = _per_image(rows, len(array), "shift: rows")
    right = _per_image(columns, len(array), "shift: columns")
    if (down == np.rint(down)).all() and (right == np.rint(right)).all():
        return _move(array, down, right, fill)
    return _affine(array, None, -np.stack([down, right], axis=-1), fill)


class Rotate(Transform):
    """Turn each image by an angle drawn evenly from −degrees to degrees.

    Parameters
    ----------
    degrees : float
        Largest angle. Some labels do not survive large ones: a 6 becomes a 9.
    fill : float, default 0
        What comes in from beyond the border.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be.

    References
    ----------
    Simard, Steinkraus & Platt (2003), ICDAR, 958-963.

    Examples
    --------
    >>> X, y = Rotate(15)(np.ones((3, 8, 8)), np.array([1, 2, 3]), rng=0)
    >>> y
    array([1, 2, 3])
    """

    def __init__(self, degrees: float, *, fill: float = 0.0) -> None:
        self.degrees = check_number(degrees, "degrees", "Rotate")
        self.fill = check_finite(fill, "fill", "Rotate")

    def _check(self, X: np.ndarray[Any, Any]) -> None:
        check_images(X, repr(self))

    def _rows(self, X: Array, rng: np.random.Generator) -> Array:
        return rotate(X, rng.uniform(-self.degrees, self.degrees, len(X)), self.fill)


class Scale(Transform):
    """Scale each image by a factor drawn evenly from ``low`` to ``high``.

    Parameters
    ----------
    low, high : float, default 0.9 and 1.1
        Above 1 enlarges, below 1 shrinks.
    fill : float, default 0
        What comes in from beyond the border.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be.

    Examples
    --------
    >>> X, y = Scale(0.8, 1.2)(np.ones((3, 8, 8)), np.array([1, 2, 3]), rng=0)
    >>> X.shape
    (3, 8, 8)
    """

    def __init__(self, low: float = 0.9, high: float = 1.1, *, fill: float = 0.0) -> None:
        self.low, self.high = check_range(low, high, "low and high", "Scale")
        check_number(self.low, "low", "Scale", positive=True)
        self.fill = check_finite(fill, "fill", "Scale")

    def _check(self, X: np.ndarray[Any, Any]) -> None:
        check_images(X, repr(self))

    def _rows(self, X: Array, rng: np.random.Generator) -> Array:
        return scale(X, rng.uniform(self.low, self.high, len(X)), self.fill)


class Shift(Transform):
    """Move each image by up to ``pixels``, up or down and to the left or right.

    Parameters
    ----------
    pixels : float
        Largest distance along either axis; with ``whole``, 2.9 is 2.
    whole : bool, default True
        Whether only whole pixels are drawn, which blurs nothing. Below one pixel there are none.
    fill : float, default 0
        What comes in from beyond the border.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be.

    Examples
    --------
    >>> X, y = Shift(1)(np.eye(3)[np.newaxis], np.array([7]), rng=0)
    >>> X[0]  # one down, none to the side
    array([[0., 0., 0.],
           [1., 0., 0.],
           [0., 1., 0.]])
    """

    def __init__(self, pixels: float, *, whole: bool = True, fill: float = 0.0) -> None:
        self.pixels = check_number(pixels, "pixels", "Shift")
        self._moves = bool(whole)
        self.whole = bool(whole)
        if self.whole and 0 < self.pixels < 1:
            message = (
                f"Shift: pixels is {pixels!r}, expected at least 1 where only whole pixels are "
                "drawn. Write whole=False for shifts between pixels."
            )
            raise ArgumentError(message)
        self.fill = check_finite(fill, "fill", "Shift")

    def _check(self, X: np.ndarray[Any, Any]) -> None:
        check_images(X, repr(self))

    def _rows(self, X: Array, rng: np.random.Generator) -> Array:
        if self.whole:
            most = int(self.pixels)
            down, right = rng.integers(-most, most + 1, (2, len(X)))
        else:
            down, right = rng.uniform(-self.pixels, self.pixels, (2, len(X)))
        return shift(X, down, right, self.fill)


def check_images(images: ArrayLike, where: str) -> np.ndarray[Any, Any]:
    """Return images as an array, after checking its axes and that it holds numbers."""
    array = even(images, f"{where}: images")
    if array.dtype.kind not in "fiub":
        message = f"{where}: images are {array.dtype}, expected real numbers."
        raise DtypeError(message)
    if array.ndim not in {3, 4} or 0 in array.shape[1:]:
        hint = ""
        if array.ndim == 2:
            hint = " Wrap it for flattened rows: Reshaped((H, W), transform)."
        message = (
            f"{where}: images have shape {array.shape}, expected (N, H, W) or (N, H, W, C).{hint}"
        )
        raise ShapeError(message)
    return array


def _per_image(values: ArrayLike, n: int, where: str) -> Array:
    """Return one finite number for each image."""
    array = as_array(values, np.dtype(np.float64), where)
    if array.shape not in {(), (n,)}:
        message = f"{where} has shape {array.shape}, expected ({n},), or one number for all images."
        raise ShapeError(message)
    if not np.isfinite(array).all():
        message = f"{where} holds nan or infinity. Give finite numbers."
        raise ArgumentError(message)
    return np.broadcast_to(array, (n,))


def _move(
    images: np.ndarray[Any, Any], down: Array, right: Array, fill: float
) -> np.ndarray[Any, Any]:
    """Move each image by whole pixels, in its own type."""
    inside, source = [], []
    for distance, size in zip((down, right), images.shape[1:3], strict=True):
        # Further than its size away, an image is gone, however far.
        steps = np.clip(distance, -size, size).astype(np.intp)
        place = np.arange(size) - steps[:, np.newaxis]
        inside.append((place >= 0) & (place < size))
        source.append(np.clip(place, 0, size - 1))
    n = np.arange(len(images))[:, np.newaxis, np.newaxis]
    moved = images[n, source[0][:, :, np.newaxis], source[1][:, np.newaxis, :]]
    outside = ~(inside[0][:, :, np.newaxis] & inside[1][:, np.newaxis, :])
    moved[outside] = like(np.asarray(fill, float), images.dtype)
    return moved


def _affine(
    images: np.ndarray[Any, Any], matrices: Array | None, offsets: Array | None, fill: float
) -> Array:
    """Look up every new pixel in the old images: see the opening of this file."""
    dtype = np.dtype(np.float32 if float_for(images.dtype) == np.float32 else np.float64)
    n, height, width = images.shape[:3]
    # One pixel of fill all around: whatever lies further out looks the same.
    padded = np.full((n, height + 2, width + 2, *images.shape[3:]), fill, dtype)
    padded[:, 1:-1, 1:-1] = images
    rows = np.arange(height, dtype=float) - (height - 1) / 2
    columns = np.arange(width, dtype=float) - (width - 1) / 2
    M = np.broadcast_to(np.eye(2), (n, 2, 2)) if matrices is None else matrices
    t = np.zeros((n, 2)) if offsets is None else offsets
    center = np.array([(height - 1) / 2, (width - 1) / 2])
    places = []
    for axis, size in enumerate((height, width)):
        # In float64 up to here, N (H + W) numbers; in the images' type from here, N H W of them.
        along_rows = M[:, axis, 0, np.newaxis] * rows + (center[axis] + 1.0 + t[:, axis])[:, None]
        along_columns = M[:, axis, 1, np.newaxis] * columns
        place = along_rows.astype(dtype)[:, :, None] + along_columns.astype(dtype)[:, None, :]
        places.append(np.clip(place, 0, size + 1, out=place))
    return like(_bilinear(padded, *places), images.dtype)


def _bilinear(padded: Array, row: Array, column: Array) -> Array:
    """Return the padded images at (row, column), weighting the four pixels around each place."""
    n, height, width = padded.shape[:3]
    # The last pixel but one at most, so that a neighbor exists; its weight may then be 1.
    first_row = np.minimum(row.astype(np.intp), height - 2)
    first_column = np.minimum(column.astype(np.intp), width - 2)
    row -= first_row
    column -= first_column
    corner = first_row
    corner *= width
    corner += first_column
    corner += (np.arange(n) * (height * width))[:, None, None]
    channels = padded.shape[3:]
    if channels:
        row, column = row[..., np.newaxis], column[..., np.newaxis]
    pixels = padded.reshape(-1, *channels)
    upper = _between(pixels, corner, 1, column)
    lower = _between(pixels, corner + width, 1, column)
    lower -= upper
    lower *= row
    lower += upper
    return lower


def _between(pixels: Array, corner: Any, step: int, weight: Array) -> Array:
    """Return a + weight (b − a), with a at ``corner`` and b one step on."""
    a = pixels.take(corner, axis=0)
    b: Array = pixels.take(corner + step, axis=0)
    b -= a
    b *= weight
    b += a
    return b
