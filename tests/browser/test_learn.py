"""``nncourse learn``: the printed address shows the course, and a notebook in it runs."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.browser.lab import PATIENCE_MS, Watch
from tests.browser.server import jupyter_environment, kernels_below, short_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


class Learning(NamedTuple):
    """A running ``nncourse learn``: what it printed, its folder and its process."""

    said: list[str]
    folder: Path
    base: Path
    process: subprocess.Popen[str]


def listen_to_interrupts() -> None:
    """Undo what a shell does to jobs in the background: they are born deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def learning() -> Iterator[Learning]:
    with short_folder() as base:
        folder = base / "mein Kurs é"
        process = subprocess.Popen(
            [sys.executable, "-m", "grading.cli", "learn", "--no-browser", str(folder)],
            cwd=base,
            env=jupyter_environment(base) | {"PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            preexec_fn=listen_to_interrupts if sys.platform != "win32" else None,
        )
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line.rstrip("\n"))
            if line.startswith("http://"):
                break
        try:
            yield Learning(said, folder, base, process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


class Opened(NamedTuple):
    """The page behind the printed address, and what went wrong on it."""

    page: Page
    watch: Watch


@pytest.fixture(scope="module")
def opened(chromium: Browser, learning: Learning) -> Iterator[Opened]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    watch = Watch.on(page)
    page.goto(learning.said[-1])
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=4 * PATIENCE_MS)
    yield Opened(page, watch)
    context.close()


def test_address_is_printed_and_the_folder_holds_the_course(learning: Learning) -> None:
    assert re.fullmatch(r"http://(127\.0\.0\.1|localhost):\d+/lab\S*", learning.said[-1])
    assert (learning.folder / "00-start-here" / "00-start-here.ipynb").is_file()
    assert (learning.folder / "01-backpropagation" / "01-backpropagation.ipynb").is_file()


def test_first_notebook_is_open_beside_the_list_of_units(opened: Opened) -> None:
    page = opened.page

    page.locator(".jp-BreadCrumbs-home").click()
    units = page.locator(".jp-DirListing-item")
    units.nth(1).wait_for()

    names = units.all_inner_texts()
    assert any(name.startswith("00-start-here") for name in names)
    assert any(name.startswith("01-backpropagation") for name in names)
    assert "Start here" in page.locator(".jp-Notebook h1").first.inner_text()


def test_shift_enter_runs_the_first_cells(opened: Opened) -> None:
    page = opened.page
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
    cells = page.locator(".jp-Notebook .jp-CodeCell")

    cells.nth(0).locator(".cm-content").click()
    for _ in range(3):  # set-up, the text between, the doctor
        page.keyboard.press("Shift+Enter")
    table = cells.nth(1).locator(".jp-OutputArea table")
    table.wait_for()

    assert cells.nth(0).locator(".jp-InputPrompt").inner_text().strip() == "[1]:"
    assert table.locator("tr").count() >= 5


def test_page_reports_no_error_and_asks_nobody_else(opened: Opened) -> None:
    assert opened.watch.errors == []
    assert opened.watch.strangers() == set()


def test_end_leaves_no_kernel_behind(opened: Opened, learning: Learning) -> None:
    """Keep this test last: it ends the server, as Ctrl-C does."""
    running = kernels_below(learning.base)

    learning.process.send_signal(signal.SIGINT)
    rest, _ = learning.process.communicate(timeout=60)

    assert running or sys.platform != "linux"  # elsewhere /proc does not tell
    assert rest.splitlines()[-1] == "JupyterLab has ended."
    assert "Traceback" not in rest
    assert learning.process.returncode == 0
    assert kernels_below(learning.base) == []
