"""Submissions for the tests of the broker, and runs that end or lie as told."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from grading.assignments import AssignmentVersion, version_of
from grading.broker import grade
from grading.check.solution import source_of
from grading.house import course_root, units
from grading.limits import Limits
from grading.results import CellResult, Result
from grading.sandbox import LocalRun, LocalSandboxes, RunEndedError

SECRET = b"s" * 32
SLUGS = tuple(unit.slug for unit in units(course_root()))
START = "00-start-here"
BACKPROP = "01-backpropagation"
FULL = os.environ.get("NNCOURSE_FULL") == "1"

Notebook = dict[str, Any]


@cache
def version(slug: str = START, secret: bytes = SECRET) -> AssignmentVersion:
    return version_of(course_root() / "course" / slug / f"{slug}.ipynb", secret)


@cache
def references(slug: str = START) -> Mapping[str, str]:
    return {name: source_of(each.reference, name) for name, each in version(slug).exercises.items()}


def notebook(answers: Mapping[str, str] | None = None, slug: str = START) -> Notebook:
    """The released notebook with answers in its cells; by default all references."""
    answers = references(slug) if answers is None else answers
    content = copy.deepcopy(version(slug).notebook)
    for cell in content["cells"]:
        if grade_id(cell) in answers:
            cell["source"] = answers[str(grade_id(cell))]
    return content


def grade_id(cell: Mapping[str, Any]) -> str | None:
    found = cell["metadata"].get("nbgrader", {}).get("grade_id")
    return None if found is None else str(found)


def cell_of(content: Notebook, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(cell for cell in content["cells"] if grade_id(cell) == name)
    return found


def place_of(content: Notebook, name: str) -> int:
    return next(i for i, cell in enumerate(content["cells"]) if grade_id(cell) == name)


def code(source: str, **metadata: Any) -> dict[str, Any]:
    """A cell as a learner adds it."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata,
        "outputs": [],
        "source": source,
    }


def files(content: Notebook | str | bytes, slug: str = START) -> dict[str, bytes]:
    if isinstance(content, dict):
        content = json.dumps(content)
    return {f"{slug}.ipynb": content.encode() if isinstance(content, str) else content}


def graded(
    content: Notebook | str | bytes | Mapping[str, bytes],
    slug: str = START,
    *,
    sandboxes: Any = None,
    limits: Limits | None = None,
    secret: bytes = SECRET,
) -> Result:
    handed = content if _are_files(content) else files(content, slug)  # type: ignore[arg-type]
    return grade(
        handed,  # type: ignore[arg-type]
        version(slug, secret),
        limits or Limits(),
        sandboxes if sandboxes is not None else LocalSandboxes(),
    )


def _are_files(content: object) -> bool:
    return (
        isinstance(content, dict)
        and "cells" not in content
        and all(isinstance(value, bytes) for value in content.values())
    )


def cell(result: Result, name: str) -> CellResult:
    [book] = result.notebooks
    return next(each for each in book.cells if each.exercise == name)


def notes(result: Result) -> str:
    return " ".join(result.notebooks[0].notes)


class Told(LocalSandboxes):
    """Runs in this process of which a request may end or be answered by something else.

    ``tell`` gets each request before it is carried out. It may raise, return an answer of its own,
    or return None.
    """

    def __init__(self, tell: Callable[[Mapping[str, Any]], dict[str, Any] | None]) -> None:
        self.tell = tell
        self.asked: list[str] = []
        self.n_taken = 0

    def take(self, modules: Sequence[str], limits: Limits) -> LocalRun:
        self.n_taken += 1
        return _ToldRun(self)


class _ToldRun(LocalRun):
    def __init__(self, owner: Told) -> None:
        super().__init__()
        self._owner = owner

    def ask(self, message: Any, within_s: float, answer: Any = None) -> dict[str, Any]:
        self._owner.asked.append(str(message.get("name") or message.get("exercise")))
        told = self._owner.tell(message)
        return super().ask(message, within_s, answer) if told is None else told


def dying(reason: str, *where: str) -> Told:
    """Runs that end in the cells and exercises of these names."""

    def tell(message: Mapping[str, Any]) -> None:
        name = f"{message['do']} {message.get('name') or message.get('exercise')}"
        if name in where:
            raise RunEndedError(reason)  # type: ignore[arg-type]

    return Told(tell)
