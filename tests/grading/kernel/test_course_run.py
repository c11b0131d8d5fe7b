"""``nncourse grade --course``: gradebooks of others, filled as plain nbgrader fills them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from grading.cli import app
from grading.engine import ProcessPool
from grading.grade_class import grade_course
from grading.journal import Journal
from grading.kernel import open_course
from grading.refusals import Refusal
from grading.runs import regrade_course
from tests.grading.kernel.conftest import Plain
from tests.grading.kernel.plain_nbgrader import recorded

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.usefixtures("requires_sandbox"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
]


@pytest.fixture(scope="module")
def root(plain: Plain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course before anything was graded, but with a score that a person gave."""
    root = tmp_path_factory.mktemp("own") / "signals é"
    shutil.copytree(plain.course("hw1").root, root)
    shutil.rmtree(root / "autograded")
    connection = sqlite3.connect(root / "gradebook.db")
    connection.execute("UPDATE grade SET auto_score = NULL, needs_manual_grade = 1")
    connection.execute("UPDATE submitted_notebook SET late_submission_penalty = NULL")
    connection.commit()
    connection.close()
    return root


@pytest.fixture(scope="module")
def summary(root: Path) -> Any:
    with ProcessPool(1) as engine:
        return grade_course(open_course(root), engine=engine)


def test_scores_and_penalties_equal_plain_nbgraders(summary: Any, root: Path, plain: Plain):
    assert summary.graded == 4
    assert recorded(root, "signals", "hw1") == plain.scores["hw1"]


def test_autograded_notebooks_lie_where_formgrader_looks(summary: Any, root: Path):
    found = sorted(path.name for path in (root / "autograded" / "right" / "hw1").glob("*.ipynb"))

    assert found == ["a statistics.ipynb", "b-report.ipynb"]


def test_journal_names_nobody(summary: Any, root: Path):
    folder = root / ".nncourse" / "journal"
    with Journal(folder, readonly=True) as journal:
        learners = {entry.learner for entry in journal.entries()}

    assert len(learners) == 4
    assert not learners & {"right", "wrong", "error", "blank"}


def test_second_run_runs_nothing_and_one_assignment_may_be_chosen(summary: Any, root: Path):
    with ProcessPool(1) as engine:
        again = grade_course(open_course(root), engine=engine, unit="hw1")
        with pytest.raises(Refusal, match="no assignment 'hw2'"):
            grade_course(open_course(root), engine=engine, unit="hw2")

    assert (again.graded, again.unchanged) == (0, 4)


# ---------------------------------------------------------------- after something changed


@pytest.fixture
def graded(summary: Any, root: Path, tmp_path: Path) -> Path:
    """The graded course in a place of its own; its configuration names no path."""
    return Path(shutil.copytree(root, tmp_path / "signals é"))


def mend_a_test(root: Path) -> None:
    """Make every hidden test of the first notebook accept what it refused."""
    connection = sqlite3.connect(root / "gradebook.db")
    old, new = "assert mean(DATA) == 2.5", "assert True"
    connection.execute("UPDATE source_cell SET source = replace(source, ?, ?)", (old, new))
    connection.commit()
    connection.close()


def points(root: Path) -> dict[str, float]:
    connection = sqlite3.connect(root / "gradebook.db")
    found = connection.execute(
        "SELECT work.student_id, SUM(grade.auto_score) FROM grade"
        " JOIN submitted_notebook AS book ON book.id = grade.notebook_id"
        " JOIN submitted_assignment AS work ON work.id = book.assignment_id"
        " GROUP BY work.student_id"
    ).fetchall()
    connection.close()
    return {str(student): float(score or 0.0) for student, score in found}


def nncourse(*words: Any) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(word) for word in words])


def test_mended_test_is_held_against_what_was_graded_and_only_raises(graded: Path):
    before = points(graded)
    shutil.rmtree(graded / "submitted")
    mend_a_test(graded)

    with ProcessPool(1) as engine:
        one = regrade_course(open_course(graded), engine=engine, student="wrong")
        all_ = regrade_course(open_course(graded), engine=engine, unit="hw1")
        again = regrade_course(open_course(graded), engine=engine)

    assert (one.graded, all_.graded, again.graded) == (1, 3, 0)
    assert again.unchanged == 4
    after = points(graded)
    assert after["wrong"] > before["wrong"]
    assert all(after[student] >= score for student, score in before.items())


