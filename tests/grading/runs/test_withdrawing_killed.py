"""A withdrawal that is killed can be begun again, wherever it was, and nothing else is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from grading.journal import Journal, _disk
from grading.runs import _withdrawing
from tests.grading.faults.classes import SLUG, SmallClass, assert_same, state
from tests.grading.journal.faults import Killed, KillingOs
from tests.grading.runs.withdrawals import (
    ADA,
    FILE,
    MIXED,
    RIGHT,
    grade,
    graded_template,
    journal_of,
    small,
    stored,
    take_back,
    work_of,
)

__all__ = ["graded_template", "small"]

STEPS = [
    (_withdrawing, "_places"),
    (_withdrawing, "writer_of"),
    (_withdrawing, "_from_journal"),
    (_withdrawing.shutil, "rmtree"),
    (_withdrawing.Recorder, "add"),
    (_withdrawing.Recorder, "flush"),
    (Journal, "withdraw"),
    (Journal, "recorded"),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=lambda each: str(each))
@pytest.mark.parametrize("earlier", [True, False])
def test_killed_at_a_step_it_can_be_begun_again(
    small: SmallClass,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    when: str,
    earlier: bool,
):
    if earlier:
        grade(small, work_of(small, MIXED, 10))
    before = state(small.classroom)
    grade(small, work_of(small, RIGHT, 20))
    real = getattr(owner, name)

    def killed(*arguments: Any, **options: Any) -> Any:
        if when == "after":
            real(*arguments, **options)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, killed)
        try:
            take_back(small, which="")
        except Killed:
            died = True
        else:
            died = False  # with nothing left there is nothing to record or lay out
    assert died or not earlier
    if died and (name, when) not in {
        ("withdraw", "after"),
        ("_from_journal", "after"),
    }:  # that is the end of it
        planned = take_back(small)
        assert planned.taken.handed_in == datetime(2026, 5, 20, 10, tzinfo=UTC)

    assert_same(state(small.classroom), before, f"{name} {when}")


def test_killed_while_the_journal_is_written_it_can_be_begun_again(
    small: SmallClass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    grade(small, work_of(small, MIXED, 10))
    before, objects = state(small.classroom), stored(small)
    later = work_of(small, RIGHT, 20)
    path = later / ADA / SLUG / FILE
    path.write_bytes(path.read_bytes() + b"\n")  # files that nobody shares
    grade(small, later)
    n_steps, ended = 0, False
    while not ended:
        (tmp_path / str(n_steps)).mkdir()
        each = small.copied(tmp_path / str(n_steps))
        with monkeypatch.context() as patched:
            patched.setattr(_disk, "os", KillingOs(n_steps))
            try:
                take_back(each)
                ended = True
            except Killed:
                pass
        if journal_of(each, ADA) == 2:
            take_back(each)
        assert_same(state(each.classroom), before, f"after {n_steps} steps")
        n_steps += 1

    assert stored(each) == objects
    assert n_steps > 5
