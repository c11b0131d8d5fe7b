"""Bring features to one scale, with statistics of the training rows only."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Misconception,
)
from grading.probes import Call


def _table(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Draw rows whose columns have very different centers and spreads, none of them near 1."""
    centers, spreads = rng.uniform(20, 90, size=d), rng.uniform(2.5, 9.0, size=d)
    return centers + spreads * rng.normal(size=(n, d))


def _ordinary(rng: np.random.Generator) -> Case:
    n, m, d = rng.choice(np.arange(3, 12), size=3, replace=False)
    return Case({"X_train": _table(rng, n + 1, d), "X_other": _table(rng, m, d)})


def _with_constants(rng: np.random.Generator) -> Case:
    n, m, d = rng.choice(np.arange(4, 12), size=3, replace=False)
    X_train, X_other = _table(rng, n, d), _table(rng, m, d)
    # Whole numbers, so that the mean of equal values is exact and their spread exactly 0.
    X_train[:, rng.choice(d, size=2, replace=False)] = rng.integers(5, 40, size=2)
    return Case({"X_train": X_train, "X_other": X_other})


def standardize(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both tables in units of the training rows' mean and (biased) standard deviation."""
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    std[std == 0] = 1.0
    return (X_train - mean) / std, (X_other - mean) / std


def _column_by_column(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    Z_train, Z_other = np.empty(X_train.shape), np.empty(X_other.shape)
    for k in range(X_train.shape[1]):
        column = X_train[:, k]
        mean = sum(column) / len(column)
        spread = (sum((x - mean) ** 2 for x in column) / len(column)) ** 0.5
        scale = spread if spread > 0 else 1.0
        Z_train[:, k] = (column - mean) / scale
        Z_other[:, k] = (X_other[:, k] - mean) / scale
    return Z_train, Z_other


def _by_a_closure(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    center = np.mean(X_train, axis=0)
    spread = np.sqrt(np.mean(np.square(X_train - center), axis=0))
    factor = np.where(spread > 1e-12, 1 / np.maximum(spread, 1e-12), 1.0)
    return tuple((X - center) * factor for X in (X_train, X_other))


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

_ORDINARY_HAND = HandCase(
    {
        "X_train": np.array([[1.0, 10.0], [3.0, 30.0], [1.0, 50.0], [3.0, 30.0]]),
        "X_other": np.array([[4.0, 30.0], [0.0, 80.0], [2.0, 20.0]]),
    },
    {
        # Means 2 and 30; mean squares 1 and 200.
        "Z_train": np.array([[-1.0, -(2**0.5)], [1.0, 0.0], [-1.0, 2**0.5], [1.0, 0.0]]),
        "Z_other": np.array([[2.0, 0.0], [-2.0, 2.5 * 2**0.5], [0.0, -(0.5**0.5)]]),
    },
)
# The example between the triple quotes.
_CONSTANT_HAND = HandCase(
    {"X_train": np.array([[1.0, 7.0], [3.0, 7.0]]), "X_other": np.array([[4.0, 9.0]])},
    {"Z_train": np.array([[-1.0, 0.0], [1.0, 0.0]]), "Z_other": np.array([[2.0, 2.0]])},
)

STANDARDIZE = Exercise(
    id="standardize",
    unit="02",
    tier="core",
    title="Bring features to one scale",
    minutes=10,
    difficulty=2,
    probe=Call(returns=("Z_train", "Z_other")),
    cases=_ordinary,
    criteria=(
        Criterion("training_rows", 1, ("Z_train",), _ORDINARY_HAND),
        Criterion("other_rows", 2, ("Z_other",), _ORDINARY_HAND),
        Criterion(
            "constant_column", 1, ("Z_train", "Z_other"), _CONSTANT_HAND, draw=_with_constants
        ),
    ),
    reference=standardize,
    alternatives=(_column_by_column, _by_a_closure),
    misconceptions=(
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
    ),
    hints=(
        Hint(
            "I do not know where to begin, or the shapes do not fit",
            "`X_train.mean(axis=0)` is one mean for each column: axis 0 counts the rows, and it "
            "vanishes. Subtracted from a table of any number of rows, NumPy repeats it for each "
            "row. The same with `std`.",
            ("training_rows",),
            ("problem", "type", "shape", "value"),
        ),
        Hint(
            "Z_train is right, Z_other is not",
            "Think of the model at work. A new patient comes alone: no mean, no spread. Everything "
            "that is needed to place that row on the scale must be known already. From which table "
            "do both `mean` and `std` come, then, for both results?",
            ("other_rows",),
            ("value", "inputs"),
        ),
        Hint(
            "NaN, infinity or very large numbers",
            "One column of the training rows holds the same number everywhere: its spread is 0. "
            "Before you divide, put something in the place of the zeros: `std[std == 0] = …`. "
            "Dividing by what changes nothing?",
            ("constant_column",),
            ("finite", "value", "shape"),
        ),
    ),
    solution_note=(
        "For each column k, over the N training rows:\n"
        "    mean_k = Σ_n x_nk / N          std_k = √(Σ_n (x_nk − mean_k)² / N)\n"
        "    z_nk = (x_nk − mean_k) / std_k      for training rows and all others alike\n"
        "Mean and spread are numbers that were learned, as weights are: they come from training\n"
        "rows and are then kept. A row measured next year is placed on the same scale.\n"
        "A column without spread tells the training nothing. Divided by 1 it becomes 0 there, and\n"
        "a new row that differs keeps a difference of ordinary size: neither NaN nor 10⁸.\n"
        "Computed values that are equal in theory may differ in the last digit and have a spread\n"
        "near 1e-16; a library therefore tests whether smallest and largest value are equal."
    ),
)  # fmt: skip
