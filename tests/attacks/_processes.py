"""Which processes are there that an attack may have left: below this one, or with nobody above."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grading.engine import _work
from grading.sandbox import Sandboxes
from grading.sandbox._warm import drop_root

PROCESS = f"nn-attack-{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}"
"""Name that a process takes which wants to stay; another test worker's are not ours to judge."""


@dataclass(frozen=True)
class Process:
    """A process below this one.

    Attributes
    ----------
    pid : int
        Its number.
    name : str
        What it calls itself.
    above : tuple of int
        The processes between it and this one, the nearest first.
    """

    pid: int
    name: str = field(compare=False)
    above: tuple[int, ...] = field(compare=False)

    def __str__(self) -> str:
        return f"{self.name} ({self.pid})"


def descendants() -> list[Process]:
    """List the processes below this one, the dead that wait to be reaped left out."""
    known = {pid: (parent, name) for pid, name, parent in _all()}
    found = []
    for pid, (parent, name) in known.items():
        above = []
        while parent not in {0, 1, os.getpid()}:
            above.append(parent)
            parent = known.get(parent, (0, ""))[0]
        if parent == os.getpid():
            found.append(Process(pid, name, tuple(above)))
    return sorted(found, key=lambda process: process.pid)


def left_since(before: list[Process]) -> list[str]:
    """Name the processes that were not there before, but for the warm templates themselves.

    Other tests of this process may have servers of their own, and may have closed the sandboxes
    that they share with the arena, so that a template starts anew during an attack. A template and
    what bubblewrap puts above it are nobody's survivors; everything below it is.
    """
    templates = _dismissed_templates()
    now = descendants()
    house = {pid for each in now if each.pid in templates for pid in (each.pid, *each.above)}
    new = [each for each in now if each not in before and each.pid not in house]
    marked = list(_orphans())
    marked += [PROCESS for process in new if process.name == PROCESS]
    return marked or [str(process) for process in new]


def _dismissed_templates() -> set[int]:
    """End the children that wait for a submission, and return the numbers of their templates."""
    found = set()
    for sandboxes in _work._warm.values():
        if isinstance(sandboxes, Sandboxes):
            for template in sandboxes._templates.values():
                template.dismiss()
                found.add(template.pid)
    return found


def _orphans() -> Iterator[str]:
    """Name the processes that nobody waits for and that may have left a box of this worker's.

    Such a one has the user's number that this worker drops to, or the name that attacks take: one
    that runs without a sandbox, to see that the arena sees it, has no number of its own.
    """
    own = next((int(word[8:]) for word in drop_root() if word.startswith("--reuid=")), None)
    for pid, name, parent in _all():
        with contextlib.suppress(OSError):
            if parent == 1 and (name == PROCESS or Path(f"/proc/{pid}").stat().st_uid == own):
                yield f"{name} ({pid}), an orphan"


def _all() -> Iterator[tuple[int, str, int]]:
    """Yield number, name and parent of every process that lives and can be seen."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                name, state, parent = _stat(entry)
                if state != "Z" or _lives_on(entry):
                    yield int(entry.name), name, parent


def _lives_on(process: Path) -> bool:
    """Tell whether a process whose first thread has ended goes on in another one."""
    return any(_stat(task)[1] != "Z" for task in (process / "task").iterdir())


def _stat(folder: Path) -> tuple[str, str, int]:
    head, _, tail = (folder / "stat").read_text().rpartition(")")
    state, parent = tail.split()[:2]
    return head.partition("(")[2], state, int(parent)
