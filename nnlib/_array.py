"""The one array type of the library, and the one door through which outside numbers enter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nnlib.errors import ArgumentError, DtypeError, ShapeError

Array: TypeAlias = NDArray[np.floating[Any]]
"""A NumPy array of floating-point numbers. Shapes live in docstrings and tests."""

IntArray: TypeAlias = NDArray[np.integer[Any]]
"""A NumPy array of integers: class labels, row numbers."""

BoolArray: TypeAlias = NDArray[np.bool_]
"""A NumPy array of truth values: masks."""

Seed: TypeAlias = np.random.Generator | int | None
"""A generator, a seed for a new one, or None for numbers that differ in every run."""

FLOAT_TYPES = (np.dtype(np.float32), np.dtype(np.float64))


def float_dtype(dtype: DTypeLike, where: str) -> np.dtype[Any]:
    """Return ``dtype`` as float32 or float64, the two that BLAS multiplies."""
    try:
        wanted = np.dtype(dtype)
    except TypeError:
        wanted = np.dtype(object)
    if wanted not in FLOAT_TYPES:
        message = f"{where}: dtype is {dtype!r}, expected np.float32 or np.float64."
        raise DtypeError(message)
    return wanted


def as_array(value: ArrayLike, dtype: np.dtype[Any] | None, where: str) -> Array:
    """Return ``value`` as a floating-point array, without a copy where it already is one.

    With ``dtype=None`` float32 and float64 stay what they are and anything else becomes float32.

    Returns
    -------
    array : ndarray of that dtype
        Perhaps ``value`` itself.

    Raises
    ------
    ShapeError
        If the rows differ in length.
    DtypeError
        If the values are not real numbers.
    """
    if isinstance(value, np.ndarray) and value.dtype == dtype:
        return value
    try:
        array = np.asarray(value)
    except ValueError as error:
        message = f"{where}: the rows differ in length, expected an array. Pad or drop rows."
        raise ShapeError(message) from error
    if array.dtype.kind not in "fiub":
        message = (
            f"{where}: dtype is {array.dtype}, expected real numbers. "
            "Convert the values with np.asarray(values, dtype=np.float32)."
        )
        raise DtypeError(message)
    if dtype is None:
        dtype = array.dtype if array.dtype in FLOAT_TYPES else FLOAT_TYPES[0]
    return array.astype(dtype, copy=False)


def as_exact_array(value: ArrayLike, where: str) -> Array:
    """Return ``value`` as a floating-point array in which whole numbers up to 2⁵³ stay apart.

    float32 and float64 stay what they are, and anything else becomes float64. Errors are those of
    ``as_array``.

    Returns
    -------
    array : ndarray of float32 or float64
        Perhaps ``value`` itself.
    """
    dtype = getattr(value, "dtype", None)
    kept = dtype if isinstance(dtype, np.dtype) and dtype in FLOAT_TYPES else FLOAT_TYPES[1]
    return as_array(value, kept, where)


def as_whole_numbers(value: ArrayLike, where: str) -> IntArray:
    """Return ``value`` as an array of integers; floats pass where each of them is whole.

    Returns
    -------
    array : ndarray of integers
        Perhaps ``value`` itself.

    Raises
    ------
    ShapeError
        If the rows differ in length.
    DtypeError
        If a value is not a whole number.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu":
        return value
    numbers = as_array(value, None, where)
    whole: IntArray = np.asarray(value)
    if whole.dtype.kind in "iu":
        return whole
    # An integer holds no infinity and no nan: those compare unequal to themselves cut off.
    cut = np.trunc(numbers)
    bad = ~((cut == numbers) & (abs(cut) < 2.0**53))
    if bad.any():
        message = (
            f"{where}: holds {numbers[bad][0]:g}, expected whole numbers. "
            "Number the words, or whatever is looked up, from 0."
        )
        raise DtypeError(message)
    return cut.astype(np.intp)


def as_generator(seed: object, where: str) -> np.random.Generator:
    """Return ``seed`` if it is a generator, else a new generator that starts from it."""
    if isinstance(seed, np.random.Generator):
        return seed
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0
    if whole or seed is None:
        return np.random.default_rng(seed)  # type: ignore[arg-type]  # checked just above
    message = (
        f"{where}: rng is {seed!r:.60}, expected a whole number of at least 0, "
        "a generator such as np.random.default_rng(0), or None."
    )
    raise ArgumentError(message)


def instance_hint(value: object) -> str:
    """Return the mend for a class that stands where an object of it is wanted, else nothing."""
    return " Create it with parentheses." if isinstance(value, type) else ""


def check_shape(array: np.ndarray[Any, Any], expected: Sequence[int], where: str, why: str) -> None:
    """Raise ``ShapeError`` unless ``array`` has exactly the shape ``expected``."""
    wanted = tuple(expected)
    if array.shape == wanted:
        return
    hint = " It looks transposed." if array.ndim == 2 and array.shape == wanted[::-1] else ""
    message = f"{where} has shape {array.shape}, expected {wanted} {why}.{hint}"
    raise ShapeError(message)


def check_number(
    value: object, name: str, where: str, *, below: float = np.inf, positive: bool = False
) -> float:
    """Return ``value`` as a float of at least 0 (above 0 if ``positive``) and below ``below``."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool | complex):
        number = float(value)
        if 0 <= number < below and not (positive and number <= 0):
            return number
    expected = "above 0" if positive else "of at least 0"
    expected += f" and below {below:g}" if below < np.inf else ""
    message = f"{where}: {name} is {value!r}, expected a number {expected}."
    raise ArgumentError(message)


def check_count(value: object, name: str, where: str, minimum: int = 1) -> int:
    """Return ``value`` as an int that is at least ``minimum``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        message = f"{where}: {name} is {value!r}, expected a whole number of at least {minimum}."
        raise ArgumentError(message)
    return int(value)
