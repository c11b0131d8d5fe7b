"""nbgrader's tables, under the names that its rows are spoken of here.

They are written down once more, because nbgrader takes seconds to import and nothing else of it is
needed to grade a class. A test holds both to each other, column by column; `HEAD` is the version
that nbgrader itself writes into its gradebooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Enum,
    Float,
    ForeignKey,
    Interval,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = [
    "ASSIGNMENT",
    "BASE_CELL",
    "COMMENT",
    "COURSE",
    "GRADE",
    "GRADE_CELLS",
    "HEAD",
    "NOTEBOOK",
    "SOLUTION_CELLS",
    "SOURCE_CELL",
    "STUDENT",
    "SUBMITTED_ASSIGNMENT",
    "SUBMITTED_NOTEBOOK",
    "TABLES",
    "TASK_CELLS",
    "chunks",
    "clean",
    "new_id",
]

T = TypeVar("T")

_CHUNK = 500  # names in one statement: both databases take many more

HEAD = "e43177bfe90b"
"""alembic's name for this state of the tables."""

TABLES = MetaData()
"""All of nbgrader's tables."""


def _key(name: str, of: str, *, primary: bool = False, required: bool = False) -> Column[str]:
    """Return a column of ids of another table."""
    kind = String(128 if of in {"course", "student"} else 32)
    nullable = not (primary or required)
    return Column(name, kind, ForeignKey(f"{of}.id"), primary_key=primary, nullable=nullable)


def _id() -> Column[str]:
    return Column("id", String(32), primary_key=True, nullable=False)


def _cell_type(name: str) -> Column[str]:
    return Column("cell_type", Enum("code", "markdown", name=name), nullable=False)


COURSE = Table(
    "course",
    TABLES,
    Column("id", String(128), primary_key=True, nullable=False, unique=True),
)
STUDENT = Table(
    "student",
    TABLES,
    Column("id", String(128), primary_key=True, nullable=False),
    Column("first_name", String(128)),
    Column("last_name", String(128)),
    Column("email", String(128)),
    Column("lms_user_id", String(128)),
)
ASSIGNMENT = Table(
    "assignment",
    TABLES,
    _id(),
    Column("name", String(128), unique=True, nullable=False),
    Column("duedate", DateTime()),
    _key("course_id", "course", required=True),
)
NOTEBOOK = Table(
    "notebook",
    TABLES,
    _id(),
    Column("name", String(128), nullable=False),
    _key("assignment_id", "assignment"),
    Column("kernelspec", String(1024)),
    UniqueConstraint("name", "assignment_id"),
)
BASE_CELL = Table(
    "base_cell",
    TABLES,
    _id(),
    Column("name", String(128), nullable=False),
    _key("notebook_id", "notebook", required=True),
    Column("type", String(50)),
    UniqueConstraint("name", "notebook_id", "type"),
)
GRADE_CELLS = Table(
    "grade_cells",
    TABLES,
    _key("id", "base_cell", primary=True),
    Column("max_score", Float(), nullable=False),
    _cell_type("grade_cell_type"),
)
SOLUTION_CELLS = Table("solution_cells", TABLES, _key("id", "base_cell", primary=True))
TASK_CELLS = Table(
    "task_cells",
    TABLES,
    _key("id", "base_cell", primary=True),
    Column("max_score", Float(), nullable=False),
    _cell_type("grade_cell_type"),
)
SOURCE_CELL = Table(
    "source_cell",
    TABLES,
    _id(),
    Column("name", String(128), nullable=False),
    _cell_type("source_cell_type"),
    Column("locked", Boolean, nullable=False, default=False),
    Column("source", Text()),
    Column("checksum", String(128)),
    _key("notebook_id", "notebook"),
    UniqueConstraint("name", "notebook_id"),
)
SUBMITTED_ASSIGNMENT = Table(
    "submitted_assignment",
    TABLES,
    _id(),
    _key("assignment_id", "assignment"),
    _key("student_id", "student"),
    Column("timestamp", DateTime()),
    Column("extension", Interval()),
    UniqueConstraint("assignment_id", "student_id"),
)
SUBMITTED_NOTEBOOK = Table(
    "submitted_notebook",
    TABLES,
    _id(),
    _key("assignment_id", "submitted_assignment"),
    _key("notebook_id", "notebook"),
    Column("flagged", Boolean, default=False),
    Column("late_submission_penalty", Float(0)),
    UniqueConstraint("notebook_id", "assignment_id"),
)
GRADE = Table(
    "grade",
    TABLES,
    _id(),
    _key("notebook_id", "submitted_notebook"),
    _key("cell_id", "base_cell"),
    Column("auto_score", Float()),
    Column("manual_score", Float()),
    Column("extra_credit", Float()),
    Column("needs_manual_grade", Boolean, default=True, nullable=False),
    UniqueConstraint("cell_id", "notebook_id"),
)
COMMENT = Table(
    "comment",
    TABLES,
    _id(),
    _key("notebook_id", "submitted_notebook"),
    _key("cell_id", "base_cell"),
    Column("auto_comment", Text()),
    Column("manual_comment", Text()),
    UniqueConstraint("cell_id", "notebook_id"),
)


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """Part names so that each part fits one statement.

    Parameters
    ----------
    items : iterable
        Any number.

    Yields
    ------
    list
        At most 500.
    """
    left = iter(items)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk


def new_id() -> str:
    """Draw an id as nbgrader does.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    return uuid4().hex


def clean(text: str, longest: int = 128) -> str:
    r"""Make a text fit a column: PostgreSQL takes no NUL, no half characters, nothing too long.

    Parameters
    ----------
    text : str
        Any text.
    longest : int, default 128
        Characters that the column holds.

    Returns
    -------
    str
        The text, or its beginning.

    Examples
    --------
    >>> clean("Ada\0 Lovelace", 7)
    'Ada Lov'
    """
    whole = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return whole[:longest]
