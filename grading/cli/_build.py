"""``nncourse build``: from the sources of the units to their notebooks."""

from __future__ import annotations

from typing import Annotated

import typer

EXAMPLE = "Example: nncourse build --check 01"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(build)


def build(
    units: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[UNIT]...",
            help="Numbers or names of units; all without it.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; list every difference and leak.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Run the notebooks again, changed or not.")
    ] = False,
) -> None:
    """Make the notebooks of the course from their sources. For authors.

    Exit status 1 if --check finds something.
    """
    from rich.console import Console  # keeps --help fast

    from grading.authoring import build as build_units
    from grading.cli._text import leave_with

    doing = "Comparing the notebooks" if check else "Running the notebooks that changed"
    with Console(stderr=True).status(doing):
        result = build_units(units or None, check=check, report=typer.echo, force=force)
    for finding in result.findings:
        typer.echo(finding, err=True)
    if not result.ok:
        leave_with(1)
