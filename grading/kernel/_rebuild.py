"""Make of a submitted notebook the one that is executed: the learner's, mended from the release.

As nbgrader does, the learner's cells stay in their order and what was released as locked is put
back, hidden tests included. Beyond nbgrader, whose run ends at such things: flags, points, types
and checksums of named cells all come from the release, of a doubled cell one keeps the name, and
scored or locked cells that are missing are put back. Each mend is a note, none is an error.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass

from grading.broker._reading import Handed, HandedCell, read_handed, tame
from grading.kernel._parts import Node, as_node, nbformat_v4
from grading.kernel._version import CourseNotebook, SourceCell
from grading.limits import MEGABYTE, Limits

__all__ = ["Rebuilt", "blank", "rebuild"]

_ATTACHED = ("image/png", "image/jpeg", "image/gif")
_MAX_ATTACHED = 5 * MEGABYTE
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KEPT_TAGS = re.compile(r"[\w.:-]{1,60}")


@dataclass(frozen=True)
class Rebuilt:
    """A notebook ready to be executed.

    Attributes
    ----------
    notebook : NotebookNode
        Its cells have no outputs, and no metadata but nbgrader's and tags.
    notes : tuple of str
        What was mended, one sentence each.
    passive : frozenset of int
        Indices of code cells that are not executed: put back where an answer was missing, or
        tagged ``skip-execution`` by nbclient's rule.
    """

    notebook: Node
    notes: tuple[str, ...] = ()
    passive: frozenset[int] = frozenset()


def rebuild(data: bytes, released: CourseNotebook, limits: Limits) -> Rebuilt:
    """Rebuild a submitted notebook.

    Parameters
    ----------
    data : bytes
        The file that was handed in.
    released : CourseNotebook
        What the gradebook knows about the notebook.
    limits : Limits
        For the size of a notebook.

    Returns
    -------
    Rebuilt
        The notebook, in nbgrader's metadata of version 3.

    Raises
    ------
    InvalidSubmissionError
        If the file is no notebook; the message is the sentence for the learner.
    """
    file = f"{released.name}.ipynb"
    handed = read_handed({file: data}, released.name, limits)
    attached = _attachments(data, len(handed.cells))
    notes = list(handed.notes)
    named = _named(handed, released, notes)
    cells = [
        _cell(cell, i, released.by_name.get(named.get(i, "")), attached.get(i), notes)
        for i, cell in enumerate(handed.cells)
    ]
    passive = {
        id(cell)
        for cell in cells
        if "skip-execution" in cell.metadata.get("tags", ())
        and not cell.metadata.get("nbgrader", {}).get("grade")
    }
    for cell in _put_back(cells, released, notes):
        if cell.metadata.nbgrader.solution:
            passive.add(id(cell))
    notebook = _notebook(cells, released)
    _validate(notebook)
    indices = frozenset(i for i, cell in enumerate(notebook.cells) if id(cell) in passive)
    return Rebuilt(notebook, tuple(notes), indices)


def blank(released: CourseNotebook) -> Node:
    """Return the notebook of somebody who handed nothing in: its named cells, not executed.

    Parameters
    ----------
    released : CourseNotebook
        What the gradebook knows about the notebook.

    Returns
    -------
    NotebookNode
        A notebook that formgrader opens.
    """
    return _notebook([_released(cell) for cell in released.cells], released)


def _named(handed: Handed, released: CourseNotebook, notes: list[str]) -> dict[int, str]:
    """Decide which cell bears which name: of several the last, or the last that was filled in."""
    found: dict[str, list[int]] = {}
    strangers = 0
    for i, cell in enumerate(handed.cells):
        if cell.marks is None:
            continue
        if cell.marks.grade_id in released.by_name:
            found.setdefault(cell.marks.grade_id, []).append(i)
        elif cell.marks.grade or cell.marks.solution or cell.marks.locked:
            strangers += 1
    if strangers:
        notes.append(f"{strangers} cell(s) bear a name that this notebook does not have.")
    chosen: dict[int, str] = {}
    for name, places in found.items():
        keeps = places[-1]
        if len(places) > 1:
            notes.append(f"The cell {name} was there {len(places)} times; one of them counts.")
            source = released.by_name[name]
            filled = [i for i in places if handed.cells[i].source != source.source]
            if source.solution and filled:
                keeps = filled[-1]
        chosen[keeps] = name
    return chosen


def _cell(
    handed: HandedCell,
    i: int,
    source: SourceCell | None,
    attachments: dict[str, dict[str, str]] | None,
    notes: list[str],
) -> Node:
    """Make one cell of the notebook; what is locked comes from the release."""
    text = handed.source
    cell_type = handed.cell_type
    if source is not None:
        if cell_type != source.cell_type:
            notes.append(f"The cell {source.name} had become a {cell_type} cell.")
            cell_type = source.cell_type
        if source.locked:
            if text not in {source.source, source.released}:
                if source.released:  # else nobody knows what the learner was given
                    notes.append(f"The locked cell {source.name} had been changed.")
                attachments = None
            text = source.source
        _note_flags(handed, source, notes)
    cell = _new(cell_type, text, handed.id if _ID.fullmatch(handed.id) else f"cell-{i}")
    if tags := [tag for tag in sorted(handed.tags) if _KEPT_TAGS.fullmatch(tag)]:
        cell.metadata["tags"] = tags
    if attachments and cell_type == "markdown":
        cell["attachments"] = as_node(attachments)
    if source is not None:
        cell.metadata["nbgrader"] = as_node(source.metadata)
    return cell


def _note_flags(handed: HandedCell, source: SourceCell, notes: list[str]) -> None:
    marks = handed.marks
    if marks is None:
        return
    flags = (marks.grade, marks.solution)
    changed = flags != (source.grade, source.solution) or (
        source.grade and marks.points is not None and marks.points != source.points
    )
    if changed:
        notes.append(f"The marks of the cell {source.name} had been changed.")


def _put_back(cells: list[Node], released: CourseNotebook, notes: list[str]) -> list[Node]:
    """Insert missing cells behind the one they followed; answers without points stay missing."""
    # Such an answer may have moved to a cell without a name. Its stub, put back behind it, would
    # define the function anew.
    inserted = []
    present = {
        cell.metadata["nbgrader"]["grade_id"] for cell in cells if "nbgrader" in cell.metadata
    }
    before: Node | None = None
    by_name = {
        cell.metadata["nbgrader"]["grade_id"]: cell for cell in cells if "nbgrader" in cell.metadata
    }
    for source in released.cells:
        if source.name in present:
            before = by_name[source.name]
            continue
        if not (source.is_scored or source.locked):
            notes.append(f"The answer cell {source.name} is missing.")
            continue
        cell = _released(source)
        place = 0
        if before is not None:
            place = 1 + next(i for i, each in enumerate(cells) if each is before)
        cells.insert(place, cell)
        inserted.append(cell)
        before = cell
        notes.append(f"The cell {source.name} was missing and was put back.")
    return inserted


def _released(source: SourceCell) -> Node:
    cell = _new(source.cell_type, source.source, f"released-{source.name}"[:64])
    cell.metadata["nbgrader"] = as_node(source.metadata)
    return cell


def _new(cell_type: str, source: str, cell_id: str) -> Node:
    v4 = nbformat_v4()
    make = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}.get(
        cell_type, v4.new_raw_cell
    )
    cell = make(source)
    cell["id"] = re.sub(r"[^a-zA-Z0-9_-]", "-", cell_id)
    return cell


def _notebook(cells: list[Node], released: CourseNotebook) -> Node:
    seen: set[str] = set()
    for i, cell in enumerate(cells):
        if cell["id"] in seen:
            cell["id"] = f"{cell['id'][:50]}-{i}"
        seen.add(cell["id"])
    kernelspec = json.loads(released.kernelspec) if released.kernelspec else None
    metadata = {"kernelspec": kernelspec or _OUR_KERNEL, "language_info": {"name": "python"}}
    return nbformat_v4().new_notebook(cells=cells, metadata=as_node(metadata))


_OUR_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def _validate(notebook: Node) -> None:
    """Let nbgrader's own validator look at the result: what it refuses is a defect of ours."""
    from nbgrader.preprocessors import CheckCellMetadata

    CheckCellMetadata().preprocess(notebook, {})


def _attachments(data: bytes, n_cells: int) -> dict[int, dict[str, dict[str, str]]]:
    """Return the images inside of markdown cells, as far as they are plain pictures."""
    if b'"attachments"' not in data:
        return {}
    # `read_handed` has taken this very text apart, within its caps, before this is asked.
    content = json.loads(data.decode("utf-8-sig", "replace"), parse_int=lambda _: 0)
    kept: dict[int, dict[str, dict[str, str]]] = {}
    total = 0
    for i, cell in enumerate(content["cells"][:n_cells]):
        pictures = cell.get("attachments")
        if not isinstance(pictures, dict):
            continue
        for name, variants in list(pictures.items())[:50]:
            if not isinstance(variants, dict):
                continue
            for mime in _ATTACHED:
                encoded = variants.get(mime)
                if isinstance(encoded, str) and total + len(encoded) <= _MAX_ATTACHED:
                    if _is_base64(encoded):
                        total += len(encoded)
                        kept.setdefault(i, {})[tame(name, 100)] = {mime: encoded}
                    break
    return kept


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return False
    return True
