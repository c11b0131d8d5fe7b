"""Run plain nbgrader on both courses, in one process, and write down what it recorded.

Started by the tests as a program of its own: ``python plain_nbgrader.py FOLDER``. The commands are
nbgrader's own applications; one process for all of them saves seconds of imports each.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import nbgrader
from nbgrader.api import Gradebook
from nbgrader.apps import AutogradeApp, GenerateAssignmentApp, QuickStartApp

from tests.grading.kernel import courses

DOCUMENTED = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide" / "submitted"


def run(app: type[Any], folder: Path, *arguments: str) -> float:
    """Run an application of nbgrader in a folder; return the seconds it took."""
    os.chdir(folder)
    app.clear_instance()
    began = time.perf_counter()
    made = app.instance()
    made.initialize([*arguments])
    made.start()
    app.clear_instance()
    return time.perf_counter() - began


def quickstart(folder: Path) -> float:
    """Make nbgrader's example course, and grade the submissions of its own documentation."""
    # It adds three students by a command each, in the wrong folder at that.
    original = subprocess.call
    subprocess.call = lambda command, **options: (
        0 if "db" in command else original(command, **options)
    )
    run(QuickStartApp, folder, "course101")
    subprocess.call = original
    root = folder / "course101"
    run(GenerateAssignmentApp, root, "ps1")
    for student in ("bitdiddle", "hacker"):
        shutil.copytree(DOCUMENTED / student / "ps1", root / "submitted" / student / "ps1")
    return run(AutogradeApp, root, "ps1")


def own_course(folder: Path) -> float:
    """Make our course, and grade its four students."""
    root = folder / "signals é"
    root.mkdir()
    courses.make_course(root)
    run(GenerateAssignmentApp, root, courses.SLUG)
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "signals") as gradebook:
        gradebook.update_or_create_assignment(courses.SLUG, duedate=datetime(2026, 3, 1))
    for student in courses.ANSWERS:
        courses.hand_in(root, student, late=student == "wrong")
    return run(AutogradeApp, root, courses.SLUG)


def recorded(root: Path, course_id: str, slug: str) -> dict[str, Any]:
    """Read scores, waiting for a person, and penalties from the gradebook."""
    found: dict[str, Any] = {}
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", course_id) as gradebook:
        for submission in gradebook.assignment_submissions(slug):
            found[submission.student.id] = {
                book.name: {
                    "penalty": book.late_submission_penalty or 0.0,
                    "cells": {
                        grade.name: [grade.auto_score, grade.max_score, grade.needs_manual_grade]
                        for grade in book.grades
                    },
                }
                for book in submission.notebooks
            }
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    scripts = sysconfig.get_path("scripts")  # nbgrader calls alembic by its name
    os.environ["PATH"] = os.pathsep.join([scripts, os.environ["PATH"]])
    folder = Path(sys.argv[1])
    seconds = {"ps1": quickstart(folder), courses.SLUG: own_course(folder)}
    scores = {
        "ps1": recorded(folder / "course101", "course101", "ps1"),
        courses.SLUG: recorded(folder / "signals é", "signals", courses.SLUG),
    }
    result = {"seconds": seconds, "scores": scores}
    (folder / "plain.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
