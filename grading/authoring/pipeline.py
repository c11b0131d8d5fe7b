"""The steps of a build in their order, for all units at once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grading import house
from grading.authoring import cells, checks
from grading.authoring.declarations import Declaration, Registry, course_registry
from grading.authoring.execute import WARN_AFTER_S, Executed, execute
from grading.authoring.hours import Estimate, estimate
from grading.authoring.reading import reading_variant
from grading.authoring.release import release
from grading.authoring.solutions import SolutionLine
from grading.authoring.source import UnitSource, read_source
from grading.house import Unit
from grading.refusals import Refusal

__all__ = ["BuildResult", "UnitBuild", "run"]

Report = Callable[[str], None]


@dataclass(frozen=True)
class UnitBuild:
    """What the build did to one unit.

    Parameters
    ----------
    slug : str
        The unit.
    hours : Estimate
        How long a learner needs.
    seconds : float or None
        How long the notebook ran; None if its source had not changed.
    written : tuple of Path
        Files that changed.
    """

    slug: str
    hours: Estimate
    seconds: float | None = None
    written: tuple[Path, ...] = ()


@dataclass(frozen=True)
class BuildResult:
    """What the build did, and what its checks found.

    Parameters
    ----------
    units : tuple of UnitBuild
        In the order of their numbers.
    findings : tuple of str
        Sentences of the checks; only ``check=True`` leaves any, a build refuses at once.
    """

    units: tuple[UnitBuild, ...] = ()
    findings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True if no check found anything."""
        return not self.findings


@dataclass(frozen=True)
class _House:
    """The folders of a build."""

    root: Path

    def solution(self, slug: str) -> Path:
        return self.root / "solutions" / slug / f"{slug}.ipynb"

    def learner(self, slug: str) -> Path:
        return self.root / "course" / slug / f"{slug}.ipynb"

    def reading(self, slug: str) -> Path:
        return self.root / "build" / "reading" / f"{slug}.ipynb"

    def name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def run(
    units: Sequence[str] | None,
    *,
    check: bool,
    report: Report,
    force: bool,
    root: Path | None,
    registry: Registry | None,
) -> BuildResult:
    """Do what `grading.authoring.build` promises; see there for the parameters."""
    home = _House(root if root is not None else house.course_root())
    declared = registry if registry is not None else course_registry()
    known = house.units(home.root)
    chosen = _chosen(units, known)
    sources = _read(home, known, chosen, declared, report)
    # Every unit's lines: the text of one unit may give away the answer of another.
    lines = [line for source in sources.values() for line in source.solution_lines]
    wanted = [sources[unit.slug] for unit in chosen]
    if check:
        return _compare(home, wanted, lines, report, _orphans(home, known))
    return _make(home, wanted, lines, report, force)


def _chosen(names: Sequence[str] | None, known: Sequence[Unit]) -> list[Unit]:
    if not names:
        return list(known)
    by_name = {unit.slug: unit for unit in known} | {unit.number: unit for unit in known}
    chosen: list[Unit] = []
    for name in names:
        found = by_name.get(name) or by_name.get(name.zfill(2))
        if found is None:
            numbers = ", ".join(unit.number for unit in known) or "none yet"
            msg = f"nncourse build: there is no unit {name!r}. The units are: {numbers}."
            raise Refusal(msg)
        if found not in chosen:
            chosen.append(found)
    return chosen


def _read(
    home: _House,
    known: Sequence[Unit],
    chosen: Sequence[Unit],
    registry: Registry,
    report: Report,
) -> dict[str, UnitSource]:
    """Read the chosen units, and of the others what can be read."""
    sources: dict[str, UnitSource] = {}
    for unit in known:
        path = home.root / "solutions" / f"{unit.slug}.py"
        try:
            sources[unit.slug] = read_source(path, unit, registry)
        except Refusal as refusal:
            if unit in chosen:
                raise
            report(f"  not searched for answers of unit {unit.number}: {refusal}")
    return sources


def _make(
    home: _House,
    sources: Sequence[UnitSource],
    lines: Sequence[SolutionLine],
    report: Report,
    force: bool,
) -> BuildResult:
    done: list[UnitBuild] = []
    # Made first and together: a notebook that cannot be released costs no run, and nbgrader's
    # gradebook takes seconds to set up.
    released = release({source.unit.slug: source.notebook for source in sources})
    for source in sources:
        slug = source.unit.slug
        path = home.solution(slug)
        learner = released[slug]
        solution = None if force else _with_old_outputs(source.notebook, path)
        seconds = None
        if solution is None:
            executed = execute(source.notebook, home.name(path))
            _examine_verdicts(source, executed, home.name(path))
            solution, seconds = executed.notebook, executed.seconds
            for number, text in executed.stderr.items():
                report(f"  {home.name(path)}, cell {number} wrote to stderr: {text[:100]}")
        reading = reading_variant(solution, learner)
        _refuse_findings(_examine(home, source, solution, learner, reading, lines))
        files = {path: solution, home.learner(slug): learner, home.reading(slug): reading}
        written = tuple(file for file, notebook in files.items() if _write(file, notebook))
        done.append(UnitBuild(slug, _hours(source), seconds=seconds, written=written))
        report(_line(done[-1], source))
    return BuildResult(tuple(done))


