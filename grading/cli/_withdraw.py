"""``nncourse withdraw``: take back a hand-in that was graded by mistake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grading.cli._class import ClassOption, DbOption
from grading.cli._reading import CourseOption

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from grading.runs import HandIn, Withdrawal

EXAMPLE = "Example: nncourse withdraw ada 02 --yes"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(withdraw)


def withdraw(
    student: Annotated[str, typer.Argument(metavar="STUDENT", help="Id of the learner.")],
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="Number or name of the assignment.")],
    folder: ClassOption = None,
    attempt: Annotated[
        str,
        typer.Option(
            "--attempt",
            metavar="N",
            help="Another attempt than the one that counts: its number, how its folder in attempts "
            "begins, or the number at the end of its feedback page.",
            show_default=False,
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    db: DbOption = None,
    course: CourseOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was taken back.")] = False,
) -> None:
    """Take back a hand-in that was graded by mistake, as somebody else's file.

    It leaves journal, folders and gradebook as if it had never come, and what counts among the
    hand-ins left, by the rule of the class, counts again. If none is left, the points of the
    assignment go, those given by hand and comments too. Only this learner's: other members of a
    group keep theirs. For instructors.
    """
    from grading.cli._class import open_class  # keeps --help fast
    from grading.cli._text import leave_with, print_json
    from grading.runs import plan_withdrawal
    from grading.runs import withdraw as take_back

    if course is not None:
        _refuse_course(course, student, unit)
    classroom = open_class(folder, db=db)
    planned = plan_withdrawal(classroom, student, unit, attempt)
    zone = classroom.settings.assignments[planned.slug].timezone
    learner, taken = planned.learner, in_words(planned.taken, zone)
    then = _what_counts(planned, zone, folder)
    if not yes:
        question = f"Take back {taken} of {learner.name} ({learner.id}) for {planned.slug}?"
        typer.echo(f"Then {then}", err=True)
        if not typer.confirm(question, err=True):
            typer.echo("Nothing was taken back.", err=True)
            leave_with(1)
    told: list[str] = []
    removed = take_back(classroom, planned, told.append)
    if as_json:
        print_json({
            "learner": learner.id,
            "assignment": planned.slug,
            "taken_back": _plain(planned.taken),
            "counts": None if planned.counts is None else _plain(planned.counts),
            "removed": removed,
            "also_of": list(planned.others),
        })
    else:
        typer.echo(f"{learner.id}, {planned.slug}: {taken} is taken back; {then}")
        for each in removed:
            typer.echo(f"Removed: {each}")
    for sentence in told:
        typer.echo(sentence, err=True)
    if planned.others:
        typer.echo(
            f"The same files were handed in for {', '.join(planned.others)}, too; there they stay.",
            err=True,
        )
    if planned.counted:
        typer.echo("Feedback, reports and exports show it when they are written again.", err=True)


def in_words(hand: HandIn, zone: ZoneInfo) -> str:
    """Name a hand-in by when it came and what it is worth.

    Parameters
    ----------
    hand : HandIn
        The hand-in.
    zone : ZoneInfo
        Of the assignment.

    Returns
    -------
    str
        As in ``"the hand-in of 2026-11-20 10:00 (18 of 18)"``.
    """
    when, result = hand.handed_in, hand.result
    of = "" if when is None else f" of {when.astimezone(zone):%Y-%m-%d %H:%M}"
    worth = "not graded yet"
    if result is not None and result.status == "invalid_submission":
        worth = "not readable"
    elif result is not None and not hand.is_open:
        worth = f"{result.points:g} of {result.max_points:g}"
    return f"the hand-in{of} ({worth})"


def _what_counts(planned: Withdrawal, zone: ZoneInfo, folder: Path | None) -> str:
    from grading.cli._class import class_words

    if planned.counts is None:
        return "none is left, so nothing counts, and points by hand and comments go with it"
    named = in_words(planned.counts, zone).replace("the hand-in", "the one", 1)
    if not planned.counted:
        return f"{named} counts as before"
    if planned.counts.is_open:
        return (
            f"points by hand and comments go, and {named} counts once it is graded, by: "
            f"nncourse regrade {planned.slug}" + class_words(folder)
        )
    return f"{named} counts again"


def _plain(hand: HandIn) -> dict[str, Any]:
    when, result = hand.handed_in, hand.result
    is_graded = result is not None and not hand.is_open
    return {
        "attempt": hand.attempt,
        "handed_in": when.isoformat() if when else None,
        "status": result.status if result else None,
        "points": result.points if result and is_graded else None,
        "max_points": result.max_points if result and is_graded else None,
    }


def _refuse_course(course: Path, student: str, unit: str) -> None:
    """Say what to do in an nbgrader course, which keeps one hand-in of each."""
    from grading.kernel import open_course
    from grading.refusals import Refusal
    from grading.runs import find_assignment

    opened = open_course(course)
    slug = find_assignment(unit, opened.assignments)
    folder = opened.folder("submitted", student, slug)
    msg = (
        "nncourse withdraw --course: nbgrader keeps one hand-in of each, so there is none to go "
        f"back to. Put the right one into {folder} and run: nncourse grade --course {course}; or, "
        "if there is none, remove that folder and those in autograded and feedback, and in Python, "
        "with the Gradebook of nbgrader.api, run: "
        f"gradebook.remove_submission({slug!r}, {student!r})"
    )
    raise Refusal(msg)
