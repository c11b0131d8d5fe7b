"""Points that a person gave in formgrader count in lateness, and are named where they overrule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from grading.cli import app
from grading.engine import InProcess
from grading.runs import Recharged, Summary, grade_class, recharge, regrade
from tests.grading.faults.classes import SLUG, SmallClass, grades, hand_in, make_class, work_here

LATE = "learner-0002"
"""Handed in two days late, which costs 20 percent."""

FILE = f"{SLUG}.ipynb"


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    made = make_class(tmp_path_factory.mktemp("class"))
    grade(made, made.submissions)
    return made


@pytest.fixture
def small(graded: SmallClass, tmp_path: Path) -> SmallClass:
    return graded.copied(tmp_path)


def grade(small: SmallClass, *paths: Path, **options: Any) -> Summary:
    with InProcess(work=work_here) as engine:
        return grade_class(small.classroom, list(paths), engine=engine, unsafe=True, **options)


def again(small: SmallClass, **options: Any) -> Summary:
    with InProcess(work=work_here) as engine:
        return regrade(small.classroom, engine=engine, unsafe=True, **options)


def machine(small: SmallClass, who: str = LATE) -> list[tuple[str, float, float]]:
    """Cells that a machine judges: name, its points, points to be had."""
    found = book(small, who)["cells"]
    return [(name, auto, most) for name, auto, _, most, _ in found if auto is not None]


def book(small: SmallClass, who: str = LATE) -> dict[str, Any]:
    room = small.classroom
    found: dict[str, Any] = grades(room.db_url, room.course_id)[who, SLUG, SLUG]
    return found


def by_person(small: SmallClass, name: str, points: float, who: str = LATE, extra: float = 0.0):
    from nbgrader.api import Gradebook

    with Gradebook(small.classroom.db_url, small.classroom.course_id) as gradebook:
        grade = gradebook.find_grade(name, SLUG, SLUG, who)
        grade.manual_score, grade.needs_manual_grade = points, False
        grade.extra_credit = extra
        gradebook.db.commit()


def missed(small: SmallClass, who: str = LATE) -> tuple[str, float, float]:
    return next(each for each in machine(small, who) if each[1] < each[2])


def wanted_by(small: SmallClass, who: str = LATE) -> set[str]:
    """Cells that wait for a person."""
    return {name for name, *_, needs in book(small, who)["cells"] if needs}


@pytest.fixture(params=["regrade", "recharge"])
def charge(request: pytest.FixtureRequest, small: SmallClass) -> Callable[[], list[str]]:
    """Work lateness out again by each of the ways there are; return whose penalty changed."""

    def by_regrade() -> list[str]:
        summary = again(small)
        assert summary.penalties == len(summary.changed)
        return summary.changed

    def by_recharge() -> list[str]:
        done: Recharged = recharge(small.classroom, [SLUG])
        return done.changed

    return by_regrade if request.param == "regrade" else by_recharge


def test_lateness_is_of_the_points_that_count(
    small: SmallClass, charge: Callable[[], list[str]]
) -> None:
    name, auto, most = missed(small)
    earned = sum(points for _, points, _ in machine(small))
    before = book(small)["penalty"]
    assert before == pytest.approx(0.2 * earned)
    by_person(small, name, most, extra=0.5)

    changed = charge()

    after = 0.2 * (earned - auto + most + 0.5)
    assert book(small)["penalty"] == pytest.approx(after)
    assert changed == [f"{LATE}, {SLUG}: penalty for lateness {before:g} → {after:g}"]
    assert charge() == []


def test_charging_asks_no_person_to_look_again(
    small: SmallClass, charge: Callable[[], list[str]]
) -> None:
    name, _, most = missed(small)
    by_person(small, name, most)
    before = wanted_by(small)
    journal = small.classroom.journal_folder / "journal.jsonl"
    size = journal.stat().st_size
    policy = small.root / "class.toml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("10", "20"), encoding="utf-8")

    assert len(charge()) == 1

    assert wanted_by(small) == before
    assert name not in before
    assert journal.stat().st_size == size  # nothing was recorded again


def test_an_attempt_that_is_recorded_is_charged_of_the_points_that_count(
    small: SmallClass, tmp_path: Path
) -> None:
    text = (small.submissions / "learner-0000" / SLUG / FILE).read_text(encoding="utf-8")
    name, _, most = missed(small)
    by_person(small, name, 0.0)

    hand_in(tmp_path / "in", LATE, SLUG, text, "2026-06-03 11:00:00 UTC")
    grade(small, tmp_path / "in")

    full = sum(points for _, points, _ in machine(small))
    assert book(small)["penalty"] == pytest.approx(0.2 * (full - most))


def test_new_attempt_under_an_old_score_by_a_person_is_said_and_shown(
    small: SmallClass, tmp_path: Path
) -> None:
    text = (small.submissions / "learner-0000" / SLUG / FILE).read_text(encoding="utf-8")
    name, _, most = missed(small)
    by_person(small, name, most / 4)
    hand_in(tmp_path / "in", LATE, SLUG, text, "2026-05-30 10:00:00 UTC")
    hand_in(tmp_path / "in", LATE, SLUG, text, "2026-06-03 11:00:00 UTC")

    first, same = grade(small, tmp_path / "in"), grade(small, tmp_path / "in")

    new = {cell: (points, of) for cell, points, of in machine(small)}
    full = sum(points for points, _ in new.values())
    (line,) = first.lines.values()
    counts = full - new[name][0] + most / 4
    (sentence,) = [each for each in first.mended if "a person's points" in each]
    assert sentence == (
        f"{LATE}, {SLUG}: a person's points stand in place of the machine's ({most / 4:g} of "
        f"{most:g} for {name.removeprefix('check_')}, where the machine gives {new[name][0]:g}): "
        f"{counts:g} of {line.max_points:g} count before lateness; look at it in formgrader."
    )
    assert line.points == counts
    assert line.penalty == pytest.approx(0.2 * counts)
    assert name in wanted_by(small)  # as in nbgrader
    assert list(same.lines.values()) == [line]  # what was recorded before is shown alike
    assert not [each for each in same.mended if "a person's points" in each]


def test_nothing_is_said_where_nobody_is_overruled(small: SmallClass) -> None:
    name, auto, _ = missed(small)
    by_person(small, name, auto)

    summary = again(small, everything=True)

    assert not [each for each in summary.mended if "a person's points" in each]


def test_person_is_asked_again_after_a_whole_regrade_as_by_nbgrader(small: SmallClass) -> None:
    """nbgrader's ``SaveAutoGrades`` asks, whether the machine's points changed or not."""
    name, auto, _ = missed(small)
    by_person(small, name, auto)
    assert name not in wanted_by(small)

    again(small, everything=True)

    assert name in wanted_by(small)


def test_extend_says_the_penalty_of_the_points_that_count(small: SmallClass) -> None:
    name, auto, most = missed(small)
    earned = sum(points for _, points, _ in machine(small))
    by_person(small, name, most)

    words = ["extend", LATE, "00", "--class", str(small.root), "--days", "1"]
    result = CliRunner().invoke(app, words)

    assert "1 penalty changed" in result.output
    assert book(small)["penalty"] == pytest.approx(0.1 * (earned - auto + most))
