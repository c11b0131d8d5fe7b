"""A class in which Ada alone is not graded yet, and what is done to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grading.engine import InProcess
from grading.grade_class import Summary, grade_class
from grading.journal import Journal
from grading.runs import Withdrawal, plan_withdrawal, withdraw
from tests.grading.faults.classes import SLUG, SmallClass, grades, hand_in, work_here

ADA, BOB = "learner-0004", "learner-0005"
FILE = f"{SLUG}.ipynb"
BLANK, MIXED, RIGHT = "learner-0001", "learner-0002", "learner-0000"


@pytest.fixture(scope="module")
def graded_template(template: SmallClass, tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    """All but Ada are graded."""
    copied = template.copied(tmp_path_factory.mktemp("graded"))
    for path in (copied.submissions / ADA / SLUG).iterdir():
        path.unlink()
    grade(copied, copied.submissions)
    return copied


@pytest.fixture
def small(graded_template: SmallClass, tmp_path: Path) -> SmallClass:
    return graded_template.copied(tmp_path)


def grade(small: SmallClass, *paths: Path, work: Any = work_here, **options: Any) -> Summary:
    with InProcess(work=work) as engine:
        return grade_class(small.classroom, list(paths), engine=engine, unsafe=True, **options)


def work_of(small: SmallClass, source: str, day: int, learner: str = ADA) -> Path:
    """Hand in for a learner what another one did."""
    text = (small.submissions / source / SLUG / FILE).read_text(encoding="utf-8")
    folder = small.root.parent / f"{source} on {day}"
    hand_in(folder, learner, SLUG, text, f"2026-05-{day} 10:00:00 UTC")
    return folder


def take_back(small: SmallClass, student: str = ADA, which: str = "") -> Withdrawal:
    planned = plan_withdrawal(small.classroom, student, "00", which)
    withdraw(small.classroom, planned)
    return planned


def points(small: SmallClass, student: str = ADA) -> float | None:
    room = small.classroom
    book = grades(room.db_url, room.course_id).get((student, SLUG, SLUG))
    return None if book is None else sum(score or 0.0 for _, score, *_ in book["cells"])


def traces(small: SmallClass, student: str = ADA) -> list[str]:
    return sorted(
        path.relative_to(small.root).as_posix()
        for path in small.root.rglob("*")
        if student in path.parts and path.is_file()
    )


def stored(small: SmallClass) -> list[str]:
    folder = small.classroom.journal_folder / "objects"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def journal_of(small: SmallClass, student: str) -> int:
    room = small.classroom
    with Journal(room.journal_folder, readonly=True) as journal:
        return len(list(journal.entries(learner=room.roster.by_id(student).key)))
