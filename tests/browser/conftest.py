"""One JupyterLab for each worker that runs browser tests, one Chromium for each module.

Two servers can run at once: each has its own port, folder and kernels. The browser lives no
longer than a module, because Playwright leaves an event loop behind in this thread while it
runs, and other tests start loops of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.lab import QUIET, Notebook
from tests.browser.server import ROOT, Server, running_lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def chromium(requires_chromium: str) -> Iterator[Browser]:
    """Return a running headless browser that finds no host but this one."""
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=requires_chromium, args=list(QUIET))
        yield browser
        browser.close()


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
