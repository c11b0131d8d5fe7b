"""Five folds of the digits: a network 64-64-10, ten epochs of Adam at batch 32."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold as SklearnKFold
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier

from nnlib import CrossEntropy, Linear, ReLU, Sequential, datasets
from nnlib.model_selection import KFold, cross_validate
from nnlib.optimizers import Adam
from tests.benchmarks.rows import Row, compare
from tests.benchmarks.timing import Work, interleave

EPOCHS, BATCH, FOLDS = 10, 32, 5


def nnlib_folds(*, stacked: bool) -> Work:
    """Return the cross-validation of nnlib."""
    digits = datasets.load("digits")

    def build(rng: np.random.Generator) -> Sequential:
        return Sequential(Linear(64, 64, rng=rng), ReLU(), Linear(64, 10, rng=rng))

    def validate() -> object:
        return cross_validate(
            build, digits.X, digits.y, cv=KFold(FOLDS, shuffle=True, rng=0), loss=CrossEntropy(),
            optimizer=lambda model: Adam(model, lr=1e-3), epochs=EPOCHS, batch_size=BATCH,
            stacked=stacked, rng=0, progress=False,
        )  # fmt: skip

    return validate


def sklearn_folds() -> Work:
    """Return the cross-validation of scikit-learn, with as many epochs."""
    digits = datasets.load("digits")
    model = MLPClassifier(
        (64,), batch_size=BATCH, max_iter=EPOCHS, n_iter_no_change=10**6, alpha=0.0, random_state=0
    )

    def validate() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # ten epochs are meant
            return cross_val_score(
                model, digits.X, digits.y, cv=SklearnKFold(FOLDS, shuffle=True, random_state=0)
            )

    return validate


def rows(rounds: int) -> Iterator[Row]:
    """Yield the two rows: against scikit-learn, and against our own folds one after the other."""
    times = interleave(
        {
            "nnlib": nnlib_folds(stacked=True),
            "nnlib, one fold after the other": nnlib_folds(stacked=False),
            "scikit-learn MLPClassifier": sklearn_folds(),
        },
        rounds=rounds,
        warm_up=1,
    )
    name = f"{FOLDS}-fold cross-validation, digits, batch {BATCH}"
    yield compare(name, times, peers=["scikit-learn MLPClassifier"], must=4.0, aim=8.0)
    yield compare(name, times, peers=["nnlib, one fold after the other"], must=1.3, aim=1.8)
