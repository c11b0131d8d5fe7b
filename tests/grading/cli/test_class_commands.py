"""The instructor's commands about a class: roster, release, extend, forget."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grading.classroom import Classroom
from grading.export import csv_text
from grading.export._formats import CSV_COLUMNS
from tests.grading.classroom.graded_class import SLUG, graded_class
from tests.grading.cli.conftest import Run

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for a class, named as an instructor would: by the environment."""
    monkeypatch.setenv("NNCOURSE_CLASS", str(tmp_path / "my class é"))
    monkeypatch.delenv("NNCOURSE_DB", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "my class é"


def test_the_first_learner_begins_a_class(nncourse: Run, folder: Path) -> None:
    result = nncourse("roster", "--add", "ada", "--first-name", "Ada", "--group", "a")

    assert result.exit_code == 0
    assert "A new class begins in" in result.output
    assert "ada added." in result.output
    assert Classroom.open(folder).roster.by_id("ada").group == "a"
    assert Classroom.open(folder).secret.hex() not in result.output


def test_adding_again_changes_only_what_is_said(nncourse: Run, folder: Path) -> None:
    nncourse("roster", "--add", "ada", "--first-name", "Ada", "--group", "a")
    result = nncourse("roster", "--add", "ada", "--email", "ada@example.org")

    ada = Classroom.open(folder).roster.by_id("ada")
    assert "ada changed." in result.output
    assert (ada.first_name, ada.email, ada.group) == ("Ada", "ada@example.org", "a")


def test_a_list_is_imported_and_printed_without_keys(
    nncourse: Run, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Vorname;Nachname;Anmeldename\nAda;Lovelace;ada\nEmmy;Noether;emmy\n")

    done = nncourse("roster", "--import", path, "--group", "b")
    listed = nncourse("roster", "--group", "b")
    as_json = nncourse("roster", "--json")

    roster = Classroom.open(folder).roster
    assert "2 added, 0 changed, 0 as they were" in done.output
    assert "Lovelace" in listed.output
    assert "2 learners" in listed.output
    assert [each["id"] for each in json.loads(as_json.output)] == ["ada", "emmy"]
    assert not any(each.key in listed.output + as_json.output for each in roster.all())


def test_without_a_class_the_mend_is_said(nncourse: Run, folder: Path) -> None:
    result = nncourse("roster")

    assert result.exit_code == 2
    assert "nncourse roster --add ID" in result.output
    assert not folder.exists()


def test_release_says_what_it_made(nncourse: Run, folder: Path, tmp_path: Path) -> None:
    result = nncourse(
        "release", "00", "--due", "2026-12-01 23:59", "--timezone", "Europe/Berlin",
        "--title", "Warming up",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    assert "00-start-here: 2 exercises" in result.output
    assert "which is 2026-12-01 22:59 UTC" in " ".join(result.output.split())
    assert "public" in result.output
    with zipfile.ZipFile(folder / "releases" / "00-start-here.zip") as archive:
        page = archive.read("README.md").decode()
    assert "Warming up" in page
    assert "python start.py" in page
    assert "pip install" not in page
    assert not list(tmp_path.glob("*.zip"))  # where a later "grade ." would find it
    assert str(folder / "releases") in result.output.replace("\n", "")
    assert Classroom.open(folder).settings.timezone.key == "Europe/Berlin"


def test_release_for_a_script(nncourse: Run, folder: Path, tmp_path: Path) -> None:
    nncourse("roster", "--add", "ada")
    result = nncourse("release", "00", "--to", tmp_path / "b", "--json")

    said = json.loads(result.stdout)
    assert said["versions"] == {SLUG: Classroom.open(folder).settings.assignments[SLUG].version}
    assert said["due"] is None


def test_a_zone_that_is_misspelled_begins_no_class(nncourse: Run, folder: Path) -> None:
    result = nncourse("release", "00", "--due", "2026-12-01", "--timezone", "Europe/Berlim")

    assert result.exit_code == 2
    assert "Did you mean Europe/Berlin" in result.output
    assert not folder.exists()


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["07", "--due", "2026-12-01"], "there is no unit '07'"),
        (["00", "--tier", "all"], "the tier 'all' is not known"),
        (["00", "--due", "tomorrow"], "tomorrow"),
        (["00", "--to", "."], "Choose another --to"),
        (["00", "--to", "list.csv/unit.zip"], "cannot be written"),
    ],
)
def test_a_release_that_is_refused_begins_no_class(
    nncourse: Run,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    sentence: str,
    is_there: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text("id\nada\n")
    if is_there:
        folder.mkdir()
        (folder / "notes.txt").write_text("mine")

    result = nncourse("release", *words)

    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())
    assert "A new class begins" not in result.output
    left = sorted(path.name for path in tmp_path.rglob("*"))
    assert left == sorted(["list.csv", *([folder.name, "notes.txt"] if is_there else [])])


