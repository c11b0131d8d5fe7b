"""What a message of Python or NumPy means to someone who learns both: one sentence after the fact.

Each entry of ``_TABLE`` is a pattern of the message and the sentence that follows it. A message
that fits none is left to speak for itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence

from grading.probes import Problem

_LIST = (
    "A list is not an array: `np.array(...)` makes one, which adds and multiplies entry by entry."
)
_POWER = "In Python a power is written `**`, not `^`."
_WHOLE = "An index is a whole number: `/` gives a float, `//` divides to a whole number."
_ONE_NUMBER = (
    "Here one number is wanted and an array came: keep the array, or make one number of it with "
    "`np.sum` or `np.mean`."
)
_UNPACKING = (
    "The left of `=` names more or fewer things than the right holds: the shape of a matrix has "
    "two entries, that of a vector one."
)


def explanation(problem: Problem, arguments: Sequence[str] = ()) -> str:
    """Explain an error in one sentence.

    Parameters
    ----------
    problem : Problem
        What the probe wrote down.
    arguments : sequence of str
        Names of the function's arguments, among which a misspelled name may belong.

    Returns
    -------
    str
        The sentence; empty for a message that is not known.

    Examples
    --------
    >>> explanation(Problem("error", "ufunc 'bitwise_xor' not supported", "TypeError"))
    'In Python a power is written `**`, not `^`.'
    """
    if problem.kind != "error":
        return ""
    for pattern, told in _TABLE:
        match = re.search(pattern, f"{problem.type_name}: {problem.detail}")
        if match:
            return told if isinstance(told, str) else told(match, problem, arguments)
    return ""


def _product(match: re.Match[str], problem: Problem, _: Sequence[str]) -> str:
    """Name the shapes that met: those of the arrays in the line, or the two sizes."""
    ask = "in a matrix product the inner sizes must agree: is one of them to be transposed (`.T`)?"
    if len(problem.shapes) > 1:
        met = [f"`{name}` has shape {shape}" for name, shape in problem.shapes[:3]]
        return f"{', '.join(met[:-1])} and {met[-1]}; {ask}"
    return f"The sizes {match[1]} and {match[2]} meet; {ask}"


def _unknown_name(match: re.Match[str], problem: Problem, arguments: Sequence[str]) -> str:
    name = match[1]
    known = {known.lower(): known for known in (*problem.names, *arguments, "np")}
    known.pop("", None)
    if name in {"torch", "nnlib", "scipy", "math"}:
        return f"`{name}` is not imported in this notebook: NumPy, as `np`, is enough here."
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    if near:
        capitals = " Capitals count." if near[0] == name.lower() else ""
        return f"Did you mean `{known[near[0]]}`?{capitals}"
    return f"`{name}` has no value here: is it spelled as where it was defined, and defined before?"


def _outside(match: re.Match[str], *_: object) -> str:
    size = int(match[2])
    if size == 0:
        return "That axis has no entries at all."
    return f"Counting begins at 0, so the last of {size} has the index {size - 1}."


_TABLE: tuple[tuple[str, str | Callable[[re.Match[str], Problem, Sequence[str]], str]], ...] = (
    (
        r"truth value of an array",
        "An array holds many entries, and `if`, `and` and `max(x, 0)` ask about one: compare all "
        "at once, as in `x > 0`, and multiply or use `np.maximum`.",
    ),
    (r"mismatch in its core dimension .*\(size (\d+) is different from (\d+)\)", _product),
    (r"shapes .* not aligned: (\d+) \(dim \d+\) != (\d+)", _product),
    (
        r"does not have enough dimensions",
        "`@` multiplies matrices and vectors; for a number use `*`.",
    ),
    (
        r"operands could not be broadcast together|broadcast output operand|non-broadcastable",
        "`*`, `+` and `-` work entry by entry and need fitting shapes; a matrix product is `@`; a "
        "sum that should keep its axis needs `keepdims=True`.",
    ),
    (r"ufunc 'bitwise_xor' not supported", _POWER),
    (r"unsupported operand type\(s\) for \^=?:", _POWER),
    (r"'NoneType'", "`None` is what a function without `return` gives: where does it come from?"),
    (r"(too many|not enough) values to unpack|cannot unpack non-iterable", _UNPACKING),
    (r"only integer|(list|tuple) indices must be integers", _WHOLE),
    (r"'(float|numpy\.float\d+)' object cannot be interpreted as an integer", _WHOLE),
    (r"converted to Python scalars|setting an array element with a sequence", _ONE_NUMBER),
    (r"NameError: .*name '(\w*)' is not defined", _unknown_name),
    (
        r"cannot access local variable '(\w*)'|local variable '(\w*)' referenced before",
        "The function gives that name a value further down, or in a branch that did not run: set "
        "it before this line.",
    ),
    (r"index (-?\d+) is out of bounds for axis \d+ with size (\d+)", _outside),
    (r"(list|tuple|string) index out of range", "Counting begins at 0, and that index is past the "
     "end; the shape of a vector has one entry, `x.shape[0]`."),
    (
        r"too many indices for array",
        "There are more indices than axes: a vector takes one, a matrix two; `x.shape` tells.",
    ),
    (r"operand type\(s\) for .*'(list|tuple)'|can't multiply sequence", _LIST),
    (r"'(list|tuple)' object has no attribute '(shape|T|sum|mean|size|ndim|copy|dot)'", _LIST),
    (r"between instances of '(list|tuple)'", _LIST),
    (
        r"'numpy.ndarray' object is not callable",
        "Round brackets call a function: entries are taken with square ones, `x[i]`, and a product "
        "needs its `*` or `@`.",
    ),
    (
        r"'(float|int|numpy\.float\d+)' object is not callable",
        "Round brackets after a number are a call: a product needs its `*`.",
    ),
    (
        r"Cannot interpret '\d+' as a data type",
        "A shape is one argument, in brackets of its own: `np.zeros((3, 2))`.",
    ),
    (
        r"_UFuncOutputCastingError|Cannot cast ufunc",
        "An array of whole numbers cannot take floats in place: begin with floats, `np.zeros(n)`.",
    ),
    (
        r"cannot reshape array of size",
        "The new shape must have as many entries as the array: its sizes multiply to that number.",
    ),
    (r"axis \d+ is out of bounds", "A matrix has the axes 0 and 1, a vector only 0."),
)  # fmt: skip
