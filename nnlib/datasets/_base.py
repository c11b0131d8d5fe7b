"""What loading returns: arrays, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from nnlib._array import Array, IntArray, Seed, as_generator, check_count
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
        Targets of the three parts.
    rows_train, rows_validation, rows_test : ndarray of int of shape (n,)
        Where the rows stood, so that what else a set knows of them follows:
        ``data.speakers[parts.rows_train]``. With a test part of the publisher's own,
        ``rows_test`` counts in ``X_test``.
    """

    X_train: NDArray[Any] = field(repr=False)
    y_train: NDArray[Any] = field(repr=False)
    X_validation: NDArray[Any] = field(repr=False)
    y_validation: NDArray[Any] = field(repr=False)
    X_test: NDArray[Any] = field(repr=False)
    y_test: NDArray[Any] = field(repr=False)
    rows_train: IntArray = field(repr=False)
    rows_validation: IntArray = field(repr=False)
    rows_test: IntArray = field(repr=False)

    def __repr__(self) -> str:
        parts = {"X_train": self.X_train, "X_validation": self.X_validation, "X_test": self.X_test}
        return f"Split({_shapes(parts)})"


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class Dataset:
    """A data set with a label, or a number to be predicted, for each row.

    Attributes
    ----------
    name : str
        As ``load`` took it.
    X : ndarray of shape (N, ...)
        Inputs, float32.
    y : ndarray of shape (N,)
        Labels, int64, counted from 0; for a curve its values, float32.
    target_names : tuple of str
        What the labels mean; for a curve the one name of what is predicted.
    description, licence, citation : str
        What it is, what may be done with it, and whom to thank.
    X_test, y_test : ndarray or None
        The publisher's own test part, where there is one; X and y are then its training part.
    feature_names : tuple of str
        What the columns of X mean, where they have names.
    """

    name: str
    X: NDArray[Any] = field(repr=False)
    y: NDArray[Any] = field(repr=False)
    target_names: tuple[str, ...]
    description: str = field(repr=False)
    licence: str = field(repr=False)
    citation: str = field(repr=False)
    X_test: NDArray[Any] | None = field(default=None, repr=False)
    y_test: NDArray[Any] | None = field(default=None, repr=False)
    feature_names: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        """Return name and shapes: what one asks first."""
        arrays = {"X": self.X, "y": self.y}
        if self.X_test is not None and self.y_test is not None:
            arrays |= {"X_test": self.X_test, "y_test": self.y_test}
        names = _few(self.target_names)
        return f"{type(self).__name__}({self.name!r}, {_shapes(arrays)}, target_names={names})"

    def split(self, *, validation: float = 0.2, test: float = 0.2, rng: Seed = 0) -> Split:
        """Deal the rows to training, validation and test, each class in the same proportion.

        Where the publisher has set a test part aside, that is the test part, and only validation
        rows are taken from the rest.

        Parameters
        ----------
        validation, test : float, default 0.2
            Share of the rows for each part. ``test`` has no effect, and may be 0, where the
            publisher has set a test part aside.
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
        own_test = self._check_shares(validation, test)
        generator = as_generator(rng, "Dataset.split")
        first, rest = _deal(self.y, validation, generator)
        held, train = (np.empty(0, int), rest)
        if not own_test:
            chosen, left = _deal(self.y[rest], test / (1 - validation), generator)
            held, train = rest[chosen], rest[left]
        return self._parts(train, first, held)

    def _check_shares(self, validation: float, test: float) -> bool:
        """Return whether there is a test part already, after checking the shares."""
        own_test = self.X_test is not None and self.y_test is not None
        numbers = all(
            isinstance(s, int | float | np.integer | np.floating) for s in (validation, test)
        )
        if own_test:
            right = numbers and 0 < validation < 1 and test >= 0
        else:
            right = numbers and validation > 0 and test > 0 and validation + test < 1
        if not right:
            message = (
                f"Dataset.split: validation={validation!r} and test={test!r}, expected shares "
                "above 0 that leave rows to train on."
            )
            raise ArgumentError(message)
        return own_test

    def _parts(self, train: IntArray, validation: IntArray, held: IntArray) -> Split:
        """Copy out the rows of the three parts."""
        own_test = self.X_test is not None and self.y_test is not None
        if not len(train) or not len(validation) or not (own_test or len(held)):
            message = f"Dataset.split: {len(self.y)} rows are too few for these shares."
            raise ArgumentError(message)
        X_test, y_test = self.X[held], self.y[held]
        if self.X_test is not None and self.y_test is not None:
            X_test, y_test, held = (
                self.X_test.copy(),
                self.y_test.copy(),
                np.arange(len(self.y_test)),
            )
        return Split(
            self.X[train], self.y[train], self.X[validation], self.y[validation], X_test, y_test,
            train, validation, held,
        )  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class AudioDataset(Dataset):
    """Recordings, one a row, all of one length: shorter ones end in zeros, longer ones are cut.

    Attributes
    ----------
    X : ndarray of shape (N, n_samples)
        Sound pressure from −1 to 1, float32.
    rate : int
        Samples per second (Hz).
    lengths, lengths_test : ndarray of int of shape (N,)
        How many samples of each row are recording.
    speakers, speakers_test : ndarray of str of shape (N,)
        Who speaks; the groups of a grouped split.
    """

    rate: int = 8000
    lengths: IntArray = field(default_factory=lambda: np.empty(0, np.int64), repr=False)
    speakers: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, "U1"), repr=False)
    lengths_test: IntArray | None = field(default=None, repr=False)
    speakers_test: NDArray[np.str_] | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False, repr=False)
class TextDataset(Dataset):
    """Sentences, one a row.

    Attributes
    ----------
    X : ndarray of shape (N,)
        Strings (dtype object). ``nnlib.features`` makes numbers of them.
    sources : ndarray of str of shape (N,)
        Where each sentence was found.
    """

    sources: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, "U1"), repr=False)


@dataclass(frozen=True, eq=False, repr=False)
class SeriesDataset(Dataset):
    """Values in the order of time.

    Attributes
    ----------
    X : ndarray of shape (N, 1)
        Years since the first value, float32.
    y : ndarray of shape (N,)
        The values, float32; nan where one is missing.
    times : ndarray of datetime64 of shape (N,)
        When each value was taken.
    unit : str
        What the values are counted in.
    """

    times: NDArray[np.datetime64] = field(
        default_factory=lambda: np.empty(0, "datetime64[D]"), repr=False
    )
    unit: str = ""

    def split(
        self,
        *,
        validation: float = 0.2,
        test: float = 0.2,
        rng: Seed = 0,  # ruff: ignore[unused-method-argument]  nothing is drawn, but all sets are split by one call
    ) -> Split:
        """Cut the series in three: the past trains, what follows chooses, the latest tests.

        Shuffled rows would let a model look into the future that it is to predict.

        Parameters
        ----------
        validation, test : float, default 0.2
            Share of the rows for each part.
        rng : Generator, int or None
            Without effect: time gives the order.

        Returns
        -------
        split : Split
            Copies of the rows, in the order of time.

        Raises
        ------
        ArgumentError
            If the shares leave nothing to train on, or a part gets no row.
        """
        self._check_shares(validation, test)
        n = len(self.y)
        end, start = n - round(test * n), n - round(test * n) - round(validation * n)
        return self._parts(np.arange(start), np.arange(start, end), np.arange(end, n))

    def windows(self, length: int, *, horizon: int = 1) -> tuple[Array, Array]:
        """Cut the series into pieces, each with the value that follows it.

        Row i holds y[i], …, y[i + length − 1], and its target is y[i + length − 1 + horizon].
        Pieces that touch a missing value are left out.

        Parameters
        ----------
        length : int
            Values in a piece.
        horizon : int, default 1
            How many steps ahead the target lies.

        Returns
        -------
        pieces : ndarray of shape (n, length)
            In the order of time.
        targets : ndarray of shape (n,)
            One value for each piece.

        Raises
        ------
        ArgumentError
            If a count is below 1, or the series is too short.

        Examples
        --------
        >>> from nnlib.datasets import load
        >>> pieces, targets = load("nile").windows(3)
        >>> pieces[0], float(targets[0])
        (array([1120., 1160.,  963.], dtype=float32), 1210.0)
        """
        length = check_count(length, "length", "SeriesDataset.windows")
        horizon = check_count(horizon, "horizon", "SeriesDataset.windows")
        if length + horizon > len(self.y):
            message = (
                f"SeriesDataset.windows: length={length} and horizon={horizon}, expected at most "
                f"{len(self.y)} together, the values of the series."
            )
            raise ArgumentError(message)
        pieces = sliding_window_view(self.y, length)[: len(self.y) - length - horizon + 1]
        targets = self.y[length + horizon - 1 :]
        whole = np.isfinite(pieces).all(axis=1) & np.isfinite(targets)
        return pieces[whole], targets[whole]


def _deal(y: NDArray[Any], share: float, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return row numbers of a share of the rows, of each class if there are any, and the others."""
    order = rng.permutation(len(y))
    n = round(share * len(y))
    if y.dtype.kind == "f":  # a curve has no classes
        return order[:n], order[n:]
    # Sorted by class, every 1/share-th row: each class gives its share, to within one row.
    by_class = order[np.argsort(y[order], kind="stable")]
    chosen = np.zeros(len(y), bool)
    chosen[by_class[((np.arange(n) + 0.5) * len(y) / max(n, 1)).astype(int)]] = True
    return order[chosen[order]], order[~chosen[order]]


def _shapes(arrays: dict[str, NDArray[Any]]) -> str:
    """Return names with shapes."""
    return ", ".join(f"{name} {array.shape}" for name, array in arrays.items())


def _few(names: tuple[str, ...], limit: int = 10) -> str:
    """Return names as a tuple is written, shortened in the middle."""
    if len(names) <= limit:
        return str(names)
    return f"({', '.join(map(repr, names[:3]))}, ..., {names[-1]!r})"
