"""What cross-validation gives back: scores by fold, their mean, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnlib._array import Array, IntArray
from nnlib.errors import ArgumentError

if TYPE_CHECKING:
    from nnlib.layers import Sequential


@dataclass
class CVResult:
    """The folds of one cross-validation, in the order of the splitter.

    Attributes
    ----------
    scores : dict of str to ndarray of shape (n_splits,)
        Each score on the test rows of each fold.
    models : list of Sequential
        The trained models.
    splits : list of (train, test)
        Row numbers of each fold.
    seconds : ndarray of shape (n_splits,)
        Time of each fold. Folds that were trained at once share theirs evenly.
    stacked : bool
        Whether they were.
    """

    scores: dict[str, Array]
    models: list[Sequential]
    splits: list[tuple[IntArray, IntArray]]
    seconds: Array
    stacked: bool = False

    def __len__(self) -> int:
        """Return the number of folds."""
        return len(self.splits)

    def mean(self, name: str | None = None) -> float:
        """Return the mean of a score over the folds.

        Parameters
        ----------
        name : str, optional
            Which score; by default ``"accuracy"`` if there is one, else the first.

        Returns
        -------
        mean : float
            Its mean; each fold counts the same.
        """
        return float(np.mean(self._of(name)))

    def std(self, name: str | None = None) -> float:
        """Return the standard deviation of a score over the folds, with n − 1 below.

        Parameters
        ----------
        name : str, optional
            Which score.

        Returns
        -------
        std : float
            Standard deviation; nan for a single fold.
        """
        values = self._of(name)
        return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")

    def standard_error(self, name: str | None = None) -> float:
        """Return std / √n, the standard error of the mean if the folds were independent.

        They are not: their training rows overlap, so the true error is larger, and no unbiased
        estimate of it exists.

        Parameters
        ----------
        name : str, optional
            Which score.

        Returns
        -------
        standard_error : float
            In the unit of the score; nan for a single fold.

        References
        ----------
        Bengio & Grandvalet (2004), Journal of Machine Learning Research 5, 1089-1105.
        """
        return self.std(name) / float(np.sqrt(len(self)))

    def table(self) -> list[dict[str, float]]:
        """Return one row a fold: sizes, scores, seconds.

        Returns
        -------
        rows : list of dict
            Ready for ``pandas.DataFrame``, or for printing.
        """
        return [
            {"fold": fold, "n_train": len(train), "n_test": len(test)}
            | {name: float(values[fold]) for name, values in self.scores.items()}
            | {"seconds": float(self.seconds[fold])}
            for fold, (train, test) in enumerate(self.splits)
        ]

    def _of(self, name: str | None) -> Array:
        if name is None:
            name = "accuracy" if "accuracy" in self.scores else next(iter(self.scores))
        if name not in self.scores:
            message = f"CVResult: no score {name!r}, expected one of {sorted(self.scores)}."
            raise ArgumentError(message)
        return self.scores[name]

    def __repr__(self) -> str:
        parts = [f"{name} {self.mean(name):.4g} ± {self.std(name):.2g}" for name in self.scores]
        return f"CVResult({len(self)} folds, {', '.join(parts)})"
