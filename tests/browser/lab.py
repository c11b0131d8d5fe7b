"""JupyterLab in a real browser: a server of its own, a page on it, a notebook, a live figure.

`running_lab` starts the server with all of Jupyter's folders in a temporary one, so a learner's
own settings neither act on a test nor are written by it. `Notebook` drives one notebook page
through JupyterLab's own application object, and `LiveFigure` one figure in it through the
keyboard. Everything waits on a state or a counter; nothing sleeps and hopes.
"""

from __future__ import annotations

import ast
import contextlib
import json
import math
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).resolve().parents[2]

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # What is asked of another host is recorded as a request and then finds nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)

OVERRIDES = {
    # A popup about news or updates covers a corner and can swallow a click.
    "@jupyterlab/apputils-extension:notification": {
        "checkForUpdates": False,
        "fetchNews": "false",
        "doNotDisturbMode": True,
    },
    # Cells that are scrolled out of sight stay in the page.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


@dataclass(frozen=True)
class Server:
    """A JupyterLab that answers at ``url`` (ending in a slash) and shows ``folder``."""

    url: str
    token: str
    folder: Path

    def address(self, path: str) -> str:
        """Return what to open for a notebook; ``reset`` forgets the tabs of the last visit."""
        return f"{self.url}lab/tree/{quote(path)}?token={self.token}&reset"

    def ask(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Authorization": f"token {self.token}"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")


def jupyter_environment(base: Path) -> dict[str, str]:
    """Return an environment in which Jupyter, IPython and the course write below ``base`` only."""
    inherited = os.environ.get("PYTHONPATH")
    kept = {name: text for name, text in os.environ.items() if not name.startswith("JUPYTER")}
    kept.pop("NNCOURSE_PROGRESS", None)
    return kept | {
        "JUPYTER_CONFIG_DIR": str(base / "c"),
        "JUPYTER_DATA_DIR": str(base / "d"),
        "JUPYTER_RUNTIME_DIR": str(base / "r"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(base / "i"),
        "NNCOURSE_HOME": str(base / "home"),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT) + (os.pathsep + inherited if inherited else ""),
    }


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """Make a temporary folder whose path is short enough for the socket files of kernels."""
    with tempfile.TemporaryDirectory(prefix="nn", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


@contextlib.contextmanager
def running_lab(timeout_s: float = 60.0) -> Iterator[Server]:
    """Run JupyterLab on an empty folder for as long as the block lasts."""
    with short_folder() as base:
        folder = base / "my course"
        settings = base / "c" / "labconfig"
        for made in (folder, settings):
            made.mkdir(parents=True)
        overrides = settings / "default_setting_overrides.json"
        overrides.write_text(json.dumps(OVERRIDES), encoding="utf-8")
        token = secrets.token_hex(16)
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            f"--ServerApp.root_dir={folder}",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={20000 + secrets.randbelow(20000)}",
            "--ServerApp.port_retries=50",
            f"--IdentityProvider.token={token}",
            "--LabApp.expose_app_in_browser=True",
            f"--LabApp.user_settings_dir={base / 's'}",
            f"--LabApp.workspaces_dir={base / 'w'}",
        ]
        if os.name == "posix":
            command.append("--KernelManager.transport=ipc")  # over TCP, kernels race for ports
        with (base / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=jupyter_environment(base),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            yield _await_server(process, base, folder, token, timeout_s)
        finally:
            _end(process, base, token)


def _await_server(
    process: subprocess.Popen[bytes], base: Path, folder: Path, token: str, timeout_s: float
) -> Server:
    deadline = time.monotonic() + timeout_s
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError, StopIteration):  # not there, or half written
            found = next((base / "r").glob("jpserver-*.json"))
            server = Server(json.loads(found.read_text("utf-8"))["url"], token, folder)
            server.ask("api/status")
            return server
        time.sleep(0.05)
    message = f"JupyterLab did not start: {(base / 'log').read_text('utf-8')[-2000:]}"
    raise RuntimeError(message)


def _end(process: subprocess.Popen[bytes], base: Path, token: str) -> None:
    """End the server and its kernels, and fail if a kernel outlives them."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        found = next((base / "r").glob("jpserver-*.json"))
        server = Server(json.loads(found.read_text("utf-8"))["url"], token, base)
        for kernel in server.ask("api/kernels"):
            server.ask(f"api/kernels/{kernel['id']}", "DELETE")
        server.ask("api/shutdown", "POST")
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    left = kernels_below(base)
    for number in left:
        os.kill(number, signal.SIGKILL)
    assert left == [], f"kernels outlived their server: {left}"


def kernels_below(base: Path) -> list[int]:
    """Return the ids of kernels whose connection file lies below a folder, where /proc tells."""
    mark = os.fsencode(base / "r")
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes():
                found.append(int(path.parent.name))
    return found


@dataclass
class Watch:
    """What a page complained about, and what it asked for."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @classmethod
    def on(cls, page: Page) -> Watch:
        watch = cls()

        def heard(message: Any) -> None:
            if message.type == "error":
                watch.errors.append(f"{message.text} ({message.location.get('url', '')})")

        page.on("console", heard)
        page.on("pageerror", lambda error: watch.errors.append(str(error)))
        page.on("websocket", lambda socket: watch.requests.append(socket.url))
        page.context.on("request", lambda request: watch.requests.append(request.url))
        return watch

    def strangers(self) -> set[str]:
        """Return what was asked of any other machine."""
        local = {"127.0.0.1", "localhost", None}  # data: and blob: name no host
        schemes = {"http", "https", "ws", "wss", "data", "blob"}
        return {
            url
            for url in self.requests
            if urlsplit(url).hostname not in local or urlsplit(url).scheme not in schemes
        }


READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  return panel?.sessionContext?.session?.kernel?.status === "idle"
    && panel.content?.widgets?.length > 0 && !document.getElementById("jupyterlab-splash");
}"""

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

    def __init__(self, browser: Browser, server: Server, path: str, *, width: int = 1280) -> None:
        context = browser.new_context(viewport={"width": width, "height": 800})
        self.page: Page = context.new_page()
        self.page.set_default_timeout(15_000)
        self.watch = Watch.on(self.page)
        self.page.goto(server.address(path))
        self.wait_until_idle()

    def close(self) -> None:
        """Save nothing, end the kernel, and close the page."""
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        self.page.context.close()

    def wait_until_idle(self) -> None:
        self.page.wait_for_function(READY, timeout=60_000)

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

    def run_tagged(self, *tags: str, having: str = "") -> list[int]:
        """Run the code cells that carry one of the tags and have a text; return their numbers."""
        chosen = [
            i
            for i, cell in enumerate(self.cells())
            if cell["type"] == "code" and set(tags) & set(cell["tags"]) and having in cell["source"]
        ]
        assert chosen, f"no cell carries one of the tags {tags}"
        self.run(*chosen)
        return chosen

    def cell(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-OutputArea").first

    def evaluate(self, expression: str) -> Any:
        """Evaluate a Python expression in the notebook's kernel; its repr must be a literal."""
        reply = self.page.evaluate(EVALUATE, expression)
        assert reply["status"] == "ok", f"{expression}: {reply.get('evalue')}"
        return ast.literal_eval(reply["data"]["text/plain"])

    def wait_for_value(self, expression: str, expected: Any, timeout_s: float = 5.0) -> Any:
        """Evaluate until it is what is expected, since a figure's news travel apart from cells."""
        deadline = time.monotonic() + timeout_s
        while (value := self.evaluate(expression)) != expected and time.monotonic() < deadline:
            pass  # every round waits for the kernel's answer
        return value

    def figure(self, index: int) -> LiveFigure:
        return LiveFigure(self, index)

    def save_and_reload(self) -> None:
        self.command("docmanager:save")
        self.page.reload()
        self.wait_until_idle()


