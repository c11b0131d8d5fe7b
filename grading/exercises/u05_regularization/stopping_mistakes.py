"""Known wrong answers to `EarlyStopping`: when an epoch improves, and how long to wait."""
# mypy: disable-error-code="type-arg"
# Annotations here are those of a notebook: plain and few.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


class _OneEpochTooPatient:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None or self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait > self.patience


class _OneEpochTooEarly:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None or self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        self.wait += 1
        return self.wait >= self.patience


class _TieCountsAsImprovement:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None or self.sign * (self.best - value) >= self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _WaitNeverReset:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None or self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch = value, self.epoch
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _MinDeltaIgnored:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:  # ruff: ignore[unused-method-argument]  # it is ignored
        self.patience = patience
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None or self.sign * (self.best - value) > 0:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _MinDeltaOnTheWrongSide:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None or self.sign * (value - self.best) < self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _BestCreepsAlong:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        gain = np.inf if self.best is None else self.sign * (self.best - value)
        self.wait = 0 if gain > self.min_delta else self.wait + 1
        if gain > 0:
            self.best, self.best_epoch = value, self.epoch
            self.best_weights = weights.copy()
        return self.wait >= self.patience


class _ComparedWithTheEpochBefore:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.before: float | None = None
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.before is None or self.sign * (self.before - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        self.before = value
        return self.wait >= self.patience


class _RestartsWheneverItFalls:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.before = float("inf")
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        self.wait = 0 if self.sign * value < self.before else self.wait + 1
        self.before = self.sign * value
        if self.best is None or self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        return self.wait >= self.patience


class _AnyChangeCounts:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:  # ruff: ignore[unused-method-argument]  # both directions count
        self.patience, self.min_delta = patience, min_delta
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None or abs(self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _MinDeltaAsAShare:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None or self.sign * (self.best - value) > abs(self.best) * self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _TinyGainsRecorded:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best = self.yardstick = self.sign * float("inf")
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.sign * (self.yardstick - value) > self.min_delta:
            self.yardstick, self.wait = value, 0
        else:
            self.wait += 1
        if self.sign * (self.best - value) > 0:
            self.best, self.best_epoch = value, self.epoch
            self.best_weights = weights.copy()
        return self.wait >= self.patience


class _WritesTheBestBack:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None or self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        if self.wait >= self.patience and self.best_weights is not None:
            weights[:] = self.best_weights
        return self.wait >= self.patience


_STOPPING = ("patience", "min_delta", "mode")
_ALL = (*_STOPPING, "best", "first epoch")

RULE_MISTAKES = (
    Misconception(
        "one_epoch_too_patient",
        _OneEpochTooPatient,
        _STOPPING,
        "Training stops one epoch late. With patience 1 a single epoch without improvement ends "
        "it. How large is your counter after that epoch, and how does it compare?",
    ),
    Misconception(
        "one_epoch_too_early",
        _OneEpochTooEarly,
        _STOPPING,
        "Training stops one epoch early: the epoch that improves is counted as waiting, too. "
        "How many epochs without improvement have there been right after an improvement?",
    ),
    Misconception(
        "tie_counts_as_improvement",
        _TieCountsAsImprovement,
        _STOPPING,
        "A value equal to the best restarts the waiting, so a loss that stands still is waited "
        "for without end. Better means strictly better. Which comparison says that?",
    ),
    Misconception(
        "wait_never_reset",
        _WaitNeverReset,
        _STOPPING,
        "All epochs without improvement are counted, also those before the last improvement. "
        "Patience is about epochs one after another. What happens to the count at a new best?",
    ),
    Misconception(
        "min_delta_ignored",
        _MinDeltaIgnored,
        ("min_delta", "mode"),
        "The smallest gain restarts the waiting. An epoch counts only if it is better by more "
        "than min_delta. Where does min_delta enter your comparison?",
    ),
    Misconception(
        "min_delta_on_the_wrong_side",
        _MinDeltaOnTheWrongSide,
        ("min_delta", "mode"),
        "An epoch counts as better although it is up to min_delta worse. min_delta raises the "
        "bar. On which side of the best does a loss have to end up?",
    ),
    Misconception(
        "best_creeps_along",
        _BestCreepsAlong,
        ("min_delta", "mode"),
        "A gain smaller than min_delta does not restart the waiting, but it moves the best. Then "
        "many small gains never add up to one that counts. What must stay until an epoch really "
        "improves?",
    ),
    Misconception(
        "compared_with_the_epoch_before",
        _ComparedWithTheEpochBefore,
        (*_STOPPING, "best"),
        "Each epoch is compared with the one before. After a bad epoch a less bad one then looks "
        "like an improvement. With which value of the past must it be compared?",
    ),
    Misconception(
        "restarts_whenever_it_falls",
        _RestartsWheneverItFalls,
        _STOPPING,
        "The best is kept rightly, but the waiting starts anew whenever a value is better than "
        "the one before. After a bad epoch nearly every epoch is. With which value must it be "
        "compared before you stop waiting?",
    ),
    Misconception(
        "any_change_counts",
        _AnyChangeCounts,
        _ALL,
        "A change in either direction counts as better: a loss that jumps up restarts the "
        "waiting and becomes the best. `abs` forgets which way it went. Which sign has an "
        "improvement?",
    ),
    Misconception(
        "min_delta_as_a_share",
        _MinDeltaAsAShare,
        ("min_delta", "mode"),
        "min_delta is multiplied with the best, as a share of it. Here it is an amount in the "
        "unit of the value: with best 4 and min_delta 0.1, is 3.8 an improvement?",
    ),
    Misconception(
        "tiny_gains_recorded",
        _TinyGainsRecorded,
        ("min_delta", "mode"),
        "The waiting is right, but `best` follows every gain, also those smaller than "
        "min_delta. An epoch either improves or it does not. Which epoch is the best one, if "
        "the last gain was too small to count?",
    ),
    Misconception(
        "writes_the_best_back",
        _WritesTheBestBack,
        (*_STOPPING, "best"),
        "At the stop you write the best weights into the array that was handed over. Whether "
        "and when they are put back is for the training loop to decide; it reads "
        "`best_weights`. What is `step` asked to give?",
    ),
)
