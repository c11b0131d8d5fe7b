"""Copies in the class folder: nbgrader's tree holds what counts, attempts stay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from grading.collection import collect, store, stored_as, stored_attempts
from grading.refusals import Refusal
from tests.grading.collection.conftest import FILE, ON_TIME, SLUG, put


@pytest.fixture
def hand_in(classroom, answered, tmp_path):
    """Hand in, collect and store; return what was collected."""

    def work(text, days=0):
        put(tmp_path / "in" / "ada" / FILE, answered(text), ON_TIME + timedelta(days=days))
        (submission,) = collect([tmp_path / "in"], classroom)
        store(submission, classroom)
        return submission

    return work


def test_it_lies_where_nbgrader_looks(classroom, answered, hand_in):
    hand_in("first")

    folder = classroom.root / "submitted" / "ada" / SLUG
    assert (folder / FILE).read_bytes() == answered("first")
    assert (folder / "timestamp.txt").read_text() == "2026-11-30 12:00:00.000000 UTC\n"


def test_what_was_stored_can_be_collected_again_with_its_time(classroom, hand_in):
    first = hand_in("first")

    (again,) = collect([classroom.root / "submitted"], classroom)

    assert (again.handed_in, again.time_from) == (first.handed_in, "timestamp.txt")
    assert (again.files, again.attempt) == (first.files, 1)


def test_earlier_attempts_stay_and_are_counted(classroom, answered, hand_in):
    first, second, third = (hand_in(text, days) for days, text in enumerate(["a", "b", "c"]))

    kept = sorted((classroom.root / "attempts" / "ada" / SLUG).iterdir())
    assert [first.attempt, second.attempt, third.attempt] == [1, 2, 3]
    assert [(each / FILE).read_bytes() for each in kept] == [answered(text) for text in "abc"]
    assert (classroom.submitted("ada", SLUG) / FILE).read_bytes() == answered("c")


def test_storing_again_changes_nothing(classroom, hand_in):
    submission = hand_in("first")
    before = {p: p.stat().st_mtime_ns for p in classroom.root.rglob("*") if p.is_file()}

    store(submission, classroom)

    assert {p: p.stat().st_mtime_ns for p in classroom.root.rglob("*") if p.is_file()} == before


def test_the_same_file_is_no_other_attempt_however_its_time_moves(classroom, answered, hand_in):
    first = hand_in("a")
    copied = hand_in("a", 3)

    earlier = hand_in("a", -1)

    assert [each.attempt for each in (first, copied, earlier)] == [1, 1, 1]
    assert copied.handed_in == first.handed_in
    assert "very same file" in copied.notes[-1]
    assert earlier.handed_in == ON_TIME - timedelta(days=1)


def test_whoever_goes_back_to_earlier_work_hands_in_again(classroom, hand_in):
    hand_in("a")
    hand_in("b", 1)

    back = hand_in("a", 2)

    assert (back.attempt, back.handed_in) == (3, ON_TIME + timedelta(days=2))


def test_other_files_of_nbgrader_stay(classroom, hand_in):
    hand_in("first")
    helper = put(classroom.submitted("ada", SLUG) / "helper.csv", b"1,2")

    hand_in("second", 1)

    assert helper.read_bytes() == b"1,2"


@pytest.mark.parametrize("link", ["submitted/ada", f"submitted/ada/{SLUG}", "attempts/ada"])
def test_a_link_in_the_way_is_refused_and_not_followed(classroom, hand_in, tmp_path, link):
    (tmp_path / "elsewhere").mkdir()
    path = classroom.root / link
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Refusal, match="link"):
        hand_in("first")

    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_notebook_that_is_a_link_is_replaced_and_not_written_through(
    classroom, answered, hand_in, tmp_path
):
    target = put(tmp_path / "precious", b"mine")
    classroom.submitted("ada", SLUG).mkdir(parents=True)
    (classroom.submitted("ada", SLUG) / FILE).symlink_to(target)

    hand_in("first")

    assert target.read_bytes() == b"mine"
    assert (classroom.submitted("ada", SLUG) / FILE).read_bytes() == answered("first")


def test_stored_attempts_are_read_again_but_for_what_a_crash_left_in_part(hand_in, classroom):
    first, second = hand_in("3"), hand_in("3.0", days=1)
    learner = first.learner

    found = stored_attempts(classroom, learner, SLUG)

    assert [each.attempt for each in found] == [1, 2]
    assert [each.handed_in for each in found] == [first.handed_in, second.handed_in]
    assert [each.files for each in found] == [first.files, second.files]
    assert [each.version for each in found] == [first.version, second.version]
    (place,) = stored_as(classroom, learner, SLUG, second.files, 2)
    assert stored_as(classroom, learner, SLUG, second.files, 1) == []
    (place / FILE).write_text("half")
    assert [each.attempt for each in stored_attempts(classroom, learner, SLUG)] == [1]