NAME_OF = """(node) => (node.getAttribute("aria-label") ?? node.labels?.[0]?.textContent
  ?? node.textContent).trim()"""

CONTROLS = ":is(button, input, select, summary)"

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

TIMING = """(root) => {
  window.nnSamples = [];
  window.nnTimer?.abort();
  window.nnTimer = new AbortController();
  const began = (event) => {
    const before = root.dataset.n;
    const look = () => requestAnimationFrame(() => (root.dataset.n === before ? look()
      : requestAnimationFrame(() => nnSamples.push(performance.now() - event.timeStamp))));
    look();
  };
  addEventListener("keydown", began, { capture: true, signal: window.nnTimer.signal });
}"""

OVERFLOW = """(root) => {
  const edge = Math.min(root.getBoundingClientRect().right,
    root.closest(".jp-OutputArea").getBoundingClientRect().right) + 0.5;
  const sized = [root, ...root.querySelectorAll("*:not(.nn-hidden):not(svg *)")];
  return sized.filter((node) => node.getBoundingClientRect().right > edge)
    .map((node) => node.outerHTML.slice(0, 90));
}"""


class LiveFigure:
    """A figure in the output of a cell, driven by the keyboard."""

    def __init__(self, book: Notebook, index: int) -> None:
        self.book = book
        self.page = book.page
        self.index = index
        self.root: Locator = book.output(index).locator(".nn-figure")
        self.root.wait_for()

    def n(self) -> int:
        """Return how often the figure has drawn."""
        return int(self.root.get_attribute("data-n") or 0)

    def drawn(self, act: Callable[[], Any]) -> None:
        """Do something and wait until the figure has drawn again."""
        before = self.n()
        act()
        self.page.wait_for_function(
            "([root, before]) => Number(root.dataset.n) > before",
            arg=[self.root.element_handle(), before],
            timeout=5000,
        )

    def press(self, *keys: str) -> None:
        """Press keys one by one, each of which draws."""
        for key in keys:
            self.drawn(lambda key=key: self.page.keyboard.press(key))

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def focus_first(self) -> None:
        """Enter the figure where Tab does: at the first control that can be used."""
        self.root.locator(f"{CONTROLS}:not(:disabled)").first.focus()

    def tab_to(self, name: str) -> None:
        """Press Tab until the focus is on the control of that name."""
        for _ in range(80):
            if self.page.evaluate(f"() => ({NAME_OF})(document.activeElement)") == name:
                return
            self.page.keyboard.press("Tab")
        message = f"80 presses of Tab did not reach {name!r}"
        raise AssertionError(message)

    def unreached(self) -> list[str]:
        """Walk through the figure with Tab and return the controls that had no focus."""
        self.focus_first()
        self.page.evaluate("() => { window.nnReached = new Set([document.activeElement]); }")
        inside = "(root) => nnReached.add(document.activeElement) && root.contains(document.activeElement)"
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
        """Press keys and measure each from keydown to the frame after the new picture, sorted."""
        self.root.evaluate(TIMING)
        self.press(*keys)
        self.page.wait_for_function("(n) => nnSamples.length >= n", arg=len(keys))
        samples: list[float] = self.page.evaluate("() => { nnTimer.abort(); return nnSamples; }")
        return sorted(samples)

    def overflow(self) -> list[str]:
        """Return what reaches beyond the right edge of the figure or of its output."""
        wide: list[str] = self.root.evaluate(OVERFLOW)
        return wide


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the smallest sample that so large a share of them does not exceed."""
    return sorted(samples)[max(0, math.ceil(share * len(samples)) - 1)]


def bring_unit(server: Server, course: Path, slug: str) -> str:
    """Copy a built unit into the learner's folder, and return its path there."""
    shutil.copytree(course / slug, server.folder / slug, dirs_exist_ok=True)
    return f"{slug}/{slug}.ipynb"
