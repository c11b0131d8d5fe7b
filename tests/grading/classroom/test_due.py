"""A time is on somebody's clock; where the clock is set, both readings are offered."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from grading.classroom import local_time, shown_time, time_zone
from grading.refusals import Refusal

BERLIN = ZoneInfo("Europe/Berlin")
ST_JOHNS = "America/St_Johns"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-12-01 23:59", "2026-12-01T22:59:00+00:00"),
        ("2026-07-01 23:59", "2026-07-01T21:59:00+00:00"),
        ("2026-07-01T23:59:30", "2026-07-01T21:59:30+00:00"),
        ("2026-12-01", "2026-12-01T22:59:00+00:00"),  # a day means its last minute
        ("2026-12-01 23:59+00:00", "2026-12-01T23:59:00+00:00"),
        ("2026-10-25 02:30+02:00", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25 02:30+01:00", "2026-10-25T01:30:00+00:00"),
    ],
)
def test_a_time_is_read_on_the_clock_of_the_class(text, utc):
    assert local_time(text, BERLIN).astimezone(UTC).isoformat() == utc


def test_a_time_that_the_clock_shows_twice_is_refused_with_both():
    with pytest.raises(Refusal, match="twice") as refusal:
        local_time("2026-10-25 02:30", BERLIN)

    assert '"2026-10-25 02:30+01:00" or "2026-10-25 02:30+02:00"' in str(refusal.value)


def test_a_time_that_the_clock_never_shows_is_refused_with_its_neighbors():
    with pytest.raises(Refusal, match="never") as refusal:
        local_time("2026-03-29 02:30", BERLIN)

    assert '"2026-03-29 01:30+01:00" or "2026-03-29 03:30+02:00"' in str(refusal.value)
    for choice in ("2026-03-29 01:30+01:00", "2026-03-29 03:30+02:00"):
        assert f"{local_time(choice, BERLIN):%Y-%m-%d %H:%M}" == choice[:16]


@pytest.mark.parametrize("text", ["tomorrow", "", "2026-13-01", "12/01/2026", "9999-01-01 00:00"])
def test_what_is_no_time_is_refused_with_an_example(text):
    with pytest.raises(Refusal, match="2026-12-01 23:59"):
        local_time(text, BERLIN)


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("Berlin", "Did you mean Europe/Berlin"),
        ("Europe/Berlim", "Did you mean Europe/Berlin"),
        ("../etc/passwd", "as Europe/Berlin"),
        ("", "as Europe/Berlin"),
    ],
)
def test_an_unknown_zone_is_refused_with_a_near_one(name, mend):
    with pytest.raises(Refusal, match=mend):
        time_zone(name)


def test_a_time_is_shown_on_both_clocks():
    when = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)

    assert shown_time(when, BERLIN) == (
        "Thursday 2026-07-02 00:30 Europe/Berlin (UTC+02:00), which is 2026-07-01 22:30 UTC"
    )
    assert shown_time(when, ZoneInfo("UTC")) == "Wednesday 2026-07-01 22:30 UTC"
    assert "(UTC-03:30)" in shown_time(
        datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("America/St_Johns")
    )
