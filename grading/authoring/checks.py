"""Three checks of finished notebooks: drift, leaks, locked cells.

Each returns findings, sentences that name file, cell and mend; none is good news. They do not
share code with the build where that could hide a fault of it: the locked cells are compared with
the declarations, not with a rebuilt notebook.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nbgrader.utils import compute_checksum

from grading.authoring import cells, solutions
from grading.authoring.declarations import Declaration

__all__ = ["drift", "leaks", "locked_cells"]

_REBUILD = "Run: nncourse build"
_MARKS = (solutions.BEGIN, solutions.END)
_MARKUP = re.compile(r"<[^<>]*>")


def drift(
    expected: cells.Notebook, found: cells.Notebook, file: str, *, outputs_allowed: bool
) -> list[str]:
    """Compare a committed notebook with the one that its source gives now.

    Parameters
    ----------
    expected : Notebook
        Rebuilt.
    found : Notebook
        As committed.
    file : str
        Its path, for messages.
    outputs_allowed : bool
        True for solution notebooks, whose outputs are not compared; a learner's has none.

    Returns
    -------
    list of str
        Differences in number of cells, type, id, source, metadata.
    """
    if len(expected.cells) != len(found.cells):
        return [
            f"{file}: it has {len(found.cells)} cells, its source gives {len(expected.cells)}. "
            f"{_REBUILD}"
        ]
    findings: list[str] = []
    if found.metadata != expected.metadata:
        findings.append(
            f"{file}: the notebook's metadata differs in "
            f"{_differing_keys(expected.metadata, found.metadata)}. {_REBUILD}"
        )
    for number, (want, have) in enumerate(zip(expected.cells, found.cells, strict=True), start=1):
        findings.extend(
            f"{file}, cell {number}: its {what} is not what the source gives. {_REBUILD}"
            for what in _differences(want, have)
        )
        if not outputs_allowed and (have.get("outputs") or have.get("execution_count")):
            findings.append(f"{file}, cell {number}: a learner's cell holds outputs. {_REBUILD}")
    return findings


def _differences(want: cells.Notebook, have: cells.Notebook) -> Iterator[str]:
    if want.cell_type != have.cell_type:
        yield "type"
    if want.get("id") != have.get("id"):
        yield "id"
    if want.source != have.source:
        yield "text"
    if want.get("attachments") != have.get("attachments"):
        yield "attachment"
    if want.metadata != have.metadata:
        yield f"metadata ({_differing_keys(want.metadata, have.metadata)})"


def _differing_keys(want: Mapping[str, Any], have: Mapping[str, Any]) -> str:
    return ", ".join(
        key for key in sorted({*want, *have}) if want.get(key, ...) != have.get(key, ...)
    )


def leaks(
    notebook: cells.Notebook, file: str, lines: Iterable[solutions.SolutionLine]
) -> list[str]:
    """Search a notebook without answers for what would be an answer.

    Every string of the notebook is searched: sources, all outputs in every format (HTML also
    without its tags), metadata, attachments. White space does not count. Pictures are not read.

    Parameters
    ----------
    notebook : Notebook
        A learner's or reading notebook.
    file : str
        Its path, for messages.
    lines : iterable of SolutionLine
        `solutions.distinctive_lines` of every exercise.

    Returns
    -------
    list of str
        Marks left over, and solution lines found.
    """
    wanted = [(line, solutions.squeeze(line.text)) for line in lines]
    findings: list[str] = []
    for number, part, texts in _parts(notebook):
        where = f"{file}, cell {number}" if number else file
        haystack = [solutions.squeeze(text) for text in texts]
        findings.extend(
            f"{where}: its {part} holds the mark {mark}. {_REBUILD}"
            for mark in _MARKS
            if any(solutions.squeeze(mark).lower() in text.lower() for text in haystack)
        )
        findings.extend(
            f"{where}: its {part} holds a line of the solution of {line.exercise!r}: "
            f"{line.text!r}. Take it out of the source, or list it in the exercise's marker as "
            "shown=[...]."
            for line, squeezed in wanted
            if any(squeezed in text for text in haystack)
        )
    return findings


def _parts(notebook: cells.Notebook) -> Iterator[tuple[int, str, list[str]]]:
    """Yield (cell number or 0, name of the part, its strings)."""
    yield 0, "metadata", list(_strings(notebook.metadata))
    for number, cell in enumerate(notebook.cells, start=1):
        yield number, "text", [cell.source]
        yield number, "metadata", list(_strings(cell.metadata))
        yield number, "attachment", list(_strings(cell.get("attachments", {})))
        yield number, "output", list(_strings(cell.get("outputs", [])))


def _strings(value: Any) -> Iterator[str]:
    """Yield every string in nested lists and mappings, and HTML also as it would be read."""
    if isinstance(value, str):
        yield value
        if "<" in value or "&" in value:
            yield html.unescape(_MARKUP.sub("", value))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not (key.startswith("image/") and key != "image/svg+xml"):
                yield from _strings(inner)
    elif isinstance(value, list):
        if all(isinstance(item, str) for item in value):  # a text in lines
            yield from _strings("".join(value))
        for inner in value:
            yield from _strings(inner)


def locked_cells(
    notebook: cells.Notebook,
    file: str,
    exercises: Mapping[str, Declaration],
    *,
    released: bool,
) -> list[str]:
    """Compare the cells that nbgrader reads with the declarations.

    Parameters
    ----------
    notebook : Notebook
        A solution or learner's notebook.
    file : str
        Its path, for messages.
    exercises : mapping of str to Declaration
        The exercises of its unit.
    released : bool
        True for a learner's notebook: its checks can be neither edited nor deleted, and carry
        nbgrader's checksum.

    Returns
    -------
    list of str
        Cells missing, doubled, unknown or changed.
    """
    graded = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    counts = Counter(str(cells.grade_id(cell)) for cell in graded)
    expected = {name for each in exercises for name in (each, cells.CHECK_PREFIX + each)}
    findings = [
        f"{file}: the cell {name!r} is missing. {_REBUILD}"
        for name in sorted(expected - set(counts))
    ]
    for name, count in counts.items():
        if name not in expected:
            findings.append(f"{file}: the cell {name!r} belongs to no exercise. {_REBUILD}")
        elif count > 1:
            findings.append(f"{file}: the cell {name!r} stands there {count} times. {_REBUILD}")
    for cell in graded:
        name = str(cells.grade_id(cell))
        if name in exercises:
            findings.extend(_changed(cell, file, cells.exercise_metadata(name), released))
        elif (exercise := name.removeprefix(cells.CHECK_PREFIX)) in exercises and name in expected:
            metadata = cells.check_metadata(exercise, exercises[exercise].graded_total)
            findings.extend(_changed(cell, file, metadata, released))
            findings.extend(_changed_check(cell, file, cells.check_source(exercise), released))
    return findings


def _changed(
    cell: cells.Notebook, file: str, metadata: Mapping[str, Any], released: bool
) -> Iterator[str]:
    name = metadata["grade_id"]
    found = dict(cell.metadata["nbgrader"])
    checksum, cell_type = found.pop("checksum", None), found.pop("cell_type", None)
    for key in sorted({*metadata, *found}):
        if metadata.get(key) != found.get(key):
            yield (
                f"{file}: the cell {name!r} has {key} {found.get(key)!r}, declared is "
                f"{metadata.get(key)!r}. {_REBUILD}"
            )
    if cell.cell_type != "code" or (released and cell_type != "code"):
        yield f"{file}: the cell {name!r} is not a code cell. {_REBUILD}"
    if released and "grade_id" in found and checksum != compute_checksum(cell):
        yield f"{file}: the cell {name!r} does not agree with its checksum. {_REBUILD}"
    if released and cell.metadata.get("deletable", True):
        yield f"{file}: the cell {name!r} can be deleted. {_REBUILD}"


def _changed_check(cell: cells.Notebook, file: str, source: str, released: bool) -> Iterator[str]:
    name = cells.grade_id(cell)
    if cell.source != source:
        held = cell.source[:40]
        yield f"{file}: the cell {name!r} holds {held!r}, expected {source!r}. {_REBUILD}"
    if released and cell.metadata.get("editable", True):
        yield f"{file}: the cell {name!r} can be edited. {_REBUILD}"
