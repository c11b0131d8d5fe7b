"""Scores are nbgrader's: a person's before the machine's, and less the penalty."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from nbgrader.api import Grade, Gradebook, MissingEntry

from grading.refusals import Refusal
from grading.reporting import Recorded, gradebook, mark_scheme, recorded, rubrics
from grading.reporting._marks import Mark
from tests.grading.reporting.classes import SLUG, make_class, mixed

SCHEME = "Why?\n\n=== BEGIN MARK SCHEME ===\n1 point: the sign\n=== END MARK SCHEME ==="


@pytest.fixture(scope="module")
def db_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A gradebook of three learners in which a person graded and commented."""
    handed = mixed(3)
    classroom = make_class(tmp_path_factory.mktemp("a class") / "my class", handed)
    with warnings.catch_warnings(), Gradebook(classroom.db_url) as book:
        warnings.simplefilter("ignore")
        grade = book.find_grade("check_linear_backward", SLUG, SLUG, "s001")
        grade.manual_score, grade.extra_credit = 2.5, 0.5
        comments = [book.find_comment("linear_backward", SLUG, SLUG, f"s00{i}") for i in (1, 2)]
        comments[0].manual_comment = "See me."
        comments[1].auto_comment = "No response."
        book.update_or_create_task_cell("essay", SLUG, SLUG, max_score=4, cell_type="markdown")
        book.update_or_create_source_cell("essay", SLUG, SLUG, cell_type="markdown", source=SCHEME)
        submitted = book.find_submission_notebook(SLUG, SLUG, "s002")
        submitted.late_submission_penalty = 100.0
        task = book.find_task_cell("essay", SLUG, SLUG)
        submitted.grades.append(Grade(cell=task, notebook=submitted, needs_manual_grade=True))
        book.db.commit()
    return classroom.db_url


def test_scores_equal_nbgraders_own(db_url: str) -> None:
    with warnings.catch_warnings(), Gradebook(db_url) as book:
        warnings.simplefilter("ignore")
        own = {each.student.id: each for each in book.assignment_submissions(SLUG)}
        points = {id_: each.score for id_, each in own.items()}
        most = {id_: each.max_score for id_, each in own.items()}
    with gradebook(db_url) as book:
        marks = recorded(book, SLUG)

    assert {id_: each.points for id_, each in marks.items()} == pytest.approx(points)
    assert {id_: each.max_points for id_, each in marks.items()} == most
    assert set(most.values()) == {26.0}


def test_score_of_a_person_stands_before_the_machines(db_url: str) -> None:
    with gradebook(db_url) as book:
        marks = {mark.cell: mark for mark in recorded(book, SLUG)["s001"].marks}

    mark = marks["check_linear_backward"]
    assert (mark.manual, mark.extra, mark.score) == (2.5, 0.5, 3.0)


def test_penalty_takes_no_more_than_there_is(db_url: str) -> None:
    with gradebook(db_url) as book:
        late = recorded(book, SLUG)["s002"]

    assert late.penalty == pytest.approx(100)
    assert not late.final


def test_cell_without_a_score_waits_for_a_person(db_url: str) -> None:
    with gradebook(db_url) as book:
        marks = recorded(book, SLUG)

    assert marks["s002"].waiting
    assert not marks["s001"].waiting


def test_only_comments_of_people_are_read(db_url: str) -> None:
    """nbgrader writes "No response." itself where a cell was left as it was."""
    with gradebook(db_url) as book:
        marks = recorded(book, SLUG)

    assert marks["s001"].comments == {(SLUG, "linear_backward"): "See me."}
    assert marks["s002"].comments == {}


def test_mark_scheme_comes_from_the_instructors_source(db_url: str) -> None:
    with gradebook(db_url) as book:
        found = rubrics(book, SLUG)

    assert found == {(SLUG, "essay"): "1 point: the sign"}
    assert mark_scheme("nothing of the kind") == ""
    assert mark_scheme("### BEGIN MARK SCHEME\nleft open") == "left open"


def test_reading_changes_nothing(db_url: str) -> None:
    """nbgrader adds a row for a course when a gradebook is opened by name."""
    path = Path(db_url.removeprefix("sqlite:///"))
    before = path.read_bytes()

    with gradebook(db_url) as book:
        recorded(book, SLUG)
        rubrics(book, SLUG)
        with pytest.raises(MissingEntry):
            book.find_student("nobody")

    assert path.read_bytes() == before


def test_unknown_assignment_has_no_scores(db_url: str) -> None:
    with gradebook(db_url) as book:
        assert recorded(book, "99-none") == {}


def test_absent_gradebook_is_not_made(tmp_path: Path) -> None:
    with (
        pytest.raises(Refusal, match="there is no gradebook yet"),
        gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}"),
    ):
        pass

    assert list(tmp_path.iterdir()) == []


def test_file_that_is_no_gradebook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    path.write_bytes(b"something else, longer than any header of a database " * 10)

    with (
        pytest.raises(Refusal, match="cannot be opened: file is not a database"),
        gradebook(f"sqlite:///{path}"),
    ):
        pass


def test_points_without_any_score_are_none() -> None:
    mark = Mark("n", "c", 3.0, None, None, 0.0, True)

    assert not Recorded("s", "a", None, None, (mark,)).final
