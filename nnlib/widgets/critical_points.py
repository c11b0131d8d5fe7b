"""Kinds of critical points, and where Newton's step goes from beside one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets._random import uniforms

TOLERANCE = 1e-6
"""The size up to which a gradient or an eigenvalue counts as zero."""

KINDS = ("minimum", "maximum", "saddle", "degenerate", "not critical")
"""The names that ``nnlib.curvature.CriticalPoint`` gives them."""

TERMS = ("none", "c4", "-c4", "c3")
"""What a flat direction may hide: nothing, c⁴/4, −c⁴/4 or c³/3."""

SEED = 156
DAMPING = 0.1


class Case(NamedTuple):
    """A point of a loss, with everything along its eigenvectors v₁ and v₂."""

    eigenvalues: tuple[float, float]
    gradient: tuple[float, float]
    angle: float
    start: tuple[float, float]


EXAMPLES = (
    Case((2.0, 1.0), (0.0, 0.0), 30.0, (1.1, -0.9)),
    Case((-1.0, -2.0), (0.0, 0.0), 30.0, (0.9, 0.7)),
    Case((2.0, -1.5), (0.0, 0.0), 30.0, (0.5, 1.1)),
    Case((2.0, 0.0), (0.0, 0.0), 30.0, (0.9, 1.1)),
    Case((2.0, 1.0), (-0.8, 0.6), 30.0, (0.0, 0.0)),
)
"""One of each kind, in the order of ``KINDS``; ``example(-1)`` is the first."""


def example(number: int) -> Case:
    """Return a case: the examples below 0, else the one drawn for this number.

    Each round of five holds every kind once, in an order of its own, and no two in a row are of one
    kind. Numbers that count as zero are not always exactly 0.

    Parameters
    ----------
    number : int
        −5 to −1, or 0 and above.

    Returns
    -------
    Case
        The same for the same number, in Python and in the browser.

    Examples
    --------
    >>> example(-3).eigenvalues
    (2.0, -1.5)
    """
    if number < 0:
        return EXAMPLES[-number - 1]
    kind = _order(number // 5)[number % 5]
    u = [float(v) for v in uniforms(SEED, 12, 12 * number)]

    def tenths(low: int, high: int, share: float) -> float:
        return (low + math.floor((high - low + 1) * share)) / 10

    def sign(share: float) -> int:
        return 1 if share < 0.5 else -1

    sizes = sorted((tenths(5, 30, u[1]), tenths(5, 30, u[2])))
    nothing = (0.0, 4e-8, -3e-8)[math.floor(3 * u[3])]
    below_zero = (-sizes[0], -sizes[1])
    signs = (
        (sizes[1], sizes[0]),
        below_zero,
        (sizes[1], -sizes[0]),
        (sizes[1], nothing) if u[4] < 0.5 else (nothing, -sizes[1]),
    )
    start = (sign(u[5]) * tenths(6, 12, u[6]), sign(u[7]) * tenths(6, 12, u[8]))
    angle = 15.0 * math.floor(12 * u[9]) - 90.0
    if KINDS[kind] == "not critical":
        slope = (sign(u[5]) * tenths(3, 9, u[10]), sign(u[7]) * tenths(3, 9, u[11]))
        # Most often a bowl: all eigenvalues positive and yet no minimum.
        return Case(signs[(0, 0, 1, 2)[math.floor(4 * u[4])]], slope, angle, (0.0, 0.0))
    return Case(signs[kind], ((0.0, 2e-8)[math.floor(2 * u[10])], 0.0), angle, start)


def _order(turn: int) -> list[int]:
    """Return the kinds of a round of five cases, by number."""
    last = -1
    kinds: list[int] = []
    for i in range(turn + 1):
        u = uniforms(SEED + 1, 5, 5 * i)
        kinds = [int(kind) for kind in u.argsort()]
        if kinds[0] == last:
            kinds[0], kinds[1] = kinds[1], kinds[0]
        last = kinds[4]
    return kinds


def kind_of(case: Case) -> str:
    """Name the kind of a case, as ``nnlib.curvature`` does.

    Parameters
    ----------
    case : Case
        The point.

    Returns
    -------
    str
        One of ``KINDS``.

    Examples
    --------
    >>> kind_of(example(-3))
    'saddle'
    """
    from nnlib.curvature import classify_critical_point

    norm = math.hypot(*case.gradient)
    return str(classify_critical_point(norm, list(case.eigenvalues), tolerance=TOLERANCE))


def _hidden(term: str, c: float) -> tuple[float, float, float]:
    """Return what a flat direction hides at c: its value, slope and curvature."""
    if term == "c3":
        return c**3 / 3, c**2, 2 * c
    size = {"none": 0, "c4": 1, "-c4": -1}[term]
    return size * c**4 / 4, size * c**3, size * 3 * c**2


def along(case: Case, i: int, c: float, term: str = "none") -> tuple[float, float, float]:
    """Return loss, slope and curvature along an eigenvector, c away from the point.

        L(c₁, c₂) = Σ_i  g_i c_i + ½ λ_i c_i² + hidden(c_i)

    Only directions with an eigenvalue of zero hide a term: there gradient and Hessian at the point
    are the same with each of them.

    Parameters
    ----------
    case : Case
        The point.
    i : int
        0 for v₁, 1 for v₂.
    c : float
        Place along it.
    term : str, default "none"
        One of ``TERMS``.

    Returns
    -------
    tuple of 3 floats
        The part of the loss that belongs to this direction, and its two derivatives.

    Examples
    --------
    >>> along(example(-3), 1, 2.0)
    (-3.0, -3.0, -1.5)
    """
    g, curve = case.gradient[i], case.eigenvalues[i]
    value, slope, bend = _hidden(term if abs(curve) <= TOLERANCE else "none", c)
    return g * c + 0.5 * curve * c * c + value, g + curve * c + slope, curve + bend


def newton(
    case: Case, start: Sequence[float], damping: float = DAMPING, term: str = "none"
) -> dict[str, Any]:
    """Take Newton's step from a place beside the point, plain and damped with |λ|.

        plain: c_i ← c_i − g_i / h_i        damped: c_i ← c_i − g_i / (|h_i| + μ)

    with slope g_i and curvature h_i at that place. The plain step runs to where the slope is zero,
    be that a minimum or not; |h_i| turns it downhill, and μ keeps it finite.

    Parameters
    ----------
    case : Case
        The point.
    start : sequence of 2 floats
        c₁ and c₂.
    damping : float, default 0.1
        μ, above 0.
    term : str, default "none"
        One of ``TERMS``.

    Returns
    -------
    dict
        ``plain`` and ``damped``, where they land (``plain`` is empty where a curvature is zero),
        and ``losses`` at the start and there.

    References
    ----------
    Dauphin et al. (2014), Identifying and attacking the saddle point problem, NeurIPS.

    Examples
    --------
    >>> found = newton(example(-3), [0.5, 1.0], damping=0.5)
    >>> found["plain"], [round(c, 2) for c in found["damped"]]
    ([0.0, 0.0], [0.1, 1.75])
    >>> found["losses"][:2]
    [-0.5, 0.0]
    """
    here = [along(case, i, c, term) for i, c in enumerate(start)]
    defined = all(abs(bend) > TOLERANCE for _, _, bend in here)
    plain = [c - part[1] / part[2] for c, part in zip(start, here, strict=True)] if defined else []
    damped = [c - part[1] / (abs(part[2]) + damping) for c, part in zip(start, here, strict=True)]
    losses = [
        sum(along(case, i, c, term)[0] for i, c in enumerate(place)) if place else math.nan
        for place in (list(start), plain, damped)
    ]
    return {"plain": plain, "damped": damped, "losses": losses}


class CriticalPoints(Figure):
    """Name the kind of a point from its gradient and eigenvalues, then follow Newton's step.

    Parameters
    ----------
    case : int, default 0
        Which case comes first; −1 to −5 are a minimum, a maximum, a saddle, a flat direction and
        a slope.
    damping : float, default 0.1
        μ of the damped step.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    case, start, damping, term
        What the controls hold; set them here and the picture follows.
    answer : str
        The kind that the learner named for this case, one of ``KINDS``; empty before that.
    asked, right : int
        How many cases were named, and how many of them rightly. They never count for points.
    kind : str
        What this case is.

    Raises
    ------
    ValueError
        If there is no such case, or μ is not above 0.
    """

    title = "Minimum, maximum or saddle?"
    purpose = "Name the kind of a point from two eigenvalues and the gradient, then see it."
    height = 900

    case: int = synced(0)
    answer: str = synced("")
    asked: int = synced(0)
    right: int = synced(0)
    start: list[float] = synced(list(example(0).start))
    damping: float = synced(DAMPING)
    term: str = synced("none")

    def __init__(self, *, case: int = 0, damping: float = DAMPING, key: str = "") -> None:
        if case < -len(EXAMPLES) or damping <= 0:
            message = (
                f"CriticalPoints: case is {case} and damping {damping:g}, expected a case from "
                f"-{len(EXAMPLES)} on and a damping above 0."
            )
            raise ValueError(message)
        start = list(example(case).start)
        super().__init__(key=key, case=int(case), damping=float(damping), start=start)

    @property
    def kind(self) -> str:
        """What this case is, one of ``KINDS``."""
        return kind_of(example(self.case))

    def summary(self) -> str:
        """Return the state in one sentence."""
        case = example(self.case)
        first, second = case.eigenvalues
        norm = math.hypot(*case.gradient)
        return (
            f"a point with eigenvalues {first:g} and {second:g} "
            f"and a gradient of length {norm:.2g}."
        )