def test_a_refused_release_takes_nothing_from_a_class_that_was_there(
    nncourse: Run, folder: Path
) -> None:
    nncourse("roster", "--add", "ada")
    nncourse("release", "00")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    nncourse("release", "07")

    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_list_and_a_release_in_the_order_of_the_readme_share_a_time_zone(
    nncourse: Run, folder: Path, tmp_path: Path
) -> None:
    begun = nncourse("roster", "--add", "ada")
    released = nncourse("release", "00", "--due", "2026-12-01", "--timezone", "Europe/Berlin")
    other = nncourse("release", "00", "--due", "2026-12-01", "--timezone", "Asia/Tokyo")

    assert "roster --timezone Europe/Berlin" in begun.output
    assert "class.toml" in begun.output
    assert "it is Europe/Berlin now" in released.output
    assert "the class keeps Europe/Berlin" in other.output
    assert Classroom.open(folder).settings.timezone.key == "Europe/Berlin"


@pytest.mark.parametrize("order", ["with the first", "later"])
def test_the_roster_takes_a_time_zone(nncourse: Run, folder: Path, order: str) -> None:
    if order == "later":
        nncourse("roster", "--add", "ada")
    set_ = nncourse("roster", "--add", "emmy", "--timezone", "Europe/Berlin")
    again = nncourse("roster", "--timezone", "Asia/Tokyo")

    assert set_.exit_code == 0
    assert Classroom.open(folder).settings.timezone.key == "Europe/Berlin"
    assert again.exit_code == 2
    assert "the time zone of the class is Europe/Berlin already" in again.output


@pytest.mark.parametrize("command", ["roster", "release"])
def test_a_time_zone_that_comes_later_names_due_dates_that_stay(
    nncourse: Run, folder: Path, command: str
) -> None:
    nncourse("release", "00", "--due", "2026-12-01 23:59")
    words = ["roster"] if command == "roster" else ["release", "01"]

    result = nncourse(*words, "--timezone", "Europe/Berlin", "--class", folder)

    said = " ".join(result.output.split())
    assert f"{SLUG}: it stays due Tuesday 2026-12-01 23:59 UTC, 00:59 in Europe/Berlin." in said
    assert f'nncourse release {SLUG} --due "2026-12-01 23:59" --timezone Europe/Berlin' in said
    nncourse("release", SLUG, "--due", "2026-12-01 23:59", "--timezone", "Europe/Berlin")
    due = Classroom.open(folder).settings.assignments[SLUG].due
    assert due is not None
    assert due.astimezone(UTC) == datetime(2026, 12, 1, 22, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--add", "Ada Lovelace"], "--add: the id 'Ada Lovelace' cannot name a folder"),
        (["--add", ""], "Write it as ada.lovelace, say"),
        (["--import", "absent.csv"], "absent.csv: it cannot be read"),
        (["--import", "list.csv"], "no column is an id or an email"),
        (["--import", "README.md"], "the only column is # Neural networks. Is this the class list"),
        (["--import", "unit.ipynb"], "the only column is {. Is this the class list?"),
        (["--import", "grades.csv"], "it is a table of grades. Name the class list."),
        (["--import", "list.zip"], "list.zip: this is a zip, not a CSV file. Unpack it"),
        (["--import", "list.xlsx"], "list.xlsx: this is a spreadsheet, not a CSV file. Save it"),
        (["--add", "ada", "--timezone", "Mars/Olympus"], "there is no time zone"),
    ],
)
def test_what_cannot_be_added_begins_no_class(
    nncourse: Run, folder: Path, tmp_path: Path, words: list[str], sentence: str
) -> None:
    (tmp_path / "list.csv").write_text("color,size\nred,3\n")
    (tmp_path / "README.md").write_text("# Neural networks\n\nOne, two, three, and four.\n")
    (tmp_path / "unit.ipynb").write_text('{\n "cells": [1,\n  2],\n "nbformat": 4\n}\n')
    (tmp_path / "grades.csv").write_text(csv_text([CSV_COLUMNS, ["01-x", None, None, "ada"]]))
    for name in ("list.zip", "list.xlsx"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("list.csv", "id\nada\n")

    result = nncourse("roster", *words)

    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())
    assert "roster.csv" not in result.output
    assert not folder.exists()


