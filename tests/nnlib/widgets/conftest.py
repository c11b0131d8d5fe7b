"""Run the figures' modules under Node.js, and their pages in headless Chromium."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import nnlib.widgets
from nnlib.widgets import Figure
from nnlib.widgets._page import served_module

FOLDER = Path(nnlib.widgets.__file__).parent
HOST = (
    '<!doctype html><html><head><link rel="icon" href="data:,">'
    '<meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"></head>'
    '<body style="margin:8px">{}</body></html>'
)
"""A page as nbconvert would make it: the figure's HTML in a body, without a charset."""

Node = Callable[[str, str], Any]


@pytest.fixture
def node(requires_node: str, tmp_path: Path) -> Node:
    """Return a function that evaluates an expression with ``m``, a figure's served module."""

    def run(module: str, expression: str) -> Any:
        (tmp_path / "figure.mjs").write_text(served_module(FOLDER / module), encoding="utf-8")
        script = tmp_path / "run.mjs"
        line = 'import * as m from "./figure.mjs";\nconsole.log(JSON.stringify({}));\n'
        script.write_text(line.format(expression), encoding="utf-8")
        done = subprocess.run(
            [requires_node, str(script)], capture_output=True, text=True, check=False, timeout=30
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


class Shown:
    """A figure on a static page: its frame, what went wrong, and what was asked of the network."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.locked: list[bool] = []
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(address)
        self.frame = page.frames[1]
        self.root = self.frame.locator(".nn-figure")
        self.root.wait_for()

    def n(self) -> int:
        return int(self.root.get_attribute("data-n"))

    def drawn(self, act: Callable[[], Any]) -> None:
        """Do something and wait until the figure has drawn again."""
        self.frame.evaluate("new Promise((done) => requestAnimationFrame(done))")  # let it settle
        before = self.n()
        act()
        self.frame.wait_for_function(
            f"Number(document.querySelector('.nn-figure').dataset.n) > {before}", timeout=5000
        )

    def press(self, key: str) -> None:
        self.drawn(lambda: self.page.keyboard.press(key))

    def text(self, selector: str) -> str:
        return str(self.frame.locator(selector).first.inner_text())

    def button(self, name: str) -> Any:
        return self.frame.get_by_role("button", name=name, exact=True)

    def resize(self, width: int) -> None:
        """Give the window another width and wait until the figure has had time to follow."""
        if self.page.viewport_size["width"] != width:
            self.page.set_viewport_size({"width": width, "height": 900})
            for _ in range(3):  # the frame follows the page, the figure its frame
                self.frame.evaluate("new Promise((done) => requestAnimationFrame(() => done()))")

    def reload(self) -> None:
        self.page.reload()
        self.frame = self.page.frames[1]
        self.root = self.frame.locator(".nn-figure")
        self.root.wait_for()


Show = Callable[..., Shown]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Keep the test report free of requests."""


@pytest.fixture(scope="module")
def open_figure(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """Return a function that opens figures on a static page, without a kernel or a network."""
    folder = tmp_path_factory.mktemp("pages")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    numbers = count()

    def open_page(figure: Figure, width: int = 960, dark: bool = False) -> Shown:
        bundle, _ = figure._repr_mimebundle_()
        name = f"{next(numbers)}.html"
        (folder / name).write_bytes(HOST.format(bundle["text/html"]).encode("ascii"))
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        return Shown(context.new_page(), f"http://127.0.0.1:{server.server_port}/{name}")

    yield open_page
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def show(open_figure: Show) -> Iterator[Show]:
    """Return the function that opens figures, and close what it opened after the test."""
    opened: list[Shown] = []

    def open_page(figure: Figure, **options: Any) -> Shown:
        opened.append(open_figure(figure, **options))
        return opened[-1]

    yield open_page
    for shown in opened:
        shown.page.context.close()


@pytest.fixture(scope="module")
def gallery(open_figure: Show) -> Show:
    """Return a function like ``show`` with one page for each figure, for tests that only look.

    The page has passed by its question and takes the width and the colors that a test asks for.
    Which controls were locked before is kept in ``locked``.
    """
    pages: dict[Callable[[], Figure], Shown] = {}

    def look(make: Callable[[], Figure], width: int = 960, dark: bool = False) -> Shown:
        if make not in pages:
            shown = pages[make] = open_figure(make())
            shown.page.emulate_media(reduced_motion="reduce")  # no color is on its way to another
            shown.locked = shown.frame.locator(".nn-lock :is(button, input)").evaluate_all(
                '(nodes) => nodes.map((node) => node.matches(":disabled"))'
            )
            skip = shown.button("Show without predicting")
            if skip.count():
                shown.drawn(skip.click)
        shown = pages[make]
        scheme: Any = "dark" if dark else "light"
        shown.page.emulate_media(color_scheme=scheme)
        shown.resize(width)
        return shown

    return look
