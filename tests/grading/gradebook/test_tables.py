"""The tables are nbgrader's, to the letter, without its import."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from nbgrader.api import Base
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import Enum, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateTable

from grading.gradebook._tables import HEAD, TABLES, clean


def _statement(table: Table, dialect: Dialect) -> list[str]:
    """Return the lines that create a table; constraints come in no order."""
    return sorted(str(CreateTable(table).compile(dialect=dialect)).replace(",", "").split("\n"))


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=lambda d: d.name)
@pytest.mark.parametrize("name", sorted(Base.metadata.tables))
def test_a_table_is_created_by_the_statement_that_nbgrader_uses(
    name: str, dialect: Dialect
) -> None:
    assert _statement(TABLES.tables[name], dialect) == _statement(
        Base.metadata.tables[name], dialect
    )


@pytest.mark.parametrize("name", sorted(Base.metadata.tables))
def test_columns_have_nbgraders_order_types_and_constant_defaults(name: str) -> None:
    def described(table: Table) -> list[object]:
        return [
            (
                column.name,
                repr(column.type),
                column.type.enums if isinstance(column.type, Enum) else None,
                column.default.arg if column.default and column.default.is_scalar else None,
            )
            for column in table.columns
        ]

    assert described(TABLES.tables[name]) == described(Base.metadata.tables[name])


def test_there_are_no_other_tables() -> None:
    assert set(TABLES.tables) == set(Base.metadata.tables)


def test_version_is_the_one_that_nbgrader_writes() -> None:
    config = Config()
    config.set_main_option("script_location", ALEMBIC_DIR)

    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_the_writer_is_imported_without_nbgrader() -> None:
    program = "import sys; import grading.gradebook; print('nbgrader' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "False"


def test_text_is_cut_to_its_column() -> None:
    assert clean("x" * 200) == "x" * 128
