"""Scores equal plain nbgrader's, cell by cell, on its own example course and on one of ours."""

from __future__ import annotations

import json
import pickle
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import nbformat
import pytest
from nbgrader.utils import is_locked

from grading.broker._markdown import clean_markdown
from grading.kernel import Kernels, grade
from grading.limits import Limits
from grading.results import Result
from tests.grading.kernel.conftest import Plain
from tests.grading.kernel.courses import FIRST, SECOND

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.usefixtures("requires_sandbox"),
]

STUDENTS = {
    "ps1": ["bitdiddle", "hacker"],
    "hw1": ["blank", "error", "right", "wrong"],
}
PAIRS = [(slug, student) for slug, students in STUDENTS.items() for student in students]


@dataclass(frozen=True)
class Ours:
    results: dict[tuple[str, str], Result]
    seconds: dict[str, float]


@pytest.fixture(scope="module")
def ours(plain: Plain) -> Ours:
    """The same submissions in our sandbox; the version goes through a pickle, as to a worker."""
    results, seconds = {}, {}
    with Kernels() as kernels:
        for slug in STUDENTS:
            course = plain.course(slug)
            version = pickle.loads(pickle.dumps(course.version(slug)))
            began = time.perf_counter()
            for submission in course.submissions(slug):
                result = grade(submission.files(), version, Limits(), kernels)
                results[slug, submission.student] = result
            seconds[slug] = time.perf_counter() - began
    return Ours(results, seconds)


def test_all_submissions_were_found(ours: Ours):
    assert list(ours.results) == PAIRS


@pytest.mark.parametrize(("slug", "student"), PAIRS)
def test_scores_equal_plain_nbgraders(ours: Ours, plain: Plain, slug: str, student: str):
    found = {
        book.name: {
            cell.grade_id: [cell.score, cell.max_score, cell.score is None] for cell in book.cells
        }
        for book in ours.results[slug, student].notebooks
    }
    theirs = plain.scores[slug][student]

    assert found == {name: book["cells"] for name, book in theirs.items()}


def test_the_students_are_what_they_are_called(plain: Plain):
    """Among what is compared: full marks, a part, nothing, and cells that wait for a person."""
    cells = {
        student: {name: cell[:2] for book in books.values() for name, cell in book["cells"].items()}
        for student, books in plain.scores["hw1"].items()
    }

    assert cells["right"]["test_mean"] == [2, 2]
    assert cells["wrong"]["test_spread"] == [1, 2.5]
    assert cells["wrong"]["test_mean"] == [0, 2]  # its visible half passes
    assert cells["right"]["explain"] == [None, 4]
    assert cells["blank"]["explain"] == [0, 4]
    assert cells["right"]["test_left"] == [1, 1]  # by a file that the first notebook wrote
    assert cells["right"]["test_mine"] == [1, 1]  # a helper that may be changed
    assert cells["right"]["test_separate"] == [0, 1]  # no name of the first notebook


@pytest.mark.parametrize(("slug", "student"), PAIRS)
def test_late_penalties_equal_plain_nbgraders(plain: Plain, slug: str, student: str):
    course = plain.course(slug)
    theirs = plain.scores[slug][student]
    handed_in = next(each.handed_in for each in course.submissions(slug) if each.student == student)
    points = {
        name: sum(cell[0] or 0.0 for cell in book["cells"].values())
        for name, book in theirs.items()
    }

    (charge,) = course.charges(slug, [(student, handed_in)])

    penalties = {name: charge(earned) if charge else 0.0 for name, earned in points.items()}
    assert penalties == {name: book["penalty"] for name, book in theirs.items()}


def test_some_penalty_is_not_zero(plain: Plain):
    assert plain.scores["hw1"]["wrong"][FIRST]["penalty"] == pytest.approx(1.0)


@pytest.mark.parametrize(("slug", "student"), PAIRS)
def test_autograded_notebooks_hold_what_nbgraders_hold(
    ours: Ours, plain: Plain, slug: str, student: str
):
    """The same cells with the same marks and sources, hidden tests restored."""
    folder = plain.course(slug).folder("autograded", student, slug)
    for book in ours.results[slug, student].notebooks:
        if not (folder / f"{book.name}.ipynb").exists():
            assert (student, book.name) == ("error", SECOND)
            continue
        theirs = nbformat.read(folder / f"{book.name}.ipynb", as_version=4)
        found = nbformat.reads(book.autograded, as_version=4)

        nbformat.validate(found)
        assert [cell.source for cell in found.cells] == [_shown(cell) for cell in theirs.cells]
        for one, other in zip(found.cells, theirs.cells, strict=True):
            assert _marks(one) == _marks(other)
            kinds = [output.output_type for output in one.get("outputs", [])]
            assert kinds == [output.output_type for output in other.get("outputs", [])]


def _marks(cell: nbformat.NotebookNode) -> dict[str, object]:
    """What decides: nbgrader may leave other marks out, ``locked`` of a test among them."""
    marks = cell.metadata.get("nbgrader", {})
    named = ("grade_id", "grade", "solution", "points", "checksum")
    return {name: marks.get(name) for name in named} | {"locked": is_locked(cell)}


def test_hidden_tests_are_in_no_sentence(ours: Ours):
    result = ours.results["hw1", "wrong"]
    cell = next(each for each in result.notebooks[0].cells if each.grade_id == "test_mean")
    said = json.dumps([each.message for book in result.notebooks for each in book.cells])

    assert "hidden mean" in result.notebooks[0].autograded
    assert (cell.message, cell.criteria[0].hidden) == ("A hidden test did not pass.", True)
    assert "2.5" not in said.replace("of 2.5 points", "")
    assert "hidden mean" not in said


def test_course_tells_what_grading_needs(plain: Plain):
    course = plain.course("hw1")
    version = course.version("hw1")

    assert (course.course_id, course.assignments) == ("signals", ("hw1",))
    assert course.students == ("blank", "error", "right", "wrong")
    assert course.due("hw1") == datetime(2026, 3, 1, tzinfo=UTC)
    assert course.extension("right", "hw1").total_seconds() == 0
    assert (version.cell_timeout_s, version.max_lines) == (20.0, 50)
    assert version.kept == ("mine.py",)
    assert [path for path, _ in version.helpers] == [
        "data/measurements.csv",
        "mine.py",
        "toolbox.py",
    ]
    assert "matplotlib.figure" in version.modules
    assert version.max_points == pytest.approx(2 + 2.5 + 3 + 4 + 5 + 1 + 0.5 + 1 + 1)


def test_version_follows_its_content(plain: Plain):
    version = plain.course("hw1").version("hw1")

    assert version.hash == plain.course("hw1").version("hw1").hash
    assert version.hash != plain.course("ps1").version("ps1").hash


def test_time_per_submission_is_written_down(
    ours: Ours, plain: Plain, record_testsuite_property: pytest.RecordProperty
):
    """Plain nbgrader writes its gradebook in this time, we do not: about 0.1 s of it."""
    for slug, students in STUDENTS.items():
        record_testsuite_property(f"{slug}_plain_s", plain.seconds[slug] / len(students))
        record_testsuite_property(f"{slug}_ours_s", ours.seconds[slug] / len(students))
        assert ours.seconds[slug] < 4 * plain.seconds[slug]  # far off: only a gross defect


def _shown(cell: nbformat.NotebookNode) -> str:
    """A cell of theirs as ours is shown: what learners may write in Markdown is made harmless."""
    is_open = not cell.metadata.get("nbgrader", {}).get("locked")
    return clean_markdown(cell.source) if cell.cell_type != "code" and is_open else cell.source
