"""One JupyterLab for each worker that runs browser tests.

Two servers can run at once: each has its own port, folder and kernels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.lab import Notebook
from tests.browser.server import ROOT, Server, running_lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Server]:
    """Return a JupyterLab on an empty folder."""
    with running_lab() as server:
        yield server


@pytest.fixture(scope="session")
def course() -> Path:
    """Return the folder of the built course."""
    return ROOT / "course"


@pytest.fixture(autouse=True)
def _nothing_goes_wrong(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test: the page has reported no error and has asked nobody but this machine."""
    if "book" not in request.fixturenames:
        yield
        return
    book: Notebook = request.getfixturevalue("book")
    yield
    errors, strangers = list(book.watch.errors), book.watch.strangers()
    book.watch.errors.clear()
    assert errors == []
    assert strangers == set()
