"""nbgrader's formgrader opens a class that ``nncourse grade`` has graded, every notebook of it.

The server runs where an instructor starts it: in a folder with the course's ``nbgrader_config.py``,
the class beside it. Nothing of nbgrader's own grading has ever run there.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.lab import PATIENCE_MS, Watch
from tests.browser.server import ROOT, jupyter_environment, short_folder
from tests.grading.faults.classes import SLUG, SmallClass, grades, make_class

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.sandbox, pytest.mark.slow]

FULL, BLANK, MIXED = "learner-0000", "learner-0001", "learner-0002"  # the last one late

NOTES = """## My notes

See [the book](https://example.org/book) and H<sub>2</sub>O; if $a<b$ then **c**.

| rows | columns |
|------|---------|
| N    | d       |
"""
HOSTILE_NOTES = """## My other notes

<script>document.title = "taken"</script> <img src=x onerror="document.title = 'taken'">
[a proof](javascript:document.title='taken') ![p](https://attacker.example/pixel.png)
"""
HOSTILE_OUTPUT = """from IPython.display import HTML
HTML("<script>document.title = 'taken'</script>")
"""


@dataclass(frozen=True)
class Formgrader:
    """A server with formgrader, and the class that it shows."""

    url: str
    token: str
    room: SmallClass
    points: dict[str, float]
    books: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By learner, what formgrader's list says of the submitted notebook."""

    def ask(self, path: str) -> Any:
        return json.loads(self.text(f"formgrader/api/{path}"))

    def text(self, path: str) -> str:
        request = urllib.request.Request(
            self.url + path, headers={"Authorization": f"token {self.token}"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            text: str = answer.read().decode("utf-8")
            return text


def write_notes(room: SmallClass) -> None:
    """Let the first learner write notes and run a script, and take a check away."""
    path = room.submissions / FULL / SLUG / f"{SLUG}.ipynb"
    book = json.loads(path.read_text(encoding="utf-8"))
    cells = book["cells"]
    cells.remove(next(cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade")))
    cells[2:2] = [
        {"cell_type": "markdown", "id": "my-notes", "metadata": {}, "source": NOTES},
        {"cell_type": "markdown", "id": "others", "metadata": {}, "source": HOSTILE_NOTES},
        {
            "cell_type": "code",
            "id": "my-code",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": HOSTILE_OUTPUT,
        },
    ]
    path.write_text(json.dumps(book), encoding="utf-8")


def graded_class(root: Path) -> SmallClass:
    """Make a class of four beside the configuration, and grade it as an instructor does."""
    room = make_class(root, 4)
    write_notes(room)
    done = subprocess.run(
        [sys.executable, "-m", "grading.cli", "grade", str(room.submissions),
         "--class", str(room.root), "--workers", "1"],
        cwd=root,
        env=os.environ | {"PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(ROOT / "nbgrader_config.py", root)
    for step in ("solutions", "course"):  # formgrader counts the released ones
        shutil.copytree(ROOT / step / SLUG, root / step / SLUG)
    return room


@pytest.fixture(scope="module")
def formgrader(requires_sandbox: str) -> Iterator[Formgrader]:
    del requires_sandbox
    with short_folder() as base:
        root = base / "the course é"
        root.mkdir()
        room = graded_class(root)
        token = secrets.token_hex(16)
        log = (base / "log").open("wb")
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root",
             f"--ServerApp.root_dir={root}", "--ServerApp.ip=127.0.0.1",
             f"--ServerApp.port={20000 + secrets.randbelow(20000)}",
             "--ServerApp.port_retries=50", f"--IdentityProvider.token={token}"],
            cwd=root,
            env=jupyter_environment(base) | {"NNCOURSE_CLASS": "class"},
            stdout=log,
            stderr=log,
        )  # fmt: skip
        try:
            url = address_of(server, base)
            points = {
                learner: sum(score or 0.0 for _, score, *_ in book["cells"])
                for (learner, _, _), book in grades(room.classroom.db_url, "").items()
            }
            shown = Formgrader(url, token, room, points)
            listed = shown.ask(f"submitted_notebooks/{SLUG}/{SLUG}")
            shown.books.update({book["student"]: book for book in listed})
            yield shown
        finally:
            server.terminate()
            server.wait(timeout=30)
            log.close()


def address_of(server: subprocess.Popen[bytes], base: Path, timeout_s: float = 120.0) -> str:
    """Wait until the server has written down where it answers."""
    deadline = time.monotonic() + timeout_s
    while server.poll() is None and time.monotonic() < deadline:
        for path in (base / "r").glob("jpserver-*.json"):
            text = path.read_text(encoding="utf-8")
            if text.rstrip().endswith("}"):  # not half written
                url: str = json.loads(text)["url"]
                return url
        time.sleep(0.05)
    raise AssertionError((base / "log").read_text(encoding="utf-8")[-2000:])


class Opened:
    """The page of one learner's notebook, and what it complained about and asked for."""

    def __init__(self, browser: Browser, formgrader: Formgrader, learner: str) -> None:
        context = browser.new_context(
            viewport={"width": 1280, "height": 900},
            extra_http_headers={"Authorization": f"token {formgrader.token}"},
        )
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.watch = Watch.on(self.page)
        book = formgrader.books[learner]
        self.page.goto(f"{formgrader.url}formgrader/submissions/{book['id']}/")
        self.page.wait_for_function(
            "() => typeof formgrader !== 'undefined' && formgrader.grades?.loaded"
            " && formgrader.comments?.loaded"
        )

    def close(self) -> None:
        self.page.context.close()

    def scores(self) -> dict[str, tuple[float, float]]:
        """Return what stands in the fields of the checks: points, and of how many."""
        found = self.page.evaluate(
            """() => [...document.querySelectorAll("input.score")].map(field => [
              field.id, Number(field.value || field.placeholder),
              Number(field.parentElement.textContent.split("/")[1])])"""
        )
        return {name: (score, most) for name, score, most in found}

    def comments(self) -> dict[str, str]:
        found: dict[str, str] = self.page.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll("textarea.comment")]
              .map(field => [field.id, field.value || field.placeholder]))"""
        )
        return found

    def strangers(self) -> set[str]:
        """Return what was asked of other machines, but for MathJax, which nbgrader fetches."""
        return {url for url in self.watch.strangers() if "/mathjax/" not in url}


@pytest.fixture(scope="module")
def opened(chromium: Browser, formgrader: Formgrader) -> Iterator[dict[str, Opened]]:
    pages = {name: Opened(chromium, formgrader, name) for name in (FULL, BLANK, MIXED)}
    yield pages
    for each in pages.values():
        each.close()


def test_lists_show_every_learner_with_the_points(formgrader: Formgrader) -> None:
    for page in ("manage_assignments", f"manage_submissions/{SLUG}", f"gradebook/{SLUG}/{SLUG}"):
        assert "<title>" in formgrader.text(f"formgrader/{page}")
    (assignment,) = formgrader.ask("assignments")
    submissions = formgrader.ask(f"submissions/{SLUG}")

    assert (assignment["name"], assignment["num_submissions"]) == (SLUG, 4)
    assert {each["student"]: each["score"] for each in submissions} == formgrader.points
    assert [formgrader.points[name] for name in (FULL, BLANK)] == [7.0, 0.0]
    assert 0 < formgrader.points[MIXED] < 7
    assert all(each["autograded"] for each in submissions)
    assert {name: book["score"] for name, book in formgrader.books.items()} == formgrader.points


def test_page_shows_each_check_with_its_score(
    formgrader: Formgrader, opened: dict[str, Opened]
) -> None:
    exercises = formgrader.room.classroom.assignment(SLUG).exercises
    for learner, each in opened.items():
        shown = each.scores()

        assert {name: most for name, (_, most) in shown.items()} == {
            f"check_{name}": exercise.graded_total for name, exercise in exercises.items()
        }
        assert sum(score for score, _ in shown.values()) == formgrader.points[learner]
        reports = each.page.locator(".output_html")
        assert reports.count() == len(exercises)
        for i, (name, exercise) in enumerate(exercises.items()):
            text = reports.nth(i).inner_text()
            assert name in text
            score = shown[f"check_{name}"][0]
            assert f"{score:g} of {exercise.graded_total:g} points" in text or "not started" in text


def test_page_of_blank_work_says_no_response(opened: dict[str, Opened]) -> None:
    assert set(opened[BLANK].comments().values()) == {"No response."}
    assert "No response." not in opened[FULL].comments().values()
    assert "not started" in opened[BLANK].page.locator(".output_html").first.inner_text()


def test_learners_own_cells_are_shown_and_run_nothing(opened: dict[str, Opened]) -> None:
    page = opened[FULL].page
    notes = page.locator(".text_cell_render", has_text="My notes")

    assert notes.locator("a", has_text="the book").get_attribute("href") == (
        "https://example.org/book"
    )
    assert notes.locator("sub").inner_text() == "2"
    assert notes.locator("table td").count() == 2
    assert "$a< b$" in notes.inner_text()  # as MathJax finds it: nobody else can be asked here
    hostile = page.locator(".text_cell_render", has_text="My other notes")
    assert "< script>document.title" in hostile.inner_text()
    assert hostile.locator("script, img, [onerror], a[href^=javascript]").count() == 0
    assert page.locator(".input_area", has_text="IPython.display").count() == 1
    assert page.title() == SLUG
    noted = page.locator(".text_cell_render", has_text="While this notebook was graded")
    assert "was missing; it is back" in noted.inner_text()


def test_pages_ask_nobody_and_report_no_error_of_ours(opened: dict[str, Opened]) -> None:
    for each in opened.values():
        assert each.strangers() == set()
        ours = [text for text in each.watch.errors if "MathJax" not in text]
        assert [text for text in ours if "ERR_NAME_NOT_RESOLVED" not in text] == []


def test_page_stands_upright(opened: dict[str, Opened]) -> None:
    """No cell runs off the side."""
    for each in opened.values():
        wide = each.page.evaluate(
            """() => [...document.querySelectorAll("#notebook-container .cell *")]
              .filter(e => e.getBoundingClientRect().right > innerWidth)
              .map(e => e.outerHTML.slice(0, 80))"""
        )

        assert wide == []


def test_comment_and_points_of_the_instructor_are_saved_and_kept(
    formgrader: Formgrader, opened: dict[str, Opened]
) -> None:
    """Keep this test last: it writes into the gradebook."""
    page = opened[MIXED].page
    name = next(iter(opened[MIXED].scores()))
    page.locator(f"#{name}").fill("2.5")
    page.locator(f"#{name}").blur()
    field = page.locator("textarea.comment").first
    field.fill("Well begun.")
    field.blur()
    page.wait_for_load_state("networkidle")

    room = formgrader.room.classroom
    saved = grades(room.db_url, "")[MIXED, SLUG, SLUG]
    manual = {cell: points for cell, _, points, *_ in saved["cells"]}
    assert manual[name] == pytest.approx(2.5)
    assert "Well begun." in [comment for _, _, comment in saved["comments"]]
