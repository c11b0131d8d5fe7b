"""Every splitter, listed once, with data that it can split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnlib.model_selection import (
    GroupKFold,
    HoldOut,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    RepeatedSplitter,
    RollingWindow,
    StratifiedKFold,
)
from nnlib.model_selection.splitters import BaseSplitter


@dataclass(frozen=True)
class SplitterCase:
    """A splitter, and whether its test sets are a partition of the rows."""

    name: str
    build: Callable[[], BaseSplitter]
    partition: bool


CASES = (
    SplitterCase("kfold", lambda: KFold(4), True),
    SplitterCase("kfold_shuffled", lambda: KFold(4, shuffle=True, rng=3), True),
    SplitterCase("stratified", lambda: StratifiedKFold(3), True),
    SplitterCase("stratified_shuffled", lambda: StratifiedKFold(3, shuffle=True, rng=3), True),
    SplitterCase("leave_one_out", LeaveOneOut, True),
    SplitterCase("group_kfold", lambda: GroupKFold(3), True),
    SplitterCase("hold_out", lambda: HoldOut(0.3, rng=3), False),
    SplitterCase("hold_out_last_rows", lambda: HoldOut(5, shuffle=False), False),
    SplitterCase(
        "hold_out_stratified", lambda: HoldOut(0.3, n_repeats=3, stratify=True, rng=3), False
    ),
    SplitterCase("rolling_expanding", lambda: RollingWindow(3, gap=1), False),
    SplitterCase(
        "rolling_fixed",
        lambda: RollingWindow(2, train_size=4, test_size=3, gap=2, expanding=False),
        False,
    ),
    SplitterCase("repeated_kfold", lambda: RepeatedKFold(4, 2, rng=3), False),
    SplitterCase(
        "repeated_stratified",
        lambda: RepeatedSplitter(StratifiedKFold(3, shuffle=True), 2, rng=3),
        False,
    ),
)


def data(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, labels of three classes, and five groups of unequal size."""
    labels = rng.permutation(np.arange(n) % 3)
    groups = rng.permutation(np.minimum(np.arange(n) // 2, 4))
    return rng.normal(size=(n, 2)), labels, groups
