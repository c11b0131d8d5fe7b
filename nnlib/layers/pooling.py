"""Pooling: one number for each window and channel, so that images shrink."""

from __future__ import annotations

from abc import abstractmethod
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, IntArray, as_array
from nnlib.layers._fused import kernels
from nnlib.layers._windows import (
    Pair,
    add_windows,
    as_pair,
    at_offset,
    check_images,
    count_windows,
    short,
    windows,
)
from nnlib.layers.base import Layer


class _Pool(Layer):
    """Replace each window of an image by one number for each channel.

    A subclass gives ``_pool`` and ``_spread``, which pooling's R-operator consists of too: within
    the windows as they were chosen, pooling is linear.
    """

    stackable = False
    slice_rows = 64

    def backward(
        self,
        dy: ArrayLike,
        *,
        need_dx: bool = True,
        accumulate: bool = False,  # ruff: ignore[unused-method-argument]  the contract of all layers; nothing to add to here
    ) -> Array | None:
        """Carry the loss gradient of each window back to the pixels that made its output.

        Parameters
        ----------
        dy : ndarray of the shape of y
            Loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.
        accumulate : bool, default False
            Without effect: there are no parameters.

        Returns
        -------
        dx : ndarray of shape (N, H, W, C), or None if ``need_dx`` is False
            Loss gradient at the input, a fresh array. Zero where no window reaches.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.
        """
        dy = self._upstream(dy)
        return self._spread(dy) if need_dx else None

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:  # ruff: ignore[unused-method-argument]
        """Differentiate the output: pool the change of the input.

        Parameters
        ----------
        x_dot : ndarray of shape (..., N, H, W, C), or None
            Change of the input along the direction.
        v : ndarray of shape (..., 0), or None
            Without effect: there are no parameters.

        Returns
        -------
        y_dot : ndarray of the shape of y, or None if ``x_dot`` is None
            Change of the output.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        """
        _, dtype = self._recall("output", "rforward", "forward")
        self._kept["ready"] = True
        if x_dot is None:
            return None
        return self._pool(as_array(x_dot, dtype, f"{self!r}.rforward: x_dot"))

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate ``backward``, which is linear in dy: spread the change of dy.

        Parameters
        ----------
        dy_dot : ndarray of the shape of y
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Returns
        -------
        dx_dot : ndarray of shape (..., N, H, W, C), or None if ``need_dx`` is False
            Change of the loss gradient at the input.

        Raises
        ------
        OrderError
            If ``forward`` and ``rforward`` have not run.
        """
        self._recall("ready", "rbackward", "rforward")
        _, dtype = self._kept["output"]
        self.grad_dot = np.zeros((0,), dtype)
        change = as_array(dy_dot, dtype, f"{self!r}.rbackward: dy_dot")
        return self._spread(change) if need_dx else None

    @abstractmethod
    def _pool(self, x: Array) -> Array:
        """Return one number for each window of x (..., H, W, C)."""

    @abstractmethod
    def _spread(self, dy: Array) -> Array:
        """Return dx (..., H, W, C) from dy (..., rows, columns, C): the transpose of ``_pool``."""

    def _features_after(self, features: int | None, where: str) -> int | None:  # ruff: ignore[unused-method-argument]
        return features


class _WindowPool(_Pool):
    """Take the sizes of the windows, and check that they fit."""

    def __init__(self, kernel_size: int | Pair, stride: int | Pair | None = None) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size = as_pair(kernel_size, "kernel_size", name)
        self.stride = self.kernel_size if stride is None else as_pair(stride, "stride", name)

    def _images(self, x: ArrayLike) -> tuple[Array, tuple[int, ...]]:
        """Return checked images and the shape of the output."""
        where = f"{self!r}.forward: x"
        x = check_images(self._input(x), None, where)
        n, height, width, channels = x.shape
        count = count_windows((height, width), self.kernel_size, self.stride, where)
        return x, (n, *count, channels)

    def __repr__(self) -> str:
        stride = "" if self.stride == self.kernel_size else f", stride={short(self.stride)}"
        return f"{type(self).__name__}({short(self.kernel_size)}{stride})"


PLACES = 256
"""Places in a window that one byte can tell apart."""


class MaxPool2d(_WindowPool):
    """Keep the largest number of each window, channel by channel.

    The gradient goes to the largest pixel: of equal ones to the first, row by row from the top, of
    nan to the last, as in PyTorch. What no window reaches, at the right and below, is ignored.

    Parameters
    ----------
    kernel_size : int or (int, int)
        Rows and columns of a window.
    stride : int or (int, int), optional
        Steps from one window to the next; by default windows touch without overlap.

    Raises
    ------
    ArgumentError
        If a size is not a whole number of at least 1.

    References
    ----------
    Ranzato, Huang, Boureau & LeCun (2007), CVPR.

    Examples
    --------
    >>> layer = MaxPool2d(2)
    >>> layer.forward(np.array([[1.0, 7.0], [7.0, 3.0]]).reshape(1, 2, 2, 1)).ravel()
    array([7.])
    >>> layer.backward(np.array([5.0]).reshape(1, 1, 1, 1)).ravel()
    array([0., 5., 0., 0.])
    """

    def forward(self, x: ArrayLike) -> Array:
        """Compute the maximum of each window.

        Parameters
        ----------
        x : ndarray of shape (N, H, W, C)
            Images.

        Returns
        -------
        y : ndarray of shape (N, rows, columns, C)
            With rows = (H − kh) // sh + 1, and columns likewise. A fresh array.

        Raises
        ------
        ShapeError
            If x is not images, or they are smaller than a window.
        """
        x, shape = self._images(x)
        y: Array = self._array("y", shape, x.dtype)
        few = prod(self.kernel_size) <= PLACES
        first = self._array("first", shape, np.uint8 if few else np.uint32)
        compiled = kernels(x, y, first) if few else None
        kept: dict[str, Any] = {"first": first}
        if compiled:
            compiled.max_pool(x, y, first, self.kernel_size, self.stride)
        elif self.kernel_size == self.stride == (2, 2):
            kept = self._forward_by_pairs(x, y)
        else:
            self._forward_by_places(x, y, first)
        if not compiled and np.isnan(np.vdot(y, y)):  # nan compares as neither larger nor smaller
            kept = {"first": first}
            self._forward_by_places(x, y, first, nan=True)
        self._kept = kept | {"x_shape": x.shape, "output": (y.shape, y.dtype)}
        return y

    def _forward_by_places(self, x: Array, y: Array, first: IntArray, *, nan: bool = False) -> None:
        """Compare the windows place by place, noting at which place the largest number stood."""
        first.fill(0)
        better = self._array("better", y.shape, np.bool_)
        for place, offset in enumerate(np.ndindex(self.kernel_size)):
            candidate = at_offset(x, offset, y.shape[1:3], self.stride)
            if place == 0:
                np.copyto(y, candidate)
                continue
            np.greater(candidate, y, out=better)  # not >=: the first of equal ones stays
            if nan:
                better |= np.isnan(candidate)
            np.maximum(candidate, y, out=y)
            np.copyto(first, place, where=better)

    def _forward_by_pairs(self, x: Array, y: Array) -> dict[str, Any]:
        """Compare left with right, then the winners above with those below: faster."""
        rows = y.shape[1]
        # Every pixel with its right neighbor: half is for nothing, yet long runs of memory go fast.
        left, right = x[:, : 2 * rows, :-1], x[:, : 2 * rows, 1:]
        row: Array = self._array("row", left.shape, x.dtype)
        np.maximum(left, right, out=row)
        left_wins = self._array("left_wins", left.shape, np.bool_)
        np.greater_equal(left, right, out=left_wins)
        row, left_wins = row[:, :, ::2], left_wins[:, :, ::2]
        top, bottom = row[:, ::2], row[:, 1::2]
        np.maximum(top, bottom, out=y)
        top_wins = self._array("top_wins", y.shape, np.bool_)
        np.greater_equal(top, bottom, out=top_wins)
        return {"left_wins": left_wins, "top_wins": top_wins}

    def _backward_by_pairs(self, dy: Array) -> Array:
        """Give dy to top or bottom, then to left or right."""
        n, rows, columns, channels = dy.shape
        drow: Array = self._array("drow", (n, 2 * rows, columns, channels), dy.dtype)
        top, bottom = drow[:, ::2], drow[:, 1::2]
        np.multiply(dy, self._kept["top_wins"], out=top)
        np.subtract(dy, top, out=bottom)
        dx: Array = self._array("dx", self._kept["x_shape"], dy.dtype)
        left, right = (dx[:, : 2 * rows, j : 2 * columns : 2] for j in (0, 1))
        np.multiply(drow, self._kept["left_wins"], out=left)
        np.subtract(drow, left, out=right)
        dx[:, 2 * rows :] = 0.0
        dx[:, :, 2 * columns :] = 0.0
        return dx

    def _first(self) -> IntArray:
        """Return at which place of its window each maximum stood, counted row by row."""
        if "first" not in self._kept:
            left, top = self._kept["left_wins"], self._kept["top_wins"]
            above, below = (np.where(left[:, i::2], 2 * i, 2 * i + 1) for i in (0, 1))
            self._kept["first"] = np.where(top, above, below)
        first: IntArray = self._kept["first"]
        return first

    def _pool(self, x: Array) -> Array:
        first = self._first()
        y = np.zeros((*x.shape[:-4], *first.shape), x.dtype)
        for place, offset in enumerate(np.ndindex(self.kernel_size)):
            y += at_offset(x, offset, first.shape[1:3], self.stride) * (first == place)
        return y

    def _spread(self, dy: Array) -> Array:
        if dy.ndim == 4 and "left_wins" in self._kept:
            return self._backward_by_pairs(dy)
        first = self._first()
        dx: Array = self._array("dx", (*dy.shape[:-4], *self._kept["x_shape"]), dy.dtype)
        compiled = kernels(dx, dy, first) if dy.ndim == 4 and first.dtype == np.uint8 else None
        if compiled:
            compiled.max_pool_backward(dy, first, dx, self.kernel_size, self.stride)
            return dx
        dx.fill(0.0)
        for place, offset in enumerate(np.ndindex(self.kernel_size)):
            reached = at_offset(dx, offset, first.shape[1:3], self.stride)
            reached += dy * (first == place)
        return dx


class AvgPool2d(_WindowPool):
    """Take the mean of each window, channel by channel.

    Parameters
    ----------
    kernel_size : int or (int, int)
        Rows and columns of a window.
    stride : int or (int, int), optional
        Steps from one window to the next; by default windows touch without overlap.

    Raises
    ------
    ArgumentError
        If a size is not a whole number of at least 1.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner (1998), Proceedings of the IEEE 86, 2278-2324.

    Examples
    --------
    >>> layer = AvgPool2d(2)
    >>> layer.forward(np.array([[1.0, 7.0], [5.0, 3.0]]).reshape(1, 2, 2, 1)).ravel()
    array([4.])
    >>> layer.backward(np.array([8.0]).reshape(1, 1, 1, 1)).ravel()
    array([2., 2., 2., 2.])
    """

    def forward(self, x: ArrayLike) -> Array:
        """Compute the mean of each window.

        Parameters
        ----------
        x : ndarray of shape (N, H, W, C)
            Images.

        Returns
        -------
        y : ndarray of shape (N, rows, columns, C)
            With rows = (H − kh) // sh + 1, and columns likewise. A fresh array.

        Raises
        ------
        ShapeError
            If x is not images, or they are smaller than a window.
        """
        x, _ = self._images(x)
        y = self._pool(x)
        self._kept = {"x_shape": x.shape, "output": (y.shape, y.dtype)}
        return y

    def _pool(self, x: Array) -> Array:
        y: Array = windows(x, self.kernel_size, self.stride).mean(axis=(-3, -2))
        return y

    def _spread(self, dy: Array) -> Array:
        kh, kw = self.kernel_size
        dx = np.zeros((*dy.shape[:-4], *self._kept["x_shape"]), dy.dtype)
        share = (dy / (kh * kw))[..., np.newaxis, np.newaxis, :]
        add_windows(dx, np.broadcast_to(share, (*dy.shape[:-1], kh, kw, dy.shape[-1])), self.stride)
        return dx


class GlobalAvgPool2d(_Pool):
    """Take the mean of each channel over the whole image: (N, H, W, C) becomes (N, C).

    It follows the last convolution in place of Flatten and a large linear layer, and takes images
    of any size.

    References
    ----------
    Lin, Chen & Yan (2014), ICLR: Network in network.

    Examples
    --------
    >>> layer = GlobalAvgPool2d()
    >>> layer.forward(np.array([[1.0, 7.0], [5.0, 3.0]]).reshape(1, 2, 2, 1))
    array([[4.]])
    >>> layer.backward(np.array([[8.0]])).ravel()
    array([2., 2., 2., 2.])
    """

    def forward(self, x: ArrayLike) -> Array:
        """Compute the mean of each channel.

        Parameters
        ----------
        x : ndarray of shape (N, H, W, C)
            Images of at least one pixel.

        Returns
        -------
        y : ndarray of shape (N, C)
            A fresh array.

        Raises
        ------
        ShapeError
            If x is not images, or they are empty.
        """
        where = f"{self!r}.forward: x"
        x = check_images(self._input(x), None, where)
        count_windows((x.shape[1], x.shape[2]), (1, 1), (1, 1), where)
        y = self._pool(x)
        self._kept = {"x_shape": x.shape, "output": (y.shape, y.dtype)}
        return y

    def _pool(self, x: Array) -> Array:
        y: Array = x.mean(axis=(-3, -2))
        return y

    def _spread(self, dy: Array) -> Array:
        shape = self._kept["x_shape"]
        share = (dy / (shape[1] * shape[2]))[..., np.newaxis, np.newaxis, :]
        return np.broadcast_to(share, (*dy.shape[:-2], *shape)).copy()
