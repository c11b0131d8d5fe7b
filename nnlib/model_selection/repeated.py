"""Folds cut several times over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlib._array import IntArray, Seed, check_count
from nnlib.errors import ArgumentError
from nnlib.model_selection.splitters import BaseSplitter, KFold, Pair


class RepeatedSplitter(BaseSplitter):
    """Run a splitter several times, each time with rows in a new order.

    The mean over repeats no longer depends on one lucky cut.

    Parameters
    ----------
    splitter : splitter with ``shuffle=True``
        What is repeated, such as ``StratifiedKFold(5, shuffle=True)``. Its own ``rng`` is not used.
    n_repeats : int, default 10
        How often.
    rng : Generator, int or None
        Shuffles.

    Examples
    --------
    >>> splitter = RepeatedSplitter(KFold(2, shuffle=True), n_repeats=3, rng=0)
    >>> [len(test) for train, test in splitter.split(range(5))]
    [3, 2, 3, 2, 3, 2]
    """

    def __init__(self, splitter: BaseSplitter, n_repeats: int = 10, *, rng: Seed = None) -> None:
        name = type(self).__name__
        if not isinstance(splitter, BaseSplitter) or not splitter.shuffle:  # type: ignore[redundant-expr]  # callers need not be typed
            message = (
                f"{name}: splitter is {splitter!r:.60}, expected one with shuffle=True, such as "
                "KFold(5, shuffle=True). Without it every repeat is the same."
            )
            raise ArgumentError(message)
        self.splitter = splitter
        self.n_repeats = check_count(n_repeats, "n_repeats", name)
        super().__init__(splitter.n_splits * self.n_repeats, shuffle=True, rng=rng, minimum=1)

    def _least_rows(self) -> int:
        return self.splitter._least_rows()

    def _needs(self, name: str) -> bool:
        return self.splitter._needs(name)

    def _pairs(
        self, n: int, y: IntArray | None, groups: IntArray | None, rng: np.random.Generator
    ) -> Iterator[Pair]:
        for _ in range(self.n_repeats):
            yield from self.splitter._pairs(n, y, groups, rng)

    def _test_rows(self, *args: Any) -> Iterator[IntArray]:
        return self.splitter._test_rows(*args)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.splitter!r}, n_repeats={self.n_repeats})"


class RepeatedKFold(RepeatedSplitter):
    """Run a shuffled KFold several times.

    Parameters
    ----------
    n_splits : int, default 5
        Folds of each repeat.
    n_repeats : int, default 10
        Repeats.
    rng : Generator, int or None
        Shuffles.

    Examples
    --------
    >>> RepeatedKFold(n_splits=2, n_repeats=3).get_n_splits()
    6
    """

    def __init__(self, n_splits: int = 5, n_repeats: int = 10, *, rng: Seed = None) -> None:
        super().__init__(KFold(n_splits, shuffle=True), n_repeats, rng=rng)
