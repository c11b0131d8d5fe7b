"""Rows of one assignment for many learners, in a handful of statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from sqlalchemy import Connection, Table, and_, case, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from grading.gradebook._counting import charge
from grading.gradebook._layout import Layout, NotebookLayout
from grading.gradebook._notebooks import to_utc, untouched
from grading.gradebook._record import Learner, Record
from grading.gradebook._tables import (
    COMMENT,
    GRADE,
    STUDENT,
    SUBMITTED_ASSIGNMENT,
    SUBMITTED_NOTEBOOK,
    chunks,
    clean,
    new_id,
)
from grading.results import CellResult, NotebookResult

__all__ = ["upsert_results", "upsert_students"]


@dataclass(frozen=True)
class _Submitted:
    """One notebook of one record, and its row."""

    record: Record
    layout: NotebookLayout
    found: NotebookResult | None
    id: str


def _upsert(
    connection: Connection,
    table: Table,
    rows: list[dict[str, Any]],
    key: Sequence[str],
    changes: Sequence[str] = (),
    special: Mapping[str, Any] | None = None,
) -> None:
    """Insert rows; where the natural key is taken, change some columns, or nothing.

    `special` holds expressions by column, made from what is `excluded` (see `_expressions`).
    """
    if not rows:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table)
    changed = {name: statement.excluded[name] for name in changes}
    if special is not None:
        changed |= {name: make(statement.excluded) for name, make in special.items()}
    if changed:
        # A row that says the same already is not written again.
        differs = or_(*(table.c[name].is_distinct_from(new) for name, new in changed.items()))
        statement = statement.on_conflict_do_update(
            index_elements=list(key), set_=changed, where=differs
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(key))
    if dialect is sqlite:
        connection.execute(statement, rows)
    else:
        # Asked for an answer, SQLAlchemy sends a thousand rows at once instead of one by one.
        connection.execute(statement.returning(table.c.id), rows)


def upsert_students(connection: Connection, learners: Iterable[Learner]) -> None:
    """Bring the students' rows up to date; what the roster leaves empty stays as it is.

    Parameters
    ----------
    connection : Connection
        The gradebook, within a transaction.
    learners : iterable of Learner
        Each once.
    """
    rows = [
        {
            "id": learner.id,
            "first_name": clean(learner.first_name) or None,
            "last_name": clean(learner.last_name) or None,
            "email": clean(learner.email) or None,
            "lms_user_id": clean(learner.lms_user_id) or None,
        }
        for learner in sorted(learners, key=lambda each: each.id)
    ]
    columns = ("first_name", "last_name", "email", "lms_user_id")
    special = {
        name: (lambda new, name=name: func.coalesce(new[name], STUDENT.c[name])) for name in columns
    }
    _upsert(connection, STUDENT, rows, ["id"], special=special)


def upsert_results(
    connection: Connection, layout: Layout, records: Sequence[Record], tz: tzinfo
) -> list[str]:
    """Bring everything that belongs to some records up to date.

    Parameters
    ----------
    connection : Connection
        The gradebook, within a transaction.
    layout : Layout
        The assignment.
    records : sequence of Record
        All of this assignment, each of another learner.
    tz : tzinfo
        Time zone of times without one.

    Returns
    -------
    list of str
        Ids of the learners whose submission was there before, so that a person may have looked at
        it.
    """
    made = {record.learner.id: new_id() for record in records}
    submissions = _submissions(connection, layout, records, made, tz)
    submitted = _submitted_notebooks(connection, layout, records, submissions)
    _grades(connection, submitted)
    _comments(connection, submitted)
    before = {who for who, id_ in submissions.items() if id_ != made[who]}
    penalties = {each.learner.id: each.penalty for each in records}
    # A new row says already that nothing is lost.
    charge(connection, layout, {who: p for who, p in penalties.items() if p or who in before})
    return sorted(before)


def _submissions(
    connection: Connection,
    layout: Layout,
    records: Sequence[Record],
    made: Mapping[str, str],
    tz: tzinfo,
) -> dict[str, str]:
    """Return the ids of the learners' submissions by learner: what was made for them, or older."""
    rows = [
        {
            "id": made[record.learner.id],
            "assignment_id": layout.id,
            "student_id": record.learner.id,
            "timestamp": to_utc(record.handed_in, tz),
        }
        for record in records
    ]
    table = SUBMITTED_ASSIGNMENT
    kept = {"timestamp": lambda new: func.coalesce(new.timestamp, table.c.timestamp)}
    _upsert(connection, table, rows, ["assignment_id", "student_id"], special=kept)
    found: dict[str, str] = {}
    for ids in chunks(record.learner.id for record in records):
        query = select(table.c.student_id, table.c.id).where(
            table.c.assignment_id == layout.id, table.c.student_id.in_(ids)
        )
        found.update((student, id_) for student, id_ in connection.execute(query))
    return found


