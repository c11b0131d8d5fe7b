"""Read a unit's percent file and expand its markers to what nbgrader expects.

An author writes ``# %% exercise="id"`` and ``# %% check="id"``; the points, the ids and the locks
come from the declarations and are written nowhere else. A source that breaks a rule is refused
here, before anything runs.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import jupytext

from grading.authoring import cells, imports, solutions
from grading.authoring.declarations import Declaration, Registry, of_unit
from grading.house import Unit
from grading.refusals import Refusal

__all__ = ["UnitSource", "read_source"]

# Keys that may stand behind "# %%"; jupytext's own notes about blank lines are dropped silently.
_MARKER_KEYS = frozenset({"exercise", "check", "tags", "shown", "jupyter"})
_JUPYTEXT_NOTES = frozenset({"lines_to_next_cell", "lines_to_end_of_cell_marker"})


@dataclass(frozen=True)
class UnitSource:
    """A unit as its author wrote it, expanded.

    Parameters
    ----------
    unit : Unit
        Number, slug, title, hours.
    notebook : Notebook
        All cells with nbgrader's metadata and stable ids, without outputs.
    solution_lines : tuple of SolutionLine
        What no learner's notebook may hold.
    exercises : dict of str to Declaration
        The unit's exercises, in the order of the declarations.
    """

    unit: Unit
    notebook: cells.Notebook
    solution_lines: tuple[solutions.SolutionLine, ...]
    exercises: dict[str, Declaration]


@dataclass(frozen=True)
class _Place:
    """Where a cell stands in the source, for messages."""

    path: Path
    number: int
    line: int | None

    def refuse(self, fact_and_mend: str) -> NoReturn:
        line = f" (line {self.line})" if self.line else ""
        msg = f"solutions/{self.path.name}, cell {self.number}{line}: {fact_and_mend}"
        raise Refusal(msg)


def read_source(path: Path, unit: Unit, registry: Registry) -> UnitSource:
    """Read, expand and examine one source.

    Parameters
    ----------
    path : Path
        ``solutions/NN-slug.py``.
    unit : Unit
        The unit it is.
    registry : Registry
        All declared exercises.

    Returns
    -------
    UnitSource
        The expanded notebook and what the checks need to know.

    Raises
    ------
    Refusal
        With file, cell and mend, for the first rule that the source breaks.
    """
    text = path.read_text(encoding="utf-8")
    written = jupytext.reads(text, fmt="py:percent").cells
    exercises = of_unit(registry, unit.number)
    allowed = imports.allowed_modules(exercises.values())
    places = _places(path, text, len(written))
    expanded: list[cells.Notebook] = []
    lines: list[solutions.SolutionLine] = []
    seen: dict[str, int] = {}
    for position, (cell, place) in enumerate(zip(written, places, strict=True)):
        marks = _marks(cell, place)
        name = str(marks.get("exercise") or marks.get("check") or "")
        if name:
            _examine_name(name, unit, registry, place)
            _examine_order(marks, name, seen, place)
            _count(cells.CHECK_PREFIX + name if "check" in marks else name, seen, place)
        if "exercise" in marks:
            _examine_exercise(cell, name, place)
            shown = frozenset(marks.get("shown", ()))
            lines.extend(solutions.distinctive_lines(name, cell.source, shown))
        elif "check" in marks:
            _examine_check(cell, name, place)
        else:
            _examine_other(cell, place)
        _examine_imports(cell, marks, allowed, place)
        expanded.append(_expand(cell, marks, registry, unit.slug, position))
    _examine_completeness(path, exercises, seen)
    return UnitSource(unit, cells.new_notebook(expanded), tuple(lines), exercises)


def _places(path: Path, text: str, n_cells: int) -> list[_Place]:
    """Return where each cell stands; its line only where each cell has a marker."""
    markers = [
        number for number, line in enumerate(text.splitlines(), 1) if line.startswith("# %%")
    ]
    known = len(markers) == n_cells
    return [_Place(path, i + 1, markers[i] if known else None) for i in range(n_cells)]


def _marks(cell: cells.Notebook, place: _Place) -> dict[str, Any]:
    marks = {key: value for key, value in cell.metadata.items() if key not in _JUPYTEXT_NOTES}
    if unknown := sorted(set(marks) - _MARKER_KEYS):
        place.refuse(
            f"the marker has {', '.join(map(repr, unknown))}, known are exercise, check, tags, "
            "shown and jupyter. Mend its spelling, or put a title into a markdown cell."
        )
    if "exercise" in marks and "check" in marks:
        place.refuse('one cell is both exercise and check. Put check("id") into a cell of its own.')
    if "shown" in marks and "exercise" not in marks:
        place.refuse('shown=[...] belongs to a cell with exercise="id". Move it there.')
    strange = sorted(set(marks.get("tags", ())) - cells.TAGS - cells.NBVAL_TAGS)
    if strange:
        place.refuse(
            f"the tag {strange[0]!r} is not known. Use setup, figure or drive "
            "(or nbval-check-output, nbval-ignore-output)."
        )
    if cell.cell_type != "code" and ("exercise" in marks or "check" in marks):
        place.refuse("an exercise or check is a code cell, this is text. Drop [markdown].")
    return marks


def _examine_name(name: str, unit: Unit, registry: Registry, place: _Place) -> None:
    if name not in registry:
        place.refuse(
            f"the exercise {name!r} is not declared. Declare it in grading/exercises, or mend the "
            "id here."
        )
    if registry[name].unit != unit.number:
        place.refuse(
            f"the exercise {name!r} is declared for unit {registry[name].unit}, this is unit "
            f"{unit.number}. Move the cell, or mend the declaration."
        )


def _examine_order(marks: dict[str, Any], name: str, seen: dict[str, int], place: _Place) -> None:
    if "check" in marks and name not in seen:
        place.refuse(f"the check of {name!r} stands before its exercise. Move it below that cell.")


def _count(key: str, seen: dict[str, int], place: _Place) -> None:
    if key in seen:
        kind = "check cell of" if key.startswith(cells.CHECK_PREFIX) else "exercise"
        name = key.removeprefix(cells.CHECK_PREFIX)
        place.refuse(f"the {kind} {name!r} stands already in cell {seen[key]}. Remove one of them.")
    seen[key] = place.number


def _examine_exercise(cell: cells.Notebook, name: str, place: _Place) -> None:
    if problem := solutions.marks_problem(cell.source):
        place.refuse(
            f"the exercise {name!r} {problem}; nbgrader would blank the whole cell or none of it. "
            "Put ### BEGIN SOLUTION and ### END SOLUTION around the answer."
        )
    _parse(cell.source, f"the exercise {name!r}", place)
    tree = _parse(solutions.stub(cell.source), f"the stub of {name!r}", place)
    kinds = (ast.FunctionDef, ast.ClassDef)
    defined = [node for node in tree.body if isinstance(node, kinds) and node.name == name]
    if not defined:
        place.refuse(
            f"the stub of {name!r} does not define it. Put its signature above ### BEGIN SOLUTION."
        )
    if not ast.get_docstring(defined[0]):
        place.refuse(
            f"the stub of {name!r} has no docstring. State task, shapes and one hand example above "
            "### BEGIN SOLUTION."
        )


def _examine_check(cell: cells.Notebook, name: str, place: _Place) -> None:
    if cell.source != cells.check_source(name):
        place.refuse(
            f"a check cell holds exactly {cells.check_source(name)}, this one holds "
            f"{cell.source[:40]!r}. Move the rest into another cell."
        )


def _examine_other(cell: cells.Notebook, place: _Place) -> None:
    for mark in (solutions.BEGIN, solutions.END, "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"):
        if mark in cell.source:
            place.refuse(
                f'{mark} stands outside an exercise. Mark the cell exercise="id", or remove it.'
            )


def _examine_imports(
    cell: cells.Notebook, marks: dict[str, Any], allowed: frozenset[str], place: _Place
) -> None:
    if cell.cell_type != "code":
        return
    tree = _parse(cell.source, "the cell", place)
    tagged = set(marks.get("tags", ()))
    if tagged & {"figure", "drive"}:
        return
    known = allowed | {"grading.check"} if "setup" in tagged else allowed
    for module in imports.imported_modules(tree):
        if not imports.is_allowed(module, known):
            place.refuse(
                f"it imports {module}, but while graded the unit has only the standard library, "
                f"{', '.join(sorted(allowed))}, and grading.check in its setup cell. Import it in "
                "a cell tagged figure or drive, or add it to sandbox_modules."
            )


def _parse(source: str, what: str, place: _Place) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        place.refuse(
            f"{what} is not Python: {error.msg}, line {error.lineno} of the cell. Mend it."
        )


def _examine_completeness(
    path: Path, exercises: dict[str, Declaration], seen: dict[str, int]
) -> None:
    for name in _missing(exercises, seen):
        cell = "check cell" if name in seen else "exercise cell"
        marker = "check" if name in seen else "exercise"
        msg = (
            f"solutions/{path.name}: the exercise {name!r} has no {cell}. "
            f'Add one, marked # %% {marker}="{name}".'
        )
        raise Refusal(msg)


def _missing(exercises: dict[str, Declaration], seen: dict[str, int]) -> Iterator[str]:
    for name in exercises:
        if name not in seen or cells.CHECK_PREFIX + name not in seen:
            yield name


def _expand(
    cell: cells.Notebook, marks: dict[str, Any], registry: Registry, slug: str, position: int
) -> cells.Notebook:
    metadata = {key: copy.deepcopy(marks[key]) for key in ("jupyter", "tags") if marks.get(key)}
    if name := marks.get("exercise"):
        metadata["nbgrader"] = cells.exercise_metadata(name)
    elif name := marks.get("check"):
        metadata["nbgrader"] = cells.check_metadata(name, registry[name].graded_total)
    expanded = cells.new_cell(cell.cell_type, cell.source, metadata)
    expanded.id = cells.cell_id(slug, cells.grade_id(expanded) or position)
    return expanded
