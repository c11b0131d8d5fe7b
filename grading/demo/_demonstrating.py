"""From release to export on a made-up class, by the commands that an instructor would type."""

from __future__ import annotations

import shlex
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import typer

from grading.classroom import Classroom
from grading.demo._made_up import LARGEST, SMALLEST, make_up
from grading.refusals import Refusal

__all__ = ["Step", "demonstrate"]


@dataclass(frozen=True)
class Step:
    """One command that ran.

    Attributes
    ----------
    words : tuple of str
        The command.
    status : int
        Its exit status.
    wall_s : float
        Seconds it took.
    """

    words: tuple[str, ...]
    status: int
    wall_s: float


def demonstrate(
    folder: Path, *, unit: str = "01", n: int = 60, workers: int = 2
) -> tuple[Step, ...]:
    """Make up a class, release, grade, report, give feedback, export, compare.

    Parameters
    ----------
    folder : Path
        Where everything goes. What an earlier demonstration left there is removed.
    unit : str, default "01"
        What is released.
    n : int, default 60
        Size of the class, 8 to 1000.
    workers : int, default 2
        Worker processes.

    Returns
    -------
    tuple of Step
        The commands, with how long each took.

    Raises
    ------
    Refusal
        If the folder holds something else, the class is too small or large, or a command refuses.
    """
    if not SMALLEST <= n <= LARGEST:
        msg = f"--learners {n}: a class of {SMALLEST} to {LARGEST} can be made up. Name another."
        raise Refusal(msg)
    mark = folder / "made by grading.demo"
    if folder.exists() and not mark.exists() and any(folder.iterdir()):
        msg = f"{folder}: it holds something else than a demonstration. Name another folder."
        raise Refusal(msg)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch()
    class_folder = folder / "class"
    steps: list[Step] = []

    def run(*words: str, allowed: tuple[int, ...] = (0,)) -> None:
        steps.append(_run(words, class_folder, allowed))

    Classroom.open(class_folder, create=True)
    (class_folder / "class.toml").write_text(
        'course = "A made-up class"\ntimezone = "Europe/Berlin"\n\n[late]\npercent = 10\n',
        encoding="utf-8",
    )
    to = ("--to", str(folder / "for learners.zip"))
    run("release", unit, "--due", "2026-06-01 12:00", *to)
    room = Classroom.open(class_folder)
    (slug,) = room.slugs()
    made = make_up(slug, room.assignment(slug).released, folder, n)
    (folder / "roster.csv").write_text(made.roster, encoding="utf-8")
    run("roster", "--import", str(folder / "roster.csv"))
    # Some of it cannot be read, on purpose: exit status 1.
    handed_in = (str(made.folder), str(made.canvas))
    run("grade", *handed_in, "--workers", str(workers), allowed=(0, 1))
    run("report", unit, "--to", str(folder / "report.html"))
    run("feedback", unit, "--zip")
    run("export", "--format", "csv", "--to", str(folder / "grades.csv"))
    run("export", "--format", "canvas", "--to", str(folder / "canvas-grades.csv"))
    run("similar", unit, "--to", str(folder / "similar.html"))
    _tell(folder, class_folder, steps)
    return tuple(steps)


def _run(words: tuple[str, ...], class_folder: Path, allowed: tuple[int, ...]) -> Step:
    from grading.cli import app

    words = (*words, "--class", str(class_folder))
    typer.secho(f"$ nncourse {shlex.join(words)}", bold=True)
    began = time.monotonic()
    status = app(list(words), standalone_mode=False) or 0
    wall_s = time.monotonic() - began
    if status not in allowed:
        msg = f"nncourse {words[0]} ended with exit status {status}, so the demonstration stops."
        raise Refusal(msg)
    typer.echo()
    return Step(words, int(status), wall_s)


def _tell(folder: Path, class_folder: Path, steps: list[Step]) -> None:
    typer.secho("What took how long", bold=True)
    for step in steps:
        typer.echo(f"  {step.words[0]:<9} {step.wall_s:6.1f} s")
    places = {
        "what learners get": folder / "for learners.zip",
        "what they handed in": f"{folder / 'submitted by hand'} and {folder / 'canvas.zip'}",
        "the class page": folder / "report.html",
        "feedback, a page each": class_folder / "feedback",
        "grades for the LMS": folder / "canvas-grades.csv",
        "answers that resemble": folder / "similar.html",
        "nbgrader's gradebook": class_folder / "gradebook.db",
        "autograded notebooks": class_folder / "autograded",
    }
    typer.secho("Where everything lies", bold=True)
    for what, place in places.items():
        typer.echo(f"  {what + ':':<24} {place}")
