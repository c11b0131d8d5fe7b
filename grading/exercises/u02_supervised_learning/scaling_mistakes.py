"""Known wrong answers to `standardize`."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _statistics_of_all_rows(
    X_train: np.ndarray, X_other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    together = np.concatenate([X_train, X_other])
    mean, std = together.mean(axis=0), together.std(axis=0)
    std[std == 0] = 1.0
    return (X_train - mean) / std, (X_other - mean) / std


def _each_part_by_itself(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    std_train, std_other = X_train.std(axis=0), X_other.std(axis=0)
    std_train[std_train == 0] = 1.0
    std_other[std_other == 0] = 1.0
    Z_train = (X_train - X_train.mean(axis=0)) / std_train
    return Z_train, (X_other - X_other.mean(axis=0)) / std_other


def _divided_by_zero(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    return (X_train - mean) / std, (X_other - mean) / std


def _tiny_number_added(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=0), X_train.std(axis=0) + 1e-8
    return (X_train - mean) / std, (X_other - mean) / std


def _spread_compared_with_zero(
    X_train: np.ndarray, X_other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    std[std == 0] = 1.0
    return (X_train - mean) / std, (X_other - mean) / std


def _small_spreads_replaced(
    X_train: np.ndarray, X_other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=0), np.maximum(X_train.std(axis=0), 1.0)
    return (X_train - mean) / std, (X_other - mean) / std


def _constant_column_not_shifted(
    X_train: np.ndarray, X_other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    constant = X_train.max(axis=0) == X_train.min(axis=0)
    mean[constant], std[constant] = 0.0, 1.0
    return (X_train - mean) / std, (X_other - mean) / std


def _whole_numbers_kept(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    std[X_train.max(axis=0) == X_train.min(axis=0)] = 1.0
    Z_train, Z_other = np.zeros_like(X_train), np.zeros_like(X_other)
    Z_train[:], Z_other[:] = (X_train - mean) / std, (X_other - mean) / std
    return Z_train, Z_other


def _nan_replaced_by_zero(
    X_train: np.ndarray, X_other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    Z_train, Z_other = (X_train - mean) / std, (X_other - mean) / std
    Z_train[:, std == 0] = 0.0
    Z_other[:, std == 0] = 0.0
    return Z_train, Z_other


def _constant_columns_dropped(
    X_train: np.ndarray, X_other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    kept = std > 0
    Z_train = (X_train[:, kept] - mean[kept]) / std[kept]
    return Z_train, (X_other[:, kept] - mean[kept]) / std[kept]


def _one_mean_for_the_table(
    X_train: np.ndarray, X_other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(), X_train.std()
    return (X_train - mean) / std, (X_other - mean) / std


def _rows_by_themselves(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    Z_train = (X_train - X_train.mean(axis=1, keepdims=True)) / X_train.std(axis=1, keepdims=True)
    Z_other = (X_other - X_other.mean(axis=1, keepdims=True)) / X_other.std(axis=1, keepdims=True)
    return Z_train, Z_other


def _one_mean_a_row(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=1), X_train.std(axis=1)
    std[std == 0] = 1.0
    return (X_train - mean) / std, (X_other - mean) / std


def _one_mean_a_row_kept(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=1, keepdims=True), X_train.std(axis=1, keepdims=True)
    std[std == 0] = 1.0
    return (X_train - mean) / std, (X_other - mean) / std


def _variance_for_deviation(
    X_train: np.ndarray, X_other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mean, var = X_train.mean(axis=0), X_train.var(axis=0)
    var[var == 0] = 1.0
    return (X_train - mean) / var, (X_other - mean) / var


def _unbiased_deviation(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=0), X_train.std(axis=0, ddof=1)
    std[std == 0] = 1.0
    return (X_train - mean) / std, (X_other - mean) / std


def _range_to_one(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = X_train.min(axis=0), X_train.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    return (X_train - low) / width, (X_other - low) / width


def _brackets_missing(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    std[std == 0] = 1.0
    return X_train - mean / std, X_other - mean / std


def _changed_in_place(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    std[std == 0] = 1.0
    X_train -= mean
    X_train /= std
    X_other -= mean
    X_other /= std
    return X_train, X_other


_EVERYWHERE = ("training_rows", "other_rows", "constant_column")

MISCONCEPTIONS = (
    Misconception(
        "statistics_of_all_rows",
        _statistics_of_all_rows,
        _EVERYWHERE,
        "Mean and spread are taken over the rows of both tables together. Then the rows that "
        "are to judge the model have had a say in how it sees the world. Which rows may be "
        "known before the model meets new ones?",
    ),
    Misconception(
        "each_part_by_itself",
        _each_part_by_itself,
        ("other_rows", "constant_column"),
        "The other rows are brought to mean 0 by a mean of their own. So the same measurement "
        "gets two different numbers, one for training and one later. A single new patient has "
        "no spread of its own at all: what would you divide by?",
    ),
    Misconception(
        "divided_by_zero",
        _divided_by_zero,
        ("constant_column",),
        "A column that is the same in all training rows has spread 0, and 0/0 is NaN. One NaN "
        "in the input makes every weight NaN after one step. What do the triple quotes say "
        "about such a column?",
    ),
    Misconception(
        "spread_compared_with_zero",
        _spread_compared_with_zero,
        ("constant_column",),
        "A spread of exactly 0 is replaced. Three times 0.1 adds up to a little more than 0.3, "
        "so the mean of equal values may differ from them in the last digit, and a spread of "
        "1e-17 is left to divide by. Which two values of a column are equal only if all are?",
    ),
    Misconception(
        "small_spreads_replaced",
        _small_spreads_replaced,
        _EVERYWHERE,
        "Every spread below 1 is replaced, not only that of a constant column. A length in "
        "kilometers may have a small spread and tell as much as one in millimeters. Which "
        "columns may be divided by something else than their spread?",
    ),
    Misconception(
        "constant_column_not_shifted",
        _constant_column_not_shifted,
        ("constant_column",),
        "The constant column stays as it was, neither shifted nor divided. The triple quotes "
        "leave out one of the two steps only. Which?",
    ),
    Misconception(
        "whole_numbers_kept",
        _whole_numbers_kept,
        ("constant_column",),
        "The result is written into an array made like the input. If that holds whole numbers, "
        "so does its copy, and 0.5 written into it becomes 0. What type of numbers must the "
        "result have, whatever the input has?",
    ),
    Misconception(
        "tiny_number_added",
        _tiny_number_added,
        ("constant_column",),
        "A tiny number is added to every spread. In training the constant column then becomes "
        "0, which looks harmless; but a new row that differs by 2 there is divided by that "
        "tiny number. How large is the result, beside features of size 1?",
    ),
    Misconception(
        "constant_column_set_to_zero",
        _nan_replaced_by_zero,
        ("constant_column",),
        "The constant column is set to 0 in both tables, so a new row that does differ there "
        "looks as if it did not. The triple quotes ask for less than that: only one of the two "
        "steps is left out. Which one?",
    ),
    Misconception(
        "constant_columns_dropped",
        _constant_columns_dropped,
        ("constant_column",),
        "The constant column is removed. That can be a good idea, but whoever uses the table "
        "counts on its columns. Here every column stays; what should it be divided by?",
    ),
    Misconception(
        "one_mean_for_the_table",
        _one_mean_for_the_table,
        _EVERYWHERE,
        "One mean and one spread serve the whole table, so a column in millimeters and one in "
        "square millimeters are still as far apart as before. Each feature needs its own. Over "
        "which axis is a mean that leaves one number for each column?",
    ),
    Misconception(
        "rows_by_themselves",
        _rows_by_themselves,
        _EVERYWHERE,
        "Each row is brought to mean 0, by an average over its own features: lengths are "
        "averaged with areas. What has to be comparable are the values of one feature in all "
        "rows. Which axis counts the rows?",
    ),
    Misconception(
        "one_mean_for_each_row",
        _one_mean_a_row,
        _EVERYWHERE,
        "Here is one mean for each row: `axis=1` averages over the columns, lengths with "
        "areas. `keepdims=True` would silence the error and not mend it. Which axis must "
        "vanish, so that one mean for each column is left?",
    ),
    Misconception(
        "one_mean_for_each_row_kept",
        _one_mean_a_row_kept,
        _EVERYWHERE,
        "Here is one mean for each training row, kept as a column by `keepdims=True`. The "
        "other table has other rows, and nothing fits. Which axis must vanish, so that one "
        "mean for each column is left?",
    ),
    Misconception(
        "variance_for_deviation",
        _variance_for_deviation,
        _EVERYWHERE,
        "You divide by the variance. It is counted in squares of the feature's unit, so the "
        "result still depends on the unit: a length in centimeters comes out differently from "
        "the same length in meters. Which measure of spread has the unit of the feature?",
    ),
    Misconception(
        "unbiased_deviation",
        _unbiased_deviation,
        _EVERYWHERE,
        "The spread is computed with N − 1. It is then an unbiased estimate of the variance of "
        "a population. Nothing is estimated here, only scaled, and the course divides by N "
        "unless it says otherwise. What is the default of NumPy?",
    ),
    Misconception(
        "range_to_one",
        _range_to_one,
        _EVERYWHERE,
        "Each column is stretched to reach from 0 to 1. This is another scaling, in use too, "
        "but two extreme rows decide it alone. Asked for is mean 0 and standard deviation 1.",
    ),
    Misconception(
        "brackets_missing",
        _brackets_missing,
        _EVERYWHERE,
        "Only the mean is divided, because / binds more closely than −. So x is still in its "
        "old unit. What must be computed first?",
    ),
    Misconception(
        "changed_in_place",
        _changed_in_place,
        _EVERYWHERE,
        "The values are right, but they are written into the caller's tables. Whoever runs the "
        "cell twice standardizes what is standardized already. Which of `-=` and `X - …` makes "
        "a new array?",
    ),
)
