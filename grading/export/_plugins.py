"""The same tables as plugins of nbgrader.

Run, for example: ``nbgrader export --exporter=grading.export.CanvasExporter --to=grades.csv``
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbgrader.plugins import ExportPlugin
from traitlets import Bool, Dict, Unicode

from grading.export._cells import csv_text
from grading.export._formats import FORMATS
from grading.export._grades import grades_of
from grading.refusals import Refusal
from grading.reporting import write_whole

if TYPE_CHECKING:
    from nbgrader.api import Gradebook


class _Exporter(ExportPlugin):  # type: ignore[misc]  # nbgrader has no types
    """Write one of our tables."""

    format = "csv"

    bom = Bool(False, help="begin with a byte order mark, for Excel").tag(config=True)
    missing_as_zero = Bool(
        False, help="give 0 points to who handed nothing in; otherwise the score stays empty"
    ).tag(config=True)
    titles = Dict(
        key_trait=Unicode(), value_trait=Unicode(), help="titles of columns by assignment"
    ).tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Write the grades of a gradebook, as nbgrader calls it.

        Parameters
        ----------
        gradebook : Gradebook
            nbgrader's, open.

        Raises
        ------
        Refusal
            If an assignment is unknown.
        """
        slugs = [str(name) for name in self.assignment]
        unknown = set(slugs) - {each.name for each in gradebook.assignments}
        if unknown:
            msg = f"--assignment {min(unknown)}: the gradebook has no such assignment."
            raise Refusal(msg)
        grades = replace(
            grades_of(gradebook, None, slugs, self.titles),
            mend="nbgrader db student import FILE (in a class of nncourse: nncourse roster)",
        )
        wanted = {str(name) for name in self.student}
        if wanted:
            kept = tuple(one for one in grades.learners if one.id in wanted)
            grades = replace(grades, learners=kept)
        sheet = FORMATS[self.format](grades, missing_as_zero=bool(self.missing_as_zero))
        for warning in sheet.warnings:
            self.log.warning(warning)
        target = Path(self.to or f"grades-{self.format}.csv")
        write_whole(target, csv_text(sheet.rows, bom=self.bom).encode("utf-8"))
        self.log.info("Grades are in %s", target)


class CsvExporter(_Exporter):
    """nbgrader's own table, with quoted cells and without formulas."""

    format = "csv"


class CanvasExporter(_Exporter):
    """The table that Canvas imports."""

    format = "canvas"


class MoodleExporter(_Exporter):
    """The table that Moodle imports."""

    format = "moodle"
