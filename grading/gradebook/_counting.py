"""What counts of a submission: people's points before the machine's, less what lateness costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, or_, select, update

from grading.gradebook._layout import Layout
from grading.gradebook._record import Penalty
from grading.gradebook._tables import GRADE, SUBMITTED_ASSIGNMENT, SUBMITTED_NOTEBOOK, chunks

__all__ = ["Overruled", "Standing", "charge", "overruled", "standings"]

_SAME = 1e-9  # points: they come back from the database as they went in, or nearly so


@dataclass(frozen=True)
class Standing:
    """What a submission is worth in the gradebook.

    Attributes
    ----------
    points : float
        A person's where one gave any, else the machine's, and extra credit.
    penalty : float
        Points that lateness costs.
    """

    points: float
    penalty: float


@dataclass(frozen=True)
class Overruled:
    """A machine's score that does not count, since a person gave another one.

    Attributes
    ----------
    notebook : str
        Name of the notebook.
    grade_id : str
        The cell.
    by_person, by_machine : float
        Points.
    """

    notebook: str
    grade_id: str
    by_person: float
    by_machine: float


def charge(connection: Connection, layout: Layout, penalties: Mapping[str, Penalty]) -> None:
    """Set what lateness costs, of the points that stand in the gradebook now.

    Only what changes is written; scores and what waits for a person stay as they are.

    Parameters
    ----------
    connection : Connection
        The gradebook, within a transaction.
    layout : Layout
        The assignment.
    penalties : mapping of str to float or callable
        By learner, as in `Record`. Who has no submission in the gradebook is passed over.
    """
    if not penalties:
        return
    books = _books(connection, layout, penalties)
    late = {who for who, penalty in penalties.items() if callable(penalty) or penalty > 0}
    points = _points(connection, layout, [id_ for id_, who, _ in books if who in late])
    left: dict[str, float] = {}  # of a penalty for all notebooks together
    changes: list[dict[str, Any]] = []
    for id_, who, before in books:
        taken = None
        if who in late:
            penalty, earned = penalties[who], points.get(id_, 0.0)
            wanted = penalty(earned) if callable(penalty) else left.get(who, penalty)
            taken = min(max(wanted, 0.0), earned)
            left[who] = wanted - taken
        if (taken is None) != (before is None) or abs((taken or 0.0) - (before or 0.0)) > _SAME:
            changes.append({"of": id_, "taken": taken})
    if changes:
        table = SUBMITTED_NOTEBOOK
        of_notebook = update(table).where(table.c.id == bindparam("of"))
        connection.execute(of_notebook.values(late_submission_penalty=bindparam("taken")), changes)


def standings(
    connection: Connection, layout: Layout, learners: Iterable[str]
) -> dict[str, Standing]:
    """Read what submissions are worth.

    Parameters
    ----------
    connection : Connection
        The gradebook.
    layout : Layout
        The assignment.
    learners : iterable of str
        Ids.

    Returns
    -------
    dict of str to Standing
        By learner, of those whose submission is in the gradebook.
    """
    books = _books(connection, layout, learners)
    points = _points(connection, layout, [id_ for id_, _, _ in books])
    found: dict[str, Standing] = {}
    for id_, who, penalty in books:
        before = found.get(who, Standing(0.0, 0.0))
        found[who] = Standing(
            before.points + points.get(id_, 0.0), before.penalty + (penalty or 0.0)
        )
    return found


def overruled(
    connection: Connection, layout: Layout, learners: Iterable[str]
) -> dict[str, list[Overruled]]:
    """Find where a person's points stand in place of other ones that the machine gives.

    Parameters
    ----------
    connection : Connection
        The gradebook.
    layout : Layout
        The assignment.
    learners : iterable of str
        Ids.

    Returns
    -------
    dict of str to list of Overruled
        By learner, in the assignment's order; nearly always empty.
    """
    names = {
        cell_id: (book, name)
        for book, notebook in layout.notebooks.items()
        for name, cell_id in notebook.graded.items()
    }
    places = {cell_id: i for i, cell_id in enumerate(names)}
    owners = {id_: who for id_, who, _ in _books(connection, layout, learners)}
    rows: list[Any] = []
    for ids in chunks(owners):
        query = select(
            GRADE.c.notebook_id, GRADE.c.cell_id, GRADE.c.manual_score, GRADE.c.auto_score
        ).where(
            GRADE.c.cell_id.in_(list(names)),
            GRADE.c.notebook_id.in_(ids),
            func.abs(GRADE.c.manual_score - GRADE.c.auto_score) > _SAME,  # both are there
        )
        rows += connection.execute(query).all()
    found: dict[str, list[Overruled]] = {}
    for id_, cell_id, manual, auto in sorted(rows, key=lambda row: places[row.cell_id]):
        which = Overruled(*names[cell_id], float(manual), float(auto))
        found.setdefault(owners[id_], []).append(which)
    return found


def _books(
    connection: Connection, layout: Layout, learners: Iterable[str]
) -> list[tuple[str, str, float | None]]:
    """List the learners' notebooks: id, learner, penalty; each one's in the layout's order."""
    place = {notebook.id: i for i, notebook in enumerate(layout.notebooks.values())}
    book, submission = SUBMITTED_NOTEBOOK.c, SUBMITTED_ASSIGNMENT.c
    found: list[tuple[str, str, float | None]] = []
    for who in chunks(learners):
        # In two steps, each by an index: a join of both looks at every notebook there is.
        of_these = select(submission.id, submission.student_id).where(
            submission.assignment_id == layout.id, submission.student_id.in_(who)
        )
        owners: dict[str, str] = {}
        owners.update((id_, student) for id_, student in connection.execute(of_these))
        query = select(
            book.id, book.assignment_id, book.late_submission_penalty, book.notebook_id
        ).where(book.notebook_id.in_(list(place)), book.assignment_id.in_(list(owners)))
        rows = sorted(connection.execute(query), key=lambda row: place[row.notebook_id])
        found += [(id_, owners[of], penalty) for id_, of, penalty, _ in rows]
    return found


def _points(connection: Connection, layout: Layout, books: Sequence[str]) -> dict[str, float]:
    """Add up what counts before lateness, by notebook, as nbgrader does."""
    # Named together with the cells, notebooks are found by an index.
    cells = [id_ for notebook in layout.notebooks.values() for id_ in notebook.graded.values()]
    score = func.coalesce(GRADE.c.manual_score, GRADE.c.auto_score, 0.0) + case(
        (
            or_(GRADE.c.manual_score.is_not(None), GRADE.c.auto_score.is_not(None)),
            func.coalesce(GRADE.c.extra_credit, 0.0),
        ),
        else_=0.0,
    )
    points: dict[str, float] = {}
    for ids in chunks(books):
        query = (
            select(GRADE.c.notebook_id, func.sum(score))
            .where(GRADE.c.cell_id.in_(cells), GRADE.c.notebook_id.in_(ids))
            .group_by(GRADE.c.notebook_id)
        )
        points.update((id_, float(total)) for id_, total in connection.execute(query))
    return points
