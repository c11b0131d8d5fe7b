"""What an instructor decides about a class: three small files that may be edited by hand.

``class.toml`` (or ``class.json``) holds course, time zone, gradebook and late policy, and is only
read, but for a time zone that is given later and the rule of ``grade --attempts``.
``assignments.json`` and ``extensions.json`` are written by the commands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from grading.classroom._due import local_time, time_zone
from grading.classroom._files import refuse_if_readable_by_others, write_atomically
from grading.classroom._learner import Learner
from grading.classroom._penalty import LatePolicy
from grading.classroom._reading import Table, read_json, read_toml
from grading.refusals import Refusal

__all__ = ["AssignmentSettings", "Extension", "Settings", "TimeFactor", "read_settings", "template"]

ASSIGNMENTS, EXTENSIONS = "assignments.json", "extensions.json"

_NO_ZONE = '# timezone = "Europe/Berlin"  # not set: times are read in UTC'

_HEADING = re.compile(r"(^[ \t]*\[)", re.MULTILINE)
_ATTEMPTS = re.compile(r"^[ \t]*attempts[ \t]*=.*$", re.MULTILINE)

_TEMPLATE = """\
# The class, for nncourse. Edit this file by hand; the commands write nothing here but a time zone
# that is not set yet, and attempts = "last", "best" or "first" when grade --attempts says so.

course = "Training neural networks"
{timezone}

# Where the gradebook is, if not in gradebook.db beside this file. A password belongs into the
# environment variable NNCOURSE_DB, or into this file only if nobody else can read it.
# database = "postgresql+psycopg2://grader@localhost/gradebook"

[late]
grace_minutes = 0      # lateness that costs nothing
percent = 0            # percent of the points for each day or hour that has begun
per = "day"            # or "hour"
cap_percent = 100      # the most that is taken off
# cut_off_hours = 168  # after that, nothing counts
"""


Rule = Literal["last", "best", "first"]
"""Which of several attempts counts."""

RULES: dict[str, Rule] = {"last": "last", "best": "best", "first": "first"}


@dataclass(frozen=True)
class AssignmentSettings:
    """What holds for one released assignment.

    Attributes
    ----------
    version : str
        Hash of the release that counts now.
    title : str
        For people.
    tier : str
        ``"core"`` or ``"further"``.
    due : datetime or None
        By when, with a time zone; None for no date.
    timezone : ZoneInfo
        On whose clock the due date was set.
    releases : tuple of str
        Hashes of all releases, the oldest first.
    """

    version: str
    title: str
    tier: str
    due: datetime | None
    timezone: ZoneInfo
    releases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Extension:
    """More time until the due date.

    Attributes
    ----------
    student, group : str
        For whom: an id, or a group; one of them.
    assignment : str
        The assignment's slug.
    until : datetime or None
        The due date in place of the assignment's.
    days : float
        Otherwise, days after the assignment's due date.
    """

    student: str
    group: str
    assignment: str
    until: datetime | None = None
    days: float = 0.0


@dataclass(frozen=True)
class TimeFactor:
    """More time for the programs of a learner, as on a slow machine.

    Attributes
    ----------
    student, group : str
        For whom: an id, or a group; one of them.
    assignment : str
        The assignment's slug; empty for all.
    factor : float
        Multiplies every limit of time.
    """

    student: str
    group: str
    assignment: str
    factor: float


@dataclass(frozen=True)
class Settings:
    """The settings of a class.

    Attributes
    ----------
    course : str
        Its name.
    course_id : str
        nbgrader's id of the course; empty, as in nbgrader's own configuration.
    timezone : ZoneInfo
        The clock of the class; UTC where none is set.
    has_timezone : bool
        Whether it is set.
    late : LatePolicy
        What late work costs.
    database : str
        URL of the gradebook; empty for the file in the class folder.
    assignments : dict of str to AssignmentSettings
        By slug.
    extensions : tuple of Extension
        In the order in which they were given; the latest due date wins.
    time_factors : tuple of TimeFactor
        The largest one wins.
    attempts : str
        Which of several attempts counts: ``"last"``, ``"best"`` or ``"first"``.
    """

    course: str = "Training neural networks"
    course_id: str = ""
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    late: LatePolicy = field(default_factory=LatePolicy)
    database: str = field(default="", repr=False)
    assignments: dict[str, AssignmentSettings] = field(default_factory=dict)
    extensions: tuple[Extension, ...] = ()
    time_factors: tuple[TimeFactor, ...] = ()
    has_timezone: bool = False
    attempts: Rule = "last"

    def due(self, learner: Learner, slug: str) -> datetime | None:
        """Find by when a learner has to hand in, extensions included; None for no date."""
        assignment = self.assignments.get(slug)
        if assignment is None or assignment.due is None:
            return None
        given = [e for e in self.extensions if e.assignment == slug and _is_for(e, learner)]
        dates = [each.until or assignment.due + timedelta(days=each.days) for each in given]
        # Within one zone Python compares what the clock shows, which may be set in between.
        return max([assignment.due, *dates], key=lambda when: when.astimezone(UTC))

    def time_factor(self, learner: Learner, slug: str) -> float:
        """Find by what a learner's limits of time are multiplied."""
        factors = [
            each.factor
            for each in self.time_factors
            if each.assignment in {"", slug} and _is_for(each, learner)
        ]
        return max(factors, default=1.0)


