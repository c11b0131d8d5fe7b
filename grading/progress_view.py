"""Show a learner's progress: a table in a notebook, the same rows for the command line."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime

from grading import progress
from grading.exercises import all_exercises

__all__ = ["ProgressTable", "Row", "Total", "show", "table"]

_COLORS = {"passed": "#009E73", "partly": "#D55E00", "tried": "#D55E00", "not started": "#7F7F7F"}


@dataclass(frozen=True)
class Row:
    """The progress of one exercise; times are in the learner's own time zone."""

    unit: str
    exercise: str
    title: str
    tier: str
    state: str
    best: float
    total: float
    attempts: int
    misconceptions: tuple[str, ...]
    last_time: str


@dataclass(frozen=True)
class Total:
    """The sum over a tier."""

    tier: str
    passed: int
    exercises: int
    points: float
    possible: float


@dataclass(frozen=True)
class ProgressTable:
    """Progress that shows itself as a table in a notebook and as lines elsewhere."""

    rows: tuple[Row, ...]
    totals: tuple[Total, ...]

    def __repr__(self) -> str:
        width = max((len(row.exercise) for row in self.rows), default=0)
        lines = [
            f"{row.unit}  {row.exercise:<{width}}  {row.state:<11}  {points(row):>7}  "
            f"{attempts(row)}"
            for row in self.rows
        ]
        return "\n".join([*lines, *map(total_sentence, self.totals)])

    def _repr_html_(self) -> str:
        titles = ("unit", "exercise", "state", "points", "attempts", "wrong ways met", "last")
        head = "".join(f"<th scope='col' style='text-align:left'>{t}</th>" for t in titles)
        body = "".join(map(_html_row, self.rows))
        caption = "<br>".join(html.escape(total_sentence(total)) for total in self.totals)
        return (
            f"<table><caption style='text-align:left'>{caption}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def show() -> None:
    """Display the progress in a notebook; print it elsewhere."""
    try:
        from IPython.display import display  # absent outside notebooks
    except ImportError:
        print(table())  # ruff: ignore[print]  # the purpose of the function
    else:
        display(table())  # type: ignore[no-untyped-call]  # IPython has no types


def table() -> ProgressTable:
    """Collect the progress of every exercise.

    Returns
    -------
    table : ProgressTable
        Rows in the order of the course, then one total for each tier that has any.
    """
    summary = progress.summary()
    rows = tuple(
        Row(
            unit=declared.unit,
            exercise=declared.id,
            title=declared.title,
            tier=declared.tier,
            state=summary[declared.id].state,
            best=summary[declared.id].best,
            total=summary[declared.id].total,
            attempts=summary[declared.id].attempts,
            misconceptions=summary[declared.id].misconceptions,
            last_time=local_time(summary[declared.id].last_time),
        )
        for declared in all_exercises()
    )
    totals = tuple(
        _total(tier, [row for row in rows if row.tier == tier])
        for tier in ("core", "further")
        if any(row.tier == tier for row in rows)
    )
    return ProgressTable(rows, totals)


def points(row: Row) -> str:
    """Write the points of a row, "2.5 / 4", or "– / 4" before the first attempt.

    Parameters
    ----------
    row : Row
        An exercise.

    Returns
    -------
    text : str
        Best points and points to be had.
    """
    return f"{row.best:g} / {row.total:g}" if row.attempts else f"– / {row.total:g}"


def attempts(row: Row) -> str:
    """Write the number of attempts with its noun.

    Parameters
    ----------
    row : Row
        An exercise.

    Returns
    -------
    text : str
        "", "1 attempt", "2 attempts", ...
    """
    if row.attempts == 0:
        return ""
    return f"{row.attempts} attempt{'' if row.attempts == 1 else 's'}"


def met(row: Row) -> str:
    """Write the known wrong answers that were met, as words.

    Parameters
    ----------
    row : Row
        An exercise.

    Returns
    -------
    text : str
        "bias gradient not summed, ..."
    """
    return ", ".join(name.replace("_", " ") for name in row.misconceptions)


def total_sentence(total: Total) -> str:
    """Say how far a tier has come.

    Parameters
    ----------
    total : Total
        The sum over a tier.

    Returns
    -------
    sentence : str
        Exercises passed and points.
    """
    return (
        f"{total.tier}: {total.passed} of {total.exercises} exercises passed, "
        f"{total.points:g} of {total.possible:g} points."
    )


def local_time(utc: str) -> str:
    """Turn an ISO 8601 time in UTC into the learner's own, to the minute.

    Parameters
    ----------
    utc : str
        As the progress file has it; "" stays "".

    Returns
    -------
    local : str
        "2026-03-01 14:05"; what is no time is returned as it came.
    """
    try:
        return datetime.fromisoformat(utc).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return utc


def _total(tier: str, rows: list[Row]) -> Total:
    return Total(
        tier=tier,
        passed=sum(row.state == "passed" for row in rows),
        exercises=len(rows),
        points=sum(row.best for row in rows),
        possible=sum(row.total for row in rows),
    )


def _html_row(row: Row) -> str:
    cells = [row.unit, row.exercise, row.state, points(row), attempts(row), met(row), row.last_time]
    styles = ["", "", f"color:{_COLORS[row.state]};font-weight:bold"] + [""] * 4
    inside = "".join(
        f"<td style='text-align:left;{style}'>{html.escape(cell)}</td>"
        for cell, style in zip(cells, styles, strict=True)
    )
    return f"<tr>{inside}</tr>"
