"""A notebook in a real browser, driven through JupyterLab's own application object.

`Notebook` opens one notebook of a server (`tests.browser.server`), runs its cells and asks its
kernel; `Watch` hears what the page complains about and what it asks for. Everything waits on a
state or a counter; nothing sleeps and hopes.
"""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import nnlib.widgets
from tests.browser.figure import LiveFigure

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from tests.browser.server import Server

NO_DEFECT = (
    # anywidget allows a module two seconds to load and then complains, but goes on loading.
    "[anywidget] Failed to initialize model.",
    "Error: [anywidget] Failed to initialize model.",
)


@dataclass
class Watch:
    """What a page complained about, and what it asked for."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @classmethod
    def on(cls, page: Page) -> Watch:
        watch = cls()
        page.on("console", lambda m: watch.heard(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: watch.heard(str(error.stack or error)))
        page.on("websocket", lambda socket: watch.requests.append(socket.url))
        page.context.on("request", lambda request: watch.requests.append(request.url))
        return watch

    def heard(self, text: str) -> None:
        if not text.startswith(NO_DEFECT):
            self.errors.append(text)

    def strangers(self) -> set[str]:
        """Return what was asked of any other machine."""
        local = {"127.0.0.1", "localhost", None}  # data: and blob: name no host
        schemes = {"http", "https", "ws", "wss", "data", "blob"}
        return {
            url
            for url in self.requests
            if urlsplit(url).hostname not in local or urlsplit(url).scheme not in schemes
        }


PATIENCE_MS = 90_000
"""How long a state may take to come, in milliseconds: long, since a loaded machine is no defect."""

LIVE = tuple(nnlib.widgets.__all__)

READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  return panel?.sessionContext?.session?.kernel?.status === "idle"
    && panel.content?.widgets?.length > 0 && !document.getElementById("jupyterlab-splash");
}"""

ALL_SHOWN = """() => jupyterapp.shell.currentWidget.content.widgets
  .filter(({ model }) => model.outputs?.toJSON().some(
    ({ data }) => data?.["application/vnd.jupyter.widget-view+json"]))
  .every(({ node }) => node.querySelector(".nn-figure:not([data-n='0'])")
    || node.textContent.includes("model not found"))"""

RUN = """async (indices) => {
  const book = jupyterapp.shell.currentWidget.content;
  const failures = [];
  for (const i of indices) {
    book.activeCellIndex = i;
    book.deselectAll();
    await jupyterapp.commands.execute("notebook:run-cell");
    for (const output of book.widgets[i].model.outputs.toJSON())
      if (output.output_type === "error")
        failures.push(`cell ${i}: ${output.ename}: ${output.evalue}`);
  }
  return failures;
}"""

EVALUATE = """async (code) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const content = { code: "", silent: true, store_history: false, user_expressions: { code } };
  const reply = await kernel.requestExecute(content).done;
  return reply.content.user_expressions.code;
}"""


class Notebook:
    """A notebook page in JupyterLab."""

    def __init__(
        self,
        browser: Browser,
        server: Server,
        path: str,
        *,
        width: int = 1280,
        leave_out: Sequence[str] = (),
    ) -> None:
        self.leave_out = leave_out
        context = browser.new_context(viewport={"width": width, "height": 800})
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.watch = Watch.on(self.page)
        self.page.goto(server.address(path))
        self.wait_until_idle()

    def close(self) -> None:
        """Save nothing, end the kernel if it still runs, and close the page."""
        self.stop_kernel()
        self.page.context.close()

    def stop_kernel(self) -> None:
        """Do what "Shut Down Kernel" in the menu does."""
        self.page.evaluate(
            "() => jupyterapp.shell.currentWidget.sessionContext.shutdown().catch(() => null)"
        )

    def start_again(self) -> None:
        """Start a kernel after the last one was shut down, and run what the fixture runs."""
        self.page.evaluate(
            """() => jupyterapp.shell.currentWidget.sessionContext
              .changeKernel({ name: "python3" }).then(() => null)"""
        )
        self.wait_until_idle()
        self.run(*self.tagged("setup"), *self.live_cells())

    def wait_until_idle(self) -> None:
        self.page.wait_for_function(READY, timeout=4 * PATIENCE_MS)

    def command(self, name: str, **arguments: Any) -> None:
        """Execute a command of JupyterLab, such as ``docmanager:save``, and wait for its end."""
        self.page.evaluate(
            "([name, given]) => jupyterapp.commands.execute(name, given).then(() => null)",
            [name, arguments],
        )

    def cells(self) -> list[dict[str, Any]]:
        """Return type, source and tags of every cell."""
        found: list[dict[str, Any]] = self.page.evaluate(
            """() => jupyterapp.shell.currentWidget.content.widgets.map(({ model }) => ({
              type: model.type, source: model.sharedModel.getSource(),
              tags: model.getMetadata("tags") ?? [] }))"""
        )
        return found

    def find(self, text: str) -> int:
        """Return the number of the one code cell whose source has a text."""
        found = [
            i
            for i, cell in enumerate(self.cells())
            if cell["type"] == "code" and text in cell["source"]
        ]
        assert len(found) == 1, f"{len(found)} code cells have {text!r}, expected one"
        return found[0]

    def run(self, *indices: int) -> None:
        """Run cells by number, one after the other; none may end with an error."""
        failures = self.page.evaluate(RUN, list(indices))
        assert failures == []

    def tagged(self, tag: str, pattern: str = "") -> list[int]:
        """Return the numbers of the code cells that carry a tag and match a pattern."""
        return [
            i
            for i, cell in enumerate(self.cells())
            if cell["type"] == "code" and tag in cell["tags"] and re.search(pattern, cell["source"])
        ]

    def live_cells(self) -> list[int]:
        """Return the numbers of the cells that end in a live figure or a question."""
        cells = self.tagged("figure", rf"(?m)^({'|'.join(LIVE)})\(")
        return [index for index in cells if index not in map(self.find, self.leave_out)]

    def cell(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-OutputArea").first

    def evaluate(self, expression: str) -> Any:
        """Evaluate a Python expression in the notebook's kernel; its repr must be a literal."""
        reply = self.page.evaluate(EVALUATE, expression)
        assert reply["status"] == "ok", f"{expression}: {reply.get('evalue')}"
        return ast.literal_eval(reply["data"]["text/plain"])

    def wait_for_value(self, expression: str, expected: Any, timeout_s: float = 20.0) -> Any:
        """Evaluate until it is what is expected, since a figure's news travel apart from cells."""
        deadline = time.monotonic() + timeout_s
        while (value := self.evaluate(expression)) != expected and time.monotonic() < deadline:
            pass  # every round waits for the kernel's answer
        return value

    def figure(self, index: int) -> LiveFigure:
        return LiveFigure(self.page, self.output(index), index)

    def save_and_reload(self, most: int = 3) -> None:
        """Save and reload, as often as it takes until the figures are there.

        On a busy machine the widget manager waits four seconds for the kernel's figures, in vain,
        and says "model not found". A learner would reload once more.
        """
        self.command("docmanager:save")
        for _ in range(most):
            self.page.reload()
            self.wait_until_idle()
            self.page.wait_for_function(ALL_SHOWN)
            if not self.page.locator(".jp-OutputArea", has_text="model not found").count():
                break
            self.watch.errors.clear()
