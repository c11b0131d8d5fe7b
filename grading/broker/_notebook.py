"""Step 5, write: the notebook that formgrader and the feedback show.

It is the released one with the learner's answers, the learner's own cells in their places, and
outputs that we wrote: no output of the learner's comes through. Learners' Markdown is shown, but
nothing in it can run or be fetched. The text is the same for the same submission.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from grading.assignments import AssignmentVersion, ReleasedCell
from grading.broker._judging import Judged
from grading.broker._markdown import clean_markdown
from grading.broker._mending import Added, Mended
from grading.check.report import Report, Row, State, report_text
from grading.check.report_html import report_html
from grading.results import CellResult

__all__ = ["harmless_markdown", "notebook_text", "report_of"]

_STATES: dict[str, State] = {"ok": "passed", "not_started": "not started"}


def notebook_text(
    version: AssignmentVersion,
    mended: Mended | None,
    judged: Mapping[str, Judged],
    notes: Sequence[str],
) -> str:
    """Write the autograded notebook.

    Parameters
    ----------
    version : AssignmentVersion
        What was released.
    mended : Mended or None
        The rebuilt notebook; None leaves the release as it is.
    judged : mapping of str to Judged
        Verdicts by exercise.
    notes : sequence of str
        What was mended or went wrong, one sentence each.

    Returns
    -------
    str
        JSON of notebook format 4.5.
    """
    cells = [_noted(version.slug, notes)] if notes else []
    places = mended.places if mended is not None else ()
    by_place = dict(enumerate(places, start=-1))
    n_added = 0
    for i in range(-1, len(version.cells)):
        place = by_place.get(i)
        if i >= 0:
            answer = place.answer if place is not None else None
            source = answer.source if answer is not None else None
            cells.append(_released(version, i, source, judged))
        for added in place.added if place is not None else ():
            cells.append(_added(version.slug, n_added, added))
            n_added += 1
    released = version.notebook
    metadata = {key: released["metadata"][key] for key in ("kernelspec", "language_info")
                if key in released["metadata"]}  # fmt: skip
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":")) + "\n"


def harmless_markdown(source: str) -> str:
    """Take from Markdown what could become markup of HTML or a link; the rest is drawn.

    For text that is no Markdown of the learner's, but quotes it: a note, or a raw cell.

    Parameters
    ----------
    source : str
        The text.

    Returns
    -------
    str
        Markdown that shows the same characters.

    Examples
    --------
    >>> harmless_markdown("**a < b**, see [here](javascript:alert(1))")
    '**a &lt; b**, see &#91;here](javascript:alert(1))'
    """
    return source.replace("&", "&amp;").replace("<", "&lt;").replace("[", "&#91;")


def report_of(judged: Judged) -> Report:
    """Return the report that stands under a check: as in the learner's notebook, without cases.

    Parameters
    ----------
    judged : Judged
        The verdict.

    Returns
    -------
    Report
        For `report_html` and `report_text`.
    """
    cell = judged.cell
    rows = tuple(Row(c.name, c.points, c.earned, c.sentence) for c in cell.criteria)
    failed = [c for c in cell.criteria if c.sentence and c.stage != "unreached"]
    told = [c for c in cell.criteria if c.sentence]
    state = _STATES.get(cell.status)
    if state is None:
        state = "partly" if any(row.earned for row in rows) else "failed"
    if state == "passed":
        sentence = "Right on the worked example and on all hidden cases."
        if judged.exercise.tier == "further":
            sentence += " It does not count in the grade."
    elif told:
        sentence = (failed or told)[0].sentence
    else:
        sentence = cell.message
    return Report(
        judged.exercise.id,
        state,
        sentence,
        judged.exercise,
        rows if state != "not started" else (),
        misconceptions=judged.misconceptions,
        hint=judged.hint,
        remark=cell.message if cell.message != sentence else "",
    )


def _released(
    version: AssignmentVersion, i: int, source: str | None, judged: Mapping[str, Judged]
) -> dict[str, Any]:
    cell = version.cells[i]
    base = _base(version, i)
    if cell.kind == "exercise" and source is not None:
        return {**base, "source": source.splitlines(keepends=True)}
    if cell.kind == "check" and cell.name in judged:
        return {**base, **_checked(judged[cell.name], _count(version.cells, i))}
    return base


@lru_cache(maxsize=64)
def _bases(version: AssignmentVersion) -> tuple[dict[str, Any], ...]:
    """Take from the released cells what every notebook of the version shares."""
    return tuple(
        {
            "cell_type": cell["cell_type"],
            "id": str(cell.get("id") or _id(version.slug, "released", str(i))),
            "metadata": cell.get("metadata", {}),
            "source": version.cells[i].source.splitlines(keepends=True),
            **({"execution_count": None, "outputs": []} if cell["cell_type"] == "code" else {}),
        }
        for i, cell in enumerate(version.notebook["cells"])
    )


def _base(version: AssignmentVersion, i: int) -> dict[str, Any]:
    return _bases(version)[i]


def _count(cells: Sequence[ReleasedCell], i: int) -> int:
    """Count the checks up to this one: only they have outputs."""
    return sum(cell.kind == "check" for cell in cells[: i + 1])


def _checked(judged: Judged, count: int) -> dict[str, Any]:
    """Write the outputs of a check: the report to read, and the points, as nbgrader reads them."""
    score = _score(judged.cell)
    report = report_of(judged)
    shown = {
        "data": {
            "text/html": report_html(report).splitlines(keepends=True),
            "text/plain": report_text(report).splitlines(keepends=True),
        },
        "metadata": {},
        "output_type": "display_data",
    }
    points = {
        "data": {"text/plain": [repr(score)]},
        "execution_count": count,
        "metadata": {},
        "output_type": "execute_result",
    }
    return {"execution_count": count, "outputs": [shown, points]}


def _score(cell: CellResult) -> float:
    return float(cell.score or 0.0)


def _added(slug: str, n: int, added: Added) -> dict[str, Any]:
    source = added.source
    if added.cell_type == "markdown":
        source = clean_markdown(source)
    cell_type = "code" if added.cell_type == "code" else "markdown"
    if added.cell_type == "raw":  # raw cells are passed on as they are by whoever exports
        source = harmless_markdown(source)
    cell: dict[str, Any] = {
        "cell_type": cell_type,
        "id": _id(slug, "added", str(n)),
        "metadata": {"nncourse": {"added": True}},
        "source": source.splitlines(keepends=True),
    }
    if cell_type == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell


def _noted(slug: str, notes: Sequence[str]) -> dict[str, Any]:
    """Write what was mended into a cell of its own, at the top."""
    lines = ["**While this notebook was graded**\n", "\n"]
    lines += [f"- {harmless_markdown(note)}\n" for note in notes]
    return {
        "cell_type": "markdown",
        "id": _id(slug, "notes", ""),
        "metadata": {"deletable": False, "editable": False, "nncourse": {"notes": True}},
        "source": lines,
    }


def _id(slug: str, kind: str, name: str) -> str:
    return hashlib.sha256(f"{slug}:{kind}:{name}".encode()).hexdigest()[:12]
