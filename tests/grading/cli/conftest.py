"""Run ``nncourse`` in this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from typer.testing import CliRunner

from grading.cli import app

Run = Callable[..., Result]


@pytest.fixture
def nncourse() -> Run:
    """Return a function that runs ``nncourse`` with words and returns what it printed."""
    runner = CliRunner(env={"COLUMNS": "100"})
    return lambda *words: runner.invoke(app, [str(word) for word in words])
