"""What the commands about a class share: their options, and opening it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from grading.classroom import Classroom, Learner
    from grading.runs import Recharged, Summary

ClassOption = Annotated[
    Path | None,
    typer.Option(
        "--class",
        metavar="DIR",
        help="The class folder; without it the one in NNCOURSE_CLASS, then my-class, in the folder "
        "of the course.",
        show_default=False,
    ),
]

DbOption = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URL",
        help="The gradebook, as in postgresql+psycopg2://grader@host/gradebook; stored nowhere.",
        show_default=False,
    ),
]


_LISTED = 20
_NAMED = 5
_ABOUT_A_CLASS = re.compile(
    r"\bnncourse (?:export|extend|feedback|forget|grade|regrade|release|report|roster|similar|"
    r"withdraw)(?![\w:-])"
)


def open_class(
    folder: Path | None, *, create: bool = False, db: str | None = None, timezone: str | None = None
) -> Classroom:
    """Open the class that a command is about.

    Parameters
    ----------
    folder : Path or None
        What stands behind ``--class``.
    create : bool, default False
        Begin a class where there is none, and say so.
    db : str, optional
        What stands behind ``--db``.
    timezone : str, optional
        The time zone of a new class.

    Returns
    -------
    Classroom
        The class.
    """
    from grading.classroom import Classroom, class_folder  # keeps --help fast

    root = class_folder(folder)
    is_new = create and not (root / "secret.key").exists()
    classroom = Classroom.open(root, create, db=db, timezone=timezone)
    if is_new:
        say_begun(classroom, folder)
    return classroom


def say_begun(classroom: Classroom, folder: Path | None) -> None:
    """Say that a class has begun, and what is to be kept of it.

    Parameters
    ----------
    classroom : Classroom
        The new class.
    folder : Path or None
        What stands behind ``--class``.
    """
    typer.echo(
        f"A new class begins in {classroom.root}. Its rules stand in class.toml, the time zone "
        f"({classroom.settings.timezone.key}) among them; secret.key must not be lost, so keep "
        "a copy.",
        err=True,
    )
    if not classroom.settings.has_timezone:
        typer.echo(
            "No time zone was given, so times without one are read in UTC. Set it in "
            f"{classroom.root / 'class.toml'}, or with: nncourse roster --timezone Europe/Berlin"
            + class_words(folder),
            err=True,
        )


def adopt_timezone(classroom: Classroom, timezone: str) -> None:
    """Give a class without a time zone the one that was named, and say so.

    Parameters
    ----------
    classroom : Classroom
        The class; one that has a time zone keeps it, which is said if it is another.
    timezone : str
        What stands behind ``--timezone``.
    """
    settings = classroom.settings
    if not settings.has_timezone:
        path = classroom.set_timezone(timezone)
        typer.echo(
            f"The class had no time zone; it is {timezone} now, also for what is handed in, and "
            f"stands in {path}.",
            err=True,
        )
        say_other_clocks(classroom)
    elif settings.timezone.key != timezone:
        typer.echo(
            f"This release is on the clock of {timezone}; the class keeps "
            f"{settings.timezone.key}, as class.toml says, for what is handed in.",
            err=True,
        )


def say_other_clocks(classroom: Classroom, folder: Path | None = None) -> None:
    """Name due dates that were set on another clock than that of the class, which stay as they are.

    Parameters
    ----------
    classroom : Classroom
        The class, whose time zone was set just now.
    folder : Path, optional
        What stands behind ``--class``.
    """
    from grading.classroom import shown_time  # keeps --help fast

    zone = classroom.settings.timezone
    for slug, each in classroom.settings.assignments.items():
        if each.due is None or each.timezone.key == zone.key:
            continue
        tier = "" if each.tier == "core" else f" --tier {each.tier}"
        typer.echo(
            f"{slug}: it stays due {shown_time(each.due, each.timezone)}, "
            f"{each.due.astimezone(zone):%H:%M} in {zone.key}. If you meant that clock, run: "
            f'nncourse release {slug} --due "{each.due:%Y-%m-%d %H:%M}"{tier} '
            f"--timezone {zone.key}{class_words(folder)}",
            err=True,
        )


def recharged(
    classroom: Classroom,
    slugs: Sequence[str],
    learners: Sequence[Learner] | None = None,
    *,
    drop_due: bool = False,
    quiet: bool = False,
) -> list[str]:
    """Work lateness and penalties out again after a due date changed, and say how many changed.

    Parameters
    ----------
    classroom : Classroom
        The class.
    slugs : sequence of str
        The assignments.
    learners : sequence of Learner, optional
        Only these.
    drop_due : bool, default False
        As for `grading.runs.recharge`.
    quiet : bool, default False
        Say only what went wrong.

    Returns
    -------
    list of str
        Whose penalty changed; empty where nothing is graded yet.
    """
    from grading.refusals import Refusal
    from grading.runs import recharge  # keeps --help fast

    try:
        done = recharge(classroom, slugs, learners, drop_due=drop_due)
    except Refusal as refusal:
        typer.echo(
            f"The new date is set, but penalties were not worked out again: {refusal} After that, "
            f"run: nncourse regrade --class {shlex.quote(str(classroom.root))}",
            err=True,
        )
        return []
    return say_charges(done, quiet=quiet)


def say_moved_extensions(classroom: Classroom, slugs: Sequence[str]) -> None:
    """Name whose extensions are counted in days, and so moved with a due date.

    Parameters
    ----------
    classroom : Classroom
        The class.
    slugs : sequence of str
        The assignments with another due date.
    """
    settings = classroom.settings
    for slug in slugs:
        if settings.assignments[slug].due is None:
            continue
        given = [each for each in settings.extensions if each.assignment == slug]
        whom = [
            each.student or f"group {each.group}" for each in given if not each.until and each.days
        ]
        if not whom:
            continue
        n, names = len(whom), ", ".join(whom[:_NAMED])
        more = f" and {n - _NAMED} more" if n > _NAMED else ""
        typer.echo(
            f"{slug}: {n} extension{'' if n == 1 else 's'} in days moved with the due date: "
            f"{names}{more}. One that was given with --until stays.",
            err=True,
        )


def refuse_beside_course(command: str, given: dict[str, bool]) -> None:
    """Refuse options that mean nothing for an instructor's own nbgrader course.

    Parameters
    ----------
    command : str
        Its name, without ``nncourse``.
    given : dict of str to bool
        Whether each of them was given.

    Raises
    ------
    Refusal
        With the options and the mend.
    """
    from grading.refusals import Refusal  # keeps --help fast

    named = [option for option, is_given in given.items() if is_given]
    if named:
        msg = (
            f"nncourse {command} --course: {', '.join(named)} does not go with it, since the "
            "course brings its own gradebook, learners and tests. Leave it out, or leave --course "
            "out."
        )
        raise Refusal(msg)


def say_charges(done: Recharged, *, quiet: bool = False) -> list[str]:
    """Say whose penalty changed.

    Parameters
    ----------
    done : Recharged
        What a change of due dates came to.
    quiet : bool, default False
        Say nothing.

    Returns
    -------
    list of str
        Whose penalty changed.
    """
    if quiet or not done.is_graded:
        return done.changed
    for sentence in done.changed[:_LISTED]:
        typer.echo(f"  {sentence}")
    if len(done.changed) > _LISTED:
        typer.echo(f"  and {len(done.changed) - _LISTED} more")
    plural = "y" if len(done.changed) == 1 else "ies"
    also = " Feedback and reports show it when they are written again." if done.changed else ""
    typer.echo(
        f"Graded before, so lateness was worked out again: {len(done.changed)} penalt{plural} "
        f"changed.{also}"
    )
    return done.changed


def class_words(folder: Path | None) -> str:
    """Write ``--class DIR`` as it was given, behind a space; nothing if it was not.

    Parameters
    ----------
    folder : Path or None
        What stands behind ``--class``.

    Returns
    -------
    str
        For the end of a command.
    """
    return "" if folder is None else f" --class {shlex.quote(str(folder))}"


def with_class(sentence: str, words: Sequence[str]) -> str:
    """Repeat the ``--class`` that was given in every command that a sentence proposes.

    Parameters
    ----------
    sentence : str
        A refusal.
    words : sequence of str
        The command line that led to it.

    Returns
    -------
    str
        The sentence.

    Examples
    --------
    >>> with_class("Run: nncourse release 01", ["grade", "--class", "my class"])
    "Run: nncourse release --class 'my class' 01"
    >>> with_class("nncourse extend: it is not said by how much.", ["extend", "--class=a"])
    'nncourse extend: it is not said by how much.'
    """
    given = [after for word, after in pairwise(words) if word == "--class"]
    given += [word.partition("=")[2] for word in words if word.startswith("--class=")]
    return _with_option(sentence, f" --class {shlex.quote(given[-1])}" if given else "")


def repeat_class(summary: Summary, option: str) -> None:
    """Repeat the ``--class`` that was given in the commands that a summary proposes.

    Parameters
    ----------
    summary : Summary
        Its lists are changed.
    option : str
        From `class_words`.
    """
    kinds = summary.refused, summary.mended, summary.unreadable, summary.troubles, summary.set_aside
    for sentences in kinds:
        sentences[:] = [_with_option(sentence, option) for sentence in sentences]


def _with_option(sentence: str, option: str) -> str:
    if not option or "--class" in sentence:
        return sentence
    return _ABOUT_A_CLASS.sub(lambda found: found[0] + option, sentence)
