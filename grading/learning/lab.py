"""Run JupyterLab on a learner's folder, calmly.

The server is a child process with its log in a file. It listens on the loopback address only,
asks for a token as usual, and stops through its own interface, so that kernels end cleanly.
Our settings lie in a folder of this package that is put in front of Jupyter's search path;
the learner's own Jupyter settings are read but never written.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess  # ruff: ignore[suspicious-subprocess-import]  # our own interpreter only
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import quote

from grading.learning.kernels import kernels_can_use_sockets
from grading.refusals import Refusal

SETTINGS = Path(__file__).with_name("jupyter")
HOST = "127.0.0.1"
_LOG_LIMIT_BYTES = 1_000_000


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that answers.

    Attributes
    ----------
    url : str
        What to open in a browser: the page, with the token.
    server : str
        Address of the server, ending in a slash.
    token : str
        What the server asks for.
    process : Popen
        The server.
    """

    url: str
    server: str
    token: str
    process: subprocess.Popen[bytes]

    def wait(self) -> int:
        """Wait until the server ends by itself, as by "Shut Down" in its menu.

        Returns
        -------
        status : int
            Exit status of the server.
        """
        while True:  # a bare wait() would not see Ctrl-C on Windows
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(timeout=0.5)


@contextlib.contextmanager
def running_lab(
    folder: Path,
    *,
    home: Path,
    page: str = "",
    port: int | None = None,
    browser: bool = True,
    timeout_s: float = 90.0,
) -> Generator[Lab, None, None]:
    """Run JupyterLab for as long as the block lasts.

    Parameters
    ----------
    folder : Path
        What JupyterLab shows; nothing outside it.
    home : Path
        Where the log and the layout of the windows are kept.
    page : str, default ""
        The notebook to open: a path in the folder with forward slashes.
    port : int, optional
        The port to listen on; without it 8888, or the next free one.
    browser : bool, default True
        Open the page in the learner's browser.
    timeout_s : float, default 90.0
        How long the server may take to answer, in seconds.

    Yields
    ------
    lab : Lab
        It answers.

    Raises
    ------
    Refusal
        If the port is taken, or the server does not come up.
    """
    if port is not None:
        _refuse_taken(port)
    token = secrets.token_hex(24)
    path = "lab/tree/" + quote(page) if page else "lab"
    home.mkdir(parents=True, exist_ok=True)
    log = home / "jupyterlab.log"
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.unlink()
    with log.open("ab") as stream, _stop_signals_as_interrupt():
        start = stream.tell()
        process = subprocess.Popen(  # ruff: ignore[subprocess-without-shell-equals-true]  # a list
            _command(folder, home=home, page=path, port=port, browser=browser),
            cwd=folder,
            env=_environment(token),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=os.name != "nt",  # Ctrl-C comes to us alone, and we stop it
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        server = ""
        try:
            server = _await_answer(process, token, log, start, timeout_s)
            yield Lab(f"{server}{path}?token={token}", server, token, process)
        finally:
            _stop(process, server, token)


def _command(folder: Path, *, home: Path, page: str, port: int | None, browser: bool) -> list[str]:
    """Return the command line of the server, a list so that no path needs quoting."""
    words = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port or 8888}",
        f"--ServerApp.port_retries={0 if port else 50}",
        f"--ServerApp.open_browser={browser}",
        f"--LabApp.default_url=/{page}",
        f"--LabApp.workspaces_dir={home / 'workspaces'}",  # not the tabs of their other work
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if kernels_can_use_sockets():
        words.append("--KernelManager.transport=ipc")  # over TCP, kernels race for ports
    if is_root():
        words.append("--allow-root")
    return words


def is_root() -> bool:
    """Tell whether this process runs as root, which JupyterLab refuses unless told.

    Returns
    -------
    root : bool
        Always False on Windows.
    """
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _environment(token: str) -> dict[str, str]:
    environment = dict(os.environ)
    # In the environment and not in the command line, which every user of the machine can read.
    environment["JUPYTER_TOKEN"] = token
    environment["JUPYTER_PREFER_ENV_PATH"] = "1"  # the kernel of this Python before any other
    environment["PYTHONUTF8"] = "1"
    searched = [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    environment["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, searched))
    return environment


def _refuse_taken(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        if os.name != "nt":  # a port that a stopped server has just left is free
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            message = (
                f"nncourse learn: port {port} cannot be used ({error.strerror}). Leave --port "
                "away and a free one is found."
            )
            raise Refusal(message) from error


def _await_answer(
    process: subprocess.Popen[bytes], token: str, log: Path, start: int, timeout_s: float
) -> str:
    """Return the address of the server as soon as it answers."""
    deadline = time.monotonic() + timeout_s
    while process.poll() is None and time.monotonic() < deadline:
        server = _announced_address(token)
        if server and _answers(f"{server}api/status", token):
            return server
        time.sleep(0.1)
    said = log.read_bytes()[start:].decode("utf-8", "replace").strip().splitlines()
    reason = f"it ended with: {said[-1].strip()}" if said else "it said nothing"
    if process.poll() is None:
        reason = f"it did not answer within {timeout_s:.0f} s"
    message = (
        f'nncourse learn: JupyterLab did not start; {reason}. "nncourse doctor" looks for the '
        f"cause, and {log} has the whole report."
    )
    raise Refusal(message)


def _announced_address(token: str) -> str:
    """Read the address in the file that the server writes for itself; "" before it is there."""
    from jupyter_core.paths import jupyter_runtime_dir  # keeps --help fast

    for path in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        with contextlib.suppress(OSError, ValueError):  # gone, or half written
            server = json.loads(path.read_text(encoding="utf-8"))
            if server.get("token") == token:
                return str(server["url"])
    return ""


def _answers(url: str, token: str, *, method: str = "GET", timeout_s: float = 5.0) -> bool:
    request = urllib.request.Request(  # ruff: ignore[suspicious-url-open-usage]  # our own loopback server
        url, method=method, headers={"Authorization": f"token {token}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs none
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return int(answer.status) == 200
    except (OSError, urllib.error.URLError):
        return False


def _stop(process: subprocess.Popen[bytes], server: str, token: str) -> None:
    """End the server: by its own interface, else by a signal, else by force."""
    try:
        if process.poll() is None and server:
            _answers(f"{server}api/shutdown", token, method="POST", timeout_s=10.0)
            if _has_ended(process, patience_s=5.0):
                return
        process.terminate()
        if _has_ended(process, patience_s=5.0):
            return
    except KeyboardInterrupt:  # a second Ctrl-C: do not wait any longer
        pass
    process.kill()
    process.wait()


def _has_ended(process: subprocess.Popen[bytes], patience_s: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=patience_s)
    return process.poll() is not None


@contextlib.contextmanager
def _stop_signals_as_interrupt() -> Generator[None, None, None]:
    """Let a closed terminal or a polite kill stop the server too, as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    names = ("SIGTERM", "SIGHUP", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    try:
        before = {number: signal.signal(number, interrupt) for number in numbers}
    except ValueError:  # not the main thread: signals are not ours to handle
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
