"""One JupyterLab for each worker that runs browser tests, and a unit's notebook in it.

Two servers can run at once: each has its own port, folder and kernels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.contract import Fresh, Unit, commit, rerun
from tests.browser.figure import LiveFigure
from tests.browser.lab import Notebook
from tests.browser.server import ROOT, Server, bring_unit, running_lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test of `FigureContract` the figures and questions that its unit lists."""
    unit = getattr(metafunc.cls, "UNIT", None)
    if unit is None:
        return
    cells = [figure.cell for figure in unit.figures]
    if "driven" in metafunc.fixturenames:
        metafunc.parametrize("driven", unit.figures, ids=cells)
    if "asked" in metafunc.fixturenames:
        metafunc.parametrize("asked", list(unit.committed))
    if "live" in metafunc.fixturenames:
        metafunc.parametrize("live", [*cells, unit.self_check])


@pytest.fixture(scope="session")
def lab() -> Iterator[Server]:
    """Return a JupyterLab on an empty folder."""
    with running_lab() as server:
        yield server


@pytest.fixture(scope="session")
def course() -> Path:
    """Return the folder of the built course."""
    return ROOT / "course"


@pytest.fixture(scope="class")
def book(
    request: pytest.FixtureRequest, chromium: Browser, lab: Server, course: Path
) -> Iterator[Notebook]:
    """Return the notebook of a class's unit, its set-up and its live cells run."""
    unit: Unit = request.cls.UNIT
    path = bring_unit(lab, course, unit.slug)
    opened = Notebook(chromium, lab, path, leave_out=unit.leave_out)
    opened.run(*opened.tagged("setup"), *opened.live_cells())
    yield opened
    opened.close()


@pytest.fixture
def fresh(book: Notebook) -> Fresh:
    """Return a function that runs a figure's cell as if nobody had answered its question yet."""

    def run(text: str) -> LiveFigure:
        book.page.evaluate("() => localStorage.clear()")
        return rerun(book, book.find(text))

    return run


@pytest.fixture
def opened(request: pytest.FixtureRequest, fresh: Fresh) -> Fresh:
    """Return a function that runs a figure's cell and commits its prediction."""

    def run(text: str) -> LiveFigure:
        figure = fresh(text)
        commit(figure, request.cls.UNIT.committed[text])
        return figure

    return run


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