def test_an_import_says_which_columns_it_read(nncourse: Run, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("student;first;last;email;shoe size\nada;Ada;Lovelace;a@b.org;38\n")

    result = nncourse("roster", "--import", path, "--json")

    assert "Columns used: student as id, first as first name, last as last name, email." in (
        result.stderr
    )
    assert "Columns not used: shoe size." in result.stderr
    assert json.loads(result.stdout)[0]["last_name"] == "Lovelace"


def test_an_import_says_who_is_missing_and_how_it_was_read(
    nncourse: Run, folder: Path, tmp_path: Path
) -> None:
    for i in range(7):
        nncourse("roster", "--add", f"s{i}", "--id-number", f"{i}00")
    path = tmp_path / "list.csv"
    path.write_bytes("id;name\ns0;Groß, Jürgen\n".encode("cp1252"))

    said = " ".join(nncourse("roster", "--import", path).output.split())

    assert "6 in the roster are not in this file: s1, s2, s3, s4, s5 and 1 more." in said
    assert "was read as Windows-1252: look at the names" in said
    assert Classroom.open(folder).roster.by_id("s0").id_number == "000"


@pytest.mark.parametrize(
    "words",
    [
        ["roster", "--add", "emmy"],
        ["release", "00", "--due", "2026-12-01 23:59"],
        ["extend", "ada", "00", "--days", "2"],
    ],
)
def test_a_class_that_cannot_be_written_is_said_in_one_sentence(
    nncourse: Run, folder: Path, words: list[str]
) -> None:
    nncourse("roster", "--add", "ada")
    nncourse("release", "00", "--due", "2026-12-01 23:59")
    (folder / ".lock").unlink()
    (folder / ".lock").mkdir()  # closed to everybody, the superuser too

    result = nncourse(*words)

    assert result.exit_code == 2
    assert ".lock: it cannot be written" in result.output
    assert "Mend the rights of its folder" in result.output
    assert "Traceback" not in result.output


def test_a_mend_repeats_the_class_that_was_given(nncourse: Run, tmp_path: Path) -> None:
    given = tmp_path / "my class"
    absent = nncourse("roster", "--class", given)
    begun = nncourse("roster", "--add", "ada", f"--class={given}")
    unreleased = nncourse("extend", "ada", "00", "--days", "1", f"--class={given}")
    unknown = nncourse("extend", "zzz", "00", "--days", "1", "--class", given)

    assert f"nncourse roster --class '{given}' --add ID" in absent.output
    assert f"--timezone Europe/Berlin --class '{given}'" in begun.output
    assert "is not released" in unreleased.output
    assert f"nncourse roster --class '{given}'" in unknown.output


@pytest.mark.parametrize(
    "words",
    [
        ["extend", "Noether", "00", "--days", "1"],
        ["forget", "emmy", "--yes"],
        ["regrade", "--explain", "noether", "predict_shapes", "--unsafe"],
        ["feedback", "00", "--student", "noethr3"],
    ],
)
def test_somebody_unknown_is_answered_with_the_nearest(
    nncourse: Run, graded: Classroom, words: list[str]
) -> None:
    result = nncourse(*words, "--class", graded.root)

    assert result.exit_code == 2
    assert "Did you mean noether3?" in result.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a", "00", "--days", "1"], "a group of 2 is called so. If you mean the group, add --gro"),
        (["lovelace", "00", "--days", "1"], "Did you mean lovelace7"),
        (["lovelace7", "01", "--days", "1"], "is not released; released are: 00-start-here"),
        (["lovelace7", "00"], "Add --until, --days or --time-factor"),
        (["lovelace7", "--days", "1"], "the assignment is missing"),
        (["lovelace7", "00", "--days", "1", "--until", "2026-12-09"], "exclude each other"),
        (["lovelace7", "00", "--until", "2026-11-01"], "is not after the due date"),
        (["lovelace7", "00", "--until", "soon"], "is no time"),
        (["z", "00", "--days", "1", "--group"], "nobody is in the group 'z'. Groups are: a"),
    ],
)
def test_an_extension_that_cannot_be_meant_is_refused(
    nncourse: Run, graded: Classroom, words: list[str], sentence: str
) -> None:
    before = Classroom.open(graded.root).settings.extensions

    result = nncourse("extend", *words, "--class", graded.root)

    assert result.exit_code == 2
    assert sentence in result.output
    assert Classroom.open(graded.root).settings.extensions == before


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    return graded_class(tmp_path_factory.mktemp("graded"))


