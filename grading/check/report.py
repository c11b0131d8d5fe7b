"""What a learner reads after a check: plain facts, one sentence that says what was wrong, help.

A `Report` is content; ``report_html`` and ``report_text`` draw it. Everything that comes from the
learner's code is escaped.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from grading.check.showing import shown, shown_pair
from grading.exercises import Exercise, Hint, Misconception

CODE_INDENT = "    "
"""Begins a line of a sentence that quotes the learner's code."""

State = Literal["passed", "partly", "failed", "not started", "unknown"]


@dataclass(frozen=True)
class Row:
    """One criterion: its name, points to be had and earned, and the sentence if it failed."""

    criterion: str
    points: float
    earned: float
    sentence: str = ""


@dataclass(frozen=True)
class Evidence:
    """The case in which the first failure showed."""

    title: str
    inputs: Mapping[str, Any]
    output: str
    expected: Any
    got: Any


@dataclass(frozen=True)
class Report:
    """The result of one check, ready to be drawn.

    Attributes
    ----------
    name : str
        The exercise's id.
    state : str
        ``"passed"``, ``"partly"``, ``"failed"``, ``"not started"`` or ``"unknown"``.
    sentence : str
        The one thing to read.
    exercise : Exercise or None
        The declaration; None if the name is unknown.
    rows : tuple of Row
        One a criterion.
    evidence : Evidence or None
        What was given, expected and got.
    misconceptions : tuple of Misconception
        Known wrong answers that were recognized.
    hint : Hint or None
        The hint to open first.
    solution : str
        The opened solution, or empty.
    remark : str
        About prints, or about progress that could not be saved.
    """

    name: str
    state: State
    sentence: str
    exercise: Exercise | None = None
    rows: tuple[Row, ...] = ()
    evidence: Evidence | None = None
    misconceptions: tuple[Misconception, ...] = ()
    hint: Hint | None = None
    solution: str = ""
    remark: str = ""

    @property
    def earned(self) -> float:
        """Points earned."""
        return float(sum(row.earned for row in self.rows))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from grading.check.report_html import report_html  # drawn on demand

        return {"text/plain": report_text(self), "text/html": report_html(self)}


def headline(report: Report) -> str:
    """Return the first line: the exercise, its state and the points.

    Parameters
    ----------
    report : Report
        The report.

    Returns
    -------
    str
        For example ``linear_backward: 2 of 3 points``.
    """
    if report.exercise is None or report.state == "not started":
        return f"{report.name}: {report.state}"
    points = f"{report.earned:g} of {report.exercise.total:g} points"
    return f"{report.name}: {points}" + (", passed" if report.state == "passed" else "")


def report_text(report: Report) -> str:
    """Draw a report for a terminal.

    Parameters
    ----------
    report : Report
        The report.

    Returns
    -------
    str
        Lines of plain text, without a line end.
    """
    lines = [headline(report)]
    lines += _wrapped(report.sentence, "  ")
    for row in report.rows if report.state != "not started" else ():
        mark = "ok  " if row.earned else "no  "
        lines.append(f"  {mark}{row.criterion} ({row.earned:g}/{row.points:g})")
        lines += _wrapped(row.sentence, "        ") if row.sentence != report.sentence else []
    for misconception in report.misconceptions:
        lines += _wrapped(f"Known mistake, {readable(misconception.name)}:", "  ")
        lines += _wrapped(misconception.message, "    ")
    if report.evidence and report.exercise:
        lines += _evidence_lines(report.evidence, report.exercise)
    if report.hint:
        lines += _wrapped(f"Hint, {report.hint.symptom}: {report.hint.text}", "  ")
    lines += _wrapped(report.remark, "  ")
    if report.solution:
        lines.append(f"  The solution is open: nncourse solution {report.name}")  # no folds here
    return "\n".join(lines)


def readable(name: str) -> str:
    """Turn ``bias_gradient_not_summed`` into words.

    Parameters
    ----------
    name : str
        A name in snake case.

    Returns
    -------
    str
        The words, with spaces.
    """
    return name.replace("_", " ")


def _evidence_lines(evidence: Evidence, exercise: Exercise) -> list[str]:
    lines = [f"  {evidence.title}"]
    for name, value in evidence.inputs.items():
        lines += _named(name, shown(value))
    if evidence.output:
        expected, got = shown_pair(
            evidence.expected, evidence.got, exercise.rtol, exercise.atol, ("", "*")
        )
        lines += _named(f"expected {evidence.output}", expected)
        lines += _named(f"got      {evidence.output}", got)
        if "*" in got:
            lines.append("    (* differs)")
    return lines


def _named(name: str, value: str) -> list[str]:
    """Write ``name = value``, with the lines of an array below each other."""
    start = f"    {name} = "
    return [start + value.replace("\n", "\n" + " " * len(start))]


def _wrapped(text: str, indent: str) -> list[str]:
    """Break text into lines; an indented line is code and stays whole."""
    lines = []
    for part in text.split("\n"):
        if part.startswith(CODE_INDENT):
            lines.append(indent + part)
        elif part:
            lines += textwrap.wrap(part, 96, initial_indent=indent, subsequent_indent=indent)
    return lines
