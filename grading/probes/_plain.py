"""Plain values: the only things that cross from a learner's code to whoever judges it.

A plain value is None, a bool, int, float, str, an array of a numeric, bool or text dtype, or a list
of plain values. Everything else becomes an `Opaque`, which carries the name of its type and nothing
that could run. Subclasses are rebuilt as their base, so an object that lies in ``__eq__`` or
``__array__`` has no say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_PLAIN_KINDS = "biufcU"
MAX_DEPTH = 8
MAX_ITEMS = 50_000  # in all lists together
MAX_BITS = 1_000  # what still converts to a float


@dataclass(frozen=True)
class Opaque:
    """A value that is not plain, of which only the name of its type is kept."""

    type_name: str

    __array_ufunc__ = None  # so that an array leaves the comparison with it to this class

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and self.type_name == other.type_name

    def __hash__(self) -> int:
        return hash(self.type_name)


def plain(value: Any, depth: int = 0) -> Any:
    """Rebuild ``value`` from exact built-in types and base-class arrays.

    Parameters
    ----------
    value : object
        Whatever a learner's function returned.
    depth : int, default 0
        How many lists stand around ``value``; deeper than 8 becomes an `Opaque`.

    Returns
    -------
    object
        A plain value, or an `Opaque` for anything else. Tuples become lists.

    Examples
    --------
    >>> plain((1, 2.5, "three"))
    [1, 2.5, 'three']
    >>> plain({"a": 1})
    Opaque(type_name='dict')
    """
    return _plain(value, depth, [MAX_ITEMS])


def _plain(value: Any, depth: int, items_left: list[int]) -> Any:
    kind = type(value)  # never isinstance, which believes a forged __class__
    if value is None or kind in {bool, float, str}:
        return value
    if kind is int:
        small = value.bit_length() <= MAX_BITS
        return value if small else Opaque("huge int")
    if issubclass(kind, np.generic):
        return _scalar(value)
    if issubclass(kind, np.ndarray):
        return _array(value)
    if kind in {list, tuple} and depth < MAX_DEPTH:
        items_left[0] -= len(value)
        if items_left[0] >= 0:
            return [_plain(item, depth + 1, items_left) for item in value]
    return Opaque(str(kind.__name__))


def _scalar(value: Any) -> Any:
    dtype = np.generic.dtype.__get__(value)
    if dtype.kind not in "biufU":
        return Opaque(str(dtype))
    item = np.generic.item(value)  # not value.item(), which a subclass may forge
    return float(item) if dtype.kind == "f" else item


def _array(value: Any) -> Any:
    base = np.ndarray.view(value, np.ndarray)
    if base.dtype.kind not in _PLAIN_KINDS:
        return Opaque(f"array of dtype {base.dtype}")
    return np.array(base, copy=True, subok=False)


def same(left: Any, right: Any) -> bool:
    """Tell whether two plain values are equal to the last bit (NaN equals NaN).

    Parameters
    ----------
    left, right : object
        Plain values.

    Returns
    -------
    bool
        True if type, dtype, shape and content agree.

    Examples
    --------
    >>> same([1, float("nan")], [1, float("nan")])
    True
    >>> same(1, 1.0)
    False
    """
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray):
        if left.dtype != right.dtype or left.shape != right.shape:
            return False
        return bool(np.array_equal(left, right, equal_nan=left.dtype.kind in "fc"))
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return left == right or (left != left and right != right)
    return bool(left == right)
