"""Small notebooks, and what a gradebook would know about them."""

from __future__ import annotations

import json
from typing import Any

from grading.kernel import CourseNotebook, CourseVersion, SourceCell
from tests.grading.kernel.courses import cell, notebook

SETUP = SourceCell("setup", "code", "import math", "", locked=True, released="import math")
ANSWER = SourceCell("answer", "code", "raise NotImplementedError", "", solution=True)
TEST = SourceCell(
    "test", "code", "assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f(20) == 21\n"
    "### END HIDDEN TESTS", "", locked=True, grade=True, points=2.0, released="assert f(1) == 2\n",
)  # fmt: skip
LAST = SourceCell("last", "code", "assert True", "", locked=True, grade=True, points=1.0)
BOOK = CourseNotebook("book", (SETUP, ANSWER, TEST, LAST))
VERSION = CourseVersion("hw", (BOOK,), cell_timeout_s=5.0)


def marked(source: SourceCell, text: str | None = None, **changes: Any) -> dict[str, Any]:
    """A cell as the learner got it, with another text or other marks."""
    marks = {**source.metadata, **changes}
    made = cell(source.cell_type, source.source if text is None else text)
    made["metadata"]["nbgrader"] = marks
    return made


def submitted(answer: str, *more: dict[str, Any]) -> dict[str, bytes]:
    """A submission of the small notebook; ``more`` cells stand behind the answer."""
    return written(marked(SETUP), marked(ANSWER, answer), *more, marked(TEST), marked(LAST))


def written(*cells: dict[str, Any]) -> dict[str, bytes]:
    return {"book.ipynb": json.dumps(notebook(*cells)).encode()}
