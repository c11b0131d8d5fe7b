"""How the error on held-out rows falls with the number of labels, over several seeds.

``record`` trains every model; its result is kept in ``label_learning_curve.json``, and ``python -m
nnlib.widgets label_learning_curve`` makes it anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets._record import recorded

TASKS = ("digits", "breast_cancer")
MODELS = ("linear", "hidden")
"""A linear model, and one with a hidden layer of 64 ReLU units."""

SEEDS = 10
STEPS = 600
"""How many updates every model gets, whatever its number of labels."""


def record(seeds: int = SEEDS) -> dict[str, Any]:
    """Train both models on both tasks with 10, 20, 40, … labels, once for each seed.

    A quarter of the digits (449 rows) and 35 % of the tumors (199 rows) are held out. A seed
    chooses the rows, the initial weights and the batches; the rows of 20 labels begin with those of
    10. Measurements of tumors are standardized by the rows trained on. Adam with rate 0.01, batches
    of 32, about 600 updates.

    Parameters
    ----------
    seeds : int, default 10
        The first so many seeds are run.

    Returns
    -------
    dict
        For each task: ``sizes``; ``held``, the number of held-out rows; and for each model
        ``wrong``, a list for each seed of how many of them it got wrong.
    """
    return {
        "digits": _measure("digits", [10 * 2**i for i in range(8)], 68 / 1797, 0.25, seeds),
        "breast_cancer": _measure(
            "breast_cancer", [10 * 2**i for i in range(6)], 0.05, 0.35, seeds
        ),
    }


def _measure(task: str, sizes: list[int], aside: float, held: float, seeds: int) -> dict[str, Any]:
    """Return the record of one task."""
    from nnlib import datasets

    data = datasets.load(task)
    parts = data.split(validation=aside, test=held, rng=0)
    wrong: dict[str, list[list[int]]] = {model: [] for model in MODELS}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(parts.y_train))
        for model in MODELS:
            wrong[model].append([_wrong(parts, order[:n], model, task, seed) for n in sizes])
    return {"sizes": sizes, "held": len(parts.y_test), **wrong}


def _wrong(parts: Any, rows: NDArray[np.intp], name: str, task: str, seed: int) -> int:
    """Train one model on these rows and count its errors on the held-out ones."""
    from nnlib import Adam, CrossEntropy, Linear, ReLU, Sequential, fit

    X, y, X_held = parts.X_train[rows], parts.y_train[rows], parts.X_test
    if task != "digits":
        mean, deviation = X.mean(axis=0), X.std(axis=0)
        deviation = np.where(deviation > 0, deviation, 1)
        X, X_held = (X - mean) / deviation, (X_held - mean) / deviation
    d, k = X.shape[1], int(parts.y_test.max()) + 1
    if name == "linear":
        model = Sequential(Linear(d, k, rng=seed))
    else:
        model = Sequential(Linear(d, 64, rng=seed), ReLU(), Linear(64, k, rng=100 + seed))
    epochs = max(1, round(STEPS / math.ceil(len(rows) / 32)))
    fit(model, X, y, loss=CrossEntropy(), optimizer=Adam(model, lr=0.01), epochs=epochs,
        batch_size=32, rng=seed, progress=False)  # fmt: skip
    return int((model.forward(X_held).argmax(axis=1) != parts.y_test).sum())


def mean_and_spread(
    wrong: ArrayLike, held: int, seeds: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of the error rate over the first seeds.

    Parameters
    ----------
    wrong : array_like of shape (n_seeds, n_sizes)
        How many held-out rows each run got wrong.
    held : int
        How many held-out rows there are.
    seeds : int
        How many of the runs are taken.

    Returns
    -------
    mean, spread : ndarray of shape (n_sizes,)
        Shares from 0 to 1; the spread divides by the number of seeds, so one seed has none.

    Examples
    --------
    >>> mean, spread = mean_and_spread([[4, 2], [8, 2]], held=10, seeds=2)
    >>> mean.round(3).tolist(), spread.round(3).tolist()
    ([0.6, 0.2], [0.2, 0.0])
    """
    errors = np.asarray(wrong, float)[:seeds] / held
    return errors.mean(axis=0), errors.std(axis=0)


