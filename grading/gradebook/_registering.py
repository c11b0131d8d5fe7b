"""Put a released assignment into the gradebook, as nbgrader's ``generate_assignment`` does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, exists, insert, or_, select, update

from grading.gradebook._tables import (
    ASSIGNMENT,
    BASE_CELL,
    COMMENT,
    COURSE,
    GRADE,
    GRADE_CELLS,
    NOTEBOOK,
    SOLUTION_CELLS,
    SOURCE_CELL,
    SUBMITTED_NOTEBOOK,
    TASK_CELLS,
    new_id,
)
from grading.refusals import Refusal

__all__ = ["register"]

_TABLE_OF = {"GradeCell": GRADE_CELLS, "SolutionCell": SOLUTION_CELLS, "TaskCell": TASK_CELLS}


@dataclass(frozen=True)
class _Cells:
    """The named cells of a notebook: rows by kind and name, and sources by name."""

    by_kind: dict[tuple[str, str], dict[str, Any]]
    sources: dict[str, dict[str, Any]]


def register(
    connection: Connection,
    course_id: str,
    slug: str,
    notebooks: Mapping[str, Mapping[str, Any]],
    due: datetime | None,
) -> None:
    """Register an assignment, or bring what is registered up to date; ids stay.

    Parameters
    ----------
    connection : Connection
        The gradebook, within a transaction.
    course_id : str
        nbgrader's id of the course.
    slug : str
        Name of the assignment.
    notebooks : mapping
        Released notebooks as nested dicts, by name.
    due : datetime or None
        In UTC, without zone, as nbgrader keeps it; None leaves what stands.

    Raises
    ------
    Refusal
        If notebooks or graded cells would vanish for which something is recorded.
    """
    assignment_id = _assignment(connection, course_id, slug, due)
    registered = {
        row.name: row.id
        for row in connection.execute(
            select(NOTEBOOK.c.name, NOTEBOOK.c.id).where(NOTEBOOK.c.assignment_id == assignment_id)
        )
    }
    if surplus := sorted(set(registered) - set(notebooks)):
        msg = (
            f"{slug}: the gradebook holds the notebook {surplus[0]!r} under this name, which the "
            "release does not. Release it under another name, or remove the assignment there "
            f"with: nbgrader db assignment remove {slug}"
        )
        raise Refusal(msg)
    for name, notebook in notebooks.items():
        kernelspec = json.dumps(notebook.get("metadata", {}).get("kernelspec", {}))
        notebook_id = registered.get(name)
        if notebook_id is None:
            notebook_id = new_id()
            row = {"id": notebook_id, "name": name, "assignment_id": assignment_id}
            connection.execute(insert(NOTEBOOK), row | {"kernelspec": kernelspec})
        else:
            of_notebook = update(NOTEBOOK).where(NOTEBOOK.c.id == notebook_id)
            connection.execute(of_notebook.values(kernelspec=kernelspec))
        cells = _cells_of(notebook)
        _match_cells(connection, slug, notebook_id, cells.by_kind)
        _match_sources(connection, notebook_id, cells.sources)


def _assignment(connection: Connection, course_id: str, slug: str, due: datetime | None) -> str:
    known = connection.execute(select(COURSE.c.id).where(COURSE.c.id == course_id)).scalar()
    if known is None:
        connection.execute(insert(COURSE), {"id": course_id})
    found = connection.execute(select(ASSIGNMENT.c.id).where(ASSIGNMENT.c.name == slug)).scalar()
    if found is None:
        found = new_id()
        row = {"id": found, "name": slug, "duedate": due, "course_id": course_id}
        connection.execute(insert(ASSIGNMENT), row)
    elif due is not None:
        connection.execute(update(ASSIGNMENT).where(ASSIGNMENT.c.id == found).values(duedate=due))
    return str(found)


def _cells_of(notebook: Mapping[str, Any]) -> _Cells:
    """Find what nbgrader's ``SaveCells`` would save."""
    by_kind: dict[tuple[str, str], dict[str, Any]] = {}
    sources: dict[str, dict[str, Any]] = {}
    for cell in notebook["cells"]:
        marks = cell.get("metadata", {}).get("nbgrader", {})
        name = marks.get("grade_id")
        flags = {flag: bool(marks.get(flag)) for flag in ("grade", "solution", "task", "locked")}
        if name is None or not any(flags.values()) or cell["cell_type"] == "raw":
            continue
        scored = {"max_score": float(marks.get("points", 0)), "cell_type": cell["cell_type"]}
        if flags["grade"]:
            by_kind["GradeCell", name] = scored
        if flags["solution"]:
            by_kind["SolutionCell", name] = {}
        if flags["task"]:
            by_kind["TaskCell", name] = scored
        source = cell["source"]
        sources[name] = {
            "cell_type": cell["cell_type"],
            "locked": not flags["solution"] and (flags["grade"] or flags["locked"]),
            "source": source if isinstance(source, str) else "".join(source),
            "checksum": marks.get("checksum"),
        }
    return _Cells(by_kind, sources)


