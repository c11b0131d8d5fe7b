"""Splitters: which rows train and which rows test, fold by fold.

Each has ``split(X, y, groups)``, which yields pairs (train, test) of sorted row numbers, and
``get_n_splits``. ``KFold``, ``StratifiedKFold``, ``LeaveOneOut`` and ``RollingWindow`` give the
folds of scikit-learn where nothing is shuffled. Those of ``GroupKFold`` have the same sizes; which
of two groups of the same size comes first may differ.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sized

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import IntArray, Seed, as_generator, check_count
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.metrics._labels import as_labels, as_rows

Pair = tuple[IntArray, IntArray]


class BaseSplitter(ABC):
    """Check what is to be split; a subclass gives ``_test_rows``, or ``_pairs`` itself.

    Parameters
    ----------
    n_splits : int
        Number of folds.
    shuffle : bool
        Whether rows are drawn at random.
    rng : Generator, int or None
        Where they are drawn from. A number gives the same folds each time; a generator, or None,
        gives others.
    """

    def __init__(self, n_splits: int, *, shuffle: bool, rng: Seed, minimum: int = 2) -> None:
        name = type(self).__name__
        self.n_splits = check_count(n_splits, "n_splits", name, minimum=minimum)
        self.shuffle = bool(shuffle)
        as_generator(rng, name)  # refused here rather than in split
        self.rng = rng

    def split(
        self, X: Sized, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[Pair]:
        """Yield the rows of each fold.

        Parameters
        ----------
        X : array_like of shape (N, ...)
            Only its number of rows is looked at.
        y : array_like of shape (N,), optional
            Labels, for splitters that stratify.
        groups : array_like of shape (N,), optional
            Group of each row, for splitters that keep groups together.

        Yields
        ------
        train, test : ndarray of int
            Row numbers, sorted.

        Raises
        ------
        ShapeError
            If y or groups do not have one entry for each row.
        ArgumentError
            If there are too few rows, classes or groups, or none were given.
        """
        n, labels, parts = self._checked(X, y, groups)
        yield from self._pairs(n, labels, parts, as_generator(self.rng, type(self).__name__))

    def get_n_splits(
        self, X: Sized | None = None, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : array_like, optional
            As for ``split``; most splitters know the number without them.

        Returns
        -------
        n_splits : int
            Number of pairs that ``split`` yields.
        """
        del X, y, groups
        return self.n_splits

    def _pairs(
        self, n: int, y: IntArray | None, groups: IntArray | None, rng: np.random.Generator
    ) -> Iterator[Pair]:
        """Yield (train, test): by default each set of test rows against all others."""
        for test in self._test_rows(n, y, groups, rng):
            chosen = np.zeros(n, bool)
            chosen[test] = True
            yield np.flatnonzero(~chosen), np.flatnonzero(chosen)

    @abstractmethod
    def _test_rows(
        self, n: int, y: IntArray | None, groups: IntArray | None, rng: np.random.Generator
    ) -> Iterator[IntArray]:
        """Yield the test rows of each fold, in any order."""

    def _checked(
        self, X: Sized, y: ArrayLike | None, groups: ArrayLike | None
    ) -> tuple[int, IntArray | None, IntArray | None]:
        """Return the number of rows, and labels and groups as numbers from 0, where they count."""
        where = f"{self!r}.split"
        try:
            n = len(X)
        except TypeError:
            message = f"{where}: X is {X!r:.60}, expected rows. Give the data or range(n)."
            raise DtypeError(message) from None
        least = self._least_rows()
        if n < least:
            message = f"{where}: there are {n} rows, expected at least {least}."
            raise ArgumentError(message)
        return n, self._codes(y, n, "y", where), self._codes(groups, n, "groups", where)

    def _least_rows(self) -> int:
        return self.n_splits

    def _needs(self, name: str) -> bool:  # ruff: ignore[unused-method-argument]  most need neither
        """Whether the splitter looks at ``y`` or ``groups``."""
        return False

    def _codes(self, values: ArrayLike | None, n: int, name: str, where: str) -> IntArray | None:
        if not self._needs(name):
            return None
        if values is None:
            message = f"{where}: {name} is missing. Call split(X, y, groups) with it."
            raise ArgumentError(message)
        array = as_rows(values, name, where)
        if array.shape != (n,):
            message = f"{where}: {name} has shape {array.shape}, expected ({n},), one for each row."
            raise ShapeError(message)
        if array.dtype.kind in "fc":
            message = (
                f"{where}: {name} is {array.dtype}, expected labels: integers, truth values or "
                f"text. Convert with {name}.astype(int), or cut numbers into bins."
            )
            raise DtypeError(message)
        if array.dtype.kind == "O":
            array = as_labels(array, name, where)
        codes: IntArray = np.unique(array, return_inverse=True)[1].reshape(-1)
        return codes

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_splits={self.n_splits}, shuffle={self.shuffle})"


