"""Count what a class did: one pass over the works, keeping only what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from grading.exercises import Exercise
from grading.reporting._hiding import LEAST, Table
from grading.reporting._works import Work, declared
from grading.results import CellResult, Result

if TYPE_CHECKING:
    from datetime import datetime

GROUPS = ("full", "partly", "none", "not started")
_STOPPED = {"timeout", "killed", "memory"}
_NOT_GRADED = {"invalid_submission": "not readable", "infra_error": "failed on our side"}
_MOST_PARTS = 8  # 2^8 ways to pass; exercises with more parts are counted without them


@dataclass(frozen=True)
class Outcome:
    """What one learner did with one exercise."""

    group: str
    passed: frozenset[str]
    stopped: bool
    misconceptions: tuple[str, ...]
    points: float


_ABSENT = Outcome("not started", frozenset(), False, (), 0.0)
"""Who lacks a cell did not start it."""


@dataclass(frozen=True)
class Line:
    """One learner's submission, reduced to what is counted or listed."""

    learner_id: str
    name: str
    group: str
    points: float
    penalty: float
    final: float
    waiting: bool
    status: str
    handed_in: datetime | None
    due: datetime | None
    wall_s: float
    cpu_s: float
    peak_bytes: int
    inside: bool
    unsafe: bool
    outcomes: Mapping[str, Outcome]

    @property
    def is_graded(self) -> bool:
        """Whether anything could be judged."""
        return self.status not in _NOT_GRADED

    @property
    def status_words(self) -> str:
        """The status for people."""
        return _NOT_GRADED.get(self.status, self.status.replace("_", " "))


@dataclass
class ExerciseCounts:
    """One exercise or graded cell."""

    name: str
    title: str
    points: dict[str, float]
    max_points: float
    exercise: Exercise | None = None
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass
class UnitCounts:
    """One assignment: ``handed`` holds all that was handed in, ``lines`` what was graded of it.

    ``absent`` holds ids and names of those who handed in nothing.
    """

    slug: str
    title: str
    max_points: float = 0.0
    n_learners: int = 0
    n_unread: int = 0
    n_failed_here: int = 0
    handed: list[Line] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    absent: list[tuple[str, str]] = field(default_factory=list)
    exercises: dict[str, ExerciseCounts] = field(default_factory=dict)


def count(
    works: Iterable[Work], slug: str, title: str, exercises: Mapping[str, Exercise]
) -> UnitCounts:
    """Count an assignment.

    Parameters
    ----------
    works : iterable of Work
        One for each learner of the roster; each is let go after it was looked at.
    slug, title : str
        The assignment.
    exercises : mapping of str to Exercise
        Its declarations.

    Returns
    -------
    UnitCounts
        True counts; nothing is hidden in them.
    """
    unit = UnitCounts(slug, title)
    for work in works:
        unit.n_learners += 1
        if work.result is None:
            unit.absent.append((work.learner.id, work.learner.name))
            continue
        unit.max_points = max(unit.max_points, work.max_points)
        unit.n_unread += work.result.status == "invalid_submission"
        unit.n_failed_here += work.result.status == "infra_error"
        graded = work.result.status not in _NOT_GRADED
        outcomes = _outcomes(work.result, unit, exercises) if graded else {}
        unit.handed.append(_line(work, work.result, outcomes))
        if graded:
            unit.lines.append(unit.handed[-1])
    return unit


def table(counts: ExerciseCounts) -> Table:
    """Put the counts of an exercise into a table whose small numbers can be hidden.

    Parameters
    ----------
    counts : ExerciseCounts
        True counts.

    Returns
    -------
    Table
        Counts named ``"full"``, ``"partly"``, ``"none"``, ``"not started"``, ``"stopped"`` and
        ``"passed NAME"`` for each part.
    """
    parts = tuple(counts.points) if len(counts.points) <= _MOST_PARTS else ()
    ways = [
        (group, passed, stopped)
        for group, passed in _ways(parts)
        for stopped in ((False, True) if group != "not started" else (False,))
    ]
    members = {group: tuple(way[0] == group for way in ways) for group in GROUPS}
    members["stopped"] = tuple(way[2] for way in ways)
    for part in parts:
        members[f"passed {part}"] = tuple(part in way[1] for way in ways)
    true = {group: sum(each.group == group for each in counts.outcomes) for group in GROUPS}
    true["stopped"] = sum(each.stopped for each in counts.outcomes)
    for part in parts:
        true[f"passed {part}"] = sum(part in each.passed for each in counts.outcomes)
    return Table(
        n_people=len(counts.outcomes),
        kinds=tuple(map(str, ways)),
        counts=true,
        members=members,
        at_least=tuple(_recognized(counts, ways)),
    )


