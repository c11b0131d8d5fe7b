"""The class page, and what all pages and exports are made of.

- `ClassReader`, from `opened`, gives the `Work` of each learner: newest result and gradebook entry;
- `count`, `unit_report` and `class_page` make the page about the class;
- `page` renders self-contained HTML without scripts; `OwnFiles` never overwrites another's file.

>>> from grading.classroom import Learner
>>> Work(Learner("k", "ada"), "01-backpropagation", None).final
0.0
"""

from grading.reporting._class_page import class_page
from grading.reporting._class_report import UnitReport, unit_report
from grading.reporting._counts import UnitCounts, count
from grading.reporting._folders import ClassFolder, CourseFolder, ReleasedFolder
from grading.reporting._marks import (
    Mark,
    Recorded,
    gradebook,
    learners_part,
    mark_scheme,
    recorded,
    rubrics,
)
from grading.reporting._own_files import OwnFiles, write_whole
from grading.reporting._pages import cleaned, inline, number, page
from grading.reporting._works import (
    ClassReader,
    Work,
    cell_sources,
    declared,
    meant,
    opened,
    slugs_of,
    solution_sources,
)

__all__ = [
    "ClassFolder",
    "ClassReader",
    "CourseFolder",
    "Mark",
    "OwnFiles",
    "Recorded",
    "ReleasedFolder",
    "UnitCounts",
    "UnitReport",
    "Work",
    "cell_sources",
    "class_page",
    "cleaned",
    "count",
    "declared",
    "gradebook",
    "inline",
    "learners_part",
    "mark_scheme",
    "meant",
    "number",
    "opened",
    "page",
    "recorded",
    "rubrics",
    "slugs_of",
    "solution_sources",
    "unit_report",
    "write_whole",
]
