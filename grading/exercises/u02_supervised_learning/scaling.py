"""Bring features to one scale, with statistics of the training rows only."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Case, Criterion, Exercise, HandCase, Hint
from grading.exercises.u02_supervised_learning.scaling_mistakes import MISCONCEPTIONS
from grading.probes import Call


def _tables(
    rng: np.random.Generator, n: int, m: int, d: int, smallest: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw two tables of columns whose spreads lie far apart, one far below 1, one far above."""
    others = 10.0 ** rng.uniform(0.5, 2.0, size=d - 2)
    spreads = rng.permutation([smallest, rng.uniform(300, 1000), *others])
    centers = rng.uniform(2, 9, size=d) * spreads
    X_train, X_other = (centers + spreads * rng.normal(size=(k, d)) for k in (n, m))
    return X_train, X_other


def _ordinary(rng: np.random.Generator) -> Case:
    n, m, d = rng.choice(np.arange(3, 12), size=3, replace=False)
    X_train, X_other = _tables(rng, n + 1, m, d, float(rng.uniform(0.05, 0.2)))
    k = int(rng.integers(d))
    X_other[:, k] = X_other[0, k]  # constant here, which is no reason to divide by 1
    return Case({"X_train": X_train, "X_other": X_other})


def _with_constants(rng: np.random.Generator) -> Case:
    n = int(rng.choice([6, 7]))  # the mean of 4 or 8 equal numbers is exact
    m, d = (int(size) for size in rng.choice([5, 8, 9, 10, 11], size=2, replace=False))
    X_train, X_other = _tables(rng, n, m, d, float(rng.uniform(1e-3, 2e-3)))
    whole, fraction = rng.choice(np.flatnonzero(X_train.std(axis=0) > 1), size=2, replace=False)
    X_train[:, whole] = rng.integers(5, 40)  # its mean is exact and its spread exactly 0
    X_train[:, fraction] = _never_exact(rng, n)
    X_other[:, whole] += X_train[0, whole] + 1
    return Case({"X_train": X_train, "X_other": X_other})


def _never_exact(rng: np.random.Generator, n: int) -> float:
    """Draw a number whose mean over n equal rows is another number, so that a spread is left."""
    while True:
        value = round(float(rng.uniform(0.1, 40)), 1)
        # NumPy adds the rows of a column one after the other, as `sum` does.
        if sum([value] * n) / n != value and np.full((n, 2), value).std(axis=0)[0] > 0:
            return value


def standardize(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both tables in units of the training rows' mean and (biased) standard deviation."""
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    std[X_train.max(axis=0) == X_train.min(axis=0)] = 1.0  # a computed spread may be 1e-17, not 0
    return (X_train - mean) / std, (X_other - mean) / std


def _column_by_column(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    Z_train, Z_other = np.empty(X_train.shape), np.empty(X_other.shape)
    for k in range(X_train.shape[1]):
        column = X_train[:, k]
        mean = sum(column) / len(column)
        spread = (sum((x - mean) ** 2 for x in column) / len(column)) ** 0.5
        scale = spread if max(column) > min(column) else 1.0
        Z_train[:, k] = (column - mean) / scale
        Z_other[:, k] = (X_other[:, k] - mean) / scale
    return Z_train, Z_other


def _by_a_closure(X_train: np.ndarray, X_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    center = np.mean(X_train, axis=0)
    spread = np.sqrt(np.mean(np.square(X_train - center), axis=0))
    constant = np.ptp(X_train, axis=0) == 0
    factor = 1 / np.where(constant, 1.0, spread)
    return tuple((X - center) * factor for X in (X_train, X_other))


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
    {"X_train": np.array([[1, 7], [5, 7]]), "X_other": np.array([[4, 9]])},
    {"Z_train": np.array([[-1.0, 0.0], [1.0, 0.0]]), "Z_other": np.array([[0.5, 2.0]])},
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
    misconceptions=MISCONCEPTIONS,
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
            "NaN, infinity, very large numbers, or a constant column is off",
            "One column of the training rows holds the same number everywhere: its spread is 0, or "
            "after rounding 1e-17. Find it by its largest and smallest value, and put something in "
            "the place of its spread before you divide. Dividing by what changes nothing? The mean "
            "is taken off there too, as in every column.",
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
        "The mean of equal numbers such as 0.1 may differ from them in the last digit, and then a\n"
        "spread of 1e-17 is left; so the test is whether smallest and largest value are equal."
    ),
)  # fmt: skip
