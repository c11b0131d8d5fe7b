"""Precision, recall and F1 of every class, averaged over the classes."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Case, Criterion, Exercise, HandCase, Hint
from grading.exercises.u02_supervised_learning.scores_mistakes import MISCONCEPTIONS
from grading.probes import Call


def _table(rng: np.random.Generator, K: int) -> np.ndarray:
    """Draw a matrix of classes of very different size, with more right guesses than wrong ones."""
    sizes = rng.permutation(np.array([6, 15, 40, 90, 200, 330])[:K])
    return np.array([
        rng.multinomial(size, rng.dirichlet(np.ones(K) + 4 * K * (np.arange(K) == i)))
        for i, size in enumerate(sizes)
    ])


def _is_plain(C: np.ndarray) -> bool:
    """Tell whether every class is found, and both kinds of mistake occur for it."""
    hits = np.diag(C)
    missed, false = C.sum(axis=1) - hits, C.sum(axis=0) - hits
    # Precision and recall must differ for every class, or one can be taken for the other.
    return bool((hits > 0).all() and (missed != false).all() and (missed + false > 0).all())


def _ordinary(rng: np.random.Generator) -> Case:
    while True:
        C = _table(rng, int(rng.integers(3, 6)))
        if _is_plain(C):
            return Case({"C": C})


def _with_empty_classes(rng: np.random.Generator) -> Case:
    """Draw a table with a class never guessed, one that never occurs, and one never found."""
    while True:
        inner = _table(rng, 3)
        if not _is_plain(inner):
            continue
        K = 6
        order = rng.permutation(K)
        never_guessed, absent, never_found, *ordinary = order
        C = np.zeros((K, K), dtype=int)
        C[np.ix_(ordinary, ordinary)] = inner
        C[never_guessed, ordinary] = rng.integers(1, 9, size=3)
        C[ordinary, absent] = rng.integers(1, 9, size=3)
        C[never_found, ordinary] = rng.integers(1, 9, size=3)
        C[ordinary, never_found] = rng.integers(1, 9, size=3)
        return Case({"C": C})


def precision_recall_f1(C: np.ndarray) -> tuple[float, float, float]:
    """Return macro precision, recall and F1 of counts C (K, K), true classes in rows; 0/0 is 0."""
    hits, of_class, guessed = np.diag(C), C.sum(axis=1), C.sum(axis=0)
    precision = hits / np.maximum(guessed, 1)
    recall = hits / np.maximum(of_class, 1)
    f1 = 2 * hits / np.maximum(of_class + guessed, 1)
    return precision.mean(), recall.mean(), f1.mean()


def _class_by_class(C: np.ndarray) -> tuple[float, float, float]:
    K = len(C)
    sums = [0.0, 0.0, 0.0]
    for k in range(K):
        tp = C[k, k]
        fp = sum(C[i, k] for i in range(K) if i != k)
        fn = sum(C[k, j] for j in range(K) if j != k)
        p = tp / (tp + fp) if tp + fp > 0 else 0.0
        r = tp / (tp + fn) if tp + fn > 0 else 0.0
        f = 2 * p * r / (p + r) if p + r > 0 else 0.0
        for i, value in enumerate((p, r, f)):
            sums[i] += value / K
    return sums[0], sums[1], sums[2]


def _by_divide_where(C: np.ndarray) -> tuple[float, float, float]:
    hits = np.diag(C).astype(float)

    def quotient(above: np.ndarray, below: np.ndarray) -> np.ndarray:
        return np.divide(above, below, out=np.zeros(len(C)), where=below > 0)

    p, r = quotient(hits, C.sum(axis=0)), quotient(hits, C.sum(axis=1))
    return p.mean(), r.mean(), quotient(2 * p * r, p + r).mean()


# Class 0: 4 of 5 found, 4 of 8 guesses right. Class 1: 3 of 6 found, 3 of 4. Class 2: 1 of 4 found,
# 1 of 3. F1: 8/13, 6/10, 2/7.
_HAND = HandCase(
    {"C": np.array([[4, 0, 1], [2, 3, 1], [2, 1, 1]])},
    {
        "precision": (1 / 2 + 3 / 4 + 1 / 3) / 3,
        "recall": (4 / 5 + 1 / 2 + 1 / 4) / 3,
        "f1": (8 / 13 + 6 / 10 + 2 / 7) / 3,
    },
)
# Class 0: 2 of 5 found, 2 of 8 guesses right. Class 1 is never guessed, class 2 never occurs,
# class 3 occurs and is guessed, but never rightly.
_EMPTY_HAND = HandCase(
    {"C": np.array([[2, 0, 1, 2], [4, 0, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0]])},
    {"precision": 0.25 / 4, "recall": 0.4 / 4, "f1": (4 / 13) / 4},
)

PRECISION_RECALL_F1 = Exercise(
    id="precision_recall_f1",
    unit="02",
    tier="core",
    title="Precision, recall and F1 of every class",
    minutes=14,
    difficulty=3,
    probe=Call(returns=("precision", "recall", "f1")),
    cases=_ordinary,
    criteria=(
        Criterion("precision", 1, ("precision",), _HAND),
        Criterion("recall", 1, ("recall",), _HAND),
        Criterion("f1", 1, ("f1",), _HAND),
        Criterion(
            "zero_division",
            1,
            ("precision", "recall", "f1"),
            _EMPTY_HAND,
            draw=_with_empty_classes,
        ),
    ),
    reference=precision_recall_f1,
    alternatives=(_class_by_class, _by_divide_where),
    misconceptions=MISCONCEPTIONS,
    hints=(
        Hint(
            "I do not know where to begin",
            "Take class 0 of the hand example. Its row says what became of the rows that are of "
            "class 0, its column what the rows are that were guessed to be 0. Both contain "
            "`C[0, 0]`. For all classes at once: `np.diag(C)`, and `C.sum` over one axis or the "
            "other.",
            (),
            ("problem", "type", "shape"),
        ),
        Hint(
            "Precision and recall come out exchanged, or F1 is off",
            "Precision asks of the *guesses* how many are right, recall asks of the *rows of the "
            "class* how many are found. Which of them divides by a column sum? F1 is computed for "
            "each class, as 2 · hits / (…  + …), and averaged last.",
            ("precision", "recall", "f1"),
            ("value", "order"),
        ),
        Hint(
            "NaN, or it is off when a class is never guessed",
            "0/0 counts as 0 here, and the class stays in the mean. A denominator of *counts* is 0 "
            "only where the hits are 0 too, so there any other one gives the right answer: "
            "`np.maximum(…, 1)`. Precision + recall is no count and often below 1: that guard "
            "would change it.",
            ("zero_division",),
            ("finite", "value", "problem"),
        ),
    ),
    solution_note=(
        "With true classes in rows, for each class k:\n"
        "    hits = C[k, k]      of the class: Σ_j C[k, j]      guessed: Σ_i C[i, k]\n"
        "    precision = hits / guessed          recall = hits / of the class\n"
        "    F1 = 2 p r / (p + r) = 2 hits / (of the class + guessed)\n"
        "The last form follows by inserting the two above it, and shows that F1 is 0/0 only for a\n"
        "class that neither occurs nor is guessed. Each is then averaged over the classes: macro.\n"
        "Adding the counts up first (micro) makes all three equal to the accuracy, because every\n"
        "wrong guess is a false alarm for one class and a miss for another. The F1 of averages is\n"
        "not the average of F1: for two classes with (p, r) = (1, ½) and (½, 1) the first is ¾,\n"
        "the second ⅔."
    ),
)
