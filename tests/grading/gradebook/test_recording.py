"""What is recorded reads back through nbgrader's own api, and what people gave stays."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading.gradebook import Record, Writer, safe_id
from grading.refusals import Refusal
from grading.results import NotebookResult, Result
from tests.grading.gradebook.cases import (
    DUE,
    HANDED_IN,
    SLUG,
    Person,
    answered,
    record,
    result_of,
    version,
)
from tests.grading.gradebook.reading import comments, rows, scores

pytestmark = pytest.mark.filterwarnings(
    "ignore::sqlalchemy.exc.SAWarning"  # nbgrader 0.9.6 under SQLAlchemy 2.1
)


@pytest.fixture
def registered(writer: Writer) -> Writer:
    writer.register(version(), DUE)
    return writer


def test_scores_read_back(registered: Writer, url: str, tmp_path: Path) -> None:
    registered.record([record(tmp_path)])

    assert scores(url, "ada") == {
        "check_f": (2.0, None, 2.0, False),
        "check_g": (1.5, None, 1.5, False),
        "essay": (None, None, 0.0, True),
        "task": (None, None, 0.0, True),
    }
    with Gradebook(url, "nn") as gradebook:
        submission = gradebook.find_submission(SLUG, "ada")
        assert (submission.score, submission.max_score) == (3.5, 10.0)
        assert submission.needs_manual_grade
        assert submission.timestamp == HANDED_IN.replace(tzinfo=None)
        assert submission.total_seconds_late == 21 * 3600
        student = gradebook.find_student("ada")
        assert (student.first_name, student.last_name) == ("Ada", "Lovelace")
        assert (student.email, student.lms_user_id) == ("ada@example.org", "17")
        assert (student.score, student.max_score) == (3.5, 10.0)
        book = gradebook.find_submission_notebook(SLUG, SLUG, "ada")
        assert (book.code_score, book.written_score, book.task_score) == (3.5, 0.0, 0.0)
        assert book.failed_tests  # nbgrader's word for less than full marks
        assert book.late_submission_penalty is None
        assert book.flagged is False


def test_averages_are_over_all_that_was_recorded(
    registered: Writer, url: str, tmp_path: Path
) -> None:
    registered.record([
        record(tmp_path, result_of(float(i % 3), 0.0), who=f"student{i}") for i in range(6)
    ])

    with Gradebook(url, "nn") as gradebook:
        averages = (
            gradebook.average_assignment_score(SLUG),
            gradebook.average_notebook_code_score(SLUG, SLUG),
        )
        assert averages == (1.0, 1.0)
        listed = gradebook.submission_dicts(SLUG)
        assert {each["student"]: each["score"] for each in listed} == {
            f"student{i}": float(i % 3) for i in range(6)
        }
        assert {
            each["name"]: each["num_submissions"]
            for each in [each.to_dict() for each in gradebook.assignments]
        } == {SLUG: 6}


def test_recording_twice_changes_nothing(registered: Writer, url: str, tmp_path: Path) -> None:
    batch = [record(tmp_path, who=f"student{i}", penalty=0.5) for i in range(3)]
    registered.record(batch)
    before = rows(url, ids=True)

    registered.record(batch)

    assert rows(url, ids=True) == before
    assert len(before["grade"]) == 3 * 4


def test_score_by_hand_survives_and_asks_for_a_second_look(
    registered: Writer, url: str, tmp_path: Path
) -> None:
    registered.record([record(tmp_path)])
    with Gradebook(url, "nn") as gradebook:
        essay = gradebook.find_grade("essay", SLUG, SLUG, "ada")
        essay.manual_score, essay.extra_credit, essay.needs_manual_grade = 3.0, 0.5, False
        check = gradebook.find_grade("check_f", SLUG, SLUG, "ada")
        check.manual_score, check.needs_manual_grade = 1.0, False
        gradebook.find_comment("essay", SLUG, SLUG, "ada").manual_comment = "Well put, Ada."
        gradebook.find_submission_notebook(SLUG, SLUG, "ada").flagged = True
        gradebook.db.commit()

    registered.record([record(tmp_path, result_of(0.0, 3.0))])

    assert scores(url, "ada") == {
        "check_f": (0.0, 1.0, 1.0, True),
        "check_g": (3.0, None, 3.0, False),
        "essay": (None, 3.0, 3.5, True),
        "task": (None, None, 0.0, True),
    }
    assert comments(url, "ada")["essay"] == (None, "Well put, Ada.")
    with Gradebook(url, "nn") as gradebook:
        assert gradebook.find_submission_notebook(SLUG, SLUG, "ada").flagged


def test_extension_that_nbgrader_granted_stays(
    registered: Writer, url: str, tmp_path: Path
) -> None:
    registered.record([record(tmp_path)])
    with Gradebook(url, "nn") as gradebook:
        gradebook.grant_extension(SLUG, "ada", days=2)

    registered.record([record(tmp_path, result_of(0.0))])

    with Gradebook(url, "nn") as gradebook:
        assert gradebook.find_submission(SLUG, "ada").extension == timedelta(days=2)
        assert gradebook.find_submission(SLUG, "ada").total_seconds_late == 0


def test_higher_keeps_the_better_of_each_cell(registered: Writer, url: str, tmp_path: Path) -> None:
    def machine_scores() -> list[float | None]:
        return [score[0] for _, score in sorted(scores(url, "ada").items())]

    registered.record([record(tmp_path, result_of(2.0, 1.0), keep="higher")])

    registered.record([record(tmp_path, result_of(0.0, 3.0), keep="higher")])
    assert machine_scores() == [2.0, 3.0, None, None]

    registered.record([record(tmp_path, result_of(0.0, 1.0))])
    assert machine_scores() == [0.0, 1.0, None, None]


def test_cell_that_a_person_decides_now_asks_for_one(
    registered: Writer, url: str, tmp_path: Path
) -> None:
    registered.record([record(tmp_path)])

    registered.record([record(tmp_path, result_of(None, 1.0), keep="higher")])

    assert scores(url, "ada")["check_f"] == (None, None, 0.0, True)


def test_failure_of_ours_leaves_what_stands(registered: Writer, url: str, tmp_path: Path) -> None:
    ours = result_of(None, None, status="infra_error", cell_status="infra_error")
    empty = Result("k", "s", "v", "infra_error")
    registered.record([record(tmp_path)])
    before = scores(url, "ada")
    shown = tmp_path / "autograded" / "ada" / SLUG / f"{SLUG}.ipynb"

    for failed in (ours, empty):
        registered.record([record(tmp_path, failed), record(tmp_path, failed, who="new")])

        assert scores(url, "ada") == before
        assert scores(url, "new")["check_f"] == (None, None, 0.0, True)
        assert shown.exists()


def test_notebook_that_was_not_handed_in_is_worth_nothing(
    registered: Writer, url: str, tmp_path: Path
) -> None:
    """As in nbgrader. An older file goes, lest it be shown with these scores."""
    shown = tmp_path / "autograded" / "ada" / SLUG / f"{SLUG}.ipynb"
    registered.record([record(tmp_path)])
    assert shown.exists()
    invalid = Result("k", "s", "v", "invalid_submission", (NotebookResult(SLUG, (), ""),))

    registered.record([record(tmp_path, invalid)])
    assert not shown.exists()
    registered.record([record(tmp_path, Result("k", "s", "v", "invalid_submission"))])

    assert {score[0] for score in scores(url, "ada").values()} == {0.0}
    assert {score[3] for score in scores(url, "ada").values()} == {False}


def test_untouched_cells_are_commented_as_nbgrader_does(
    registered: Writer, url: str, tmp_path: Path
) -> None:
    registered.record([record(tmp_path, result_of(answers=("f",)))])
    assert {name: auto for name, (auto, _) in comments(url, "ada").items()} == {
        "f": None,
        "g": "No response.",
        "essay": "No response.",
        "task": None,
    }

    registered.record([record(tmp_path, result_of(answers=("f", "g", "essay")))])
    assert {auto for auto, _ in comments(url, "ada").values()} == {None}


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3}', '{"cells": [{"metadata": []}]}'])
def test_illegible_notebook_stops_nobody(
    registered: Writer, url: str, tmp_path: Path, text: str
) -> None:
    good = result_of()
    broken = replace(good, notebooks=(replace(good.notebooks[0], autograded=text),))

    registered.record([record(tmp_path, broken), record(tmp_path, who="grace")])

    assert scores(url, "ada") == scores(url, "grace")


def test_penalty_is_at_most_what_was_earned(registered: Writer, url: str, tmp_path: Path) -> None:
    def penalty() -> tuple[float | None]:
        with Gradebook(url, "nn") as gradebook:
            found = gradebook.find_submission_notebook(SLUG, SLUG, "ada")
            return (found.late_submission_penalty,)

    registered.record([record(tmp_path, penalty=1.25)])
    assert penalty() == (1.25,)
    registered.record([record(tmp_path, penalty=99.0)])
    assert penalty() == (3.5,)
    registered.record([record(tmp_path, penalty=-1.0)])
    assert penalty() == (None,)
    with Gradebook(url, "nn") as gradebook:
        essay = gradebook.find_grade("essay", SLUG, SLUG, "ada")
        essay.manual_score, essay.extra_credit = 4.0, 0.5
        gradebook.db.commit()

    registered.record([record(tmp_path, penalty=lambda points: points / 2)])
    assert penalty() == ((2.0 + 1.5 + 4.0 + 0.5) / 2,)
    with pytest.raises(ValueError, match="penalty is nan"):
        record(tmp_path, penalty=math.nan)


def test_time_of_handing_in_is_kept_in_utc_and_stays_if_unknown(
    registered: Writer, url: str, tmp_path: Path
) -> None:
    east = datetime(2026, 3, 2, 12, 0, tzinfo=timezone(timedelta(hours=3)))
    registered.record([record(tmp_path, handed_in=east), record(tmp_path, who="b", handed_in=None)])
    registered.record([record(tmp_path, handed_in=None)])

    with Gradebook(url, "nn") as gradebook:
        found = gradebook.find_submission(SLUG, "ada").timestamp
        assert found == datetime(2026, 3, 2, 9, 0)
        assert gradebook.find_submission(SLUG, "b").timestamp is None
    text = (tmp_path / "autograded" / "ada" / SLUG / "timestamp.txt").read_text(encoding="utf-8")
    from nbgrader.utils import parse_utc

    assert parse_utc(text.strip()) == found
    assert not (tmp_path / "autograded" / "b" / SLUG / "timestamp.txt").exists()


def test_last_record_of_a_batch_counts(registered: Writer, url: str, tmp_path: Path) -> None:
    batch = [record(tmp_path, result_of(float(i), 0.0, text=str(i))) for i in range(3)]

    registered.record(batch)

    assert scores(url, "ada")["check_f"] == (2.0, None, 2.0, False)
    shown = tmp_path / "autograded" / "ada" / SLUG / f"{SLUG}.ipynb"
    assert shown.read_text(encoding="utf-8") == batch[-1].result.notebooks[0].autograded
    assert not list(shown.parent.glob(".*"))


def test_names_of_every_kind_read_back(registered: Writer, url: str, tmp_path: Path) -> None:
    people = [
        Person("a", "Ada, Countess", 'of "Lovelace"'),
        Person("b", "Zoë \N{SNOWMAN}\N{PILE OF POO}", "O'Neil; DROP TABLE student"),
        Person("c", "x" * 200, "\N{SNOWMAN}" * 200),
        Person("d", "nul\0inside", "half \ud83d emoji"),
        Person("e", "", "", "", ""),
    ]

    for _ in range(2):
        registered.record([record(tmp_path, who=person) for person in people])

    with Gradebook(url, "nn") as gradebook:
        found = {each.id: (each.first_name, each.last_name) for each in gradebook.students}
    assert found == {
        "a": ("Ada, Countess", 'of "Lovelace"'),
        "b": ("Zoë \N{SNOWMAN}\N{PILE OF POO}", "O'Neil; DROP TABLE student"),
        "c": ("x" * 128, "\N{SNOWMAN}" * 128),
        "d": ("nulinside", "half ? emoji"),
        "e": (None, None),
    }


def test_name_follows_the_roster_but_is_not_blanked(
    registered: Writer, url: str, tmp_path: Path
) -> None:
    registered.record([record(tmp_path, who=Person("a", "Ada", "Byron"))])
    registered.record([record(tmp_path, who=Person("a", "", "Lovelace"))])

    with Gradebook(url, "nn") as gradebook:
        student = gradebook.find_student("a")
        assert (student.first_name, student.last_name) == ("Ada", "Lovelace")


@pytest.mark.parametrize(
    "id_",
    [
        *("", ".", "..", "../x", "a/b", "a\\b", "a\0b", "a\nb", "nul", "COM1.x", "x" * 129),
        *("\N{SNOWMAN}" * 100, "a[b]", "a*", "end.", " a", "half\ud83d", "~root"),
    ],
)
def test_id_that_cannot_be_a_folder_is_refused(tmp_path: Path, id_: str) -> None:
    with pytest.raises(Refusal, match="cannot name a folder"):
        record(tmp_path, who=id_)


@pytest.mark.parametrize("id_", ["ada", "ada.l-1815@example.org", "Zoë", "a b", "-x", "x" * 128])
def test_ordinary_id_is_taken(id_: str) -> None:
    assert safe_id(id_) == id_


def test_unregistered_assignment_is_refused(writer: Writer, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"99-x: .* nbgrader generate_assignment 99-x"):
        writer.record([record(tmp_path, slug="99-x")])


def test_nothing_of_a_refused_batch_is_recorded(
    registered: Writer, url: str, tmp_path: Path
) -> None:
    with pytest.raises(Refusal):
        registered.record([record(tmp_path), record(tmp_path, slug="99-x")])

    assert rows(url)["student"] == rows(url)["grade"] == []


def test_erasing_leaves_the_others(registered: Writer, url: str, tmp_path: Path) -> None:
    registered.record([record(tmp_path, who="grace")])
    before = rows(url, ids=True)
    registered.record([record(tmp_path, who=Person("ada", "Adaxyz"))])
    folder = tmp_path / "autograded"

    registered.erase("ada", [folder, tmp_path / "feedback"])
    registered.erase("ada", [folder])

    assert rows(url, ids=True) == before
    assert [path.name for path in folder.iterdir()] == ["grace"]
    assert url.startswith("postgresql") or not [
        path for path in tmp_path.rglob("*.db*") if b"Adaxyz" in path.read_bytes()
    ]
    with pytest.raises(Refusal, match="cannot name a folder"):
        registered.erase("..", [folder])


def test_erasing_one_assignment_leaves_the_learner_and_the_others(
    registered: Writer, url: str, tmp_path: Path
) -> None:
    other = "02-also-made-up"
    registered.register(version(slug=other), DUE)
    registered.record([record(tmp_path, who="grace"), record(tmp_path, slug=other)])
    before = rows(url, ids=True)
    registered.record([record(tmp_path)])

    registered.erase("ada", slug=SLUG)
    registered.erase("ada", slug="99-x")

    assert rows(url, ids=True) == before
    assert scores(url, "ada", other)


def test_erasing_follows_no_link(registered: Writer, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("", encoding="utf-8")
    (tmp_path / "autograded").mkdir()
    (tmp_path / "autograded" / "ada").symlink_to(outside)

    registered.erase("ada", [tmp_path / "autograded"])

    assert (outside / "kept").exists()
    assert not list((tmp_path / "autograded").iterdir())


def test_rows_equal_those_of_nbgraders_own_api(new_url: Callable[[], str], tmp_path: Path) -> None:
    """The same submission, made with `Gradebook.add_submission` and scored through the api."""
    ours, theirs = new_url(), new_url()
    for url in (ours, theirs):
        with Writer(url, "nn") as writer:
            writer.register(version(), DUE)
    given = record(tmp_path, result_of(answers=("f",)))

    with Writer(ours, "nn") as writer:
        writer.record([given])
    with Gradebook(theirs, "nn") as gradebook:
        person = Person("ada")
        gradebook.add_student(
            "ada",
            first_name=person.first_name,
            last_name=person.last_name,
            email=person.email,
            lms_user_id=person.lms_user_id,
        )
        gradebook.add_submission(SLUG, "ada", timestamp=HANDED_IN)
        for each in given.result.notebooks[0].cells:
            grade = gradebook.find_grade(each.grade_id, SLUG, SLUG, "ada")
            grade.auto_score = each.score
            grade.needs_manual_grade = each.score is None
        for name in ("g", "essay"):
            gradebook.find_comment(name, SLUG, SLUG, "ada").auto_comment = "No response."
        gradebook.db.commit()

    assert rows(ours) == rows(theirs)


def test_autograded_notebook_is_written_as_it_is(registered: Writer, tmp_path: Path) -> None:
    registered.record([record(tmp_path)])

    written = tmp_path / "autograded" / "ada" / SLUG / f"{SLUG}.ipynb"
    assert json.loads(written.read_text(encoding="utf-8")) == json.loads(
        answered("f", "g", "essay")
    )


def test_record_is_given_by_name() -> None:
    """Its order may grow; every field is a keyword."""
    with pytest.raises(TypeError):
        Record("ada", SLUG)  # type: ignore[misc, call-arg]
