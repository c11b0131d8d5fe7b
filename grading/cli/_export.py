"""``nncourse export``: grades for a spreadsheet, Canvas or Moodle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grading.cli._class import ClassOption, DbOption
from grading.cli._reading import CourseOption, open_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

EXAMPLE = 'Example: nncourse export --format canvas --to grades.csv --column "01=Unit 1 (87568490)"'


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(export)


def export(
    kind: Annotated[str, typer.Option("--format", metavar="csv|canvas|moodle")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where to write it.")],
    class_: ClassOption = None,
    course: CourseOption = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--assignment", metavar="SLUG", help="Only this one; may be repeated."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="UNIT=TITLE",
            help="Title of a column, exactly as in the LMS; may be repeated. Canvas makes a new "
            "assignment of a title that it does not know.",
        ),
    ] = None,
    missing_as_zero: Annotated[
        bool,
        typer.Option(
            "--missing-as-zero",
            help="Give 0 points to who handed nothing in. Without it such a score is empty, and a "
            "learner without any is left out for Canvas and Moodle.",
        ),
    ] = False,
    excel: Annotated[
        bool, typer.Option("--excel", help="Mark the file as UTF-8, as Excel needs it.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite another's file.")] = False,
    db: DbOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done.")] = False,
) -> None:
    """Write grades as a table: csv for a spreadsheet, or what Canvas or Moodle imports.

    The scores are those of the gradebook: a person's before the machine's, less the late penalty.
    """
    from dataclasses import replace

    from grading.cli._text import print_json  # keeps --help fast
    from grading.export import FORMATS, csv_text, grades_of
    from grading.reporting import OwnFiles, gradebook, slugs_of

    _require(kind, FORMATS)
    folder = open_folder(class_, course, db)
    slugs = slugs_of(folder, assignments or ())
    titles = _titles(columns or (), slugs)
    with gradebook(folder.db_url) as book:
        grades = grades_of(book, folder.learners, slugs, titles, folder.zone)
    if course is not None:
        grades = replace(grades, mend="nbgrader db student import FILE")
    sheet = FORMATS[kind](grades, missing_as_zero=missing_as_zero)
    text = csv_text(sheet.rows, bom=excel)
    path = OwnFiles(folder.root).write(to, text, force=force)
    if as_json:
        n_rows = len(sheet.rows) - (2 if kind == "canvas" else 1)
        print_json({"file": str(path), "rows": n_rows, "warnings": list(sheet.warnings)})
        return
    for warning in sheet.warnings:
        typer.echo(warning, err=True)
    typer.echo(f"Grades are in {path}.")


def _require(kind: str, formats: Collection[str]) -> None:
    from grading.refusals import Refusal

    if kind not in formats:
        msg = f"--format {kind}: there is no such format. Choose csv, canvas or moodle."
        raise Refusal(msg)


def _titles(columns: Sequence[str], slugs: Sequence[str]) -> dict[str, str]:
    from grading.refusals import Refusal
    from grading.reporting import meant

    titles = {}
    for column in columns:
        name, equals, title = column.partition("=")
        fits = meant(name, slugs)
        if not equals or not title.strip() or len(fits) != 1:
            msg = f'--column {column}: it names no assignment that is exported. Write "01=Title".'
            raise Refusal(msg)
        titles[fits[0]] = title.strip()
    return titles
