"""What stands for the students of somebody else's course is private, and can be forgotten."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from grading.cli import app
from grading.journal import Journal
from grading.kernel import open_course
from grading.runs._classes import CourseClass
from tests.grading.kernel.courses import SLUG, make_course

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture
def usual_rights() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course with two students in the gradebook, the folders and the keys."""
    from nbgrader.api import Gradebook

    # nbgrader calls alembic by its name.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    make_course(tmp_path)
    course = open_course(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Gradebook(course.db_url, course.course_id) as gradebook:
            gradebook.add_assignment(SLUG)
            for student in ("ada", "ada2"):
                gradebook.add_student(student)
                gradebook.add_submission(SLUG, student)
                for step in ("submitted", "autograded", "feedback"):
                    folder = course.folder(step, student, SLUG)
                    folder.mkdir(parents=True)
                    (folder / "work.ipynb").write_text("{}")
    CourseClass(course).enrolled(["ada", "ada2"])
    Journal(CourseClass(course).journal_folder).close()
    return tmp_path


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def students(root: Path) -> list[Any]:
    with sqlite3.connect(root / "gradebook.db") as connection:
        found = [
            connection.execute(f"SELECT {column} FROM {table}").fetchall()
            for column, table in (("id", "student"), ("student_id", "submitted_assignment"))
        ]
    connection.close()
    return sorted(row[0] for rows in found for row in rows)


def forget(*words: Any) -> Result:
    return CliRunner().invoke(app, ["forget", *map(str, words)])


@pytest.mark.usefixtures("usual_rights")
def test_keys_are_private_though_the_journal_comes_first(tmp_path: Path):
    make_course(tmp_path)
    port = CourseClass(open_course(tmp_path))
    with Journal(port.journal_folder):
        port.enrolled(["ada"])

    assert rights(tmp_path / ".nncourse") == 0o700
    assert rights(tmp_path / ".nncourse" / "keys.json") == 0o600
    assert [path.name for path in (tmp_path / ".nncourse").glob("*keys*")] == ["keys.json"]


@pytest.mark.usefixtures("usual_rights")
def test_keys_that_were_open_are_closed(tmp_path: Path):
    make_course(tmp_path)
    (tmp_path / ".nncourse").mkdir()
    (tmp_path / ".nncourse" / "keys.json").write_text('{"ada": "k"}')
    port = CourseClass(open_course(tmp_path))

    assert port.key_of("ada") == "k"
    assert rights(tmp_path / ".nncourse") == 0o700
    assert rights(tmp_path / ".nncourse" / "keys.json") == 0o600


def test_a_student_is_forgotten_everywhere_and_the_neighbor_is_not(root: Path):
    result = forget("ada", "--yes", "--course", root)

    assert result.exit_code == 0, result.output
    assert "Removed: the key" in result.output
    assert students(root) == ["ada2", "ada2"]
    port = CourseClass(open_course(root))
    assert (port.key_of("ada"), port.key_of("ada2") is None) == (None, False)
    found = {path.parent.parent.name for path in root.rglob("work.ipynb")}
    assert found == {"ada2"}
    assert not (root / "submitted" / "ada").exists()


def test_whom_the_course_does_not_know_is_refused(root: Path):
    unknown = forget("nobody", "--yes", "--course", root)
    both = forget("ada", "--yes", "--course", root, "--class", root)

    assert (unknown.exit_code, both.exit_code) == (2, 2)
    assert "nobody of this id" in " ".join(unknown.output.split())
    assert "Leave --class and --db out" in " ".join(both.output.split())
    assert students(root).count("ada") == 2


def test_nothing_is_erased_without_a_yes(root: Path):
    assert forget("ada", "--course", root).exit_code == 1
    assert students(root).count("ada") == 2
