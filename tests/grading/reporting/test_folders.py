"""An instructor's own nbgrader course is read like a class of this course."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from grading.exercises import exercises_of_unit
from grading.feedback import write_feedback
from grading.journal import Journal
from grading.kernel import NbgraderCourse, open_course
from grading.refusals import Refusal
from grading.reporting import CourseFolder, opened, slugs_of
from tests.grading.reporting.classes import SLUG, make_class, mixed


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a course that ``grade --course`` has been through."""
    class_ = make_class(tmp_path_factory.mktemp("class"), mixed(3))
    root = tmp_path_factory.mktemp("own") / "my course"
    (root / "release" / SLUG).mkdir(parents=True)
    (root / ".nncourse").mkdir()
    shutil.copy(class_.root / "gradebook.db", root)
    shutil.copytree(class_.journal_folder, root / ".nncourse" / "journal")
    keys = {each.id: each.key for each in class_.roster.all()}
    (root / ".nncourse" / "keys.json").write_text(json.dumps(keys))
    cell = {"cell_type": "code", "source": "x = 1", "metadata": {"nbgrader": {"grade_id": "x"}}}
    (root / "release" / SLUG / "b.ipynb").write_text(json.dumps({"cells": [cell]}))
    (root / "release" / SLUG / "a.ipynb").write_text("{broken")
    (root / "nbgrader_config.py").write_text("c = get_config()\n")
    return root


@pytest.fixture
def course(made: Path) -> NbgraderCourse:
    return open_course(made)


def test_students_of_the_gradebook_are_the_learners(course: NbgraderCourse) -> None:
    folder = CourseFolder(course)

    assert [each.id for each in folder.learners] == ["s000", "s001", "s002"]
    assert folder.learners[1].name == "First1 Last001"
    assert folder.zone is UTC
    assert folder.zone_of("hw1") is UTC
    assert slugs_of(folder, ["01"]) == [SLUG]


def test_results_are_found_and_feedback_lies_in_the_course(course: NbgraderCourse) -> None:
    with opened(CourseFolder(course), [SLUG]) as reader:
        works = list(reader.works(SLUG))
        pages = list(write_feedback(reader, SLUG, "s001"))

    assert all(work.result is not None and work.recorded is not None for work in works)
    assert pages == [course.root / "feedback" / "s001" / SLUG / f"{SLUG}.html"]
    assert exercises_of_unit("01")[0].title in pages[0].read_text(encoding="utf-8")


def test_cells_of_all_released_notebooks_are_read(course: NbgraderCourse) -> None:
    (cell,) = json.loads(CourseFolder(course).released(SLUG))["cells"]

    assert cell["source"] == "x = 1"


def test_course_without_keys_has_no_results(course: NbgraderCourse, tmp_path: Path) -> None:
    """It was graded by plain nbgrader only: scores are there, results are not."""
    root = Path(shutil.copytree(course.root, tmp_path / "copy"))
    shutil.rmtree(root / ".nncourse")

    with opened(CourseFolder(open_course(root)), [SLUG]) as reader:
        works = list(reader.works(SLUG))

    assert all(work.result is None and work.recorded is not None for work in works)


def test_damaged_keys_are_refused(course: NbgraderCourse, tmp_path: Path) -> None:
    (tmp_path / ".nncourse").mkdir()
    (tmp_path / ".nncourse" / "keys.json").write_text("[")

    with pytest.raises(Refusal, match="no table of keys"):
        _ = CourseFolder(replace(course, root=tmp_path)).learners


def test_journal_is_only_read(course: NbgraderCourse) -> None:
    before = (course.root / ".nncourse" / "journal" / "journal.jsonl").read_bytes()

    with (
        Journal(course.root / ".nncourse" / "journal"),
        opened(CourseFolder(course), [SLUG]) as reader,
    ):  # while another process holds the lock
        assert len(list(reader.works(SLUG))) == 3

    assert (course.root / ".nncourse" / "journal" / "journal.jsonl").read_bytes() == before
