"""What late work costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["LatePolicy", "late_penalty"]

_UNIT_S = {"day": 86_400.0, "hour": 3_600.0}


@dataclass(frozen=True)
class LatePolicy:
    """How late work is treated; without any change, it costs nothing.

    Attributes
    ----------
    grace_minutes : float
        Lateness that costs nothing. Beyond it, time is counted from the due date.
    percent : float
        Percent of the points for each day or hour that has begun.
    per : {"day", "hour"}
        What `percent` is for.
    cap_percent : float
        The most that is taken off, below the cut-off.
    cut_off_hours : float or None
        Hours after the due date beyond which nothing counts; None for never.
    """

    grace_minutes: float = 0.0
    percent: float = 0.0
    per: Literal["day", "hour"] = "day"
    cap_percent: float = 100.0
    cut_off_hours: float | None = None


def late_penalty(points: float, lateness_s: float, policy: LatePolicy) -> float:
    """Compute what is taken off, as nbgrader's ``late_submission_penalty`` wants it.

    Parameters
    ----------
    points : float
        Points earned.
    lateness_s : float
        Seconds after the due date; below 0 if handed in before it.
    policy : LatePolicy
        The rules of the class.

    Returns
    -------
    float
        Points to take off, between 0 and `points`.

    Examples
    --------
    >>> late_penalty(20.0, 25 * 3600, LatePolicy(percent=10))  # the second day has begun
    4.0
    """
    if points <= 0 or lateness_s <= policy.grace_minutes * 60:
        return 0.0
    if policy.cut_off_hours is not None and lateness_s > policy.cut_off_hours * 3600:
        return float(points)
    n_begun = math.ceil(max(lateness_s, 0.0) / _UNIT_S[policy.per])
    percent = min(policy.percent * n_begun, policy.cap_percent, 100.0)
    return float(min(points * max(percent, 0.0) / 100, points))
