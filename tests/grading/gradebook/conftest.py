"""Gradebooks to write into: in SQLite, and in a private PostgreSQL."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grading.gradebook import Patience, Writer
from tests.grading.postgres import PostgresServer, postgres

__all__ = ["postgres"]


@pytest.fixture(autouse=True)
def alembic_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """nbgrader starts alembic by its name."""
    scripts = sysconfig.get_path("scripts")
    monkeypatch.setenv("PATH", os.pathsep.join([scripts, os.environ["PATH"]]))


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Return a function that gives the URL of another empty gradebook at each call."""
    if request.param == "sqlite":
        numbers = iter(range(1000))
        return lambda: f"sqlite:///{tmp_path}/a class {next(numbers)}/gradebook.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    return new_url()


@pytest.fixture
def writer(url: str) -> Iterator[Writer]:
    with Writer(url, "nn", patience=Patience(total_s=20)) as opened:
        yield opened
