"""Early stopping on recorded runs: where a rule stops, what it restores, what other rows report.

Four networks were trained for 60 epochs. After each epoch the loss of every row of a held-out pool
was taken; 12 random halvings of the pool give 24 splits in which one half validates (it chooses the
epoch) and the other half tests. A fifth run is the five losses of the slides. ``record`` trains the
networks; its result is kept in ``early_stopping_scrubber.json``, and
``python -m nnlib.widgets early_stopping_scrubber`` makes it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets._random import Floats
from nnlib.widgets._record import recorded

EPOCHS = 60
HALVINGS = 12
UNIT = 1e-4
"""Losses are recorded as whole multiples of this."""

RUNS = ("digits", "jagged", "plateau", "random", "slides")
"""The runs on offer; the last is no run of ours."""

SLIDES = (0.21, 0.0401, 0.04001, 0.03998, 0.3)
"""The losses that the slides print, there of epochs 1, 15, 25, 35 and 99; here one epoch apart."""

WIDTHS = {"digits": (64, 64), "jagged": (64, 32), "plateau": (64, 16, 16, 16), "random": (20, 32)}
"""Inputs and hidden units of the four networks."""

DELTAS = (0.0, 0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""The values of ``min_delta`` on offer."""


def train(name: str, epochs: int = EPOCHS) -> tuple[Floats, Floats]:
    """Train one of the four networks and take its losses after each epoch.

    - ``"digits"``: 64-64-10 ReLU on 150 digits, of which a fifth have a random label; Adam, rate
      0.01, batches of 10.
    - ``"jagged"``: 64-32-10 ReLU on 150 such digits; SGD, rate 0.3, batches of 5.
    - ``"plateau"``: three hidden layers of 16 sigmoid units on 300 digits; SGD, rate 0.3,
      momentum 0.9, batches of 20.
    - ``"random"``: 20-32-2 ReLU on 100 rows of uniform numbers whose labels are coin tosses, as in
      the slides; Adam, rate 0.003, batches of 20.

    Parameters
    ----------
    name : str
        One of the first four of ``RUNS``.
    epochs : int, default 60
        How long.

    Returns
    -------
    training : ndarray of shape (epochs,)
        Mean loss of the training rows with the labels they were trained on, in nats.
    rows : ndarray of shape (epochs, pool)
        Loss of each held-out row, with its true label.
    """
    from nnlib import CrossEntropy, ReLU, Sequential, Sigmoid, fit
    from nnlib.layers import Linear
    from nnlib.training import Callback

    X, targets, labels, order = _rows(name)
    own, pool = order[: len(labels)], order[len(labels) :]
    widths = WIDTHS[name]
    layers: list[Any] = []
    for i, (d_in, d_out) in enumerate(pairwise(widths)):
        layers += [Linear(d_in, d_out, rng=i, dtype=np.float64)]
        layers += [Sigmoid() if name == "plateau" else ReLU()]
    last = Linear(widths[-1], int(targets.max()) + 1, rng=9, dtype=np.float64)
    model = Sequential(*layers, last)
    training, rows = [], []

    def row_losses(inputs: Floats, wanted: Any) -> Floats:
        z = model.forward(inputs)
        z = z - z.max(axis=1, keepdims=True)
        losses: Floats = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(wanted)), wanted]
        return losses

    class Record(Callback):
        def on_epoch_end(self, run: Any) -> None:  # ruff: ignore[unused-method-argument]  as fit calls it
            """Take the losses of the epoch that has just ended."""
            training.append(row_losses(X[own], labels).mean())
            rows.append(row_losses(X[pool], targets[pool]))

    optimizer, batch_size = _optimizer(name, model)
    fit(model, X[own], labels, loss=CrossEntropy(), optimizer=optimizer, epochs=epochs,
        batch_size=batch_size, rng=0, progress=False, callbacks=[Record()])  # fmt: skip
    return np.array(training), np.array(rows)


