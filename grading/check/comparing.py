"""Compare one output with its expected value, and put the difference in one sentence.

What a learner's cell may have replaced in NumPy is not used by name here: ``isfinite`` and
``median`` are the ones that NumPy had when the check was imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grading.probes import Opaque, same, shortened
from nnlib._array import Array, BoolArray

_isfinite, _median = np.isfinite, np.median


def compare(name: str, got: Any, expected: Any, rtol: float, atol: float) -> tuple[str, str] | None:
    """Compare one output with its expected value.

    Parameters
    ----------
    name : str
        The output's name, for the sentence.
    got, expected : object
        Plain values.
    rtol, atol : float
        Relative and absolute tolerance.

    Returns
    -------
    tuple of (stage, sentence) or None
        None if they agree.

    Examples
    --------
    >>> compare("db", np.zeros(3), np.zeros(2), 1e-6, 1e-9)
    ('shape', 'db has shape (3,), expected (2,).')
    """
    if isinstance(expected, np.ndarray):
        return _compare_arrays(name, got, expected, rtol, atol)
    if isinstance(expected, bool | str) or expected is None:
        return None if same(got, expected) else _differs(name, got, expected)
    if isinstance(expected, int | float):
        return _compare_numbers(name, got, expected, rtol, atol)
    return _compare_lists(name, got, expected, rtol, atol)


def differing(got: Array, expected: Array, rtol: float, atol: float) -> BoolArray:
    """Mark the entries in which two arrays of one shape differ by more than the tolerance.

    Parameters
    ----------
    got, expected : ndarray
        Arrays of numbers.
    rtol, atol : float
        Relative and absolute tolerance.

    Returns
    -------
    ndarray of bool
        True where they differ; a NaN always differs.
    """
    with np.errstate(all="ignore"):
        close = abs(got.astype(float) - expected) <= atol + rtol * abs(expected.astype(float))
    return ~close


def _differs(name: str, got: Any, expected: Any) -> tuple[str, str]:
    if type(got) is not type(expected):
        return _mistyped(name, got, _KINDS[type(expected).__name__][0])
    return "value", f"{name} is {shortened(repr(got), 80)}, expected {expected!r}."


def _compare_numbers(
    name: str, got: Any, expected: float, rtol: float, atol: float
) -> tuple[str, str] | None:
    if isinstance(got, np.ndarray) and got.shape == () and got.dtype.kind in "iuf":
        got = got.item()
    if isinstance(got, np.ndarray):
        return "shape", f"{name} is an array of shape {got.shape}, expected one number."
    if isinstance(got, bool) or not isinstance(got, int | float):
        return _mistyped(name, got, "one number")
    if not _isfinite(float(got)):
        return "finite", f"{name} is {got}, expected a finite number near {expected:.6g}."
    if abs(got - expected) <= atol + rtol * abs(expected):
        return None
    came, wanted = _apart(float(got), float(expected))
    factor = _common_factor(np.array([float(got)]), np.array([float(expected)]))
    if isinstance(expected, int):
        factor = ""  # a size or a count: its ratio says nothing
    return "value", f"{name} is {came}, expected {wanted}{factor}."


def _compare_arrays(
    name: str, got: Any, expected: np.ndarray[Any, Any], rtol: float, atol: float
) -> tuple[str, str] | None:
    if not isinstance(got, np.ndarray):
        return _mistyped(name, got, f"a NumPy array of shape {expected.shape}")
    if got.dtype.kind not in "biuf":
        return "type", f"{name} has dtype {got.dtype}, expected {expected.dtype}."
    if got.shape != expected.shape:
        turned = " It looks transposed." if got.shape == expected.shape[::-1] else ""
        return "shape", f"{name} has shape {got.shape}, expected {expected.shape}.{turned}"
    if expected.dtype.kind == "f" and got.dtype.kind == "f" and got.dtype.itemsize < 8:
        return "type", f"{name} has dtype {got.dtype}, expected float64: precision was lost."
    bad = ~_isfinite(got)
    if bad.any():
        first = _index(bad, int(bad.argmax()))
        n_bad = f"{int(bad.sum())} of {bad.size} entries that are NaN or infinite"
        return "finite", f"{name} has {n_bad}, the first at {first}."
    wrong = differing(got, expected, rtol, atol)
    if not wrong.any():
        return None
    with np.errstate(all="ignore"):
        flat = int(abs(got.astype(float) - expected).argmax())
    came, wanted = _apart(float(got.ravel()[flat]), float(expected.ravel()[flat]))
    factor = _common_factor(got, expected) if expected.dtype.kind == "f" else ""
    return "value", (
        f"{name} is wrong in {int(wrong.sum())} of {wrong.size} entries{factor}. "
        f"The largest difference is at {_index(wrong, flat)}: got {came}, expected {wanted}."
    )


def _compare_lists(
    name: str, got: Any, expected: list[Any], rtol: float, atol: float
) -> tuple[str, str] | None:
    if isinstance(got, np.ndarray):
        got = got.tolist()
    if not isinstance(got, list):
        stage, sentence = _mistyped(name, got, f"a list or tuple of {len(expected)}")
        if type(got) is int and len(expected) == 1:
            sentence += f" `({got})` is just a number; a tuple of one needs a comma: `({got},)`."
        return stage, sentence
    if len(got) != len(expected):
        n = len(got)
        entries = "entry" if n == 1 else "entries"
        return "shape", f"{name} has {n} {entries}, expected {len(expected)}."
    for i, (left, right) in enumerate(zip(got, expected, strict=True)):
        found = compare(f"{name}[{i}]", left, right, rtol, atol)
        if found:
            return found
    return None


def _apart(left: float, right: float) -> tuple[str, str]:
    """Write two different numbers with as many digits as it takes to see that they differ."""
    for digits in (6, 9, 12):
        if f"{left:.{digits}g}" != f"{right:.{digits}g}":
            return f"{left:.{digits}g}", f"{right:.{digits}g}"
    return repr(left), repr(right)


def _common_factor(got: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> str:
    """Name the factor between two arrays where one number explains every entry."""
    with np.errstate(all="ignore"):
        size = abs(expected.astype(float))
        scale = size.max(initial=0.0)
        if not scale > 0 or not _isfinite(got).all():
            return ""
        large = size > 1e-6 * scale
        ratio = float(_median(got[large].astype(float) / expected[large]))
        error = abs(got - ratio * expected)
    if (
        abs(ratio) < 1e-12
        or abs(ratio - 1) < 1e-6
        or not (error <= 1e-6 * abs(ratio) * scale).all()
    ):
        return ""
    if expected.size == 1 and not _is_plain(ratio):
        return ""  # one entry: any two numbers have a ratio, only a plain one is telling
    if abs(ratio + 1) < 1e-6:
        return "; the sign is opposite" if expected.size == 1 else "; every sign is opposite"
    every = "it is" if expected.size == 1 else "every entry is"
    return f"; {every} {ratio:.4g} times what is expected"


def _is_plain(ratio: float) -> bool:
    """Tell whether a factor is a half or a whole number, or one over a small whole number."""
    return any(
        abs(r - round(r)) < 1e-6 and 1 <= abs(round(r)) <= 64 for r in (2 * ratio, 1 / ratio)
    )


_CALL_MENDS = dict.fromkeys(
    ("function", "method", "builtin_function_or_method", "_ArrayFunctionDispatcher", "ufunc"),
    ("a function", " Are the brackets of its call missing?"),
)
_KINDS: dict[str, tuple[str, str]] = {
    **_CALL_MENDS,
    "NoneType": ("None", " Is the return line missing?"),
    "array of dtype object": ("an array of dtype object", " Do its rows differ in length?"),
    "bool": ("a bool", ""),
    "coroutine": ("a coroutine", " Remove `async` before its `def`."),
    "float": ("a number", ""),
    "generator": ("a generator", " `return` should stand where `yield` does."),
    "int": ("a whole number", ""),
    "list": ("a list or tuple", ""),
    "str": ("text", ""),
    "type": ("a class", " Are the brackets of its call missing?"),
    "huge int": ("a whole number of more than 300 digits", ""),
}


def _mistyped(name: str, value: Any, expected: str) -> tuple[str, str]:
    """Say what came in place of ``expected``, and what may have led to it."""
    if isinstance(value, np.ndarray):
        kind, mend = f"an array of shape {value.shape}", ""
    else:
        named = value.type_name if isinstance(value, Opaque) else type(value).__name__
        kind, mend = _KINDS.get(named, (f"of type {shortened(named, 60)}", ""))
    return "type", f"{name} is {kind}, expected {expected}.{mend}"


def _index(array: np.ndarray[Any, Any], flat: int) -> str:
    """Write the position of a flat index: [1, 2]."""
    position = []
    for size in reversed(array.shape):
        flat, i = divmod(flat, size)
        position.append(str(i))
    return f"[{', '.join(reversed(position))}]"
