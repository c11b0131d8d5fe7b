"""Known wrong answers to `dropout_forward`."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _not_rescaled(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = u >= rate
    return x * kept, kept


def _rescaled_in_evaluation_instead(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x * (1 - rate), np.ones(x.shape, dtype=bool)
    kept = u >= rate
    return x * kept, kept


def _active_in_evaluation(
    x: np.ndarray,
    u: np.ndarray,
    rate: float,
    training: bool,  # ruff: ignore[unused-function-argument]  # never asked
) -> tuple[np.ndarray, np.ndarray]:
    kept = u >= rate
    return x * kept / (1 - rate), kept


def _rescaled_in_evaluation_too(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    kept = u >= rate if training else np.ones(x.shape, dtype=bool)
    return x * kept / (1 - rate), kept


def _keep_and_drop_confused(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = u < rate
    return x * kept / rate, kept


def _mask_turned_round(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = u < rate
    return x * kept / (1 - rate), kept


def _divided_by_rate(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = u >= rate
    return x * kept / rate, kept


def _multiplied_instead_of_divided(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = u >= rate
    return x * kept * (1 - rate), kept


def _rescaled_by_the_drawn_share(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = u >= rate
    return x * kept / kept.mean(), kept


def _dropped_returned(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x.copy(), np.zeros(x.shape, dtype=bool)
    dropped = u < rate
    return x * ~dropped / (1 - rate), dropped


def _boundary_dropped(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = u > rate
    return x * kept / (1 - rate), kept


def _whole_columns_dropped(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = np.tile(u[0] >= rate, (len(x), 1))
    return x * kept / (1 - rate), kept


def _exact_count_dropped(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = np.ones(x.shape, dtype=bool)
    kept.flat[np.argsort(u.ravel())[: round(rate * x.size)]] = False
    return x * kept / (1 - rate), kept


def _drawn_in_evaluation(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    kept = u >= rate
    if not training:
        return x.copy(), kept
    return x * kept / (1 - rate), kept


def _scaled_mask_returned(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    scaled = (u >= rate) / (1 - rate) if training else np.ones(x.shape)
    return x * scaled, scaled


def _grown_by_the_rate(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    if not training:
        return x.copy(), np.ones(x.shape, dtype=bool)
    kept = u >= rate
    return x * kept * (1 + rate), kept


def _written_in_place(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    kept = u >= rate if training else np.ones(x.shape, dtype=bool)
    if training:
        x[~kept] = 0.0
        x /= 1 - rate
    return x, kept


def _kept_read_from_y(
    x: np.ndarray, u: np.ndarray, rate: float, training: bool
) -> tuple[np.ndarray, np.ndarray]:
    y = x * (u >= rate) / (1 - rate) if training else x.copy()
    return y, y != 0


MISCONCEPTIONS = (
    Misconception(
        "not_rescaled",
        _not_rescaled,
        ("y in training",),
        "The dropped numbers are 0, but the others keep their size, so on average the layer "
        "behind receives less in training than in evaluation. By what must the kept ones grow "
        "to make up for those that are missing?",
    ),
    Misconception(
        "rescaled_in_evaluation_instead",
        _rescaled_in_evaluation_instead,
        ("y in training", "evaluation"),
        "You shrink the output in evaluation. That was the way of the first papers and keeps "
        "the mean, too. Here evaluation must do nothing at all. Where does the factor go "
        "then, and is it larger or smaller than 1?",
    ),
    Misconception(
        "active_in_evaluation",
        _active_in_evaluation,
        ("evaluation",),
        "Numbers are dropped in evaluation too: the network would answer the same question "
        "differently each time. Which argument has not been used?",
    ),
    Misconception(
        "rescaled_in_evaluation_too",
        _rescaled_in_evaluation_too,
        ("evaluation",),
        "In evaluation nothing is dropped, yet everything is divided by 1 − rate. That "
        "division makes up for missing numbers. How many are missing in evaluation?",
    ),
    Misconception(
        "keep_and_drop_confused",
        _keep_and_drop_confused,
        ("y in training", "kept"),
        "You take `rate` for the share that stays. Here it is the share that is dropped: "
        "rate 0.25 keeps three quarters. On which side of the comparison are the kept ones?",
    ),
    Misconception(
        "mask_turned_round",
        _mask_turned_round,
        ("y in training", "kept"),
        "You keep exactly the numbers that should be dropped. The rule stands between the "
        "triple quotes: u < rate is dropped. How often is that true, for rate 0.25?",
    ),
    Misconception(
        "divided_by_rate",
        _divided_by_rate,
        ("y in training",),
        "The kept numbers are divided by the rate. With rate 0.25 three quarters are kept, so "
        "each has to stand in for 4/3 of itself. Which expression in rate is that share?",
    ),
    Misconception(
        "multiplied_instead_of_divided",
        _multiplied_instead_of_divided,
        ("y in training",),
        "The kept numbers are made smaller. Some are missing already, so the mean falls "
        "twice. In which direction must those that are kept go to restore it?",
    ),
    Misconception(
        "rescaled_by_the_drawn_share",
        _rescaled_by_the_drawn_share,
        ("y in training",),
        "You divide by the share that happened to be kept in this batch. Then one row's output "
        "depends on the luck of the others. The rate is an expectation, known before the "
        "draw: which number does it give?",
    ),
    Misconception(
        "dropped_returned",
        _dropped_returned,
        ("kept", "evaluation"),
        "`kept` is True where a number was dropped. The backward pass multiplies with it, so "
        "it must be True where the number went through. What turns a mask round?",
    ),
    Misconception(
        "boundary_dropped",
        _boundary_dropped,
        ("y in training", "kept"),
        "A number with u exactly equal to rate is dropped. By the rule only u < rate is. "
        "Which comparison is its exact opposite?",
    ),
    Misconception(
        "whole_columns_dropped",
        _whole_columns_dropped,
        ("y in training", "kept"),
        "The first row of u decides for all rows. Each row of the batch is dropped on its "
        "own: a unit may be off for one example and on for the next. Which shape must the "
        "mask have?",
    ),
    Misconception(
        "exact_count_dropped",
        _exact_count_dropped,
        ("y in training", "kept"),
        "You drop a fixed count, the entries with the smallest u. Then whether one "
        "passes depends on the others, and the rate is no longer a probability. Which "
        "comparison decides for one entry by itself?",
    ),
    Misconception(
        "drawn_in_evaluation",
        _drawn_in_evaluation,
        ("evaluation",),
        "In evaluation y is right, but `kept` still marks entries as dropped. The backward "
        "pass believes it and stops gradients that went through. Which entries pass in "
        "evaluation?",
    ),
    Misconception(
        "scaled_mask_returned",
        _scaled_mask_returned,
        ("kept",),
        "`kept` holds 0 and the factor instead of False and True, so whoever multiplies "
        "with it and scales will scale twice. Keep the two apart: which of them is the "
        "answer to the question whether an entry passed?",
    ),
    Misconception(
        "grown_by_the_rate",
        _grown_by_the_rate,
        ("y in training",),
        "The entries that pass grow by the share that is missing. With rate 0.5 half of "
        "them are left, each 1.5 times as large: what is their mean, and what was it "
        "before?",
    ),
    Misconception(
        "written_in_place",
        _written_in_place,
        ("y in training", "kept"),
        "The values are right, but they are written into the caller's `x`, which the layer "
        "before still needs for its own gradient. `x[...] = 0` and `x /= ...` work in the "
        "array that was handed in. How do you get one of your own?",
    ),
    Misconception(
        "kept_read_from_y",
        _kept_read_from_y,
        ("kept", "evaluation"),
        "`kept` is read off y: where y is 0, you say dropped. But an x of exactly 0, common "
        "behind a ReLU, gives y = 0 although it was kept. What alone decides whether an entry "
        "is kept?",
    ),
)
