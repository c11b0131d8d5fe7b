"""Find the notebooks of the units to release, of the course or of an instructor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grading import house
from grading.authoring import cells, checks
from grading.authoring.declarations import Declaration
from grading.authoring.release import release as built
from grading.authoring.solutions import SolutionLine
from grading.authoring.source import read_source
from grading.exercises import Exercise, load_private
from grading.refusals import Refusal

__all__ = ["ReleasedUnit", "private_exercises", "released_units"]


@dataclass(frozen=True)
class ReleasedUnit:
    """A unit, ready for learners.

    Attributes
    ----------
    unit : Unit
        Number, slug, title.
    notebook : Notebook
        Without solutions.
    lines : tuple of SolutionLine
        Lines of its solution cells, which may not be handed out; empty where the sources are not
        installed.
    is_private : bool
        Whether it comes from an instructor's own folder.
    """

    unit: house.Unit
    notebook: cells.Notebook
    lines: tuple[SolutionLine, ...]
    is_private: bool


def private_exercises(path: Path | None) -> tuple[Exercise, ...]:
    """Load an instructor's own declarations, if there are any."""
    return load_private(path) if path is not None else ()


def released_units(
    names: Sequence[str],
    own: Path | None,
    registry: Mapping[str, Declaration],
    private: Sequence[Exercise],
) -> list[ReleasedUnit]:
    """Make or read the learners' notebooks of some units.

    Parameters
    ----------
    names : sequence of str
        Numbers or slugs; empty for all units of the instructor's folder.
    own : Path or None
        An instructor's folder, with ``solutions/NN-slug.py`` in it or beside it.
    registry : mapping of str to Declaration
        All exercises by id, private ones among them.
    private : sequence of Exercise
        The private ones.

    Returns
    -------
    list of ReleasedUnit
        In the order of the names.

    Raises
    ------
    Refusal
        If a unit is unknown or ambiguous, or its source breaks a rule.
    """
    root = _own_root(own)
    theirs = house.units(root) if root is not None else []
    ours = house.units()
    chosen = [_chosen(name, theirs, ours) for name in names] or theirs
    if not chosen:
        numbers = ", ".join(unit.number for unit in ours)
        msg = f"nncourse release: name the units to release, as in 01. There are: {numbers}."
        raise Refusal(msg)
    made: list[ReleasedUnit] = []
    for unit in dict.fromkeys(chosen):
        if root is not None and unit in theirs:
            made.append(_own_unit(root, unit, registry, private))
        else:
            made.append(_unit_of_course(unit, registry))
    return made


def _own_root(own: Path | None) -> Path | None:
    """Find the folder that holds the instructor's ``solutions/``."""
    if own is None:
        return None
    folders = [own] if own.is_dir() else [own.parent]
    found = [each for folder in folders for each in (folder, folder.parent)]
    return next((each for each in found if any((each / "solutions").glob("*.py"))), None)


def _chosen(name: str, theirs: Sequence[house.Unit], ours: Sequence[house.Unit]) -> house.Unit:
    found = [unit for unit in theirs if name in {unit.slug, unit.number}]
    found += [unit for unit in ours if name.zfill(2) == unit.number or name == unit.slug]
    slugs = list(dict.fromkeys(unit.slug for unit in found))
    if len(slugs) > 1:
        msg = f"nncourse release: unit {name!r} may be {' or '.join(slugs)}. Write the whole name."
        raise Refusal(msg)
    if not found:
        known = ", ".join(unit.number for unit in (*ours, *theirs)) or "none yet"
        msg = f"nncourse release: there is no unit {name!r}. The units are: {known}."
        raise Refusal(msg)
    return found[0]


def _unit_of_course(unit: house.Unit, registry: Mapping[str, Declaration]) -> ReleasedUnit:
    path = house.course_folder() / unit.slug / f"{unit.slug}.ipynb"
    if not path.is_file():
        msg = f"{path}: the learner's notebook is missing. Run: nncourse build {unit.number}"
        raise Refusal(msg)
    source = house.course_folder().parent / "solutions" / f"{unit.slug}.py"
    lines = read_source(source, unit, registry).solution_lines if source.is_file() else ()
    return ReleasedUnit(unit, cells.read(path), tuple(lines), is_private=False)


def _own_unit(
    root: Path,
    unit: house.Unit,
    registry: Mapping[str, Declaration],
    private: Sequence[Exercise],
) -> ReleasedUnit:
    """Build an instructor's unit as the course builds its own, in a throwaway folder."""
    source = read_source(root / "solutions" / f"{unit.slug}.py", unit, registry)
    if not source.exercises:
        declared = ", ".join(f"{each.id} (unit {each.unit})" for each in private)
        msg = (
            f"solutions/{unit.slug}.py: no exercise is declared for unit {unit.number}, "
            f"but {declared or 'none at all'}. Mend the number in the file name or in unit=."
        )
        raise Refusal(msg)
    notebook = built({unit.slug: source.notebook})[unit.slug]
    findings = checks.locked_cells(notebook, f"{unit.slug}.ipynb", source.exercises, released=True)
    for finding in findings:
        raise Refusal(finding)
    return ReleasedUnit(unit, notebook, tuple(source.solution_lines), is_private=True)