def _is_for(given: Extension | TimeFactor, learner: Learner) -> bool:
    return given.student == learner.id or bool(given.group and given.group == learner.group)


def read_settings(folder: Path) -> Settings:
    """Read the three files of a class folder.

    Parameters
    ----------
    folder : Path
        The class folder.

    Returns
    -------
    Settings
        Defaults stand where a file or an entry is absent.

    Raises
    ------
    Refusal
        If a file cannot be read or an entry cannot be meant, with file and entry.
    """
    paths = [path for path in (folder / "class.toml", folder / "class.json") if path.exists()]
    if len(paths) > 1:
        msg = f"{paths[1]}: there is {paths[0].name} beside it, and only one counts. Remove one."
        raise Refusal(msg)
    content = Table({}, folder / "class.toml")
    if paths:
        content = read_toml(paths[0]) if paths[0].suffix == ".toml" else read_json(paths[0])
    late = content.table("late")
    policy = LatePolicy(
        grace_minutes=late.number("grace_minutes", 0.0, most=525_600),
        percent=late.number("percent", 0.0, most=100),
        per="hour" if late.choice("per", ("day", "hour")) == "hour" else "day",
        cap_percent=late.number("cap_percent", 100.0, most=100),
        cut_off_hours=late.number("cut_off_hours", None, most=1e6),
    )
    late.finish()
    has_timezone = "timezone" in content.content
    name = content.text("timezone", "UTC")
    zone = time_zone(name, f"{content.path}: timezone")
    database = content.text("database", "")
    if paths and _has_password(database):
        refuse_if_readable_by_others(paths[0], "the password of the gradebook")
    settings = Settings(
        course=content.text("course", Settings.course),
        course_id=content.text("course_id", ""),
        timezone=zone,
        late=policy,
        database=database,
        has_timezone=has_timezone,
        attempts=RULES[content.choice("attempts", tuple(RULES))],
        assignments=_assignments(folder / ASSIGNMENTS, zone),
        **_extensions(folder / EXTENSIONS, zone),
    )
    content.finish()
    return settings


def template(timezone: str | None) -> str:
    """Write the settings file of a new class.

    Parameters
    ----------
    timezone : str or None
        The name of its time zone, if that is known.

    Returns
    -------
    str
        TOML.
    """
    line = _NO_ZONE if timezone is None else f"timezone = {json.dumps(timezone)}"
    return _TEMPLATE.format(timezone=line)


def write_timezone(folder: Path, timezone: str) -> Path:
    """Add a time zone to the settings of a class that have none.

    Parameters
    ----------
    folder : Path
        The class folder.
    timezone : str
        Its name.

    Returns
    -------
    Path
        The file.
    """
    path = folder / "class.json"
    if path.exists():
        _write(path, {"timezone": timezone, **read_json(path).content})
        return path
    path = folder / "class.toml"
    text = path.read_text(encoding="utf-8") if path.exists() else template(None)
    line = f"timezone = {json.dumps(timezone)}"
    # Above all else, where the note is not there any more: below a heading it would belong to it.
    text = text.replace(_NO_ZONE, line, 1) if _NO_ZONE in text else f"{line}\n{text}"
    write_atomically(path, text.encode())
    return path


def write_attempts(folder: Path, attempts: Rule) -> Path:
    """Write into the settings of a class which of several attempts counts.

    Parameters
    ----------
    folder : Path
        The class folder.
    attempts : {"last", "best", "first"}
        The rule.

    Returns
    -------
    Path
        The file.
    """
    path = folder / "class.json"
    if path.exists():
        _write(path, {**read_json(path).content, "attempts": attempts})
        return path
    path = folder / "class.toml"
    text = path.read_text(encoding="utf-8") if path.exists() else template(None)
    line = f'attempts = "{attempts}"'
    # Only above the first heading, below which it would belong to that.
    head, heading, rest = _HEADING.split(text, 1) if _HEADING.search(text) else (text, "", "")
    head, n = _ATTEMPTS.subn(line, head, count=1)
    text = (head if n else f"{line}\n{head}") + heading + rest
    write_atomically(path, text.encode())
    return path


