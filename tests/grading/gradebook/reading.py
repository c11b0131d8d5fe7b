"""Read a gradebook back: through nbgrader's api, and row by row."""

from __future__ import annotations

from typing import Any

from nbgrader.api import Base, Gradebook
from sqlalchemy import create_engine, select

from tests.grading.gradebook.cases import SLUG

Scores = dict[str, tuple[float | None, float | None, float, bool]]


def scores(url: str, student: str, slug: str = SLUG) -> Scores:
    """By cell: machine score, score by hand, what counts, whether a person is wanted."""
    with Gradebook(url, "nn") as gradebook:
        book = gradebook.find_submission_notebook(slug, slug, student)
        return {
            grade.name: (
                grade.auto_score,
                grade.manual_score,
                grade.score,
                grade.needs_manual_grade,
            )
            for grade in book.grades
        }


def comments(url: str, student: str) -> dict[str, tuple[str | None, str | None]]:
    """By cell: the machine's comment and the person's."""
    with Gradebook(url, "nn") as gradebook:
        book = gradebook.find_submission_notebook(SLUG, SLUG, student)
        return {each.name: (each.auto_comment, each.manual_comment) for each in book.comments}


def rows(url: str, *, ids: bool = False, without: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """Every row of every table; ids replaced by names, so that two gradebooks can be compared."""
    engine = create_engine(url)
    tables = Base.metadata.tables
    try:
        with engine.connect() as connection:
            found = {
                name: [dict(row._mapping) for row in connection.execute(select(table))]
                for name, table in tables.items()
            }
    finally:
        engine.dispose()
    if not ids:
        _name_ids(found)
    for name in without:
        del found[name]
    return {name: sorted(map(repr, table)) for name, table in found.items()}


def _name_ids(found: dict[str, list[Any]]) -> None:
    names: dict[str, str] = {row["id"]: row["name"] for row in found["assignment"]}
    for row in found["notebook"]:
        names[row["id"]] = f"{names[row['assignment_id']]}/{row['name']}"
    for row in found["base_cell"]:
        names[row["id"]] = f"{names[row['notebook_id']]}/{row['type']} {row['name']}"
    for row in found["source_cell"]:
        names[row["id"]] = f"source of {names[row['notebook_id']]}/{row['name']}"
    for row in found["submitted_assignment"]:
        names[row["id"]] = f"{row['student_id']}: {names[row['assignment_id']]}"
    for row in found["submitted_notebook"]:
        names[row["id"]] = f"{names[row['assignment_id']]}: {names[row['notebook_id']]}"
    for table in ("grade", "comment"):
        for row in found[table]:
            names[row["id"]] = f"{table} {names[row['notebook_id']]} {names[row['cell_id']]}"
    for table in found.values():
        for row in table:
            for column in [each for each in row if each.endswith("id")]:
                row[column] = names.get(row[column], row[column])
