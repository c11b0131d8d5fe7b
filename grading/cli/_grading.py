"""What ``grade`` and ``regrade`` share: options, the engine, progress, the table at the end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from grading.engine import Engine
    from grading.runs import Progress, Summary

WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        help="Worker processes; without it one a core.",
        show_default=False,
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="The scheduler of a Dask cluster, as in tcp://10.0.0.1:8786.",
        show_default=False,
    ),
]
ExercisesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--exercises",
        metavar="PATH",
        help="Your own exercises, beside those kept with the release.",
        show_default=False,
    ),
]
UnsafeOption = Annotated[
    bool,
    typer.Option(
        "--unsafe",
        help="Run submissions as plain processes of this user. Every result is marked so.",
    ),
]
TimeOption = Annotated[
    float,
    typer.Option(
        "--time-factor", metavar="X", min=0.1, max=100.0, help="Multiplies every limit of time."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]

_LINE_S = 10.0
_LISTED = 20


def make_engine(workers: int | None, cluster: str | None, *, unsafe: bool) -> Engine:
    """Make the engine that the options ask for.

    Parameters
    ----------
    workers : int or None
        What stands behind ``--workers``.
    cluster : str or None
        What stands behind ``--cluster``.
    unsafe : bool
        Whether ``--unsafe`` was given.

    Returns
    -------
    Engine
        To be closed by the caller.

    Raises
    ------
    Refusal
        If both are given, or submissions cannot be isolated.
    """
    from grading.engine import DaskCluster, ProcessPool  # keeps --help fast
    from grading.refusals import Refusal

    if cluster is not None:
        if workers is not None:
            msg = "--workers and --cluster: a cluster brings its own workers. Give one of the two."
            raise Refusal(msg)
        return DaskCluster(cluster, unsafe=unsafe)
    refuse_without_isolation(unsafe=unsafe)
    pool = ProcessPool(workers)
    pool.start()
    return pool


def refuse_without_isolation(*, unsafe: bool) -> None:
    """Refuse to run submissions on a machine that cannot isolate them.

    Parameters
    ----------
    unsafe : bool
        Whether ``--unsafe`` was given, which allows it.

    Raises
    ------
    Refusal
        With cause and mend.
    """
    from grading.refusals import Refusal  # keeps --help fast
    from grading.sandbox import why_unavailable

    reason = None if unsafe else why_unavailable()
    if reason is not None:
        msg = (
            f"this machine cannot isolate submissions: {reason} With --unsafe they run as plain "
            "processes of this user, and every result is marked."
        )
        raise Refusal(msg)


@contextlib.contextmanager
def watching() -> Generator[Callable[[Progress], None], None, None]:
    """Show how far a run is: a bar on a terminal, elsewhere a line every ten seconds.

    Yields
    ------
    callable
        To be told.
    """
    from rich.console import Console  # keeps --help fast

    console = Console(stderr=True)
    if not console.is_terminal:
        last = [time.monotonic()]

        def line(progress: Progress) -> None:
            if time.monotonic() - last[0] >= _LINE_S:
                last[0] = time.monotonic()
                typer.echo(_in_words(progress), err=True)

        yield line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task("starting", total=None, pace="")

        def bar(progress: Progress) -> None:
            bars.update(
                task,
                description=progress.what,
                completed=progress.done,
                total=progress.total,
                pace=_pace(progress),
            )

        yield bar


def _in_words(progress: Progress) -> str:
    of = f" of {progress.total}" if progress.total is not None else ""
    return f"{progress.what}: {progress.done}{of}, {_pace(progress)}"


def _pace(progress: Progress) -> str:
    left = progress.remaining_s
    return f"{progress.per_s:.1f}/s" + ("" if left is None else f", {duration(left)} left")


def duration(seconds: float) -> str:
    """Write a duration for people.

    Parameters
    ----------
    seconds : float
        At least 0.

    Returns
    -------
    str
        As in ``"3 min 20 s"``.
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def show(summary: Summary, option: str | None = None) -> None:
    """Print what a run came to.

    Parameters
    ----------
    summary : Summary
        Of the run.
    option : str or None
        The ``--class`` to repeat where a report of the class is proposed; None proposes none.
    """
    from rich.console import Console  # keeps --help fast
    from rich.table import Table
    from rich.text import Text

    console = Console()
    data = summary.to_dict()
    if data["statuses"]:
        table = Table(box=None, padding=(0, 2, 0, 0))
        table.add_column("status")
        table.add_column("submissions", justify="right")
        for status, count in data["statuses"].items():
            table.add_row(Text(status, _STYLES.get(status, "yellow")), str(count))
        console.print(table)
    parts = [
        f"{summary.graded} graded in {duration(summary.wall_s)} ({data['submissions_per_s']:.1f}/s)"
    ]
    if summary.reused:
        parts.append(f"{summary.reused} equal to work graded before")
    if summary.unchanged:
        parts.append(f"{summary.unchanged} unchanged")
    if summary.n_set_aside:
        parts.append(f"{summary.n_set_aside} set aside")
    console.print(Text(", ".join(parts) + "."))
    if summary.n_by_person:
        n = summary.n_by_person
        console.print(
            Text(
                f"{n} submission{'' if n == 1 else 's'} hold{'s' if n == 1 else ''} answers for "
                "which a person gives the points, in formgrader."
            )
        )
    if summary.lines and option is not None:
        console.print(Text(f"see: nncourse report --names{option}"))
    _one_by_one(console, summary)
    _list(console, "Set aside:", data["set_aside"], summary.n_set_aside)
    _list(console, "Score changed:", data["changed"], len(data["changed"]))
    _list(console, "Mended or taken for granted:", data["mended"], summary.n_mended)
    unreadable, n_unreadable = data["unreadable"], summary.n_unreadable
    _list(console, "Cannot be read, and got no points:", unreadable, n_unreadable)
    _list(console, "Refused:", data["refused"], summary.n_refused)
    _list(
        console,
        "Could not be graded, for no fault of theirs:",
        data["troubles"],
        summary.statuses["infra_error"],
    )
    if summary.unsafe:
        console.print(Text("Nothing isolated these submissions (--unsafe); each result says so."))
    if summary.interrupted:
        console.print(Text("Stopped. What was done is written. To go on, run the same command."))


