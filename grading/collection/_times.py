"""Tell when something was handed in, from the clocks that a learner cannot set."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from grading.classroom import Classroom
from grading.collection._matching import Match
from grading.collection._submission import shown
from grading.collection._walking import Place

__all__ = ["time_of"]

_WRITE_IT = (
    "Write the time as 2026-11-20 23:50:00 UTC or 2026-11-20T23:50:00+01:00; without a zone it is "
    "UTC."
)


def time_of(
    place: Place, match: Match, classroom: Classroom
) -> tuple[datetime, str, tuple[str, ...]]:
    """Tell when it was handed in, and what says so: nothing that lies in a learner's archive.

    Parameters
    ----------
    place : Place
        Where the notebook lies.
    match : Match
        Whose it is, and what the platform said.
    classroom : Classroom
        Its time zone, due dates and extensions.

    Returns
    -------
    handed_in : datetime
        In UTC.
    time_from : str
        As in `Submission`.
    notes : tuple of str
        What was taken for granted so far.
    """
    zone = classroom.settings.timezone
    notes = match.notes
    if match.in_own_archive:  # what stands in it was written by whoever packed it
        place = replace(place, time=None, timestamp="")
    if place.timestamp and not match.platform:
        if (stamp := _parsed_time(place.timestamp)) is not None:
            return stamp, "timestamp.txt", notes
        said = f"timestamp.txt cannot be read: {shown(place.timestamp[:40])}. {_WRITE_IT}"
        notes = (*notes, said)
    time_from = "zip entry" if place.inside else "file time"
    when = _on_clock(place.time, zone)
    if when is None:
        when = datetime.fromtimestamp(place.file.lstat().st_mtime, UTC)
        time_from = "file time"
    elif place.time is not None and place.time.tzinfo is None:
        why = "as class.toml says."
        if not classroom.settings.has_timezone:
            why = (
                "because the class has none. Set timezone in class.toml, or run: "
                "nncourse roster --timezone ZONE"
            )
        said = f"The zip holds a clock's time; {zone.key} was taken for its zone, {why}"
        notes = (*notes, said)
    if match.platform == "canvas":
        return _by_late_mark(match, classroom, when, time_from, notes)
    late_s = classroom.lateness_s(match.learner, match.slug, when)
    if time_from == "file time" and late_s > classroom.settings.late.grace_minutes * 60:
        said = (
            "It counts as late by the time at which the file was changed last, and copying may "
            "change that. Copy it with its time"
        )
        if not place.inside:
            said += (
                ", or write the right one into a timestamp.txt beside it, as in 2026-11-20 "
                "23:50:00 UTC or 2026-11-20T23:50:00+01:00"
            )
        notes = (*notes, f"{said}.")
    return when, time_from, notes


def _by_late_mark(
    match: Match, classroom: Classroom, when: datetime, time_from: str, notes: tuple[str, ...]
) -> tuple[datetime, str, tuple[str, ...]]:
    # The mark is of the due date that Canvas knew, without extensions and before it was moved. So
    # a time in the zip goes before it; where there is none, it says that the due date had passed.
    extended = classroom.due(match.learner, match.slug)
    due = classroom.settings.assignments[match.slug].due
    if due is None or extended is None:
        return when, time_from, notes
    if not match.late:
        if when <= extended:
            return when, time_from, notes
        note = "Canvas does not mark it late, so it counts as handed in on time."
        return extended.astimezone(UTC), "LATE mark", (*notes, note)
    due = due.astimezone(UTC)
    if when > due:
        return when, time_from, notes
    if time_from == "zip entry":
        note = "Canvas marks it late, but its time in the zip is before the due date and counts."
        return when, time_from, (*notes, note)
    late = due + timedelta(seconds=max(1.0, classroom.settings.late.grace_minutes * 60 + 1))
    if late > datetime.now(UTC):
        note = "Canvas marks it late, but the due date has not passed; the file's time counts."
        return when, time_from, (*notes, note)
    note = "Canvas marks it late, but does not say by how much."
    return late, "LATE mark", (*notes, note)


def _on_clock(when: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return a time in UTC; one without a zone is read on the clock of the class."""
    if when is None:
        return None
    return (when if when.tzinfo is not None else when.replace(tzinfo=zone)).astimezone(UTC)


def _parsed_time(text: str) -> datetime | None:
    """Read nbgrader's ``2026-12-01 22:59:00.123456 UTC``, or any ISO time; bare ones are UTC."""
    try:
        when = datetime.fromisoformat(text.removesuffix("UTC").removesuffix("Z").strip())
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
