"""Draw pairs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from grading.reporting import cleaned, page
from grading.similarity._comparing import CONTAINED, ENOUGH, SHARE_OF_CLASS
from grading.similarity._unit import UnitMatches

MOST_PAIRS = 100
"""Pairs whose code is shown; the others are in the list only."""

_LONGEST_CODE = 20_000


def similarity_page(units: Sequence[UnitMatches]) -> str:
    """Draw what was found.

    Parameters
    ----------
    units : sequence of UnitMatches
        Assignments.

    Returns
    -------
    str
        A whole HTML document, complete in itself. It holds names and code of learners.
    """
    return page(
        "similarity/page.html.jinja",
        units=units,
        most=MOST_PAIRS,
        lines=_lines,
        enough=ENOUGH,
        contained=CONTAINED,
        share=SHARE_OF_CLASS,
    )


def _lines(text: str, marked: frozenset[int]) -> list[tuple[str, bool]]:
    """Split code into lines, and say which of them shared runs touch."""
    shown = cleaned(text[:_LONGEST_CODE]).split("\n")
    return [(line, i in marked) for i, line in enumerate(shown, start=1)]
