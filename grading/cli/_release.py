"""``nncourse release``: hand out assignments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grading.cli._class import ClassOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from grading.releasing import Bundle

EXAMPLE = 'Example: nncourse release 01 --due "2026-12-01 23:59" --to unit-01.zip'


def add_to(app: typer.Typer) -> None:
    """Register the command.

    Parameters
    ----------
    app : typer.Typer
        The application.
    """
    app.command(epilog=EXAMPLE)(release)


def release(
    units: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[UNIT]...",
            help="Numbers or names of units; may be left out with --exercises.",
            show_default=False,
        ),
    ] = None,
    folder: ClassOption = None,
    tier: Annotated[
        str, typer.Option("--tier", help="core, or further: with the exercises that do not count.")
    ] = "core",
    due: Annotated[
        str,
        typer.Option(
            "--due",
            metavar="TIME",
            help='By when, as in "2026-12-01 23:59"; a day alone means 23:59 of it. Without it '
            "the date stays that the class has.",
        ),
    ] = "",
    no_due: Annotated[
        bool, typer.Option("--no-due", help="Take the due date away, and the penalties with it.")
    ] = False,
    timezone: Annotated[
        str,
        typer.Option(
            "--timezone",
            metavar="ZONE",
            help="Whose clock, as in Europe/Berlin; a class that has none takes it.",
        ),
    ] = "",
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="PATH",
            help="A zip or a folder; without it a zip in releases/ of the class folder.",
            show_default=False,
        ),
    ] = None,
    exercises: Annotated[
        Path | None,
        typer.Option(
            "--exercises",
            metavar="PATH",
            help="Your own exercises: a folder with exercises/*.py and solutions/NN-slug.py.",
            show_default=False,
        ),
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Title of the assignment.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was released.")] = False,
) -> None:
    """Make a bundle for learners: notebooks without solutions, due date, manifest.

    What is handed out is kept in the class folder, and grading uses that copy. Releasing again
    keeps earlier releases for those who work on them, and the due date unless --due or --no-due is
    given; with another date, extensions by --days move with it, and penalties of what is graded
    already are worked out again. For instructors.
    """
    from rich.console import Console  # keeps --help fast

    from grading.classroom import begun, class_folder, shown_time
    from grading.cli._class import adopt_timezone, recharged, say_begun, say_moved_extensions
    from grading.cli._text import print_json, size

    release_units = _releasing()
    if timezone:
        from grading.classroom import time_zone

        time_zone(timezone, "--timezone")  # before a class is begun with it
    root = class_folder(folder)
    is_new = not (root / "secret.key").exists()
    with begun(root, timezone or None) as classroom:
        before = {slug: each.due for slug, each in classroom.settings.assignments.items()}
        with Console(stderr=True).status("Making the bundle"):
            bundle = release_units(
                units or [],
                classroom,
                tier=tier,
                due=due,
                no_due=no_due,
                timezone=timezone,
                to=to,
                exercises=exercises.expanduser() if exercises else None,
                title=title,
            )
    if is_new:
        say_begun(classroom, folder)
    if timezone:
        adopt_timezone(classroom, timezone)
    moved = [slug for slug, new in bundle.dues.items() if before.get(slug, new.when) != new.when]
    changed = recharged(classroom, moved, drop_due=True, quiet=as_json) if moved else []
    say_moved_extensions(classroom, moved)
    if moved and no_due:
        typer.echo(
            f"{', '.join(moved)}: there was a due date before, and there is none now. To set one, "
            "release again with --due.",
            err=True,
        )
    if as_json:
        print_json({
            "path": str(bundle.path),
            "versions": bundle.versions,
            "due": bundle.due.isoformat() if bundle.due else None,
            "dues": {slug: when and when.isoformat() for slug, (when, _) in bundle.dues.items()},
            "exercises": {slug: list(names) for slug, names in bundle.exercises.items()},
            "files": list(bundle.files),
            "notes": list(bundle.notes),
            "penalties": changed,
        })
        return
    for slug, names in bundle.exercises.items():
        typer.echo(f"{slug}: {len(names)} exercises, release {bundle.versions[slug][:8]}")
    said: dict[str, list[str]] = {}
    for slug, (when, zone) in bundle.dues.items():
        if when is not None:
            kept = "" if due else ", as before"
            said.setdefault(f"due {shown_time(when, zone)}{kept}.", []).append(slug)
    for sentence, slugs in said.items():
        is_all = len(slugs) == len(bundle.dues)
        whole = sentence[0].upper() + sentence[1:]
        typer.echo(whole if is_all else f"{', '.join(slugs)}: {sentence}")
    n_bytes = bundle.path.stat().st_size if bundle.path.is_file() else None
    kind = f"a zip of {size(n_bytes)}" if n_bytes is not None else "a folder"
    typer.echo(f"{bundle.path}: {kind}, {len(bundle.files)} files, no solution in it.")
    for note in bundle.notes:
        typer.echo(note, err=True)


def _releasing() -> Callable[..., Bundle]:
    """Import what makes a bundle, or say what is not installed."""
    from grading.refusals import Refusal

    try:
        from grading.releasing import release as release_units
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("grading"):
            raise
        msg = (
            f"nncourse release: the package {error.name} is not installed, and instructors need "
            'it. Run, in the folder of the course: pip install -e ".[instructor]"'
        )
        raise Refusal(msg) from error
    return release_units
