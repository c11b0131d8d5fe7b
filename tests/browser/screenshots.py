"""Take the README's pictures: ``python -m tests.browser.screenshots [FOLDER]``.

They show what a learner sees in JupyterLab, so they are taken again when a figure or the report
has changed. The default folder is ``docs/pictures``.
"""

from __future__ import annotations

import io
import math
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.figure import LiveFigure
from tests.browser.lab import Notebook
from tests.browser.server import ROOT, Server, bring_unit, running_lab
from tests.chromium import QUIET

FOLDER = ROOT / "docs" / "pictures"
COURSE = ROOT / "course"
LIMIT_BYTES = 150_000
WIDTH = 1280
AROUND = 200
"""Height in pixels of what stands around a figure: menus, its cell, the status bar."""


def main(folder: Path = FOLDER) -> int:
    """Take all pictures."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        sys.stderr.write("screenshots: there is no Chromium here. Install the package chromium.\n")
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    with running_lab() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        figures_of_unit_01(browser, server, folder)
        report_of_unit_00(browser, server, folder)
        browser.close()
    return 0


def figures_of_unit_01(browser: Browser, server: Server, folder: Path) -> None:
    book = open_wide(browser, server, "01-backpropagation")
    book.run(*book.tagged("setup"), *book.live_cells())
    worked = book.figure(book.find("WorkedNetwork()"))
    predict(worked, "w₁₃ and w₁₄")
    worked.tab_to("1 Forward")
    worked.press("Enter")
    worked.tab_to("2 Backward")
    worked.press("Enter")
    take(book, worked, folder / "worked-network.png")
    check = book.figure(book.find("GradientCheck()"))
    predict(check, "h = 10⁻⁵")
    check.tab_to("step h")
    check.press(*["ArrowLeft"] * 3)
    take(book, check, folder / "gradient-check.png")
    book.close()


def report_of_unit_00(browser: Browser, server: Server, folder: Path) -> None:
    book = open_wide(browser, server, "00-start-here")
    book.run(*book.tagged("setup"))
    answer, check = book.find("def mean_squared_error("), book.find('check("mean_squared_error")')
    book.cell(answer).locator(".cm-line").last.click()
    for keys in ("End", "Shift+Home"):  # Home stops at the indentation
        book.page.keyboard.press(keys)
    book.page.keyboard.type("return np.sum((y - targets) ** 2)")
    book.run(answer, check)
    report = book.output(check).locator(".nnc-report")
    report.wait_for()
    book.page.set_viewport_size({"width": WIDTH, "height": 900})
    book.cell(answer).evaluate("(node) => node.scrollIntoView({ block: 'start' })")
    save(book, folder / "check-report.png")
    book.close()


def open_wide(browser: Browser, server: Server, slug: str) -> Notebook:
    """Open a unit in a window that has no list of files at its side."""
    book = Notebook(browser, server, bring_unit(server, COURSE, slug))
    book.command("application:toggle-left-area")
    return book


def predict(figure: LiveFigure, choice: str) -> None:
    figure.focus_first()
    figure.tab_to(choice)
    figure.press("Enter")


def take(book: Notebook, figure: LiveFigure, path: Path) -> None:
    """Make the window as high as a figure and its cell need, and scroll there."""
    height = math.ceil(figure.root.evaluate("(node) => node.offsetHeight"))
    book.page.set_viewport_size({"width": WIDTH, "height": height + AROUND})
    figure.root.evaluate("(node) => node.scrollIntoView({ block: 'end' })")
    save(book, path)


def save(book: Notebook, path: Path) -> None:
    """Write what the window shows, with 256 colors where true colors take too much room."""
    picture = book.page.screenshot()
    if len(picture) > LIMIT_BYTES:
        smaller = io.BytesIO()
        image = Image.open(io.BytesIO(picture)).convert("RGB")
        image.quantize(256).save(smaller, format="PNG", optimize=True)
        picture = smaller.getvalue()
    path.write_bytes(picture)
    sys.stdout.write(f"{path.name}: {len(picture) / 1000:.0f} kB\n")


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
