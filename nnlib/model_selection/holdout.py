"""One cut in two, or several: hold-out for rows in any order, a rolling window for time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import IntArray, Seed, check_count
from nnlib.errors import ArgumentError, ShapeError
from nnlib.model_selection.splitters import BaseSplitter, Pair


class HoldOut(BaseSplitter):
    """Set some rows aside for testing, once or several times.

    Parameters
    ----------
    test_size : float or int, default 0.25
        Share of the rows, rounded up; or their number.
    n_repeats : int, default 1
        How often; each time at random anew.
    stratify : bool, default False
        Take from each class its share, within one row.
    shuffle : bool, default True
        False takes the last rows.
    rng : Generator, int or None
        Draws.

    Examples
    --------
    >>> for train, test in HoldOut(0.3, shuffle=False).split(range(10)):
    ...     print(train, test)
    [0 1 2 3 4 5 6] [7 8 9]
    """

    def __init__(
        self,
        test_size: float = 0.25,
        *,
        n_repeats: int = 1,
        stratify: bool = False,
        shuffle: bool = True,
        rng: Seed = None,
    ) -> None:
        self.test_size = _checked_size(test_size, "HoldOut")
        self.stratify = bool(stratify)
        super().__init__(
            check_count(n_repeats, "n_repeats", "HoldOut"), shuffle=shuffle, rng=rng, minimum=1
        )
        if not self.shuffle and (self.stratify or self.n_splits > 1):
            message = "HoldOut: shuffle=False takes the last rows once. Drop stratify or n_repeats."
            raise ArgumentError(message)

    def _least_rows(self) -> int:
        return 2

    def _needs(self, name: str) -> bool:
        return self.stratify and name == "y"

    def _test_rows(
        self,
        n: int,
        y: IntArray | None,
        groups: IntArray | None,  # ruff: ignore[unused-method-argument]  the contract of all splitters
        rng: np.random.Generator,
    ) -> Iterator[IntArray]:
        n_test = _count(self.test_size, n, f"{self!r}.split")
        for _ in range(self.n_splits):
            if not self.shuffle:
                yield np.arange(n - n_test, n)
            elif y is None:
                yield rng.permutation(n)[:n_test]
            else:
                yield _stratified_draw(y, n_test, rng)

    def __repr__(self) -> str:
        return (
            f"HoldOut(test_size={self.test_size:g}, n_repeats={self.n_splits}, "
            f"stratify={self.stratify}, shuffle={self.shuffle})"
        )


class RollingWindow(BaseSplitter):
    """Train on the past and test on what follows, fold after fold: for rows in order of time.

    The last ``n_splits · test_size`` rows are tested, in order. Fold i trains on what lies before
    its test rows, less the gap; no training row is later than a test row. The folds are those of
    scikit-learn's ``TimeSeriesSplit``.

    Parameters
    ----------
    n_splits : int, default 5
        Number of folds.
    train_size : int, optional
        Rows of the training window. With ``expanding`` it is the least for the first fold.
    test_size : int, optional
        Rows of each test window; by default N // (n_splits + 1).
    gap : int, default 0
        Rows left out between training and test, for labels that look ahead.
    expanding : bool, default True
        Train on all the past. False rolls a window of ``train_size`` rows along.

    References
    ----------
    Tashman (2000), International Journal of Forecasting 16, 437-450.

    Examples
    --------
    >>> for train, test in RollingWindow(3, train_size=2, expanding=False).split(range(8)):
    ...     print(train, test)
    [0 1] [2 3]
    [2 3] [4 5]
    [4 5] [6 7]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        train_size: int | None = None,
        test_size: int | None = None,
        gap: int = 0,
        expanding: bool = True,
    ) -> None:
        name = "RollingWindow"
        super().__init__(n_splits, shuffle=False, rng=0, minimum=1)
        self.train_size = (
            None if train_size is None else check_count(train_size, "train_size", name)
        )
        self.test_size = None if test_size is None else check_count(test_size, "test_size", name)
        self.gap = check_count(gap, "gap", name, minimum=0)
        self.expanding = bool(expanding)
        if not self.expanding and self.train_size is None:
            message = f"{name}: expanding=False, expected a train_size for the window that rolls."
            raise ArgumentError(message)

    def _least_rows(self) -> int:
        return (self.test_size or 1) * self.n_splits + self.gap + (self.train_size or 1)

    def _pairs(
        self,
        n: int,
        y: IntArray | None,  # ruff: ignore[unused-method-argument]
        groups: IntArray | None,  # ruff: ignore[unused-method-argument]
        rng: np.random.Generator,  # ruff: ignore[unused-method-argument]
    ) -> Iterator[Pair]:
        test_size = self.test_size or n // (self.n_splits + 1)
        first = n - self.n_splits * test_size
        if first - self.gap < (self.train_size or 1):
            message = (
                f"{self!r}.split: {n} rows leave {max(first - self.gap, 0)} to train the first "
                f"fold on, expected at least {self.train_size or 1}. Take fewer folds, or smaller "
                "test windows."
            )
            raise ArgumentError(message)
        for start in range(first, n, test_size):
            stop = start - self.gap
            begin = 0 if self.expanding else stop - (self.train_size or 0)
            yield np.arange(begin, stop), np.arange(start, start + test_size)

    def _test_rows(self, *args: Any) -> Iterator[IntArray]:
        return (test for _, test in self._pairs(*args))

    def __repr__(self) -> str:
        return (
            f"RollingWindow(n_splits={self.n_splits}, train_size={self.train_size}, "
            f"test_size={self.test_size}, gap={self.gap}, expanding={self.expanding})"
        )