class KFold(BaseSplitter):
    """Cut the rows into k parts; each is the test set once.

    The first n mod k parts have ⌈n/k⌉ rows, the others ⌊n/k⌋.

    Parameters
    ----------
    n_splits : int, default 5
        k, at least 2.
    shuffle : bool, default False
        Cut a random order rather than the given one. Rows sorted by class need it.
    rng : Generator, int or None
        Shuffles.

    References
    ----------
    Stone (1974), Journal of the Royal Statistical Society B 36, 111-147.

    Examples
    --------
    >>> for train, test in KFold(3).split(range(7)):
    ...     print(train, test)
    [3 4 5 6] [0 1 2]
    [0 1 2 5 6] [3 4]
    [0 1 2 3 4] [5 6]
    """

    def __init__(self, n_splits: int = 5, *, shuffle: bool = False, rng: Seed = None) -> None:
        super().__init__(n_splits, shuffle=shuffle, rng=rng)

    def _test_rows(
        self,
        n: int,
        y: IntArray | None,  # ruff: ignore[unused-method-argument]  the contract of all splitters
        groups: IntArray | None,  # ruff: ignore[unused-method-argument]
        rng: np.random.Generator,
    ) -> Iterator[IntArray]:
        order = rng.permutation(n) if self.shuffle else np.arange(n)
        yield from np.array_split(order, self.n_splits)


class StratifiedKFold(BaseSplitter):
    """Cut the rows into k parts, each with its share of every class.

    Rows sorted by class, in the order in which classes first appear, are dealt to the folds like
    cards, so that the folds differ by at most one row in each class and in all. That says how many
    rows of a class a fold gets; without shuffling they are the next ones in the given order. A
    class of fewer than k rows is missing from some folds.

    Parameters
    ----------
    n_splits : int, default 5
        k, at least 2.
    shuffle : bool, default False
        Take the rows of a class in random order rather than in the given one.
    rng : Generator, int or None
        Shuffles.

    References
    ----------
    Kohavi (1995), IJCAI, 1137-1143.

    Examples
    --------
    >>> labels = [0, 0, 0, 0, 1, 1]
    >>> for train, test in StratifiedKFold(2).split(labels, labels):
    ...     print(train, test)
    [2 3 5] [0 1 4]
    [0 1 4] [2 3 5]
    """

    def __init__(self, n_splits: int = 5, *, shuffle: bool = False, rng: Seed = None) -> None:
        super().__init__(n_splits, shuffle=shuffle, rng=rng)

    def _needs(self, name: str) -> bool:
        return name == "y"

    def _test_rows(
        self,
        n: int,
        y: IntArray | None,
        groups: IntArray | None,  # ruff: ignore[unused-method-argument]
        rng: np.random.Generator,
    ) -> Iterator[IntArray]:
        assert y is not None  # ruff: ignore[assert]  narrows the type: y was checked
        largest = int(np.bincount(y).max())
        if largest < self.n_splits:
            message = (
                f"{self!r}.split: the largest class has {largest} rows, expected at least "
                f"{self.n_splits}, one a fold. Take fewer folds, or KFold."
            )
            raise ArgumentError(message)
        rank = np.argsort(np.argsort(np.unique(y, return_index=True)[1]))[y]
        order = rng.permutation(n) if self.shuffle else np.arange(n)
        by_class = order[np.argsort(rank[order], kind="stable")]
        dealt = np.arange(n) % self.n_splits
        dealt = dealt[np.lexsort((dealt, rank[by_class]))]  # of each class, fold after fold
        for fold in range(self.n_splits):
            yield by_class[dealt == fold]


