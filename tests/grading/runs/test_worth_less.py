"""Work that would be lost without a word: unreadable uploads, worse ones, files left beside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grading.broker import _reading
from grading.engine import InProcess
from grading.grade_class import Summary, grade_class
from grading.journal import Journal
from grading.runs import regrade
from tests.grading.faults.classes import SLUG, SmallClass, grades, hand_in, work_here

ADA, EMMY = "learner-0004", "learner-0003"
FILE = f"{SLUG}.ipynb"
BROKEN = '{"cells": [ {"cell'


@pytest.fixture
def run(small: SmallClass) -> Callable[..., Summary]:
    def grade(*paths: Path, **options: Any) -> Summary:
        with InProcess(work=work_here) as engine:
            return grade_class(small.classroom, list(paths), engine=engine, unsafe=True, **options)

    return grade


@pytest.fixture
def texts(small: SmallClass) -> dict[str, str]:
    """A notebook that is all right, and one as it was released."""
    return {
        name: (small.submissions / who / SLUG / FILE).read_text(encoding="utf-8")
        for name, who in (("right", "learner-0000"), ("blank", "learner-0001"))
    }


def points(small: SmallClass, learner: str = ADA) -> float:
    room = small.classroom
    book = grades(room.db_url, room.course_id)[learner, SLUG, SLUG]
    return sum(score or 0.0 for _, score, *_ in book["cells"])


def test_upload_that_cannot_be_read_leaves_the_earlier_one_standing(
    small: SmallClass, run: Callable[..., Summary], texts: dict[str, str], tmp_path: Path
) -> None:
    hand_in(tmp_path / "one", ADA, SLUG, texts["right"], "2026-05-10 10:00:00 UTC")
    hand_in(tmp_path / "two", ADA, SLUG, BROKEN, "2026-05-20 10:00:00 UTC")
    run(tmp_path / "one")
    best = points(small)

    for _ in range(2):  # the same folder again changes nothing
        summary = run(tmp_path / "two")

        assert best > 0
        assert points(small) == best
        (sentence,) = summary.set_aside
        assert "2026-05-20 10:00:00, set aside since it cannot be read" in sentence
        assert "the one of 2026-05-10 10:00:00 still counts" in sentence
        assert f"{FILE}: the file ends in the middle" in sentence
        assert "hand it in again" in sentence
    kept = small.classroom.submitted(ADA, SLUG) / FILE
    assert kept.read_text(encoding="utf-8") == texts["right"]


def test_readable_work_counts_though_the_broken_upload_came_first_to_the_grader(
    small: SmallClass, run: Callable[..., Summary], texts: dict[str, str], tmp_path: Path
) -> None:
    hand_in(tmp_path / "one", ADA, SLUG, texts["right"], "2026-05-10 10:00:00 UTC")
    hand_in(tmp_path / "two", ADA, SLUG, BROKEN, "2026-05-20 10:00:00 UTC")
    run(tmp_path / "two")
    assert points(small) == 0

    run(tmp_path / "one")

    best = points(small)
    assert best > 0
    run(tmp_path / "two")
    assert points(small) == best


def test_unreadable_work_alone_is_graded_as_before(
    small: SmallClass, run: Callable[..., Summary], tmp_path: Path
) -> None:
    hand_in(tmp_path / "one", ADA, SLUG, BROKEN, "2026-05-10 10:00:00 UTC")
    hand_in(tmp_path / "two", ADA, SLUG, BROKEN + "x", "2026-05-20 10:00:00 UTC")

    for week in ("one", "two"):
        summary = run(tmp_path / week)

        assert summary.statuses["invalid_submission"] == 1
        assert summary.set_aside == []


def test_first_hand_ins_are_not_read_by_the_coordinator(
    small: SmallClass, run: Callable[..., Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(small.submissions)

    def read(*_: object) -> None:
        pytest.fail("it was read")

    monkeypatch.setattr(_reading, "read_handed", read)

    assert run(small.submissions).unchanged == 6


def test_later_hand_in_that_is_worth_less_is_among_the_changed_scores(
    small: SmallClass, run: Callable[..., Summary], texts: dict[str, str], tmp_path: Path
) -> None:
    hand_in(tmp_path / "one", ADA, SLUG, texts["right"], "2026-05-10 10:00:00 UTC")
    hand_in(tmp_path / "two", ADA, SLUG, texts["blank"], "2026-05-20 10:00:00 UTC")
    first = run(tmp_path / "one")
    best = points(small)

    second = run(tmp_path / "two")
    again = run(tmp_path / "two")

    assert first.changed == again.changed == []
    assert second.changed == [f"{ADA}, {SLUG}: {best:g} → 0 points, since a later hand-in counts"]


def test_better_work_of_a_member_is_not_lost_without_a_word(
    small: SmallClass, run: Callable[..., Summary], texts: dict[str, str], tmp_path: Path
) -> None:
    groups = tmp_path / "groups.csv"
    groups.write_text(f"group,members\nG1,{ADA}\nG1,{EMMY}\n", encoding="utf-8")
    hand_in(tmp_path / "in", ADA, SLUG, texts["right"], "2026-05-10 10:00:00 UTC")
    hand_in(tmp_path / "in", EMMY, SLUG, texts["blank"], "2026-05-20 10:00:00 UTC")
    run(tmp_path / "in")
    best = points(small)

    summary = run(tmp_path / "in", groups=groups)

    assert best > 0
    assert points(small) == 0
    assert summary.changed == [f"{ADA}, {SLUG}: {best:g} → 0 points, since a later hand-in counts"]


def test_file_left_beside_reaches_the_list_and_the_learners_result(
    small: SmallClass, run: Callable[..., Summary], texts: dict[str, str], tmp_path: Path
) -> None:
    """Somebody else hands in the same untouched notebook, and is told nothing of that file."""
    for who in (ADA, EMMY):
        hand_in(tmp_path / "in", who, SLUG, texts["blank"], "2026-05-10 10:00:00 UTC")
    other = tmp_path / "in" / EMMY / SLUG / f"{SLUG}-final.ipynb"
    other.write_text(texts["right"], encoding="utf-8")

    summaries = [run(tmp_path / "in") for _ in range(2)]
    with InProcess(work=work_here) as engine:
        regrade(small.classroom, engine=engine, unsafe=True, everything=True)

    for summary in summaries:
        (sentence,) = [each for each in summary.mended if other.name in each]
        assert sentence.startswith(f"{EMMY}, {SLUG}: Beside it lay {other.name}, not judged")
    told = notes_by_learner(small)
    assert [note for note in told[EMMY] if other.name in note]
    assert not [note for note in told[ADA] if other.name in note]


def test_with_the_best_the_file_left_beside_counts(
    small: SmallClass, run: Callable[..., Summary], texts: dict[str, str], tmp_path: Path
) -> None:
    hand_in(tmp_path / "in", ADA, SLUG, texts["blank"], "2026-05-10 10:00:00 UTC")
    other = tmp_path / "in" / ADA / SLUG / f"{SLUG}-final.ipynb"
    other.write_text(texts["right"], encoding="utf-8")
    run(tmp_path / "in")
    assert points(small) == 0

    run(tmp_path / "in", attempts="best")

    assert points(small) > 0


def notes_by_learner(small: SmallClass) -> dict[str, tuple[str, ...]]:
    room = small.classroom
    found = {}
    with Journal(room.journal_folder, readonly=True) as journal:
        for entry in journal.entries(latest=True):
            result = journal.result_of(entry)
            assert result is not None
            found[room.roster.by_key(entry.learner).id] = result.notebooks[0].notes
    return found
