"""``nncourse grade``: grade what a class handed in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grading.cli._class import ClassOption, DbOption
from grading.cli._grading import (
    ClusterOption,
    ExercisesOption,
    JsonOption,
    TimeOption,
    UnsafeOption,
    WorkersOption,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from grading.engine import Engine
    from grading.runs import Progress, Summary

EXAMPLE = "Example: nncourse grade moodle-export.zip --class my-class"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(grade)


def grade(
    submissions: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SUBMISSIONS]...",
            help="Folders, zips, notebooks, exports of Canvas or Moodle, nbgrader's tree.",
            show_default=False,
        ),
    ] = None,
    folder: ClassOption = None,
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar="UNIT", help="Only this assignment.", show_default=False),
    ] = None,
    attempts: Annotated[
        str | None,
        typer.Option(
            "--attempts",
            metavar="RULE",
            help="Which of several attempts counts: last, best or first. The class remembers it; "
            "at first it is last.",
            show_default=False,
        ),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            "--groups",
            metavar="FILE",
            help="A table with the columns group,members: ids, one a line or several in a cell. "
            "The last hand-in of a group counts for every member, also in place of a better one "
            "of a member's own.",
            show_default=False,
        ),
    ] = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    db: DbOption = None,
    exercises: ExercisesOption = None,
    course: Annotated[
        Path | None,
        typer.Option(
            "--course",
            metavar="DIR",
            help="Grade your own nbgrader course in this folder instead.",
            show_default=False,
        ),
    ] = None,
    unsafe: UnsafeOption = False,
    time_factor: TimeOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Grade submissions in sandboxes and write the gradebook, which is nbgrader's.

    One bad submission never stops the others: what is refused is listed with its mend. Stopped or
    killed at any point, the same command goes on where it was. Exit status 1 if something was
    refused or could not be graded. For instructors.
    """
    from grading.cli._class import class_words, refuse_beside_course, repeat_class
    from grading.cli._grading import make_engine, show, watching  # keeps --help fast
    from grading.cli._text import leave_with, print_json

    if course is not None:
        refuse_beside_course(
            "grade",
            {
                "--class": folder is not None,
                "--db": db is not None,
                "--groups": groups is not None,
                "--attempts": attempts not in {None, "last"},  # nbgrader keeps only that one
                "--exercises": bool(exercises),
            },
        )
        run = _course(course, submissions, unit)
    else:
        run = _class(folder, db, submissions, unit, attempts, groups, exercises)
    engine = make_engine(workers, cluster, unsafe=unsafe)
    try:
        with watching() as watch:
            summary = run(engine, unsafe, time_factor, watch)
    finally:
        engine.close()
    option = None if course is not None else class_words(folder)
    repeat_class(summary, option or "")
    if as_json:
        print_json(summary.to_dict())
    else:
        show(summary, option)
    if not summary.ok:
        leave_with(1)


if TYPE_CHECKING:
    Run = Callable[[Engine, bool, float, Callable[[Progress], None]], Summary]


def _class(
    folder: Path | None,
    db: str | None,
    submissions: list[Path] | None,
    unit: str | None,
    attempts: str | None,
    groups: Path | None,
    exercises: list[Path] | None,
) -> Run:
    """Look at the options before anything starts; return what runs on an engine."""
    from grading.cli._class import open_class
    from grading.refusals import Refusal
    from grading.runs import grade_class

    chosen: dict[str, Literal["last", "best", "first"]] = {
        "last": "last",
        "best": "best",
        "first": "first",
    }
    if attempts is not None and attempts not in chosen:
        msg = f"--attempts {attempts}: this is none of last, best, first. Give one of them."
        raise Refusal(msg)
    if not submissions:
        msg = "nncourse grade: nothing to grade was named. Name folders, zips or notebooks."
        raise Refusal(msg)
    classroom = open_class(folder, db=db)
    before = classroom.settings.attempts
    rule = chosen[attempts or before]

    def run(
        engine: Engine, unsafe: bool, time_factor: float, watch: Callable[[Progress], None]
    ) -> Summary:
        summary = grade_class(
            classroom,
            submissions,
            engine=engine,
            attempts=rule,
            groups=groups,
            unit=unit,
            exercises=exercises or (),
            unsafe=unsafe,
            time_factor=time_factor,
            watch=watch,
        )
        if rule != before:
            path = classroom.set_attempts(rule)
            typer.echo(
                f"From now on the {rule} of several attempts counts, before it was the {before}; "
                f"it stands in {path}. Whoever's files were not named now keeps what counts; "
                "name all of them to apply it to everybody.",
                err=True,
            )
        elif rule != "last":
            typer.echo(
                f"The {rule} of several attempts counts, as the settings of the class say; "
                "--attempts last changes that.",
                err=True,
            )
        return summary

    return run


def _course(folder: Path, submissions: list[Path] | None, unit: str | None) -> Run:
    from grading.kernel import open_course
    from grading.refusals import Refusal
    from grading.runs import grade_course

    if submissions:
        msg = (
            "nncourse grade --course: submissions are taken from the course's own submitted "
            "folder. Put them there, as nbgrader collect does, and leave them out here."
        )
        raise Refusal(msg)
    course = open_course(folder)

    def run(
        engine: Engine, unsafe: bool, time_factor: float, watch: Callable[[Progress], None]
    ) -> Summary:
        return grade_course(
            course, engine=engine, unit=unit, unsafe=unsafe, time_factor=time_factor, watch=watch
        )

    return run