class LeaveOneOut(BaseSplitter):
    """Test on one row at a time: KFold with as many folds as rows, without any choice.

    Examples
    --------
    >>> for train, test in LeaveOneOut().split(range(3)):
    ...     print(train, test)
    [1 2] [0]
    [0 2] [1]
    [0 1] [2]
    """

    def __init__(self) -> None:
        super().__init__(2, shuffle=False, rng=0)

    def get_n_splits(
        self, X: Sized | None = None, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of rows.

        Parameters
        ----------
        X : array_like of shape (N, ...)
            The data.
        y, groups : array_like, optional
            Not looked at.

        Returns
        -------
        n_splits : int
            N.

        Raises
        ------
        ArgumentError
            If X is missing.
        """
        del y, groups
        if X is None:
            message = "LeaveOneOut.get_n_splits: X is missing. There are as many folds as rows."
            raise ArgumentError(message)
        return len(X)

    def _test_rows(
        self,
        n: int,
        y: IntArray | None,  # ruff: ignore[unused-method-argument]
        groups: IntArray | None,  # ruff: ignore[unused-method-argument]
        rng: np.random.Generator,  # ruff: ignore[unused-method-argument]
    ) -> Iterator[IntArray]:
        yield from np.arange(n)[:, np.newaxis]

    def __repr__(self) -> str:
        return "LeaveOneOut()"


class GroupKFold(BaseSplitter):
    """Cut the groups into k parts: no group is in training and in test at once.

    For rows that belong together, such as several recordings of one speaker: a model that knows
    the speaker looks better than it is. The largest groups are placed first, each into the fold
    with the fewest rows so far; of equally large ones the first in sorted order.

    Parameters
    ----------
    n_splits : int, default 5
        k, at least 2 and at most the number of groups.

    References
    ----------
    Roberts et al. (2017), Ecography 40, 913-929.

    Examples
    --------
    >>> speakers = ["ann", "ann", "bob", "cyd", "cyd", "cyd"]
    >>> for train, test in GroupKFold(2).split(speakers, groups=speakers):
    ...     print(train, test)
    [0 1 2] [3 4 5]
    [3 4 5] [0 1 2]
    """

    def __init__(self, n_splits: int = 5) -> None:
        super().__init__(n_splits, shuffle=False, rng=0)

    def _needs(self, name: str) -> bool:
        return name == "groups"

    def _test_rows(
        self,
        n: int,  # ruff: ignore[unused-method-argument]
        y: IntArray | None,  # ruff: ignore[unused-method-argument]
        groups: IntArray | None,
        rng: np.random.Generator,  # ruff: ignore[unused-method-argument]
    ) -> Iterator[IntArray]:
        assert groups is not None  # ruff: ignore[assert]  narrows the type: groups were checked
        sizes = np.bincount(groups)
        if len(sizes) < self.n_splits:
            message = (
                f"{self!r}.split: there are {len(sizes)} groups, expected at least "
                f"{self.n_splits}, one a fold."
            )
            raise ArgumentError(message)
        rows_in_fold = np.zeros(self.n_splits, np.intp)
        fold_of = np.zeros(len(sizes), np.intp)
        for group in np.argsort(-sizes, kind="stable"):
            fold_of[group] = rows_in_fold.argmin()
            rows_in_fold[fold_of[group]] += sizes[group]
        for fold in range(self.n_splits):
            yield np.flatnonzero(fold_of[groups] == fold)

    def __repr__(self) -> str:
        return f"GroupKFold(n_splits={self.n_splits})"
