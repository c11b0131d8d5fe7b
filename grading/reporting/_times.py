"""When work was handed in, against the due date."""

from __future__ import annotations

from collections.abc import Sequence

from grading.reporting._counts import Line
from grading.reporting._hiding import LEAST, merged

_HOUR, _DAY = 3600.0, 86_400.0
_EDGES = (
    (-7 * _DAY, "7 days before"),
    (-3 * _DAY, "3 days before"),
    (-1 * _DAY, "1 day before"),
    (-6 * _HOUR, "6 hours before"),
    (-1 * _HOUR, "1 hour before"),
    (0.0, "due"),
    (1 * _DAY, "1 day late"),
    (3 * _DAY, "3 days late"),
)
_DUE = 6  # bins up to this one are in time


def arrivals(lines: Sequence[Line], least: int = LEAST) -> tuple[tuple[str, int], ...]:
    """Count submissions by the time between handing in and the due date.

    Parameters
    ----------
    lines : sequence of Line
        Submissions; each is held to its learner's own due date.
    least : int, default 5
        Learners of a bin at least.

    Returns
    -------
    tuple of (str, int)
        Bins in order of time, each of at least so many learners; empty where some time or date is
        unknown.
    """
    counts = [0] * (len(_EDGES) + 1)
    for line in lines:
        if line.handed_in is None or line.due is None:
            return ()
        late_s = (line.handed_in - line.due).total_seconds()
        counts[sum(late_s > edge for edge, _ in _EDGES)] += 1
    in_time, late = sum(counts[:_DUE]), sum(counts[_DUE:])
    if all(n == 0 or n >= least for n in (in_time, late)):
        before = merged(counts[:_DUE], least)
        after = [(a + _DUE, b + _DUE, n) for a, b, n in merged(counts[_DUE:], least)]
        bins = before + after
    else:  # the few are not told apart from the others
        bins = merged(counts, least)
    return tuple((_label(first, last), people) for first, last, people in bins)


def _label(first: int, last: int) -> str:
    begin = _EDGES[first - 1][1] if first else ""
    end = _EDGES[last][1] if last < len(_EDGES) else ""
    if not begin and not end:
        return "any time"
    if not begin:
        return "in time" if end == "due" else f"more than {end}"
    if not end:
        return "late" if begin == "due" else f"more than {begin.replace(' late', '')} late"
    return f"{begin} to {end}"
