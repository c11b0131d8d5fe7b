"""What the commands that only read a class share: which class, of this course or any other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from grading.cli._class import open_class

if TYPE_CHECKING:
    from grading.reporting import ClassFolder

Item = TypeVar("Item")

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


def tracked(items: Iterable[Item], doing: str, total: int) -> Iterable[Item]:
    """Show on a terminal how far one has come.

    Parameters
    ----------
    items : iterable
        What is gone through.
    doing : str
        What is done with it.
    total : int
        How many there are.

    Returns
    -------
    iterable
        The same items. Where stderr is no terminal, nothing is written.
    """
    from rich.console import Console  # keeps --help fast
    from rich.progress import track

    console = Console(stderr=True)
    off = not console.is_interactive  # else a blank line would be left behind
    return track(items, doing, total=total, console=console, transient=True, disable=off)
