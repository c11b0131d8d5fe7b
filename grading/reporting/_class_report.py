"""What stands on the class page: from true counts to what may be published.

Everything on the page and in its JSON is computed from published counts alone, so that it tells no
more than they do. "Where the class went wrong first" is therefore the first place in the notebook
at which a quarter of the class tried and was not all right, not a count of first mistakes.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from grading.check.report import readable
from grading.reporting._counts import ExerciseCounts, Line, UnitCounts, misconceptions, table
from grading.reporting._hiding import LEAST, Count, Table, by_size, exactly, merged, published
from grading.reporting._pages import number
from grading.reporting._times import arrivals

_QUARTERS = 4
_SHARE_TO_TALK_ABOUT = 0.25
_MOST_TO_TALK_ABOUT = 4
_MOST_BINS = 10


@dataclass(frozen=True)
class Part:
    """A criterion and how many passed it."""

    name: str
    points: float
    passed: Count


@dataclass(frozen=True)
class ExerciseReport:
    """One exercise, as it is published.

    Attributes
    ----------
    name, title : str
        Which one.
    max_points : float
        Points that count; 0 for practice.
    groups : dict of str to Count
        Learners by ``"full"``, ``"partly"``, ``"none"`` and ``"not started"``.
    stopped : Count
        Learners whose answer was stopped at a limit.
    parts : tuple of Part
        Criteria.
    misconceptions : tuple of (str, str, int)
        Name in words, message, learners; the commonest first.
    mean : float or None
        Mean points of the parts; None where a part is hidden.
    """

    name: str
    title: str
    max_points: float
    groups: dict[str, Count]
    stopped: Count
    parts: tuple[Part, ...]
    misconceptions: tuple[tuple[str, str, int], ...]
    mean: float | None

    @property
    def n_wrong(self) -> int | None:
        """How many tried it and were not all right; None where that is hidden."""
        full, absent = self.groups["full"].exact, self.groups["not started"].exact
        return None if full is None or absent is None else self.groups["full"].of - full - absent

    @property
    def share_wrong(self) -> float:
        """The share of the class, at least, that tried and was not all right."""
        full, absent = self.groups["full"], self.groups["not started"]
        return max(0.0, 1 - (full.high + absent.high) / full.of) if full.of else 0.0

    @property
    def most_missed(self) -> Part | None:
        """The part that fewest passed, if that is published."""
        seen = [part for part in self.parts if part.passed.exact is not None]
        lowest = min(seen, key=lambda part: part.passed.low, default=None)
        return lowest if lowest is not None and lowest.passed.low < lowest.passed.of else None


@dataclass(frozen=True)
class UnitReport:
    """One assignment, as it is published.

    With ``own`` it is for the instructor alone: it names people and hides no number.
    """

    slug: str
    title: str
    max_points: float
    n_graded: int
    handed: Count
    graded: Count
    unread: Count
    failed_here: Count
    nothing: Count
    exercises: tuple[ExerciseReport, ...]
    points: tuple[tuple[str, int], ...] = ()
    quarters: tuple[float, float, float] | None = None
    outliers: tuple[Count, Count] | None = None
    times: tuple[tuple[str, int], ...] = ()
    usage: dict[str, float] = field(default_factory=dict)
    inside: bool = False
    unsafe: bool = False
    own: bool = False
    names: tuple[Line, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()
    low: float = 0.0
    high: float = 0.0

    @property
    def enough(self) -> bool:
        """Whether enough learners were graded to publish anything about them."""
        return self.n_graded >= (1 if self.own else LEAST)

    @property
    def to_talk_about(self) -> tuple[ExerciseReport, ...]:
        """The worst exercises in which a quarter of the class went wrong, in their order."""
        if not self.enough:
            return ()
        found = [each for each in self.exercises if each.share_wrong >= _SHARE_TO_TALK_ABOUT]
        worst = sorted(found, key=lambda each: -each.share_wrong)[:_MOST_TO_TALK_ABOUT]
        return tuple(each for each in found if each in worst)

    def outlying(self, line: Line) -> str:
        """Say whether a learner's points lie far below or above the others'."""
        if self.n_graded < LEAST or not line.is_graded:
            return ""
        return "far below" if line.points < self.low else "far above" * (line.points > self.high)

    def to_dict(self, zone: tzinfo | None = None) -> dict[str, Any]:
        """Return what is published as plain data, times on a clock; names only if asked for."""
        content: dict[str, Any] = {
            "assignment": self.slug,
            "title": self.title,
            "max_points": self.max_points,
            "handed_in_something": _plain(self.handed),
            "graded": _plain(self.graded),
            "not_readable": _plain(self.unread),
            "failed_on_our_side": _plain(self.failed_here),
            "handed_in_nothing": _plain(self.nothing),
            "verdicts_inside": self.inside,
            "without_sandbox": self.unsafe,
        }
        if self.enough:
            content |= {
                "exercises": [_exercise_dict(each) for each in self.exercises],
                "points": dict(self.points),
                "quartiles": self.quarters,
                "outliers": self.outliers
                and dict(zip(("below", "above"), map(_plain, self.outliers), strict=True)),
                "handed_in": dict(self.times),
                "usage": self.usage,
                "to_talk_about": [each.name for each in self.to_talk_about],
            }
        if self.names:
            content["learners"] = [
                _line_dict(line, self.outlying(line), zone) for line in self.names
            ]
        if self.own:
            content["nothing_from"] = [learner_id for learner_id, _ in self.absent]
        return content


def unit_report(counts: UnitCounts, *, names: bool = False) -> UnitReport:
    """Decide what of a unit's counts is published.

    Parameters
    ----------
    counts : UnitCounts
        True counts.
    names : bool, default False
        Make it the instructor's own: with a table of learners, and no number hidden.

    Returns
    -------
    UnitReport
        Ready to be drawn.
    """
    lines = counts.lines
    n = len(lines)
    least = 1 if names else LEAST
    statuses = _statuses(counts, names)
    points = [line.points for line in lines]
    low, high = fences(points)
    report = UnitReport(
        slug=counts.slug,
        title=counts.title,
        max_points=counts.max_points,
        n_graded=n,
        handed=by_size(len(counts.handed), least),
        graded=statuses["graded"],
        unread=statuses["unread"],
        failed_here=statuses["failed here"],
        nothing=by_size(counts.n_learners - len(counts.handed), least),
        exercises=tuple(exercise_report(each, own=names) for each in counts.exercises.values()),
        inside=any(line.inside for line in lines),
        unsafe=any(line.unsafe for line in lines),
        own=names,
        names=tuple(counts.handed) if names else (),
        absent=tuple(counts.absent) if names else (),
        low=low,
        high=high,
    )
    if not report.enough:
        return report
    vary = sum(len({each.group for each in one.outcomes}) > 1 for one in counts.exercises.values())
    varies = names or vary > 1
    return UnitReport(**{
        **vars(report),
        # With one exercise that varies, bins of points are its groups under another name.
        "points": _histogram(points, counts.max_points, least) if varies else (),
        "quarters": _quarters(points, least) if varies else None,
        "outliers": (
            by_size(sum(value < low for value in points), least),
            by_size(sum(value > high for value in points), least),
        )
        if n >= LEAST
        else None,
        "times": arrivals(lines, least),
        "usage": _usage(lines),
    })


def _statuses(counts: UnitCounts, own: bool) -> dict[str, Count]:
    """Decide what is shown of what became of the submissions."""
    true = {
        "graded": len(counts.lines),
        "unread": counts.n_unread,
        "failed here": counts.n_failed_here,
    }
    if len(counts.lines) >= LEAST and not own:  # nothing says how many were handed in
        return {name: by_size(count) for name, count in true.items()}
    kinds = tuple(true)
    members = {name: tuple(kind == name for kind in kinds) for name in kinds}
    whole = Table(len(counts.handed), kinds, true, members)
    if own:
        return exactly(whole)
    few = Count(1, LEAST - 1, whole.n_people) if counts.lines else Count(0, 0, whole.n_people)
    return {**published(whole), "graded": few}


def exercise_report(counts: ExerciseCounts, *, own: bool = False) -> ExerciseReport:
    """Decide what of an exercise's counts is published.

    Parameters
    ----------
    counts : ExerciseCounts
        True counts.
    own : bool, default False
        Hide nothing: it is for the instructor alone.

    Returns
    -------
    ExerciseReport
        Ready to be drawn.
    """
    least = 1 if own else LEAST
    shown = exactly(table(counts)) if own else published(table(counts))
    parts = tuple(
        Part(name, points, shown[f"passed {name}"])
        for name, points in counts.points.items()
        if f"passed {name}" in shown
    )
    known = {m.name: m.message for m in counts.exercise.misconceptions} if counts.exercise else {}
    seen = misconceptions(counts, least) if len(counts.outcomes) >= least else []
    exact = [part.points * part.passed.low for part in parts if part.passed.exact is not None]
    whole = bool(parts) and len(exact) == len(parts) and len(counts.outcomes) >= least
    return ExerciseReport(
        name=counts.name,
        title=counts.title,
        max_points=counts.max_points,
        groups={name: shown[name] for name in ("full", "partly", "none", "not started")},
        stopped=shown["stopped"],
        parts=parts,
        misconceptions=tuple((readable(name), known.get(name, ""), k) for name, k in seen),
        mean=sum(exact) / len(counts.outcomes) if whole else None,
    )


def fences(points: Sequence[float]) -> tuple[float, float]:
    """Return the points beyond which a learner is an outlier.

    Parameters
    ----------
    points : sequence of float
        Of all learners.

    Returns
    -------
    low, high : float
        1.5 times the distance between the quartiles below the first and above the third; 0 and 0
        for fewer than 5 learners. Tukey (1977), Exploratory Data Analysis.
    """
    if len(points) < LEAST:
        return 0.0, 0.0
    first, _, third = statistics.quantiles(points, n=4, method="inclusive")
    return first - 1.5 * (third - first), third + 1.5 * (third - first)


def _histogram(points: Sequence[float], most: float, least: int) -> tuple[tuple[str, int], ...]:
    width = max(1.0, -(-most // _MOST_BINS))
    n_bins = max(1, int(-(-(most + 1e-9) // width)))
    counts = [0] * n_bins
    for value in points:
        counts[min(max(int(value // width), 0), n_bins - 1)] += 1
    return tuple(
        (f"{number(first * width)} to {'below ' * (last < n_bins - 1)}"
         f"{number((last + 1) * width if last < n_bins - 1 else most)}", people)
        for first, last, people in merged(counts, least)
    )  # fmt: skip


def _quarters(points: Sequence[float], least: int) -> tuple[float, float, float] | None:
    if len(points) < _QUARTERS * least:
        return None
    first, middle, third = statistics.quantiles(points, n=4, method="inclusive")
    return first, middle, third


def _usage(lines: Sequence[Line]) -> dict[str, float]:
    walls = sorted(line.wall_s for line in lines)
    usage = {
        "median_s": statistics.median(walls),
        "all_s": sum(walls),
        "all_cpu_s": sum(line.cpu_s for line in lines),
        "median_peak_mb": statistics.median(line.peak_bytes for line in lines) / 1e6,
    }
    if len(walls) >= _QUARTERS * LEAST:
        usage["p95_s"] = statistics.quantiles(walls, n=20, method="inclusive")[-1]
    return {name: round(value, 3) for name, value in usage.items()}


def _plain(count: Count) -> int | str:
    return count.text if count.exact is None else count.exact


def _exercise_dict(each: ExerciseReport) -> dict[str, Any]:
    return {
        "exercise": each.name,
        "title": each.title,
        "max_points": each.max_points,
        **{name.replace(" ", "_"): _plain(count) for name, count in each.groups.items()},
        "stopped": _plain(each.stopped),
        "mean": each.mean if each.mean is None else round(each.mean, 3),
        "parts": [
            {"name": part.name, "points": part.points, "passed": _plain(part.passed)}
            for part in each.parts
        ],
        "misconceptions": [
            {"name": name, "message": message, "learners": n}
            for name, message, n in each.misconceptions
        ],
    }


def _line_dict(line: Line, outlying: str, zone: tzinfo | None) -> dict[str, Any]:
    at = line.handed_in.astimezone(zone or line.handed_in.tzinfo) if line.handed_in else None
    return {
        "id": line.learner_id,
        "name": line.name,
        "group": line.group,
        "points": line.points,
        "penalty": line.penalty,
        "final": line.final,
        "waiting": line.waiting,
        "status": line.status,
        "handed_in": at.isoformat() if at else None,
        "outlier": outlying,
        "verdicts_inside": line.inside,
        "without_sandbox": line.unsafe,
        "exercises": {name: each.points for name, each in line.outcomes.items()},
    }