def test_regrade_of_a_course_by_the_command(graded: Path):
    mend_a_test(graded)

    done = nncourse("regrade", "hw1", "--course", graded, "--workers", "1", "--json")
    same = nncourse("regrade", "--course", graded, "--workers", "1")
    unknown = nncourse("regrade", "--course", graded, "--student", "grace")

    content = json.loads(done.stdout)
    assert (content["graded"], content["refused"]) == (4, [])
    assert any(line.startswith("wrong, hw1:") for line in content["changed"])
    assert "4 unchanged" in same.output
    assert "grace: nobody of this id was graded" in unknown.output


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["regrade", "--class", "a"], "--class"),
        (["regrade", "--explain", "ada", "relu"], "--explain"),
        (["regrade", "--exercise", "relu"], "--exercise"),
        (["extend", "right", "hw1", "--days", "1", "--group"], "--group"),
        (["extend", "right", "hw1", "--time-factor", "2"], "--time-factor"),
    ],
)
def test_what_a_course_does_not_know_is_refused_by_name(root: Path, words: list[str], named: str):
    result = nncourse(*words, "--course", root)

    assert result.exit_code == 2
    assert f"nncourse {words[0]} --course: {named} does not go with it" in result.output


def test_lateness_in_a_course_is_of_the_points_that_count(graded: Path):
    """Its plugin takes a whole notebook's points off, as nbgrader's own does for the same score."""
    course = open_course(graded)
    before = course.penalties("hw1")
    (late,) = [student for student, penalty in before.items() if penalty]
    with course._gradebook() as gradebook:
        book = gradebook.find_submission("hw1", late).notebooks[0]
        grade = next(each for each in book.grades if each.auto_score is not None)
        grade.manual_score, grade.needs_manual_grade = (grade.auto_score or 0.0) + 0.5, False
        name, notebook = grade.name, book.name
        gradebook.db.commit()

    done = nncourse("regrade", "hw1", "--course", graded, "--json")

    assert json.loads(done.stdout)["penalties"] == 1
    assert course.penalties("hw1") == before | {late: before[late] + 0.5}
    with course._gradebook() as gradebook:
        assert not gradebook.find_grade(name, notebook, "hw1", late).needs_manual_grade


def test_extension_in_a_course_changes_the_penalty_at_once_and_is_nbgraders_own(graded: Path):
    course = open_course(graded)
    before = course.penalties("hw1")
    (late,) = [student for student, penalty in before.items() if penalty]

    given = nncourse("extend", late, "hw1", "--until", "2026-05-01 12:00", "--course", graded)
    free, granted = course.penalties("hw1"), course.extension(late, "hw1")
    back = nncourse("extend", late, "hw1", "--days", "0", "--course", graded, "--json")

    assert "1 penalty changed" in given.output
    assert "hw1 is due" in given.output
    assert "2026-05-01 12:00" in given.output
    assert free == dict.fromkeys(before, 0.0)
    assert granted == timedelta(days=61, hours=12)
    assert len(json.loads(back.stdout)["penalties"]) == 1
    assert course.penalties("hw1") == before
    assert course.extension(late, "hw1") == timedelta()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["grace", "hw1", "--days", "1"], "grace: no submission for hw1 stands in the gradebook"),
        (["right", "hw2", "--days", "1"], "there is no assignment 'hw2'"),
        (["right", "", "--days", "1"], "the assignment is missing"),
        (["right", "hw1", "--until", "2026-02-01 12:00"], "is not after the due date"),
    ],
)
def test_extension_that_cannot_be_given_is_refused(root: Path, words: list[str], sentence: str):
    result = nncourse("extend", *words, "--course", root)

    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


def test_table_for_moodle_names_students_by_id_and_nbgraders_mend(graded: Path, tmp_path: Path):
    done = nncourse(
        "export", "--course", graded, "--format", "moodle", "--to", tmp_path / "grades.csv"
    )

    said = " ".join(done.output.split())
    rows = (tmp_path / "grades.csv").read_text(encoding="utf-8").splitlines()
    assert done.exit_code == 0, done.output
    assert {row.split(",")[2] for row in rows[1:]} == {"blank", "error", "right", "wrong"}
    assert "nbgrader db student import FILE" in said
    assert "nncourse roster" not in said
