"""Mixup: two examples become one between them."""
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


def _cases(rng: np.random.Generator) -> Case:
    """Draw weights clear of one half; one row is its own partner, two of a class are partners."""
    n, d, n_classes = rng.choice(np.arange(5, 10), size=3, replace=False)
    order = rng.permutation(n)
    while (order == np.arange(n)).sum() != 1 or (np.argsort(order) == order).all():
        order = rng.permutation(n)
    labels = rng.permutation(np.arange(n) % n_classes)
    mixed = int(rng.choice(np.flatnonzero(order != np.arange(n))))
    labels[order[mixed]] = labels[mixed]
    weight = np.where(rng.permutation(n) % 2, rng.uniform(0.1, 0.4, n), rng.uniform(0.6, 0.9, n))
    return Case({
        "X": rng.normal(size=(n, d)),
        "labels": labels,
        "n_classes": int(n_classes),
        "weight": weight,
        "order": order,
    })


def mixup(
    X: np.ndarray, labels: np.ndarray, n_classes: int, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mixed inputs (N, d) and mixed targets (N, K), rows that sum to 1."""
    w = weight[:, np.newaxis]
    one_hot = np.eye(n_classes)[labels]
    mixed_X = w * X + (1 - w) * X[order]
    targets = w * one_hot + (1 - w) * one_hot[order]
    return mixed_X, targets


def _row_by_row(
    X: np.ndarray, labels: np.ndarray, n_classes: int, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mixed_X, targets = np.empty(X.shape), np.zeros((len(X), n_classes))
    for i, partner in enumerate(order):
        mixed_X[i] = weight[i] * X[i] + (1 - weight[i]) * X[partner]
        targets[i, labels[i]] += weight[i]
        targets[i, labels[partner]] += 1 - weight[i]
    return mixed_X, targets


def _by_a_mixing_matrix(
    X: np.ndarray, labels: np.ndarray, n_classes: int, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    n = len(X)
    mixing = np.diag(weight)
    mixing[np.arange(n), order] += 1 - weight
    one_hot = (labels[:, np.newaxis] == np.arange(n_classes)).astype(float)
    return mixing @ X, mixing @ one_hot


def _labels_not_mixed(
    X: np.ndarray, labels: np.ndarray, n_classes: int, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    w = weight[:, np.newaxis]
    return w * X + (1 - w) * X[order], np.eye(n_classes)[labels]


def _weights_swapped(
    X: np.ndarray, labels: np.ndarray, n_classes: int, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    w = 1 - weight[:, np.newaxis]
    one_hot = np.eye(n_classes)[labels]
    return w * X + (1 - w) * X[order], w * one_hot + (1 - w) * one_hot[order]


def _targets_swapped(
    X: np.ndarray, labels: np.ndarray, n_classes: int, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    w = weight[:, np.newaxis]
    one_hot = np.eye(n_classes)[labels]
    return w * X + (1 - w) * X[order], (1 - w) * one_hot + w * one_hot[order]


def _winner_takes_all(
    X: np.ndarray, labels: np.ndarray, n_classes: int, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    w = weight[:, np.newaxis]
    larger = np.where(weight > 0.5, labels, labels[order])
    return w * X + (1 - w) * X[order], np.eye(n_classes)[larger]


def _class_numbers_mixed(
    X: np.ndarray,
    labels: np.ndarray,
    n_classes: int,  # ruff: ignore[unused-function-argument]  # numbers are mixed, not classes
    weight: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    w = weight[:, np.newaxis]
    return w * X + (1 - w) * X[order], weight * labels + (1 - weight) * labels[order]


def _one_weight_for_all(
    X: np.ndarray, labels: np.ndarray, n_classes: int, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    w = weight[0]
    one_hot = np.eye(n_classes)[labels]
    return w * X + (1 - w) * X[order], w * one_hot + (1 - w) * one_hot[order]


def _next_row_is_the_partner(
    X: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    weight: np.ndarray,
    order: np.ndarray,  # ruff: ignore[unused-function-argument]  # never asked
) -> tuple[np.ndarray, np.ndarray]:
    w = weight[:, np.newaxis]
    one_hot = np.eye(n_classes)[labels]
    return (
        w * X + (1 - w) * np.roll(X, -1, axis=0),
        w * one_hot + (1 - w) * np.roll(one_hot, -1, axis=0),
    )


def _partners_by_argsort(
    X: np.ndarray, labels: np.ndarray, n_classes: int, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    w = weight[:, np.newaxis]
    one_hot = np.eye(n_classes)[labels]
    partner = np.argsort(order)
    return w * X + (1 - w) * X[partner], w * one_hot + (1 - w) * one_hot[partner]


def _second_label_overwrites(
    X: np.ndarray, labels: np.ndarray, n_classes: int, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    w, rows = weight[:, np.newaxis], np.arange(len(X))
    targets = np.zeros((len(X), n_classes))
    targets[rows, labels] = weight
    targets[rows, labels[order]] = 1 - weight
    return w * X + (1 - w) * X[order], targets


def _first_label_overwrites(
    X: np.ndarray, labels: np.ndarray, n_classes: int, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    w, rows = weight[:, np.newaxis], np.arange(len(X))
    targets = np.zeros((len(X), n_classes))
    targets[rows, labels[order]] = 1 - weight
    targets[rows, labels] = weight
    return w * X + (1 - w) * X[order], targets


_HAND = HandCase(
    {
        "X": np.array([[10.0, 0.0], [0.0, 20.0], [4.0, 8.0], [8.0, 4.0]]),
        "labels": np.array([0, 3, 1, 1]),
        "n_classes": 4,
        "weight": np.array([0.7, 0.6, 0.25, 0.75]),
        "order": np.array([1, 2, 3, 0]),
    },
    {
        "mixed_X": np.array([[7.0, 6.0], [1.6, 15.2], [7.0, 5.0], [8.5, 3.0]]),
        "targets": np.array([
            [0.7, 0.0, 0.0, 0.3],
            [0.0, 0.4, 0.0, 0.6],
            [0.0, 1.0, 0.0, 0.0],
            [0.25, 0.75, 0.0, 0.0],
        ]),
    },
)
_BOTH = ("inputs", "targets")

MIXUP = Exercise(
    id="mixup",
    unit="05",
    tier="further",
    title="Mixup",
    minutes=10,
    difficulty=2,
    probe=Call(returns=("mixed_X", "targets")),
    cases=_cases,
    criteria=(
        Criterion("inputs", 1, ("mixed_X",), _HAND),
        Criterion("targets", 2, ("targets",), _HAND),
    ),
    reference=mixup,
    alternatives=(_row_by_row, _by_a_mixing_matrix),
    misconceptions=(
        Misconception(
            "labels_not_mixed",
            _labels_not_mixed,
            ("targets",),
            "The inputs are mixed, the targets are not: a picture that is 60 % a 3 and 40 % an 8 "
            "is called a 3 altogether. What should be said of it, and with which weights?",
        ),
        Misconception(
            "weights_swapped",
            _weights_swapped,
            _BOTH,
            "The weight went to the partner. `weight` is the share of the row itself, and the "
            "partner gets the rest. With weight 0.9, whom does the mixture resemble?",
        ),
        Misconception(
            "targets_swapped",
            _targets_swapped,
            ("targets",),
            "Inputs and targets are mixed with opposite weights: the row that is seen least is "
            "named most. Which share must the label of the row itself have?",
        ),
        Misconception(
            "winner_takes_all",
            _winner_takes_all,
            ("targets",),
            "Each mixture is given the label of its larger part alone. Then nothing tells 51 % "
            "from 99 %. Which row of probabilities says how much of each is in it?",
        ),
        Misconception(
            "class_numbers_mixed",
            _class_numbers_mixed,
            ("targets",),
            "The numbers of the classes are averaged: halfway between a 0 and an 8 would lie a 4. "
            "Classes are names, not amounts. How can a label be written so that mixing makes "
            "sense?",
        ),
        Misconception(
            "one_weight_for_all",
            _one_weight_for_all,
            _BOTH,
            "The first weight is used for all rows. `weight` holds one for each. Which shape must "
            "it have to meet the rows of X, and not its columns?",
        ),
        Misconception(
            "next_row_is_the_partner",
            _next_row_is_the_partner,
            _BOTH,
            "Every row is mixed with the next one. The partner of row i is row order[i]. How do "
            "you list all partners at once?",
        ),
        Misconception(
            "partners_by_argsort",
            _partners_by_argsort,
            _BOTH,
            "The permutation is used backward: row order[i] is mixed with row i. The text between "
            "the triple quotes says that row i has the partner order[i]. What does `X[order]` "
            "hold in row i?",
        ),
        Misconception(
            "second_label_overwrites",
            _second_label_overwrites,
            ("targets",),
            "Two shares are written into the row, one after the other. Where row and partner "
            "are of one class, the second replaces the first and the row no longer sums to 1. "
            "What should happen to two shares that meet in one place?",
        ),
        Misconception(
            "first_label_overwrites",
            _first_label_overwrites,
            ("targets",),
            "The share of the row itself is written last. Where the partner is of the same "
            "class it replaces that share, and the row no longer sums to 1. What should happen "
            "to two shares that meet in one place?",
        ),
    ),
    hints=(
        Hint(
            "Shapes do not fit: (N,) and (N, d) refuse to be multiplied",
            "NumPy lines shapes up at the right, so (N,) would meet the d columns. "
            "`weight[:, np.newaxis]` has the shape (N, 1) and meets the rows.",
            (),
            ("problem", "type", "shape"),
        ),
        Hint(
            "The inputs are wrong",
            "`X[order]` lists the partners: its row i is the partner of row i. The mixture is "
            "weight · row + (1 − weight) · partner. Check it with the first row of the hand "
            "example.",
            ("inputs",),
            ("value",),
        ),
        Hint(
            "The targets are wrong",
            "Write each label as a row of zeros with a single 1, in the column of its class: "
            "`np.eye(n_classes)[labels]`. Such rows can be mixed exactly as the inputs. Each "
            "result sums to 1, also where row and partner are of one class.",
            ("targets",),
        ),
    ),
    solution_note=(
        "With w the column of weights and P the partners, row by row,\n"
        "    mixed_X = w X + (1 − w) X_P        targets = w T + (1 − w) T_P\n"
        "where T holds the labels as one-hot rows. Both are mixed with the same weight, so the\n"
        "network is asked to answer in proportion to what it sees. A row of targets sums to\n"
        "w + (1 − w) = 1; where both labels are the same it stays one-hot."
    ),
)
