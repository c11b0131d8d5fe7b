"""A small released assignment with every kind of cell, learners, and results for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.utils import compute_checksum

from grading.assignments import AssignmentVersion
from grading.gradebook import Keep, Record
from grading.results import CellResult, NotebookResult, Result, Status

SLUG = "01-made-up"
HANDED_IN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DUE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CHECKS = {"check_f": 2.0, "check_g": 3.0}
ESSAY = 4.0
TASK = 1.0


@dataclass(frozen=True)
class Person:
    """What `grading.classroom.Learner` is, as far as the gradebook is concerned."""

    id: str
    first_name: str = "Ada"
    last_name: str = "Lovelace"
    email: str = "ada@example.org"
    lms_user_id: str = "17"


def cell(
    name: str,
    source: str,
    *,
    kind: str = "code",
    grade: bool = False,
    solution: bool = False,
    task: bool = False,
    points: float | None = None,
) -> dict[str, Any]:
    marks: dict[str, Any] = {
        "grade": grade,
        "grade_id": name,
        "locked": grade and not solution,
        "schema_version": 3,
        "solution": solution,
        "task": task,
        "cell_type": kind,
    }
    if points is not None:
        marks["points"] = points
    made: dict[str, Any] = {
        "cell_type": kind,
        "id": name.replace("_", "-"),
        "metadata": {"nbgrader": marks},
        "source": source,
    }
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    marks["checksum"] = compute_checksum(nbformat.from_dict(made))
    return made


def notebook(*, without: str = "", more: dict[str, Any] | None = None) -> dict[str, Any]:
    cells = [
        cell("f", "def f(): ...", solution=True),
        cell("check_f", "check('f')", grade=True, points=CHECKS["check_f"]),
        cell("g", "def g(): ...", solution=True),
        cell("check_g", "check('g')", grade=True, points=CHECKS["check_g"]),
        cell("essay", "Why?", kind="markdown", grade=True, solution=True, points=ESSAY),
        cell("task", "Draw it.", kind="markdown", task=True, points=TASK),
    ]
    kept = [each for each in cells if each["metadata"]["nbgrader"]["grade_id"] != without]
    return {
        "cells": kept + ([more] if more else []),
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def version(content: dict[str, Any] | None = None, slug: str = SLUG) -> AssignmentVersion:
    return AssignmentVersion(slug, json.dumps(content or notebook()), b"secret")


def answered(*names: str, outputs: str = "") -> str:
    """The autograded notebook after some cells were answered."""
    content = notebook()
    for each in content["cells"]:
        name = each["metadata"]["nbgrader"]["grade_id"]
        if name in names:
            each["source"] += f"\n# answered {outputs}"
    return json.dumps(content)


def result_of(
    f: float | None = 2.0,
    g: float | None = 1.5,
    *,
    status: Status = "ok",
    cell_status: Any = "ok",
    answers: tuple[str, ...] = ("f", "g", "essay"),
    text: str = "",
) -> Result:
    cells = (
        CellResult("check_f", f, CHECKS["check_f"], cell_status),
        CellResult("check_g", g, CHECKS["check_g"], cell_status),
        CellResult("essay", None, ESSAY, "manual"),
        CellResult("task", None, TASK, "manual"),
    )
    shown = answered(*answers, outputs=text)
    return Result("k", "s", "v", status, (NotebookResult(SLUG, cells, shown),))


def record(
    root: Path,
    result: Result | None = None,
    *,
    who: str | Person = "ada",
    handed_in: datetime | None = HANDED_IN,
    penalty: Any = 0.0,
    keep: Keep = "latest",
    slug: str = SLUG,
) -> Record:
    learner = who if isinstance(who, Person) else Person(who)
    return Record(
        learner=learner,
        slug=slug,
        result=result or result_of(),
        handed_in=handed_in,
        autograded_dir=root / "autograded" / learner.id / slug,
        penalty=penalty,
        keep=keep,
    )
