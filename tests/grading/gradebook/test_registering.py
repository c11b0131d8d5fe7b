"""Registering writes what ``nbgrader generate_assignment`` writes, and keeps what is there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from grading.assignments import version_of
from grading.gradebook import Writer
from grading.refusals import Refusal
from tests.grading.gradebook.cases import SLUG, cell, notebook, record, version
from tests.grading.gradebook.reading import rows, scores

pytestmark = pytest.mark.filterwarnings(
    "ignore::sqlalchemy.exc.SAWarning"  # nbgrader 0.9.6 under SQLAlchemy 2.1
)

CHECKOUT = Path(__file__).resolve().parents[3]


def generated(folder: Path, slug: str, url: str) -> None:
    """Run nbgrader's own release step on a unit of the course, as `nbgrader_config.py` does."""
    shutil.copytree(CHECKOUT / "solutions" / slug, folder / "solutions" / slug)
    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.source_directory = "solutions"
    config.CourseDirectory.release_directory = "course"
    config.CourseDirectory.db_url = url
    config.CourseDirectory.course_id = "nn"
    done = NbGraderAPI(config=config).generate_assignment(slug)
    assert done["success"], done


@pytest.mark.slow
def test_rows_equal_those_of_generate_assignment(
    new_url: Callable[[], str], tmp_path: Path
) -> None:
    slug = "01-backpropagation"
    ours, theirs = new_url(), new_url()
    if theirs.startswith("sqlite"):
        Path(theirs.removeprefix("sqlite:///")).parent.mkdir()
    generated(tmp_path, slug, theirs)
    before = rows(theirs, ids=True)
    released = version_of(CHECKOUT / "course" / slug / f"{slug}.ipynb", b"secret")

    with Writer(ours, "nn") as writer:
        writer.register(released)
    with Writer(theirs, "nn") as writer:
        writer.register(released)

    assert rows(theirs, ids=True) == before
    assert rows(ours, without=("course",)) == rows(theirs, without=("course",))
    assert len(before["base_cell"]) == 22


def test_registering_again_keeps_every_id(writer: Writer, url: str) -> None:
    writer.register(version(), datetime(2026, 3, 1, 12, tzinfo=UTC))
    before = rows(url, ids=True)

    writer.register(version())

    assert rows(url, ids=True) == before


def test_due_date_is_kept_in_utc(writer: Writer, url: str) -> None:
    def due() -> datetime | None:
        with Gradebook(url, "nn") as gradebook:
            return gradebook.find_assignment(SLUG).duedate  # type: ignore[no-any-return]

    writer.register(version())
    assert due() is None
    writer.register(version(), datetime(2026, 3, 1, 23, 59, tzinfo=timezone(timedelta(hours=1))))
    assert due() == datetime(2026, 3, 1, 22, 59)
    writer.register(version())
    assert due() is not None


def test_changed_points_reach_the_gradebook(writer: Writer, url: str, tmp_path: Path) -> None:
    writer.register(version())
    writer.record([record(tmp_path)])
    changed = notebook()
    changed["cells"][1]["metadata"]["nbgrader"]["points"] = 5.0

    writer.register(version(changed))

    with Gradebook(url, "nn") as gradebook:
        found = gradebook.find_submission(SLUG, "ada")
        assert (found.score, found.max_score) == (3.5, 13.0)


def test_new_cell_is_still_to_be_graded_for_everybody(
    writer: Writer, url: str, tmp_path: Path
) -> None:
    writer.register(version())
    writer.record([record(tmp_path)])
    more = cell("check_h", "check('h')", grade=True, points=1.0)

    writer.register(version(notebook(more=more)))

    assert scores(url, "ada")["check_h"] == (None, None, 0.0, True)


def test_cell_with_points_cannot_vanish(writer: Writer, url: str, tmp_path: Path) -> None:
    writer.register(version())
    writer.record([record(tmp_path)])
    before = rows(url, ids=True)

    with pytest.raises(Refusal, match=r"01-made-up: .* 'check_g'.* under another name"):
        writer.register(version(notebook(without="check_g")))
    assert rows(url, ids=True) == before


def test_cell_without_points_vanishes(writer: Writer, url: str, tmp_path: Path) -> None:
    writer.register(version())
    writer.register(version(notebook(without="check_g")))

    with Gradebook(url, "nn") as gradebook:
        book = gradebook.find_notebook(SLUG, SLUG)
        assert {each.name for each in book.grade_cells} == {"check_f", "essay"}
        assert "check_g" not in {each.name for each in book.source_cells}
    writer.record([record(tmp_path)])
    assert set(scores(url, "ada")) == {"check_f", "essay", "task"}


def test_other_notebook_under_the_name_is_refused(writer: Writer, url: str) -> None:
    with Gradebook(url, "nn") as gradebook:
        gradebook.add_assignment(SLUG)
        gradebook.add_notebook("problem1", SLUG)

    with pytest.raises(Refusal, match=r"'problem1'.*nbgrader db assignment remove 01-made-up"):
        writer.register(version())


def test_version_of_another_course_has_to_be_there(writer: Writer, url: str) -> None:
    with pytest.raises(Refusal, match="nbgrader generate_assignment ps1"):
        writer.register(SimpleNamespace(slug="ps1"))
    with Gradebook(url, "nn") as gradebook:
        gradebook.add_assignment("ps1")
    before = rows(url, ids=True)

    writer.register(SimpleNamespace(slug="ps1"))

    assert rows(url, ids=True) == before


def test_sources_are_what_nbgrader_restores_from(writer: Writer, url: str) -> None:
    writer.register(version())

    with Gradebook(url, "nn") as gradebook:
        check = gradebook.find_source_cell("check_f", SLUG, SLUG)
        essay = gradebook.find_source_cell("essay", SLUG, SLUG)
        assert (check.source, check.locked) == ("check('f')", True)
        assert check.checksum == notebook()["cells"][1]["metadata"]["nbgrader"]["checksum"]
        assert (essay.source, essay.locked, essay.cell_type) == ("Why?", False, "markdown")
        kernelspec = gradebook.find_notebook(SLUG, SLUG).kernelspec
        assert json.loads(kernelspec) == notebook()["metadata"]["kernelspec"]
