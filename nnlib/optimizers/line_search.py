"""How far to go along a direction: the strong Wolfe conditions, and plain backtracking."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from nnlib._array import check_count, check_number
from nnlib.errors import ArgumentError

Phi: TypeAlias = Callable[[float], tuple[float, float]]
"""A function of one variable that gives its value and its slope."""


@dataclass(frozen=True)
class LineSearch:
    """What a search along a line found.

    Attributes
    ----------
    step : float
        How far to go; 0 if no smaller value was found.
    value, slope : float
        There.
    n_evaluations : int
        How often the function was asked.
    satisfied : bool
        Whether the conditions hold at ``step``.
    """

    step: float
    value: float
    slope: float
    n_evaluations: int
    satisfied: bool


@dataclass(frozen=True)
class _Point:
    """A place on the line that was looked at."""

    step: float
    value: float
    slope: float


class _BudgetSpentError(Exception):
    """End a search from wherever it is."""


def strong_wolfe(
    phi: Phi,
    value0: float,
    slope0: float,
    *,
    step: float = 1.0,
    c1: float = 1e-4,
    c2: float = 0.9,
    max_step: float = 1e10,
    max_evaluations: int = 25,
) -> LineSearch:
    """Find a step a > 0 that satisfies the strong Wolfe conditions.

        φ(a) ≤ φ(0) + c1 a φ'(0)        enough decrease
        |φ'(a)| ≤ c2 |φ'(0)|            the slope is nearly spent

    The second one makes the curvature along the step positive, which keeps the matrices of BFGS
    positive definite. First the step grows until an interval is known to hold such a point; then
    cubic interpolation narrows it. Where φ is infinite or nan the step was too long.

    Parameters
    ----------
    phi : function a -> (value, slope)
        The function along the line.
    value0, slope0 : float
        φ(0) and φ'(0), which must be negative.
    step : float, default 1
        The first a.
    c1, c2 : float
        0 < c1 < c2 < 1. 0.9 suits quasi-Newton directions, 0.1 conjugate gradients.
    max_step : float
        The longest a.
    max_evaluations : int
        After so many the best point so far is returned.

    Returns
    -------
    found : LineSearch
        The point with the smallest value so far where the conditions could not be met.

    Raises
    ------
    ArgumentError
        If the direction does not lead down, or a value is outside what it may be.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, algorithms 3.5 and 3.6.

    Examples
    --------
    >>> strong_wolfe(lambda a: ((a - 3.0) ** 2, 2 * (a - 3.0)), 9.0, -6.0, c2=0.1).step
    3.0
    """
    where = "strong_wolfe"
    c1 = check_number(c1, "c1", where, positive=True, below=1)
    c2 = check_number(c2, "c2", where, positive=True, below=1)
    if c1 >= c2:
        message = f"strong_wolfe: c1 is {c1:g} and c2 is {c2:g}, expected c1 < c2."
        raise ArgumentError(message)
    step = check_number(step, "step", where, positive=True)
    max_step = check_number(max_step, "max_step", where, positive=True)
    budget = check_count(max_evaluations, "max_evaluations", where)
    if not (slope0 < 0 and math.isfinite(slope0) and math.isfinite(value0)):
        message = (
            f"strong_wolfe: value0 is {value0!r} and slope0 is {slope0!r}, expected a finite value "
            "and a negative slope. Turn the direction around, or start anew from −gradient."
        )
        raise ArgumentError(message)
    return _StrongWolfe(phi, _Point(0.0, value0, slope0), c1, c2, max_step, budget).search(step)


class _StrongWolfe:
    """One search; algorithms 3.5 (``search``) and 3.6 (``zoom``)."""

    def __init__(
        self, phi: Phi, start: _Point, c1: float, c2: float, max_step: float, budget: int
    ) -> None:
        self.phi, self.start, self.best = phi, start, start
        self.c1, self.c2, self.max_step, self.budget = c1, c2, max_step, budget
        self.n_evaluations = 0

    def search(self, step: float) -> LineSearch:
        """Widen until the interval holds a solution, then narrow it."""
        try:
            found = self.bracket(min(step, self.max_step))
        except _BudgetSpentError:
            found = None
        point = found or self.best
        return LineSearch(
            point.step, point.value, point.slope, self.n_evaluations, satisfied=found is not None
        )

    def bracket(self, step: float) -> _Point | None:
        previous = self.start
        while True:
            point = self.ask(step)
            if self.too_high(point) or (previous.step > 0 and point.value >= previous.value):
                return self.zoom(previous, point)
            if self.flat(point):
                return point
            if point.slope >= 0:
                return self.zoom(point, previous)
            if point.step >= self.max_step:
                return None
            step = _cubic_minimum(previous, point)
            if step <= point.step:  # the cubic falls for ever
                step = 4.0 * point.step
            step = min(max(step, 1.1 * point.step), 10.0 * point.step, self.max_step)
            previous = point

    def zoom(self, low: _Point, high: _Point) -> _Point | None:
        """Narrow an interval whose end ``low`` has the smaller value and slopes into it."""
        while True:
            width = high.step - low.step
            if abs(width) <= 1e-14 * max(abs(high.step), abs(low.step)):
                return None
            step = _cubic_minimum(low, high)
            # At least a tenth of the interval goes; an end that is not finite tells nothing more.
            inner = sorted((low.step + 0.1 * width, high.step - 0.1 * width))
            step = min(max(step, inner[0]), inner[1])
            point = self.ask(step)
            if self.too_high(point) or point.value >= low.value:
                high = point
                continue
            if self.flat(point):
                return point
            if point.slope * width >= 0:
                high = low
            low = point

    def ask(self, step: float) -> _Point:
        if self.n_evaluations >= self.budget:
            raise _BudgetSpentError
        self.n_evaluations += 1
        value, slope = self.phi(step)
        if not (math.isfinite(value) and math.isfinite(slope)):
            value, slope = math.inf, math.nan
        point = _Point(step, float(value), float(slope))
        if point.value < self.best.value:
            self.best = point
        return point

    def too_high(self, point: _Point) -> bool:
        return point.value > self.start.value + self.c1 * point.step * self.start.slope

    def flat(self, point: _Point) -> bool:
        return abs(point.slope) <= -self.c2 * self.start.slope


def _cubic_minimum(a: _Point, b: _Point) -> float:
    """Return where the cubic with these values and slopes is least, else halfway; eq. 3.59."""
    halfway = 0.5 * (a.step + b.step)
    width = b.step - a.step
    if not (math.isfinite(a.value) and math.isfinite(b.value)) or width == 0:
        return halfway
    d1 = a.slope + b.slope - 3.0 * (b.value - a.value) / width
    square = d1 * d1 - a.slope * b.slope
    if not (math.isfinite(square) and square >= 0):
        return halfway
    d2 = math.copysign(math.sqrt(square), width)
    below = b.slope - a.slope + 2.0 * d2
    if below == 0:
        return halfway
    return b.step - width * (b.slope + d2 - d1) / below


def backtrack(
    phi: Callable[[float], float],
    value0: float,
    slope0: float,
    *,
    step: float = 1.0,
    c1: float = 1e-4,
    shrink: float = 0.5,
    max_evaluations: int = 40,
) -> float:
    """Shorten a step until the value falls enough: φ(a) ≤ φ(0) + c1 a φ'(0).

    Parameters
    ----------
    phi : function a -> value
        The function along the line; infinity or nan counts as too high.
    value0, slope0 : float
        φ(0) and φ'(0), which must be negative.
    step : float, default 1
        The first a.
    c1 : float, default 1e-4
        The share of the promised decrease that is enough.
    shrink : float, default 0.5
        Factor from one a to the next.
    max_evaluations : int
        After so many the search gives up.

    Returns
    -------
    step : float
        How far to go; 0 if no step helps.

    Raises
    ------
    ArgumentError
        If the direction does not lead down, or a value is outside what it may be.

    References
    ----------
    Armijo (1966), Pacific Journal of Mathematics 16, 1-3.

    Examples
    --------
    >>> backtrack(lambda a: (a - 1.0) ** 2, value0=1.0, slope0=-2.0, step=8.0)
    1.0
    """
    step = check_number(step, "step", "backtrack", positive=True)
    c1 = check_number(c1, "c1", "backtrack", positive=True, below=1)
    shrink = check_number(shrink, "shrink", "backtrack", positive=True, below=1)
    if not slope0 < 0:
        message = f"backtrack: slope0 is {slope0!r}, expected a negative slope."
        raise ArgumentError(message)
    for _ in range(check_count(max_evaluations, "max_evaluations", "backtrack")):
        if phi(step) <= value0 + c1 * step * slope0:
            return step
        step *= shrink
    return 0.0
