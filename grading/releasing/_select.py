"""Leave out what a tier does not hold."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from grading.authoring import cells
from grading.authoring.declarations import Declaration

__all__ = ["core_only"]

_HEADING = re.compile(r"^#{1,2} ", re.MULTILINE)
_FURTHER = re.compile(r"^## Going further *$", re.MULTILINE)


def core_only(notebook: cells.Notebook, registry: Mapping[str, Declaration]) -> cells.Notebook:
    """Return a notebook without the exercises that do not count.

    With a further exercise go its check, the lines that introduce it and the cells that it drives;
    the heading "Going further" stays only where something else stands below it.

    Parameters
    ----------
    notebook : Notebook
        A learner's notebook.
    registry : mapping of str to Declaration
        All exercises by id.

    Returns
    -------
    Notebook
        A new notebook; the cells that are left are the same, and keep their ids.
    """
    further = {name for name, declared in registry.items() if declared.tier != "core"}
    found = copy.deepcopy(notebook)
    dropped = [_belongs(cell, further) for cell in found.cells]
    for i, cell in enumerate(found.cells[:-1]):
        introduces = cell.cell_type == "markdown" and _is_exercise(found.cells[i + 1], further)
        if introduces and (match := _FURTHER.search(cell.source)):
            cell.source = cell.source[: match.end()]
        elif introduces and not _HEADING.search(cell.source):
            dropped[i] = True
    kept = [cell for cell, drop in zip(found.cells, dropped, strict=True) if not drop]
    for i, cell in enumerate(kept):
        if cell.cell_type == "markdown" and (match := _FURTHER.search(cell.source)):
            below = kept[i + 1] if i + 1 < len(kept) else None
            is_empty = below is None or (
                below.cell_type == "markdown" and _HEADING.match(below.source)
            )
            if is_empty and not cell.source[match.end() :].strip():
                cell.source = cell.source[: match.start()].rstrip()
    found.cells = [cell for cell in kept if cell.source or cell.cell_type == "code"]
    return found


def _is_exercise(cell: cells.Notebook, names: set[str]) -> bool:
    return cells.grade_id(cell) in names


def _belongs(cell: cells.Notebook, further: set[str]) -> bool:
    """Tell whether a cell is of a further exercise: its answer, its check, or driven by it."""
    name = (cells.grade_id(cell) or "").removeprefix(cells.CHECK_PREFIX)
    if name:
        return name in further
    called: list[Any] = re.findall(r"\bpassed\(([^)]*)\)", cell.source)
    driven_by = {each for call in called for each in re.findall(r"[\"'](\w+)[\"']", call)}
    return cell.cell_type == "code" and bool(driven_by & further)
