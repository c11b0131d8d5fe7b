"""Search a bundle for what no learner may get: answers, and anything of private declarations."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from grading.authoring import cells, checks
from grading.authoring.solutions import BEGIN, END, SolutionLine, distinctive_lines, squeeze
from grading.check.solution import source_of
from grading.exercises import Exercise
from grading.refusals import Refusal

__all__ = ["refuse_leaks"]

_TELLING, _TELLING_PRIVATE = 24, 12
"""Characters without white space from which on a piece can be told from chance.

Much of the course's own code stands in its texts on purpose, none of a private declaration does.
"""


def refuse_leaks(
    files: Mapping[str, bytes],
    notebooks: Mapping[str, cells.Notebook],
    lines: Iterable[SolutionLine],
    course: Iterable[Exercise],
    private: Iterable[Exercise],
) -> None:
    """Refuse a bundle that gives something away.

    Parameters
    ----------
    files : mapping of str to bytes
        Everything in the bundle, by path.
    notebooks : mapping of str to Notebook
        The notebooks among them, by path.
    lines : iterable of SolutionLine
        Lines of the sources' solution cells.
    course : iterable of Exercise
        Declarations whose answers may not be in it.
    private : iterable of Exercise
        Declarations of which nothing at all may be in it, beyond the learner's stub.

    Raises
    ------
    Refusal
        With file and exercise.
    """
    wanted = list(lines)
    for path in files:
        folders = set(path.split("/"))
        if folders & {"solutions", "exercises"} or path.endswith(".py"):
            msg = f"{path}: such a file does not belong into a bundle. Move it out of the source."
            raise Refusal(msg)
    for path, notebook in notebooks.items():
        for finding in checks.leaks(notebook, path, wanted):
            raise Refusal(finding)
        for cell in notebook.cells:
            marks = cell.metadata.get("nbgrader", {})
            if marks.get("solution") and "NotImplementedError" not in cell.source:
                name = cells.grade_id(cell)
                msg = (
                    f"{path}: the cell {name!r} holds more than its stub. Build the notebook again."
                )
                raise Refusal(msg)
    texts = {path: list(_texts(content)) for path, content in files.items()}
    for path, notebook in notebooks.items():
        texts[path].extend(_normal_codes(notebook))
    stubs = "".join(
        squeeze(cell.source)
        for notebook in notebooks.values()
        for cell in notebook.cells
        if cells.grade_id(cell)
    )
    private = list(private)
    for exercise in (*course, *private):
        for answer in (exercise.reference, *exercise.alternatives):
            _search(texts, exercise, _bodies(answer), _TELLING, "")
    for exercise in private:
        _search(texts, exercise, _pieces(exercise), _TELLING_PRIVATE, stubs)


def _search(
    texts: Mapping[str, list[str]],
    exercise: Exercise,
    pieces: Iterable[str],
    n_telling: int,
    allowed: str,
) -> None:
    """Refuse the first piece of a declaration that stands somewhere in the bundle."""
    for piece in pieces:
        squeezed = squeeze(piece)
        if len(squeezed) < n_telling or squeezed in allowed:
            continue
        for path, found in texts.items():
            if any(squeezed in text for text in found):
                _refuse(path, exercise, piece)


def _refuse(path: str, exercise: Exercise, piece: str) -> None:
    msg = (
        f"{path}: it holds something of the exercise {exercise.id!r} that learners may not get: "
        f"{' '.join(piece.split())[:60]!r}. Take it out of the source of the notebook."
    )
    raise Refusal(msg)


def _texts(content: bytes) -> Iterator[str]:
    """Yield every text of a file without white space; in JSON, every string by itself."""
    text = content.decode("utf-8")
    yield squeeze(text)
    with suppress(ValueError):
        yield from map(squeeze, _strings(json.loads(text)))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        if value and all(isinstance(each, str) for each in value):  # a text in lines
            yield "".join(value)
        for inner in value:
            yield from _strings(inner)


def _normal_codes(notebook: cells.Notebook) -> Iterator[str]:
    """Yield the code of each cell as Python itself would write it, so that looks do not count."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            with suppress(SyntaxError, ValueError, RecursionError):
                yield squeeze(ast.unparse(ast.parse(cell.source)))


def _bodies(function: Callable[..., Any]) -> Iterator[str]:
    """Yield what a function does, as written and as Python would write it, without docstring."""
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source).body[0]
    statements = getattr(definition, "body", [])
    if statements and ast.get_docstring(definition) is not None:  # type: ignore[arg-type]  # a def or class
        statements = statements[1:]
    if statements:
        yield "\n".join(source.splitlines()[statements[0].lineno - 1 :])
        yield "\n".join(ast.unparse(each) for each in statements)


def _pieces(exercise: Exercise) -> Iterator[str]:
    """Yield every text of a declaration that would tell a learner something."""
    functions = [exercise.reference, *exercise.alternatives]
    functions += [each.function for each in exercise.misconceptions]
    for function in functions:
        marked = f"{BEGIN}\n{source_of(function, exercise.id)}\n{END}"
        yield from (line.text for line in distinctive_lines(exercise.id, marked))
    for misconception in exercise.misconceptions:
        yield misconception.name
        yield misconception.message
    for hint in exercise.hints:
        yield hint.symptom
        yield from hint.text.splitlines()
    yield from exercise.solution_note.splitlines()
