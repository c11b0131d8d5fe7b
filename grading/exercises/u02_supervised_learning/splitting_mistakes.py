"""Known wrong answers to `stratified_split`."""
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

import numpy as np

from grading.exercises._declaration import Misconception


def _remainder_lost(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        n_held, n_train = int(share * len(rows)), int((1 - share) * len(rows))
        held.append(rows[:n_held])
        train.append(rows[n_held : n_held + n_train])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _not_stratified(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    n_held = int(share * len(targets))
    return np.sort(permutation[n_held:]), np.sort(permutation[:n_held])


def _first_rows_of_the_table(
    targets: np.ndarray,
    share: float,
    permutation: np.ndarray,  # ruff: ignore[unused-function-argument]  it is ignored
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = np.flatnonzero(targets == label)
        n_held = int(share * len(rows))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _places_for_rows(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    shuffled = targets[permutation]
    for label in np.unique(targets):
        rows = np.flatnonzero(shuffled == label)
        n_held = int(share * len(rows))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _mask_of_the_table(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = permutation[targets == label]
        n_held = int(share * len(rows))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _equal_numbers(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    labels = np.unique(targets)
    n_held = int(share * len(targets) / len(labels))
    for label in labels:
        rows = permutation[targets[permutation] == label]
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _rounded_to_nearest(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        n_held = round(share * len(rows))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _rounded_up(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        n_held = int(np.ceil(share * len(rows)))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _parts_exchanged(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        n_train = int(share * len(rows))
        train.append(rows[:n_train])
        held.append(rows[n_train:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _last_class_forgotten(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in range(targets.max()):
        rows = permutation[targets[permutation] == label]
        n_held = int(share * len(rows))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _sorted_by_class_and_cut(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    rows = permutation[np.argsort(targets[permutation], kind="stable")]
    n_held = int(share * len(targets))
    return np.sort(rows[n_held:]), np.sort(rows[:n_held])


def _everything_trains(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    held = []
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        held.append(rows[: int(share * len(rows))])
    return np.arange(len(targets)), np.sort(np.concatenate(held))


def _class_after_class(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        n_held = int(share * len(rows))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.concatenate(train), np.concatenate(held)


def _labels_for_rows(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        n_held = int(share * len(rows))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    rows_train, rows_held = np.sort(np.concatenate(train)), np.sort(np.concatenate(held))
    return targets[rows_train], targets[rows_held]


def _labels_by_class(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    shuffled = targets[permutation]
    for label in np.unique(targets):
        rows = shuffled[shuffled == label]
        n_held = int(share * len(rows))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _masks_for_rows(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    held_out = np.zeros(len(targets), dtype=bool)
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        held_out[rows[: int(share * len(rows))]] = True
    return ~held_out, held_out


def _at_least_one(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        n_held = max(1, int(share * len(rows)))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _one_more(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        n_held = int(share * len(rows)) + 1
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _argsort_of_the_permutation(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    order = np.argsort(permutation)
    for label in np.unique(targets):
        rows = order[targets[order] == label]
        n_held = int(share * len(rows))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _training_share_rounded(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        n_train = int((1 - share) * len(rows))
        train.append(rows[:n_train])
        held.append(rows[n_train:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _minus_zero(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in np.unique(targets):
        rows = permutation[targets[permutation] == label]
        n_held = int(share * len(rows))
        held.append(rows[:n_held])
        train.append(rows[-(len(rows) - n_held) :])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


def _labels_without_gaps(
    targets: np.ndarray, share: float, permutation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, held = [], []
    for label in range(len(np.unique(targets))):
        rows = permutation[targets[permutation] == label]
        n_held = int(share * len(rows))
        held.append(rows[:n_held])
        train.append(rows[n_held:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(held))


_EVERYTHING = ("every_row_once", "class_shares", "rows")

MISCONCEPTIONS = (
    Misconception(
        "remainder_lost",
        _remainder_lost,
        ("every_row_once", "rows"),
        "Both parts are rounded down, so in a class whose share is no whole number a row is in "
        "neither. Labels are expensive: over many classes this throws away a good deal. Round one "
        "part only. How do you get the other without computing its size?",
    ),
    Misconception(
        "not_stratified",
        _not_stratified,
        ("class_shares", "rows"),
        "The rows are cut in one go, whatever their class. On average each class gives its share, "
        "but in a single split a rare class may give nothing at all, and then nobody can say how "
        "well it is recognized. Within which rows must the cut be made?",
    ),
    Misconception(
        "permutation_ignored",
        _first_rows_of_the_table,
        ("rows",),
        "The counts fit, but of each class the first rows of the table are held out. Tables are "
        "often sorted, by date or by clinic, and then the two parts differ in more than chance. In "
        "which order do the triple quotes ask you to go through the rows?",
    ),
    Misconception(
        "places_for_rows",
        _places_for_rows,
        ("class_shares", "rows"),
        "You search in the shuffled labels and hand out the places found there. Place 0 of the "
        "shuffled order is not row 0 of the table, so these rows belong to other classes. Which "
        "array tells the row that stands at a place?",
    ),
    Misconception(
        "mask_of_the_table",
        _mask_of_the_table,
        ("class_shares", "rows"),
        "`targets == label` marks rows in the order of the table, and `permutation` is in shuffled "
        "order, so the mask picks rows of any class. Entry i of a mask must speak of the row that "
        "stands at place i. What are the labels of the rows in shuffled order?",
    ),
    Misconception(
        "equal_numbers",
        _equal_numbers,
        ("class_shares", "rows"),
        "Every class gives the same number of rows. Then a rare class is over-represented in the "
        "held-out part, and the score there no longer says what to expect outside. A share of "
        "what should be taken?",
    ),
    Misconception(
        "rounded_to_nearest",
        _rounded_to_nearest,
        ("class_shares", "rows"),
        "The share of each class is rounded to the nearest whole number. That is a fair rule, but "
        "the one between the triple quotes is another, so that all of us hold out the same rows. "
        "Which way does it round?",
    ),
    Misconception(
        "rounded_up",
        _rounded_up,
        ("class_shares", "rows"),
        "The share of each class is rounded up, so more is held out than was asked for, and most "
        "from the small classes. (The same comes of rounding the training part down and holding "
        "out the rest.) Which part does the rule between the triple quotes round, and which way?",
    ),
    Misconception(
        "at_least_one",
        _at_least_one,
        ("class_shares", "rows"),
        "Every class gives at least one row, even where its share is below 1. That is a kind "
        "thought for a rare class, but a class of one row would then have none to train on. What "
        "is a share of 0.4 rows, rounded down?",
    ),
    Misconception(
        "one_more",
        _one_more,
        ("class_shares", "rows"),
        "Every class gives one row more than its share. A slice already stops before its end, so "
        "`rows[:3]` are three rows. What is the 1 added for?",
    ),
    Misconception(
        "argsort_of_the_permutation",
        _argsort_of_the_permutation,
        ("rows",),
        "The rows are taken in the order of `np.argsort(permutation)`. This is the permutation "
        "undone: it tells at which place a row stands, not which row stands at a place. Which of "
        "the two does the permutation itself list?",
    ),
    Misconception(
        "training_share_rounded",
        _training_share_rounded,
        ("class_shares", "rows"),
        "The training part comes first and its size is rounded down, so what is left over falls to "
        "the held-out part. The rule counts off the other part. Which rows of a class does it name "
        "first?",
    ),
    Misconception(
        "minus_zero",
        _minus_zero,
        ("every_row_once",),
        "With a share of 1 no row is left to train on, and yet they all do: `rows[-0:]` is "
        "`rows[0:]`, everything. Counted from the front there is no such trap. Where do the "
        "training rows of a class begin?",
    ),
    Misconception(
        "labels_without_gaps",
        _labels_without_gaps,
        _EVERYTHING,
        "Rows with large labels are in neither part. The number of different labels says nothing "
        "about their names: 3 and 12 are two labels, and neither is 0 or 1. What should the loop "
        "run over?",
    ),
    Misconception(
        "parts_exchanged",
        _parts_exchanged,
        ("class_shares", "rows"),
        "The two parts have changed places: `share` of the rows would train, and the rest be held "
        "out. Which of the two is usually the smaller one, and which comes first in the result?",
    ),
    Misconception(
        "last_class_forgotten",
        _last_class_forgotten,
        _EVERYTHING,
        "The rows of the class with the largest label are in neither part. `range(targets.max())` "
        "stops before its end, so that label is never visited. Which labels occur at all?",
    ),
    Misconception(
        "sorted_by_class_and_cut",
        _sorted_by_class_and_cut,
        ("class_shares", "rows"),
        "The rows are sorted by class and then cut once, so the held-out part consists of the "
        "first classes only, and the model never trains on some of them. How many cuts are "
        "needed?",
    ),
    Misconception(
        "held_out_rows_also_train",
        _everything_trains,
        ("every_row_once", "rows"),
        "The training part holds all rows, the held-out ones as well. A model that has learned "
        "them by heart would look perfect on them. What makes a row useful as a judge?",
    ),
    Misconception(
        "class_after_class",
        _class_after_class,
        ("rows",),
        "These are the right rows, but they stand class after class. The triple quotes ask for row "
        "numbers in increasing order, so that the answer is the same whichever way it was found. "
        "Which function sorts an array?",
    ),
    Misconception(
        "labels_for_rows",
        _labels_for_rows,
        _EVERYTHING,
        "What comes back are the labels of the rows. With row numbers one can cut out the labels "
        "and the inputs and whatever else belongs to a row. You had them one line before.",
    ),
    Misconception(
        "labels_of_each_class",
        _labels_by_class,
        _EVERYTHING,
        "What comes back are labels, class after class, and no row numbers. A mask applied to the "
        "labels picks labels. To which array must it be applied to pick the numbers of rows?",
    ),
    Misconception(
        "masks_for_rows",
        _masks_for_rows,
        _EVERYTHING,
        "What comes back are two masks of True and False. They carry the right information, but "
        "asked for are row numbers. Which function gives the places where a mask is True?",
    ),
)
