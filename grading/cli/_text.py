"""What several commands print alike."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import typer


def print_json(content: Any) -> None:
    """Print data for a script: JSON in UTF-8, on stdout.

    Parameters
    ----------
    content : object
        Lists, dicts, strings, numbers.
    """
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def size(n_bytes: float | None) -> str:
    """Write a number of bytes for people.

    Parameters
    ----------
    n_bytes : float or None
        How many; None if unknown.

    Returns
    -------
    text : str
        In decimal units: "11.6 MB".
    """
    if n_bytes is None:
        return "?"
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} GB"


def leave_with(status: int) -> NoReturn:
    """End the command with an exit status."""
    raise typer.Exit(status)
