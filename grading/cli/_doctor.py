"""``nncourse doctor``: is the installation well, and if not, what mends it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

EXAMPLE = "Example: nncourse doctor --json"
_STYLES = {"ok": ("ok", "green"), "warn": ("note", "yellow"), "fail": ("FAILS", "bold red")}


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Examine the installation, and name the mend of what fails.

    Exit status 1 if something fails.
    """
    from rich.console import Console  # keeps --help fast

    from grading.cli._text import leave_with, print_json
    from grading.doctor import Report, examine

    with Console(stderr=True).status("Examining; a kernel is started, which takes seconds"):
        findings = examine()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for finding in findings:
            mark, style = _STYLES[finding.state]
            said = Text(finding.found)
            if finding.mend:
                said.append(f"\n{finding.mend}", "bold")
            table.add_row(Text(mark, style), Text(finding.what), said)
        console = Console()
        console.print(table)
        console.print(Text(Report(tuple(findings)).summary()))
    if any(finding.state == "fail" for finding in findings):
        leave_with(1)
