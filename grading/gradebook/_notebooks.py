"""The autograded notebook of a learner: put it in place, and see which answers are untouched."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from grading.journal import _disk
from grading.refusals import Refusal
from grading.results import NotebookResult, Result

__all__ = ["PlaceRefusal", "to_utc", "untouched", "write_notebooks"]


class PlaceRefusal(Refusal):
    """Say that one learner's notebooks cannot be put in place; those of others can."""


def to_utc(moment: datetime | None, tz: tzinfo) -> datetime | None:
    """Express a moment as nbgrader keeps it.

    Parameters
    ----------
    moment : datetime or None
        With a time zone, or in `tz`.
    tz : tzinfo
        The time zone of a moment without one.

    Returns
    -------
    datetime or None
        In UTC, without zone.
    """
    if moment is None:
        return None
    placed = moment if moment.tzinfo is not None else moment.replace(tzinfo=tz)
    return placed.astimezone(UTC).replace(tzinfo=None)


def write_notebooks(folder: Path, result: Result, handed_in: datetime | None) -> None:
    """Put the autograded notebooks of one learner in place, and the time of handing in.

    Parameters
    ----------
    folder : Path
        ``autograded/LEARNER/ASSIGNMENT``.
    result : Result
        Holds the notebooks. Where one is empty, an older file goes, lest it be shown with scores
        that are not its own; an ``infra_error`` leaves it.
    handed_in : datetime or None
        In UTC, without zone; None leaves what stands.

    Raises
    ------
    PlaceRefusal
        If something stands in the way, or the folder is closed.
    Refusal
        If the disk is full.
    OSError
        If the system fails in a way that is not of this place.
    """
    try:
        with _disk.said(folder):
            _write_notebooks(folder, result, handed_in)
    except OSError as error:
        if not _disk.is_of_one_place(error):
            raise
        msg = _in_the_way(folder, error)
        raise PlaceRefusal(msg) from error
    except Refusal as refusal:
        cause = refusal.__cause__
        if isinstance(cause, OSError) and _disk.is_of_one_place(cause):
            raise PlaceRefusal(str(refusal)) from cause
        raise


def _in_the_way(folder: Path, error: OSError) -> str:
    # The outermost thing that is no folder, or what the system names.
    outer = (path for path in (*reversed(folder.parents), folder) if not path.is_dir())
    path = next((path for path in outer if path.exists() or path.is_symlink()), None)
    named = path or error.filename2 or error.filename or folder
    return (
        f"{named}: an autograded notebook cannot be put there ({error.strerror or error}). Move "
        "away what stands in its place and run the same command again."
    )


def _write_notebooks(folder: Path, result: Result, handed_in: datetime | None) -> None:
    for notebook in result.notebooks:
        path = folder / f"{notebook.name}.ipynb"
        if notebook.autograded:
            _disk.write_whole(path, [notebook.autograded.encode("utf-8", "replace")])
        elif result.status != "infra_error":
            _disk.remove(path)
    if handed_in is not None:
        text = handed_in.strftime("%Y-%m-%d %H:%M:%S.%f UTC\n")
        path = folder / "timestamp.txt"
        if not path.is_file() or path.read_bytes() != text.encode():
            _disk.write_whole(path, [text.encode()])


def untouched(notebook: NotebookResult) -> frozenset[str]:
    """Name the cells that hold what was released: nbgrader comments "No response." on these.

    Parameters
    ----------
    notebook : NotebookResult
        Whose autograded notebook carries the checksums of the release.

    Returns
    -------
    frozenset of str
        Names of solution cells; none if the notebook is not legible.
    """
    try:
        cells = json.loads(notebook.autograded)["cells"] if notebook.autograded else []
        return frozenset(
            str(cell["metadata"]["nbgrader"]["grade_id"])
            for cell in cells
            if _is_solution(cell) and _checksum(cell) == cell["metadata"]["nbgrader"]["checksum"]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return frozenset()


def _is_solution(cell: dict[str, Any]) -> bool:
    marks = cell.get("metadata", {}).get("nbgrader", {})
    return bool(marks.get("solution")) and bool(marks.get("checksum"))


def _checksum(cell: dict[str, Any]) -> str:
    """Compute nbgrader's checksum of a solution cell, as its `compute_checksum` does."""
    marks = cell["metadata"]["nbgrader"]
    source = cell["source"]
    grade = bool(marks.get("grade"))
    parts = [source if isinstance(source, str) else "".join(source), cell["cell_type"]]
    parts += [str(grade), "True", "False", marks["grade_id"]]  # a solution cell is never locked
    if grade:
        parts.append(str(float(marks["points"])))
    joined = "".join(parts).encode("utf-8", "replace")
    return hashlib.md5(joined, usedforsecurity=False).hexdigest()
