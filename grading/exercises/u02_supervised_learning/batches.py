"""Cut shuffled rows into mini-batches, epoch after epoch."""
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

from collections.abc import Iterator

import numpy as np

from grading.exercises._declaration import Case, Criterion, Exercise, HandCase, Hint
from grading.exercises.u02_supervised_learning.batches_mistakes import MISCONCEPTIONS
from grading.probes import Iterate


def _orders(rng: np.random.Generator, n_epochs: int, n: int) -> np.ndarray:
    """Draw permutations that differ from each other, from their inverses, and from no shuffle."""
    while True:
        drawn = np.array([rng.permutation(n) for _ in range(n_epochs)])
        seen = [*drawn, *(np.argsort(order) for order in drawn), np.arange(n)]
        if len(np.unique(seen, axis=0)) == len(seen):
            return drawn


def _rows(rng: np.random.Generator, n: int, n_epochs: int, batch_size: int) -> Case:
    d = int(rng.choice([2, 3, 5, 7]))
    return Case({
        "X": rng.normal(size=(n, d)),
        "targets": 10 * np.arange(n) + rng.integers(0, 10, size=n),  # no two rows alike
        "batch_size": batch_size,
        "permutations": _orders(rng, n_epochs, n),
    })


def _one_epoch(rng: np.random.Generator) -> Case:
    batch_size = int(rng.choice([4, 6]))
    return _rows(rng, batch_size * int(rng.choice([3, 5])), 1, batch_size)


def _ragged(rng: np.random.Generator) -> Case:
    batch_size = int(rng.choice([3, 4, 6]))
    # One row too many, which is easily lost, and two epochs, which must not run into each other.
    # In the example by hand the rows do not even fill one batch.
    return _rows(rng, batch_size * int(rng.choice([2, 3, 5])) + 1, 2, batch_size)


def _epochs(rng: np.random.Generator) -> Case:
    batch_size = int(rng.choice([4, 6]))
    return _rows(rng, batch_size * int(rng.choice([2, 3])), 3, batch_size)


def minibatches(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (x, t) batch by batch, each epoch in the order of its own permutation."""
    for permutation in permutations:
        for start in range(0, len(X), batch_size):
            rows = permutation[start : start + batch_size]
            yield X[rows], targets[rows]


def _shuffled_first(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    batches = []
    for order in permutations:
        X_shuffled, t_shuffled = X[order], targets[order]
        n_batches = -(-len(X) // batch_size)
        for i in range(n_batches):
            piece = slice(i * batch_size, (i + 1) * batch_size)
            batches.append((X_shuffled[piece], t_shuffled[piece]))
    return batches


def _by_cutting_points(
    X: np.ndarray, targets: np.ndarray, batch_size: int, permutations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    cuts = np.arange(batch_size, len(X), batch_size)
    for permutation in permutations:
        yield from ((X[rows], targets[rows]) for rows in np.split(permutation, cuts))


_X = np.array([[0.0, 1.0], [10.0, 11.0], [20.0, 21.0], [30.0, 31.0], [40.0, 41.0], [50.0, 51.0]])
_T = np.array([0, 1, 2, 3, 4, 5])

_ONE_EPOCH_HAND = HandCase(
    {"X": _X, "targets": _T, "batch_size": 3, "permutations": np.array([[1, 2, 0, 4, 5, 3]])},
    {
        "items": [
            [np.array([[10.0, 11.0], [20.0, 21.0], [0.0, 1.0]]), np.array([1, 2, 0])],
            [np.array([[40.0, 41.0], [50.0, 51.0], [30.0, 31.0]]), np.array([4, 5, 3])],
        ]
    },
)
_RAGGED_HAND = HandCase(
    {
        "X": _X[:3],
        "targets": _T[:3],
        "batch_size": 5,
        "permutations": np.array([[1, 2, 0], [2, 1, 0]]),
    },
    {
        "items": [
            [np.array([[10.0, 11.0], [20.0, 21.0], [0.0, 1.0]]), np.array([1, 2, 0])],
            [np.array([[20.0, 21.0], [10.0, 11.0], [0.0, 1.0]]), np.array([2, 1, 0])],
        ]
    },
)
_EPOCHS_HAND = HandCase(
    {
        "X": _X,
        "targets": _T,
        "batch_size": 3,
        "permutations": np.array([[1, 2, 0, 4, 5, 3], [3, 0, 1, 5, 2, 4]]),
    },
    {
        "items": [
            [_X[[1, 2, 0]], np.array([1, 2, 0])],
            [_X[[4, 5, 3]], np.array([4, 5, 3])],
            [_X[[3, 0, 1]], np.array([3, 0, 1])],
            [_X[[5, 2, 4]], np.array([5, 2, 4])],
        ]
    },
)

MINIBATCHES = Exercise(
    id="minibatches",
    unit="02",
    tier="core",
    title="Cut shuffled rows into batches",
    minutes=10,
    difficulty=2,
    probe=Iterate(),
    cases=_one_epoch,
    criteria=(
        Criterion("one_epoch", 1, ("items",), _ONE_EPOCH_HAND),
        Criterion("last_batch", 1, ("items",), _RAGGED_HAND, draw=_ragged),
        Criterion("every_epoch", 1, ("items",), _EPOCHS_HAND, draw=_epochs),
    ),
    reference=minibatches,
    alternatives=(_shuffled_first, _by_cutting_points),
    misconceptions=MISCONCEPTIONS,
    hints=(
        Hint(
            "I do not know where to begin, or `yield` is new to me",
            "`yield` hands out one value and goes on from there when the next one is asked for. "
            "Two loops: over the permutations, and in each over the starts `range(0, len(X), "
            "batch_size)`. You may also collect the pairs in a list and return that.",
            (),
            ("problem", "unreached", "type"),
        ),
        Hint(
            "The batches hold other rows, or targets that do not belong to them",
            "A permutation holds row numbers, and an array of row numbers in square brackets picks "
            "those rows: `X[np.array([2, 0])]` is row 2 and then row 0. What do you have to cut "
            "into pieces, then: the table or the permutation? And what must be the same for the "
            "inputs and the targets of a batch?",
            ("one_epoch",),
            ("value", "inputs", "shape"),
        ),
        Hint(
            "A batch is missing at the end, or only one epoch is right",
            "A slice that reaches past the end simply ends there, so the last batch may be "
            "shorter: `range(0, len(X), batch_size)` has a start for it. For the epochs: is the "
            "line that picks the permutation inside the outer loop, and does X stay as it was?",
            ("last_batch", "every_epoch"),
            ("shape", "value"),
        ),
    ),
    solution_note=(
        "An epoch visits every row once, in a fresh order, and makes ⌈N / batch_size⌉ batches:\n"
        "    for each permutation:  for start = 0, B, 2B, … < N:\n"
        "        rows = permutation[start : start + B]        x = X[rows],  t = targets[rows]\n"
        "One array of row numbers cuts both inputs and targets, so they cannot come apart. The\n"
        "slice of the last batch ends where the rows end. Dropping that batch would leave up to\n"
        "B − 1 rows of each epoch unused; with one order for all epochs they would always be the\n"
        "same rows, and never train."
    ),
)  # fmt: skip
