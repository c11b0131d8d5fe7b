"""Put the commands together; turn refusals into sentences and streams into UTF-8."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from grading.cli import (
    _build,
    _data,
    _doctor,
    _export,
    _extend,
    _feedback,
    _forget,
    _grade,
    _learn,
    _progress,
    _regrade,
    _release,
    _report,
    _roster,
    _similar,
    _solution,
    _withdraw,
)
from grading.cli._class import with_class
from grading.refusals import Refusal


class CourseGroup(TyperGroup):
    """A group of commands that says refusals in one sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; a refusal goes to stderr, with exit status 2."""
        words = [*ctx._protected_args, *ctx.args]  # click has no public name
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            sentence = with_class(" ".join(str(refusal).split()), words)
            typer.echo(sentence, err=True)
            raise typer.Exit(2) from refusal


app = typer.Typer(
    cls=CourseGroup,
    name="nncourse",
    help="Learn how neural networks are trained, in notebooks that answer back.",
    epilog="Begin with: nncourse learn",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,  # a defect of ours is reported with its plain traceback
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        from importlib.metadata import PackageNotFoundError  # keeps --help fast
        from importlib.metadata import version as installed

        try:
            typer.echo(f"nncourse {installed('nncourse')}")
        except PackageNotFoundError:
            typer.echo("nncourse, run from its folder without being installed")
        raise typer.Exit


for _module in (
    _learn,
    _doctor,
    _progress,
    _solution,
    _data,
    _build,
    _release,
    _grade,
    _regrade,
    _roster,
    _extend,
    _withdraw,
    _forget,
    _feedback,
    _report,
    _export,
    _similar,
):
    _module.add_to(app)


def main() -> None:
    """Run ``nncourse`` on the words of the command line."""
    use_utf8()
    try:
        app()
    except BrokenPipeError:  # the reader, such as "head", has seen enough
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def use_utf8() -> None:
    """Make stdout and stderr write UTF-8, whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
