"""What every splitter does, by being listed in cases.py."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from nnlib import ArgumentError, DtypeError
from nnlib.model_selection.splitters import BaseSplitter
from tests.nnlib.model_selection.cases import CASES, SplitterCase, data

every_splitter = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
SIZES = (12, 17, 23)


def faults(splitter: BaseSplitter, n: int, rng: np.random.Generator, *, partition: bool) -> str:
    """Say what is wrong with the folds of a splitter; empty if nothing is."""
    X, y, groups = data(n, rng)
    folds = list(splitter.split(X, y, groups))
    if len(folds) != splitter.get_n_splits(X, y, groups):
        return "number of folds"
    for train, test in folds:
        if not (len(train) and len(test)):
            return "empty"
        for part in (train, test):
            if part.dtype.kind != "i" or part.min() < 0 or part.max() >= n:
                return "no row numbers"
            if (np.diff(part) <= 0).any():
                return "not sorted, or twice"
        if np.intersect1d(train, test).size:
            return "overlap"
    tested = np.concatenate([test for _, test in folds])
    if partition and not np.array_equal(np.sort(tested), np.arange(n)):
        return "no partition"
    if partition and any(len(train) + len(test) != n for train, test in folds):
        return "rows lost"
    return ""


@every_splitter
@pytest.mark.parametrize("n", SIZES)
def test_folds_are_disjoint_sorted_row_numbers(case: SplitterCase, n, rng):
    assert faults(case.build(), n, rng, partition=case.partition) == ""


class Leaky(BaseSplitter):
    """Splitters with one mistake each, which the check above must find."""

    def __init__(self, mistake: str) -> None:
        super().__init__(2, shuffle=False, rng=0)
        self.mistake = mistake

    def _test_rows(self, *args) -> Iterator[np.ndarray]:
        raise NotImplementedError

    def _pairs(self, n, y, groups, rng):
        half = n // 2
        first, second = np.arange(half), np.arange(half, n)
        if self.mistake == "overlap":
            first = np.arange(half + 1)
        if self.mistake == "not sorted, or twice":
            first = first[::-1]
        if self.mistake == "empty":
            first = first[:0]
        if self.mistake == "no row numbers":
            first = first - 1
        if self.mistake == "rows lost":
            yield first[1:], second
        elif self.mistake != "number of folds":
            yield first, second
        yield second, (first[1:] if self.mistake == "no partition" else first)


@pytest.mark.parametrize(
    "mistake",
    ["overlap", "not sorted, or twice", "empty", "no row numbers", "rows lost", "number of folds",
     "no partition"],
)  # fmt: skip
def test_mistakes_are_found(mistake, rng):
    assert faults(Leaky(mistake), 12, rng, partition=True) == mistake


@every_splitter
def test_a_seed_gives_the_same_folds_each_time(case: SplitterCase, rng):
    X, y, groups = data(14, rng)
    splitter = case.build()

    for one, two in zip(splitter.split(X, y, groups), splitter.split(X, y, groups), strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])


@every_splitter
def test_a_generator_gives_other_folds_each_time(case: SplitterCase, rng):
    X, y, groups = data(23, rng)
    splitter = case.build()
    splitter.rng = rng

    one, two = ([test for _, test in splitter.split(X, y, groups)] for _ in range(2))

    same = all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert same != splitter.shuffle


@every_splitter
def test_too_few_rows_are_refused(case: SplitterCase):
    with pytest.raises(ArgumentError, match="there are 1 rows, expected at least"):
        next(case.build().split([0], [0], [0]))


@every_splitter
def test_what_has_no_rows_is_refused(case: SplitterCase):
    with pytest.raises(DtypeError, match=r"X is 7, expected rows. Give the data or range\(n\)"):
        next(case.build().split(7))


@every_splitter
def test_it_shows_its_arguments(case: SplitterCase):
    splitter = case.build()

    assert repr(splitter).startswith(f"{type(splitter).__name__}(")
