"""Honest submissions, generated: what a class hands in that tries nothing.

`corpus` yields the same submissions for the same arguments. Each exercise of each submission is
answered in one way of `WAYS`; over a corpus every reference, alternative and misconception of the
unit occurs, beside blanks, errors and half-finished work. Around the answers stands what learners
leave in notebooks: helper cells, edited text, comments in their own language, warnings.
The tests compare scores with plain nbgrader on it, and the benchmarks time both sides with it.
"""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from grading.check.solution import source_of
from grading.exercises import Exercise, exercises_of_unit
from grading.house import course_root

__all__ = ["Answer", "HonestSubmission", "answers_of", "corpus", "lightened"]

TRIMMINGS = (
    "plain",
    "helper cell",
    "edited text",
    "comments",
    "warnings",
    "scratch cells",
    "magics",
)
"""What stands around the answers of a submission."""

NAMES = ("Zoë", "Nguyễn", "Иван", "محمد", "李", "O'Neil", "Ruiz, Ana")


@dataclass(frozen=True)
class Answer:
    """One way to answer one exercise.

    Attributes
    ----------
    way : str
        ``"reference"``, ``"alternative 1"``, a misconception's name, ``"blank"``, ``"error"``, …
    source : str or None
        What stands in the cell; None leaves the stub.
    points : float
        What it deserves, by the declaration.
    """

    way: str
    source: str | None
    points: float


@dataclass(frozen=True)
class HonestSubmission:
    """A notebook as it was handed in, and what it deserves.

    Attributes
    ----------
    learner : str
        ``"learner-0007"``.
    name : str
        A name as people have them.
    slug : str
        The unit.
    ways : dict of str to str
        How each exercise was answered.
    points : dict of str to float
        Deserved points by exercise.
    trimming : str
        What stands around the answers.
    text : str
        The notebook, JSON.
    """

    learner: str
    name: str
    slug: str
    ways: dict[str, str]
    points: dict[str, float]
    trimming: str
    text: str

    @property
    def files(self) -> dict[str, bytes]:
        """What was handed in, by file name."""
        return {f"{self.slug}.ipynb": self.text.encode()}


def corpus(slug: str, n: int, *, seed: int = 0, light: bool = True) -> Iterator[HonestSubmission]:
    """Generate honest submissions of a unit.

    Parameters
    ----------
    slug : str
        The unit: ``"01-backpropagation"``.
    n : int
        How many. All ways to answer occur from about twice as many on as an exercise has.
    seed : int, default 0
        Another seed gives another class.
    light : bool, default True
        Empty the figure and drive cells, which cost time and carry no points.

    Yields
    ------
    HonestSubmission
        All right, then all blank, then mixtures.
    """
    released = json.loads(_released(slug))
    if light:
        released = lightened(released)
    pools = {each.id: answers_of(each) for each in exercises_of_unit(slug[:2])}
    rng = np.random.default_rng([seed, int(slug[:2])])
    starts = {name: int(rng.integers(len(pool))) for name, pool in pools.items()}
    for i in range(n):
        chosen = {
            name: pool[_position(i, starts[name], len(pool), rng)] for name, pool in pools.items()
        }
        trimming = TRIMMINGS[i % len(TRIMMINGS)] if i else "plain"
        yield _submission(released, slug, i, chosen, trimming)


def _position(i: int, start: int, size: int, rng: np.random.Generator) -> int:
    """Which answer of a pool: reference and blank first, then each in turn, then at random."""
    if i < 2:
        return i
    return (start + i) % size if i < 2 + size else int(rng.integers(size))


def answers_of(exercise: Exercise) -> tuple[Answer, ...]:
    """List all honest ways to answer an exercise: the reference first, the blank second.

    Parameters
    ----------
    exercise : Exercise
        The declaration.

    Returns
    -------
    tuple of Answer
        With the points that each deserves.
    """
    full = exercise.graded_total
    reference = source_of(exercise.reference, exercise.id)
    found = [Answer("reference", reference, full), Answer("blank", None, 0.0)]
    for i, alternative in enumerate(exercise.alternatives, start=1):
        found.append(Answer(f"alternative {i}", source_of(alternative, exercise.id), full))
    for wrong in exercise.misconceptions:
        left = sum(p for name, p in exercise.points.items() if name not in wrong.fails)
        points = float(left) if full else 0.0
        found.append(Answer(wrong.name, source_of(wrong.function, exercise.id), points))
    head = f"class {exercise.id}:\n" if inspect.isclass(exercise.reference) else _head(exercise)
    found += [
        Answer("unfinished", f"{head}    pass  # to do\n", 0.0),
        Answer("syntax error", f"{head}    return (1 +\n", 0.0),
        Answer("name error", f"{head}    return not_defined_anywhere\n", 0.0),
        Answer("deleted", "", 0.0),
        Answer("renamed", reference.replace(exercise.id, exercise.id + "_old"), 0.0),
    ]
    return tuple(found)