def train_test_split(
    X: ArrayLike,
    y: ArrayLike,
    *,
    test_size: float = 0.25,
    stratify: bool = False,
    shuffle: bool = True,
    rng: Seed = None,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Cut data in two: rows to train on and rows to test on.

    Parameters
    ----------
    X : ndarray of shape (N, ...)
        Inputs.
    y : ndarray of shape (N, ...)
        Targets.
    test_size : float or int, default 0.25
        Share of the rows, rounded up; or their number.
    stratify : bool, default False
        Take from each class its share, within one row.
    shuffle : bool, default True
        False takes the last rows for testing.
    rng : Generator, int or None
        Draws.

    Returns
    -------
    X_train, X_test, y_train, y_test : ndarray
        Copies, rows in the order of the data.

    Raises
    ------
    ShapeError
        If X and y differ in rows.
    ArgumentError
        If ``test_size`` leaves no rows for one side.

    Examples
    --------
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     np.arange(8).reshape(4, 2), [0, 1, 0, 1], test_size=2, shuffle=False)
    >>> X_test.tolist(), y_test.tolist()
    ([[4, 5], [6, 7]], [0, 1])
    """
    inputs, targets = np.asarray(X), np.asarray(y)
    if not inputs.ndim or not targets.ndim or len(inputs) != len(targets):
        message = (
            f"train_test_split: X has shape {inputs.shape} and y has shape {targets.shape}, "
            "expected the same number of rows."
        )
        raise ShapeError(message)
    splitter = HoldOut(test_size, stratify=stratify, shuffle=shuffle, rng=rng)
    train, test = next(splitter.split(inputs, targets))
    return inputs[train], inputs[test], targets[train], targets[test]


def _checked_size(size: object, where: str) -> float:
    """Return a share as a float between 0 and 1, or a number of rows as an int."""
    if isinstance(size, float | np.floating) and 0 < size < 1:
        return float(size)
    if isinstance(size, int | np.integer) and not isinstance(size, bool) and size >= 1:
        return int(size)
    message = (
        f"{where}: test_size is {size!r}, expected a share between 0 and 1, or a number of rows."
    )
    raise ArgumentError(message)


def _count(size: float, n: int, where: str) -> int:
    """Return how many of n rows that is, leaving at least one to train on."""
    n_test = size if isinstance(size, int) else math.ceil(size * n)
    if n_test >= n:
        message = f"{where}: {n_test} of {n} rows would be tested, expected fewer than all."
        raise ArgumentError(message)
    return n_test


def _stratified_draw(y: IntArray, n_test: int, rng: np.random.Generator) -> IntArray:
    """Draw from each class its share: rounded down, and one more where most is missing."""
    exact = np.bincount(y) * (n_test / len(y))
    counts = np.floor(exact + 1e-9).astype(np.intp)
    missing = n_test - counts.sum()
    counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    order = rng.permutation(len(y))
    return np.concatenate([order[y[order] == label][:count] for label, count in enumerate(counts)])
