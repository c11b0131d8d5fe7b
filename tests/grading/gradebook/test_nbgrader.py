"""nbgrader's own commands work on what we recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from grading.authoring.nbgrading import CourseExecute
from grading.gradebook import Writer
from grading.results import CellResult, NotebookResult, Result
from tests.grading.gradebook.cases import DUE, HANDED_IN, SLUG, Person, cell, record, version
from tests.grading.gradebook.reading import rows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # nbgrader, nbconvert and ipykernel bring many
]


def submitted() -> dict[str, Any]:
    """A submission whose checks hold plain code, so that plain nbgrader can score it."""
    return {
        "cells": [
            cell("f", "def f(): return 1", solution=True),
            cell("check_f", "assert f() == 1", grade=True, points=2.0),
            cell("g", "def g(): ...", solution=True),
            cell("check_g", "1.5", grade=True, points=3.0),
            cell("check_h", "assert False", grade=True, points=1.0),
            cell("essay", "Why?", kind="markdown", grade=True, solution=True, points=4.0),
            cell("task", "Draw it.", kind="markdown", task=True, points=1.0),
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def config(root: Path, url: str) -> Config:
    made = Config()
    made.CourseDirectory.root = str(root)
    made.CourseDirectory.db_url = url
    made.CourseDirectory.course_id = "nn"
    made.CourseDirectory.source_directory = "source"
    made.ClearSolutions.enforce_metadata = False
    made.Autograde.autograde_preprocessors = [
        CourseExecute,
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
    ]
    return made


def test_gradebook_equals_that_of_nbgrader_autograde(tmp_path: Path) -> None:
    """The same submission, graded by plain nbgrader and recorded by us, row by row."""
    released = submitted()
    released["cells"][0] = cell("f", "def f(): ...", solution=True)
    theirs, ours = (f"sqlite:///{tmp_path}/{name}.db" for name in ("theirs", "ours"))
    for url in (theirs, ours):
        with Writer(url, "nn") as writer:
            writer.register(version(released), DUE)
    folder = tmp_path / "submitted" / "ada" / SLUG
    folder.mkdir(parents=True)
    handed_in = json.dumps(submitted())
    (folder / f"{SLUG}.ipynb").write_text(handed_in, encoding="utf-8")
    (folder / "timestamp.txt").write_text("2026-03-02 09:00:00 UTC", encoding="utf-8")

    done = NbGraderAPI(config=config(tmp_path, theirs)).autograde(SLUG, "ada")
    assert done["success"], done
    shown = tmp_path / "autograded" / "ada" / SLUG / f"{SLUG}.ipynb"
    outcomes: dict[str, tuple[float | None, float, Any]] = {
        "check_f": (2.0, 2.0, "ok"),
        "check_g": (1.5, 3.0, "failed_tests"),
        "check_h": (0.0, 1.0, "failed_tests"),
        "essay": (0.0, 4.0, "not_started"),  # untouched
    }
    cells = tuple(CellResult(name, *outcome) for name, outcome in outcomes.items())
    book = NotebookResult(SLUG, cells, shown.read_text(encoding="utf-8"))
    result = Result("k", "s", "v", "failed_tests", (book,))
    with Writer(ours, "nn") as writer:
        nobody = Person("ada", "", "", "", "")
        writer.record([record(tmp_path / "ours", result, who=nobody, handed_in=HANDED_IN)])

    assert rows(ours, without=("course",)) == rows(theirs, without=("course",))


def test_feedback_of_nbgrader_is_made_from_what_we_recorded(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gradebook.db"
    with Writer(url, "nn") as writer:
        writer.register(version(), DUE)
        writer.record([record(tmp_path)])
    with Gradebook(url, "nn") as gradebook:
        gradebook.find_grade("essay", SLUG, SLUG, "ada").manual_score = 2.25
        gradebook.find_comment("essay", SLUG, SLUG, "ada").manual_comment = "Well put, Ada."
        gradebook.db.commit()

    done = NbGraderAPI(config=config(tmp_path, url)).generate_feedback(SLUG, "ada")

    assert done["success"], done
    page = (tmp_path / "feedback" / "ada" / SLUG / f"{SLUG}.html").read_text(encoding="utf-8")
    assert "Score: 5.75 / 10.0" in page
    assert "Well put, Ada." in page


def test_formgraders_list_holds_what_we_recorded(tmp_path: Path) -> None:
    """It shows a submission only if row and file are there."""
    url = f"sqlite:///{tmp_path}/gradebook.db"
    with Writer(url, "nn") as writer:
        writer.register(version(), DUE)
        writer.record([record(tmp_path), record(tmp_path, who=Person("grace", "Grace"))])
    api = NbGraderAPI(config=config(tmp_path, url))

    listed = {each["student"]: each for each in api.get_submissions(SLUG)}

    assert set(listed) == {"ada", "grace"}
    assert {each["score"] for each in listed.values()} == {3.5}
    assert all(each["autograded"] and each["needs_manual_grade"] for each in listed.values())
    assert listed["ada"]["timestamp"] == "2026-03-02T09:00:00"
    (book,) = api.get_notebook_submission_indices(SLUG, SLUG).items() and [
        each for each in api.get_notebook_submissions(SLUG, SLUG) if each["student"] == "ada"
    ]
    assert (book["score"], book["max_score"]) == (3.5, 10.0)
