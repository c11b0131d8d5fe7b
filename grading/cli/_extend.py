"""``nncourse extend``: more time for a learner or a group."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grading.cli._class import ClassOption, DbOption
from grading.cli._reading import CourseOption

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from grading.classroom import Classroom, Learner

_NO_UNIT = "nncourse extend: the assignment is missing. Write it behind the learner, as in 01."

EXAMPLE = "Example: nncourse extend ada 01 --days 3, or for slow machines: --time-factor 2"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(extend)


def extend(
    student: Annotated[str, typer.Argument(metavar="STUDENT", help="Id of a learner.")],
    unit: Annotated[
        str,
        typer.Argument(
            metavar="[UNIT]",
            help="Number or name of an assignment; all, if only --time-factor is given.",
            show_default=False,
        ),
    ] = "",
    folder: ClassOption = None,
    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="TIME",
            help='The new date, "2026-12-08 23:59"; it stays where the due date is moved.',
        ),
    ] = "",
    days: Annotated[
        float | None,
        typer.Option(
            "--days",
            help="Days after the due date, with which it moves; 0 takes it back.",
            min=0,
            max=3660,
        ),
    ] = None,
    time_factor: Annotated[
        float | None,
        typer.Option(
            "--time-factor", help="Multiply the limits of time of the programs.", min=0.1, max=100
        ),
    ] = None,
    is_group: Annotated[
        bool, typer.Option("--group", help="STUDENT is the name of a group of the roster.")
    ] = False,
    db: DbOption = None,
    course: CourseOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what holds now.")] = False,
) -> None:
    """Give a learner, or a group, until later, or their programs more time.

    An extension takes the place of an earlier one. It is written into nbgrader's gradebook as
    well, for those whose submission is in it, and their penalties for lateness are worked out
    again. With --course, times are in UTC, as nbgrader has them. For instructors.
    """
    from grading.classroom import Extension, TimeFactor, shown_time  # keeps --help fast
    from grading.cli._class import open_class, recharged, refuse_beside_course
    from grading.cli._text import print_json

    _examine(until, days, time_factor)
    if course is not None:
        refuse_beside_course(
            "extend",
            {
                "--class": folder is not None,
                "--db": db is not None,
                "--group": is_group,  # nbgrader knows of none
                "--time-factor": time_factor
                is not None,  # all of its students have the same limits
            },
        )
        _extend_in_course(course, student, unit, until, days, as_json=as_json)
        return
    classroom = open_class(folder, db=db)
    learners = _learners(classroom, student, is_group=is_group)
    slug = classroom.find(unit) if unit else ""
    whom = {"student": "", "group": student} if is_group else {"student": student, "group": ""}
    n_told = 0
    changed: list[str] = []
    if until or days is not None:
        when = _until(classroom, slug, until)
        extension = Extension(**whom, assignment=slug, until=when, days=days or 0.0)
        classroom.extend(extension=extension)
        n_told = sum(_tell_nbgrader(classroom, slug, learner) for learner in learners)
        changed = recharged(classroom, [slug], learners, quiet=as_json)
    if time_factor is not None:
        factor = TimeFactor(**whom, assignment=slug, factor=time_factor)
        classroom.extend(time_factor=factor)
    first = learners[0]
    due = classroom.due(first, slug) if slug else None
    held = classroom.time_factor(first, slug)
    if as_json:
        print_json({
            "learners": [learner.id for learner in learners],
            "assignment": slug or None,
            "due": due.isoformat() if due else None,
            "time_factor": held,
            "in_gradebook": n_told,
            "penalties": changed,
        })
        return
    who = student if not is_group else f"{student} ({len(learners)} learners)"
    if due is not None:
        zone = classroom.settings.assignments[slug].timezone
        typer.echo(f"{who}: {slug} is due {shown_time(due, zone)}.")
    if time_factor is not None:
        typer.echo(f"{who}: programs of {slug or 'all assignments'} have {held:g} times as long.")
    if n_told:
        typer.echo(f"The gradebook of nbgrader knows it for {n_told}.")


def _extend_in_course(
    folder: Path, student: str, unit: str, until: str, days: float | None, *, as_json: bool
) -> None:
    """Write an extension where nbgrader keeps it: with the student's submission."""
    from zoneinfo import ZoneInfo

    from grading.classroom import shown_time
    from grading.cli._class import say_charges
    from grading.cli._text import print_json
    from grading.kernel import open_course
    from grading.refusals import Refusal
    from grading.runs import find_assignment, recharge_course

    course, utc = open_course(folder), ZoneInfo("UTC")
    if not unit:
        raise Refusal(_NO_UNIT)
    slug = find_assignment(unit, course.assignments)
    due = course.due(slug)
    if due is None:
        msg = (
            f"nncourse extend --course: {slug} has no due date in the gradebook. Set one with: "
            f"nbgrader db assignment add {slug} --duedate TIME"
        )
        raise Refusal(msg)
    when = _later(until, due, utc) if until else due + timedelta(days=days or 0.0)
    if not course.extend(student, slug, when - due):
        msg = (
            f"{student}: no submission for {slug} stands in the gradebook, and nbgrader keeps an "
            "extension with it. Look at the id, or grade the submission first."
        )
        raise Refusal(msg)
    done = recharge_course(course, [slug], student)
    changed = say_charges(done, quiet=as_json)
    if as_json:
        print_json({
            "learners": [student],
            "assignment": slug,
            "due": when.isoformat(),
            "penalties": changed,
        })
    else:
        typer.echo(f"{student}: {slug} is due {shown_time(when, utc)}.")