def _has_password(url: str) -> bool:
    credentials = url.partition("://")[2].rpartition("@")[0]
    return ":" in credentials or "password=" in url


def _assignments(path: Path, zone: ZoneInfo) -> dict[str, AssignmentSettings]:
    found: dict[str, AssignmentSettings] = {}
    content = read_json(path)
    for slug in content.names():
        entry = content.table(slug)
        own = time_zone(entry.text("timezone", zone.key), f"{path}: {slug}.timezone")
        due = entry.text("due", "")
        found[slug] = AssignmentSettings(
            version=entry.text("version"),
            title=entry.text("title", slug),
            tier=entry.choice("tier", ("core", "further")),
            due=local_time(due, own, f"{path}: {slug}.due") if due else None,
            timezone=own,
            releases=tuple(entry.texts("releases")),
        )
        entry.finish()
    return found


def write_assignment(folder: Path, slug: str, assignment: AssignmentSettings) -> None:
    """Add or replace one assignment in ``assignments.json``.

    Parameters
    ----------
    folder : Path
        The class folder.
    slug : str
        Name of the assignment.
    assignment : AssignmentSettings
        What holds for it.
    """
    path = folder / ASSIGNMENTS
    content = dict(read_json(path).content)
    content[slug] = {
        "title": assignment.title,
        "tier": assignment.tier,
        "due": "" if assignment.due is None else _written(assignment.due, assignment.timezone),
        "timezone": assignment.timezone.key,
        "version": assignment.version,
        "releases": list(assignment.releases),
    }
    _write(path, content)


def _written(when: datetime, zone: ZoneInfo) -> str:
    """Write a time as one would by hand, with its offset only where the clock shows it twice."""
    here = when.astimezone(zone).replace(tzinfo=None)
    text = here.isoformat(" ", "seconds" if here.second else "minutes")
    try:
        local_time(text, zone)
    except Refusal:
        return when.astimezone(zone).isoformat(" ", "seconds")
    return text


def _extensions(path: Path, zone: ZoneInfo) -> dict[str, Any]:
    content = read_json(path)
    extensions, factors = [], []
    for entry in content.tables("extensions"):
        student, group, assignment = _whom(entry), entry.text("group", ""), entry.text("assignment")
        until = entry.text("until", "")
        when = local_time(until, zone, f"{path}: {entry.name}.until") if until else None
        days = entry.number("days", 0.0, most=3660) or 0.0
        entry.finish()
        extensions.append(Extension(student, group, assignment, when, days))
    for entry in content.tables("time_factors"):
        student, group = _whom(entry), entry.text("group", "")
        factor = entry.number("factor", 1.0, least=0.1, most=100) or 1.0
        factors.append(TimeFactor(student, group, entry.text("assignment", ""), factor))
        entry.finish()
    content.finish()
    return {"extensions": tuple(extensions), "time_factors": tuple(factors)}


def _whom(entry: Table) -> str:
    student = entry.text("student", "")
    if bool(student) == bool(entry.content.get("group")):
        entry.refuse("it names student or group, one of them")
    return student


def write_extensions(
    folder: Path, extensions: tuple[Extension, ...], factors: tuple[TimeFactor, ...]
) -> None:
    """Write ``extensions.json``.

    Parameters
    ----------
    folder : Path
        The class folder.
    extensions : tuple of Extension
        All of them.
    factors : tuple of TimeFactor
        All of them.
    """
    listed: list[Mapping[str, Any]] = []
    for each in extensions:
        moved: dict[str, Any] = {"days": each.days}
        if each.until is not None:
            moved = {"until": each.until.isoformat(" ", "seconds")}
        listed.append(_for_whom(each) | moved)
    times = [_for_whom(each) | {"factor": each.factor} for each in factors]
    _write(folder / EXTENSIONS, {"extensions": listed, "time_factors": times})


def _for_whom(given: Extension | TimeFactor) -> dict[str, Any]:
    whom = {"student": given.student} if given.student else {"group": given.group}
    return whom | ({"assignment": given.assignment} if given.assignment else {})


def _write(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, text.encode())
