"""An nbgrader course of our own: everything that nbgrader scores, in two notebooks.

Partial credit, hidden tests, cells graded by hand, a task, helper files, a file that one notebook
leaves for the next; and four students, among them a wrong answer, an error and a blank.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SLUG = "hw1"
FIRST, SECOND = "a statistics", "b-report"

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "signals"
c.ExecutePreprocessor.timeout = 20
c.LimitOutput.max_lines = 50
c.LateSubmissionPlugin.penalty_method = "zero"
c.Autograde.exclude_overwriting = {"hw1": ["mine.py"]}
"""

TOOLBOX = """
def load(path):
    with open(path) as file:
        return [float(line) for line in file if line.strip()]
"""

Cell = dict[str, Any]


def cell(kind: str, source: str, name: str = "", **marks: Any) -> Cell:
    """One cell; ``marks`` are nbgrader's."""
    metadata: dict[str, Any] = {}
    if name:
        metadata["nbgrader"] = {
            "schema_version": 3,
            "grade_id": name,
            **dict.fromkeys(("grade", "solution", "locked", "task"), False),
            **marks,
        }
    made: Cell = {"cell_type": kind, "metadata": metadata, "source": source, "id": name or "c"}
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    return made


def notebook(*cells: Cell) -> dict[str, Any]:
    for i, each in enumerate(cells):
        each["id"] = f"{each['id']}-{i}"
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernelspec, "language_info": {"name": "python"}}
    return {"cells": [*cells], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def sources() -> dict[str, dict[str, Any]]:
    """The instructor's notebooks by name."""
    test = {"grade": True, "locked": True}
    by_hand = {"grade": True, "solution": True}
    first = notebook(
        cell("markdown", "# Statistics\n\n$x < y$ and `a<b`"),
        cell("code", "import numpy as np\nfrom toolbox import load"),
        cell("code", 'DATA = load("data/measurements.csv")', "setup", locked=True),
        cell(
            "code",
            "def mean(values):\n"
            "    ### BEGIN SOLUTION\n"
            "    return sum(values) / len(values)\n"
            "    ### END SOLUTION",
            "mean",
            solution=True,
        ),
        cell("code", "print(DATA)"),
        cell(
            "code",
            "assert mean([1, 2, 3]) == 2\n"
            "### BEGIN HIDDEN TESTS\n"
            'assert mean(DATA) == 2.5, "the hidden mean"\n'
            "### END HIDDEN TESTS",
            "test_mean",
            points=2,
            **test,
        ),
        cell(
            "code",
            "def spread(values):\n"
            "    ### BEGIN SOLUTION\n"
            "    return float(np.std(values))\n"
            "    ### END SOLUTION",
            "spread",
            solution=True,
        ),
        cell(
            "code",
            "points = 0.0\n"
            "points += 1.0 * (spread([1, 1]) == 0)\n"
            "points += 1.5 * (abs(spread([1, 3]) - 1) < 1e-12)\n"
            'open("left.txt", "w").write(str(points))\n'
            "points",
            "test_spread",
            points=2.5,
            **test,
        ),
        cell("code", "spread_by_hand = None  # YOUR CODE HERE", "by_hand", points=3, **by_hand),
    )
    second = notebook(
        cell("markdown", "Explain: YOUR ANSWER HERE", "explain", points=4, **by_hand),
        cell("markdown", "Draw a picture.", "draw", task=True, locked=True, points=5),
        cell("code", "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"),
        cell("code", 'assert float(open("left.txt").read()) > 1', "test_left", points=1, **test),
        cell(
            "code",
            'import os\nassert os.environ["NBGRADER_EXECUTION"] == "autograde"',
            "test_environment",
            points=0.5,
            **test,
        ),
        cell("code", "import mine\nassert mine.VALUE == 7", "test_mine", points=1, **test),
        cell("code", "assert load is not None", "test_separate", points=1, **test),
    )
    return {FIRST: first, SECOND: second}


def make_course(root: Path) -> None:
    """Write the course's configuration and its source folder."""
    folder = root / "source" / SLUG
    (folder / "data").mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    (folder / "toolbox.py").write_text(TOOLBOX, encoding="utf-8")
    (folder / "mine.py").write_text("VALUE = None\n", encoding="utf-8")
    (folder / "data" / "measurements.csv").write_text("1\n4\n", encoding="utf-8")
    for name, content in sources().items():
        (folder / f"{name}.ipynb").write_text(json.dumps(content), encoding="utf-8")


ANSWERS: dict[str, dict[str, str]] = {
    "right": {
        "mean": "def mean(values):\n    return sum(values) / len(values)",
        "spread": "def spread(values):\n    return float(np.std(values))",
        "by_hand": "spread_by_hand = 1",
        "explain": "Because $a < b$.",
    },
    "wrong": {  # the visible test passes, the hidden one does not; half of the spread
        "mean": "def mean(values):\n    return 2",
        "spread": "def spread(values):\n    print('called')\n    return 0.0",
        "explain": "No idea",
    },
    "error": {
        "mean": "def mean(values)\n    return 2",
        "spread": "def spread(values):\n    raise KeyError(values)",
    },
    "blank": {},
}
"""What the students write, by cell."""


def hand_in(root: Path, student: str, *, late: bool = False) -> Path:
    """Write a student's submission: the release with answers, and files of his or her own."""
    folder = root / "submitted" / student / SLUG
    folder.mkdir(parents=True)
    for name in (FIRST, SECOND):
        if student == "error" and name == SECOND:
            continue
        content = json.loads((root / "release" / SLUG / f"{name}.ipynb").read_text("utf-8"))
        for each in content["cells"]:
            grade_id = each["metadata"].get("nbgrader", {}).get("grade_id")
            each["source"] = ANSWERS[student].get(grade_id, each["source"])
        (folder / f"{name}.ipynb").write_text(json.dumps(content), encoding="utf-8")
    (folder / "toolbox.py").write_text("raise SystemExit('not the course's own')", "utf-8")
    if student == "right":
        (folder / "mine.py").write_text("VALUE = 7\n", encoding="utf-8")
    stamp = "2026-03-02 00:00:00 UTC" if late else "2026-02-01 00:00:00 UTC"
    (folder / "timestamp.txt").write_text(stamp, encoding="utf-8")
    return folder
