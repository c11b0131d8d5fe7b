r"""Grades for other systems: a plain table, Canvas, Moodle.

- `Grades` are the scores of a class, read from nbgrader's gradebook;
- `FORMATS` turns them into rows: ``csv``, ``canvas``, ``moodle``; `csv_text` writes rows safely;
- `CsvExporter`, `CanvasExporter`, `MoodleExporter` do the same as plugins of nbgrader:
  ``nbgrader export --exporter=grading.export.CanvasExporter --to=grades.csv``.

>>> csv_text([["Student", "Points"], ["=HYPERLINK(1)", -1.5]])
"Student,Points\r\n'=HYPERLINK(1),-1.5\r\n"
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from grading.export._cells import csv_text
from grading.export._formats import FORMATS, Sheet
from grading.export._grades import Grades, grades_of

if TYPE_CHECKING:
    from grading.export._plugins import CanvasExporter as CanvasExporter
    from grading.export._plugins import CsvExporter as CsvExporter
    from grading.export._plugins import MoodleExporter as MoodleExporter

__all__ = [
    "FORMATS",
    "CanvasExporter",
    "CsvExporter",
    "Grades",
    "MoodleExporter",
    "Sheet",
    "csv_text",
    "grades_of",
]


def __getattr__(name: str) -> Any:
    """Import a plugin on first use: it needs nbgrader."""
    if name in __all__:  # what is imported above never comes here
        return getattr(import_module("grading.export._plugins"), name)
    message = f"module 'grading.export' has no attribute {name!r}"
    raise AttributeError(message)
