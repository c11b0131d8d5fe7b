"""Read scores, comments and rubrics from nbgrader's gradebook. Nothing is written.

The final score is nbgrader's: manual scores stand before the machine's, extra credit is added, the
late penalty is taken off, and less than nothing is nothing.
"""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grading.refusals import Refusal

if TYPE_CHECKING:
    from nbgrader.api import Gradebook

_INSTRUCTORS = re.compile(
    r"^[^\n]*BEGIN (HIDDEN TESTS|MARK SCHEME).*?(?:END \1[^\n]*(?:\n|\Z)|\Z)",
    re.DOTALL | re.MULTILINE,
)
_SCHEME = re.compile(r"BEGIN MARK SCHEME[^\n]*\n(.*?)(?:\n[^\n]*END MARK SCHEME|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Mark:
    """What the gradebook holds about one graded cell of one learner.

    Attributes
    ----------
    notebook, cell : str
        Names.
    max_score : float
        Points to be had.
    auto, manual : float or None
        Points by the machine, by a person.
    extra : float
        Extra credit.
    waiting : bool
        Whether a person has still to look at it.
    """

    notebook: str
    cell: str
    max_score: float
    auto: float | None
    manual: float | None
    extra: float
    waiting: bool

    @property
    def score(self) -> float:
        """Points that count: the person's before the machine's, and extra credit."""
        counted = self.manual if self.manual is not None else self.auto
        return float(counted or 0.0) + self.extra


@dataclass(frozen=True)
class Recorded:
    """One learner's assignment, as the gradebook has it.

    Attributes
    ----------
    student, assignment : str
        Their names in the gradebook.
    handed_in, due : datetime or None
        In UTC; the due date with the learner's extension.
    marks : tuple of Mark
        One a graded cell.
    comments : mapping of (str, str) to str
        Those that a person wrote, by notebook and cell.
    penalty : float
        Points taken off for being late.
    max_points : float
        Points to be had in the assignment.
    """

    student: str
    assignment: str
    handed_in: datetime | None
    due: datetime | None
    marks: tuple[Mark, ...]
    comments: Mapping[tuple[str, str], str] = field(default_factory=dict)
    penalty: float = 0.0
    max_points: float = 0.0

    @property
    def points(self) -> float:
        """Points before the penalty."""
        return float(sum(mark.score for mark in self.marks))

    @property
    def final(self) -> float:
        """Points that count in the end."""
        return max(0.0, self.points - self.penalty)

    @property
    def waiting(self) -> bool:
        """Whether a person has still to look at some cell."""
        return any(mark.waiting for mark in self.marks)


@contextmanager
def gradebook(db_url: str) -> Generator[Gradebook]:
    """Open the gradebook for reading.

    Parameters
    ----------
    db_url : str
        As nbgrader takes it: ``"sqlite:////path/gradebook.db"``.

    Yields
    ------
    Gradebook
        nbgrader's; closed on leaving.

    Raises
    ------
    Refusal
        If there is none yet, or it cannot be opened.
    """
    file = db_url.removeprefix("sqlite:///") if db_url.startswith("sqlite:///") else ""
    if file and not Path(file).is_file():
        msg = f"{file}: there is no gradebook yet. Begin with: nncourse grade SUBMISSIONS"
        raise Refusal(msg)
    from nbgrader.api import Gradebook  # instructors only
    from sqlalchemy.exc import SQLAlchemyError

    try:
        opened = Gradebook(db_url, course_id="")  # an empty name adds no row for a course
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        where = file or db_url.rpartition("@")[2]  # never the password
        msg = f"{where}: the gradebook cannot be opened: {reason}. Is it nbgrader's, and running?"
        raise Refusal(msg) from error
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="sqlalchemy")
            yield opened
    finally:
        opened.close()


def recorded(book: Gradebook, assignment: str) -> dict[str, Recorded]:
    """Read one assignment of the whole class, in five queries.

    Parameters
    ----------
    book : Gradebook
        An open gradebook.
    assignment : str
        Its name.

    Returns
    -------
    dict of str to Recorded
        By student id; empty if the gradebook does not know the assignment.
    """
    from nbgrader import api

    db = book.db
    handed = (
        db
        .query(
            api.SubmittedAssignment.id,
            api.SubmittedAssignment.student_id,
            api.SubmittedAssignment.timestamp,
            api.SubmittedAssignment.extension,
            api.Assignment.duedate,
        )
        .join(api.Assignment, api.SubmittedAssignment.assignment_id == api.Assignment.id)
        .filter(api.Assignment.name == assignment)
        .all()
    )
    notebooks = (
        db
        .query(
            api.SubmittedNotebook.id,
            api.SubmittedNotebook.assignment_id,
            api.Notebook.name,
            api.SubmittedNotebook.late_submission_penalty,
        )
        .join(api.Notebook, api.SubmittedNotebook.notebook_id == api.Notebook.id)
        .join(api.Assignment, api.Notebook.assignment_id == api.Assignment.id)
        .filter(api.Assignment.name == assignment)
        .all()
    )
    owner = {row[0]: (row[1], row[2]) for row in notebooks}
    most = _max_scores(book, assignment)
    marks: dict[str, list[Mark]] = defaultdict(list)
    for notebook_id, mark in _marks(book, assignment, owner, most):
        marks[owner[notebook_id][0]].append(mark)
    comments: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for notebook_id, cell, text in _comments(book, assignment):
        if notebook_id in owner and text:
            submission, name = owner[notebook_id]
            comments[submission][name, cell] = text
    penalties: dict[str, float] = defaultdict(float)
    for _, submission, _, penalty in notebooks:
        penalties[submission] += float(penalty or 0.0)
    return {
        student: Recorded(
            student=student,
            assignment=assignment,
            handed_in=_aware(at),
            due=_aware(due + extension if due and extension else due),
            marks=tuple(marks[submission]),
            comments=comments[submission],
            penalty=penalties[submission],
            max_points=float(sum(most.values())),
        )
        for submission, student, at, extension, due in handed
    }


