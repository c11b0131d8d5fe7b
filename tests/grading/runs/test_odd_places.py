"""What stands in the way of one learner's notebooks is named, and costs nobody else anything."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grading.engine import InProcess
from grading.grade_class import Summary, grade_class
from tests.grading.faults.classes import (
    SLUG,
    SmallClass,
    assert_same,
    grades,
    state,
    work_here,
)

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

WHO = "learner-0002"


def grade(small: SmallClass) -> Summary:
    with InProcess(work=work_here) as engine:
        return grade_class(small.classroom, [small.submissions], engine=engine, unsafe=True)


def recorded(small: SmallClass) -> set[str]:
    room = small.classroom
    return {learner for learner, _, _ in grades(room.db_url, room.course_id)}


def file_for_learner(root: Path) -> Path:
    path = root / "autograded" / WHO
    path.parent.mkdir(exist_ok=True)
    path.write_text("x", encoding="utf-8")
    return path


def file_for_assignment(root: Path) -> Path:
    path = root / "autograded" / WHO / SLUG
    path.parent.mkdir(parents=True)
    path.write_text("x", encoding="utf-8")
    return path


def folder_for_notebook(root: Path) -> Path:
    path = root / "autograded" / WHO / SLUG / f"{SLUG}.ipynb"
    path.mkdir(parents=True)
    return path


def link_in_a_circle(root: Path) -> Path:
    path = root / "autograded" / WHO
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(path)
    return path


@pytest.mark.parametrize(
    "odd", [file_for_learner, file_for_assignment, folder_for_notebook, link_in_a_circle]
)
def test_one_odd_place_is_named_and_all_others_are_recorded(
    template: SmallClass, tmp_path: Path, odd: Callable[[Path], Path]
) -> None:
    small, peace = template.copied(tmp_path / "small"), template.copied(tmp_path / "peace")
    path = odd(small.root)

    first, second = grade(small), grade(small)

    for summary in (first, second):
        (sentence,) = summary.refused
        assert str(path) in sentence
        assert not summary.ok
    assert second.graded == 0
    assert len(recorded(small)) == 5
    assert WHO not in recorded(small)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    assert grade(small).ok
    grade(peace)
    assert_same(state(small.classroom), state(peace.classroom))


def test_file_where_a_submission_is_kept_is_named_and_all_others_are_recorded(
    template: SmallClass, tmp_path: Path
) -> None:
    small = template.copied(tmp_path)
    path = small.root / "submitted" / WHO
    path.parent.mkdir(exist_ok=True)
    path.write_text("x", encoding="utf-8")

    summary = grade(small)

    (sentence,) = summary.refused
    assert str(path) in sentence
    assert len(recorded(small)) == 5
    path.unlink()
    assert grade(small).ok
    assert len(recorded(small)) == 6


def test_file_where_all_learners_belong_is_named_for_each(
    template: SmallClass, tmp_path: Path
) -> None:
    small = template.copied(tmp_path)
    (small.root / "autograded").write_text("x", encoding="utf-8")

    summary = grade(small)

    assert summary.n_refused == 6
    assert all(str(small.root / "autograded") in sentence for sentence in summary.refused)
    (small.root / "autograded").unlink()
    assert grade(small).ok
    assert len(recorded(small)) == 6
