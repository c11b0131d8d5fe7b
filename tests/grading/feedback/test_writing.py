"""Pages lie where nbgrader puts its own; an archive of them is the same each time."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from grading.classroom import Classroom
from grading.feedback import write_feedback, zip_pages
from grading.reporting import opened
from tests.grading.reporting.classes import SLUG, make_class, mixed, person


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    made = make_class(tmp_path_factory.mktemp("a class"), mixed(3))
    made.roster.add(person(9))
    return made


def test_every_learner_with_a_submission_gets_a_page(classroom: Classroom) -> None:
    with opened(classroom, [SLUG]) as reader:
        pages = list(write_feedback(reader, SLUG))

    assert pages == [
        classroom.root / "feedback" / f"s00{i}" / SLUG / f"{SLUG}.html" for i in range(3)
    ]
    assert "First1 Last001" in pages[1].read_text(encoding="utf-8")
    assert "First0" not in pages[1].read_text(encoding="utf-8")


def test_writing_again_gives_the_same_bytes(classroom: Classroom) -> None:
    with opened(classroom, [SLUG]) as reader:
        pages = list(write_feedback(reader, SLUG))
        before = [page.read_bytes() for page in pages]
        first = zip_pages(reader, SLUG, pages).read_bytes()
        list(write_feedback(reader, SLUG))
        second = zip_pages(reader, SLUG, pages).read_bytes()

    assert [page.read_bytes() for page in pages] == before
    assert first == second


def test_archive_holds_a_folder_for_each_learner(classroom: Classroom) -> None:
    with opened(classroom, [SLUG]) as reader:
        path = zip_pages(reader, SLUG, list(write_feedback(reader, SLUG)))

    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [f"s00{i}/{SLUG}.html" for i in range(3)]


def test_one_learner_alone_can_be_written(classroom: Classroom, tmp_path: Path) -> None:
    with opened(classroom, [SLUG]) as reader:
        pages = list(write_feedback(reader, SLUG, "s002"))

    assert [page.parent.parent.name for page in pages] == ["s002"]
