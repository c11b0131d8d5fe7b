"""Where to draw the line between two classes: what a threshold does to precision, recall and cost.

The scores are real: each of the 569 tumors of ``breast_cancer`` is scored by a logistic regression
that was trained on the other four fifths of the rows (5 folds). ``record`` trains them; its result
is kept in ``threshold_explorer.json``, and ``python -m nnlib.widgets threshold_explorer``
makes it anew.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets._record import recorded

MODELS = {"two": ("mean texture", "mean smoothness"), "all": ()}
"""The models on offer, by the measurements that they see; an empty tuple means all 30."""

THRESHOLDS = tuple(i / 100 for i in range(101))
"""Where the curves are computed: 0 to 1 in steps of 0.01."""


def record() -> dict[str, list[float]]:
    """Score every tumor by models that were trained without it.

    A logistic regression on standardized columns (Adam, rate 0.05, 60 epochs, batches of 64) is
    trained on four of five stratified folds and scores the fifth; mean and deviation of the columns
    come from the four.

    Returns
    -------
    dict
        ``labels``: 1 malignant, 0 benign; and for each of ``MODELS`` the probability of malignant
        for all 569 rows, rounded to 4 decimals.
    """
    from nnlib import Adam, CrossEntropy, Linear, Sequential, datasets, fit
    from nnlib.model_selection import StratifiedKFold

    data = datasets.load("breast_cancer")
    labels = 1 - data.y
    result = {"labels": labels.tolist()}
    for name, wanted in MODELS.items():
        columns = [i for i, n in enumerate(data.feature_names) if not wanted or n in wanted]
        scores = np.zeros(len(labels))
        folds = StratifiedKFold(5, shuffle=True, rng=0)
        for train, held in folds.split(data.X, labels):
            X = data.X[:, columns]
            X = (X - X[train].mean(axis=0)) / X[train].std(axis=0)
            model = Sequential(Linear(len(columns), 2, rng=0))
            adam = Adam(model, lr=0.05)
            fit(model, X[train], labels[train], loss=CrossEntropy(), optimizer=adam,
                epochs=60, batch_size=64, rng=1, progress=False)  # fmt: skip
            z = model.forward(X[held]).astype(float)
            scores[held] = 1 / (1 + np.exp(z[:, 0] - z[:, 1]))
        result[name] = [round(float(score), 4) for score in scores]
    return result


def weighted_counts(
    labels: ArrayLike, scores: ArrayLike, threshold: float, share: float | None = None
) -> dict[str, float]:
    """Count the four outcomes of calling a row positive where its score reaches the threshold.

    With another share π of positives, each positive row counts π N / N₊ times and each negative row
    (1 − π) N / N₋ times. So the total stays N, and what happens within a class does not change.

    Parameters
    ----------
    labels : array_like of shape (N,)
        1 positive, 0 negative.
    scores : array_like of shape (N,)
        Probability of positive.
    threshold : float
        From here on a score is called positive.
    share : float, optional
        Share of positives; as in the labels by default.

    Returns
    -------
    dict
        ``tp``, ``fp``, ``fn`` and ``tn``.

    Examples
    --------
    >>> weighted_counts([1, 1, 0, 0, 0], [0.9, 0.2, 0.7, 0.1, 0.4], 0.5)
    {'tp': 1.0, 'fp': 1.0, 'fn': 1.0, 'tn': 2.0}
    """
    positive = np.asarray(labels) == 1
    called = np.asarray(scores) >= threshold
    n, n_positive = len(positive), int(positive.sum())
    pi = n_positive / n if share is None else share
    up, down = pi * n / n_positive, (1 - pi) * n / (n - n_positive)
    return {
        "tp": float(up * (called & positive).sum()),
        "fp": float(down * (called & ~positive).sum()),
        "fn": float(up * (~called & positive).sum()),
        "tn": float(down * (~called & ~positive).sum()),
    }


def measures(counts: dict[str, float], ratio: float) -> dict[str, float]:
    """Return what is read off the four counts.

        precision = tp / (tp + fp)     recall = tp / (tp + fn)     F1 = 2 tp / (2 tp + fp + fn)
        cost = 100 (fp + ratio · fn) / N

    Parameters
    ----------
    counts : dict
        ``tp``, ``fp``, ``fn`` and ``tn``.
    ratio : float
        What a missed positive costs, counted in false alarms.

    Returns
    -------
    dict
        ``accuracy``, ``precision`` (nan where nothing is called positive), ``recall``, ``f1``,
        ``alarms`` (the share of negatives that are called positive) and ``cost`` per 100 rows.

    Examples
    --------
    >>> found = measures({"tp": 6, "fp": 2, "fn": 2, "tn": 10}, ratio=5)
    >>> found["precision"], found["recall"], found["accuracy"], found["cost"]
    (0.75, 0.75, 0.8, 60.0)
    """
    tp, fp, fn, tn = (counts[name] for name in ("tp", "fp", "fn", "tn"))
    n = tp + fp + fn + tn
    return {
        "accuracy": (tp + tn) / n,
        "precision": tp / (tp + fp) if tp + fp > 0 else math.nan,
        "recall": tp / (tp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
        "alarms": fp / (fp + tn),
        "cost": 100 * (fp + ratio * fn) / n,
    }


def cheapest(
    labels: ArrayLike, scores: ArrayLike, ratio: float, share: float | None = None
) -> tuple[float, float]:
    """Return the threshold of ``THRESHOLDS`` that costs least, the lowest of equals, and its cost.

    Parameters
    ----------
    labels, scores : array_like of shape (N,)
        As in ``weighted_counts``.
    ratio : float
        What a missed positive costs, counted in false alarms.
    share : float, optional
        Share of positives; as in the labels by default.

    Returns
    -------
    threshold, cost : float
        The cost is per 100 rows.
    """
    costs = [
        round(measures(weighted_counts(labels, scores, t, share), ratio)["cost"], 9)
        for t in THRESHOLDS
    ]
    best = int(np.argmin(costs))
    return THRESHOLDS[best], costs[best]


class ThresholdExplorer(Figure):
    """Move the decision threshold of a classifier of tumors and read what it does.

    Parameters
    ----------
    model : str, default "two"
        ``"two"`` sees two measurements of a tumor, ``"all"`` sees all 30.
    threshold : float, default 0.5
        From here on a tumor is called malignant.
    ratio : float, default 10.0
        What a missed malignant tumor costs, counted in false alarms.
    percent : int, default 37
        Malignant tumors among 100 patients. 37 stands for the 212 of 569 in the data.
    view : str, default "curves"
        ``"curves"`` over the threshold, ``"roc"``, or ``"pr"`` (precision against recall).
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    model, threshold, ratio, percent, view
        What the controls hold; set them here and the picture follows.
    cost : float
        The cost at this threshold, in false alarms per 100 patients.

    Raises
    ------
    ValueError
        If a name is none of those above, or a number is outside what its control holds.
    """

    title = "Where should the line be drawn?"
    purpose = "Move the threshold from which a tumor is called malignant, and see what it costs."
    height = 1010

    labels: list[int] = synced([])
    scores: list[list[float]] = synced([])
    model: str = synced("two")
    threshold: float = synced(0.5)
    ratio: float = synced(10.0)
    percent: int = synced(37)
    view: str = synced("curves")
    cost: float = synced(0.0)

    def __init__(
        self,
        *,
        model: str = "two",
        threshold: float = 0.5,
        ratio: float = 10.0,
        percent: int = 37,
        view: str = "curves",
        key: str = "",
    ) -> None:
        _check_one_of("model", model, tuple(MODELS))
        _check_one_of("view", view, ("curves", "roc", "pr"))
        _check_within("threshold", threshold, 0, 1)
        _check_within("ratio", ratio, 1, 50)
        _check_within("percent", percent, 1, 60)
        data = recorded("threshold_explorer")
        given: dict[str, Any] = {"model": model, "view": view, "percent": int(percent)}
        given |= {"labels": list(data["labels"]), "scores": [list(data[name]) for name in MODELS]}
        super().__init__(key=key, threshold=float(threshold), ratio=float(ratio), **given)
        self._refresh()
        self._follow(("model", "threshold", "ratio", "percent"), self._refresh)

    @property
    def share(self) -> float | None:
        """The share of malignant tumors; None stands for that of the data."""
        own = round(100 * float(np.mean(self.labels)))
        return None if self.percent == own else self.percent / 100

    @property
    def counts(self) -> dict[str, float]:
        """The four counts at this threshold."""
        return weighted_counts(self.labels, self._scores(), self.threshold, self.share)

    def _scores(self) -> NDArray[np.float64]:
        return np.asarray(self.scores[list(MODELS).index(self.model)])

    def _refresh(self) -> None:
        """Keep ``cost`` true where Python sets a control and no browser is open."""
        self.cost = measures(self.counts, self.ratio)["cost"]

    def summary(self) -> str:
        """Return the state in one sentence."""
        found = measures(self.counts, self.ratio)
        return (
            f"at threshold {self.threshold:.2f} precision is {found['precision']:.2f}, recall "
            f"{found['recall']:.2f}, F1 {found['f1']:.2f}, cost {found['cost']:.1f} per 100 "
            "patients."
        )


def _check_one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"ThresholdExplorer: {name} is {value!r}, expected one of {allowed}."
        raise ValueError(message)


def _check_within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        message = f"ThresholdExplorer: {name} is {value!r}, expected {low} to {high}."
        raise ValueError(message)
