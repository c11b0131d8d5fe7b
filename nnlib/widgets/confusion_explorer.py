"""Which digit is taken for which, and the very images behind each count.

The images are the 449 digits that no model has trained on; ``record`` trains the three models. The
result is kept in ``confusion_explorer.json``, and ``python -m nnlib.widgets confusion_explorer``
makes it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlib.widgets._base import synced
from nnlib.widgets._digit_images import packed
from nnlib.widgets._figure import Figure
from nnlib.widgets._record import recorded

MODELS = ("few", "linear", "hidden")
"""A linear model trained on 40 labels, one on all 899, and one hidden layer on all 899."""

MODES = ("counts", "rows", "columns")


def record() -> dict[str, Any]:
    """Train the three models and keep what they say of the held-out digits.

    A quarter of the digits is held out, each class in the same proportion, and a quarter is left
    aside. All models are trained with Adam, rate 0.01, for 60 epochs in batches of 32. The 40
    labels are the first four of each digit.

    Returns
    -------
    dict
        ``images``, one text of 64 characters each; ``truth``, a digit for each; for each of
        ``MODELS`` ``said`` (a digit for each image), ``sure`` and ``right`` (the probability of
        what was said, and of the truth, in thousandths).
    """
    from nnlib import Adam, CrossEntropy, Linear, ReLU, Sequential, datasets, fit

    parts = datasets.load("digits").split(validation=0.25, test=0.25, rng=0)
    few = np.concatenate([np.flatnonzero(parts.y_train == digit)[:4] for digit in range(10)])
    every = np.arange(len(parts.y_train))
    hidden = Sequential(Linear(64, 64, rng=0), ReLU(), Linear(64, 10, rng=1))
    models = (Sequential(Linear(64, 10, rng=0)), Sequential(Linear(64, 10, rng=0)), hidden)
    truth = parts.y_test
    result: dict[str, Any] = {"images": packed(parts.X_test), "truth": "".join(map(str, truth))}
    result |= {"said": [], "sure": [], "right": []}
    for model, rows in zip(models, (few, every, every), strict=True):
        adam = Adam(model, lr=0.01)
        fit(model, parts.X_train[rows], parts.y_train[rows], loss=CrossEntropy(), optimizer=adam,
            epochs=60, batch_size=32, rng=0, progress=False)  # fmt: skip
        z = model.forward(parts.X_test).astype(float)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        said = p.argmax(axis=1)
        thousandths = np.rint(1000 * p).astype(int)
        result["said"].append("".join(map(str, said)))
        result["sure"].append(thousandths[np.arange(len(said)), said].tolist())
        result["right"].append(thousandths[np.arange(len(said)), truth].tolist())
    return result


def matrix_of(
    truth: str, said: str, sure: Sequence[int] | None = None, percent: float = 0
) -> NDArray[np.int64]:
    """Count how often each digit was called each: rows are true, columns said.

    Parameters
    ----------
    truth, said : str
        One digit for each image.
    sure : sequence of int, optional
        The probability of what was said, in thousandths.
    percent : float, default 0
        Answers that are less sure than this are left out.

    Returns
    -------
    ndarray of int of shape (10, 10)
        The counts.

    Examples
    --------
    >>> matrix_of("0011", "0101")[:2, :2].tolist()
    [[1, 1], [1, 1]]
    """
    counts = np.zeros((10, 10), np.int64)
    for i, (true, called) in enumerate(zip(truth, said, strict=True)):
        if sure is None or sure[i] >= 10 * percent:
            counts[int(true), int(called)] += 1
    return counts


def shares(counts: NDArray[np.int64], mode: str) -> NDArray[np.float64]:
    """Divide the counts by the sums of their rows or columns; 0 where a sum is 0.

    By rows the diagonal is the recall of each digit, by columns its precision.

    Parameters
    ----------
    counts : ndarray of int of shape (K, K)
        A confusion matrix.
    mode : str
        ``"counts"`` leaves it as it is, ``"rows"`` and ``"columns"`` divide.

    Returns
    -------
    ndarray of shape (K, K)
        Counts, or shares from 0 to 1.

    Examples
    --------
    >>> shares(np.array([[3, 1], [0, 0]]), "rows").tolist()
    [[0.75, 0.25], [0.0, 0.0]]
    """
    if mode == "counts":
        return counts.astype(float)
    sums = counts.sum(axis=1 if mode == "rows" else 0, keepdims=True)
    return np.asarray(counts / np.maximum(sums, 1))


def most_confused(counts: NDArray[np.int64]) -> tuple[int, int]:
    """Return the two classes that are most often taken for each other, the smaller first.

    Parameters
    ----------
    counts : ndarray of int of shape (K, K)
        A confusion matrix.

    Returns
    -------
    tuple of int
        Of equal pairs the first.

    Examples
    --------
    >>> most_confused(np.array([[9, 0, 2], [1, 9, 0], [2, 0, 9]]))
    (0, 2)
    """
    first, second = np.triu_indices(len(counts), k=1)
    best = int((counts + counts.T)[first, second].argmax())
    return int(first[best]), int(second[best])


class ConfusionExplorer(Figure):
    """Choose a cell of a confusion matrix and see the digits behind it.

    Parameters
    ----------
    model : str, default "few"
        ``"few"``: linear, 40 labels; ``"linear"``: linear, 899 labels; ``"hidden"``: one hidden
        layer, 899 labels.
    mode : str, default "counts"
        ``"counts"``, ``"rows"`` (shares of a true digit) or ``"columns"`` (of a digit said).
    percent : int, default 0
        Answers that are less sure than this are set aside.
    cell : sequence of 2 ints, default (3, 3)
        The true digit and the digit said whose images are shown.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    model, mode, percent, cell
        What the controls hold; set them here and the picture follows.
    accuracy : float
        The share of right answers among those that are not set aside; 0 if there is none.

    Raises
    ------
    ValueError
        If a name is none of those above, or a number is outside what its control holds.
    """

    title = "Which digits are taken for which?"
    purpose = "Choose a cell of the confusion matrix and look at the digits behind the number."
    height = 920

    images: list[str] = synced([])
    truth: str = synced("")
    said: list[str] = synced([])
    sure: list[list[int]] = synced([])
    right: list[list[int]] = synced([])
    model: str = synced("few")
    mode: str = synced("counts")
    percent: int = synced(0)
    cell: list[int] = synced([3, 3])
    accuracy: float = synced(0.0)

    def __init__(
        self,
        *,
        model: str = "few",
        mode: str = "counts",
        percent: int = 0,
        cell: Sequence[int] = (3, 3),
        key: str = "",
    ) -> None:
        for name, value, allowed in (("model", model, MODELS), ("mode", mode, MODES)):
            if value not in allowed:
                message = f"ConfusionExplorer: {name} is {value!r}, expected one of {allowed}."
                raise ValueError(message)
        if not 0 <= percent <= 99:
            message = f"ConfusionExplorer: percent is {percent!r}, expected 0 to 99."
            raise ValueError(message)
        if len(cell) != 2 or not all(0 <= digit <= 9 for digit in cell):
            message = f"ConfusionExplorer: cell is {cell!r}, expected a true digit and one said."
            raise ValueError(message)
        given: dict[str, Any] = {**recorded("confusion_explorer"), "model": model, "mode": mode}
        given |= {"percent": int(percent), "cell": [int(digit) for digit in cell]}
        super().__init__(key=key, **given)
        self._refresh()
        self._follow(("model", "percent"), self._refresh)

    @property
    def matrix(self) -> NDArray[np.int64]:
        """The counts that the matrix shows."""
        i = MODELS.index(self.model)
        return matrix_of(self.truth, self.said[i], self.sure[i], self.percent)

    def _refresh(self) -> None:
        """Keep ``accuracy`` true where Python sets a control and no browser is open."""
        counts = self.matrix
        self.accuracy = float(np.trace(counts) / max(int(counts.sum()), 1))

    def summary(self) -> str:
        """Return the state in one sentence."""
        counts = self.matrix
        first, second = most_confused(counts)
        return (
            f"{int(np.trace(counts))} of {int(counts.sum())} held-out digits are right; "
            f"{first} and {second} are mixed up most."
        )
