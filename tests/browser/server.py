"""A JupyterLab of its own: every folder that Jupyter writes to lies in a temporary one.

So a learner's own settings neither act on a test nor are written by it. The server listens on the
loopback address; it and its kernels end with the block that started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]

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


# What a learner has: the tools of authors and instructors stay out of the way.
SERVER_EXTENSIONS = {
    "jupyterlab_jupytext": False,
    "nbgrader.server_extensions.assignment_list": False,
    "nbgrader.server_extensions.course_list": False,
    "nbgrader.server_extensions.formgrader": False,
    "nbgrader.server_extensions.validate_assignment": False,
}
LAB_EXTENSIONS = {"@jupyter/nbgrader": True, "jupyterlab-jupytext": True}


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
        with opener.open(request, timeout=60) as answer:
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
def short_folder() -> Generator[Path, None, None]:
    """Make a temporary folder whose path is short enough for the socket files of kernels."""
    with tempfile.TemporaryDirectory(prefix="nn", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


@contextlib.contextmanager
def running_lab(timeout_s: float = 120.0) -> Generator[Server, None, None]:
    """Run JupyterLab on an empty folder for as long as the block lasts."""
    with short_folder() as base:
        folder = base / "my course"
        folder.mkdir()
        _write_settings(base / "c")
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


def _write_settings(folder: Path) -> None:
    extensions = {"ServerApp": {"jpserver_extensions": SERVER_EXTENSIONS}}
    files = {
        "jupyter_server_config.json": extensions,
        "labconfig/default_setting_overrides.json": OVERRIDES,
        "labconfig/page_config.json": {"disabledExtensions": LAB_EXTENSIONS},
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")


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
        process.wait(timeout=30)
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


def bring_unit(server: Server, course: Path, slug: str) -> str:
    """Copy a built unit into the learner's folder, and return its path there."""
    shutil.copytree(course / slug, server.folder / slug, dirs_exist_ok=True)
    return f"{slug}/{slug}.ipynb"
