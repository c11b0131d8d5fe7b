"""Early stopping as a small class."""
# mypy: disable-error-code="type-arg"
# Annotations here are those of a notebook: plain and few.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Criterion, Exercise, Hint
from grading.exercises.u05_regularization.stopping_cases import (
    BEST_HAND,
    FIRST_HAND,
    MIN_DELTA_HAND,
    MODE_HAND,
    PATIENCE_HAND,
    best_at_once,
    best_in_the_middle,
    plateaus,
    scores,
    small_steps,
)
from grading.exercises.u05_regularization.stopping_mistakes import RULE_MISTAKES
from grading.exercises.u05_regularization.stopping_mistakes_records import RECORD_MISTAKES
from grading.probes import Methods


class EarlyStopping:
    """Watch a value, say when to stop, and keep the weights of the best epoch."""

    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1  # sign · value is small when good
        self.best = self.sign * np.inf
        self.best_epoch = 0
        self.best_weights: np.ndarray | None = None
        self.epoch = self.wait = 0

    def step(self, value: float, weights: np.ndarray) -> bool:
        """Take in one epoch; True if training shall stop now."""
        self.epoch += 1
        if self.sign * value < self.sign * self.best - self.min_delta:
            self.best, self.best_epoch = value, self.epoch
            self.best_weights = weights.copy()
            self.wait = 0
        else:
            self.wait += 1
        return self.wait >= self.patience


class _ByEpochNumbers:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta, self.mode = patience, min_delta, mode
        self.best: float | None = None
        self.best_epoch = self.epoch = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch = self.epoch + 1
        if self.best is None:
            better = True
        elif self.mode == "min":
            better = self.best - value > self.min_delta
        else:
            better = value - self.best > self.min_delta
        if better:
            self.best = value
            self.best_epoch = self.epoch
            self.best_weights = np.array(weights)
        return self.epoch - self.best_epoch >= self.patience


class _FromTheWholeHistory:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.settings = patience, min_delta, 1.0 if mode == "min" else -1.0
        self.values: list[float] = []
        self.kept: list[np.ndarray] = []

    def step(self, value: float, weights: np.ndarray) -> bool:
        patience, min_delta, sign = self.settings
        self.values.append(value)
        self.kept.append(weights.copy())
        i_best = 0
        for i, seen in enumerate(self.values):
            if sign * seen < sign * self.values[i_best] - min_delta:
                i_best = i
        self.best, self.best_epoch = self.values[i_best], i_best + 1
        self.best_weights = self.kept[i_best]
        return len(self.values) - self.best_epoch >= patience


_RECORDS = ("best", "best_epoch", "best_weights")

EARLY_STOPPING = Exercise(
    id="EarlyStopping",
    unit="05",
    tier="core",
    title="Early stopping",
    minutes=18,
    difficulty=3,
    probe=Methods(reads=_RECORDS, one_buffer=True),
    cases=plateaus,
    criteria=(
        Criterion("patience", 2, ("returned",), PATIENCE_HAND),
        Criterion("min_delta", 1, ("returned", "best"), MIN_DELTA_HAND, draw=small_steps),
        Criterion("mode", 1, ("returned", *_RECORDS), MODE_HAND, draw=scores),
        Criterion("best", 1, _RECORDS, BEST_HAND, draw=best_in_the_middle),
        Criterion("first epoch", 1, _RECORDS, FIRST_HAND, draw=best_at_once),
    ),
    reference=EarlyStopping,
    alternatives=(_ByEpochNumbers, _FromTheWholeHistory),
    misconceptions=(*RULE_MISTAKES, *RECORD_MISTAKES),
    hints=(
        Hint(
            "I do not know where to begin, or an attribute is missing",
            "Everything that the object must remember from one call to the next is an attribute: "
            "`self.best`, `self.best_epoch`, `self.best_weights`, the number of epochs seen, and "
            "how many have passed since the last improvement. `__init__` sets them, `step` changes "
            "them. The first question in `step`: is this epoch an improvement?",
            (),
            ("problem",),
        ),
        Hint(
            "It stops at the wrong epoch",
            "Write the slides' five losses on paper, with patience 1, and beside each whether it "
            "improves and how long you have waited. Compare always with the best so far, never "
            "with the epoch before. For mode max turn the comparison round: the start and the side "
            "that min_delta stands on turn with it. In the report `values` are the epochs in their "
            "order; `returned[4]` is the answer to the fifth, since Python counts from 0.",
            ("patience", "min_delta", "mode"),
        ),
        Hint(
            "`best`, `best_epoch` or `best_weights` is not that of the best epoch",
            "Three things belong to an improvement and change together: the value, the number of "
            "the epoch, counted from 1, and the weights. Is one of them missing, perhaps in the "
            "first epoch? If the weights are those of the last epoch: the caller trains on in the "
            "same array, and `a = weights` is one array with two names.",
            ("best", "first epoch"),
        ),
    ),
    solution_note=(
        "An epoch improves if value < best − min_delta (mode min) or value > best + min_delta\n"
        "(mode max). Starting from best = +∞ or −∞ makes the first epoch improve by itself. At an\n"
        "improvement remember value, epoch and a copy of the weights, and set wait = 0; else\n"
        "wait = wait + 1. Stop as soon as wait ≥ patience.\n"
        "The slides' losses with min_delta 0.0001: 0.04001 gains 0.00009 on 0.0401, too little;\n"
        "0.03998 gains 0.00012 on 0.0401, enough. Compared with the epoch before it would be\n"
        "0.00003. The best stays the yardstick, so small gains add up."
    ),
)
