"""``nncourse report``: how the class did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grading.cli._class import ClassOption, DbOption
from grading.cli._reading import CourseOption, open_folder, tracked

EXAMPLE = "Example: nncourse report 01 --class my-class --to report.html"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(report)


def report(
    units: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[UNIT]...",
            help="Numbers or names of assignments; all without it.",
            show_default=False,
        ),
    ] = None,
    class_: ClassOption = None,
    course: CourseOption = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FILE",
            help="Where to write it; without it report.html in the class folder, with --names "
            "report-names.html.",
            show_default=False,
        ),
    ] = None,
    names: Annotated[
        bool,
        typer.Option("--names", help="For you alone: add a table of learners, hide no number."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite another's file.")] = False,
    db: DbOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the numbers instead of writing a page.")
    ] = False,
) -> None:
    """Write a page about the class: points, mistakes, times, what to talk about.

    It names nobody and hides numbers of fewer than 5 learners, also where they would follow from
    other numbers. With --names it is for you alone: it names everybody, hides nothing, and goes
    into a file of its own, report-names.html.
    """
    from grading.cli._text import print_json  # keeps --help fast
    from grading.reporting import OwnFiles, class_page, count, opened, slugs_of, unit_report

    folder = open_folder(class_, course, db)
    slugs = slugs_of(folder, units or ())
    reports = []
    with opened(folder, slugs) as reader:
        for slug in slugs:
            works = tracked(reader.works(slug), f"Reading {slug}", len(folder.learners))
            counts = count(works, slug, folder.title(slug), folder.exercises(slug))
            reports.append(unit_report(counts, names=names))
    zones = {slug: folder.zone_of(slug) for slug in slugs}
    if as_json:
        print_json([each.to_dict(zones[each.slug]) for each in reports])
        return
    text = class_page(folder.name, reports, folder.zone, zones)
    path = to if to is not None else folder.root / f"report{'-names' if names else ''}.html"
    OwnFiles(folder.root).write(path, text, force=force)
    typer.echo(f"The report is in {path}.")