def test_an_extension_reaches_class_and_gradebook(nncourse: Run, graded: Classroom) -> None:
    from nbgrader.api import Gradebook

    result = nncourse(
        "extend", "noether3", "00", "--until", "2026-12-05 12:00", "--class", graded.root
    )

    opened = Classroom.open(graded.root)
    noether, lovelace = opened.roster.by_id("noether3"), opened.roster.by_id("lovelace7")
    with Gradebook(opened.db_url, opened.course_id) as gradebook:
        submission = gradebook.find_submission(SLUG, "noether3")
        told = submission.duedate.replace(tzinfo=UTC)
    assert "The gradebook of nbgrader knows it for 1" in result.output
    assert opened.due(noether, SLUG) == told == datetime(2026, 12, 5, 11, 0, tzinfo=UTC)
    assert opened.due(lovelace, SLUG) == datetime(2026, 12, 2, 22, 59, tzinfo=UTC)


def test_a_group_gets_more_time(nncourse: Run, graded: Classroom) -> None:
    words = ["extend", "a", "00", "--group", "--days", "9", "--time-factor", "3", "--json"]

    said = json.loads(nncourse(*words, "--class", graded.root).stdout)

    assert said["learners"] == ["lovelace7", "noether3"]
    assert said["in_gradebook"] == 2
    assert said["time_factor"] == 3
    opened = Classroom.open(graded.root)
    assert opened.time_factor(opened.roster.by_id("noether3"), SLUG) == pytest.approx(3)


def test_forget_asks_first(nncourse: Run, graded: Classroom) -> None:
    result = nncourse("forget", "lovelace7", "--class", graded.root)

    assert result.exit_code == 1
    assert "Erase Augusta Lovelace (lovelace7)" in result.output
    assert "lovelace7" in Classroom.open(graded.root).roster


def test_forget_says_what_it_removed_and_where_the_name_still_stands(
    nncourse: Run, graded: Classroom
) -> None:
    (graded.root / "export.csv").write_text("lovelace7,3\n")

    result = nncourse("forget", "lovelace7", "--yes", "--class", graded.root)

    output = " ".join(result.output.split())
    assert result.exit_code == 0
    assert "Removed: all rows in the gradebook" in output
    assert "Removed: the key" in output
    assert "export.csv" in output
    assert f"Searched: {graded.root}." in output
    assert "elsewhere were not searched" in output
    assert "lovelace7" not in Classroom.open(graded.root).roster
    assert nncourse("forget", "lovelace7", "--yes", "--class", graded.root).exit_code == 2
