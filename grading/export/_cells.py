"""Write rows as CSV that no spreadsheet takes for a program.

A text that a spreadsheet would read as a formula gets an apostrophe before it, which spreadsheets
take as "this is text". Numbers of ours stay numbers, below zero too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from grading.reporting import cleaned

Cell = str | float | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\u2212")
"""What begins a formula, full-width forms included."""

BOM = "\ufeff"
"""Tells Excel that a file is UTF-8."""


def csv_text(rows: Iterable[Sequence[Cell]], *, bom: bool = False) -> str:
    r"""Write rows as CSV, as RFC 4180 has it.

    Parameters
    ----------
    rows : iterable of sequence of str, float or None
        Cells; None is an empty one.
    bom : bool, default False
        Begin with a byte order mark, which Excel needs to read accents.

    Returns
    -------
    str
        Lines ended by ``"\r\n"``.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_written(cell) for cell in row] for row in rows)
    return (BOM if bom else "") + text.getvalue()


def safe(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would compute.

    Parameters
    ----------
    text : str
        Anything, perhaps hostile.

    Returns
    -------
    str
        Without control characters.

    Examples
    --------
    >>> safe("=1+1"), safe("Ada"), safe(" @SUM(A1)")
    ("'=1+1", 'Ada', "' @SUM(A1)")
    """
    begins = text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA)
    return ("'" if begins else "") + cleaned(text)


def decimal(value: float) -> str:
    """Write a number with a point, at most four decimals and no exponent."""
    return f"{round(float(value), 4) + 0.0:.4f}".rstrip("0").rstrip(".")


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    return safe(cell) if isinstance(cell, str) else decimal(cell)
