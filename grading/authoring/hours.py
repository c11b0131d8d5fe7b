"""How long a unit takes a learner: reading, exercises and figures."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from grading.authoring import cells
from grading.authoring.declarations import Declaration

__all__ = ["Estimate", "estimate"]

_WORDS_PER_MINUTE = 150
_MINUTES_PER_FIGURE = 5
_QUESTIONS = frozenset({"Prediction", "Question", "SelfCheck"})
_MATHEMATICS = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)


@dataclass(frozen=True)
class Estimate:
    """Minutes by what they are spent on.

    Parameters
    ----------
    reading, exercises, figures : float
        Minutes.
    """

    reading: float
    exercises: float
    figures: float

    @property
    def hours(self) -> float:
        """The sum, in hours."""
        return (self.reading + self.exercises + self.figures) / 60

    def __str__(self) -> str:
        return (
            f"{self.hours:.1f} h (reading {self.reading:.0f} min, core exercises "
            f"{self.exercises:.0f} min, figures {self.figures:.0f} min)"
        )


def estimate(notebook: cells.Notebook, exercises: Iterable[Declaration]) -> Estimate:
    """Estimate a unit's duration by the syllabus's rule.

    Words at 150 a minute, a formula counting as one word; the minutes of the core exercises; five
    minutes for each live figure. Predictions and the self-check are read, not played with: they
    count as no figures.

    Parameters
    ----------
    notebook : Notebook
        Expanded.
    exercises : iterable of Declaration
        The unit's exercises.

    Returns
    -------
    Estimate
        Minutes for each of the three.
    """
    prose = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    words = len(_MATHEMATICS.sub("formula", prose).split())
    figures = len(_figures(notebook))
    minutes = sum(declared.minutes for declared in exercises if declared.tier == "core")
    return Estimate(words / _WORDS_PER_MINUTE, float(minutes), float(figures * _MINUTES_PER_FIGURE))


def _figures(notebook: cells.Notebook) -> set[str]:
    """Return the classes of live figures that the notebook imports."""
    found: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type == "code" and "figure" in cells.tags(cell):
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.ImportFrom) and node.module == "nnlib.widgets":
                    found |= {alias.name for alias in node.names}
    return found - _QUESTIONS
