"""``nncourse learn`` brings the course and opens it where the learner stopped."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grading import progress
from grading.exercises import all_exercises
from grading.learning import lab, places
from grading.refusals import Refusal
from tests.grading.cli.conftest import Run
from tests.grading.learning.cases import BACKPROP, BACKPROP_UPDATE, START, notebook, release


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = release(tmp_path / "course", 1)
    monkeypatch.setattr("grading.house.course_folder", lambda: folder)
    return folder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace JupyterLab by a server that ends at once, and return what it was asked for."""
    asked: list[dict[str, Any]] = []

    @contextmanager
    def fake(folder: Path, **options: Any) -> Generator[Any, None, None]:
        asked.append({"folder": folder, **options})
        yield SimpleNamespace(url="http://127.0.0.1:1/lab?token=x", wait=lambda: 0)

    monkeypatch.setattr(lab, "running_lab", fake)
    return asked


def test_copy_only_copies_and_starts_nothing(
    nncourse: Run, course: Path, opened: list[dict[str, Any]], tmp_path: Path
) -> None:
    folder = tmp_path / "my course"

    first, second = (nncourse("learn", folder, "--copy-only") for _ in range(2))

    assert first.output == f"The course is now in {folder}: 2 notebooks.\n"
    assert second.output == f"{folder} is up to date.\n"
    assert opened == []


def test_an_update_is_announced_and_the_work_is_left(
    nncourse: Run, course: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    nncourse("learn", folder, "--copy-only")
    (folder / BACKPROP).write_bytes(notebook("my answer"))
    release(course, 2)

    result = nncourse("learn", folder, "--copy-only")

    assert f"{BACKPROP_UPDATE} beside 01-backpropagation.ipynb" in result.output
    assert (folder / BACKPROP).read_bytes() == notebook("my answer")


def test_restore_brings_a_removed_notebook(nncourse: Run, course: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    nncourse("learn", folder, "--copy-only")
    (folder / START).unlink()

    result = nncourse("learn", folder, "--copy-only", "--restore")

    assert result.output == f"{folder}: new: 00-start-here.ipynb.\n"


def test_the_first_start_opens_unit_zero(
    nncourse: Run, course: Path, opened: list[dict[str, Any]], tmp_path: Path, home: Path
) -> None:
    result = nncourse("learn", tmp_path / "mine", "--no-browser", "--port", "8123")

    assert result.exit_code == 0
    assert "JupyterLab answers at\nhttp://127.0.0.1:1/lab?token=x\n" in result.output
    assert opened == [
        {
            "folder": tmp_path / "mine",
            "home": home,
            "page": START,
            "port": 8123,
            "browser": False,
        }
    ]


def test_a_later_start_opens_the_unit_of_the_last_attempt(
    nncourse: Run, course: Path, opened: list[dict[str, Any]], tmp_path: Path
) -> None:
    last = next(e for e in reversed(all_exercises()) if e.unit in {"00", "01"})
    progress.record(all_exercises()[0].id, 1.0, 2.0)
    progress.record(last.id, 1.0, 2.0)
    progress.record("an_exercise_of_an_older_release", 1.0, 2.0)

    nncourse("learn", tmp_path / "mine")

    assert opened[0]["page"] == {"00": START, "01": BACKPROP}[last.unit]


def test_root_is_told_what_it_means(
    nncourse: Run,
    course: Path,
    opened: list[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lab, "is_root", lambda: True)
    as_root = nncourse("learn", tmp_path / "mine").output
    monkeypatch.setattr(lab, "is_root", lambda: False)
    as_user = nncourse("learn", tmp_path / "mine").output

    assert "You are root" in as_root
    assert "You are root" not in as_user


def test_a_refusal_is_one_sentence_and_status_2(
    nncourse: Run, course: Path, tmp_path: Path
) -> None:
    (tmp_path / "letter").write_text("x")

    result = nncourse("learn", tmp_path / "letter", "--copy-only")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"nncourse learn: {tmp_path / 'letter'} is a file, not a folder. Name another: "
        '"nncourse learn FOLDER".\n'
    )


def test_without_a_name_the_folder_is_in_the_checkout_or_at_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_checkout() -> Path:
        raise Refusal("no sources here")

    monkeypatch.setattr(places, "course_root", lambda: tmp_path)
    in_checkout = places.default_folder()
    monkeypatch.setattr(places, "course_root", no_checkout)

    assert in_checkout == tmp_path / "my-course"
    assert places.default_folder() == Path.home() / "nn-course"
