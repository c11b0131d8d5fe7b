"""``nncourse withdraw`` asks, takes one hand-in back, and says what counts then."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from grading.engine import InProcess
from grading.grade_class import grade_class
from tests.grading.cli.conftest import Run
from tests.grading.faults.classes import (
    SLUG,
    SmallClass,
    grades,
    hand_in,
    make_class,
    state,
    work_here,
)
from tests.grading.kernel.courses import SLUG as COURSE_SLUG
from tests.grading.kernel.courses import make_course

ADA = "learner-0004"

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class folder with a space in its name; Ada's second hand-in is somebody else's."""
    small = make_class(tmp_path_factory.mktemp("class"))
    shutil.rmtree(small.submissions / ADA)
    for source, day in (("learner-0002", 10), ("learner-0000", 20)):
        text = (small.submissions / source / SLUG / f"{SLUG}.ipynb").read_text(encoding="utf-8")
        hand_in(small.submissions, ADA, SLUG, text, f"2026-05-{day} 10:00:00 UTC")
        with InProcess(work=work_here) as engine:
            grade_class(small.classroom, [small.submissions], engine=engine, unsafe=True)
    return small.root


@pytest.fixture
def folder(graded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(graded, tmp_path / "my class"))


def taken_in(folder: Path) -> object:
    return state(SmallClass(folder, folder).classroom)


def test_it_says_what_is_taken_back_and_what_counts_now(nncourse: Run, folder: Path) -> None:
    result = nncourse("withdraw", ADA, "00", "--yes", "--class", folder)

    said = " ".join(result.output.split())
    assert result.exit_code == 0, result.output
    assert (
        f"{ADA}, {SLUG}: the hand-in of 2026-05-20 10:00 (7 of 7) is taken back; "
        "the one of 2026-05-10 10:00 (5 of 7) counts again"
    ) in said
    assert "Removed: 1 entry of the journal" in said
    assert "The same files were handed in for learner-0000, learner-0005, too" in said
    assert "are written again" in said


def test_the_last_one_takes_the_points_with_it(nncourse: Run, folder: Path) -> None:
    nncourse("withdraw", ADA, "00", "--yes", "--class", folder)

    result = nncourse("withdraw", ADA, "00", "--yes", "--class", folder)

    said = " ".join(result.output.split())
    assert "none is left, so nothing counts, and points by hand and comments go with it" in said
    assert f"Removed: all rows of {SLUG} in the gradebook" in said
    room = SmallClass(folder, folder).classroom
    assert ADA not in {who for who, *_ in grades(room.db_url, room.course_id)}
    again = nncourse("withdraw", ADA, "00", "--yes", "--class", folder)
    assert again.exit_code == 2
    assert "there is nothing to take back" in " ".join(again.output.split())


def test_it_asks_first_and_says_what_would_count(nncourse: Run, folder: Path) -> None:
    before = taken_in(folder)

    result = nncourse("withdraw", ADA, "00", "--class", folder)

    said = " ".join(result.output.split())
    assert result.exit_code == 1
    assert "Then the one of 2026-05-10 10:00 (5 of 7) counts again" in said
    assert f"Take back the hand-in of 2026-05-20 10:00 (7 of 7) of 李 ({ADA}) for {SLUG}?" in said
    assert taken_in(folder) == before


def test_json_is_json_alone(nncourse: Run, folder: Path) -> None:
    result = nncourse("withdraw", ADA, "00", "--attempt", "1", "--yes", "--json", "--class", folder)

    said = json.loads(result.stdout)
    assert said["taken_back"] == {
        "attempt": 1,
        "handed_in": "2026-05-10T10:00:00+00:00",
        "status": said["taken_back"]["status"],
        "points": 5.0,
        "max_points": 7.0,
    }
    assert said["counts"]["attempt"] == 2
    assert said["also_of"] == ["learner-0002"]
    assert said["removed"][-1] == "1 entry of the journal"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("learner-04", "00"), "Did you mean learner-0004 or"),
        ((ADA, "03"), "is not released; released are: 00-start-here"),
        ((ADA, "00", "--attempt", "7"), "20260510T100000 (attempt 1), 20260520T100000 (attempt 2)"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    nncourse: Run, graded: Path, words: tuple[str, ...], sentence: str
) -> None:
    result = nncourse("withdraw", *words, "--yes", "--class", graded)

    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


def test_nbgrader_course_is_refused_with_what_to_do(
    nncourse: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbgrader.api import Gradebook

    # nbgrader calls alembic by its name.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    from grading.kernel import open_course

    make_course(tmp_path)
    course = open_course(tmp_path)
    with Gradebook(course.db_url, course.course_id) as gradebook:
        gradebook.add_assignment(COURSE_SLUG)

    result = nncourse("withdraw", "ada", COURSE_SLUG, "--yes", "--course", tmp_path)

    said = " ".join(result.output.split())
    assert result.exit_code == 2
    assert f"run: nncourse grade --course {tmp_path}" in said
    assert f"gradebook.remove_submission('{COURSE_SLUG}', 'ada')" in said
