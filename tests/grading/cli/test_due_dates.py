"""Due dates through releases: kept, moved, taken away, and what that does to extensions."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from grading.classroom import Classroom
from tests.grading.classroom.graded_class import SLUG
from tests.grading.cli.conftest import Run

DUE = ("--due", "2026-12-01 23:59", "--timezone", "Europe/Berlin")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "my class"


def due_of(folder: Path, slug: str = SLUG) -> str:
    due = Classroom.open(folder).settings.assignments[slug].due
    return "" if due is None else due.isoformat()


def test_a_release_without_a_date_keeps_the_one_that_the_class_has(
    nncourse: Run, folder: Path
) -> None:
    nncourse("release", "00", *DUE, "--class", folder)

    again = nncourse("release", "00", "--class", folder)

    assert due_of(folder) == "2026-12-01T23:59:00+01:00"
    said = " ".join(again.output.split())
    assert "Due Tuesday 2026-12-01 23:59 Europe/Berlin" in said
    assert "as before." in said
    assert "there is none now" not in said
    with zipfile.ZipFile(folder / "releases" / f"{SLUG}.zip") as archive:
        assert "2026-12-01 23:59 Europe/Berlin" in archive.read("README.md").decode()
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["assignments"][SLUG]["due"] == "2026-12-01T23:59:00+01:00"


def test_a_date_is_taken_away_only_by_its_own_option(nncourse: Run, folder: Path) -> None:
    nncourse("release", "00", *DUE, "--class", folder)

    without = nncourse("release", "00", "--no-due", "--class", folder)

    assert due_of(folder) == ""
    assert "there was a due date before, and there is none now" in " ".join(without.output.split())


def test_a_date_and_none_exclude_each_other(nncourse: Run, folder: Path) -> None:
    result = nncourse("release", "00", *DUE, "--no-due", "--class", folder)

    assert result.exit_code == 2
    assert "--due and --no-due exclude each other" in result.output
    assert not folder.exists()


def test_units_released_together_keep_their_own_dates(nncourse: Run, folder: Path) -> None:
    nncourse("release", "00", *DUE, "--class", folder)
    nncourse("release", "01", "--due", "2026-12-08", "--class", folder)

    result = nncourse("release", "00", "01", "--json", "--class", folder)

    said = json.loads(result.stdout)
    assert said["due"] is None
    assert said["dues"] == {
        SLUG: "2026-12-01T23:59:00+01:00",
        "01-backpropagation": "2026-12-08T23:59:00+01:00",
    }
    assert due_of(folder) == said["dues"][SLUG]
    with zipfile.ZipFile(folder / "releases" / f"{SLUG}.zip") as archive:
        page = archive.read("README.md").decode()
    assert "Each notebook has a due date of its own." in page
    assert page.count("Due: Tuesday 2026-12-0") == 2


@pytest.mark.parametrize(("late", "is_said"), [("0", True), ("10", False)])
def test_a_due_date_without_a_penalty_says_that_late_work_costs_nothing(
    nncourse: Run, folder: Path, late: str, is_said: bool
) -> None:
    nncourse("roster", "--add", "ada", "--class", folder)
    path = folder / "class.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("percent = 0 ", f"percent = {late} "), encoding="utf-8")

    result = nncourse("release", "00", *DUE, "--class", folder, "--json")

    notes = " ".join(json.loads(result.stdout)["notes"])
    assert ("Late work costs nothing so far" in notes) is is_said
    assert (f"set percent under [late] in {path}" in notes) is is_said


def test_without_a_due_date_nothing_is_said_of_late_work(nncourse: Run, folder: Path) -> None:
    assert "Late work" not in nncourse("release", "00", "--class", folder).output


def test_extensions_in_days_that_moved_with_a_date_are_named(nncourse: Run, folder: Path) -> None:
    for i in range(7):
        nncourse("roster", "--add", f"s{i}", "--group", "b", "--class", folder)
    nncourse("release", "00", *DUE, "--class", folder)
    for i in range(5):
        nncourse("extend", f"s{i}", "00", "--days", "2", "--class", folder)
    nncourse("extend", "s5", "00", "--until", "2026-12-05", "--class", folder)
    nncourse("extend", "s6", "00", "--days", "0", "--class", folder)
    nncourse("extend", "b", "00", "--group", "--days", "1", "--class", folder)

    same = nncourse("release", "00", "--class", folder)
    moved = nncourse("release", "00", "--due", "2026-12-03", "--class", folder)

    assert "moved" not in same.output
    said = " ".join(moved.output.split())
    assert f"{SLUG}: 6 extensions in days moved with the due date: s0, s1, s2, s3, s4" in said
    assert "and 1 more. One that was given with --until stays." in said
    assert "s5" not in said


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("release", "a day alone means 23:59"),
        ("release", "--no-due"),
        ("extend", "with which it moves"),
        ("extend", "it stays where the due date is moved"),
        ("report", "report-names.html"),
    ],
)
def test_help_says_what_dates_and_names_do(nncourse: Run, command: str, words: str) -> None:
    output = nncourse(command, "--help").output.replace("│", " ")

    assert words in " ".join(output.split())
