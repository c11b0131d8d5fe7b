"""nbgrader's tables, under the names that its rows are spoken of here."""

from __future__ import annotations

from uuid import uuid4

from nbgrader.api import Base
from sqlalchemy import Table

__all__ = [
    "ASSIGNMENT",
    "BASE_CELL",
    "COMMENT",
    "COURSE",
    "GRADE",
    "GRADE_CELLS",
    "NOTEBOOK",
    "SOLUTION_CELLS",
    "SOURCE_CELL",
    "STUDENT",
    "SUBMITTED_ASSIGNMENT",
    "SUBMITTED_NOTEBOOK",
    "TASK_CELLS",
    "clean",
    "new_id",
]

_TABLES: dict[str, Table] = dict(Base.metadata.tables)
ASSIGNMENT = _TABLES["assignment"]
BASE_CELL = _TABLES["base_cell"]
COMMENT = _TABLES["comment"]
COURSE = _TABLES["course"]
GRADE = _TABLES["grade"]
GRADE_CELLS = _TABLES["grade_cells"]
NOTEBOOK = _TABLES["notebook"]
SOLUTION_CELLS = _TABLES["solution_cells"]
SOURCE_CELL = _TABLES["source_cell"]
STUDENT = _TABLES["student"]
SUBMITTED_ASSIGNMENT = _TABLES["submitted_assignment"]
SUBMITTED_NOTEBOOK = _TABLES["submitted_notebook"]
TASK_CELLS = _TABLES["task_cells"]


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