def _submitted_notebooks(
    connection: Connection,
    layout: Layout,
    records: Sequence[Record],
    submissions: Mapping[str, str],
) -> list[_Submitted]:
    table = SUBMITTED_NOTEBOOK
    rows = [
        {
            "id": new_id(),
            "assignment_id": submissions[record.learner.id],
            "notebook_id": notebook.id,
            "flagged": False,
        }
        for record in records
        for notebook in layout.notebooks.values()
    ]
    _upsert(connection, table, rows, ["notebook_id", "assignment_id"])
    places = [notebook.id for notebook in layout.notebooks.values()]
    ids: dict[tuple[str, str], str] = {}
    for chunk in chunks(submissions.values()):
        query = select(table.c.assignment_id, table.c.notebook_id, table.c.id).where(
            table.c.notebook_id.in_(places),  # named with it, so that an index finds them
            table.c.assignment_id.in_(chunk),
        )
        ids.update(((of, notebook), id_) for of, notebook, id_ in connection.execute(query))
    found = []
    for record in records:
        results = {each.name: each for each in record.result.notebooks}
        for name, notebook in layout.notebooks.items():
            id_ = ids[submissions[record.learner.id], notebook.id]
            found.append(_Submitted(record, notebook, results.get(name), id_))
    return found


def _grades(connection: Connection, submitted: Sequence[_Submitted]) -> None:
    """Write machine scores; what people gave is not touched.

    nbgrader's rule says when a person is wanted: there is a score by hand, which may be out of
    date now, or there is none by the machine.
    """
    latest: list[dict[str, Any]] = []
    higher: list[dict[str, Any]] = []
    only_new: list[dict[str, Any]] = []
    for each in submitted:
        cells = {cell.grade_id: cell for cell in each.found.cells} if each.found else {}
        ours = each.record.result.status == "infra_error"
        for name, cell_id in each.layout.graded.items():
            cell = cells.get(name)
            score = _score(each, cell)
            row = {
                "id": new_id(),
                "notebook_id": each.id,
                "cell_id": cell_id,
                "auto_score": score,
                "needs_manual_grade": score is None,
            }
            # A failure of ours says nothing about the answer: an older score stays.
            if cell.status == "infra_error" if cell is not None else ours:
                only_new.append(row)
            else:
                (higher if each.record.keep == "higher" else latest).append(row)
    old = GRADE.c
    key = ["cell_id", "notebook_id"]

    def needs(new: Any) -> Any:
        return or_(old.manual_score.is_not(None), new.auto_score.is_(None))

    def the_higher(new: Any) -> Any:
        stays = and_(
            old.auto_score.is_not(None),
            new.auto_score.is_not(None),
            old.auto_score > new.auto_score,
        )
        return case((stays, old.auto_score), else_=new.auto_score)

    needed = {"needs_manual_grade": needs}
    _upsert(connection, GRADE, latest, key, ["auto_score"], needed)
    _upsert(connection, GRADE, higher, key, special={"auto_score": the_higher} | needed)
    _upsert(connection, GRADE, only_new, key)


def _score(each: _Submitted, cell: CellResult | None) -> float | None:
    """Return a cell's machine score; 0 in a notebook that was not handed in, as in nbgrader."""
    if cell is not None:
        return cell.score
    if each.found is None and each.record.result.status != "infra_error":
        return 0.0
    return None


def _comments(connection: Connection, submitted: Sequence[_Submitted]) -> None:
    rows = []
    for each in submitted:
        blank = untouched(each.found) if each.found is not None else frozenset()
        rows += [
            {
                "id": new_id(),
                "notebook_id": each.id,
                "cell_id": cell_id,
                "auto_comment": "No response."
                if name in blank and name not in each.layout.tasks
                else None,
            }
            for name, cell_id in each.layout.commented.items()
        ]
    _upsert(connection, COMMENT, rows, ["cell_id", "notebook_id"], ["auto_comment"])
