"""``nncourse progress``: what has been tried and passed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from grading.progress_view import ProgressTable

EXAMPLE = "Example: nncourse progress --export my-progress.jsonl"
_STYLES = {"passed": "green", "partly": "yellow", "tried": "yellow", "not started": "dim"}


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(progress)


def progress(
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write all attempts to a new file."),
    ] = None,
    import_: Annotated[
        Path | None,
        typer.Option("--import", metavar="FILE", help="Add the attempts of an exported file."),
    ] = None,
) -> None:
    """Show your exercises: state, points, attempts, wrong ways met.

    Progress is kept on this machine and sent nowhere. Take it to another one with --export
    there and --import here.
    """
    from grading import progress as store  # keeps --help fast
    from grading.cli._text import print_json

    if import_ is not None:
        n = store.import_from(import_.expanduser())
        typer.echo(f"{_attempts(n)} added from {import_}.", err=as_json)
    if export is not None:
        n = store.export_to(export.expanduser())
        typer.echo(f"{_attempts(n)} written to {export}.", err=as_json)
    from grading.progress_view import table

    if as_json:
        print_json(asdict(table()))
    elif import_ is None and export is None:
        _print(table())


def _attempts(n: int) -> str:
    return f"{n} attempt{'' if n == 1 else 's'}"


def _print(progress_table: ProgressTable) -> None:
    from rich.console import Console  # keeps --help fast
    from rich.table import Table
    from rich.text import Text

    from grading.progress_view import met, points, total_sentence

    shown = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("unit", "exercise", "state", "points", "tries", "last"):
        shown.add_column(title, no_wrap=title != "last", overflow="fold")
    for row in progress_table.rows:
        state = Text(row.state, _STYLES[row.state])
        cells = (points(row), str(row.attempts or ""), row.last_time)
        shown.add_row(row.unit, Text(row.exercise), state, *map(Text, cells))
    console = Console()
    console.print(shown)
    for row in progress_table.rows:
        if row.misconceptions:
            console.print(Text(f"Wrong ways met in {row.exercise}: {met(row)}"))
    for total in progress_table.totals:
        console.print(Text(total_sentence(total)))
