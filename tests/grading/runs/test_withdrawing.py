"""A hand-in that is taken back leaves no trace, and what counted before it counts again."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from grading.classroom import Learner
from grading.engine import InProcess
from grading.grade_class import regrade
from grading.journal import Journal
from grading.refusals import Refusal
from grading.results import Result
from grading.runs import plan_withdrawal, withdraw
from tests.grading.faults.classes import SLUG, SmallClass, assert_same, grades, state, work_here
from tests.grading.runs.withdrawals import (
    ADA,
    BLANK,
    BOB,
    FILE,
    MIXED,
    RIGHT,
    grade,
    graded_template,
    journal_of,
    points,
    small,
    stored,
    take_back,
    traces,
    work_of,
)

__all__ = ["graded_template", "small"]


def test_only_hand_in_leaves_nothing_behind(small: SmallClass):
    before, objects = state(small.classroom), stored(small)
    grade(small, work_of(small, RIGHT, 10))
    assert points(small)
    page = small.classroom.feedback(ADA, SLUG) / f"{SLUG}.html"
    page.parent.mkdir(parents=True)
    page.write_text("somebody else's work")

    planned = take_back(small)

    assert planned.counts is None
    assert points(small) is None
    assert traces(small) == []
    assert_same(state(small.classroom), before)
    assert stored(small) == objects


def test_points_by_hand_and_comments_go_with_the_last_hand_in(small: SmallClass):
    from nbgrader.api import Gradebook

    grade(small, work_of(small, RIGHT, 10))
    room = small.classroom
    with Gradebook(room.db_url, room.course_id) as gradebook:
        submission = gradebook.find_submission(SLUG, ADA)
        submission.notebooks[0].grades[0].manual_score = 1.0
        submission.notebooks[0].comments[0].manual_comment = "Well put."
        gradebook.db.commit()

    take_back(small)
    grade(small, work_of(small, BLANK, 20))

    book = grades(room.db_url, room.course_id)[ADA, SLUG, SLUG]
    assert {manual for _, _, manual, *_ in book["cells"]} == {None}
    assert {manual for *_, manual in book["comments"]} == {None}


@pytest.mark.parametrize(
    ("rule", "hands", "counts"),
    [
        ("last", [(BLANK, 10), (MIXED, 20), (RIGHT, 25)], 20),
        ("first", [(RIGHT, 10), (MIXED, 20), (BLANK, 25)], 20),
        ("best", [(MIXED, 10), (BLANK, 20), (RIGHT, 25)], 10),
    ],
)
def test_what_counts_among_those_left_counts_again(
    small: SmallClass, rule: Any, hands: list[tuple[str, int]], counts: int
):
    for source, day in hands:
        grade(small, work_of(small, source, day), attempts=rule)
    small.classroom.set_attempts(rule)
    others = {who: points(small, who) for who in (RIGHT, BLANK, MIXED)}

    planned = take_back(small)

    (source,) = [source for source, day in hands if day == counts]
    assert planned.counts is not None
    assert planned.counts.handed_in == datetime(2026, 5, counts, 10, tzinfo=UTC)
    if rule == "first":  # the others were set aside, and never graded
        assert planned.counts.is_open
        assert points(small) is None
        with InProcess(work=work_here) as engine:
            regrade(small.classroom, engine=engine, unit="00", unsafe=True)
    assert points(small) == others[source]
    assert points(small, RIGHT) == others[RIGHT]
    shown = (small.classroom.submitted(ADA, SLUG) / FILE).read_bytes()
    assert shown == (small.submissions / source / SLUG / FILE).read_bytes()
    assert len(list(small.classroom.attempts(ADA, SLUG).iterdir())) == 2
    assert state(small.classroom)["left"] == []


def test_state_equals_that_of_a_class_that_never_saw_it(small: SmallClass):
    grade(small, work_of(small, MIXED, 10))
    before = state(small.classroom)
    grade(small, work_of(small, RIGHT, 20))

    take_back(small)

    assert_same(state(small.classroom), before)


def test_hand_in_is_taken_in_anew_later(small: SmallClass):
    grade(small, work_of(small, MIXED, 10))
    grade(small, work_of(small, RIGHT, 20))
    before = state(small.classroom)
    take_back(small)

    summary = grade(small, work_of(small, RIGHT, 20))

    assert summary.unchanged == 0
    assert_same(state(small.classroom), before)


def test_later_run_leaves_what_counts_alone(small: SmallClass):
    grade(small, work_of(small, MIXED, 10))
    grade(small, work_of(small, RIGHT, 20))
    take_back(small)
    counted = points(small)

    summary = grade(small, work_of(small, MIXED, 10))

    assert (summary.unchanged, summary.set_aside) == (1, [])
    assert points(small) == counted


def test_unreadable_file_does_not_count_while_another_is_left(small: SmallClass):
    broken = work_of(small, BLANK, 20)
    (broken / ADA / SLUG / FILE).write_text("no notebook")
    grade(small, broken)
    grade(small, work_of(small, MIXED, 10))
    grade(small, work_of(small, RIGHT, 25))

    planned = take_back(small)

    assert planned.counts is not None
    assert planned.counts.handed_in == datetime(2026, 5, 10, 10, tzinfo=UTC)


def test_higher_score_that_was_kept_counts_again(small: SmallClass):
    """Graded again with a better outcome: of its two entries the raised one counts."""

    def raised(job: Any) -> Result:
        result = work_here(job)
        books = [
            replace(book, cells=tuple(replace(cell, score=cell.max_score) for cell in book.cells))
            for book in result.notebooks
        ]
        return replace(result, notebooks=tuple(books))

    grade(small, work_of(small, MIXED, 10))
    low = points(small)
    with InProcess(work=raised) as engine:
        regrade(small.classroom, engine=engine, student=ADA, everything=True, unsafe=True)
    high = points(small)
    assert high is not None
    assert low is not None
    assert high > low
    grade(small, work_of(small, RIGHT, 20))

    take_back(small)
    assert points(small) == high

    assert len(take_back(small).taken.entries) == 2
    assert points(small) is None
    assert journal_of(small, ADA) == 0


def test_another_attempt_than_the_counting_one_can_be_named(small: SmallClass):
    grade(small, work_of(small, MIXED, 10))
    grade(small, work_of(small, RIGHT, 20))
    counted = points(small)

    planned = take_back(small, which="1")

    assert not planned.counted
    assert points(small) == counted
    assert journal_of(small, ADA) == 1
    (kept,) = small.classroom.attempts(ADA, SLUG).iterdir()
    assert kept.name.startswith("20260520")


def test_two_hand_ins_of_one_number_are_told_apart_by_their_folders(small: SmallClass):
    """The earlier one was graded later, so both are attempt 1."""
    grade(small, work_of(small, RIGHT, 20))
    grade(small, work_of(small, MIXED, 10))
    with pytest.raises(Refusal, match="more than one hand-in") as refused:
        take_back(small, which="1")
    assert "20260510T100000 (attempt 1), 20260520T100000 (attempt 1)" in str(refused.value)

    planned = take_back(small, which="20260510T1")

    assert planned.taken.handed_in == datetime(2026, 5, 10, 10, tzinfo=UTC)
    assert not planned.counted
    assert len(list(small.classroom.attempts(ADA, SLUG).iterdir())) == 1
    with pytest.raises(Refusal, match="no hand-in of"):
        take_back(small, which="7")
    entry = plan_withdrawal(small.classroom, ADA, "00").taken.entry
    assert entry is not None
    assert take_back(small, which=entry.key[:12]).taken.entry == entry


def test_same_file_of_somebody_else_stays(small: SmallClass):
    grade(small, work_of(small, RIGHT, 10))
    other, before = points(small, RIGHT), journal_of(small, RIGHT)

    planned = take_back(small)

    assert planned.others == (RIGHT, BOB)  # whose work is the same in this class
    assert (points(small, RIGHT), journal_of(small, RIGHT)) == (other, before)
    with Journal(small.classroom.journal_folder, readonly=True) as journal:
        for entry in journal.entries(SLUG):
            assert journal.files(entry)
            assert journal.result_of(entry) is not None


def test_other_member_of_a_group_keeps_what_was_handed_in_for_both(small: SmallClass):
    small.classroom.roster.add(Learner("", "eve", first_name="Eve"))
    groups = small.root.parent / "groups.csv"
    with groups.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["group", "members"], ["g", f"{ADA} eve"]])
    grade(small, work_of(small, MIXED, 10), groups=groups)
    assert points(small) == points(small, "eve")

    planned = take_back(small, "eve")

    assert ADA in planned.others
    assert points(small, "eve") is None
    assert points(small)
    assert traces(small, "eve") == []
    assert (small.classroom.submitted(ADA, SLUG) / FILE).is_file()


def test_hand_in_that_could_not_be_graded_counts_once_it_is(small: SmallClass):
    first = work_of(small, MIXED, 10)
    path = first / ADA / SLUG / FILE
    content = path.read_bytes() + b"\n"  # no work that is known by another learner's
    path.write_bytes(content)

    def broken(job: Any) -> Result:
        if job.files[FILE] == content:
            message = "the machine is broken"
            raise OSError(message)
        return work_here(job)

    grade(small, first, work=broken)
    grade(small, work_of(small, RIGHT, 20), work=broken)

    planned = take_back(small)

    assert planned.counts is not None
    assert planned.counts.is_open
    assert points(small) is None
    grade(small, small.submissions)  # finishes what was begun
    assert points(small) == points(small, MIXED)


@pytest.mark.parametrize(
    ("student", "unit", "sentence"),
    [
        ("nobody", "00", "nobody"),
        ("learner-0000", "07", "is not released; released are: 00-start-here"),
        (ADA, "00", "there is nothing to take back. Look at the id and the assignment."),
    ],
)
def test_what_cannot_be_meant_is_refused(small: SmallClass, student: str, unit: str, sentence: str):
    with pytest.raises(Refusal) as refused:
        plan_withdrawal(small.classroom, student, unit)

    assert sentence in str(refused.value)


def test_class_without_a_journal_is_refused(template: SmallClass, tmp_path: Path):
    with pytest.raises(Refusal, match="nothing to take back"):
        plan_withdrawal(template.copied(tmp_path).classroom, ADA, "00")


def test_hand_in_that_came_after_the_question_is_not_taken(small: SmallClass):
    grade(small, work_of(small, MIXED, 10))
    planned = plan_withdrawal(small.classroom, ADA, "00")
    grade(small, work_of(small, RIGHT, 20))
    before = state(small.classroom)

    with pytest.raises(Refusal, match="changed meanwhile"):
        withdraw(small.classroom, planned)

    assert_same(state(small.classroom), before)


def test_link_in_the_way_is_refused_before_anything_is_done(small: SmallClass, tmp_path: Path):
    grade(small, work_of(small, MIXED, 10))
    before = state(small.classroom)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("")
    (small.root / "feedback").mkdir(exist_ok=True)
    (small.root / "feedback" / ADA).symlink_to(outside)

    with pytest.raises(Refusal, match="a link stands where a folder belongs"):
        take_back(small)

    assert (outside / "kept").exists()
    assert_same(state(small.classroom), before)


def test_what_is_taken_back_is_nowhere_in_the_journal(small: SmallClass):
    own = work_of(small, MIXED, 10)
    path = own / ADA / SLUG / FILE
    book = json.loads(path.read_text(encoding="utf-8"))
    book["metadata"]["trace"] = "only here"
    path.write_text(json.dumps(book), encoding="utf-8")
    grade(small, own)
    entry = plan_withdrawal(small.classroom, ADA, "00").taken.entry

    take_back(small)

    left = (small.classroom.journal_folder / "journal.jsonl").read_text(encoding="ascii")
    assert entry is not None
    for trace in (entry.id, entry.key, entry.submission):
        assert trace not in left