def _rows(name: str) -> tuple[Floats, Any, Any, Any]:
    """Return inputs, true labels, labels to train on, and an order: training rows, then pool."""
    from nnlib import datasets

    if name == "random":
        rng = np.random.default_rng(2)
        X, coins = rng.uniform(-0.5, 0.5, (200, 20)), rng.integers(0, 2, 200)
        return X, coins, coins[:100], np.arange(200)
    rng, digits = np.random.default_rng(0), datasets.load("digits")
    n = 300 if name == "plateau" else 150
    order = rng.permutation(len(digits.X))[: n + 200]
    labels = digits.y[order[:n]].copy()
    if name != "plateau":
        wrong = rng.random(n) < 0.2
        labels[wrong] = rng.integers(0, 10, wrong.sum())
    return digits.X, digits.y, labels, order


def _optimizer(name: str, model: Any) -> tuple[Any, int]:
    """Return the optimizer of a run and its batch size."""
    from nnlib import SGD, Adam

    if name == "jagged":
        return SGD(model, lr=0.3), 5
    if name == "plateau":
        return SGD(model, lr=0.3, momentum=0.9), 20
    return (Adam(model, lr=0.01), 10) if name == "digits" else (Adam(model, lr=0.003), 20)


def record() -> dict[str, Any]:
    """Train the four networks and halve their pools.

    Returns
    -------
    dict
        For each run ``training``, ``pool`` (mean over all held-out rows) and ``halves`` (mean over
        the first half of each of 12 halvings), lists over the epochs in units of ``UNIT``.
    """
    result: dict[str, Any] = {}
    for name in RUNS[:-1]:
        training, rows = train(name)
        n = rows.shape[1]
        firsts = [np.random.default_rng(s).permutation(n)[: n // 2] for s in range(HALVINGS)]
        curves = {"training": training, "pool": rows.mean(axis=1)}
        result[name] = {key: _whole(curve) for key, curve in curves.items()}
        result[name]["halves"] = [_whole(rows[:, first].mean(axis=1)) for first in firsts]
    return result


def _whole(curve: Floats) -> list[int]:
    return [int(v) for v in np.rint(curve / UNIT)]


class Losses(NamedTuple):
    """One split of a run: losses after each epoch, in nats."""

    training: list[float]
    validation: list[float]
    test: list[float]


def losses_of(run: str, split: int = 1) -> Losses:
    """Return the recorded losses of a run in one of its splits.

    Parameters
    ----------
    run : str
        One of ``RUNS``.
    split : int, default 1
        1 … 24: two for each halving of the pool, with the roles of its halves exchanged.

    Returns
    -------
    Losses
        Lists over the epochs; the slides give a validation loss only.
    """
    if run == "slides":
        return Losses([], list(SLIDES), [])
    kept = recorded("early_stopping_scrubber")[run]
    first = kept["halves"][(split - 1) // 2]
    second = [2 * p - a for p, a in zip(kept["pool"], first, strict=True)]
    halves = (first, second) if split % 2 else (second, first)
    return Losses(*([v / 10000 for v in curve] for curve in (kept["training"], *halves)))


class Decision(NamedTuple):
    """What a rule does with a run; epochs count from 1."""

    waits: list[int]
    """Epochs since the best, after each epoch that is run; 0 means that it improved."""
    stopped: int
    """The last epoch that is run."""
    early: bool
    """Whether the rule ended it."""
    restored: int
    """The epoch whose weights are put back."""


def follow_rule(losses: Sequence[float], patience: int, min_delta: float) -> Decision:
    """Apply early stopping to recorded losses.

    An epoch improves if best − loss > min_delta; the first one does. Training ends once
    ``patience`` epochs in a row have not improved, and the weights of the best epoch come back.

    Parameters
    ----------
    losses : sequence of float
        Validation loss after each epoch.
    patience : int
        Epochs without improvement that end training.
    min_delta : float
        What counts as improvement.

    Returns
    -------
    Decision
        Where it stops and what it restores.

    Examples
    --------
    >>> follow_rule([0.9, 0.5, 0.6, 0.45, 0.7, 0.8], patience=2, min_delta=0.1)
    Decision(waits=[0, 0, 1, 2], stopped=4, early=True, restored=2)
    """
    best, restored, waits = np.inf, 0, []
    for epoch, value in enumerate(losses, start=1):
        if best - value > min_delta:
            best, restored = value, epoch
        waits.append(epoch - restored)
        if waits[-1] >= patience:
            return Decision(waits, epoch, True, restored)
    return Decision(waits, len(losses), False, restored)


class Report(NamedTuple):
    """Means over the 24 splits of a run."""

    validation: float
    """Validation loss of the restored epoch: the rows that chose it."""
    test: float
    """Its loss on the other half: rows that chose nothing."""
    optimism: float
    """Test minus validation."""
    last: float
    """Test loss of the last epoch run, which is what is kept where nothing is restored."""


def report(run: str, patience: int, min_delta: float) -> Report:
    """Return what both kinds of rows say of the restored epoch, on average over 24 splits.

    Each half of the pool serves once as either part, so at an epoch chosen by nobody the two means
    would be equal: what they differ by is due to the choice.

    Parameters
    ----------
    run : str
        One of the first four of ``RUNS``.
    patience : int
        Epochs without improvement that end training.
    min_delta : float
        What counts as improvement.

    Returns
    -------
    Report
        Means in nats.
    """
    rows = []
    for split in range(1, 2 * HALVINGS + 1):
        _, validation, test = losses_of(run, split)
        decision = follow_rule(validation, patience, min_delta)
        at = decision.restored - 1
        rows.append((validation[at], test[at], test[decision.stopped - 1]))
    validation_mean, test_mean, last = (float(v) for v in np.mean(rows, axis=0))
    return Report(validation_mean, test_mean, test_mean - validation_mean, last)


class EarlyStoppingScrubber(Figure):
    """Scrub through recorded training runs and see where early stopping would end them.

    Parameters
    ----------
    run : str, default "digits"
        ``"digits"``, ``"jagged"``, ``"plateau"``, ``"random"`` or ``"slides"``.
    patience : int, default 5
        Epochs without improvement that end training, 1 to 60.
    min_delta : float, default 0.0
        What counts as improvement, 0 to 0.1.
    split : int, default 3
        Which half of the held-out rows validates, 1 to 24.
    epoch : int, default 12
        The epoch that is looked at, 1 to 60.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    run, patience, min_delta, split, epoch
        What the controls hold; set them here and the picture follows.
    stopped, restored : int
        Last epoch run, and the epoch whose weights come back.

    Raises
    ------
    ValueError
        If a value is none of those above.

    References
    ----------
    Prechelt (1998), in Neural Networks: Tricks of the Trade, Springer, 55-69.
    """

    title = "When to stop, and what to report?"
    purpose = (
        "Scrub through recorded runs: where a rule stops, what it restores, what new rows say."
    )
    height = 900

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "patience": (1, EPOCHS),
        "min_delta": (0, 0.1),
        "split": (1, 2 * HALVINGS),
        "epoch": (1, EPOCHS),
    }

    run: str = synced("digits")
    patience: int = synced(5)
    min_delta: float = synced(0.0)
    split: int = synced(3)
    epoch: int = synced(12)
    runs: list[Any] = synced([])
    stopped: int = synced(0)
    restored: int = synced(0)

    def __init__(
        self,
        *,
        run: str = "digits",
        patience: int = 5,
        min_delta: float = 0.0,
        split: int = 3,
        epoch: int = 12,
        key: str = "",
    ) -> None:
        if run not in RUNS:
            message = f"EarlyStoppingScrubber: run is {run!r}, expected one of {RUNS}."
            raise ValueError(message)
        given = {"patience": patience, "min_delta": min_delta, "split": split, "epoch": epoch}
        for name, value in given.items():
            low, high = self.RANGES[name]
            if not low <= value <= high:
                message = (
                    f"EarlyStoppingScrubber: {name} is {value!r}, expected {low:g} to {high:g}."
                )
                raise ValueError(message)
        kept = recorded("early_stopping_scrubber")
        runs = [kept[name] for name in RUNS[:-1]]
        given |= {"min_delta": float(min_delta)}
        super().__init__(key=key, run=run, runs=runs, **given)
        self._refresh()
        self._follow(("run", "patience", "min_delta", "split"), self._refresh)

    def _refresh(self) -> None:
        """Keep the decision true where Python sets a control and no browser is open."""
        losses = losses_of(self.run, self.split)
        decision = follow_rule(losses.validation, self.patience, self.min_delta)
        self.stopped, self.restored = decision.stopped, decision.restored

    def summary(self) -> str:
        """Return the state in one sentence."""
        return (
            f"run {self.run!r} with patience {self.patience} and min_delta {self.min_delta:g} "
            f"ends after epoch {self.stopped} and gets the weights of epoch {self.restored} back."
        )
