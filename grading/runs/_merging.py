"""Put an old result and a new one together: only what was judged anew may change, and only up."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from grading.results import CellResult, NotebookResult, Result, Status, worst

__all__ = ["differences", "may_merge", "may_stand_in", "merged"]


def may_merge(old: Result, new: Result) -> bool:
    """Tell whether scores of an old result may stand in a new one.

    What ran without a sandbox may have been forged by the submission. It may take over a verdict
    from within the sandbox, since it carries the mark of what is less trusted; never the reverse.

    Parameters
    ----------
    old, new : Result
        Of one submission.

    Returns
    -------
    bool
        False where the verdict of the sandbox stands alone.
    """
    return may_stand_in(old, new.sandbox)


def may_stand_in(old: Result, mark: str) -> bool:
    """Tell the same of a result that is still to come.

    Parameters
    ----------
    old : Result
        What is known.
    mark : {"bubblewrap", "none"}
        How the new one will be isolated.

    Returns
    -------
    bool
        As `may_merge`.
    """
    return old.sandbox == mark or mark == "none"


def merged(old: Result, new: Result, changed: frozenset[str] | None) -> Result:
    """Take changed exercises from a new result where they are worth more, all else from the old.

    Parameters
    ----------
    old : Result
        Of the same submission, held to the version before.
    new : Result
        Held to the version that counts now.
    changed : frozenset of str or None
        Exercises that are judged otherwise by it; None for all.

    Returns
    -------
    Result
        With key and version of the new one. Where nothing of the old one had to be kept, it is
        the new one, and likewise where `may_merge` says no.
    """
    if not may_merge(old, new):
        return new
    before = {(book.name, cell.grade_id): cell for book in old.notebooks for cell in book.cells}
    notebooks = {book.name: book for book in old.notebooks}
    books = tuple(_book(book, notebooks.get(book.name), before, changed) for book in new.notebooks)
    if books == new.notebooks:
        return new
    return replace(new, notebooks=books, status=_status(books))


def _book(
    new: NotebookResult,
    old: NotebookResult | None,
    before: dict[tuple[str, str], CellResult],
    changed: frozenset[str] | None,
) -> NotebookResult:
    cells = tuple(_cell(cell, before.get((new.name, cell.grade_id)), changed) for cell in new.cells)
    if cells == new.cells or old is None:
        return new
    kept = {cell.grade_id for cell, other in zip(cells, new.cells, strict=True) if cell != other}
    return replace(new, cells=cells, autograded=_outputs_kept(new.autograded, old.autograded, kept))


def _cell(new: CellResult, old: CellResult | None, changed: frozenset[str] | None) -> CellResult:
    if old is None:
        return new
    was_judged_anew = changed is None or not new.exercise or new.exercise in changed
    if was_judged_anew and (new.score or 0.0) >= (old.score or 0.0):
        return new
    # A mended exercise may be worth other points than before; the cell says what it is worth now.
    score = None if old.score is None else min(old.score, new.max_score)
    return replace(old, score=score, max_score=new.max_score)


def _outputs_kept(new: str, old: str, names: set[str]) -> str:
    """Show beside a score that was kept what was said with it. Both texts are our own."""
    try:
        content, before = json.loads(new), json.loads(old)
    except ValueError:  # one of them is empty: there was nothing to rebuild
        return new
    outputs = {_name(cell): cell.get("outputs", []) for cell in before["cells"]}
    for cell in content["cells"]:
        if _name(cell) in names & outputs.keys() and "outputs" in cell:
            cell["outputs"] = outputs[_name(cell)]
    return json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":")) + "\n"


def _name(cell: dict[str, Any]) -> str:
    return str(cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", ""))


def _status(books: tuple[NotebookResult, ...]) -> Status:
    statuses: list[Status] = []
    for cell in (cell for book in books for cell in book.cells):
        is_short = cell.score is not None and cell.score < cell.max_score
        if cell.status == "not_started" or cell.status == "manual":
            statuses += ["failed_tests"] if is_short and cell.status == "not_started" else []
        elif is_short or cell.status != "failed_tests":
            statuses.append(cell.status)
    return worst(statuses)


def differences(old: Result, new: Result) -> list[str]:
    """List cells whose score differs, one phrase each.

    Parameters
    ----------
    old, new : Result
        Of one submission.

    Returns
    -------
    list of str
        As in ``"relu_backward 2 → 4 of 4"``.
    """
    before = {(book.name, cell.grade_id): cell for book in old.notebooks for cell in book.cells}
    found = []
    for book in new.notebooks:
        for cell in book.cells:
            was = before.get((book.name, cell.grade_id))
            if was is None or was.score != cell.score:
                scores = [
                    "none" if each is None or each.score is None else f"{each.score:g}"
                    for each in (was, cell)
                ]
                name = cell.exercise or cell.grade_id
                found.append(f"{name} {scores[0]} → {scores[1]} of {cell.max_score:g}")
    return found
