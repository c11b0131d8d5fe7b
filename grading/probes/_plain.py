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
MAX_ITEMS = 100_000


@dataclass(frozen=True)
class Opaque:
    """A value that is not plain, of which only the name of its type is kept."""

    type_name: str


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
    kind = type(value)
    if value is None or kind in {bool, int, float, str}:
        return value
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in _PLAIN_KINDS else Opaque(kind.__name__)
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in _PLAIN_KINDS:
            return Opaque(f"array of dtype {value.dtype}")
        return np.array(np.ndarray.view(value, np.ndarray), copy=True, subok=False)
    if kind in {list, tuple} and depth < MAX_DEPTH and len(value) <= MAX_ITEMS:
        return [plain(item, depth + 1) for item in value]
    return Opaque(kind.__name__)


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
