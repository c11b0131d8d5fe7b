"""A view's life in a notebook: several views of one model, the clean-up, a kernel that stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from nnlib.widgets import Figure, GradientCheck, GraphStepper, QuadraticBowl, WorkedNetwork
from tests.nnlib.widgets.figures import CLASSES, FIGURES

pytestmark = pytest.mark.browser

Open = Callable[[Figure], Any]

NOTEBOOK = """async ([text, state]) => {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const { default: figure } = await import(url);
  const signal = () => {
    const slots = new Set();
    return { connect: (f) => slots.add(f), disconnect: (f) => slots.delete(f), slots,
      emit: (...args) => { for (const f of [...slots]) f(...args); } };
  };
  const kernel = { statusChanged: signal(), disposed: signal() };
  const listeners = [];
  const model = {
    widget_manager: { kernel },
    get: (name) => state[name],
    set: (name, value) => {
      state[name] = value;
      for (const [event, run] of [...listeners]) if (event === `change:${name}`) run();
    },
    save_changes: () => { if (window.disconnected) throw new Error("no comm"); },
    on: (event, run) => listeners.push([event, run]),
    off: (event, run) => {
      listeners.splice(listeners.findIndex(([e, r]) => e === event && r === run), 1);
    },
  };
  const open = () => {
    const el = document.body.appendChild(document.createElement("div"));
    return figure.render({ model, el });
  };
  const closers = [open(), open()];
  Object.assign(window, { disconnected: false, model, kernel, listeners, open, closers });
}"""


@pytest.fixture(scope="module")
def notebook(chromium: Any) -> Iterator[Open]:
    """Return a function that opens two views of one figure on a page, as a notebook does."""
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()

    def start(figure: Figure) -> Any:
        page.set_content(f"<style>{figure._css}</style>")
        page.evaluate(NOTEBOOK, [str(figure._esm), figure.state()])
        return page

    yield start
    context.close()


class Life(NamedTuple):
    """What was seen of a figure from its opening to its end."""

    restyled: list[str]
    warned: bool
    warning: str
    goes_on: bool
    listening: int
    left_behind: list[int]


@pytest.fixture(scope="module", params=FIGURES)
def life(request: pytest.FixtureRequest, notebook: Open) -> Life:
    """Return what happens to one figure: other figures join it, its kernel stops, it is closed."""
    page = notebook(FIGURES[request.param]())
    notice = page.locator(".nn-gone").first
    warned = notice.is_visible()
    page.evaluate('window.disconnected = true; kernel.statusChanged.emit(kernel, "restarting")')
    if request.param == "self_check":
        page.locator(".nn-choice").first.click()
        goes_on = page.locator(".nn-mark").first.inner_text() != ""
    else:
        page.get_by_role("button", name="Show without predicting").first.click()
        goes_on = page.locator(".nn-verdict").first.is_visible()
    warning = notice.inner_text() if notice.is_visible() else ""
    restyled = page.evaluate(RESTYLED, [others_than(request.param)])
    listening = page.evaluate("listeners.length")
    page.evaluate("closers.forEach((close) => close())")
    left = page.evaluate(
        """() => [listeners.length, kernel.statusChanged.slots.size, kernel.disposed.slots.size,
          document.querySelectorAll(".nn-figure").length]"""
    )
    return Life(restyled, warned, warning, goes_on, listening, left)


def others_than(name: str) -> str:
    return "".join(str(cls._css) for other, cls in CLASSES.items() if other != name)


RESTYLED = """([sheets]) => {
  const root = document.querySelector(".nn-figure");
  const name = (node) => `${node.tagName}.${node.getAttribute("class") ?? ""}`;
  const path = (node) => `${name(node.parentNode)} > ${name(node)}`;
  const nodes = [root, ...root.querySelectorAll("*")];
  const kinds = [...new Map(nodes.map((node) => [path(node), node])).values()];
  const properties = [...getComputedStyle(root)];
  const look = () => [[], ["nn-stacked"], ["nn-stacked", "nn-narrow"]].map((widths) => {
    root.classList.remove("nn-stacked", "nn-narrow");
    root.classList.add(...widths);
    return kinds.map((node) => {
      const style = getComputedStyle(node);
      return properties.map((property) => style.getPropertyValue(property)).join();
    });
  });
  const before = look();
  const sheet = document.head.appendChild(document.createElement("style"));
  sheet.textContent = sheets;
  const after = look();
  sheet.remove();
  return kinds.filter((_, i) => before.some((texts, w) => texts[i] !== after[w][i])).map(path);
}"""
"""Elements that look different, at three widths, once the page has these sheets too."""


def test_sheets_of_all_other_figures_change_nothing(life: Life) -> None:
    assert life.restyled == []


def test_stopped_kernel_is_said_and_the_figure_goes_on(life: Life) -> None:
    assert life.warned is False
    assert "Python no longer follows it" in life.warning
    assert life.goes_on


def test_cleanup_leaves_nothing_behind(life: Life) -> None:
    assert life.listening > 0
    assert life.left_behind == [0, 0, 0, 0]


def test_rule_that_reaches_into_a_figure_is_noticed(notebook: Open) -> None:
    page = notebook(QuadraticBowl())

    touched = page.evaluate(RESTYLED, [".nn-start { fill: red } .nn-nobody { fill: red }"])
    untouched = page.evaluate(RESTYLED, [""])

    assert touched
    assert all("nn-start" in path for path in touched)
    assert untouched == []


def test_two_views_follow_one_model(notebook: Open) -> None:
    page = notebook(WorkedNetwork())
    first, second = (page.locator(".nn-figure").nth(i) for i in (0, 1))

    first.get_by_role("button", name="w₁₃ and w₁₄", exact=True).click()
    first.get_by_label("w₁₃", exact=True).press("ArrowRight")
    page.wait_for_function(
        """() => [...document.querySelectorAll("output")]
          .filter((output) => output.value === "0.1500").length === 2"""
    )

    assert "Agrees" in second.locator(".nn-verdict").inner_text()


def test_python_that_sets_a_trait_moves_the_picture(notebook: Open) -> None:
    page = notebook(GraphStepper())

    page.evaluate('model.set("inputs", [-2])')
    page.wait_for_function(
        """() => document.querySelector("input[type=range]").ariaValueText === "−2" """
    )

    assert page.locator("svg").first.text_content().startswith("x")


def test_rerunning_three_times_leaves_one_view(notebook: Open) -> None:
    page = notebook(GradientCheck())

    page.evaluate("closers.forEach((close) => close())")
    for _ in range(3):
        page.evaluate("window.last?.(); window.last = open(); null")

    assert page.locator(".nn-figure").count() == 1
