"""``nncourse roster``: who is in the class."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grading.cli._class import ClassOption

if TYPE_CHECKING:
    from grading.classroom import Learner

_NAMED = 5

EXAMPLE = "Example: nncourse roster --import canvas-gradebook.csv --class my-class"


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(roster)


def roster(
    folder: ClassOption = None,
    add: Annotated[
        str | None,
        typer.Option("--add", metavar="ID", help="Add a learner, or change what is known."),
    ] = None,
    first_name: Annotated[str, typer.Option("--first-name", help="With --add.")] = "",
    last_name: Annotated[str, typer.Option("--last-name", help="With --add.")] = "",
    email: Annotated[str, typer.Option("--email", help="With --add.")] = "",
    lms_user_id: Annotated[
        str, typer.Option("--lms-user-id", help="With --add: the number in Canvas or Moodle.")
    ] = "",
    id_number: Annotated[
        str,
        typer.Option(
            "--id-number", help="With --add: Moodle's ID number, or Canvas's SIS User ID."
        ),
    ] = "",
    import_: Annotated[
        Path | None,
        typer.Option(
            "--import", metavar="CSV", help="Add a class list, as Canvas and Moodle export it."
        ),
    ] = None,
    timezone: Annotated[
        str,
        typer.Option(
            "--timezone", metavar="ZONE", help="Of a class that has none yet, as in Europe/Berlin."
        ),
    ] = "",
    group: Annotated[
        str, typer.Option("--group", help="List this group; with --add or --import: its group.")
    ] = "",
    list_: Annotated[bool, typer.Option("--list", help="List the class after a change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the class; add learners. The first one begins a class.

    The list is roster.csv in the class folder and may be edited by hand. Each learner gets a
    random key, by which alone the journal of grading knows him or her. For instructors.
    """
    from grading.classroom import import_roster  # keeps --help fast
    from grading.cli._class import class_words, open_class, say_other_clocks
    from grading.cli._text import print_json

    changes = bool(add is not None or import_ or timezone)
    table = import_.expanduser() if import_ is not None else None
    _examine(add, table, group, timezone)  # before a class is begun with it
    classroom = open_class(folder, create=changes, timezone=timezone or None)
    people = classroom.roster
    if timezone:
        had_one = classroom.settings.has_timezone
        path = classroom.set_timezone(timezone)
        typer.echo(f"The time zone of the class is {timezone} ({path}).", err=as_json)
        if not had_one:
            say_other_clocks(classroom, folder)
    if table is not None:
        done = import_roster(people, table, group)
        typer.echo(
            f"{len(done.added)} added, {len(done.changed)} changed, {len(done.unchanged)} as they "
            f"were, from {import_}.",
            err=as_json,
        )
        typer.echo(f"Columns used: {', '.join(done.used)}.", err=as_json)
        if done.is_windows_1252:
            typer.echo(
                f"{import_} is not UTF-8 and was read as Windows-1252: look at the names, and mend "
                f"them in {people.path}.",
                err=True,
            )
        if done.absent:
            n, ids = len(done.absent), ", ".join(done.absent[:_NAMED])
            more = f" and {n - _NAMED} more" if n > _NAMED else ""
            typer.echo(
                f"{n} in the roster {'is' if n == 1 else 'are'} not in this file: {ids}{more}.",
                err=as_json,
            )
        if done.ignored:
            typer.echo(f"Columns not used: {', '.join(done.ignored)}.", err=as_json)
    if add is not None:
        known = asdict(people.by_id(add)) if add in people else {"id": add, "key": ""}
        told = {
            "first_name": first_name,
            "last_name": last_name,
            "email": email,
            "lms_user_id": lms_user_id,
            "group": group,
            "id_number": id_number,
        }
        verb = "changed" if add in people else "added"
        people.add(_learner(known | {name: value for name, value in told.items() if value}))
        typer.echo(f"{add} {verb}.", err=as_json)
    chosen = [each for each in people.all() if changes or not group or each.group == group]
    if as_json:
        print_json([_public(learner) for learner in chosen])
    elif list_ or not changes:
        _print(chosen, class_words(folder))


def _examine(add: str | None, table: Path | None, group: str, timezone: str) -> None:
    """Refuse what can be known to be wrong without a class."""
    from grading.classroom import read_learners, refuse_unsafe_id, time_zone

    if timezone:
        time_zone(timezone, "--timezone")
    if add is not None:
        from grading.refusals import Refusal

        try:
            refuse_unsafe_id(add)
        except Refusal as refusal:
            msg = f"--add: {refusal}"
            raise Refusal(msg) from None
    if table is not None:
        read_learners(table, group)


def _learner(content: dict[str, str]) -> Learner:
    from grading.classroom import Learner

    return Learner(**content)


def _public(learner: Learner) -> dict[str, str]:
    """Leave the key out: whoever holds it can read the journal."""
    content = asdict(learner)
    del content["key"]
    return content


def _print(learners: list[Learner], class_words: str) -> None:
    from rich.console import Console  # keeps --help fast
    from rich.table import Table
    from rich.text import Text

    if not learners:
        mend = f"nncourse roster --add ID{class_words}"
        typer.echo(f"Nobody is in this list. Add a learner with: {mend}")
        return
    shown = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("id", "first name", "last name", "email", "LMS id", "group", "ID number"):
        shown.add_column(title, overflow="fold")
    for learner in learners:
        shown.add_row(*map(Text, _public(learner).values()))
    console = Console()
    console.print(shown)
    console.print(f"{len(learners)} learner{'' if len(learners) == 1 else 's'}")
