"""Turn outputs of cells into nbgrader's scores, and into sentences that give nothing away.

A sentence never repeats what the learner's process said where any notebook of the assignment holds
hidden tests: a function that is called by one can put its text into the message of an exception,
or into a file that another notebook of the submission finds.
"""

from __future__ import annotations

import builtins
import copy
import re
from dataclasses import dataclass
from typing import Any

from grading.kernel._client import CellOutcome, plain_traceback
from grading.kernel._parts import Node
from grading.kernel._version import CourseNotebook, CourseVersion, SourceCell
from grading.results import CellResult, CriterionResult

__all__ = ["ENDED", "score_cells", "zero_cells"]

ENDED = {
    "died": ("killed", "The kernel ended while this cell ran."),
    "memory": ("memory", "The notebook took more memory than it may while this cell ran."),
    "flood": ("killed", "The notebook put out more than is read while this cell ran."),
    "timeout": ("timeout", "The cell ran longer than it may and was stopped."),
    "stuck": ("timeout", "The cell ran longer than it may and could not be interrupted."),
    "late": ("timeout", "The time for the whole submission was up while this cell ran."),
    "not_run": ("killed", "The cell was not run, because the notebook had ended before it."),
    "out_of_time": ("timeout", "The cell was not run: the time for the submission was up."),
}
"""Status and sentence by the way in which a cell ended."""

_LINE = re.compile(r"(?:Cell |Input )In\s?\[\d+\][^\n]*?line:? (\d+)|^\s*File <ipython[^\n]* (\d+)",
                   re.MULTILINE)  # fmt: skip


@dataclass(frozen=True)
class _Verdict:
    score: float | None
    status: Any
    sentence: str = ""
    stage: str = ""
    hidden: bool = False


def score_cells(
    notebook: Node,
    outcomes: dict[int, CellOutcome],
    released: CourseNotebook,
    version: CourseVersion,
) -> tuple[CellResult, ...]:
    """Score all cells that the gradebook keeps points for.

    Parameters
    ----------
    notebook : NotebookNode
        Rebuilt; its code cells' outputs are those of ``outcomes``, uncleaned.
    outcomes : dict of int to CellOutcome
        By index of the cell.
    released : CourseNotebook
        What the gradebook knows.
    version : CourseVersion
        For the marks of hidden tests.

    Returns
    -------
    tuple of CellResult
        In the order of the release.
    """
    answered = True
    results: dict[str, CellResult] = {}
    for i, cell in enumerate(notebook.cells):
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name is None:
            continue
        source = released.by_name[name]
        if source.solution and not source.grade:
            answered = not _is_untouched(cell)
        if not source.is_scored:
            continue
        verdict = _verdict(cell, outcomes.get(i), source, version)
        failed = verdict.score == 0 and verdict.status in {"failed_tests", "student_error"}
        if failed and not answered and not source.solution:
            verdict = _Verdict(0.0, "not_started", "The answer is as it was released.")
        results[name] = _result(source, verdict)
    return tuple(results[cell.name] for cell in released.scored)


def zero_cells(released: CourseNotebook, status: Any, message: str = "") -> tuple[CellResult, ...]:
    """Give every scored cell of a notebook 0 points.

    Parameters
    ----------
    released : CourseNotebook
        What the gradebook knows.
    status : str
        A cell's status.
    message : str, optional
        Why, in one sentence.

    Returns
    -------
    tuple of CellResult
        In the order of the release.
    """
    return tuple(
        CellResult(cell.name, 0.0, cell.points, status, message=message) for cell in released.scored
    )


def _result(source: SourceCell, verdict: _Verdict) -> CellResult:
    criteria: tuple[CriterionResult, ...] = ()
    if verdict.stage:
        earned = verdict.score or 0.0
        criteria = (
            CriterionResult(
                "tests", source.points, earned, verdict.stage, verdict.sentence, verdict.hidden
            ),
        )
    return CellResult(
        source.name, verdict.score, source.points, verdict.status,
        criteria=criteria, message=verdict.sentence,
    )  # fmt: skip


def _is_untouched(cell: Node) -> bool:
    """Tell whether an answer is the released one, by nbgrader's checksum."""
    from nbgrader.utils import compute_checksum

    checksum = cell.metadata.nbgrader.get("checksum")
    return bool(checksum) and checksum == compute_checksum(cell)


def _verdict(
    cell: Node,
    outcome: CellOutcome | None,
    source: SourceCell,
    version: CourseVersion,
) -> _Verdict:
    if source.task:
        return _Verdict(None, "manual")
    if source.solution:
        score, _ = _nbgraders_grade(cell)
        return _Verdict(None, "manual") if score is None else _Verdict(score, "not_started")
    if outcome is None:
        if cell.source.strip():
            return _Verdict(0.0, "killed", ENDED["not_run"][1], "died")
    elif outcome.how in ENDED:
        status, sentence = ENDED[outcome.how]
        return _Verdict(0.0, status, sentence, outcome.how)
    try:
        score, _ = _nbgraders_grade(cell)
    except (ValueError, KeyError, TypeError, AttributeError):
        # nbgrader's own run ends here, for the whole submission.
        sentence = "The tests gave a result that is no score for this cell: a person decides."
        return _Verdict(None, "manual", sentence)
    if score is None or score >= source.points:
        error = None
    else:
        error = next((o for o in cell.outputs if o.output_type == "error"), None)
    if score is None:
        return _Verdict(None, "manual")
    if error is not None:
        return _failed(score, error, source, version)
    if score < source.points:
        sentence = f"The tests gave {score:g} of {source.points:g} points."
        return _Verdict(score, "failed_tests", sentence, "partial")
    return _Verdict(score, "ok")


def _nbgraders_grade(cell: Node) -> tuple[float | None, float]:
    """Ask nbgrader, of whose rules one is left out: a warning on stderr decides nothing."""
    from nbgrader.utils import determine_grade

    seen = cell
    if cell.cell_type == "code":
        seen = copy.copy(cell)
        seen["outputs"] = [
            each
            for each in cell.outputs
            if not (each.output_type == "stream" and each.name == "stderr")
        ]
    score, points = determine_grade(seen)
    return (None if score is None else float(score)), points


def _failed(score: float, error: Node, source: SourceCell, version: CourseVersion) -> _Verdict:
    status = "failed_tests" if error.ename == "AssertionError" else "student_error"
    stage = "failed" if status == "failed_tests" else "error"
    known = isinstance(getattr(builtins, error.ename, None), type)
    kind = error.ename if known else "an exception of its own kind"
    hidden_lines = version.hidden_lines(source.source)
    line = _failing_line(error, source)
    if hidden_lines and (line is None or line in hidden_lines):
        return _Verdict(score, status, "A hidden test did not pass.", stage, hidden=True)
    sentence = f"The tests stopped with {kind}"
    if line is not None:
        text = source.source.split("\n")[line - 1].strip()
        sentence += f" in line {line}: {text[:200]}"
    if not version.has_hidden and error.evalue:
        sentence += f" ({' '.join(error.evalue.split())[:300]})"
    return _Verdict(score, status, sentence, stage)


def _failing_line(error: Node, source: SourceCell) -> int | None:
    """Return the line of the test at which it stopped, as the outermost frame tells."""
    found = _LINE.search(plain_traceback(list(error.traceback)))
    if not found:
        return None
    line = int((found[1] or found[2])[:6])
    return line if 1 <= line <= source.source.count("\n") + 1 else None