def _head(exercise: Exercise) -> str:
    names = ", ".join(inspect.signature(exercise.reference).parameters)
    return f"def {exercise.id}({names}):\n"


@cache
def _released(slug: str) -> str:
    return (course_root() / "course" / slug / f"{slug}.ipynb").read_text(encoding="utf-8")


def lightened(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a notebook with its figure and drive cells emptied.

    Parameters
    ----------
    notebook : dict
        A notebook of the course.

    Returns
    -------
    dict
        The copy.
    """
    light = copy.deepcopy(notebook)
    for cell in light["cells"]:
        if {"figure", "drive"} & set(cell["metadata"].get("tags", ())):
            cell["source"] = ""
    return light


def _submission(
    released: dict[str, Any], slug: str, i: int, chosen: dict[str, Answer], trimming: str
) -> HonestSubmission:
    notebook = copy.deepcopy(released)
    for name, answer in chosen.items():
        cell = next(
            cell
            for cell in notebook["cells"]
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == name
        )
        if answer.source is not None:
            cell["source"] = answer.source
    learner = f"learner-{i:04d}"
    _trim(notebook, chosen, trimming)
    notebook["cells"].append(
        _markdown("the-last-one", f"Handed in by {NAMES[i % len(NAMES)]}, {i}.")
    )
    return HonestSubmission(
        learner,
        NAMES[i % len(NAMES)],
        slug,
        {name: answer.way for name, answer in chosen.items()},
        {name: answer.points for name, answer in chosen.items()},
        trimming,
        json.dumps(notebook, ensure_ascii=False),
    )


def _trim(notebook: dict[str, Any], chosen: dict[str, Answer], trimming: str) -> None:
    """Put around the answers what learners leave in a notebook."""
    cells = notebook["cells"]
    graded = [cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("solution")]
    written = [cell for cell in graded if chosen[_id(cell)].source]
    if trimming == "helper cell":
        for cell in written:
            _through_a_helper(cells, cell)
    elif trimming == "edited text":
        prose = [cell for cell in cells if cell["cell_type"] == "markdown"]
        prose[0]["source"] = "# My notes\n\n" + "".join(prose[0]["source"])
        prose[-1]["source"] = "Ich habe das *zuletzt* gelesen. $x^2$"
        cells.insert(3, _markdown("own-markdown", "Don't forget: **rows** first; `a < b & c`."))
    elif trimming == "comments":
        for cell in written:
            cell["source"] = f"# Kommentar: größer als null, 答え, ответ\n{cell['source']}\n# fin\n"
    elif trimming == "warnings":
        for cell in written:
            cell["source"] = f"import warnings\n\nwarnings.warn('old')\n\n\n{cell['source']}\n"
    elif trimming == "scratch cells":
        cells.insert(
            2, _code("own-scratch-1", "import math\nx = [math.sin(i) for i in range(5)]\nx")
        )
        cells.insert(9, _code("own-scratch-2", "print(1 / 0)  # what happens?"))
        cells.append(_code("own-scratch-3", "for name in list(globals())[:3]:\n    print(name)"))
    elif trimming == "magics":
        cells.insert(2, _code("own-magic-1", "%time 1 + 1\n!echo hello\nlen?"))
        cells.insert(4, _code("own-magic-2", "%%time\ntotal = sum(range(10))"))


def _through_a_helper(cells: list[dict[str, Any]], cell: dict[str, Any]) -> None:
    """Move an answer into a helper cell before it, and call the helper in its place."""
    name = _id(cell)
    source = cell["source"]
    first, _, _ = source.partition("\n")
    if not first.startswith(f"def {name}(") or not first.endswith("):") or source.count(name) != 1:
        return
    arguments = first.removeprefix(f"def {name}(").removesuffix("):")
    if any(sign in arguments for sign in "=*/:"):
        return
    helper = source.replace(f"def {name}(", f"def my_{name}(")
    cells.insert(cells.index(cell), _code(f"own-{name}"[:60], helper))
    cell["source"] = f"def {name}({arguments}):\n    return my_{name}({arguments})\n"


def _id(cell: dict[str, Any]) -> str:
    return str(cell["metadata"]["nbgrader"]["grade_id"])


def _code(cell_id: str, source: str) -> dict[str, Any]:
    content = {"execution_count": None, "outputs": [], "metadata": {}}
    return {"cell_type": "code", "id": cell_id, "source": source, **content}


def _markdown(cell_id: str, source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": source}
