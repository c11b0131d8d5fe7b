"""Learning-rate schedules: plain functions from the number of steps taken to a rate.

Each function here makes one. Wherever a rate is wanted, a schedule may stand: ``SGD(model,
lr=cosine(0.1, n_steps=1000))``. One's own is a function or a lambda, and all of them compose.

    >>> warm = linear_warmup(cosine(1.0, n_steps=100), n_steps=10, start_factor=0.0)
    >>> [round(warm(step), 3) for step in (0, 5, 10, 60, 110)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from nnlib._array import check_count, check_number
from nnlib.errors import ArgumentError, DtypeError
from nnlib.optimizers.base import Schedule, check_schedule

__all__ = [
    "constant",
    "cosine",
    "exponential",
    "join",
    "linear_warmup",
    "one_cycle",
    "step_decay",
]


def constant(lr: float) -> Schedule:
    """Keep one rate: lr(t) = lr.

    Parameters
    ----------
    lr : float
        The rate, at least 0.

    Returns
    -------
    schedule : function step -> float
        The same for every step.

    Raises
    ------
    ArgumentError
        If ``lr`` is negative or no number.

    Examples
    --------
    >>> constant(0.1)(1000)
    0.1
    """
    rate = check_number(lr, "lr", "constant")
    return lambda step: rate  # ruff: ignore[unused-lambda-argument]  the name is the contract


def step_decay(lr: float, every: int, factor: float = 0.1) -> Schedule:
    """Multiply the rate by ``factor`` after every ``every`` steps.

        lr(t) = lr · factor^⌊t / every⌋

    Parameters
    ----------
    lr : float
        Rate of the first ``every`` steps.
    every : int
        Steps from one drop to the next.
    factor : float, default 0.1
        From 0 to 1.

    Returns
    -------
    schedule : function step -> float
        Piecewise constant, falling.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be.

    Examples
    --------
    >>> schedule = step_decay(1.0, every=10, factor=0.5)
    >>> [schedule(step) for step in (0, 9, 10, 20)]
    [1.0, 1.0, 0.5, 0.25]
    """
    rate = check_number(lr, "lr", "step_decay")
    period = check_count(every, "every", "step_decay")
    factor = _share(factor, "factor", "step_decay")
    return lambda step: rate * factor ** (step // period)


def exponential(lr: float, factor: float) -> Schedule:
    """Multiply the rate by ``factor`` at every step: lr(t) = lr · factor^t.

    Parameters
    ----------
    lr : float
        Rate of the first step.
    factor : float
        From 0 to 1. It halves the rate every ln ½ / ln factor steps: 0.993 every hundred.

    Returns
    -------
    schedule : function step -> float
        Falling.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be.

    Examples
    --------
    >>> schedule = exponential(8.0, factor=0.5)
    >>> [schedule(step) for step in range(4)]
    [8.0, 4.0, 2.0, 1.0]
    """
    rate = check_number(lr, "lr", "exponential")
    factor = _share(factor, "factor", "exponential")
    return lambda step: rate * factor**step


def cosine(lr: float, n_steps: int, minimum: float = 0.0) -> Schedule:
    """Fall from ``lr`` to ``minimum`` along half a wave, and stay there.

        lr(t) = minimum + ½ (lr − minimum) (1 + cos(π t / n_steps))        for t ≤ n_steps

    PyTorch's CosineAnnealingLR rises again after ``n_steps``.

    Parameters
    ----------
    lr : float
        Rate of the first step.
    n_steps : int
        Steps until the minimum is reached.
    minimum : float, default 0
        The last rate, at most ``lr``.

    Returns
    -------
    schedule : function step -> float
        Falling, flat at both ends.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be.

    References
    ----------
    Loshchilov & Hutter (2017), ICLR, arXiv 1608.03983.

    Examples
    --------
    >>> schedule = cosine(1.0, n_steps=4)
    >>> [round(schedule(step), 4) for step in range(6)]
    [1.0, 0.8536, 0.5, 0.1464, 0.0, 0.0]
    """
    high = check_number(lr, "lr", "cosine")
    length = check_count(n_steps, "n_steps", "cosine")
    low = check_number(minimum, "minimum", "cosine")
    if low > high:
        message = f"cosine: minimum is {low:g}, expected at most lr, {high:g}."
        raise ArgumentError(message)
    return lambda step: _half_wave(high, low, min(step / length, 1.0))


def linear_warmup(
    schedule: float | Schedule, n_steps: int, start_factor: float = 1.0 / 3.0
) -> Schedule:
    """Rise in a straight line to the start of ``schedule``, then follow it.

        lr(t) = schedule(0) · (start_factor + (1 − start_factor) t / n_steps)    for t < n_steps
        lr(t) = schedule(t − n_steps)                                            from there on

    Parameters
    ----------
    schedule : float or function step -> float
        What follows the warm-up; its step 0 is the first step after it.
    n_steps : int
        Length of the warm-up, at least 0.
    start_factor : float, default 1/3
        The first rate as a share of ``schedule(0)``, from 0 to 1. With 0 the first step stands
        still.

    Returns
    -------
    schedule : function step -> float
        Continuous where the two parts meet.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be.
    DtypeError
        If ``schedule`` is neither a number nor a function.

    References
    ----------
    Goyal et al. (2017), arXiv 1706.02677.

    Examples
    --------
    >>> schedule = linear_warmup(exponential(8.0, 0.5), n_steps=4, start_factor=0.0)
    >>> [schedule(step) for step in range(7)]
    [0.0, 2.0, 4.0, 6.0, 8.0, 4.0, 2.0]
    """
    after = _as_schedule(schedule, "linear_warmup: schedule")
    length = check_count(n_steps, "n_steps", "linear_warmup", minimum=0)
    start = _share(start_factor, "start_factor", "linear_warmup")

    def warmed(step: int) -> float:
        if step >= length:
            return after(step - length)
        return after(0) * (start + (1.0 - start) * step / length)

    return warmed


def one_cycle(
    max_lr: float,
    n_steps: int,
    *,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Rise to ``max_lr`` and fall far below the start, both along half a wave.

    The first rate is max_lr / div_factor, the peak comes at step pct_start · n_steps − 1, and the
    last step, n_steps − 1, has the first rate divided by ``final_div_factor``. Names and positions
    are those of PyTorch's OneCycleLR; momentum is left alone.

    Parameters
    ----------
    max_lr : float
        The peak. A range test finds it.
    n_steps : int
        Length of the cycle, at least 2.
    pct_start : float, default 0.3
        Share of the steps that rise, above 0 and below 1.
    div_factor : float, default 25
        The peak over the first rate, at least 1.
    final_div_factor : float, default 1e4
        The first rate over the last, at least 1.

    Returns
    -------
    schedule : function step -> float
        The last rate is kept after the cycle.

    Raises
    ------
    ArgumentError
        If a value is outside what it may be, or leaves less than one step for the rise.

    References
    ----------
    Smith & Topin (2018), arXiv 1708.07120.

    Examples
    --------
    >>> schedule = one_cycle(1.0, n_steps=11, pct_start=6 / 11, div_factor=10, final_div_factor=1)
    >>> [round(schedule(step), 3) for step in (0, 5, 10, 50)]
    [0.1, 1.0, 0.1, 0.1]
    """
    where = "one_cycle"
    peak = check_number(max_lr, "max_lr", where)
    length = check_count(n_steps, "n_steps", where, minimum=2)
    share = check_number(pct_start, "pct_start", where, below=1, positive=True)
    factors = {"div_factor": div_factor, "final_div_factor": final_div_factor}
    for name, factor in factors.items():
        if check_number(factor, name, where) < 1:
            message = f"one_cycle: {name} is {factor:g}, expected at least 1."
            raise ArgumentError(message)
    top = share * length - 1.0
    if top <= 0:
        message = (
            f"one_cycle: pct_start={share:g} of n_steps={length} leaves no step for the rise, "
            f"expected more than {1 / length:.3g}."
        )
        raise ArgumentError(message)
    first = peak / div_factor
    last = first / final_div_factor

    def cycle(step: int) -> float:
        if step <= top:
            return _half_wave(first, peak, step / top)
        return _half_wave(peak, last, min((step - top) / (length - 1 - top), 1.0))

    return cycle


