"""What an attack is: what it tries, what is handed in, and which points it deserves."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from grading.check.solution import source_of
from grading.exercises import exercise
from grading.house import course_root, units

Aim = Literal["grade", "secrets", "host", "neighbor", "batch", "page"]
"""What would count as success: a point more than deserved, a canary read, a file or process left
on the machine, another learner's result changed, grading stopped, a script in a page."""

Notebook = dict[str, Any]
Edit = Callable[[Notebook], None]

WRONG = "def mean_squared_error(y, targets):\n    return 0.0\n"
"""An answer to the attacked exercise that deserves nothing."""


@cache
def right(name: str) -> str:
    """Return a right answer to an exercise, as a learner would write it."""
    return source_of(exercise(name).reference, name)


@dataclass(frozen=True)
class Target:
    """What a well-informed attacker knows of the machine; written into the sources as ``@NAME@``.

    Attributes
    ----------
    folder : Path
        The class folder: submissions, gradebook, journal.
    gradebook : Path
        The database of grades.
    secret : Path
        A file beside the class folder that holds a canary.
    source : Path
        Where solutions, hidden tests or references lie.
    marker : Path
        A file that a successful attack on the host would leave.
    port : int
        A port of loopback on which somebody listens.
    socket : str
        Name of an abstract unix socket on which somebody listens.
    """

    folder: Path
    gradebook: Path
    secret: Path
    source: Path
    marker: Path
    port: int = 9
    socket: str = "nobody"

    def written_into(self, text: str) -> str:
        """Replace ``@GRADEBOOK@`` and its like by Python literals."""
        for name, value in vars(self).items():
            literal = repr(value if isinstance(value, int) else str(value))
            text = text.replace(f"@{name.upper()}@", literal)
        return text


@dataclass(frozen=True)
class Attack:
    """One way to earn what is not deserved, or to do harm.

    Attributes
    ----------
    tries : str
        What it tries, as a phrase: the row of the table.
    aims : tuple of Aim
        What would count as success. Whatever is named, all are looked at.
    answer : str
        What is handed in for the attacked exercise.
    beside : mapping of str to str
        Answers to other exercises; by default an honest one to ``predict_shapes``.
    added : tuple of str
        Code cells put before the first exercise.
    edit : callable or None
        Changes the notebook, a dict, before it is written.
    pack : callable or None
        ``pack(text, slug)`` returns the files handed in; by default the notebook alone.
    links : mapping of str to str
        Symbolic links handed in beside the files: a name, and what of the `Target` it leads to.
    points : mapping of str to float
        Deserved points by exercise.
    at_most : mapping of str to float
        Where a grader may also read on in place of refusing the whole: the points of that.
    exercise, slug : str
        What is attacked.
    statuses : tuple of str
        Statuses that a result of it may have; empty allows any but ``infra_error``.
    harm : str
        Why it is not run against plain nbgrader, which has no limit that would stop it.
    plain : {"both", "checks", "none"}
        Which of plain nbgrader's two notebooks it applies to.
    """

    tries: str
    aims: tuple[Aim, ...] = ("grade",)
    answer: str = WRONG
    beside: Mapping[str, str] = field(
        default_factory=lambda: {"predict_shapes": right("predict_shapes")}
    )
    added: tuple[str, ...] = ()
    edit: Edit | None = None
    pack: Callable[[bytes, str], Mapping[str, bytes]] | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    points: Mapping[str, float] = field(
        default_factory=lambda: {"mean_squared_error": 0.0, "predict_shapes": 4.0}
    )
    at_most: Mapping[str, float] = field(default_factory=dict)
    exercise: str = "mean_squared_error"
    slug: str = "00-start-here"
    statuses: tuple[str, ...] = ()
    harm: str = ""
    plain: Literal["both", "checks", "none"] = "both"

    def files(
        self, released: Notebook, target: Target, slug: str | None = None
    ) -> dict[str, bytes]:
        """Return what is handed in, from a released notebook."""
        notebook = answered(
            released, {self.exercise: self.answer, **self.beside}, self.added, target
        )
        if self.edit is not None:
            self.edit(notebook)
        slug = slug or self.slug
        text = json.dumps(notebook).encode("utf-8", "surrogatepass")
        return dict(self.pack(text, slug)) if self.pack else {f"{slug}.ipynb": text}


def answered(
    released: Notebook, answers: Mapping[str, str], added: tuple[str, ...], target: Target
) -> Notebook:
    """Return a copy of a released notebook with answers filled in and cells added."""
    notebook = copy.deepcopy(released)
    for name, source in answers.items():
        graded(notebook, name)["source"] = target.written_into(source)
    first = notebook["cells"].index(graded(notebook, next(iter(answers))))
    notebook["cells"][first:first] = [
        code_cell(target.written_into(source), f"added{i:07d}") for i, source in enumerate(added)
    ]
    return notebook


def graded(notebook: Notebook, grade_id: str) -> dict[str, Any]:
    """Return the cell of a notebook that carries a grade_id."""
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
            found: dict[str, Any] = cell
            return found
    raise KeyError(grade_id)


def code_cell(source: str, cell_id: str) -> dict[str, Any]:
    """Return a code cell as a learner's editor writes it."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell_id,
        "metadata": {},
        "outputs": [],
        "source": source,
    }


def markdown_cell(source: str, cell_id: str) -> dict[str, Any]:
    """Return a markdown cell as a learner's editor writes it."""
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": source}


@cache
def released_text(slug: str) -> str:
    """Return the committed learner's notebook of a unit."""
    return (course_root() / "course" / slug / f"{slug}.ipynb").read_text(encoding="utf-8")


def released(slug: str) -> Notebook:
    """Return the committed learner's notebook of a unit as a dict."""
    content: Notebook = json.loads(released_text(slug))
    return content


def slug_of(number: str) -> str:
    """Return the slug of a unit by its number."""
    return next(unit.slug for unit in units(course_root()) if unit.number == number)


def telling(search: str) -> str:
    """Return an answer that searches for canaries and tells them by every way it has.

    ``search`` is Python that puts bytes or text into the list ``found``.
    """
    return f"""\
import re, sys

found = []

def look(place):
    try:
        data = open(place, "rb").read(30_000_000)
    except Exception:
        return
    found.append(data)

try:
{_indented(search)}
except BaseException as error:
    failure = repr(error)
found = [item if isinstance(item, bytes) else str(item).encode() for item in found]
told = sorted({{m.decode() for item in found for m in re.findall(rb"canary-[0-9a-f]{{16}}", item)}})
told = " ".join(told)
print("told", told)
calls = 0

def mean_squared_error(y, targets):
    global calls
    calls += 1
    print("told", told)
    if told and calls == 1:
        raise ValueError(told)
    return told or 0.0
"""


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line.strip() else "" for line in text.splitlines())
