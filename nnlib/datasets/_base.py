"""What loading returns: arrays, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nnlib._array import Array, IntArray, Seed, as_generator
from nnlib.errors import ArgumentError


@dataclass(frozen=True)
class DatasetInfo:
    """One line of ``datasets.describe()``.

    Attributes
    ----------
    name : str
        As ``load`` takes it.
    size_bytes : int
        Size on disk, or of the download.
    licence : str
        What the publisher says.
    location : str
        ``"embedded"``, ``"generated"``, a folder, or ``"not on this machine"``.
    available : bool
        Whether it loads without a network.
    """

    name: str
    size_bytes: int
    licence: str
    location: str
    available: bool = True


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Split:
    """Rows for training, for choosing, and for the final report.

    Attributes
    ----------
    X_train, X_validation, X_test : ndarray of shape (n, ...)
        Inputs of the three parts.
    y_train, y_validation, y_test : ndarray of shape (n,)
        Labels of the three parts.
    """

    X_train: Array = field(repr=False)
    y_train: IntArray = field(repr=False)
    X_validation: Array = field(repr=False)
    y_validation: IntArray = field(repr=False)
    X_test: Array = field(repr=False)
    y_test: IntArray = field(repr=False)


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Dataset:
    """A labeled data set.

    Attributes
    ----------
    name : str
        As ``load`` took it.
    X : ndarray of shape (N, ...)
        Inputs, float32.
    y : ndarray of shape (N,)
        Labels, int64, counted from 0.
    target_names : tuple of str
        What the labels mean.
    description, licence, citation : str
        What it is, what may be done with it, and whom to thank.
    X_test, y_test : ndarray or None
        The publisher's own test part, where there is one; X and y are then its training part.
    """

    name: str
    X: Array = field(repr=False)
    y: IntArray = field(repr=False)
    target_names: tuple[str, ...]
    description: str = field(repr=False)
    licence: str = field(repr=False)
    citation: str = field(repr=False)
    X_test: Array | None = field(default=None, repr=False)
    y_test: IntArray | None = field(default=None, repr=False)

    def split(self, *, validation: float = 0.2, test: float = 0.2, rng: Seed = 0) -> Split:
        """Deal the rows to training, validation and test, each class in the same proportion.

        Where the publisher has set a test part aside, that is the test part, and only validation
        rows are taken from the rest.

        Parameters
        ----------
        validation, test : float, default 0.2
            Share of the rows for each part.
        rng : Generator, int or None, default 0
            Chooses the rows.

        Returns
        -------
        split : Split
            Copies of the rows, in random order.

        Raises
        ------
        ArgumentError
            If the shares leave nothing to train on, a part gets no row, or ``rng`` is no seed.
        """
        own_test = self.X_test is not None and self.y_test is not None
        share = 0.0 if own_test else test
        if not (validation > 0 and test > 0 and validation + share < 1):
            message = (
                f"Dataset.split: validation={validation!r} and test={test!r}, expected shares "
                "above 0 that leave rows to train on."
            )
            raise ArgumentError(message)
        generator = as_generator(rng, "Dataset.split")
        first, rest = _deal(self.y, validation, generator)
        held, train = (np.empty(0, int), rest)
        if not own_test:
            chosen, left = _deal(self.y[rest], test / (1 - validation), generator)
            held, train = rest[chosen], rest[left]
        if not len(train) or not len(first) or not (own_test or len(held)):
            message = f"Dataset.split: {len(self.y)} rows are too few for these shares."
            raise ArgumentError(message)
        X_test, y_test = self.X[held], self.y[held]
        if self.X_test is not None and self.y_test is not None:
            X_test, y_test = self.X_test.copy(), self.y_test.copy()
        return Split(self.X[train], self.y[train], self.X[first], self.y[first], X_test, y_test)


def _deal(y: IntArray, share: float, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return row numbers of a stratified share of the rows, and of the others."""
    order = rng.permutation(len(y))
    # Sorted by class, every 1/share-th row: each class gives its share, to within one row.
    by_class = order[np.argsort(y[order], kind="stable")]
    n = round(share * len(y))
    chosen = np.zeros(len(y), bool)
    chosen[by_class[((np.arange(n) + 0.5) * len(y) / max(n, 1)).astype(int)]] = True
    return order[chosen[order]], order[~chosen[order]]
