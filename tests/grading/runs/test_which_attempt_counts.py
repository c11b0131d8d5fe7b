"""Which hand-in counts, chosen among all that the journal knows, whatever one command names."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from grading.cli import _grading
from grading.engine import InProcess
from grading.grade_class import Summary, grade_class
from grading.journal import Journal
from tests.grading.faults.classes import SLUG, SmallClass, grades, hand_in, work_here

ADA = "learner-0004"
FILE = f"{SLUG}.ipynb"


@pytest.fixture
def run(small: SmallClass) -> Callable[..., Summary]:
    def grade(*paths: Path, work: Any = work_here, **options: Any) -> Summary:
        with InProcess(work=work) as engine:
            return grade_class(small.classroom, list(paths), engine=engine, unsafe=True, **options)

    return grade


@pytest.fixture
def weeks(small: SmallClass, tmp_path: Path) -> dict[str, Path]:
    """Blank work in the first week, right work in the second."""
    made = {}
    for week, source, day in (("one", "learner-0001", 10), ("two", "learner-0000", 20)):
        text = (small.submissions / source / SLUG / FILE).read_text(encoding="utf-8")
        made[week] = tmp_path / f"week {week}"
        hand_in(made[week], ADA, SLUG, text, f"2026-05-{day} 10:00:00 UTC")
    return made


def points(small: SmallClass) -> float:
    room = small.classroom
    book = grades(room.db_url, room.course_id)[ADA, SLUG, SLUG]
    return sum(score or 0.0 for _, score, *_ in book["cells"])


def submitted(small: SmallClass) -> bytes:
    return (small.classroom.submitted(ADA, SLUG) / FILE).read_bytes()


@pytest.mark.parametrize("attempts", ["last", "best"])
def test_older_folder_graded_again_does_not_undo_the_later_attempt(
    small: SmallClass, run: Callable[..., Summary], weeks: dict[str, Path], attempts: str
) -> None:
    run(weeks["one"])
    run(weeks["two"])
    best = points(small)

    summary = run(weeks["one"], attempts=attempts)

    assert best > 0
    assert points(small) == best
    assert submitted(small) == (weeks["two"] / ADA / SLUG / FILE).read_bytes()
    assert summary.ok
    (sentence,) = summary.set_aside
    assert sentence.startswith(f"{ADA}, {SLUG}: ")
    assert ("a later hand-in" if attempts == "last" else "attempt 2") in sentence


def test_older_hand_in_that_is_new_is_kept_but_does_not_count(
    small: SmallClass, run: Callable[..., Summary], weeks: dict[str, Path]
) -> None:
    run(weeks["two"])
    best = points(small)

    summary = run(weeks["one"])

    assert points(small) == best
    assert len(summary.set_aside) == 1
    assert len(list(small.classroom.attempts(ADA, SLUG).iterdir())) == 2


def test_first_hand_in_stays_the_first(
    small: SmallClass, run: Callable[..., Summary], weeks: dict[str, Path]
) -> None:
    run(weeks["one"])

    summary = run(weeks["two"], attempts="first")

    assert points(small) == 0
    assert "an earlier hand-in" in summary.set_aside[0]


def test_best_of_all_comes_back_after_the_last_one_counted(
    small: SmallClass, run: Callable[..., Summary], weeks: dict[str, Path], tmp_path: Path
) -> None:
    later = tmp_path / "later"
    blank = (weeks["one"] / ADA / SLUG / FILE).read_text(encoding="utf-8")
    hand_in(later, ADA, SLUG, blank, "2026-05-30 10:00:00 UTC")
    run(weeks["two"])
    best = points(small)
    run(later)
    assert points(small) == 0

    run(later, attempts="best")
    assert points(small) == best

    run(later)  # the last counts again
    assert points(small) == 0


def test_later_attempt_that_could_not_be_graded_is_tried_again_and_not_overtaken(
    small: SmallClass, run: Callable[..., Summary], weeks: dict[str, Path]
) -> None:
    def broken(_: Any) -> Any:
        message = "the machine is broken"
        raise OSError(message)

    run(weeks["two"], work=broken)

    run(weeks["one"])

    assert points(small) > 0


def test_earlier_time_of_the_same_file_reaches_the_penalty(
    small: SmallClass, run: Callable[..., Summary], weeks: dict[str, Path]
) -> None:
    """Graded from a copy of a later date first, then from the export that knows better."""
    stamp = weeks["two"] / ADA / SLUG / "timestamp.txt"
    stamp.write_text("2026-06-03 10:00:00 UTC", encoding="utf-8")
    run(weeks["two"])
    room = small.classroom
    assert grades(room.db_url, room.course_id)[ADA, SLUG, SLUG]["penalty"] > 0
    stamp.write_text("2026-05-20 10:00:00 UTC", encoding="utf-8")

    run(weeks["two"])

    assert not grades(room.db_url, room.course_id)[ADA, SLUG, SLUG]["penalty"]
    with Journal(room.journal_folder, readonly=True) as journal:
        (entry,) = journal.entries(SLUG)
    assert entry.handed_in == datetime(2026, 5, 20, 10, tzinfo=UTC)


def test_file_that_was_copied_is_no_later_attempt(
    small: SmallClass, run: Callable[..., Summary], weeks: dict[str, Path]
) -> None:
    own = weeks["two"] / ADA / SLUG
    (own / "timestamp.txt").unlink()
    early, late = (datetime(2026, month, 2, tzinfo=UTC).timestamp() for month in (5, 7))
    os.utime(own / FILE, (early, early))
    run(weeks["two"])
    os.utime(own / FILE, (late, late))

    summary = run(weeks["two"])

    assert (summary.unchanged, summary.set_aside) == (1, [])
    assert len(list(small.classroom.attempts(ADA, SLUG).iterdir())) == 1


def test_damage_is_told_again_by_the_second_run(
    run: Callable[..., Summary], weeks: dict[str, Path]
) -> None:
    path = weeks["two"] / ADA / SLUG / FILE
    path.write_bytes(path.read_bytes()[:-500])
    first = run(weeks["two"])

    second = run(weeks["two"])

    assert second.unchanged == 1
    assert "cut off" in " ".join(first.unreadable)
    assert second.unreadable == first.unreadable


def test_missing_mark_is_told_once_where_there_is_one_release(
    small: SmallClass, run: Callable[..., Summary]
) -> None:
    for path in small.submissions.rglob(FILE):
        content = json.loads(path.read_text(encoding="utf-8"))
        content["metadata"].pop("nncourse")
        path.write_text(json.dumps(content), encoding="utf-8")

    summary = run(small.submissions)

    (sentence,) = [each for each in summary.mended if "which release" in each]
    assert sentence.startswith(f"{SLUG}: 6 of the notebooks")


def test_empty_folder_is_refused_with_the_place(
    run: Callable[..., Summary], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()

    summary = run(tmp_path / "empty")

    assert not summary.ok
    assert "no notebook was found there" in summary.refused[0]
    assert str(tmp_path / "empty") in summary.refused[0]


def test_small_class_gets_a_line_for_each_learner(
    small: SmallClass, run: Callable[..., Summary], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # also if nothing had to be run
        _grading.show(run(small.submissions), " --class here")

        lines = capsys.readouterr().out.splitlines()
        start = lines.index("see: nncourse report --names --class here")
        shown = [line.split() for line in lines[start + 1 : start + 7]]
        assert [line[0] for line in shown] == [f"learner-{i:04d}" for i in range(6)]
        assert all(line[1] == SLUG and line[3] == "of" for line in shown)
        assert [i for i, line in enumerate(shown) if "late:" in line] == [2]
        assert shown[0][-1] == "ok"


def test_larger_class_gets_none(small: SmallClass, run: Callable[..., Summary]) -> None:
    summary = run(small.submissions)
    line = next(iter(summary.lines))
    assert len(summary.lines) == 6

    for i in range(25):
        summary.has_room_for(f"other-{i}", SLUG)

    assert not summary.lines
    assert not summary.has_room_for(*line)
