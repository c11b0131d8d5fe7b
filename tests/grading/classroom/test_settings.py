"""Settings are edited by hand; each slip is refused with file, entry and mend."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from grading.classroom import (
    AssignmentSettings,
    Classroom,
    Extension,
    LatePolicy,
    TimeFactor,
    local_time,
)
from grading.refusals import Refusal

BERLIN = ZoneInfo("Europe/Berlin")
SLUG = "01-backpropagation"


def release(classroom: Classroom, due: str) -> None:
    when = local_time(due, BERLIN)
    classroom.set_assignment(SLUG, AssignmentSettings("v1", "Title", "core", when, BERLIN, ("v1",)))


def test_a_new_class_has_a_file_that_can_be_edited(classroom):
    settings = Classroom.open(classroom.root).settings

    assert settings.timezone == BERLIN
    assert settings.late == LatePolicy()
    assert "[late]" in (classroom.root / "class.toml").read_text(encoding="utf-8")


def test_every_entry_is_read(classroom):
    (classroom.root / "class.toml").write_text(
        'course = "Netze"\ncourse_id = "nn"\ntimezone = "America/New_York"\n'
        "[late]\ngrace_minutes = 15\npercent = 5\nper = 'hour'\n"
        "cap_percent = 40\ncut_off_hours = 48\n"
    )

    settings = Classroom.open(classroom.root).settings

    assert (settings.course, settings.course_id, settings.timezone.key) == (
        "Netze",
        "nn",
        "America/New_York",
    )
    assert settings.late == LatePolicy(15, 5, "hour", 40, 48)


def test_json_serves_as_well(classroom):
    (classroom.root / "class.toml").unlink()
    (classroom.root / "class.json").write_text('{"timezone": "UTC", "late": {"percent": 7}}')

    assert Classroom.open(classroom.root, create=True).settings.late.percent == 7
    (classroom.root / "class.toml").write_text("")
    with pytest.raises(Refusal, match="only one counts"):
        Classroom.open(classroom.root)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("course = ", "this is not TOML"),
        ("course = 3", "course: it is 3, expected a text"),
        ("curse = 'x'", "curse: the entry is not known; known is course"),
        ("timezone = 'Mars/Olympus'", "there is no time zone 'Mars/Olympus'"),
        ("late = 3", "late: it is 3, expected entries with names"),
        ("[late]\npercent = 'ten'", "late.percent: it is 'ten', expected a number from 0 to 100"),
        ("[late]\npercent = true", "late.percent: it is True"),
        ("[late]\npercent = nan", "late.percent: it is nan"),
        ("[late]\npercent = 101", "late.percent: it is 101"),
        ("[late]\ngrace_minutes = -1", "late.grace_minutes: it is -1"),
        ("[late]\nper = 'week'", 'late.per: it is \'week\', expected "day" or "hour"'),
        ("[late]\npercents = 3", "late.percents: the entry is not known; known is percent"),
    ],
)
def test_a_slip_is_refused_by_name(classroom, content, sentence):
    (classroom.root / "class.toml").write_text(content)

    with pytest.raises(Refusal) as refusal:
        Classroom.open(classroom.root)

    assert sentence in str(refusal.value)
    assert "class.toml" in str(refusal.value)


def test_settings_that_are_not_utf8_are_refused(classroom):
    (classroom.root / "class.toml").write_bytes(b"course = '\xff'")

    with pytest.raises(Refusal, match="not UTF-8"):
        Classroom.open(classroom.root)


def test_the_due_date_survives_in_a_form_to_be_edited(classroom):
    release(classroom, "2026-12-01 23:59")

    written = json.loads((classroom.root / "assignments.json").read_text(encoding="utf-8"))
    due = Classroom.open(classroom.root).settings.assignments[SLUG].due
    assert written[SLUG]["due"] == "2026-12-01 23:59"
    assert due == datetime(2026, 12, 1, 22, 59, tzinfo=UTC)


def test_a_due_date_in_the_doubled_hour_survives(classroom):
    release(classroom, "2026-10-25 02:30+01:00")

    due = Classroom.open(classroom.root).settings.assignments[SLUG].due
    assert due is not None
    assert due.astimezone(UTC) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[", "this is not JSON"),
        ("[]", "expected entries in { }"),
        (f'{{"{SLUG}": {{}}}}', "version: the entry is missing"),
        (f'{{"{SLUG}": {{"version": "v", "due": "soon"}}}}', "'soon' is no time"),
        (f'{{"{SLUG}": {{"version": "v", "tier": "all"}}}}', "tier: it is 'all'"),
        (f'{{"{SLUG}": {{"version": "v", "releases": "v"}}}}', "expected a list of texts"),
    ],
)
def test_a_slip_in_the_assignments_is_refused(classroom, content, sentence):
    (classroom.root / "assignments.json").write_text(content)

    with pytest.raises(Refusal) as refusal:
        Classroom.open(classroom.root)

    assert sentence in str(refusal.value)


def test_an_extension_counts_for_its_learner_alone(trio):
    release(trio, "2026-12-01 23:59")
    ada, blaise = trio.roster.by_id("ada"), trio.roster.by_id("blaise")

    trio.extend(extension=Extension("ada", "", SLUG, days=3))

    again = Classroom.open(trio.root)
    assert again.due(ada, SLUG) == local_time("2026-12-04 23:59", BERLIN)
    assert again.due(blaise, SLUG) == local_time("2026-12-01 23:59", BERLIN)
    assert again.due(ada, "02-other") is None


def test_days_keep_the_hour_on_the_clock_when_it_is_set_in_between(trio):
    release(trio, "2026-10-24 23:59")

    trio.extend(extension=Extension("ada", "", SLUG, days=1))

    due = trio.due(trio.roster.by_id("ada"), SLUG)
    assert due is not None
    assert due.astimezone(UTC) == datetime(2026, 10, 25, 22, 59, tzinfo=UTC)


def test_of_several_extensions_the_latest_date_counts(trio):
    release(trio, "2026-12-01 23:59")
    until = local_time("2026-12-10 12:00", BERLIN)

    trio.extend(extension=Extension("", "a", SLUG, until=until))
    trio.extend(extension=Extension("ada", "", SLUG, days=1))

    again = Classroom.open(trio.root)
    assert {each: again.due(again.roster.by_id(each), SLUG) for each in ("ada", "blaise")} == {
        "ada": until,
        "blaise": until,
    }
    assert again.due(again.roster.by_id("carl"), SLUG) == local_time("2026-12-01 23:59", BERLIN)


def test_a_new_extension_takes_the_place_of_the_old(trio):
    release(trio, "2026-12-01 23:59")
    for days in (5, 2, 0):
        trio.extend(extension=Extension("ada", "", SLUG, days=days))

    assert len(Classroom.open(trio.root).settings.extensions) == 1
    assert trio.due(trio.roster.by_id("ada"), SLUG) == local_time("2026-12-01 23:59", BERLIN)


def test_time_factors_count_by_learner_group_and_assignment(trio):
    ada, carl = trio.roster.by_id("ada"), trio.roster.by_id("carl")

    trio.extend(time_factor=TimeFactor("ada", "", SLUG, 2.0))
    trio.extend(time_factor=TimeFactor("", "a", "", 1.5))

    again = Classroom.open(trio.root)
    assert again.time_factor(ada, SLUG) == 2
    assert again.time_factor(ada, "02-other") == pytest.approx(1.5)
    assert again.time_factor(carl, SLUG) == 1


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"assignment": SLUG, "days": 1}, "it names student or group, one of them"),
        ({"student": "a", "group": "b", "assignment": SLUG}, "it names student or group"),
        ({"student": "ada", "days": 1}, "assignment: the entry is missing"),
        ({"student": "ada", "assignment": SLUG, "days": -1}, "expected a number from 0"),
        ({"student": "ada", "assignment": SLUG, "until": "later"}, "is no time"),
        ({"student": "ada", "assignment": SLUG, "day": 1}, "day: the entry is not known"),
    ],
)
def test_a_slip_in_the_extensions_is_refused(classroom, entry, sentence):
    (classroom.root / "extensions.json").write_text(json.dumps({"extensions": [entry]}))

    with pytest.raises(Refusal) as refusal:
        Classroom.open(classroom.root)

    assert sentence in str(refusal.value)
    assert "extensions.json" in str(refusal.value)


def test_the_penalty_follows_due_date_extension_and_policy(trio):
    (trio.root / "class.toml").write_text(
        'timezone = "Europe/Berlin"\n[late]\npercent = 10\ngrace_minutes = 5\n'
    )
    trio = Classroom.open(trio.root)
    release(trio, "2026-12-01 23:59")
    trio.extend(extension=Extension("ada", "", SLUG, days=2))
    handed_in = local_time("2026-12-03 00:10", BERLIN)
    ada, carl = trio.roster.by_id("ada"), trio.roster.by_id("carl")

    assert trio.penalty(ada, SLUG, 20.0, handed_in) == 0
    assert trio.penalty(carl, SLUG, 20.0, handed_in) == pytest.approx(4)  # the second day has begun
    assert trio.penalty(carl, SLUG, 20.0, handed_in - timedelta(days=1, minutes=8)) == 0  # grace
    assert trio.penalty(carl, "02-other", 20.0, handed_in) == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("class.toml", "[late]\npercent = 10\n"),
        ("class.toml", 'course = "Netze"\n[late]\npercent = 10\n'),
        ("class.json", '{"late": {"percent": 10}}'),
    ],
)
def test_a_time_zone_is_added_where_none_is_set(classroom, name, text):
    (classroom.root / "class.toml").unlink()
    (classroom.root / name).write_text(text)
    opened = Classroom.open(classroom.root)
    assert not opened.settings.has_timezone

    opened.set_timezone("Europe/Berlin")

    again = Classroom.open(classroom.root).settings
    assert (again.timezone, again.late.percent) == (BERLIN, 10)
    with pytest.raises(Refusal, match=rf"{name}: the time zone .* is Europe/Berlin already"):
        opened.set_timezone("UTC")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'attempts = "best"\n'),
        ("[late]\npercent = 10\n", 'attempts = "best"\n[late]\npercent = 10\n'),
        (
            'course = "Netze"\nattempts = "first"  # by hand\n[late]\n',
            'course = "Netze"\nattempts = "best"\n[late]\n',
        ),
    ],
)
def test_the_rule_for_attempts_is_kept_above_the_first_heading(classroom, before, after):
    path = classroom.root / "class.toml"
    path.write_text(before)

    Classroom.open(classroom.root).set_attempts("best")

    assert path.read_text() == after
    assert Classroom.open(classroom.root).settings.attempts == "best"


def test_the_rule_for_attempts_is_the_last_until_another_is_set(classroom):
    assert classroom.settings.attempts == "last"
    (classroom.root / "class.toml").unlink()
    (classroom.root / "class.json").write_text('{"late": {"percent": 7}}')

    Classroom.open(classroom.root).set_attempts("first")

    settings = Classroom.open(classroom.root).settings
    assert (settings.attempts, settings.late.percent) == ("first", 7)


def test_a_rule_for_attempts_that_is_none_is_refused(classroom):
    (classroom.root / "class.toml").write_text('attempts = "worst"')

    with pytest.raises(Refusal, match='expected "last" or "best" or "first"'):
        Classroom.open(classroom.root)
