"""A notebook too large to be read is recorded like whatever cannot be read, and kept nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grading.engine import InProcess
from grading.runs import grade_class, regrade
from tests.grading.faults.classes import SLUG, SmallClass, grades, make_class, state, work_here

ADA = "learner-0000"
FILE = f"{SLUG}.ipynb"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    return make_class(tmp_path_factory.mktemp("class"), n=2)


@pytest.fixture
def small(template: SmallClass, tmp_path: Path) -> SmallClass:
    found = template.copied(tmp_path)
    os.truncate(found.submissions / ADA / SLUG / FILE, 500 * 2**20)  # with a hole: takes no disk
    return found


def test_notebook_of_500_mb_has_a_row_with_0_points_and_the_sentence(small: SmallClass) -> None:
    with InProcess(work=work_here) as engine:
        summary = grade_class(small.classroom, [small.submissions], engine=engine, unsafe=True)

    room = small.classroom
    cells = grades(room.db_url, room.course_id)[ADA, SLUG, SLUG]["cells"]
    assert {score for _, score, *_ in cells} == {0.0}
    assert sum(most for *_, most, _ in cells) > 0
    assert summary.statuses["invalid_submission"] == 1
    assert summary.refused == []
    (sentence,) = [each for each in summary.unreadable if "MB" in each]
    assert sentence.startswith(f"{ADA}, {SLUG}: {FILE}: the file takes 500 MB, the limit is 20 MB.")
    assert (room.autograded(ADA, SLUG) / FILE).is_file()


def test_nothing_of_its_size_is_kept(small: SmallClass) -> None:
    with InProcess(work=work_here) as engine:
        grade_class(small.classroom, [small.submissions], engine=engine, unsafe=True)

    kept = [path.stat().st_size for path in small.root.rglob("*") if path.is_file()]
    assert max(kept) < 2**20


def test_grading_again_comes_to_the_same(small: SmallClass) -> None:
    with InProcess(work=work_here) as engine:
        grade_class(small.classroom, [small.submissions], engine=engine, unsafe=True)
        before = state(small.classroom)

        again = grade_class(small.classroom, [small.submissions], engine=engine, unsafe=True)
        after = regrade(small.classroom, engine=engine, everything=True, unsafe=True)

    assert (again.graded, again.unchanged) == (0, 2)
    assert after.changed == []
    assert state(small.classroom) == before
