"""The one form that a cell of ours has: its id, its metadata, and how to recognize it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import nbformat

__all__ = [
    "CHECK_PREFIX",
    "KERNELSPEC",
    "LANGUAGE_INFO",
    "NBVAL_TAGS",
    "TAGS",
    "Notebook",
    "as_node",
    "cell_id",
    "check_metadata",
    "check_source",
    "exercise_metadata",
    "grade_id",
    "new_cell",
    "new_notebook",
    "read",
    "source_sha256",
    "tags",
    "to_text",
]

# nbformat carries no types: its nodes are mappings whose keys are attributes too.
Notebook = Any
_nbformat: Any = nbformat

CHECK_PREFIX = "check_"
TAGS = frozenset({"setup", "figure", "drive"})
# The tags by which nbval is told what to compare.
NBVAL_TAGS = frozenset({"nbval-check-output", "nbval-ignore-output"})

# Fixed, so that a notebook does not change with the machine or the Python that built it.
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE_INFO = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}


def exercise_metadata(name: str) -> dict[str, Any]:
    """Return nbgrader's metadata of a cell that the learner fills."""
    return {
        "grade": False,
        "grade_id": name,
        "locked": False,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }


def check_metadata(name: str, points: float) -> dict[str, Any]:
    """Return nbgrader's metadata of a locked, graded check cell."""
    return {
        "grade": True,
        "grade_id": CHECK_PREFIX + name,
        "locked": True,
        "points": float(points),
        "schema_version": 3,
        "solution": False,
        "task": False,
    }


def check_source(name: str) -> str:
    """Return the only source that a check cell may have."""
    return f'check("{name}")'


def as_node(value: Any) -> Notebook:
    """Return nested lists and dicts as nbformat's own nodes."""
    return _nbformat.from_dict(value)


def new_cell(kind: str, source: str, metadata: dict[str, Any]) -> Notebook:
    """Return a cell of the kind ``"code"``, ``"markdown"`` or ``"raw"``."""
    return getattr(_nbformat.v4, f"new_{kind}_cell")(source, metadata=metadata)


def new_notebook(content: list[Notebook]) -> Notebook:
    """Return a valid notebook of ours: fixed kernel and language, the hash of its sources."""
    notebook = _nbformat.v4.new_notebook(cells=content)
    notebook.metadata = as_node({
        "kernelspec": dict(KERNELSPEC),
        "language_info": dict(LANGUAGE_INFO),
        "nncourse": {"source_sha256": source_sha256(notebook)},
    })
    _nbformat.validate(notebook)
    return notebook


def cell_id(slug: str, key: int | str) -> str:
    """Derive a cell's id from the unit and its position, or its grade_id where it has one.

    Parameters
    ----------
    slug : str
        The unit's slug.
    key : int or str
        Position from 0, or grade_id: a graded cell keeps its id when cells move around it.

    Returns
    -------
    str
        Twelve hexadecimal digits.
    """
    return hashlib.sha256(f"{slug}:{key}".encode()).hexdigest()[:12]


def grade_id(cell: Notebook) -> str | None:
    """Return the grade_id of an nbgrader cell, None of any other."""
    found = cell.metadata.get("nbgrader", {}).get("grade_id")
    return None if found is None else str(found)


def tags(cell: Notebook) -> frozenset[str]:
    """Return the tags of a cell."""
    return frozenset(cell.metadata.get("tags", ()))


def source_sha256(notebook: Notebook) -> str:
    """Hash what decides the outputs: type, source and metadata of every cell, in order.

    Parameters
    ----------
    notebook : Notebook
        Expanded; outputs, ids and metadata of the whole do not count.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    essence = [[cell.cell_type, cell.source, cell.metadata] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()


def read(path: Path) -> Notebook:
    """Read a notebook file in the current format."""
    return _nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def to_text(notebook: Notebook) -> str:
    """Return the text of a notebook file, valid, and the same for the same notebook."""
    _nbformat.validate(notebook)
    text: str = _nbformat.writes(notebook, version=4)
    return text if text.endswith("\n") else text + "\n"
