"""``nncourse forget``: erase a learner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grading.cli._class import ClassOption, DbOption
from grading.cli._reading import CourseOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from grading.classroom import Learner

EXAMPLE = "Example: nncourse forget ada --yes"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(forget)


def forget(
    student: Annotated[str, typer.Argument(metavar="STUDENT", help="Id of the learner.")],
    folder: ClassOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    db: DbOption = None,
    course: CourseOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was removed.")] = False,
) -> None:
    """Erase a learner everywhere: roster, keys, work, journal, grades, feedback.

    It cannot be undone. Files that you made yourself, such as exports, are only named if they lie
    in the class folder and still mention the learner; no other folder is searched. With
    --course, whoever was graded by nncourse grade --course is erased. For instructors.
    """
    from grading.classroom import mentions  # keeps --help fast
    from grading.cli._text import leave_with, print_json

    if course is None:
        root, learner, erase = _of_class(folder, db, student)
    else:
        root, learner, erase = _of_course(course, folder, db, student)
    question = f"Erase {learner.name} ({learner.id}) and all of their work and grades?"
    if not yes and not typer.confirm(question, err=True):
        typer.echo("Nothing was erased.", err=True)
        leave_with(1)
    removed = erase()
    left = [str(path) for path in mentions(root, learner)]
    if as_json:
        print_json({"removed": removed, "still_named_in": left, "searched": str(root)})
        return
    for each in removed:
        typer.echo(f"Removed: {each}")
    for path in left:
        typer.echo(f"Still named in {path}: remove it, or the name in it.", err=True)
    typer.echo(
        f"Searched: {root}. Bundles, exports and copies that you keep elsewhere were not searched.",
        err=True,
    )


if TYPE_CHECKING:
    Target = tuple[Path, Learner, Callable[[], list[str]]]


def _of_class(folder: Path | None, db: str | None, student: str) -> Target:
    from grading.classroom import forget as erase
    from grading.cli._class import open_class

    classroom = open_class(folder, db=db)
    learner = classroom.roster.by_id(student)
    return classroom.root, learner, lambda: erase(classroom, learner)


def _of_course(course: Path, folder: Path | None, db: str | None, student: str) -> Target:
    from grading.classroom import Learner
    from grading.kernel import open_course
    from grading.refusals import Refusal
    from grading.runs import forget_student, key_in_course

    if folder is not None or db is not None:
        msg = "--course: the course names its own gradebook. Leave --class and --db out."
        raise Refusal(msg)
    opened = open_course(course)
    learner = Learner(key_in_course(opened, student), student)
    return opened.root, learner, lambda: forget_student(opened, student)
