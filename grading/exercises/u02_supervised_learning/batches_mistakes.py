"""Known wrong answers to `minibatches`."""
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

from collections.abc import Iterator

import numpy as np

from grading.exercises._declaration import Misconception


def _ragged_batch_lost(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for permutation in permutations:
        for i in range(len(X) // batch_size):
            rows = permutation[i * batch_size : (i + 1) * batch_size]
            yield X[rows], targets[rows]


def _batches_of_equal_size(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for permutation in permutations:
        for rows in np.array_split(permutation, len(X) // batch_size):
            yield X[rows], targets[rows]


def _filled_up_from_the_front(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for permutation in permutations:
        for start in range(0, len(X), batch_size):
            rows = permutation[np.arange(start, start + batch_size) % len(X)]
            yield X[rows], targets[rows]


def _first_order_every_epoch(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for _ in permutations:
        for start in range(0, len(X), batch_size):
            rows = permutations[0][start : start + batch_size]
            yield X[rows], targets[rows]


def _one_epoch_only(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    permutation = permutations[0]
    for start in range(0, len(X), batch_size):
        rows = permutation[start : start + batch_size]
        yield X[rows], targets[rows]


def _shuffled_on_top_of_each_other(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for permutation in permutations:
        X, targets = X[permutation], targets[permutation]
        for start in range(0, len(X), batch_size):
            yield X[start : start + batch_size], targets[start : start + batch_size]


def _targets_not_shuffled(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for permutation in permutations:
        for start in range(0, len(X), batch_size):
            rows = permutation[start : start + batch_size]
            yield X[rows], targets[start : start + batch_size]


def _not_shuffled(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for _ in permutations:
        for start in range(0, len(X), batch_size):
            yield X[start : start + batch_size], targets[start : start + batch_size]


def _inverse_order(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for permutation in permutations:
        X_shuffled, t_shuffled = np.empty_like(X), np.empty_like(targets)
        X_shuffled[permutation], t_shuffled[permutation] = X, targets
        for start in range(0, len(X), batch_size):
            stop = start + batch_size
            yield X_shuffled[start:stop], t_shuffled[start:stop]


def _shuffled_in_place(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for permutation in permutations:
        X[:], targets[:] = X[permutation], targets[permutation]
        for start in range(0, len(X), batch_size):
            yield X[start : start + batch_size].copy(), targets[start : start + batch_size].copy()


def _one_row_short(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for permutation in permutations:
        for start in range(0, len(X), batch_size):
            rows = permutation[start : start + batch_size - 1]
            yield X[rows], targets[rows]


def _batch_size_taken_for_number(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for permutation in permutations:
        for rows in np.array_split(permutation, batch_size):
            yield X[rows], targets[rows]


def _epochs_run_together(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    order = permutations.ravel()
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        yield X[rows], targets[rows]


def _single_row_lost(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for permutation in permutations:
        for start in range(0, len(X) - 1, batch_size):
            rows = permutation[start : start + batch_size]
            yield X[rows], targets[rows]


def _small_table_gives_nothing(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if len(X) < batch_size:
        return
    for permutation in permutations:
        for start in range(0, len(X), batch_size):
            rows = permutation[start : start + batch_size]
            yield X[rows], targets[rows]


def _one_buffer(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    x, t = np.empty_like(X[:batch_size]), np.empty_like(targets[:batch_size])
    for permutation in permutations:
        for start in range(0, len(X), batch_size):
            rows = permutation[start : start + batch_size]
            x[: len(rows)], t[: len(rows)] = X[rows], targets[rows]
            yield x[: len(rows)], t[: len(rows)]


def _row_numbers(
    X: np.ndarray,
    targets: np.ndarray,  # ruff: ignore[unused-function-argument]  no target is picked
    batch_size: int,
    permutations: np.ndarray,
) -> Iterator[np.ndarray]:
    for permutation in permutations:
        for start in range(0, len(X), batch_size):
            yield permutation[start : start + batch_size]


def _first_batch_returned(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    for permutation in permutations:
        for start in range(0, len(X), batch_size):
            rows = permutation[start : start + batch_size]
            return X[rows], targets[rows]
    return None


def _a_list_for_each_epoch(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    epochs = []
    for permutation in permutations:
        starts = range(0, len(X), batch_size)
        pieces = [permutation[start : start + batch_size] for start in starts]
        epochs.append([(X[rows], targets[rows]) for rows in pieces])
    return epochs


_ALWAYS = ("one_epoch", "last_batch", "every_epoch")

MISCONCEPTIONS = (
    Misconception(
        "ragged_batch_lost",
        _ragged_batch_lost,
        ("last_batch",),
        "The rows that do not fill a batch are left out: `len(X) // batch_size` counts full "
        "batches only. An epoch is one pass through all examples. How many batches does that take, "
        "rounded which way?",
    ),
    Misconception(
        "batches_of_equal_size",
        _batches_of_equal_size,
        ("last_batch",),
        "No row is lost, but the surplus rows are spread over the batches, which are then larger "
        "than `batch_size`. Memory is often planned for exactly that size. Where do the surplus "
        "rows go instead?",
    ),
    Misconception(
        "filled_up_from_the_front",
        _filled_up_from_the_front,
        ("last_batch",),
        "The last batch is filled up with rows from the beginning of the epoch. These rows then "
        "count twice in it. Need all batches have the same size?",
    ),
    Misconception(
        "first_order_every_epoch",
        _first_order_every_epoch,
        ("last_batch", "every_epoch"),
        "Every epoch uses the first permutation, so the same rows meet in the same batch again "
        "and again. Row e of `permutations` is the order of epoch e. Which variable of your loop "
        "holds it?",
    ),
    Misconception(
        "one_epoch_only",
        _one_epoch_only,
        ("last_batch", "every_epoch"),
        "Only the first epoch comes out. `permutations` has one row for each epoch. Which loop "
        "stands around all of it?",
    ),
    Misconception(
        "shuffled_on_top_of_each_other",
        _shuffled_on_top_of_each_other,
        ("last_batch", "every_epoch"),
        "The first epoch is right. The second permutation is then applied to rows that the first "
        "has already moved, because `X = X[permutation]` replaces X for all that follows. To which "
        "X do the row numbers refer?",
    ),
    Misconception(
        "targets_not_shuffled",
        _targets_not_shuffled,
        _ALWAYS,
        "The inputs are shuffled and the targets are not, so most rows get somebody else's label. "
        "Training then runs without any error and learns nothing. With which row numbers must the "
        "targets be picked?",
    ),
    Misconception(
        "not_shuffled",
        _not_shuffled,
        _ALWAYS,
        "The rows come in the order of the table; the permutations are never looked at. In a table "
        "sorted by class each batch would show a single class. What picks rows in another order?",
    ),
    Misconception(
        "inverse_order",
        _inverse_order,
        _ALWAYS,
        "`X_new[permutation] = X` sends row i to the place permutation[i]. The order asked for is "
        "the other way round: at place i stands row permutation[i]. On which side of the equals "
        "sign does the index belong?",
    ),
    Misconception(
        "shuffled_in_place",
        _shuffled_in_place,
        _ALWAYS,
        "The caller's own arrays are shuffled. Row numbers that were noted before, such as those "
        "of a split, now point to other rows. How do you pick rows without writing into X?",
    ),
    Misconception(
        "one_row_short",
        _one_row_short,
        _ALWAYS,
        "Each batch is one row short. A slice stops before its end: `a[0:3]` has three entries. Is "
        "the −1 needed?",
    ),
    Misconception(
        "batch_size_taken_for_number",
        _batch_size_taken_for_number,
        _ALWAYS,
        "There are `batch_size` batches; it should be the number of rows in each. How many batches "
        "do 1,000 rows give with 32 rows in each?",
    ),
    Misconception(
        "first_batch_returned",
        _first_batch_returned,
        _ALWAYS,
        "Only the first batch comes out: `return` ends the function at once, loops and all. Which "
        "word hands out a value and goes on from there when the next one is wanted?",
    ),
    Misconception(
        "a_list_for_each_epoch",
        _a_list_for_each_epoch,
        _ALWAYS,
        "There is a list for each epoch, with the pairs inside. The training loop takes one pair "
        "after the other and does not know where an epoch ends. How do you get one flat list of "
        "pairs?",
    ),
    Misconception(
        "epochs_run_together",
        _epochs_run_together,
        ("last_batch",),
        "The permutations are joined to one long order and cut then, so a batch holds the end of "
        "one epoch and the beginning of the next, and a row may stand in it twice. Where does the "
        "counting of starts begin anew?",
    ),
    Misconception(
        "single_row_lost",
        _single_row_lost,
        ("last_batch",),
        "A single row that is left over gets no batch. `range` already stops before its end, so "
        "the last start must lie below the number of rows. Is the −1 needed?",
    ),
    Misconception(
        "small_table_gives_nothing",
        _small_table_gives_nothing,
        ("last_batch",),
        "A table with fewer rows than `batch_size` gives no batch at all. Its rows are what is "
        "left at the end of the epoch. What becomes of them, by the triple quotes?",
    ),
    Misconception(
        "one_buffer",
        _one_buffer,
        _ALWAYS,
        "Every batch is written into the same two arrays. Whoever keeps a batch, as `list` does, "
        "finds the rows of the last one in it. What makes new arrays for each batch?",
    ),
    Misconception(
        "row_numbers",
        _row_numbers,
        _ALWAYS,
        "What comes out are row numbers. They are the right ones; the pair of inputs and targets "
        "that belongs to them is asked for. What do you do with row numbers to get the rows?",
    ),
)
