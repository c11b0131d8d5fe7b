"""``nncourse forget``: erase a learner."""

from __future__ import annotations

from typing import Annotated

import typer

from grading.cli._class import ClassOption, DbOption

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
    as_json: Annotated[bool, typer.Option("--json", help="Print what was removed.")] = False,
) -> None:
    """Erase a learner everywhere: roster, keys, work, journal, grades, feedback.

    It cannot be undone. Files that you made yourself, such as exports, are only named if they
    still mention the learner. For instructors.
    """
    from grading.classroom import forget as erase  # keeps --help fast
    from grading.classroom import mentions
    from grading.cli._class import open_class
    from grading.cli._text import leave_with, print_json

    classroom = open_class(folder, db=db)
    learner = classroom.roster.by_id(student)
    question = f"Erase {learner.name} ({learner.id}) and all of their work and grades?"
    if not yes and not typer.confirm(question, err=True):
        typer.echo("Nothing was erased.", err=True)
        leave_with(1)
    removed = erase(classroom, learner)
    left = [str(path) for path in mentions(classroom.root, learner)]
    if as_json:
        print_json({"removed": removed, "still_named_in": left})
        return
    for each in removed:
        typer.echo(f"Removed: {each}")
    for path in left:
        typer.echo(f"Still named in {path}: remove it, or the name in it.", err=True)
