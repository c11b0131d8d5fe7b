"""In a browser, from a file: nothing is fetched, nothing refused, nothing runs off the side."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from grading.exercises import exercises_of_unit
from grading.feedback import feedback_page
from grading.reporting import Work, class_page, count, unit_report
from grading.similarity import ExerciseMatches, Match, Source, UnitMatches, similarity_page
from tests.grading.reporting.classes import (
    DUE,
    SLUG,
    Answer,
    Handed,
    mixed,
    person,
    released,
    result_of,
    right,
    wrong,
)

pytestmark = pytest.mark.browser

EXERCISES = exercises_of_unit("01")
LONG = Answer("x = '" + "very_long_" * 60 + "'\n", ("dW",), sentence="`" + "entry" * 80 + "`")


def feedback(answers: dict[str, Answer]) -> str:
    handed = Handed(
        person(1, first_name="A" * 70), answers, notes=("<script>document.title = 'x'</script>",),
        handed_in=DUE + timedelta(hours=1),
    )  # fmt: skip
    result = result_of(handed, SLUG, EXERCISES, released())
    return feedback_page(Work(handed.learner, SLUG, result, handed.handed_in, DUE, 1), {}, {})


def report() -> str:
    book = released()
    works = (
        Work(each.learner, SLUG, result_of(each, SLUG, EXERCISES, book), each.handed_in, DUE, 1)
        for each in mixed(25)
    )
    return class_page(
        "Course", [unit_report(count(works, SLUG, "Unit", {}), names=True)], ZoneInfo("UTC")
    )


def similar() -> str:
    match = Match(
        "relu", Source("a", LONG.source), Source("b", LONG.source), 9, 0.9, frozenset({1}),
        frozenset({1}),
    )  # fmt: skip
    return similarity_page([
        UnitMatches("01", "Unit", 2, (ExerciseMatches("relu", 2, 0, 0, (match,)),))
    ])


PAGES = {
    "full": lambda: feedback({each.id: right(each) for each in EXERCISES}),
    "partial": lambda: feedback({EXERCISES[0].id: wrong(EXERCISES[0]), "linear_backward": LONG}),
    "untouched": lambda: feedback({}),
    "report": report,
    "similar": similar,
}


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_from_a_file_without_fetching_anything(
    chromium: Any, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "a page.html"
    path.write_text(PAGES[name](), encoding="utf-8")
    said: list[str] = []
    context = chromium.new_context(viewport={"width": 375, "height": 800}, color_scheme="dark")
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url))

    page.goto(path.as_uri())

    title = page.title()
    width = page.evaluate("document.documentElement.scrollWidth")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    context.close()
    assert said == [path.as_uri()]
    assert title not in {"", "x"}
    assert width == 375
    assert dark == "rgb(18, 22, 28)"


@pytest.mark.parametrize("width", [375, 1000])
def test_no_label_of_a_bar_is_cut_off(chromium: Any, tmp_path: Path, width: int) -> None:
    path = tmp_path / "page.html"
    path.write_text(report(), encoding="utf-8")
    context = chromium.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()

    page.goto(path.as_uri())

    begin = page.evaluate("[...document.querySelectorAll('.bars text')].map(e => e.getBBox().x)")
    context.close()
    assert len(begin) > 8
    assert min(begin) >= 0


def test_browser_refuses_a_script_that_got_into_a_page(chromium: Any, tmp_path: Path) -> None:
    """The second wall: even unescaped, it would not run."""
    path = tmp_path / "page.html"
    text = feedback({}).replace("</main>", "<script>document.title = 'x'</script></main>")
    path.write_text(text, encoding="utf-8")
    context = chromium.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))

    page.goto(path.as_uri())

    assert page.title() != "x"
    assert any("Content Security Policy" in text for text in said)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(chromium: Any, tmp_path: Path, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 for text."""
    path = tmp_path / "page.html"
    path.write_text(PAGES["partial"](), encoding="utf-8")
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()

    page.goto(path.as_uri())

    low = page.evaluate(
        """() => {
          const number = c => c.match(/[\\d.]+/g).map(Number);
          const light = c => number(c).slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const ground = e => {
            for (; e; e = e.parentElement) {
              const c = getComputedStyle(e).backgroundColor;
              if (number(c).length < 4 || number(c)[3] > 0) return c;
            }
          };
          const found = [];
          for (const e of document.querySelectorAll('body *')) {
            if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
            if (e.closest('svg')) continue;
            const a = light(getComputedStyle(e).color), b = light(ground(e));
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (contrast < 4.5) found.push([e.className, e.textContent.slice(0, 20), contrast]);
          }
          return found;
        }"""
    )
    context.close()
    assert low == []
