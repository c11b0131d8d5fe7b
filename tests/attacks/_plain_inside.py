"""Within the box: run plain nbgrader on two submissions, then say what happened, as JSON."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from textwrap import shorten
from typing import Any

from tests.attacks._page import active

COURSE = Path("/tmp/class/course")
ATTACKER, NEIGHBOR = "ada", "bea"
COMMAND_TIMEOUT_S = 100


def main(request: dict[str, Any]) -> None:
    """Grade, and print the facts of an `Outcome`."""
    slug = request["slug"]
    connections: list[str] = []
    _listen(request, connections)
    batch = ""
    ended, said = _nbgrader("autograde", slug)
    if request["feedback"]:
        _nbgrader("generate_feedback", slug)
    time.sleep(0.5)
    host = [f"process {name} survives" for name in _processes()]
    host += [*connections]
    if Path(request["marker"]).exists():
        host.append("a file written outside of its folder")
    points, neighbor, graded = _scores(slug)
    if not ended:
        batch = f"autograde did not end within {COMMAND_TIMEOUT_S} s"
    elif not graded:
        batch = "the honest neighbor was left ungraded" + _last_line(said)
    facts = {
        "points": points,
        "secrets": _read(slug, request["canaries"]),
        "host": host,
        "neighbor": neighbor,
        "batch": batch,
        "page": _page(slug) if request["feedback"] else [],
    }
    print(json.dumps(facts))  # ruff: ignore[print]  read by whoever made the box


def _nbgrader(*arguments: str) -> tuple[bool, str]:
    """Run a command of nbgrader; whether it ended by itself, and what it said."""
    log = Path("/tmp/class/log.txt")
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=COURSE,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(COMMAND_TIMEOUT_S)
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
            process.kill()
    return ended, log.read_text(errors="replace")[-3000:]


def _last_line(said: str) -> str:
    errors = [line for line in said.splitlines() if "ERROR" in line]
    return f" ({shorten(errors[-1].split('ERROR')[-1].strip(' |]'), 80)})" if errors else ""


def _listen(request: dict[str, Any], connections: list[str]) -> None:
    """Listen on loopback and on an abstract socket, as some service of the machine would."""
    tcp = socket.socket()
    tcp.bind(("127.0.0.1", request["port"]))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind("\0" + request["socket"])
    for name, server in (("a port of the host", tcp), ("an abstract socket", unix)):
        server.listen()
        threading.Thread(target=_accept, args=(server, name, connections), daemon=True).start()


def _accept(server: socket.socket, name: str, connections: list[str]) -> None:
    while True:
        server.accept()
        if f"{name} reached" not in connections:
            connections.append(f"{name} reached")


def _processes() -> list[str]:
    """Name the processes that are left, but for this one and the first."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in {1, os.getpid()}:
            with contextlib.suppress(OSError):
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and int(entry.name) > 2:
                    found.append((entry / "comm").read_text().strip())
    return found[:3]


def _scores(slug: str) -> tuple[dict[str, float | None], str, bool]:
    """Points of the attacker, what happened to the neighbor, and whether both were graded."""
    import warnings

    warnings.simplefilter("ignore")
    from nbgrader.api import Gradebook

    points: dict[str, dict[str, float | None]] = {}
    with Gradebook(f"sqlite:///{COURSE}/gradebook.db") as gradebook:
        for student in (ATTACKER, NEIGHBOR):
            found: dict[str, float | None] = {}
            with contextlib.suppress(Exception):
                notebook = gradebook.find_submission_notebook(slug, slug, student)
                for grade in notebook.grades:
                    name = grade.name.removeprefix("check_")
                    scored = grade.manual_score is not None or grade.auto_score is not None
                    found[name] = float(grade.score) if scored else None
            points[student] = found
    honest = {"mean_squared_error": 3.0, "predict_shapes": 4.0}
    seen = points[NEIGHBOR]
    graded = set(honest) <= set(seen) and None not in seen.values()
    neighbor = ""
    if graded and seen != honest:
        neighbor = ", ".join(
            f"{name} {value:g}" for name, value in seen.items() if value is not None
        )
    if graded and not (COURSE / "autograded" / NEIGHBOR / slug / f"{slug}.ipynb").exists():
        neighbor = "its autograded notebook is gone"
    wanted = {name: points[ATTACKER].get(name) for name in honest}
    return wanted, neighbor, graded


def _read(slug: str, canaries: dict[str, str]) -> list[str]:
    """Name the canaries in what the attacker gets back."""
    texts = [
        path.read_text(errors="replace")
        for kind in ("autograded", "feedback")
        for path in (COURSE / kind / ATTACKER / slug).rglob("*")
        if path.is_file()
    ]
    return [name for name, canary in canaries.items() if any(canary in text for text in texts)]


def _page(slug: str) -> list[str]:
    """List what the attacker's feedback page runs beyond the neighbor's."""
    pages = [COURSE / "feedback" / name / slug / f"{slug}.html" for name in (ATTACKER, NEIGHBOR)]
    if not all(page.exists() for page in pages):
        return []
    mine, other = (active(page.read_text(errors="replace")) for page in pages)
    return sorted((mine - other).elements())[:5]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
