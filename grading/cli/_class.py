"""What the commands about a class share: their options, and opening it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from grading.classroom import Classroom

ClassOption = Annotated[
    Path | None,
    typer.Option(
        "--class",
        metavar="DIR",
        help="The class folder; without it NNCOURSE_CLASS, then my-class.",
        show_default=False,
    ),
]

DbOption = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URL",
        help="The gradebook, as in postgresql+psycopg2://grader@host/gradebook; stored nowhere.",
        show_default=False,
    ),
]


def open_class(
    folder: Path | None, *, create: bool = False, db: str | None = None, timezone: str | None = None
) -> Classroom:
    """Open the class that a command is about.

    Parameters
    ----------
    folder : Path or None
        What stands behind ``--class``.
    create : bool, default False
        Begin a class where there is none, and say so.
    db : str, optional
        What stands behind ``--db``.
    timezone : str, optional
        The time zone of a new class.

    Returns
    -------
    Classroom
        The class.
    """
    from grading.classroom import Classroom, class_folder  # keeps --help fast

    root = class_folder(folder)
    is_new = create and not (root / "secret.key").exists()
    classroom = Classroom.open(root, create, db=db, timezone=timezone)
    if is_new:
        typer.echo(
            f"A new class begins in {root}. Its rules stand in class.toml, the time zone "
            f"({classroom.settings.timezone.key}) among them; secret.key must not be lost, so keep "
            "a copy.",
            err=True,
        )
    return classroom
