"""Tables for spreadsheets, Canvas and Moodle: read back with the csv module."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import sysconfig
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook
from nbgrader.plugins import CsvExportPlugin

from grading.classroom import Classroom, Learner
from grading.export import FORMATS, CanvasExporter, Grades, csv_text, grades_of
from grading.export._cells import decimal, safe
from grading.refusals import Refusal
from grading.reporting import Mark, Recorded, gradebook
from tests.grading.reporting.classes import SLUG, make_class, mixed, person

ROOT = Path(__file__).resolve().parents[3]


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def grades(*learners: Learner, points: float = 7.5, waiting: bool = False, **given: str) -> Grades:
    """A class in which the last learner handed nothing in."""
    marks = {
        one.id: Recorded(
            one.id, "01-x", None, None,
            (Mark("01-x", "c", 10.0, points, None, 0.0, waiting),),
            {("01-x", "c"): "Good,\n=but short"}, 1.0, 10.0,
        )
        for one in learners[:-1]
    }  # fmt: skip
    return Grades(learners, ("01-x",), {"01-x": marks}, {"01-x": 10.0}, given)


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+49", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "\u22121"],
)
def test_what_a_spreadsheet_would_compute_becomes_text(text: str) -> None:
    assert safe(text).startswith("'")


def test_ordinary_texts_and_our_numbers_stay_as_they_are() -> None:
    assert read(csv_text([["Ada", "O'Neil, B", 'say "x"', -1.5, 0.0, None, ""]])) == [
        ["Ada", "O'Neil, B", 'say "x"', "-1.5", "0", "", ""]
    ]
    assert [decimal(v) for v in (1 / 3, 1e-9, 1e6, -0.0)] == ["0.3333", "0", "1000000", "0"]


@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=4), max_size=5))
def test_every_table_can_be_read_back(rows: list[list[str]]) -> None:
    text = csv_text(rows)

    back = read(text)
    text.encode("utf-8")
    assert [[safe(cell) for cell in row] for row in rows] == [row or [""] for row in back]
    for row in back:
        assert all(not cell.lstrip().startswith(("=", "+", "-", "@", "\t")) for cell in row)


def test_byte_order_mark_comes_first_where_excel_needs_it() -> None:
    assert csv_text([["a"]], bom=True).encode("utf-8").startswith(b"\xef\xbb\xbfa")


def test_canvas_table_has_the_columns_of_its_own_export() -> None:
    held = grades(
        person(1, id_number="u-17"), person(2, lms_user_id="ada@uni"), person(3, lms_user_id=""),
        person(4),
        **{"01-x": "Unit 1 (87568490)"},
    )  # fmt: skip

    sheet = FORMATS["canvas"](held)

    assert read(csv_text(sheet.rows)) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Unit 1 (87568490)"],
        ["    Points Possible", "", "", "", "", "10"],
        ["Last001, First1", "1001", "u-17", "s001", "B", "6.5"],
        ["Last002, First2", "", "", "ada@uni", "A", "6.5"],
        ["Last003, First3", "", "", "s003", "B", "6.5"],
    ]
    assert "s003 has no LMS id" in " ".join(sheet.warnings)
    assert "1 learner has handed nothing in and is left out" in " ".join(sheet.warnings)


def test_moodle_table_brings_grade_and_feedback_together() -> None:
    """Its documentation: feedback imported without grades erases the grades."""
    held = grades(
        person(1, id_number="4711"), person(2, email=""), person(3, lms_user_id=""), person(4)
    )

    sheet = FORMATS["moodle"](held)

    header, first, second, third = read(csv_text(sheet.rows))
    assert header == [
        "First name", "Last name", "ID number", "Email address",
        "Assignment: 01-x (Real)", "Assignment: 01-x (Feedback)",
    ]  # fmt: skip
    assert first == [
        "First1", "Last001", "4711", "s001@example.org", "6.5",
        "6.5 of 10 points. 1 taken off for being late. c: Good, =but short",
    ]  # fmt: skip
    assert second[2:4] == ["s002", ""]  # never the platform's own number
    assert third[2:4] == ["", "s003@example.org"]
    (warning,) = (each for each in sheet.warnings if "s002" in each)
    assert "s002 has neither e-mail address nor ID number; Moodle will look for the id" in warning
    assert warning.endswith("nncourse roster --import FILE")


def test_mend_for_a_course_of_ones_own_is_nbgraders_command() -> None:
    held = replace(
        grades(person(1, lms_user_id="", email=""), person(2)),
        mend="nbgrader db student import FILE",
    )

    for kind in ("canvas", "moodle"):
        said = " ".join(FORMATS[kind](held).warnings)
        assert "nbgrader db student import FILE" in said
        assert "nncourse roster" not in said


def test_nobody_is_left_out_where_nothing_counts_as_zero() -> None:
    held = grades(person(1), person(2))

    rows = read(csv_text(FORMATS["canvas"](held, missing_as_zero=True).rows))

    assert [row[-1] for row in rows[2:]] == ["6.5", "0"]


def test_plain_table_says_which_scores_are_empty() -> None:
    held = grades(person(1), person(2))
    empty, zero = (FORMATS["csv"](held, missing_as_zero=flag) for flag in (False, True))

    assert [row[7:10] for row in read(csv_text(empty.rows))[1:]] == [["7.5", "1", "6.5"], [""] * 3]
    assert read(csv_text(zero.rows))[2][7:10] == ["0", "0", "0"]
    assert [len(each.warnings) for each in (empty, zero)] == [1, 0]
    assert "1 score is empty" in empty.warnings[0]


def test_grades_that_wait_for_a_person_are_announced() -> None:
    warning = FORMATS["csv"](grades(person(1), person(2), waiting=True)).warnings[0]

    assert warning.startswith("1 submission still waits for a person's points")


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_hostile_names_neither_compute_nor_break_the_table(kind: str) -> None:
    name = '=HYPERLINK("http://evil";"x")'
    hostile = person(1, first_name=name, last_name="@x\r\n,\x00", group="+1", email="-x@y")

    rows = read(csv_text(FORMATS[kind](grades(hostile, person(2))).rows))

    assert len({len(row) for row in rows}) == 1
    assert all(not cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    assert all(not cell.startswith("-") or float(cell) < 0 for row in rows for cell in row)


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """Four learners of whom one was late."""
    handed = mixed(4)
    late = handed[1].__class__(**{**vars(handed[1]), "penalty": 2.0})
    return make_class(tmp_path_factory.mktemp("class"), [handed[0], late, *handed[2:]])


def test_plain_table_says_what_nbgraders_own_export_says(
    classroom: Classroom, tmp_path: Path
) -> None:
    own = tmp_path / "own.csv"
    with warnings.catch_warnings(), Gradebook(classroom.db_url) as book:
        warnings.simplefilter("ignore")
        CsvExportPlugin(to=str(own)).export(book)
    with gradebook(classroom.db_url) as book:
        ours = read(csv_text(FORMATS["csv"](grades_of(book)).rows))

    theirs = read(own.read_text())
    assert ours[0][: len(theirs[0])] == theirs[0]
    keep = [theirs[0].index(name) for name in ("student_id", "last_name", "email")]
    scores = [
        theirs[0].index(name)
        for name in ("raw_score", "late_submission_penalty", "score", "max_score")
    ]

    def content(rows: list[list[str]]) -> set[tuple[object, ...]]:
        return {
            (*(row[i] for i in keep), *(float(row[i] or 0) for i in scores)) for row in rows[1:]
        }

    assert content(ours) == content(theirs)
    assert len(ours) == 5


@pytest.mark.slow
def test_nbgrader_runs_our_exporters_by_name(classroom: Classroom, tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.db_url = {classroom.db_url!r}\n"
        f"c.CanvasExporter.titles = {{{SLUG!r}: 'Unit 1 (12)'}}\n"
    )
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])

    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "export", "--exporter=grading.export.CanvasExporter",
         "--to=out.csv"],
        cwd=tmp_path, env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    rows = read((tmp_path / "out.csv").read_text(encoding="utf-8"))
    assert rows[0][-1] == "Unit 1 (12)"
    assert len(rows) == 6


def test_plugin_refuses_an_unknown_assignment(classroom: Classroom, tmp_path: Path) -> None:
    plugin = CanvasExporter(to=str(tmp_path / "a.csv"), assignment=["99-none"])

    with gradebook(classroom.db_url) as book, pytest.raises(Refusal, match="99-none"):
        plugin.export(book)

    assert not (tmp_path / "a.csv").exists()


def test_plugin_exports_the_learners_that_were_asked_for(
    classroom: Classroom, tmp_path: Path
) -> None:
    plugin = CanvasExporter(to=str(tmp_path / "a.csv"), student=["s002"])

    with gradebook(classroom.db_url) as book:
        plugin.export(book)

    assert [row[3] for row in read((tmp_path / "a.csv").read_text())] == [
        "SIS Login ID",
        "",
        "s002",
    ]