def _match_cells(
    connection: Connection,
    slug: str,
    notebook_id: str,
    wanted: dict[tuple[str, str], dict[str, Any]],
) -> None:
    rows = connection.execute(
        select(BASE_CELL.c.type, BASE_CELL.c.name, BASE_CELL.c.id).where(
            BASE_CELL.c.notebook_id == notebook_id
        )
    )
    registered = {(row.type, row.name): row.id for row in rows}
    for cell in set(registered) - set(wanted):
        _drop_cell(connection, slug, cell, registered[cell])
    for (kind, name), values in wanted.items():
        table = _TABLE_OF[kind]
        id_ = registered.get((kind, name))
        if id_ is None:
            id_ = new_id()
            base = {"id": id_, "name": name, "notebook_id": notebook_id, "type": kind}
            connection.execute(insert(BASE_CELL), base)
            connection.execute(insert(table), {"id": id_} | values)
            _add_to_submissions(connection, notebook_id, kind, id_)
        elif values:
            connection.execute(update(table).where(table.c.id == id_).values(values))


def _drop_cell(connection: Connection, slug: str, cell: tuple[str, str], id_: str) -> None:
    """Remove a cell of which nothing is recorded but empty rows."""
    kind, name = cell
    told = or_(COMMENT.c.manual_comment.is_not(None), COMMENT.c.auto_comment.is_not(None))
    given = or_(
        GRADE.c.auto_score.is_not(None),
        GRADE.c.manual_score.is_not(None),
        GRADE.c.extra_credit.is_not(None),
    )
    of_cell = (GRADE.c.cell_id == id_, COMMENT.c.cell_id == id_)
    used = select(exists().where(of_cell[0], given) | exists().where(of_cell[1], told))
    if connection.execute(used).scalar():
        msg = (
            f"{slug}: points or comments are recorded for the cell {name!r}, which the release no "
            "longer has. Release the changed notebook under another name."
        )
        raise Refusal(msg)
    connection.execute(delete(GRADE).where(of_cell[0]))
    connection.execute(delete(COMMENT).where(of_cell[1]))
    connection.execute(delete(_TABLE_OF[kind]).where(_TABLE_OF[kind].c.id == id_))
    connection.execute(delete(BASE_CELL).where(BASE_CELL.c.id == id_))


def _add_to_submissions(connection: Connection, notebook_id: str, kind: str, id_: str) -> None:
    """Give submissions that are recorded already their row of a new cell, still to be graded."""
    submitted = select(SUBMITTED_NOTEBOOK.c.id).where(
        SUBMITTED_NOTEBOOK.c.notebook_id == notebook_id
    )
    ids = list(connection.execute(submitted).scalars())
    tables: list[tuple[Table, dict[str, Any]]] = []
    if kind in {"GradeCell", "TaskCell"}:
        tables.append((GRADE, {"needs_manual_grade": True}))
    if kind in {"SolutionCell", "TaskCell"}:
        tables.append((COMMENT, {}))
    for table, values in tables:
        rows = [{"id": new_id(), "notebook_id": each, "cell_id": id_} | values for each in ids]
        if rows:
            connection.execute(insert(table), rows)


def _match_sources(
    connection: Connection, notebook_id: str, wanted: dict[str, dict[str, Any]]
) -> None:
    rows = connection.execute(
        select(SOURCE_CELL.c.name, SOURCE_CELL.c.id).where(SOURCE_CELL.c.notebook_id == notebook_id)
    )
    registered = {row.name: row.id for row in rows}
    for name in set(registered) - set(wanted):
        connection.execute(delete(SOURCE_CELL).where(SOURCE_CELL.c.id == registered[name]))
    for name, values in wanted.items():
        if name in registered:
            of_cell = update(SOURCE_CELL).where(SOURCE_CELL.c.id == registered[name])
            connection.execute(of_cell.values(values))
        else:
            row = {"id": new_id(), "name": name, "notebook_id": notebook_id}
            connection.execute(insert(SOURCE_CELL), row | values)