def _examine(until: str, days: float | None, time_factor: float | None) -> None:
    from grading.refusals import Refusal

    if not until and days is None and time_factor is None:
        msg = "nncourse extend: it is not said by how much. Add --until, --days or --time-factor."
        raise Refusal(msg)
    if until and days is not None:
        msg = "nncourse extend: --until and --days exclude each other. Leave one of them out."
        raise Refusal(msg)


def _learners(classroom: Classroom, student: str, *, is_group: bool) -> list[Learner]:
    from grading.refusals import Refusal

    everybody = classroom.roster.all()
    if not is_group:
        n_members = sum(each.group == student for each in everybody)
        if student not in classroom.roster and n_members:
            msg = (
                f"{classroom.roster.path}: nobody has the id {student!r}, but a group of "
                f"{n_members} is called so. If you mean the group, add --group."
            )
            raise Refusal(msg)
        return [classroom.roster.by_id(student)]
    found = [learner for learner in everybody if learner.group == student]
    if not found:
        groups = sorted({each.group for each in everybody} - {""})
        known = ", ".join(groups) or "none"
        msg = f"{classroom.roster.path}: nobody is in the group {student!r}. Groups are: {known}."
        raise Refusal(msg)
    return found


def _until(classroom: Classroom, slug: str, text: str) -> datetime | None:
    from grading.refusals import Refusal

    if not slug:
        raise Refusal(_NO_UNIT)
    settings = classroom.settings.assignments[slug]
    if settings.due is None:
        msg = f"nncourse extend: {slug} has no due date. Release it again with --due."
        raise Refusal(msg)
    if not text:
        return None
    return _later(text, settings.due, settings.timezone)


def _later(text: str, due: datetime, zone: ZoneInfo) -> datetime:
    from grading.classroom import local_time
    from grading.refusals import Refusal

    when = local_time(text, zone, "--until")
    if when.astimezone(UTC) <= due.astimezone(UTC):
        msg = f"--until: {text} is not after the due date. To take an extension back, use --days 0."
        raise Refusal(msg)
    return when


def _tell_nbgrader(classroom: Classroom, slug: str, learner: Learner) -> bool:
    from grading.classroom import grant

    due, first = classroom.due(learner, slug), classroom.settings.assignments[slug].due
    if due is None or first is None:
        return False
    extra = due.astimezone(UTC) - first.astimezone(UTC)
    return grant(classroom.db_url, classroom.course_id, slug, learner.id, max(extra, timedelta()))
