"""A live figure in a notebook's output, driven by the keyboard."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

NAME_OF = """(node) => (node.getAttribute("aria-label") ?? node.labels?.[0]?.textContent
  ?? node.textContent).trim()"""

UNREACHED = """(root) => {
  const reached = [...window.nnReached];
  const usable = (node) => !node.matches(":disabled") && node.checkVisibility(
    { visibilityProperty: true });
  // Of radio buttons and of a table's numbers one is a stop; arrows go on from there.
  const group = (node) => node.type === "radio" ? node.name : node.closest("table") ?? node;
  const groups = new Set(reached.map(group));
  return [...root.querySelectorAll("button, input, select, summary")].filter(usable)
    .filter((node) => !groups.has(group(node))).map((node) => node.outerHTML.slice(0, 90));
}"""

TWO_FRAMES = """() => new Promise(
  (done) => requestAnimationFrame(() => requestAnimationFrame(done)))"""

PICTURE = """(root) => root.querySelector("svg[role=img]").innerHTML"""

TIMING = """(root) => {
  window.nnSamples = [];
  window.nnTimer?.abort();
  window.nnTimer = new AbortController();
  const svg = root.querySelector("svg[role=img]");
  // The attributes of the element itself, such as its label, are not what is drawn.
  const isDrawing = ({ type, target }) => type !== "attributes" || target !== svg;
  const began = ({ timeStamp }) => {
    const watch = new MutationObserver((records) => {
      if (!records.some(isDrawing)) return;
      watch.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(
        () => nnSamples.push(performance.now() - timeStamp)));
    });
    watch.observe(svg,
      { subtree: true, childList: true, characterData: true, attributes: true });
  };
  addEventListener("keydown", began, { capture: true, signal: window.nnTimer.signal });
}"""
"""Measure from each keydown to the frame after the one in which the drawing has changed."""

MISS = """(root) => {
  const dot = root.querySelector("svg circle.nn-dot[r='7']");
  const line = root.querySelector("svg path.nn-curve:not(.nn-faint)").getAttribute("d");
  const points = line.slice(1).split("L").map((pair) => pair.split(" ").map(Number));
  const [x, y] = ["cx", "cy"].map((name) => Number(dot.getAttribute(name)));
  return Math.min(...points.map(([px, py]) => Math.hypot(px - x, py - y)));
}"""
"""How far the dot of the gradient check is from the nearest point of the curve it belongs to."""

OVERFLOW = """(root) => {
  const edge = Math.min(root.getBoundingClientRect().right,
    root.closest(".jp-OutputArea").getBoundingClientRect().right, innerWidth) + 0.5;
  const sized = [root, ...root.querySelectorAll("*:not(.nn-hidden):not(svg *)")];
  return sized.filter((node) => node.getBoundingClientRect().right > edge)
    .map((node) => node.outerHTML.slice(0, 90));
}"""


class LiveFigure:
    """A figure in the output of a cell, driven by the keyboard."""

    def __init__(self, page: Page, output: Locator, index: int) -> None:
        self.page = page
        self.index = index
        self.root = output.locator(".nn-figure")
        self.root.and_(self.page.locator(":not([data-n='0'])")).wait_for()

    def n(self) -> int:
        """Return how often the figure has drawn."""
        return int(self.root.get_attribute("data-n") or 0)

    def drawn(self, act: Callable[[], Any]) -> None:
        """Do something and wait until the figure has drawn again, and all of it.

        A figure also draws when its width changes, so the first drawing after a key need not be
        the one that shows the key. That one comes within a frame.
        """
        self.page.evaluate(TWO_FRAMES)
        before = self.n()
        act()
        self.page.wait_for_function(
            "([root, before]) => Number(root.dataset.n) > before",
            arg=[self.root.element_handle(), before],
        )
        self.page.evaluate(TWO_FRAMES)

    def press(self, *keys: str) -> None:
        """Press keys one by one, each of which draws."""
        for key in keys:
            self.drawn(partial(self.page.keyboard.press, key))

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def focus_first(self) -> None:
        """Enter the figure where Tab does: at the first control that can be used."""
        self.root.locator(":is(button, input):not(:disabled)").first.focus()

    def tab_to(self, name: str, key: str = "Tab") -> None:
        """Press Tab (or Shift+Tab) until the focus is on the control of that name."""
        for _ in range(60):
            if self.page.evaluate(f"() => ({NAME_OF})(document.activeElement)") == name:
                return
            self.page.keyboard.press(key)
        message = f"60 presses of {key} did not reach {name!r}"
        raise AssertionError(message)

    def unreached(self) -> list[str]:
        """Walk through the figure with Tab and return the controls that had no focus."""
        self.focus_first()
        self.page.evaluate("() => { window.nnReached = new Set([document.activeElement]); }")
        inside = """(root) => {
          nnReached.add(document.activeElement);
          return root.contains(document.activeElement);
        }"""
        for _ in range(80):
            self.page.keyboard.press("Tab")
            if not self.root.evaluate(inside):
                break
        missed: list[str] = self.root.evaluate(UNREACHED)
        return missed

    def trait(self, name: str) -> str:
        """Return a Python expression for a trait of the very model that this view shows."""
        model_id = self.page.evaluate(
            """(i) => jupyterapp.shell.currentWidget.content.widgets[i].model.outputs.toJSON()
              .map((o) => o.data?.["application/vnd.jupyter.widget-view+json"]?.model_id)
              .find(Boolean)""",
            self.index,
        )
        return f"__import__('ipywidgets').widgets.widget._instances[{model_id!r}].{name}"

    def picture(self) -> str:
        """Return what is drawn, as markup."""
        drawn: str = self.root.evaluate(PICTURE)
        return drawn

    def text(self, selector: str) -> str:
        return self.root.locator(selector).first.inner_text()

    def number(self, key: str) -> str:
        """Return a number of the worked network's tables."""
        return self.text(f'.nn-cell[data-key="{key}"]')

    def value_text(self) -> str:
        """Return what a screen reader says about the slider that has the focus."""
        said: str = self.page.evaluate("() => document.activeElement.ariaValueText")
        return said

    def control_value(self) -> float:
        value: str = self.page.evaluate("() => document.activeElement.value")
        return float(value)

    def key_to_picture_ms(self, keys: Sequence[str]) -> list[float]:
        """Press keys and measure each from keydown to the frame after the new picture, sorted.

        A key that leaves the drawing as it was gives no sample, and that is an error.
        """
        self.root.evaluate(TIMING)
        self.press(*keys)
        self.page.wait_for_function("(n) => nnSamples.length >= n", arg=len(keys), timeout=10_000)
        samples: list[float] = self.page.evaluate("() => { nnTimer.abort(); return nnSamples; }")
        return sorted(samples)

    def overflow(self) -> list[str]:
        """Return what reaches beyond the right edge of the figure or of its output."""
        self.page.evaluate(TWO_FRAMES)  # a view hears of a new width a frame later
        wide: list[str] = self.root.evaluate(OVERFLOW)
        return wide


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the smallest sample that so large a share of them does not exceed."""
    return sorted(samples)[max(0, math.ceil(share * len(samples)) - 1)]
