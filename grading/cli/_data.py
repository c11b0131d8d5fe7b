"""``nncourse data``: which data sets there are, where they lie, and how to get them."""

from __future__ import annotations

from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnlib.datasets import DatasetInfo

EXAMPLE = "Example: nncourse data mnist, or without network: nncourse data --from /media/usb/data"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(data)


def data(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="Sets to download, unless they are here.", show_default=False
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="DIR", help="Take the sets that lie in a folder; no network is used."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the data sets with size, licence and place; get some.

    Every file is compared with its published hash.
    """
    from grading.cli._text import print_json  # keeps --help fast
    from nnlib import datasets

    wanted = [_find(name, datasets.describe()) for name in names or ()]
    _get(wanted, source, quiet=as_json)
    chosen = [info for info in datasets.describe() if not wanted or info.name in wanted]
    if as_json:
        print_json([asdict(info) for info in chosen])
    else:
        _print(chosen)


def _get(wanted: list[str], source: Path | None, *, quiet: bool) -> None:
    """Adopt a folder, then download what is wanted and not here; quiet leaves stdout alone."""
    from grading.cli._text import size
    from grading.refusals import Refusal
    from nnlib import datasets
    from nnlib.errors import DatasetError

    try:
        if source is not None:
            for name, folder in datasets.adopt(source.expanduser()).items():
                typer.echo(f"{name} now lies in {folder}.", err=quiet)
        for info in datasets.describe():
            if info.name in wanted and not info.available:
                typer.echo(f"{info.name} is downloaded: {size(info.size_bytes)}.", err=quiet)
                datasets.load(info.name, progress=not quiet)
    except DatasetError as error:
        message = f"nncourse data: {error}"
        raise Refusal(message) from error


def _find(name: str, infos: Sequence[DatasetInfo]) -> str:
    from grading.refusals import Refusal  # keeps --help fast

    known = [info.name for info in infos]
    if name in known:
        return name
    close = get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}."
    message = f"nncourse data: there is no data set {name!r}. {hint}"
    raise Refusal(message)


def _print(infos: Sequence[DatasetInfo]) -> None:
    from rich.console import Console  # keeps --help fast
    from rich.table import Table
    from rich.text import Text

    from grading.cli._text import size

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("data set", "size", "licence", "where"):
        table.add_column(title, overflow="fold", no_wrap=title in {"data set", "size"})
    for info in infos:
        place = Text(str(info.location), "" if info.available else "yellow")
        table.add_row(Text(info.name), size(info.size_bytes), Text(info.licence), place)
    Console().print(table)
