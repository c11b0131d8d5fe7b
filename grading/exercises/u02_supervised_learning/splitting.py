"""Deal rows to a training and a held-out part, each class in the same proportion."""
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

import numpy as np

from grading.exercises._declaration import Criterion, Exercise, Hint, Property
from grading.exercises.u02_supervised_learning.splitting_cases import (
    HAND,
    HAND_ALL,
    class_share_missed,
    deals,
    row_missing_or_twice,
)
from grading.exercises.u02_supervised_learning.splitting_mistakes import MISCONCEPTIONS
from grading.probes import Call


def stratified_split(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return sorted row numbers to train on and to hold out, by class in permutation order."""
    held_out = np.zeros(len(targets), dtype=bool)
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        held_out[rows[: int(share * len(rows))]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _by_counting(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    labels = targets.tolist()
    left = {label: int(share * labels.count(label)) for label in set(labels)}
    train, held = [], []
    for row in permutation.tolist():
        label = int(targets[row])
        if left[label] > 0:
            left[label] -= 1
            held.append(row)
        else:
            train.append(row)
    return np.array(sorted(train)), np.array(sorted(held), dtype=int)


def _by_sorting(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    by_class = permutation[np.argsort(targets[permutation], kind="stable")]
    counts = np.bincount(targets)
    first = np.repeat(np.cumsum(counts) - counts, counts)  # where the class of each row begins
    n_held = np.repeat(np.floor(share * counts).astype(int), counts)
    held = np.sort(by_class[np.arange(len(targets)) - first < n_held])
    return np.setdiff1d(np.arange(len(targets)), held), held


STRATIFIED_SPLIT = Exercise(
    id="stratified_split",
    unit="02",
    tier="core",
    title="Deal rows to two parts, class by class",
    minutes=15,
    difficulty=3,
    probe=Call(returns=("rows_train", "rows_held_out")),
    cases=deals,
    criteria=(
        Criterion(
            "every_row_once",
            1,
            (),
            HAND_ALL,
            properties=(Property("every row is in one part, and once", row_missing_or_twice),),
        ),
        Criterion(
            "class_shares",
            1,
            (),
            HAND,
            properties=(Property("each class gives its share", class_share_missed),),
        ),
        Criterion("rows", 2, ("rows_train", "rows_held_out"), HAND),
    ),
    reference=stratified_split,
    alternatives=(_by_counting, _by_sorting),
    misconceptions=MISCONCEPTIONS,
    hints=(
        Hint(
            "I do not know where to begin",
            "Take the example and one class. Walk along the permutation and write down which of "
            "its rows you meet, in that order: the first few are held out, the others train. Which "
            "array holds the labels in shuffled order, and what does a mask made from it pick out "
            "of the permutation? Then do the same for each label that `np.unique` finds.",
            ("rows",),
            ("problem", "type"),
        ),
        Hint(
            "A row is missing, or a class gives too many or too few",
            "Count each class by itself, and round its share down once: n = int(share · number of "
            "its rows). Do not count the training rows in the same way: what is not held out … "
            "And does your loop reach every label?",
            ("every_row_once", "class_shares"),
            ("property",),
        ),
        Hint(
            "The numbers fit, but the rows are other ones, or in another order",
            "Two things named `i` meet here: the place in the shuffled order and the number of the "
            "row. `permutation[place]` is the row. Both results are wanted as row numbers in "
            "increasing order: `np.sort`.",
            ("rows",),
            ("shape", "value", "order"),
        ),
    ),
    solution_note=(
        "For each class c, with rows r₁, r₂, … r_m in the order of the permutation:\n"
        "    n_c = ⌊share · m⌋        held out: r₁ … r_{n_c}        training: all others\n"
        "A mask does the book-keeping: mark what is held out, and everything unmarked trains. So\n"
        "no row can be lost or used twice, whatever was rounded. Computing the size of the second\n"
        "part by a rounding of its own, ⌊(1 − share) · m⌋, loses a row in nearly every class.\n"
        "Without strata the held-out part of a class is a matter of luck: of 20 rows held out at\n"
        "random from two equal classes, 6 or fewer or 14 or more are of one class in about one\n"
        "draw of nine."
    ),
)
