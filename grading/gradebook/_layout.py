"""What an assignment consists of, as the gradebook has it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from grading.gradebook._tables import ASSIGNMENT, BASE_CELL, NOTEBOOK

__all__ = ["Layout", "NotebookLayout", "layout_of"]


@dataclass(frozen=True)
class NotebookLayout:
    """One notebook of an assignment.

    Attributes
    ----------
    id : str
        Its id.
    graded : dict of str to str
        Ids of grade cells and task cells by name.
    commented : dict of str to str
        Ids of solution cells and task cells by name.
    tasks : set of str
        Names of the task cells.
    """

    id: str
    graded: dict[str, str] = field(default_factory=dict)
    commented: dict[str, str] = field(default_factory=dict)
    tasks: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Layout:
    """An assignment.

    Attributes
    ----------
    id : str
        Its id.
    notebooks : dict of str to NotebookLayout
        By name.
    """

    id: str
    notebooks: dict[str, NotebookLayout]


def layout_of(connection: Connection, slug: str) -> Layout | None:
    """Read the layout of an assignment.

    Parameters
    ----------
    connection : Connection
        The gradebook.
    slug : str
        The assignment's name.

    Returns
    -------
    Layout or None
        None if it is not registered.
    """
    found = connection.execute(select(ASSIGNMENT.c.id).where(ASSIGNMENT.c.name == slug)).scalar()
    if found is None:
        return None
    rows = connection.execute(
        select(NOTEBOOK.c.name, NOTEBOOK.c.id)
        .where(NOTEBOOK.c.assignment_id == found)
        .order_by(NOTEBOOK.c.name)
    )
    notebooks = {name: NotebookLayout(id_) for name, id_ in rows}
    by_id = {each.id: each for each in notebooks.values()}
    cells = connection.execute(
        select(BASE_CELL.c.notebook_id, BASE_CELL.c.name, BASE_CELL.c.id, BASE_CELL.c.type).where(
            BASE_CELL.c.notebook_id.in_(list(by_id))
        )
    )
    for notebook_id, name, id_, kind in cells:
        notebook = by_id[notebook_id]
        if kind in {"GradeCell", "TaskCell"}:
            notebook.graded[name] = id_
        if kind in {"SolutionCell", "TaskCell"}:
            notebook.commented[name] = id_
        if kind == "TaskCell":
            notebook.tasks.add(name)
    return Layout(found, notebooks)
