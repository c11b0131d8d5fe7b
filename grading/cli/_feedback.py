"""``nncourse feedback``: a page for each learner."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grading.cli._class import ClassOption, DbOption
from grading.cli._reading import CourseOption, open_folder, tracked

EXAMPLE = "Example: nncourse feedback 01 --class my-class --student ada"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(feedback)


def feedback(
    units: Annotated[
        list[str],
        typer.Argument(metavar="UNIT...", help="Numbers or names of assignments: 01."),
    ],
    class_: ClassOption = None,
    course: CourseOption = None,
    student: Annotated[
        str | None, typer.Option("--student", metavar="ID", help="Only this learner.")
    ] = None,
    archive: Annotated[
        bool, typer.Option("--zip", help="Put the pages into feedback/UNIT.zip, too.")
    ] = False,
    db: DbOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written.")] = False,
) -> None:
    """Write a feedback page for each learner, where nbgrader puts its own.

    A page is one HTML file without scripts: points, what was tested, which mistake was recognized,
    which hint to open, scores and comments of a person. It shows no hidden case.
    """
    from grading.cli._text import print_json  # keeps --help fast
    from grading.feedback import write_feedback, zip_pages
    from grading.reporting import opened, slugs_of

    folder = open_folder(class_, course, db)
    slugs = slugs_of(folder, units)
    written: dict[str, list[str]] = {}
    with opened(folder, slugs) as reader:
        for slug in slugs:
            total = 1 if student else len(folder.learners)
            pages = list(tracked(write_feedback(reader, slug, student), "Writing feedback", total))
            written[slug] = [str(page) for page in pages]
            zipped = zip_pages(reader, slug, pages) if archive and pages else None
            if zipped is not None:
                written[slug].append(str(zipped))
            if not as_json:
                typer.echo(_sentence(slug, pages, folder.root / "feedback", zipped))
    if as_json:
        print_json(written)


def _sentence(slug: str, pages: list[Path], folder: Path, zipped: Path | None) -> str:
    if not pages:
        return f"{slug}: nobody has a graded submission yet."
    if len(pages) == 1:
        return f"{slug}: {pages[0]}"
    where = f" and in {zipped}" if zipped else ""
    return f"{slug}: {len(pages)} pages in {folder}{where}."
