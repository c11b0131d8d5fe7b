"""Model selection: split rows into folds, train on some, judge on the others, choose.

Splitters say which rows train and which test; ``cross_validate`` trains a new model on each fold,
all folds at once where it can; ``grid_search``, ``random_search`` and ``nested_cross_validate``
choose with it, and judge the choice.

    >>> from nnlib import SGD, CrossEntropy, Linear, Sequential, datasets
    >>> from nnlib.model_selection import KFold, cross_validate
    >>> moons = datasets.load("two_moons", n=200, noise=0.1, rng=0)
    >>> result = cross_validate(
    ...     lambda rng: Sequential(Linear(2, 2, rng=rng)), moons.X, moons.y,
    ...     cv=KFold(5, shuffle=True, rng=0), loss=CrossEntropy(),
    ...     optimizer=lambda model: SGD(model, lr=0.5), epochs=20, rng=1)
    >>> 0.8 < result.mean("accuracy") < 1
    True
"""

from nnlib.model_selection.cross_validation import Splitter, cross_validate
from nnlib.model_selection.holdout import HoldOut, RollingWindow, train_test_split
from nnlib.model_selection.nested import NestedResult, nested_cross_validate
from nnlib.model_selection.preprocessing import Preprocessor, Standardizer
from nnlib.model_selection.repeated import RepeatedKFold, RepeatedSplitter
from nnlib.model_selection.results import CVResult
from nnlib.model_selection.search import grid_search, random_search
from nnlib.model_selection.search_result import Candidate, SearchResult
from nnlib.model_selection.splitters import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    StratifiedKFold,
)

__all__ = [
    "CVResult",
    "Candidate",
    "GroupKFold",
    "HoldOut",
    "KFold",
    "LeaveOneOut",
    "NestedResult",
    "Preprocessor",
    "RepeatedKFold",
    "RepeatedSplitter",
    "RollingWindow",
    "SearchResult",
    "Splitter",
    "Standardizer",
    "StratifiedKFold",
    "cross_validate",
    "grid_search",
    "nested_cross_validate",
    "random_search",
    "train_test_split",
]
