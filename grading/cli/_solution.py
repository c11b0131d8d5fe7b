"""``nncourse solution``: derivation and two styles, once they have been earned."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from grading.exercises import Exercise

EXAMPLE = "Example: nncourse solution linear_backward"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(solution)


def solution(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="The exercise: the name of its function.")
    ],
) -> None:
    """Show the solution of an exercise, after a pass or three honest attempts."""
    from grading import progress  # keeps --help fast
    from grading.cli._text import leave_with

    declared = _find(name)
    if not progress.solution_is_open(declared.id):
        left = progress.attempts_until_solution(declared.id)
        attempts = f"{left} more attempt{'' if left == 1 else 's'}"
        typer.echo(
            f"The solution of {declared.id} opens when it passes, or after {attempts} with "
            "different answers that return something."
        )
        leave_with(1)
    _print(declared)


def _find(name: str) -> Exercise:
    from grading.exercises import exercise  # keeps --help fast
    from grading.refusals import Refusal

    try:
        return exercise(name)
    except KeyError as error:
        message = f'nncourse solution: {error.args[0]} "nncourse progress" lists them all.'
        raise Refusal(message) from error


def _print(declared: Exercise) -> None:
    from rich.console import Console  # keeps --help fast
    from rich.syntax import Syntax
    from rich.text import Text

    from grading.check.solution import source_of

    console = Console()
    console.print(Text(f"{declared.title} ({declared.id}, unit {declared.unit})", "bold"))
    console.print(Text(f"\n{textwrap.dedent(declared.solution_note).strip()}"))
    answers = [("One way", declared.reference), ("Another", declared.alternatives[0])]
    for heading, function in answers:
        source = source_of(function, declared.id)
        console.print(Text(f"\n{heading}\n", "bold"))
        if console.is_terminal:
            console.print(Syntax(source, "python", background_color="default", word_wrap=True))
        else:
            typer.echo(source)  # no wrapping: it may be pasted