def join(schedules: Sequence[float | Schedule], boundaries: Sequence[int]) -> Schedule:
    """Follow several schedules, one after the other.

    Each counts its steps from 0 where it takes over.

    Parameters
    ----------
    schedules : sequence of float or function step -> float
        In order.
    boundaries : sequence of int
        The first step of each schedule but the first, rising.

    Returns
    -------
    schedule : function step -> float
        The parts, as one.

    Raises
    ------
    ArgumentError
        If the numbers of both do not fit, or boundaries do not rise.
    DtypeError
        If a part is neither a number nor a function.

    Examples
    --------
    >>> schedule = join([1.0, exponential(0.5, factor=0.5)], boundaries=[2])
    >>> [schedule(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.25, 0.125]
    """
    for name, value in (("schedules", schedules), ("boundaries", boundaries)):
        if not isinstance(value, Iterable):
            message = f"join: {name} is {value!r:.60}, expected a list."  # type: ignore[unreachable]  # callers need not be typed
            raise DtypeError(message)
    parts = [_as_schedule(part, f"join: schedules[{i}]") for i, part in enumerate(schedules)]
    starts = [0]
    for i, boundary in enumerate(boundaries):
        starts.append(check_count(boundary, f"boundaries[{i}]", "join", minimum=starts[-1] + 1))
    if len(parts) != len(starts):
        message = (
            f"join: {len(parts)} schedules and {len(starts) - 1} boundaries, "
            "expected one boundary less than schedules."
        )
        raise ArgumentError(message)

    def joined(step: int) -> float:
        part = sum(step >= start for start in starts[1:])
        return parts[part](step - starts[part])

    return joined


def _half_wave(first: float, last: float, progress: float) -> float:
    """Go from ``first`` to ``last`` as half a cosine does, while ``progress`` goes from 0 to 1."""
    return last + 0.5 * (first - last) * (1.0 + math.cos(math.pi * progress))


def _as_schedule(value: object, where: str) -> Schedule:
    """Return a schedule as it is, and a number as a constant one."""
    if callable(value):
        return check_schedule(value, where)
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        rate = check_number(value, "the rate", where)
        return lambda step: rate  # ruff: ignore[unused-lambda-argument]
    message = f"{where} is {value!r:.60}, expected a number or a function from step to rate."
    raise DtypeError(message)


def _share(value: object, name: str, where: str) -> float:
    """Return a number from 0 to 1."""
    number = check_number(value, name, where)
    if number > 1:
        message = f"{where}: {name} is {number:g}, expected a number from 0 to 1."
        raise ArgumentError(message)
    return number
