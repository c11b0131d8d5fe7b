"""What a learner reads after a check: plain facts, one sentence that says what was wrong, help.

A `Report` is content; ``report_html`` and ``report_text`` draw it. Everything that comes from the
learner's code is escaped.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from grading.exercises import Exercise, FunctionFixture, Hint, Misconception

State = Literal["passed", "partly", "failed", "not started", "unknown"]
MAX_SHOWN_ENTRIES = 24


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
    extra: Mapping[str, Any] = field(default_factory=dict)

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
    if report.evidence:
        lines += _evidence_lines(report.evidence)
    if report.hint:
        lines += _wrapped(f"Hint, {report.hint.symptom}: {report.hint.text}", "  ")
    lines += _wrapped(report.remark, "  ")
    if report.solution:
        lines += ["  Solution:", textwrap.indent(report.solution, "    ")]
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


def shown(value: Any) -> str:
    """Write a plain value so that it fits a report: small ones whole, large ones by shape.

    Parameters
    ----------
    value : object
        A plain value or a function fixture.

    Returns
    -------
    str
        One or a few lines.
    """
    if isinstance(value, FunctionFixture):
        return f"a function ({readable(value.name)})"
    if isinstance(value, np.ndarray):
        if value.size > MAX_SHOWN_ENTRIES:
            return f"array of shape {value.shape}"
        return np.array2string(value, precision=4, suppress_small=True, max_line_width=72)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        text = f"[{', '.join(shown(item) for item in value)}]"
        return text if len(text) <= 300 else f"list of {len(value)}"
    return repr(value)[:300]


def solution_text(exercise: Exercise) -> str:
    """Write out the solution of an exercise: derivation, then two styles.

    Parameters
    ----------
    exercise : Exercise
        The declaration.

    Returns
    -------
    str
        The derivation, the reference and the first alternative.
    """
    parts = [
        exercise.solution_note.strip(),
        f"# One way\n{source_of(exercise.reference, exercise.id)}",
        f"# Another way\n{source_of(exercise.alternatives[0], exercise.id)}",
    ]
    return "\n\n".join(parts)


def source_of(function: Any, name: str) -> str:
    """Return a function's source under another name, without decorators.

    Parameters
    ----------
    function : callable
        A plain function of a declaration.
    name : str
        The name to give it: the exercise's id.

    Returns
    -------
    str
        Source that defines ``name``.
    """
    source = textwrap.dedent(inspect.getsource(function)).strip()
    for keyword in ("def", "class"):
        source = source.replace(f"{keyword} {function.__name__}(", f"{keyword} {name}(", 1)
        source = source.replace(f"{keyword} {function.__name__}:", f"{keyword} {name}:", 1)
    return source


def _evidence_lines(evidence: Evidence) -> list[str]:
    lines = [f"  {evidence.title}"]
    for name, value in evidence.inputs.items():
        lines.append(textwrap.indent(f"{name} = {shown(value)}", "    "))
    if evidence.output:
        lines.append(
            textwrap.indent(f"expected {evidence.output} = {shown(evidence.expected)}", "    ")
        )
        lines.append(textwrap.indent(f"got      {evidence.output} = {shown(evidence.got)}", "    "))
    return lines


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, 96, initial_indent=indent, subsequent_indent=indent) if text else []
