"""What the commands that only read a class share: which class, of this course or any other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grading.cli._class import open_class

if TYPE_CHECKING:
    from grading.reporting import ClassFolder

CourseOption = Annotated[
    Path | None,
    typer.Option(
        "--course",
        metavar="DIR",
        help="Your own nbgrader course in this folder instead.",
        show_default=False,
    ),
]


def open_folder(class_: Path | None, course: Path | None, db: str | None = None) -> ClassFolder:
    """Open what a command reads.

    Parameters
    ----------
    class_ : Path or None
        What stands behind ``--class``.
    course : Path or None
        What stands behind ``--course``.
    db : str, optional
        What stands behind ``--db``.

    Returns
    -------
    ClassFolder
        The class.

    Raises
    ------
    Refusal
        If both are named, or either cannot be opened.
    """
    from grading.refusals import Refusal
    from grading.reporting import CourseFolder, ReleasedFolder  # keeps --help fast

    if course is None:
        return ReleasedFolder(open_class(class_, db=db))
    if class_ is not None or db is not None:
        msg = "--course: the course names its own gradebook. Leave --class and --db out."
        raise Refusal(msg)
    from grading.kernel import open_course

    return CourseFolder(open_course(course))
