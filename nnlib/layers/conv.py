"""Convolution: one small kernel, the same everywhere in the image."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnlib._array import Array, Seed, as_array, as_generator, check_count
from nnlib.errors import ShapeError
from nnlib.initializers import Initializer, he_uniform
from nnlib.layers._checks import starting_values
from nnlib.layers._fused import kernels
from nnlib.layers._products import count_products
from nnlib.layers._windows import (
    Pair,
    add_windows,
    as_pair,
    check_images,
    count_windows,
    crop,
    short,
    windows,
)
from nnlib.layers.base import Layer
from nnlib.layers.parameters import ParameterView

SHARES_BYTES = 500_000
"""How much of the shares is computed before it is added up: so it does not leave the cache."""


class Conv2d(Layer):
    """Weigh every window of an image by the same kernel, and add a bias.

        y[r, s] = Σ_ij x[r·sh + i, s·sw + j] W[i, j] + b

    Images are (N, H, W, C), and x[·] W[i, j] is a product of the C channels of one pixel with a
    matrix (C, out). As everywhere in deep learning this is a cross-correlation: the kernel is not
    flipped on the way forward, but it is on the way back.

    Parameters
    ----------
    in_channels, out_channels : int
        Number of channels of the input and of the output.
    kernel_size : int or (int, int)
        Rows and columns of the kernel.
    stride : int or (int, int), default 1
        Steps from one window to the next.
    padding : int or (int, int), default 0
        Rows and columns of zeros added on every side.
    bias : bool, default True
        Whether b is added.
    init : function (fan_in, fan_out, rng) -> W, default he_uniform
        Starting values of W, with fan_in = kh · kw · in_channels; b starts at zero. The fan out
        of the Xavier initializers is kh · kw · out_channels, the outputs that a pixel reaches.
    rng : Generator, int or None
        Where the starting values come from. None differs in every run.
    dtype : float32 (default) or float64
        Type of parameters and outputs.

    Attributes
    ----------
    W, dW : ndarray of shape (kh, kw, in_channels, out_channels)
        Kernel and its gradient, views of ``theta`` and ``grad``.
    b, db : ndarray of shape (out_channels,)
        Bias and its gradient. Missing with ``bias=False``.

    Raises
    ------
    ArgumentError
        If a size, ``init`` or ``rng`` is outside what it may be.
    DtypeError
        If ``dtype`` is another.

    Notes
    -----
    The windows are copied into a matrix with one row for each window ("im2col"), so that one matrix
    product does all the work. That matrix is kh · kw times the size of the image: while a model
    trains, 16 images at a time go through, and it stays in the processor's cache. A last column of
    ones stands for the bias, a weight whose input is always 1: ``theta`` holds W, then b, so it is
    the matrix that the rows are multiplied with.

    References
    ----------
    LeCun et al. (1989), Neural Computation 1, 541-551. Chellapilla, Puri & Simard (2006), IWFHR:
    convolution as a matrix product.

    Examples
    --------
    >>> layer = Conv2d(1, 1, kernel_size=(1, 2), dtype=np.float64)
    >>> layer.W = [[[[1.0]], [[-1.0]]]]
    >>> layer.b = 0.5
    >>> layer.forward(np.array([[1.0, 4.0, 9.0]]).reshape(1, 1, 3, 1)).ravel()
    array([-2.5, -4.5])
    """

    stackable = False
    slice_rows = 32

    W = ParameterView()
    b = ParameterView()
    dW = ParameterView()  # ruff: ignore[mixed-case-variable-in-class-scope]  the letters of ∂L/∂W
    db = ParameterView()

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        bias: bool = True,
        *,
        init: Initializer = he_uniform,
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        generator = as_generator(rng, "Conv2d")
        self.in_channels = check_count(in_channels, "in_channels", "Conv2d")
        self.out_channels = check_count(out_channels, "out_channels", "Conv2d")
        self.kernel_size = as_pair(kernel_size, "kernel_size", "Conv2d")
        self.stride = as_pair(stride, "stride", "Conv2d")
        self.padding = as_pair(padding, "padding", "Conv2d", minimum=0)
        self.bias = bool(bias)
        shape = (*self.kernel_size, self.in_channels, self.out_channels)
        shapes: dict[str, tuple[int, ...]] = {"W": shape}
        if self.bias:
            shapes["b"] = (self.out_channels,)
        super().__init__(shapes, dtype=dtype)
        places = prod(self.kernel_size)
        fans = (places * self.in_channels, self.out_channels)
        self.W = starting_values(init, fans, generator, repr(self), places=places).reshape(shape)

    def forward(self, x: ArrayLike) -> Array:
        """Compute y = (windows of x) W + b.

        Parameters
        ----------
        x : ndarray of shape (N, H, W, in_channels)
            Images.

        Returns
        -------
        y : ndarray of shape (N, rows, columns, out_channels)
            With rows = (H + 2·ph − kh) // sh + 1, and columns likewise. A fresh array.

        Raises
        ------
        ShapeError
            If x is not such images, or they are smaller than the kernel.

        Examples
        --------
        >>> layer = Conv2d(1, 1, kernel_size=2, stride=2, bias=False, dtype=np.float64)
        >>> layer.W[:] = 1.0
        >>> layer.forward(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
        array([[10., 18.],
               [42., 50.]])
        """
        where = f"{self!r}.forward: x"
        x = check_images(self._input(x), self.in_channels, where)
        (_, height, width, _), (ph, pw) = x.shape, self.padding
        count = count_windows(
            (height + 2 * ph, width + 2 * pw),
            self.kernel_size,
            self.stride,
            f"{where}, padded," if ph or pw else where,
        )
        columns = self._columns("columns", x, last=1.0 if self.bias else None)
        y: Array = self._array("y", (len(x), *count, self.out_channels), x.dtype)
        parts = self._count_products(len(x), prod(count))
        np.matmul(
            columns.reshape(parts, -1, columns.shape[1]),
            self._as_matrix("theta"),
            out=y.reshape(parts, -1, self.out_channels),
        )
        self._kept = {"columns": columns, "x_shape": x.shape, "output": (y.shape, y.dtype)}
        return y

    def backward(
        self, dy: ArrayLike, *, need_dx: bool = True, accumulate: bool = False
    ) -> Array | None:
        """Carry the loss gradient from the output back to ``W``, ``b`` and ``x``.

        Every window used the same kernel, so its gradients add up; every pixel gets a share from
        each window that covers it:

            dW[i, j] = Σ_windows x[r·sh + i, s·sw + j]ᵀ dy[r, s]        db = Σ_windows dy[r, s]
            dx[h, w] = Σ dy[r, s] W[i, j]ᵀ over all r, s, i, j with r·sh + i = h and s·sw + j = w

        With stride 1 the second line is a convolution of dy with the kernel turned by 180 degrees.

        Parameters
        ----------
        dy : ndarray of shape (N, rows, columns, out_channels)
            Loss gradient at the output.
        need_dx : bool, default True
            False in a first layer, whose dx nobody reads: saves about a third of the work.
        accumulate : bool, default False
            Add to ``dW`` and ``db`` instead of overwriting them.

        Returns
        -------
        dx : ndarray of shape (N, H, W, in_channels), or None if ``need_dx`` is False
            Loss gradient at the input, a fresh array. Zero where no window reaches.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If ``dy`` is not shaped like the last output.

        References
        ----------
        LeCun et al. (1989), Neural Computation 1, 541-551.

        Examples
        --------
        >>> layer = Conv2d(1, 1, kernel_size=(1, 2), dtype=np.float64)
        >>> layer.W = [[[[3.0]], [[5.0]]]]
        >>> y = layer.forward(np.array([[1.0, 2.0, 4.0]]).reshape(1, 1, 3, 1))
        >>> layer.backward(np.array([[1.0, 10.0]]).reshape(1, 1, 2, 1)).ravel()
        array([ 3., 35., 50.])
        >>> layer.dW.ravel(), layer.db
        (array([21., 42.]), array([11.]))
        """
        dy = self._upstream(dy)
        columns = self._kept["columns"]
        self._kept["dy"] = self._keep(dy)
        dmatrix = self._as_matrix("grad")
        parts = self._count_products(len(dy), prod(dy.shape[1:3]))
        dmatrices = np.matmul(
            columns.reshape(parts, -1, columns.shape[1]).mT,
            dy.reshape(parts, -1, self.out_channels),
            out=self._array("dmatrices", (parts, *dmatrix.shape), dy.dtype),
        )
        if accumulate:
            dmatrix += np.add.reduce(dmatrices, axis=0)
        else:
            np.add.reduce(dmatrices, axis=0, out=dmatrix)
        if not need_dx:
            return None
        W = self._views["W"]
        dx: Array = self._array("dx", self._kept["x_shape"], dy.dtype)
        if compiled := kernels(dx, dy):  # which knows the border without making one
            dx.fill(0.0)
            some = max(1, SHARES_BYTES // (dx.itemsize * prod(dy.shape[1:3]) * W[..., 0].size))
            for start in range(0, len(dx), some):
                part = slice(start, start + some)
                shares = self._shares(dy[part], W)
                compiled.add_windows(dx[part], shares, self.stride, self.padding)
            return dx
        padded = self._array("dx_padded", self._padded_shape, dy.dtype)
        padded.fill(0.0)
        add_windows(padded, self._shares(dy, W), self.stride)
        np.copyto(dx, crop(padded, self.padding))
        return dx

    def rforward(self, x_dot: ArrayLike | None, v: ArrayLike | None = None) -> Array | None:
        """Differentiate y = (windows of x) W + b: both factors change.

        Parameters
        ----------
        x_dot : ndarray of shape (..., N, H, W, in_channels), or None
            Change of the input along the direction; None where it does not change.
        v : ndarray of shape (..., P), or None
            Direction in parameter space; None is zero.

        Returns
        -------
        y_dot : ndarray of shape (..., N, rows, columns, out_channels)
            Change of the output.

        Raises
        ------
        OrderError
            If ``forward`` has not run.
        ShapeError
            If v does not hold one entry for each parameter.

        References
        ----------
        Pearlmutter (1994), Neural Computation 6, 147-160.
        """
        columns = self._recall("columns", "rforward", "forward")
        out_shape, _ = self._kept["output"]
        parts = self._direction(v)
        lead = parts["W"].shape[:-4]
        V = parts["W"].reshape(*lead, -1, self.out_channels)
        if self.bias:
            V = np.concatenate([V, parts["b"][..., np.newaxis, :]], axis=-2)
        y_dot: Array = columns @ V
        self._kept |= {"V": parts["W"], "columns_dot": None}
        if x_dot is not None:
            change = as_array(x_dot, columns.dtype, f"{self!r}.rforward: x_dot")
            lead = change.shape[:-4]
            images = change.reshape(-1, *change.shape[-3:])
            columns_dot = self._columns("columns_dot", images, last=0.0 if self.bias else None)
            columns_dot = columns_dot.reshape(*lead, *columns.shape)
            self._kept["columns_dot"] = columns_dot
            y_dot = y_dot + columns_dot @ self._as_matrix("theta")
        return y_dot.reshape(*y_dot.shape[:-2], *out_shape)

    def rbackward(self, dy_dot: ArrayLike, *, need_dx: bool = True) -> Array | None:
        """Differentiate ``backward`` along the direction of the last ``rforward``.

        With X for the matrix of windows, dW = Xᵀ dy and dX = dy Wᵀ give

            dW_dot = X_dotᵀ dy + Xᵀ dy_dot        dX_dot = dy_dot Wᵀ + dy V_Wᵀ

        Parameters
        ----------
        dy_dot : ndarray of shape (..., N, rows, columns, out_channels)
            Change of the loss gradient at the output.
        need_dx : bool, default True
            False in a first layer.

        Returns
        -------
        dx_dot : ndarray of shape (..., N, H, W, in_channels), or None if ``need_dx`` is False
            Change of the loss gradient at the input.

        Raises
        ------
        OrderError
            If ``forward``, ``backward`` and ``rforward`` have not run.

        References
        ----------
        Pearlmutter (1994), Neural Computation 6, 147-160.
        """
        V = self._recall("V", "rbackward", "rforward")
        dy = self._recall("dy", "rbackward", "backward")
        columns, columns_dot = self._kept["columns"], self._kept["columns_dot"]
        change = as_array(dy_dot, dy.dtype, f"{self!r}.rbackward: dy_dot")
        lead = change.shape[:-4]
        dmatrix_dot = columns.T @ change.reshape(*lead, -1, self.out_channels)
        if columns_dot is not None:
            dmatrix_dot = dmatrix_dot + columns_dot.mT @ dy.reshape(-1, self.out_channels)
        self.grad_dot = dmatrix_dot.reshape(*dmatrix_dot.shape[:-2], -1)
        if not need_dx:
            return None
        padded = np.zeros((*self.grad_dot.shape[:-1], *self._padded_shape), dy.dtype)
        add_windows(padded, self._shares(change, self._views["W"]), self.stride)
        add_windows(padded, self._shares(dy, V), self.stride)
        return np.ascontiguousarray(crop(padded, self.padding))

    # Between images and the matrix of windows ---------------------------------------------------

    def _as_matrix(self, vector: str) -> Array:
        """Show ``theta`` or ``grad`` as one matrix (kh · kw · in, out), b as its last row."""
        return self._views[vector].reshape(-1, self.out_channels)

    def _shares(self, dy: Array, W: Array) -> Array:
        """Return dy Wᵀ, a share for each place in each window; directions may stand in front."""
        places, inside = dy.shape[-4:-1], (*self.kernel_size, self.in_channels)
        drows = dy.reshape(*dy.shape[:-4], -1, self.out_channels)
        matrix = W.reshape(*W.shape[:-4], -1, self.out_channels)
        lead = np.broadcast_shapes(drows.shape[:-2], matrix.shape[:-2])
        shares: Array = self._array("shares", (*lead, *places, *inside), dy.dtype)
        parts = 1 if lead else self._count_products(len(dy), prod(places[1:]))
        if parts == 1:
            np.matmul(drows, matrix.mT, out=shares.reshape(*lead, -1, prod(inside)))
        else:
            images = dy.reshape(parts, -1, self.out_channels)
            turned = np.ascontiguousarray(matrix.T)  # small products are slower without
            np.matmul(images, turned, out=shares.reshape(parts, -1, prod(inside)))
        return shares

    def _count_products(self, n_images: int, places: int) -> int:
        """Return into how many products the rows of images are cut."""
        n_in = prod(self.kernel_size) * self.in_channels + self.bias
        return count_products(n_images, places, n_in, self.out_channels)

    @property
    def _padded_shape(self) -> tuple[int, ...]:
        """The shape of the last x with its border."""
        n, height, width, channels = self._kept["x_shape"]
        return n, height + 2 * self.padding[0], width + 2 * self.padding[1], channels

    def _padded(self, x: Array) -> Array:
        """Return x (N, H, W, C) with a border of zeros around each image."""
        if self.padding == (0, 0):
            return x
        n, height, width, channels = x.shape
        shape = (n, height + 2 * self.padding[0], width + 2 * self.padding[1], channels)
        padded: Array = self._array("padded", shape, x.dtype)
        padded.fill(0.0)
        crop(padded, self.padding)[...] = x
        return padded

    def _columns(self, name: str, x: Array, last: float | None) -> Array:
        """Copy each window of x into a row of a matrix, which may end with a given number."""
        seen = windows(self._padded(x), self.kernel_size, self.stride)
        places, inside, extra = seen.shape[:3], seen.shape[3:], 0 if last is None else 1
        size = prod(inside)
        if inside[-1] == 1:
            # One channel: what lies side by side in memory is a row of the image, so we fill the
            # matrix column by column. That takes a seventh of the time of row by row.
            matrix = self._array(name, (size + extra, *places), x.dtype)
            np.copyto(matrix[:size].reshape(*inside, *places), seen.transpose(3, 4, 5, 0, 1, 2))
            matrix[size:] = last or 0.0
            return matrix.reshape(size + extra, -1).T
        matrix = self._array(name, (*places, size + extra), x.dtype)
        np.copyto(matrix[..., :size].reshape(*places, *inside), seen)
        matrix[..., size:] = last or 0.0
        return matrix.reshape(-1, size + extra)

    def _features_after(self, features: int | None, where: str) -> int | None:
        if features is not None and features != self.in_channels:
            message = (
                f"{where} {self!r} takes {self.in_channels} channels, but gets {features}. "
                f"Write Conv2d({features}, {self.out_channels}, ...)."
            )
            raise ShapeError(message)
        return self.out_channels

    def __repr__(self) -> str:
        parts = [str(self.in_channels), str(self.out_channels), short(self.kernel_size)]
        if self.stride != (1, 1):
            parts.append(f"stride={short(self.stride)}")
        if self.padding != (0, 0):
            parts.append(f"padding={short(self.padding)}")
        if not self.bias:
            parts.append("bias=False")
        return f"Conv2d({', '.join(parts)})"
