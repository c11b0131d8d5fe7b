"""``nncourse learn``: the course in a folder of one's own, open in JupyterLab."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = 'Example: nncourse learn "my course" --no-browser'


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(learn)


def learn(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Your copy of the course. Without it: my-course in the course's folder, or "
            "~/nn-course.",
            show_default=False,
        ),
    ] = None,
    browser: Annotated[
        bool,
        typer.Option("--browser/--no-browser", help="Open the browser, or print the address only."),
    ] = True,
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Port to listen on. Without it: 8888 or the next free one."
        ),
    ] = None,
    copy_only: Annotated[
        bool, typer.Option("--copy-only", help="Bring the notebooks, start nothing.")
    ] = False,
    restore: Annotated[
        bool,
        typer.Option("--restore", help="Bring back notebooks that you removed or renamed."),
    ] = False,
) -> None:
    """Open the course where you stopped.

    The first time, the notebooks are copied to your folder. Later, new versions arrive there:
    in place of notebooks that you have not changed, beside those that you have. Your work is
    never overwritten.
    """
    from grading.house import course_folder  # keeps --help fast
    from grading.learning.delivery import deliver
    from grading.learning.places import default_folder

    chosen = default_folder() if folder is None else folder.expanduser()
    delivery = deliver(course_folder(), chosen, restore=restore)
    said = delivery.sentence()
    if said or copy_only:
        typer.echo(said or f"{delivery.folder} is up to date.")
    if not copy_only:
        _open(delivery.folder, port=port, browser=browser)


def _open(folder: Path, *, port: int | None, browser: bool) -> None:
    from grading import progress  # keeps --help fast
    from grading.cli._text import leave_with
    from grading.learning.lab import is_root, running_lab
    from grading.learning.places import page_to_open

    if is_root():
        typer.echo(
            "You are root, so JupyterLab is started with --allow-root: what runs in a notebook "
            "may change anything on this machine."
        )
    page = page_to_open(folder, _last_unit())
    try:
        home = progress.path().parent
        with running_lab(folder, home=home, page=page, port=port, browser=browser) as lab:
            typer.echo("JupyterLab answers at")
            typer.echo(lab.url)
            typer.echo("Ctrl-C here ends it; notebooks are saved as you work.")
            status = lab.wait()
    except KeyboardInterrupt:
        typer.echo(f"{os.linesep if os.isatty(1) else ''}JupyterLab has ended.")
        return
    typer.echo("JupyterLab has ended.")
    if status:
        leave_with(1)


def _last_unit() -> str:
    """Return the unit of the latest attempt, "00" before the first."""
    from grading import progress  # keeps --help fast
    from grading.exercises import all_exercises

    units = {declared.id: declared.unit for declared in all_exercises()}
    known = [units[a.exercise] for a in progress.read() if a.exercise in units]
    return known[-1] if known else "00"
