"""Times on the instructor's clock: read, refused where the clock is set, shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from grading.refusals import Refusal

__all__ = ["local_time", "offset", "shown_time", "time_zone"]


def time_zone(name: str, where: str = "timezone") -> ZoneInfo:
    """Find a time zone by its name.

    Parameters
    ----------
    name : str
        As in ``"Europe/Berlin"``.
    where : str, default "timezone"
        What the sentence begins with if there is none.

    Returns
    -------
    ZoneInfo
        The zone.

    Raises
    ------
    Refusal
        If the name is unknown, or the machine knows no time zones.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        known = available_timezones()
        if not known:
            msg = f"{where}: this machine knows no time zones. Run: pip install tzdata"
            raise Refusal(msg) from error
        by_city = {zone.rpartition("/")[2].lower(): zone for zone in sorted(known)}
        words = name.lower().replace(" ", "_").rpartition("/")[2]
        close = [by_city[city] for city in get_close_matches(words, by_city, n=2)]
        mend = f"Did you mean {' or '.join(close)}?" if close else "Write it as Europe/Berlin."
        msg = f"{where}: there is no time zone {name[:60]!r}. {mend}"
        raise Refusal(msg) from error


def local_time(text: str, zone: ZoneInfo, where: str = "--due") -> datetime:
    """Read a time on the clock of a zone.

    Parameters
    ----------
    text : str
        ``"2026-12-01 23:59"``; a day alone means its last minute; with an offset
        (``"2026-10-25 02:30+01:00"``) the time is unambiguous at any rate.
    zone : ZoneInfo
        Whose clock is meant where there is no offset.
    where : str, default "--due"
        What the sentence begins with if the time is refused.

    Returns
    -------
    datetime
        In that zone.

    Raises
    ------
    Refusal
        If it is no time, or the clock shows it twice or never because it is set then.

    Examples
    --------
    >>> local_time("2026-12-01 23:59", ZoneInfo("Europe/Berlin")).astimezone(UTC).isoformat()
    '2026-12-01T22:59:00+00:00'
    """
    text = text.strip()
    try:
        wall = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{where}: {text[:60]!r} is no time. Write it as 2026-12-01 23:59."
        raise Refusal(msg) from error
    if len(text) <= len("2026-12-01"):
        wall = wall.replace(hour=23, minute=59)
    if not 1990 <= wall.year <= 2200:
        msg = f"{where}: the year {wall.year} cannot be meant. Write it as 2026-12-01 23:59."
        raise Refusal(msg)
    if wall.tzinfo is not None:
        return wall.astimezone(zone)
    early, late = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if early.utcoffset() == late.utcoffset():
        return early
    choices = [_back_and_forth(early), _back_and_forth(late)]
    first, second = sorted(f"{each:%Y-%m-%d %H:%M}{offset(each)}" for each in choices)
    fact = "shows that time twice" if _exists(early) else "never shows that time"
    msg = (
        f"{where}: on {wall:%Y-%m-%d} the clock of {zone.key} is set, and it {fact} "
        f'({wall:%H:%M}). Write "{first}" or "{second}".'
    )
    raise Refusal(msg)


def _back_and_forth(when: datetime) -> datetime:
    return when.astimezone(UTC).astimezone(when.tzinfo)


def _exists(when: datetime) -> bool:
    return _back_and_forth(when).replace(tzinfo=None) == when.replace(tzinfo=None)


def offset(when: datetime) -> str:
    """Write a time's distance from UTC.

    Parameters
    ----------
    when : datetime
        With a time zone.

    Returns
    -------
    str
        As in ``"+01:00"``.
    """
    distance = when.utcoffset() or timedelta()
    sign = "-" if distance < timedelta() else "+"
    minutes = abs(distance) // timedelta(minutes=1)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def shown_time(when: datetime, zone: ZoneInfo) -> str:
    """Write a time for people: on the clock of a zone, and in UTC.

    Parameters
    ----------
    when : datetime
        With a time zone.
    zone : ZoneInfo
        The zone of the class.

    Returns
    -------
    str
        Both, in one line.

    Examples
    --------
    >>> shown_time(datetime(2026, 12, 1, 22, 59, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    'Tuesday 2026-12-01 23:59 Europe/Berlin (UTC+01:00), which is 2026-12-01 22:59 UTC'
    """
    here, there = when.astimezone(zone), when.astimezone(UTC)
    day = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    if zone.key == "UTC":
        return f"{day[there.weekday()]} {there:%Y-%m-%d %H:%M} UTC"
    return (
        f"{day[here.weekday()]} {here:%Y-%m-%d %H:%M} {zone.key} (UTC{offset(here)}), "
        f"which is {there:%Y-%m-%d %H:%M} UTC"
    )
