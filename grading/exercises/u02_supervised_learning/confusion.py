"""Count how often each class was taken for each."""
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


def _guesses(rng: np.random.Generator, true: list[int], guessed: list[int], K: int) -> Case:
    """Draw labels among ``true`` and guesses among ``guessed``, of K classes in all."""
    while True:
        n = int(rng.integers(25, 40))
        targets = np.concatenate([true, rng.choice(true, size=n)])
        guesses = np.concatenate([rng.choice(guessed, size=n), guessed])
        guesses[:n] = np.where(
            np.isin(targets[:n], guessed) & (rng.random(n) < 0.6), targets[:n], guesses[:n]
        )
        order = rng.permutation(min(len(targets), len(guesses)))
        targets, guesses = targets[: len(order)][order], guesses[: len(order)][order]
        counts = np.bincount(targets * K + guesses, minlength=K * K).reshape(K, K)
        complete = set(targets.tolist()) == set(true) and set(guesses.tolist()) == set(guessed)
        if complete and counts.max() >= 3 and not np.array_equal(counts, counts.T):
            return Case({"targets": targets, "guesses": guesses, "n_classes": K})


def _all_classes(rng: np.random.Generator) -> Case:
    K = int(rng.integers(3, 6))
    inputs = _guesses(rng, list(range(K)), list(range(K)), K).inputs
    # One pair so often that a byte cannot count it.
    pair, often = rng.choice(K, size=2, replace=False), int(rng.integers(300, 350))
    both = {
        name: np.concatenate([inputs[name], np.repeat(label, often)])
        for name, label in zip(("targets", "guesses"), pair, strict=True)
    }
    return Case({**both, "n_classes": K})


def _missing_classes(rng: np.random.Generator) -> Case:
    """Draw cases in which the first class, the last and one in the middle appear nowhere."""
    K = int(rng.integers(6, 9))
    gone = int(rng.integers(2, K - 2))
    some = [label for label in range(1, K - 1) if label != gone]
    return _guesses(rng, some, some, K)


