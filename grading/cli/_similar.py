"""``nncourse similar``: answers that resemble each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grading.cli._class import ClassOption, DbOption
from grading.cli._reading import CourseOption, open_folder, tracked

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_LISTED = 20
"""Learners that are named of those who handed in the same file; the page names all."""

EXAMPLE = "Example: nncourse similar 01 --class my-class --to similar.html"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(similar)


def similar(
    units: Annotated[
        list[str],
        typer.Argument(metavar="UNIT...", help="Numbers or names of assignments: 01."),
    ],
    class_: ClassOption = None,
    course: CourseOption = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Where to write it; similar.html without it."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite another's file.")] = False,
    db: DbOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the pairs instead of writing a page.")
    ] = False,
) -> None:
    """List pairs of answers that resemble each other, with both codes side by side.

    What the notebook, the public solutions and much of the class have in common does not count.
    It is evidence for a person to read, never a score.
    """
    from grading.cli._text import print_json  # keeps --help fast
    from grading.reporting import OwnFiles, cell_sources, opened, slugs_of
    from grading.similarity import compare_unit, similarity_page

    folder = open_folder(class_, course, db)
    slugs = slugs_of(folder, units)
    found = []
    with opened(folder, slugs) as reader:
        for slug in slugs:
            exercises = folder.exercises(slug)
            works = tracked(reader.works(slug), f"Reading {slug}", len(folder.learners))
            unit = compare_unit(
                works,
                slug,
                folder.title(slug),
                exercises,
                cell_sources(folder.released(slug)),
                step=lambda names: tracked(names, "Comparing", len(names)),
            )
            found.append(unit)
    if as_json:
        print_json([unit.to_dict() for unit in found])
        return
    path = to if to is not None else folder.root / "similar.html"
    OwnFiles(folder.root).write(path, similarity_page(found), force=force)
    n_pairs = sum(len(unit.pairs) for unit in found)
    typer.echo(f"{n_pairs} pair{'' if n_pairs == 1 else 's'} to look at, in {path}.")
    for unit in found:
        for ids in unit.same_file:
            typer.echo(f"{unit.slug}: the very same file came from {_listed(ids)}.")


def _listed(ids: Sequence[str]) -> str:
    if len(ids) > _MOST_LISTED:
        return f"{', '.join(ids[:_MOST_LISTED])} and {len(ids) - _MOST_LISTED} more"
    return f"{', '.join(ids[:-1])} and {ids[-1]}"