def rubrics(book: Gradebook, assignment: str) -> dict[tuple[str, str], str]:
    """Read the mark schemes of manual cells from the instructor's sources.

    Parameters
    ----------
    book : Gradebook
        An open gradebook.
    assignment : str
        Its name.

    Returns
    -------
    dict of (str, str) to str
        By notebook and cell.
    """
    from nbgrader import api

    rows = (
        db_rows
        for db_rows in book.db
        .query(api.Notebook.name, api.SourceCell.name, api.SourceCell.source)
        .join(api.Notebook, api.SourceCell.notebook_id == api.Notebook.id)
        .join(api.Assignment, api.Notebook.assignment_id == api.Assignment.id)
        .filter(api.Assignment.name == assignment)
        .all()
    )
    found = {(notebook, cell): mark_scheme(source or "") for notebook, cell, source in rows}
    return {place: text for place, text in found.items() if text}


def mark_scheme(source: str) -> str:
    r"""Return what stands between nbgrader's marks of a mark scheme.

    Parameters
    ----------
    source : str
        A cell.

    Returns
    -------
    str
        The rubric, or empty.

    Examples
    --------
    >>> mark_scheme("Why?\n=== BEGIN MARK SCHEME ===\n1 point: the sign\n=== END MARK SCHEME ===")
    '1 point: the sign'
    """
    return "\n\n".join(part.strip() for part in _SCHEME.findall(source)).strip()


def learners_part(source: str) -> str:
    r"""Return a cell without the regions that are the instructor's: hidden tests, mark schemes.

    Parameters
    ----------
    source : str
        A cell of an autograded notebook.

    Returns
    -------
    str
        What is left.

    Examples
    --------
    >>> learners_part("a\n### BEGIN HIDDEN TESTS\nassert f(3) == 4\n### END HIDDEN TESTS\nb")
    'a\nb'
    """
    return _INSTRUCTORS.sub("", source)


def _max_scores(book: Gradebook, assignment: str) -> dict[str, float]:
    """Return the points to be had by cell, ids as the database has them."""
    from nbgrader import api

    return {
        cell: float(points or 0.0)
        for kind in (api.GradeCell, api.TaskCell)
        for cell, points in _of_assignment(
            book.db.query(kind.id, kind.max_score), assignment, kind.notebook_id
        )
    }


def _marks(
    book: Gradebook,
    assignment: str,
    owner: Mapping[str, tuple[str, str]],
    most: Mapping[str, float],
) -> Iterator[tuple[str, Mark]]:
    from nbgrader import api

    rows = _of_assignment(
        book.db.query(
            api.Grade.notebook_id,
            api.Grade.cell_id,
            api.BaseCell.name,
            api.Grade.auto_score,
            api.Grade.manual_score,
            api.Grade.extra_credit,
            api.Grade.needs_manual_grade,
        ).join(api.BaseCell, api.Grade.cell_id == api.BaseCell.id),
        assignment,
    )
    for notebook_id, cell_id, name, auto, manual, extra, waiting in rows:
        if notebook_id in owner:
            points = most.get(cell_id, 0.0)
            book_name = owner[notebook_id][1]
            yield (
                notebook_id,
                Mark(book_name, name, points, auto, manual, float(extra or 0.0), bool(waiting)),
            )


def _comments(book: Gradebook, assignment: str) -> Any:
    from nbgrader import api

    return _of_assignment(
        book.db.query(api.Comment.notebook_id, api.BaseCell.name, api.Comment.manual_comment).join(
            api.BaseCell, api.Comment.cell_id == api.BaseCell.id
        ),
        assignment,
    )


def _of_assignment(query: Any, assignment: str, notebook_id: Any = None) -> Any:
    """Keep what belongs to an assignment, by the notebook of its cell."""
    from nbgrader import api

    column = api.BaseCell.notebook_id if notebook_id is None else notebook_id
    return (
        query
        .join(api.Notebook, column == api.Notebook.id)
        .join(api.Assignment, api.Notebook.assignment_id == api.Assignment.id)
        .filter(api.Assignment.name == assignment)
        .all()
    )


def _aware(moment: datetime | None) -> datetime | None:
    """Say that nbgrader's times are in UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
