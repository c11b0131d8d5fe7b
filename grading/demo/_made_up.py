"""What a made-up class hands in. The same size gives the same class."""

from __future__ import annotations

import copy
import csv
import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading.check.solution import source_of
from grading.exercises import Exercise, exercise

__all__ = ["LARGEST", "SMALLEST", "MadeUp", "make_up"]

SMALLEST, LARGEST = 8, 1000
"""Learners of a class that can be made up."""

Notebook = dict[str, Any]

_FIRST = ("Ada", "Björn", "Chloé", "Dariusz", "Eda", "Fatima", "Grace", "Hiro", "Inês", "José")
_LAST = ("Abel", "Bauer", "Çelik", "Duarte", "Eze", "Fischer", "García", "Hansen", "Ito", "Jansen")

HOSTILE = {
    "prints a score and leaves": "print('score: 100')\nimport os\nos._exit(0)",
    "never ends": "while True:\n    pass",
    "reads the machine": "print(open('/etc/passwd').read())",
    "takes all memory": "x = [bytearray(10**8) for i in range(10**4)]",
    "writes a script": "from IPython.display import HTML\nHTML('<script>alert(1)</script>')",
}
"""Cells that a few learners put at the top, by what they try."""

_OWN = {
    "relu_backward": """def relu_backward(x, dy):
    answer = []
    for row, gradients in zip(x.tolist(), dy.tolist()):
        line = []
        for value, gradient in zip(row, gradients):
            open_gate = value > 0
            passed = gradient if open_gate else 0.0
            line.append(passed)
        answer.append(line)
    return np.array(answer, dtype=float)
""",
    "mean_squared_error": """def mean_squared_error(y, targets):
    flat, wanted = list(np.ravel(y)), list(np.ravel(targets))
    squares = []
    while flat:
        gap = flat.pop() - wanted.pop()
        squares.append(gap * gap)
    return sum(squares) / len(squares)
""",
}
"""An answer of one's own, which two learners share."""


@dataclass(frozen=True)
class MadeUp:
    """What was made up.

    Attributes
    ----------
    roster : str
        Text of a roster file.
    folder : Path
        Submissions as nbgrader's tree.
    canvas : Path
        The other submissions, as Canvas exports them.
    kinds : dict of str to str
        By learner, what is special about the submission.
    """

    roster: str
    folder: Path
    canvas: Path
    kinds: dict[str, str]


def make_up(slug: str, released: str, folder: Path, n: int = 60) -> MadeUp:
    """Write what a class hands in.

    Parameters
    ----------
    slug : str
        The assignment.
    released : str
        Its notebook as it was released, JSON.
    folder : Path
        Where to write.
    n : int, default 60
        Size of the class.

    Returns
    -------
    MadeUp
        Where it is, and who is what.
    """
    rng = random.Random(20260101)  # ruff: ignore[suspicious-non-cryptographic-random-usage]  a made-up class
    template = json.loads(released)
    exercises = [exercise(name) for name in _answers(template)]
    tree, canvas = folder / "submitted by hand", folder / "canvas.zip"
    rows = io.StringIO()
    table = csv.writer(rows)
    table.writerow(("id", "first_name", "last_name", "email", "lms_user_id"))
    kinds: dict[str, str] = {}
    tree.mkdir(parents=True)
    with zipfile.ZipFile(canvas, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(n):
            learner = f"learner-{i:03d}"
            first, last = _FIRST[i % 10], f"{_LAST[(i // 10 + i) % 10]}{i:02d}"
            table.writerow((learner, first, last, f"{learner}@example.org", 7000 + i))
            kind = _kind(i)
            book = _answered(template, exercises, kind, rng)
            text = json.dumps(book, ensure_ascii=False)
            if kind == "torn":
                text = text[: len(text) // 2]
            kinds[learner] = kind
            if i % 3 == 2:
                late = "_LATE" if kind == "late" else ""
                name = f"{last}{first}".lower()
                inside = f"{name}{late}_{7000 + i}_{9000 + i}_{slug}.ipynb"
                archive.writestr(zipfile.ZipInfo(inside, (2026, 5, 30, 12, 0, i % 60)), text)
                continue
            own = tree / learner / slug
            own.mkdir(parents=True)
            (own / f"{slug}.ipynb").write_text(text, encoding="utf-8")
            day = "2026-06-02" if kind == "late" else "2026-05-30"
            (own / "timestamp.txt").write_text(f"{day} 12:00:00 UTC", encoding="utf-8")
        notes = zipfile.ZipInfo("somebody_else_1_2_notes.txt", (2026, 5, 30, 12, 0, 0))
        archive.writestr(notes, "not a notebook")
    return MadeUp(rows.getvalue(), tree, canvas, kinds)


def _kind(i: int) -> str:
    """Right for one in twelve, and so on; special ones are spread, the rest is mixed."""
    special = {
        0: "reference", 3: "blank", 5: "late", 7: "double cell", 8: "no check", 10: "torn",
        12: "own", 13: "own", 16: "alternatives", 19: "late", 22: "prints a score and leaves",
        25: "never ends", 28: "reads the machine", 31: "takes all memory", 34: "writes a script",
        37: "late", 40: "blank", 43: "reference", 46: "helper", 49: "late",
    }  # fmt: skip
    return special.get(i, "mix")


def _answers(notebook: Notebook) -> list[str]:
    marks = [cell["metadata"].get("nbgrader", {}) for cell in notebook["cells"]]
    return [mark["grade_id"] for mark in marks if mark.get("solution")]


def _answered(
    template: Notebook, exercises: list[Exercise], kind: str, rng: random.Random
) -> Notebook:
    book = copy.deepcopy(template)
    cells = book["cells"]
    by_name = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in cells}
    for each in exercises:
        if kind == "own" and each.id in _OWN:
            by_name[each.id]["source"] = _OWN[each.id]
            continue
        function = _chosen(each, kind, rng)
        if function is not None:
            by_name[each.id]["source"] = source_of(function, each.id)
    first = cells.index(by_name[exercises[0].id])
    if kind in HOSTILE:
        cells.insert(first, _code_cell(HOSTILE[kind], "an-added-cell"))
    elif kind == "helper":
        cells.insert(first, _code_cell("def half(x):\n    return x / 2", "a-helper"))
    elif kind == "double cell":
        cells.insert(first, copy.deepcopy(cells[first]))
    elif kind == "no check":
        cells.remove(by_name[f"check_{exercises[0].id}"])
    return book


def _chosen(each: Exercise, kind: str, rng: random.Random) -> Callable[..., Any] | None:
    if kind == "blank":
        return None
    if kind == "reference":
        return each.reference
    if kind == "alternatives":
        return rng.choice(each.alternatives)
    draw = rng.random()
    if draw < 0.5:
        return rng.choice((each.reference, *each.alternatives))
    return None if draw < 0.65 else rng.choice(each.misconceptions).function


def _code_cell(source: str, name: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [],
        "source": source,
    }