def _one_by_one(console: Console, summary: Summary) -> None:
    """Print a line for each learner of a small class."""
    from rich.table import Table
    from rich.text import Text

    if not summary.lines:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for (learner, slug), line in sorted(summary.lines.items()):
        points = "–" if line.status == "infra_error" else f"{line.points:g} of {line.max_points:g}"
        if line.by_person:
            points += f", {line.by_person:g} of them by a person"
        late = f"late: −{line.penalty:g}" if line.penalty else ""
        style = _STYLES.get(line.status, "yellow")
        table.add_row(Text(learner), Text(slug), Text(points), Text(late), Text(line.status, style))
    console.print(table)


_STYLES = {"ok": "green", "infra_error": "red"}


def _list(console: Console, title: str, sentences: list[str], n: int) -> None:
    """Print sentences that begin with whose they are; the same one of many is printed once."""
    from rich.text import Text

    if not n:
        return
    console.print(Text(title, "bold"))
    whose: dict[str, list[str]] = {}
    for sentence in sentences:
        who, _, said = " ".join(sentence.split()).partition(": ")
        whose.setdefault(said or who, []).append(who if said else "")
    for said, learners in list(whose.items())[:_LISTED]:
        others = f" and {len(learners) - 1} more" if len(learners) > 1 else ""
        start = f"{learners[0]}{others}: " if learners[0] else ""
        console.print(Text(f"  {start}{said}"), soft_wrap=True)
    if len(whose) > _LISTED or n > len(sentences):
        console.print(Text("  and more; --json lists them."))
