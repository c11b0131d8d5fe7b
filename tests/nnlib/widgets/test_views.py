"""A view's life in a notebook: several views of one model, the clean-up, a kernel that stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nnlib.widgets import Figure, GradientCheck, GraphStepper, Prediction, WorkedNetwork

pytestmark = pytest.mark.browser

FIGURES: dict[str, Callable[[], Figure]] = {
    "worked_network": WorkedNetwork,
    "graph_stepper": GraphStepper,
    "gradient_check": GradientCheck,
    "prediction": lambda: Prediction(key="v", question="q?", answer=1, because="b"),
}

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
  Object.assign(window, { model, kernel, listeners, open, closers: [open(), open()] });
}"""


@pytest.fixture
def notebook(chromium: Any) -> Iterator[Callable[[Figure], Any]]:
    """Return a function that opens two views of one figure, as a notebook does."""
    context = chromium.new_context()

    def start(figure: Figure) -> Any:
        page = context.new_page()
        page.set_content(f"<style>{figure._css}</style>")
        page.evaluate(NOTEBOOK, [str(figure._esm), figure.state()])
        return page

    yield start
    context.close()


def test_two_views_follow_one_model(notebook: Callable[[Figure], Any]) -> None:
    page = notebook(WorkedNetwork())
    first, second = (page.locator(".nn-figure").nth(i) for i in (0, 1))

    first.get_by_role("button", name="w₁₃ and w₁₄", exact=True).click()
    first.get_by_label("w₁₃", exact=True).press("ArrowRight")
    page.wait_for_function(
        """() => [...document.querySelectorAll("output")]
          .filter((output) => output.value === "0.1500").length === 2"""
    )

    assert "Agrees" in second.locator(".nn-verdict").inner_text()


def test_python_that_sets_a_trait_moves_the_picture(notebook: Callable[[Figure], Any]) -> None:
    page = notebook(GraphStepper())

    page.evaluate('model.set("inputs", [-2])')
    page.wait_for_function(
        """() => document.querySelector("input[type=range]").ariaValueText === "−2" """
    )

    assert page.locator("svg").first.text_content().startswith("x")


@pytest.mark.parametrize("name", FIGURES)
def test_cleanup_leaves_nothing_behind(notebook: Callable[[Figure], Any], name: str) -> None:
    page = notebook(FIGURES[name]())
    listening = page.evaluate("listeners.length")

    page.evaluate("closers.forEach((close) => close())")

    assert listening > 0
    assert page.evaluate("listeners.length") == 0
    assert page.evaluate("kernel.statusChanged.slots.size + kernel.disposed.slots.size") == 0
    assert page.locator(".nn-figure").count() == 0


def test_rerunning_three_times_leaves_one_view(notebook: Callable[[Figure], Any]) -> None:
    page = notebook(GradientCheck())

    page.evaluate("closers.forEach((close) => close())")
    for _ in range(3):
        page.evaluate("window.last?.(); window.last = open(); null")

    assert page.locator(".nn-figure").count() == 1


@pytest.mark.parametrize("name", FIGURES)
def test_stopped_kernel_is_said_and_the_figure_goes_on(
    notebook: Callable[[Figure], Any], name: str
) -> None:
    page = notebook(FIGURES[name]())
    notice = page.locator(".nn-gone").first

    before = notice.is_visible()
    page.evaluate('window.disconnected = true; kernel.statusChanged.emit(kernel, "restarting")')
    page.get_by_role("button", name="Show without predicting").first.click()

    assert before is False
    assert "Python no longer follows it" in notice.inner_text()
    assert notice.is_visible()
    assert page.locator(".nn-verdict").first.is_visible()