def misconceptions(counts: ExerciseCounts, least: int = LEAST) -> list[tuple[str, int]]:
    """Count known wrong answers, the commonest first; fewer than 5 learners are left out."""
    seen = Counter(name for each in counts.outcomes for name in set(each.misconceptions))
    n = len(counts.outcomes)
    common = [(name, k) for name, k in seen.items() if k >= least and not 0 < n - k < least]
    return sorted(common, key=lambda pair: (-pair[1], pair[0]))


def _ways(parts: tuple[str, ...]) -> list[tuple[str, frozenset[str]]]:
    """List the ways to do an exercise: which parts were passed, and what group that makes."""
    if not parts:
        return [(group, frozenset()) for group in GROUPS]
    subsets = [
        frozenset(chosen) for k in range(len(parts) + 1) for chosen in combinations(parts, k)
    ]
    ways = [
        ("full" if len(subset) == len(parts) else "partly" if subset else "none", subset)
        for subset in subsets
    ]
    return [*ways, ("not started", frozenset())]


def _recognized(
    counts: ExerciseCounts, ways: list[tuple[str, frozenset[str], bool]]
) -> Iterable[tuple[tuple[bool, ...], int]]:
    """Say what a published number of known wrong answers tells: so many failed those parts."""
    known = (
        {m.name: set(m.fails) for m in counts.exercise.misconceptions} if counts.exercise else {}
    )
    for name, n in misconceptions(counts):
        fails = known.get(name, set())
        yield tuple(way[0] in {"partly", "none"} and not (fails & way[1]) for way in ways), n


def _outcomes(
    result: Result, unit: UnitCounts, exercises: Mapping[str, Exercise]
) -> dict[str, Outcome]:
    """Count one submission into the exercises of its unit."""
    outcomes = {}
    several = len(result.notebooks) > 1
    for book in result.notebooks:
        for cell in book.cells:
            if cell.score is None or cell.status == "manual":
                continue
            name = cell.exercise or (f"{book.name}: {cell.grade_id}" if several else cell.grade_id)
            if name not in unit.exercises:
                unit.exercises[name] = _opened(name, cell, len(unit.lines), exercises)
            outcomes[name] = _outcome(cell)
    for name, counts in unit.exercises.items():
        counts.outcomes.append(outcomes.get(name, _ABSENT))
    return outcomes


def _line(work: Work, result: Result, outcomes: Mapping[str, Outcome]) -> Line:
    return Line(
        learner_id=work.learner.id,
        name=work.learner.name,
        group=work.learner.group,
        points=work.points,
        penalty=work.penalty,
        final=work.final,
        waiting=work.recorded is not None and work.recorded.waiting,
        status=result.status,
        handed_in=work.handed_in,
        due=work.due,
        wall_s=result.usage.wall_s,
        cpu_s=result.usage.cpu_s,
        peak_bytes=result.usage.peak_bytes,
        inside=result.verdicts == "inside",
        unsafe=result.sandbox == "none",
        outcomes=outcomes,
    )


def _opened(
    name: str, cell: CellResult, n_before: int, exercises: Mapping[str, Exercise]
) -> ExerciseCounts:
    exercise = declared(exercises, cell.exercise) if cell.exercise else None
    points = exercise.points if exercise else {each.name: each.points for each in cell.criteria}
    return ExerciseCounts(
        name=name,
        title=exercise.title if exercise else name,
        points=dict(points),
        max_points=cell.max_score,
        exercise=exercise,
        outcomes=[_ABSENT] * n_before,
    )


def _outcome(cell: CellResult) -> Outcome:
    stopped = cell.status in _STOPPED
    score = float(cell.score or 0.0)
    if cell.status == "not_started":
        return Outcome("not started", frozenset(), False, (), score)
    passed = frozenset(each.name for each in cell.criteria if each.earned >= each.points)
    if cell.criteria:
        full, some = len(passed) == len(cell.criteria), bool(passed)
    else:
        full, some = score >= cell.max_score, score > 0
    group = "full" if full else "partly" if some else "none"
    return Outcome(group, passed, stopped, cell.misconceptions, score)
