"""Which processes are there that an attack may have left: below this one, or with nobody above."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grading.engine import _work
from grading.sandbox import Sandboxes

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
    known: dict[int, tuple[int, str]] = {}
    for pid, name, state, parent in _all():
        if state != "Z":
            known[pid] = parent, name
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
    marked = [PROCESS for name in _orphans() if name == PROCESS]
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
    """Name the processes that nobody waits for: one that has left its box would be among them."""
    for _, name, state, parent in _all():
        if parent == 1 and state != "Z":
            yield name


def _all() -> Iterator[tuple[int, str, str, int]]:
    """Yield number, name, state and parent of every process that can be seen."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                head, _, tail = (entry / "stat").read_text().rpartition(")")
                state, parent = tail.split()[:2]
                yield int(entry.name), head.partition("(")[2], state, int(parent)
