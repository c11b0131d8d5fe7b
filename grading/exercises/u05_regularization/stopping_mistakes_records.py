"""Known wrong answers to `EarlyStopping`: the mode, the first epoch, and what is recorded."""
# mypy: disable-error-code="type-arg"
# Annotations here are those of a notebook: plain and few.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


class _LastWeightsKept:
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
            self.best_weights = weights
        else:
            self.wait += 1
        return self.wait >= self.patience


class _FirstEpochMustBeatZero:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best = 0.0
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _ModeIgnored:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:  # ruff: ignore[unused-method-argument]  # it is ignored
        self.patience, self.min_delta = patience, min_delta
        self.best = float("inf")
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if value < self.best - self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _InfiniteStartInBothModes:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta, self.mode = patience, min_delta, mode
        self.best = float("inf")
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.mode == "min":
            better = value < self.best - self.min_delta
        else:
            better = value > self.best + self.min_delta
        if better:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _MinDeltaIgnoredInMax:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta, self.mode = patience, min_delta, mode
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None:
            better = True
        elif self.mode == "min":
            better = value < self.best - self.min_delta
        else:
            better = value > self.best
        if better:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _MinDeltaOnTheWrongSideInMax:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta, self.mode = patience, min_delta, mode
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None:
            better = True
        elif self.mode == "min":
            better = value < self.best - self.min_delta
        else:
            better = value > self.best - self.min_delta
        if better:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _ZeroStartInMax:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best = float("inf") if mode == "min" else 0.0
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _ZeroTakenForNone:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if not self.best or self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _FirstEpochHalfRecorded:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None:
            self.best = value
        elif self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _FirstEpochWithoutNumber:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None:
            self.best = value
        elif self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _BestWeightsComeLate:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.kept: np.ndarray | None = None
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None or self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.kept = weights.copy()
        else:
            self.wait += 1
        if self.wait >= self.patience:
            self.best_weights = self.kept
        return self.wait >= self.patience


class _SignLeftInBest:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        self.epoch += 1
        if self.best is None or self.sign * value < self.best - self.min_delta:
            self.best, self.best_epoch, self.wait = self.sign * value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


class _CountedFromZero:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        if self.best is None or self.sign * (self.best - value) > self.min_delta:
            self.best, self.best_epoch, self.wait = value, self.epoch, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        self.epoch += 1
        return self.wait >= self.patience


class _EpochsNotCounted:
    def __init__(self, patience: int, min_delta: float, mode: str) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.sign = 1 if mode == "min" else -1
        self.best: float | None = None
        self.best_epoch = self.wait = 0
        self.best_weights: np.ndarray | None = None

    def step(self, value: float, weights: np.ndarray) -> bool:
        if self.best is None or self.sign * (self.best - value) > self.min_delta:
            self.best, self.wait = value, 0
            self.best_weights = weights.copy()
        else:
            self.wait += 1
        return self.wait >= self.patience


RECORD_MISTAKES = (
    Misconception(
        "last_weights_kept",
        _LastWeightsKept,
        ("mode", "best", "first epoch"),
        "`best_weights` holds the weights of the last epoch. Either they are stored every epoch, "
        "or the array itself was stored: the training loop goes on writing into it. What does "
        "`.copy()` change, and when should it be called?",
    ),
    Misconception(
        "first_epoch_must_beat_zero",
        _FirstEpochMustBeatZero,
        ("patience", "min_delta", "mode", "best", "first epoch"),
        "The best starts at 0, and no loss is below that, so nothing ever improves. The first "
        "epoch always improves, whatever its value. What can the best be before it?",
    ),
    Misconception(
        "mode_ignored",
        _ModeIgnored,
        ("mode",),
        "Smaller counts as better in both modes, so an accuracy that rises looks worse and worse. "
        "What turns a question of larger into one of smaller?",
    ),
    Misconception(
        "infinite_start_in_both_modes",
        _InfiniteStartInBothModes,
        ("mode", "first epoch"),
        "The best starts at plus infinity, and in mode max nothing is ever larger than that. The "
        "first epoch always improves. What is worse than every score?",
    ),
    Misconception(
        "min_delta_ignored_in_max",
        _MinDeltaIgnoredInMax,
        ("mode",),
        "In mode min you ask for more than min_delta, in mode max the smallest gain suffices. "
        "The bar is as high in both. By how much must a score exceed the best?",
    ),
    Misconception(
        "min_delta_on_the_wrong_side_in_max",
        _MinDeltaOnTheWrongSideInMax,
        ("mode",),
        "In mode max a score counts as better although it is up to min_delta worse. Turned "
        "round, the comparison alone has changed, and the sign of min_delta has not. Must a "
        "score end up above or below best + min_delta?",
    ),
    Misconception(
        "zero_start_in_max",
        _ZeroStartInMax,
        ("mode", "first epoch"),
        "In mode max the best starts at 0. An accuracy gets above that, but a score may be "
        "negative, as a log-likelihood is. The first epoch always improves: what is worse than "
        "every score?",
    ),
    Misconception(
        "zero_taken_for_none",
        _ZeroTakenForNone,
        ("best",),
        "A best of exactly 0.0 is taken for no best at all, so the next epoch replaces it. `not "
        "x` is true for None and for 0. Which question is true for None alone?",
    ),
    Misconception(
        "first_epoch_half_recorded",
        _FirstEpochHalfRecorded,
        ("first epoch",),
        "The first epoch sets `best` alone; its number and its weights are recorded nowhere. If "
        "it remains the best, what does the training loop put back at the end?",
    ),
    Misconception(
        "first_epoch_without_number",
        _FirstEpochWithoutNumber,
        ("first epoch",),
        "The first epoch sets `best` alone: `best_epoch` and `best_weights` are still None. If "
        "no later epoch is better, what does the training loop put back at the end?",
    ),
    Misconception(
        "best_weights_come_late",
        _BestWeightsComeLate,
        ("first epoch",),
        "After the first epoch `best_weights` is still empty: it is filled at a later "
        "improvement, or at the stop alone. If neither comes, nothing is there to put back. In "
        "which epochs does the best change, and with it its weights?",
    ),
    Misconception(
        "sign_left_in_best",
        _SignLeftInBest,
        ("mode", "first epoch"),
        "In mode max `best` holds the score with the opposite sign. To compare with −value is a "
        "good trick, but whoever reads `best` wants the score itself. What must be stored, and "
        "what compared?",
    ),
    Misconception(
        "counted_from_zero",
        _CountedFromZero,
        ("mode", "best", "first epoch"),
        "`best_epoch` is one too small: your first epoch has the number 0. The text between the "
        "triple quotes counts from 1. Is the epoch counted before or after its number is "
        "stored?",
    ),
    Misconception(
        "epochs_not_counted",
        _EpochsNotCounted,
        ("mode", "best", "first epoch"),
        "`best_epoch` stays 0. The value and the weights of the best epoch are kept, its number "
        "is not. How can the object know how many times `step` was called, and when is that "
        "number stored?",
    ),
)
