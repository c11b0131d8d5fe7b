"""Write plain values so that a learner can read and compare them.

Small arrays are written in full, with one number of digits for both sides of a comparison, enough
to see every difference. The entries that differ carry a mark, so nothing hangs on colour.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from grading.check.comparing import differing
from grading.exercises import FunctionFixture
from grading.probes import shortened
from nnlib._array import BoolArray

MAX_SHOWN_ENTRIES = 60
MAX_COLUMNS = 10
_DIGITS = (4, 7, 10, 13)

Mark = tuple[str, str]
PLAIN: Mark = ("", "")
"""What stands before and after an entry that differs."""


def shown(value: Any) -> str:
    """Write a plain value so that it fits a report: small ones whole, large ones by shape.

    Parameters
    ----------
    value : object
        A plain value or a function fixture.

    Returns
    -------
    str
        One or a few lines.

    Examples
    --------
    >>> print(shown(np.array([[1.0, -2.5], [10.0, 0.25]])))
    [[ 1.00 -2.50]
     [10.00  0.25]]
    >>> shown([1, 0.5, "text"])
    "[1, 0.5, 'text']"
    """
    if isinstance(value, FunctionFixture):
        given = ", ".join(f"{name} = {shown(part)}" for name, part in value.parameters.items())
        return f"a function, {value.name.replace('_', ' ')}{f' with {given}' if given else ''}"
    if isinstance(value, np.ndarray):
        return _array(value, _number_format(value, _DIGITS[0]), None, PLAIN)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return _list(value)
    return shortened(repr(value), 200)


def shown_pair(
    expected: Any, got: Any, rtol: float, atol: float, mark: Mark = PLAIN
) -> tuple[str, str]:
    """Write two values to be compared, with the same digits and the differences marked.

    Parameters
    ----------
    expected, got : object
        Plain values.
    rtol, atol : float
        Tolerances, beyond which an entry of ``got`` is marked.
    mark : tuple of str
        What to put before and after an entry that differs.

    Returns
    -------
    tuple of str
        ``expected`` and ``got``.

    Examples
    --------
    >>> shown_pair(np.array([1.0, 2.0]), np.array([1.0, 2.5]), 1e-6, 1e-9, ("", "*"))
    ('[1.0 2.0]', '[1.0  2.5*]')
    """
    alike = (
        isinstance(expected, np.ndarray)
        and isinstance(got, np.ndarray)
        and expected.shape == got.shape
        and expected.dtype.kind in "biuf"
        and got.dtype.kind in "biuf"
    )
    if alike:
        wrong = differing(got, expected, rtol, atol)
        form = _format_apart(expected, got, wrong)
        return _array(expected, form, None, PLAIN), _array(got, form, wrong, mark)
    if isinstance(expected, float) and isinstance(got, float):
        left, right = f"{expected:.6g}", f"{got:.6g}"
        return (left, right) if left != right else (repr(expected), repr(got))
    return _sizes(expected), _sizes(got)


def _sizes(value: Any) -> str:
    """Write whole numbers in a list, which shapes mostly are, as the tuple that a shape is."""
    if isinstance(value, list) and value and all(type(item) is int for item in value):
        return shortened(repr(tuple(value)), 300)
    return shown(value)


def _list(value: list[Any]) -> str:
    if _n_entries(value, MAX_SHOWN_ENTRIES) > MAX_SHOWN_ENTRIES:
        return f"list of {len(value)}"
    items = [shown(item) for item in value]
    if any("\n" in item for item in items):
        return "[" + ",\n ".join(item.replace("\n", "\n ") for item in items) + "]"
    return shortened(f"[{', '.join(items)}]", 300)


def _n_entries(value: list[Any], enough: int) -> int:
    """Count what stands in nested lists, not far beyond ``enough``."""
    n = 0
    for item in value:
        n += _n_entries(item, enough) if isinstance(item, list) else 1
        if n > enough:
            break
    return n


def _array(value: np.ndarray[Any, Any], form: str, wrong: BoolArray | None, mark: Mark) -> str:
    if value.size > MAX_SHOWN_ENTRIES or (value.ndim > 1 and value.shape[-1] > MAX_COLUMNS):
        return f"array of shape {value.shape}"
    flat = value.ravel().tolist()
    entries = [f"{entry:{form}}" if form else repr(entry) for entry in flat]
    width = max(map(len, entries), default=0)
    entries = [entry.rjust(width) for entry in entries]
    if wrong is not None and wrong.any():
        marks = [mark if is_wrong else PLAIN for is_wrong in wrong.ravel().tolist()]
        entries = [
            " " * (len(entry) - len(entry.lstrip())) + a + entry.lstrip() + b
            for entry, (a, b) in zip(entries, marks, strict=True)
        ]
        if mark[1].isprintable():  # a visible mark has a width; the others make room for it
            width += len(mark[0]) + len(mark[1])
            entries = [entry.ljust(width) for entry in entries]
    return _rows(entries, value.shape, " ")


def _rows(entries: list[str], shape: tuple[int, ...], indent: str) -> str:
    """Set entries in brackets as NumPy does."""
    if not shape:
        return entries[0]
    if len(shape) == 1:
        starts = range(0, len(entries), MAX_COLUMNS)
        lines = [" ".join(entries[start : start + MAX_COLUMNS]) for start in starts]
        return "[" + f"\n{indent}".join(lines).rstrip() + "]"
    step = len(entries) // shape[0] if shape[0] else 0
    blocks = [
        _rows(entries[i * step : (i + 1) * step], shape[1:], indent + " ") for i in range(shape[0])
    ]
    return "[" + ("\n" * (len(shape) - 1) + indent).join(blocks) + "]"


def _format_apart(
    expected: np.ndarray[Any, Any], got: np.ndarray[Any, Any], wrong: BoolArray
) -> str:
    """Choose digits with which every two entries that differ also look different."""
    pairs = list(zip(expected[wrong].tolist(), got[wrong].tolist(), strict=True))
    if expected.dtype.kind != "f" and got.dtype.kind != "f":
        return _number_format(got, 0)
    both = np.concatenate([expected.ravel().astype(float), got.ravel().astype(float)])
    form = ""
    for digits in _DIGITS:
        form = _number_format(both, digits)
        if all(f"{left:{form}}" != f"{right:{form}}" for left, right in pairs):
            break
    return form


def _number_format(value: np.ndarray[Any, Any], digits: int) -> str:
    """Choose one format for all: ``digits`` decimals without the zeros that all end in."""
    if value.dtype.kind != "f":
        return "d" if value.dtype.kind in "iu" else ""
    sizes = [abs(entry) for entry in value.ravel().tolist() if math.isfinite(entry) and entry]
    if sizes and (max(sizes) >= 1e6 or max(sizes) < 10.0**-digits * 10):
        return f".{digits}e"
    decimals = [f"{size:.{digits}f}".rstrip("0").partition(".")[2] for size in sizes]
    return f".{max(map(len, decimals), default=0) or 1}f"
