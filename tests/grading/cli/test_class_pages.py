"""``nncourse feedback``, ``report``, ``export`` and ``similar`` on a class that was graded."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.grading.cli.conftest import Run
from tests.grading.reporting.classes import SLUG, make_class, mixed


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class folder with a space in its name."""
    handed = mixed(8)
    handed[1] = replace(handed[1], answers=handed[0].answers)
    return make_class(tmp_path_factory.mktemp("class") / "my class", handed).root


@pytest.fixture
def folder(graded: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written into."""
    return Path(shutil.copytree(graded, tmp_path / "my class"))


def test_feedback_writes_pages_and_an_archive(nncourse: Run, folder: Path) -> None:
    result = nncourse("feedback", "01", "--class", folder, "--zip")

    assert result.exit_code == 0
    assert f"{SLUG}: 8 pages in {folder}/feedback" in result.stdout.replace("\n", "")
    assert (folder / "feedback" / "s003" / SLUG / f"{SLUG}.html").is_file()
    assert (folder / "feedback" / f"{SLUG}.zip").is_file()


def test_feedback_of_one_learner_names_the_file(nncourse: Run, folder: Path) -> None:
    result = nncourse("feedback", SLUG, "--class", folder, "--student", "s002", "--json")

    assert json.loads(result.stdout) == {
        SLUG: [str(folder / "feedback" / "s002" / SLUG / f"{SLUG}.html")]
    }


def test_dates_stand_on_the_clock_of_the_assignment(nncourse: Run, folder: Path) -> None:
    """The class is in Berlin; this assignment was released for Tokyo."""
    page = folder / "feedback" / "s003" / SLUG / f"{SLUG}.html"
    seen = []
    for zone in ("Europe/Berlin", "Asia/Tokyo"):
        nncourse(
            "release", "01", "--due", "2026-12-01 23:59", "--timezone", zone, "--class", folder
        )
        nncourse("feedback", "01", "--class", folder)
        nncourse("report", "01", "--names", "--class", folder)
        report = nncourse("report", "01", "--names", "--json", "--class", folder)
        own = folder / "report-names.html"
        shown = page.read_text(encoding="utf-8"), own.read_text("utf-8")
        assert "1 December 2026, 23:59" in shown[0]
        at = json.loads(report.stdout)[0]["learners"][0]["handed_in"]
        seen.append((*("JST" in text for text in shown), at[-6:]))

    assert seen[0][:2] == (False, False)
    assert seen[1] == (True, True, "+09:00")


def test_report_is_written_and_written_again(nncourse: Run, folder: Path) -> None:
    first = nncourse("report", "--class", folder)
    second = nncourse("report", "01", "--class", folder)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "s003" not in (folder / "report.html").read_text(encoding="utf-8")


def test_report_with_names_names_them(nncourse: Run, folder: Path, tmp_path: Path) -> None:
    nncourse("report", "01", "--class", folder, "--names", "--to", tmp_path / "r.html")

    assert "First3 Last003" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_report_with_names_leaves_the_page_to_be_passed_on(nncourse: Run, folder: Path) -> None:
    nncourse("report", "01", "--class", folder)
    before = (folder / "report.html").read_bytes()

    result = nncourse("report", "01", "--class", folder, "--names")

    assert "report-names.html" in result.stdout.replace("\n", "")
    assert (folder / "report.html").read_bytes() == before
    assert "First3 Last003" in (folder / "report-names.html").read_text(encoding="utf-8")


def test_canvas_without_a_column_says_how_to_name_one(
    nncourse: Run, folder: Path, tmp_path: Path
) -> None:
    words = ("export", "--format", "canvas", "--class", folder, "--to", tmp_path / "grades.csv")

    without = nncourse(*words)
    named = nncourse(*words, "--column", "01=Backprop (87568490)")

    said = " ".join(without.stderr.split())
    assert "Canvas makes a new assignment of a column that it does not know" in said
    assert '--column "01=Backprop (87568490)"' in said
    assert "--column" not in named.stderr


def test_report_as_json_is_json_alone(nncourse: Run, folder: Path) -> None:
    result = nncourse("report", "01", "--class", folder, "--json")

    (unit,) = json.loads(result.stdout)
    assert unit["graded"] == 8
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize("kind", ["csv", "canvas", "moodle"])
def test_export_writes_a_table(nncourse: Run, folder: Path, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "grades.csv"

    result = nncourse(
        "export", "--format", kind, "--class", folder, "--to", target, "--column", "01=Unit 1 (7)"
    )

    assert result.exit_code == 0, result.output
    rows = list(csv.reader(target.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == {"csv": 9, "canvas": 10, "moodle": 9}[kind]
    assert ("Unit 1 (7)" in str(rows[0])) == (kind != "csv")


@pytest.mark.parametrize("word", ["1", "01", SLUG])
def test_unit_is_named_in_any_form(nncourse: Run, folder: Path, tmp_path: Path, word: str) -> None:
    target = tmp_path / "g.csv"

    result = nncourse(
        "export", "--format", "canvas", "--class", folder, "--to", target,
        "--assignment", word, "--column", f"{word}=Unit 1 (7)",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    assert "Unit 1 (7)" in target.read_text(encoding="utf-8").splitlines()[0]
    assert nncourse("report", word, "--class", folder).exit_code == 0


def test_score_of_who_handed_in_nothing_is_empty_unless_asked_otherwise(
    nncourse: Run, folder: Path, tmp_path: Path
) -> None:
    nncourse("roster", "--add", "late.comer", "--class", folder)
    words = ("export", "--format", "csv", "--class", folder, "--to")

    plain = nncourse(*words, tmp_path / "a.csv")
    zero = nncourse(*words, tmp_path / "b.csv", "--missing-as-zero")

    def score(name: str) -> str:
        with (tmp_path / name).open(encoding="utf-8", newline="") as text:
            rows = {row["student_id"]: row["score"] for row in csv.DictReader(text)}
        assert len(rows) == 9
        return rows["late.comer"]

    assert (score("a.csv"), score("b.csv")) == ("", "0")
    assert "1 score is empty" in plain.stderr
    assert "--missing-as-zero" in plain.stderr
    assert "empty" not in zero.stderr


def test_export_writes_times_on_the_clock_of_the_class(
    nncourse: Run, folder: Path, tmp_path: Path
) -> None:
    nncourse("export", "--format", "csv", "--class", folder, "--to", tmp_path / "g.csv")

    with (tmp_path / "g.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert {row["duedate"] for row in rows} == {"2026-12-01T23:59:00+01:00"}
    assert all(row["timestamp"].endswith(("+01:00", "+02:00")) for row in rows)


def test_export_makes_no_folder(nncourse: Run, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "nonexist" / "x.csv"

    result = nncourse("export", "--format", "csv", "--class", folder, "--to", target)

    assert result.exit_code == 2
    assert "there is no such folder" in " ".join(result.stderr.split())
    assert not target.parent.exists()


@pytest.mark.parametrize("command", ["report", "feedback", "similar"])
def test_output_begins_without_a_blank_line(nncourse: Run, folder: Path, command: str) -> None:
    result = nncourse(command, "01", "--class", folder)

    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.strip()
    assert not result.output.startswith("\n")


def test_copied_class_writes_its_own_pages_again(
    nncourse: Run, folder: Path, tmp_path: Path
) -> None:
    for command in ("report", "similar"):
        nncourse(command, "01", "--class", folder)
    copy = Path(shutil.copytree(folder, tmp_path / "a copy"))

    assert [nncourse(each, "01", "--class", copy).exit_code for each in ("report", "similar")] == [
        0,
        0,
    ]


def test_export_leaves_a_corrected_table_alone(nncourse: Run, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "grades.csv"
    words = ("export", "--format", "csv", "--class", folder, "--to", target)
    nncourse(*words)
    target.write_text("corrected by hand")

    refused, forced = nncourse(*words), nncourse(*words, "--force")

    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert forced.exit_code == 0
    assert target.read_text() != "corrected by hand"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--format", "xls"), "Choose csv, canvas or moodle"),
        (("--format", "csv", "--assignment", "07"), "it is no assignment of this class"),
        (("--format", "csv", "--column", "07=X"), "it names no assignment"),
        (("--format", "csv", "--column", "Unit"), "it names no assignment"),
    ],
)
def test_export_refuses_what_it_cannot_mean(
    nncourse: Run, folder: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    result = nncourse("export", *words, "--class", folder, "--to", tmp_path / "g.csv")

    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
    assert not (tmp_path / "g.csv").exists()


def test_similar_finds_nothing_in_public_solutions(nncourse: Run, folder: Path) -> None:
    """Two learners handed in the very same public answers."""
    result = nncourse("similar", "01", "--class", folder)

    assert result.exit_code == 0
    assert "0 pairs to look at" in result.stdout
    assert f"{SLUG}: the very same file came from s000, s001," in result.stdout
    assert "s006 and s007." in " ".join(result.stdout.split())
    page = (folder / "similar.html").read_text(encoding="utf-8")
    assert "It is not a score and not a verdict" in page
    assert (
        json.loads(nncourse("similar", "01", "--class", folder, "--json").stdout)[0]["pairs"] == []
    )


@pytest.mark.parametrize("command", ["feedback", "report", "similar"])
def test_unknown_unit_is_refused(nncourse: Run, folder: Path, command: str) -> None:
    result = nncourse(command, "42", "--class", folder)

    assert result.exit_code == 2
    assert f"42: it is no assignment of this class. Graded so far: {SLUG}." in " ".join(
        result.stderr.split()
    )


@pytest.mark.parametrize("command", ["feedback", "report", "similar", "export"])
def test_commands_help_with_an_example(nncourse: Run, command: str) -> None:
    result = nncourse(command, "--help")

    assert result.exit_code == 0
    assert f"Example: nncourse {command}" in result.output


def test_class_that_was_not_graded_is_refused(nncourse: Run, tmp_path: Path) -> None:
    nncourse("roster", "--class", tmp_path / "new", "--add", "ada")

    result = nncourse("report", "--class", tmp_path / "new")

    assert result.exit_code == 2
    assert "there is no gradebook yet" in " ".join(result.stderr.split())