def labels_for(sizes: Sequence[int], errors: ArrayLike, target: float) -> float:
    """Return how many labels bring the error down to the target.

    Between two sizes log(error) is taken as a straight line over log(labels).

    Parameters
    ----------
    sizes : sequence of int
        Numbers of labels, rising.
    errors : array_like of shape (n_sizes,)
        The error at each.
    target : float
        The error that is wanted.

    Returns
    -------
    float
        The first such number of labels; nan if no size reaches the target.

    Examples
    --------
    >>> round(labels_for([10, 40, 160], [0.4, 0.2, 0.1], 0.1 * 2**0.5), 6)
    80.0
    >>> labels_for([10, 40], [0.4, 0.2], 0.1)
    nan
    """
    rates = np.asarray(errors, float)
    if rates[0] <= target:
        return float(sizes[0])
    for i in range(1, len(sizes)):
        if rates[i] <= target:
            low, high = math.log(rates[i - 1]), math.log(max(rates[i], 1e-12))
            part = (low - math.log(target)) / (low - high)
            return float(sizes[i - 1] * (sizes[i] / sizes[i - 1]) ** part)
    return math.nan


class LabelLearningCurve(Figure):
    """Read how many labels an accuracy costs, and how much a single run can mislead.

    Parameters
    ----------
    task : str, default "digits"
        ``"digits"`` or ``"breast_cancer"``.
    scale : str, default "accuracy"
        ``"accuracy"``, or ``"error"`` with both axes logarithmic.
    labels : int, default 80
        The number of labels that is read off: 10, 20, 40, … up to 1280 digits or 320 tumors.
    seeds : int, default 10
        How many runs the lines stand for, 1 to 10.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    task, scale, labels, seeds
        What the controls hold; set them here and the picture follows.
    errors : list of 2 floats
        The mean error of the linear model and of the one with a hidden layer at so many labels.

    Raises
    ------
    ValueError
        If a name is none of those above, or a number is not among those that were run.
    """

    title = "How many labels does an accuracy cost?"
    purpose = "Follow the accuracy on held-out rows as the number of labels grows, run by run."
    height = 860

    runs: list[dict[str, Any]] = synced([])
    task: str = synced("digits")
    scale: str = synced("accuracy")
    labels: int = synced(80)
    seeds: int = synced(10)
    errors: list[float] = synced([])

    def __init__(
        self,
        *,
        task: str = "digits",
        scale: str = "accuracy",
        labels: int = 80,
        seeds: int = SEEDS,
        key: str = "",
    ) -> None:
        data = recorded("label_learning_curve")
        allowed: dict[str, tuple[Any, Sequence[Any]]] = {
            "task": (task, TASKS),
            "scale": (scale, ("accuracy", "error")),
            "seeds": (seeds, range(1, SEEDS + 1)),
            "labels": (labels, data[task]["sizes"] if task in TASKS else [labels]),
        }
        for name, (value, choices) in allowed.items():
            if value not in choices:
                message = (
                    f"LabelLearningCurve: {name} is {value!r}, expected one of {list(choices)}."
                )
                raise ValueError(message)
        given: dict[str, Any] = {"runs": [data[name] for name in TASKS], "task": task}
        given |= {"scale": scale, "labels": int(labels), "seeds": int(seeds)}
        super().__init__(key=key, **given)
        self._refresh()
        self._follow(("task", "labels", "seeds"), self._refresh)

    def _refresh(self) -> None:
        """Keep ``errors`` true where Python sets a control and no browser is open."""
        run = self.runs[TASKS.index(self.task)]
        # Another task may have been set before a number of labels that it has.
        i = run["sizes"].index(min(self.labels, run["sizes"][-1]))
        means = [mean_and_spread(run[name], run["held"], self.seeds)[0] for name in MODELS]
        self.errors = [float(mean[i]) for mean in means]

    def summary(self) -> str:
        """Return the state in one sentence."""
        linear, hidden = (100 * error for error in self.errors)
        return (
            f"with {self.labels} labels the linear model errs on {linear:.1f} % of the held-out "
            f"rows, the one with a hidden layer on {hidden:.1f} % (mean of {self.seeds} runs)."
        )