def confusion_matrix(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:
    """Return counts (K, K): rows are the true classes, columns what was guessed."""
    C = np.zeros((n_classes, n_classes), dtype=int)
    for target, guess in zip(targets, guesses, strict=True):
        C[target, guess] += 1
    return C


def _by_bincount(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:
    pairs = n_classes * targets + guesses
    return np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)


def _by_one_hot_rows(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:
    one_hot = np.eye(n_classes)
    return one_hot[targets].T @ one_hot[guesses]


def _by_add_at(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:
    C = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(C, (targets, guesses), 1)
    return C


def _axes_swapped(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:
    C = np.zeros((n_classes, n_classes), dtype=int)
    for target, guess in zip(targets, guesses, strict=True):
        C[guess, target] += 1
    return C


def _repeated_pairs_counted_once(
    targets: np.ndarray, guesses: np.ndarray, n_classes: int
) -> np.ndarray:
    C = np.zeros((n_classes, n_classes), dtype=int)
    C[targets, guesses] += 1
    return C


def _only_mistakes(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:
    C = np.zeros((n_classes, n_classes), dtype=int)
    for target, guess in zip(targets, guesses, strict=True):
        if target != guess:
            C[target, guess] += 1
    return C


def _shares_of_rows(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:
    C = np.zeros((n_classes, n_classes))
    for target, guess in zip(targets, guesses, strict=True):
        C[target, guess] += 1
    return C / np.maximum(C.sum(axis=1, keepdims=True), 1)


def _shares_of_all(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:
    C = np.zeros((n_classes, n_classes))
    for target, guess in zip(targets, guesses, strict=True):
        C[target, guess] += 1
    return C / len(targets)


def _size_of_the_largest_label(
    targets: np.ndarray,
    guesses: np.ndarray,
    n_classes: int,  # ruff: ignore[unused-function-argument]  it is ignored
) -> np.ndarray:
    K = max(targets.max(), guesses.max()) + 1
    C = np.zeros((K, K), dtype=int)
    for target, guess in zip(targets, guesses, strict=True):
        C[target, guess] += 1
    return C


def _classes_that_occur(
    targets: np.ndarray,
    guesses: np.ndarray,
    n_classes: int,  # ruff: ignore[unused-function-argument]  it is ignored
) -> np.ndarray:
    labels = np.unique(np.concatenate([targets, guesses]))
    C = np.zeros((len(labels), len(labels)), dtype=int)
    for i, target in enumerate(labels):
        for j, guess in enumerate(labels):
            C[i, j] = np.sum((targets == target) & (guesses == guess))
    return C


def _diagonal_counts_all_of_the_class(
    targets: np.ndarray, guesses: np.ndarray, n_classes: int
) -> np.ndarray:
    C = np.zeros((n_classes, n_classes), dtype=int)
    for target, guess in zip(targets, guesses, strict=True):
        C[target, target] += 1
        if guess != target:
            C[target, guess] += 1
    return C


def _last_class_left_out(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:
    C = np.zeros((n_classes, n_classes), dtype=int)
    for i in range(n_classes - 1):
        for j in range(n_classes - 1):
            C[i, j] = np.sum((targets == i) & (guesses == j))
    return C


def _total_accuracy(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:  # ruff: ignore[unused-function-argument]  no table
    return np.mean(targets == guesses)


def _counts_in_a_byte(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:
    C = np.zeros((n_classes, n_classes), dtype=np.uint8)
    np.add.at(C, (targets, guesses), 1)
    return C


def _shifted_to_zero(targets: np.ndarray, guesses: np.ndarray, n_classes: int) -> np.ndarray:
    lowest = min(targets.min(), guesses.min())
    C = np.zeros((n_classes, n_classes), dtype=int)
    for target, guess in zip(targets, guesses, strict=True):
        C[target - lowest, guess - lowest] += 1
    return C


_BOTH = ("counts", "missing_class")

CONFUSION_MATRIX = Exercise(
    id="confusion_matrix",
    unit="02",
    tier="core",
    title="Count what was taken for what",
    minutes=8,
    difficulty=2,
    probe=Call(returns=("C",)),
    cases=_all_classes,
    criteria=(
        Criterion(
            "counts",
            2,
            ("C",),
            HandCase(
                {
                    "targets": np.array([0, 0, 0, 0, 1, 1, 2, 2, 2]),
                    "guesses": np.array([0, 0, 0, 2, 1, 0, 2, 1, 1]),
                    "n_classes": 3,
                },
                {"C": np.array([[3, 0, 1], [1, 1, 0], [0, 2, 1]])},
            ),
        ),
        Criterion(
            "missing_class",
            1,
            ("C",),
            HandCase(
                {
                    "targets": np.array([0, 2, 2, 2, 0]),
                    "guesses": np.array([2, 2, 0, 2, 2]),
                    "n_classes": 4,
                },
                {"C": np.array([[0, 0, 2, 0], [0, 0, 0, 0], [1, 0, 2, 0], [0, 0, 0, 0]])},
            ),
            draw=_missing_classes,
        ),
    ),
    reference=confusion_matrix,
    alternatives=(_by_bincount, _by_one_hot_rows, _by_add_at),
    misconceptions=(
        Misconception(
            "axes_swapped",
            _axes_swapped,
            _BOTH,
            "Rows and columns have changed places: your rows are the guesses. Other courses and "
            "libraries do it so; in this one the true class comes first, as in the argument list. "
            "Which index of `C[i, j]` is the row?",
        ),
        Misconception(
            "repeated_pairs_counted_once",
            _repeated_pairs_counted_once,
            _BOTH,
            "No entry is above 1. `C[targets, guesses] += 1` reads all the old entries first, adds "
            "1 to each, and writes them back, so a pair that occurs five times is written five "
            "times with the same 1. What counts every occurrence?",
        ),
        Misconception(
            "only_mistakes",
            _only_mistakes,
            _BOTH,
            "The diagonal is empty: right guesses are not counted. A share of mistakes needs both "
            "kinds. What does each row of the matrix add up to once both are counted?",
        ),
        Misconception(
            "shares_of_rows",
            _shares_of_rows,
            _BOTH,
            "These are shares of each class, not counts. Once divided, nobody can tell whether a "
            "quarter is 1 of 4 or 100 of 400. Asked for are counts; shares can be had from them.",
        ),
        Misconception(
            "shares_of_all",
            _shares_of_all,
            _BOTH,
            "The counts are divided by the number of rows. Asked for are the counts themselves: "
            "how sure a number is depends on them.",
        ),
        Misconception(
            "size_of_the_largest_label",
            _size_of_the_largest_label,
            ("missing_class",),
            "The table is as large as the largest label that happens to occur. A class that is "
            "missing in these rows would make it smaller than the table of the next fold, and "
            "the two could not be added. Which argument tells the number of classes?",
        ),
        Misconception(
            "classes_that_occur",
            _classes_that_occur,
            ("missing_class",),
            "Only classes that occur have a row and a column, so behind a missing class all others "
            "have moved up, and row 2 is no longer class 2. Which argument tells how many classes "
            "there are?",
        ),
        Misconception(
            "diagonal_counts_all_of_the_class",
            _diagonal_counts_all_of_the_class,
            _BOTH,
            "The diagonal counts all rows of the class, whether they were recognized or not, and "
            "the mistakes are counted once more beside it. Each row of the data has one true class "
            "and one guess. To how many entries does it add 1?",
        ),
        Misconception(
            "last_class_left_out",
            _last_class_left_out,
            ("counts",),
            "The last row and the last column stay empty: your loops end one class too early. "
            "`range(K)` already stops before K.",
        ),
        Misconception(
            "counts_in_a_byte",
            _counts_in_a_byte,
            ("counts",),
            "The largest counts are 256 too small: `uint8` holds 0 to 255 and begins again at 0, "
            "without a word. That suits pixels. Which type of number can count as far as any data "
            "set goes?",
        ),
        Misconception(
            "shifted_to_zero",
            _shifted_to_zero,
            ("missing_class",),
            "The smallest label that occurs is taken for class 0, so where class 0 is missing, all "
            "counts slide up and to the left. Labels count from 0 already. Which row belongs to "
            "class 1?",
        ),
        Misconception(
            "accuracy_for_a_table",
            _total_accuracy,
            _BOTH,
            "This is the accuracy, one number. It says how often the guess is right, and not what "
            "was taken for what. How many numbers does it take to keep that for K classes?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "`C = np.zeros((n_classes, n_classes), dtype=int)`. Then go through the pairs with "
            "`zip(targets, guesses)`, and add 1 to one entry for each.",
            (),
            ("problem", "type", "shape"),
        ),
        Hint(
            "The counts are in the wrong places, or too small",
            "Follow one row of the hand example: true class 0, guess 2. Which entry should grow? "
            "If entries stop at 1 although a pair occurs more often, see what `C[targets, guesses] "
            "+= 1` does: it is not a loop. `np.add.at` is.",
            ("counts",),
            ("value",),
        ),
        Hint(
            "It fails when a class is missing",
            "The table has `n_classes` rows and columns, whatever occurs. What should stand "
            "in the row of a class that has no examples?",
            ("missing_class",),
            ("shape", "value", "problem"),
        ),
    ),
    solution_note=(
        "    C[i, j] = number of rows with target i and guess j\n"
        "    row sums: how many of a class there are     column sums: how often it was guessed\n"
        "    Σ diagonal / Σ all: the accuracy\n"
        "A pair (i, j) of K classes is one number K·i + j, so counting pairs is counting numbers,\n"
        "and `np.bincount` does it without a loop. With one-hot rows it is a matrix product:\n"
        "T[n, i] = 1 if row n is of class i, G[n, j] likewise for guesses, and C = Tᵀ G.\n"
        "The size is an argument, so that tables of different parts of the data can be added."
    ),
)
