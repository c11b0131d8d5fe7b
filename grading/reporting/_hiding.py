"""Hide counts of fewer than five people, also where they follow from other numbers.

A reader of a table knows which counts belong together: who passed every part passed each of them,
and all groups add up to the whole. So hiding a small count is not enough; it may be what is missing
from a sum. Here a table is a list of counts over kinds of people, and a count that is hidden must
be left with at least two possible values, whatever is made of all other numbers together. That is
decided exactly, by integer programming; as long as it fails, one more count is hidden.

We assume a reader who knows the rule: that "<5" means 1 to 4, that ">55" of 60 means the same of
the others, and that what is hidden beside them is neither. Zero and everybody are shown.
Related: Willenborg and de Waal (2001), Elements of Statistical Disclosure Control, chapter 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST", "Count", "Table", "by_size", "exactly", "merged", "published"]

LEAST = 5
"""A count of people below this, other than 0, is not shown."""

Row = NDArray[np.float64]
_SECONDS = 2.0
"""For one integer program; what takes longer is taken as determined, and more is hidden."""


@dataclass(frozen=True)
class Count:
    """A count as it is published: a number, or bounds.

    Attributes
    ----------
    low, high : int
        The number lies between them, both included; equal where it is shown.
    of : int
        How many people there are in all.
    """

    low: int
    high: int
    of: int

    @property
    def exact(self) -> int | None:
        """The number, or None if it is hidden."""
        return self.low if self.low == self.high else None

    @property
    def text(self) -> str:
        """What is printed."""
        if self.exact is not None:
            return str(self.exact)
        if self.low == 0:
            return "hidden"
        if self.high < LEAST:
            return f"<{LEAST}"
        if self.of - self.low < LEAST:
            return f">{self.of - LEAST}"
        return "hidden"


@dataclass(frozen=True)
class Table:
    """Counts that belong together.

    Attributes
    ----------
    n_people : int
        How many there are; always shown.
    kinds : tuple of str
        Names of the kinds of people, of which everybody is exactly one.
    counts : mapping of str to int
        The true numbers, by name of the count.
    members : mapping of str to tuple of bool
        Which kinds each count takes in.
    at_least : tuple of ((tuple of bool), int)
        What else is published: so many people at least are of these kinds.
    """

    n_people: int
    kinds: tuple[str, ...]
    counts: Mapping[str, int]
    members: Mapping[str, tuple[bool, ...]]
    at_least: tuple[tuple[tuple[bool, ...], int], ...] = field(default=())


def published(table: Table) -> dict[str, Count]:
    """Decide what of a table is shown.

    Parameters
    ----------
    table : Table
        True counts.

    Returns
    -------
    dict of str to Count
        By name. With fewer than 5 people in all, nothing is shown.
    """
    n = table.n_people
    if n < LEAST:
        return dict.fromkeys(table.counts, Count(0, n, n))
    shown = {name: _by_size(count, n) for name, count in table.counts.items()}
    while leaks := _determined(table, shown):
        name = _next_to_hide(table, shown, leaks)
        if name is None:  # nothing is left that could be hidden: say nothing at all
            return dict.fromkeys(table.counts, Count(0, n, n))
        shown[name] = Count(LEAST, n - LEAST, n)
    return shown


def exactly(table: Table) -> dict[str, Count]:
    """Show every count, for the instructor's own eyes."""
    return {name: Count(count, count, table.n_people) for name, count in table.counts.items()}


def by_size(count: int, least: int = LEAST) -> Count:
    """Publish a count that stands alone, so that nothing can be subtracted from it.

    Parameters
    ----------
    count : int
        The true number.
    least : int, default 5
        With 1 nothing is hidden.

    Returns
    -------
    Count
        Hidden if it lies between 1 and 4.
    """
    shown = _by_size(count, count + LEAST)
    return Count(count, count, shown.of) if count >= least else shown


def merged(counts: Sequence[int], least: int = LEAST) -> list[tuple[int, int, int]]:
    """Merge neighboring bins of a histogram until each holds nobody's alone.

    Parameters
    ----------
    counts : sequence of int
        People in each bin.
    least : int, default 5
        People that a merged bin holds at least.

    Returns
    -------
    list of (int, int, int)
        First bin, last bin and people of each merged bin, all of at least 5 people; empty if
        there are fewer than 5 in all.

    Examples
    --------
    >>> merged([1, 0, 9, 7, 2])
    [(0, 2, 10), (3, 4, 9)]
    """
    done: list[tuple[int, int, int]] = []
    first, people = 0, 0
    for i, count in enumerate(counts):
        people += count
        if people >= least:
            done.append((first, i, people))
            first, people = i + 1, 0
    if done and first < len(counts):  # what is left over joins the last one
        begin, _, before = done.pop()
        done.append((begin, len(counts) - 1, before + people))
    return done


def _by_size(count: int, n: int) -> Count:
    if 0 < count < LEAST:
        return Count(1, min(LEAST - 1, n - 1), n)
    if 0 < n - count < LEAST:
        return Count(max(n - LEAST + 1, 1), n - 1, n)
    return Count(count, count, n)


def _next_to_hide(table: Table, shown: Mapping[str, Count], leaks: Sequence[str]) -> str | None:
    """Pick the smallest count whose hiding closes all leaks; the smallest one if none does."""
    if table.n_people <= 2 * LEAST:  # beside a hidden count only one value would be left
        return None
    open_ = [
        name for name, each in shown.items() if each.exact is not None and 0 < each.low < each.of
    ]
    open_.sort(key=lambda name: min(shown[name].low, shown[name].of - shown[name].low))
    for name in open_:
        tried = {**shown, name: Count(LEAST, table.n_people - LEAST, table.n_people)}
        if not _determined(table, tried, leaks):
            return name
    return open_[0] if open_ else None


def _determined(
    table: Table, shown: Mapping[str, Count], names: Sequence[str] | None = None
) -> list[str]:
    """List the hidden counts of which only one value fits everything that is shown."""
    hidden = [name for name in (names or shown) if shown[name].exact is None]
    if not hidden:
        return []
    matrix, low, high = _constraints(table, shown)
    found = []
    for name in hidden:
        row = np.array(table.members[name], dtype=float)
        least, most = _extreme(row, matrix, low, high), _extreme(-row, matrix, low, high)
        if least is None or most is None or -most - least < 0.5:
            found.append(name)
    return found


def _constraints(table: Table, shown: Mapping[str, Count]) -> tuple[NDArray[np.float64], Row, Row]:
    rows = [np.ones(len(table.kinds))]
    low, high = [float(table.n_people)], [float(table.n_people)]
    for name, each in shown.items():
        rows.append(np.array(table.members[name], dtype=float))
        low.append(float(each.low))
        high.append(float(each.high))
    for members, least in table.at_least:
        rows.append(np.array(members, dtype=float))
        low.append(float(least))
        high.append(float(table.n_people))
    return np.vstack(rows), np.array(low), np.array(high)


def _extreme(objective: Row, matrix: NDArray[np.float64], low: Row, high: Row) -> float | None:
    """Find the least value of a sum over whole numbers of people; None if none fit."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # slow to import

    answer = milp(
        objective,
        constraints=LinearConstraint(matrix, low, high),
        integrality=np.ones(len(objective)),
        bounds=Bounds(0, high[0]),  # everybody; without an upper bound the solver may not end
        options={"time_limit": _SECONDS},
    )
    # None fit where results of different versions of an exercise are counted together.
    return None if answer.status != 0 else float(round(answer.fun))
