"""Unit 00 in JupyterLab: an exercise is answered wrongly, then rightly, as a learner would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.lab import Notebook
from tests.browser.server import Server, bring_unit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

pytestmark = pytest.mark.browser

STUB = "def mean_squared_error("
CHECK = 'check("mean_squared_error")'

WIDE = """(root) => [root, ...root.querySelectorAll("*")].filter((node) =>
  !node.closest("pre") && node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0)
  .map((node) => node.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def book(chromium: Browser, lab: Server, course: Path) -> Iterator[Notebook]:
    """Return unit 00 with its set-up run."""
    path = bring_unit(lab, course, "00-start-here")
    opened = Notebook(chromium, lab, path)
    opened.run(*opened.tagged("setup"))
    yield opened
    opened.close()


def answer(book: Notebook, line: str) -> None:
    """Replace the last line of the answer by typing, and run the cell with Shift+Enter."""
    cell = book.cell(book.find(STUB))
    cell.locator(".cm-line").last.click()
    for keys in ("End", "Shift+Home"):  # Home stops at the indentation
        book.page.keyboard.press(keys)
    book.page.keyboard.type(line)
    count = executions(book, STUB)
    book.page.keyboard.press("Shift+Enter")
    wait_for_run(book, STUB, count)


def executions(book: Notebook, text: str) -> int:
    """Return the execution count of a cell, 0 before its first run."""
    count: int = book.page.evaluate(
        "(i) => jupyterapp.shell.currentWidget.content.widgets[i].model.executionCount ?? 0",
        book.find(text),
    )
    return count


def wait_for_run(book: Notebook, text: str, before: int) -> None:
    book.page.wait_for_function(
        """([i, before]) => {
          const panel = jupyterapp.shell.currentWidget;
          return (panel.content.widgets[i].model.executionCount ?? 0) > before
            && panel.sessionContext.session.kernel.status === "idle";
        }""",
        arg=[book.find(text), before],
    )


def report(book: Notebook) -> Locator:
    """Run the check with Shift+Enter and return its report."""
    index, count = book.find(CHECK), executions(book, CHECK)
    book.page.evaluate(
        "(i) => { jupyterapp.shell.currentWidget.content.activeCellIndex = i; }", index
    )
    book.cell(index).locator(".jp-InputPrompt").click()
    book.page.keyboard.press("Shift+Enter")
    wait_for_run(book, CHECK, count)
    found = book.output(index).locator(".nnc-report")
    found.wait_for()
    return found


def test_doctor_shows_a_table(book: Notebook) -> None:
    index = book.find("doctor()")

    book.run(index)

    table = book.output(index).locator("table")
    table.wait_for()
    assert table.locator("tr").count() >= 5
    assert "fail" not in table.inner_text().split()


def test_untouched_exercise_is_not_started(book: Notebook) -> None:
    shown = report(book)

    assert "not started" in shown.inner_text()
    assert "points" not in shown.inner_text()


def test_wrong_answer_is_recognized_by_name(book: Notebook) -> None:
    answer(book, "return np.sum((y - targets) ** 2)")

    shown = report(book)

    text = shown.inner_text()
    assert "0 of 3 points" in text
    assert "Known mistake: sum instead of mean" in text
    assert "By how many entries do you divide?" in text
    assert shown.evaluate(WIDE) == []


def test_report_fits_a_phone(book: Notebook) -> None:
    answer(book, "return np.sum((y - targets) ** 2)")
    shown = report(book)
    book.command("application:toggle-left-area")

    book.page.set_viewport_size({"width": 390, "height": 844})
    wide = shown.evaluate(WIDE)

    book.page.set_viewport_size({"width": 1280, "height": 800})
    book.command("application:toggle-left-area")
    assert wide == []


def test_right_answer_gets_the_points(book: Notebook) -> None:
    answer(book, "return np.mean((y - targets) ** 2)")

    shown = report(book)

    assert "passed · 3 of 3 points" in shown.inner_text()
    outputs = book.output(book.find(CHECK))
    assert outputs.locator(".jp-OutputArea-executeResult").inner_text().split()[-1] == "3.0"
    assert shown.evaluate(WIDE) == []


def test_error_in_the_cell_gives_the_check_one_sentence(book: Notebook) -> None:
    index = book.find(STUB)
    answer(book, "return np.mean((y - targets ** 2")

    shown = report(book)

    assert "SyntaxError" in book.output(index).inner_text()
    assert "Traceback" not in shown.inner_text()
    assert "3 of 3" not in shown.inner_text()