def _compare(
    home: _House,
    sources: Sequence[UnitSource],
    lines: Sequence[SolutionLine],
    report: Report,
    orphans: Sequence[str],
) -> BuildResult:
    released = release({source.unit.slug: source.notebook for source in sources})
    done: list[UnitBuild] = []
    findings = list(orphans)
    for orphan in orphans:
        report(orphan)
    for source in sources:
        slug = source.unit.slug
        paths = (home.solution(slug), home.learner(slug))
        missing = [path for path in paths if not path.is_file()]
        new = [f"{home.name(path)}: it is missing. Run: nncourse build" for path in missing]
        if not missing:
            solution, learner = (cells.read(path) for path in paths)
            solution_name, learner_name = (home.name(path) for path in paths)
            new += checks.drift(source.notebook, solution, solution_name, outputs_allowed=True)
            new += checks.drift(released[slug], learner, learner_name, outputs_allowed=False)
            reading = reading_variant(solution, learner)
            new += _examine(home, source, solution, learner, reading, lines)
        new += _strangers(home, slug)
        findings += new
        done.append(UnitBuild(slug, _hours(source)))
        report(f"{slug}: {'as its source says' if not new else f'{len(new)} findings'}")
        for finding in new:
            report(f"  {finding}")
    return BuildResult(tuple(done), tuple(findings))


def _strangers(home: _House, slug: str) -> list[str]:
    """List files beside a notebook, which nbgrader would copy into the release or the grading."""
    return [
        f"{home.name(file)}: nbgrader hands out whatever lies beside a notebook. Move it away."
        for path in (home.solution(slug), home.learner(slug))
        for file in sorted(path.parent.glob("*"))
        if file != path and file.name != ".ipynb_checkpoints"
    ]


def _orphans(home: _House, known: Sequence[Unit]) -> list[str]:
    """List notebooks whose source is gone."""
    slugs = {unit.slug for unit in known}
    return [
        f"{home.name(path)}: there is no solutions/{path.stem}.py that it is made from. Remove it."
        for folder in ("solutions", "course")
        for path in sorted((home.root / folder).glob("*/*.ipynb"))
        if path.stem not in slugs
    ]


def _with_old_outputs(notebook: cells.Notebook, path: Path) -> cells.Notebook | None:
    """Return the notebook with the outputs of its last run, None if it has to run again."""
    if not path.is_file():
        return None
    old = cells.read(path)
    if old.metadata.get("nncourse", {}).get("source_sha256") != cells.source_sha256(notebook):
        return None
    if [cell.source for cell in old.cells] != [cell.source for cell in notebook.cells]:
        return None  # edited by hand after the run
    merged = copy.deepcopy(notebook)
    for cell, before in zip(merged.cells, old.cells, strict=True):
        if cell.cell_type == "code":
            if before.execution_count is None and cell.source.strip():
                return None  # outputs were cleared
            cell.outputs = before.outputs
            cell.execution_count = before.execution_count
    return merged


def _examine_verdicts(source: UnitSource, executed: Executed, file: str) -> None:
    """Refuse a solution that its own check, or nbgrader reading it, would not give full marks."""
    for number, cell in enumerate(executed.notebook.cells, start=1):
        name = cells.grade_id(cell) or ""
        exercise = name.removeprefix(cells.CHECK_PREFIX)
        if exercise == name or exercise not in source.exercises:
            continue
        if number in executed.stderr:
            msg = (
                f"{file}, cell {number}: the check of {exercise!r} wrote to stderr, which nbgrader "
                f"takes for failure: {executed.stderr[number][:100]}. Mend the warning."
            )
            raise Refusal(msg)
        expected = repr(float(source.exercises[exercise].graded_total))
        results = [
            output.data.get("text/plain", "")
            for output in cell.outputs
            if output.output_type == "execute_result"
        ]
        if results != [expected]:
            msg = (
                f"{file}, cell {number}: the check of {exercise!r} returns "
                f"{', '.join(results) or 'nothing'} for the course's own solution, expected "
                f"{expected}. Mend the solution cell or the declaration."
            )
            raise Refusal(msg)


def _examine(
    home: _House,
    source: UnitSource,
    solution: cells.Notebook,
    learner: cells.Notebook,
    reading: cells.Notebook,
    lines: Iterable[SolutionLine],
) -> list[str]:
    """Search for leaks and changed locked cells in what stands or is about to stand."""
    slug = source.unit.slug
    exercises: Mapping[str, Declaration] = source.exercises
    solution_name, learner_name, reading_name = (
        home.name(path) for path in (home.solution(slug), home.learner(slug), home.reading(slug))
    )
    wanted = list(lines)
    return [
        *checks.leaks(learner, learner_name, wanted),
        *checks.leaks(reading, reading_name, wanted),
        *checks.locked_cells(solution, solution_name, exercises, released=False),
        *checks.locked_cells(learner, learner_name, exercises, released=True),
    ]


def _refuse_findings(findings: Sequence[str]) -> None:
    if findings:
        more = f" ({len(findings) - 1} more findings of this kind)" if findings[1:] else ""
        raise Refusal(findings[0] + more)


def _hours(source: UnitSource) -> Estimate:
    return estimate(source.notebook, source.exercises.values())


def _line(built: UnitBuild, source: UnitSource) -> str:
    ran = "source unchanged" if built.seconds is None else f"ran {built.seconds:.1f} s"
    line = f"{built.slug}: {ran}, {len(built.written)} files written, {built.hours}"
    if built.seconds is not None and built.seconds > WARN_AFTER_S:
        line += f"; warning: a unit should run in {WARN_AFTER_S:.0f} s"
    if 0 < source.unit.hours < built.hours.hours:
        line += f"; warning: the unit announces {source.unit.hours:g} h"
    return line


def _write(path: Path, notebook: cells.Notebook) -> bool:
    """Write by renaming, and only what differs; return whether it did."""
    text = cells.to_text(notebook)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)
    return True
