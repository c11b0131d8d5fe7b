"""Windows that slide over images: what convolution and pooling share.

A window is kh rows by kw columns of an image, with all channels. ``windows`` shows every window of
every image without copying; ``add_windows`` is its transpose: it adds one array for each window
back to the pixels the window covers. The gradient of anything computed from windows goes that way.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from numpy.lib.stride_tricks import as_strided

from nnlib._array import Array, check_count
from nnlib.errors import ArgumentError, ShapeError
from nnlib.layers._fused import kernels

Pair: TypeAlias = tuple[int, int]
"""Rows and columns: of a kernel, a stride or a padding."""


def as_pair(value: object, name: str, where: str, minimum: int = 1) -> Pair:
    """Return a count, or a pair of counts, as (rows, columns)."""
    if not isinstance(value, tuple | list):
        count = check_count(value, name, where, minimum)
        return count, count
    if len(value) != 2:
        message = f"{where}: {name} is {value!r}, expected one whole number or (rows, columns)."
        raise ArgumentError(message)
    rows, columns = (check_count(part, name, where, minimum) for part in value)
    return rows, columns


def short(pair: Pair) -> str:
    """Write a pair as it would be given: one number where both agree."""
    return str(pair[0]) if pair[0] == pair[1] else str(pair)


def check_images(x: Array, channels: int | None, where: str) -> Array:
    """Return x after checking that it holds images (N, H, W, C), of so many channels if given."""
    if x.ndim == 4 and channels in {None, x.shape[-1]}:
        return x
    hint = ""
    if x.ndim == 4 and x.shape[1] == channels:
        hint = " It looks like (N, C, H, W): x.transpose(0, 2, 3, 1)."
    elif x.ndim == 3 and channels == 1 and x.shape[-1] != 1:
        hint = " The channel axis is missing: x[..., np.newaxis]."
    elif x.ndim == 3:
        hint = " One image is a batch too: x[np.newaxis]."
    wanted = "(N, H, W, C)" if channels is None else f"(N, H, W, {channels})"
    message = f"{where} has shape {x.shape}, expected {wanted}.{hint}"
    raise ShapeError(message)


def count_windows(size: Pair, kernel: Pair, stride: Pair, where: str) -> Pair:
    """Return how many windows fit, from top to bottom and from left to right."""
    if size[0] < kernel[0] or size[1] < kernel[1]:
        message = (
            f"{where} holds images of {size[0]} x {size[1]}, expected at least "
            f"{kernel[0]} x {kernel[1]}, the window. Use larger images or a smaller window."
        )
        raise ShapeError(message)
    rows, columns = ((s - k) // step + 1 for s, k, step in zip(size, kernel, stride, strict=True))
    return rows, columns


def windows(x: Array, kernel: Pair, stride: Pair) -> Array:
    """Show each window of x (..., H, W, C) as (..., rows, columns, kh, kw, C), without copying."""
    *lead, height, width, channels = x.shape
    *lead_strides, down, right, along = x.strides
    (kh, kw), (sh, sw) = kernel, stride
    shape = (*lead, (height - kh) // sh + 1, (width - kw) // sw + 1, kh, kw, channels)
    strides = (*lead_strides, sh * down, sw * right, down, right, along)
    return as_strided(x, shape, strides, writeable=False)


def add_windows(dx: Array, dwindows: Array, stride: Pair) -> None:
    """Add to dx (..., H, W, C) what stands in dwindows (..., rows, columns, kh, kw, C).

    Windows overlap, so a pixel may get several shares. One place in the kernel gives each window
    another pixel: kh · kw sums over whole arrays do it, without a loop over pixels.
    """
    compiled = kernels(dx, dwindows) if dwindows.ndim == 6 else None
    if compiled:
        compiled.add_windows(dx, dwindows, stride, (0, 0))
        return
    kh, kw = dwindows.shape[-3:-1]
    for i in range(kh):
        for j in range(kw):
            reached = at_offset(dx, (i, j), dwindows.shape[-5:-3], stride)
            reached += dwindows[..., i, j, :]


def at_offset(x: Array, offset: Pair, count: tuple[int, ...], stride: Pair) -> Array:
    """Show the pixel of x (..., H, W, C) at one place of every window: (..., rows, columns, C)."""
    (i, j), (rows, columns), (sh, sw) = offset, count, stride
    return x[..., i : i + rows * sh : sh, j : j + columns * sw : sw, :]


def crop(padded: Array, padding: Pair) -> Any:
    """Show the images without their border."""
    (ph, pw), (height, width) = padding, padded.shape[-3:-1]
    return padded[..., ph : height - ph, pw : width - pw, :]
