"""What `stratified_split` is tried on, and the two properties that a split has whatever its order.

Shares are eighths, so that share · count is exact and rounds down alike everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from grading.exercises._declaration import Case, HandCase


def deals(rng: np.random.Generator) -> Case:
    """Draw labels whose every wrong treatment shows, whatever the permutation."""
    while True:
        n_classes = int(rng.integers(4, 7))
        tiny = int(rng.integers(n_classes - 1))  # the class that gives nothing is not the last
        counts = rng.choice(np.arange(5, 22), size=n_classes, replace=False)
        counts[tiny] = rng.integers(1, 4)
        share = float(rng.choice([0.125, 0.25, 0.375]))
        beyond = share * counts % 1
        # Some labels do not occur, and two are above 10.
        low = np.sort(rng.choice(9, size=n_classes - 2, replace=False))
        labels = np.concatenate([low, [rng.integers(11, 13), rng.integers(13, 15)]])
        targets = rng.permutation(np.repeat(labels, counts))
        permutation = rng.permutation(len(targets))
        if (
            ((beyond > 0) & (beyond < 0.5)).any()  # rounding up and to the nearest differ
            and (beyond > 0.5).any()  # rounding to the nearest and down differ
            and not np.isin(beyond, 0.5).any()  # nobody rounds a half differently
            and beyond.sum() >= 1  # a cut through all rows holds out more than the classes do
            and share * counts[tiny] < 1
            and int(share * np.delete(counts, tiny).min()) >= 1
            and int(share * len(targets) / n_classes) < int(share * counts.max())
            and _told_apart(targets, share, permutation)
        ):
            return Case({"targets": targets, "share": share, "permutation": permutation})


def _told_apart(
    targets: np.ndarray[Any, Any], share: float, permutation: np.ndarray[Any, Any]
) -> bool:
    """Tell whether places in the shuffled order, taken for rows, give other counts by class."""
    places: list[int] = []
    for label in np.unique(targets):
        of_class = np.flatnonzero(targets[permutation] == label)
        places.extend(of_class[: int(share * len(of_class))].tolist())
    counts = np.bincount(targets)
    taken = np.bincount(targets[places], minlength=len(counts))
    in_order = [
        np.flatnonzero(targets == label)[: int(share * m)] for label, m in enumerate(counts)
    ]
    held = [
        permutation[targets[permutation] == label][: int(share * m)]
        for label, m in enumerate(counts)
    ]
    return not np.array_equal(taken, np.floor(share * counts)) and any(
        set(left.tolist()) != set(right.tolist())
        for left, right in zip(in_order, held, strict=True)
    )


def row_missing_or_twice(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    """Name a row that is in no part, or in more than one place."""
    n = len(inputs["targets"])
    parts, fault = _parts(outputs, n)
    if fault:
        return fault
    times = np.bincount(np.concatenate(parts), minlength=n)
    missing, twice = np.flatnonzero(times == 0), np.flatnonzero(times > 1)
    if missing.size:
        return (
            f"{missing.size} of {n} rows are in no part, the first of them row {missing[0]}, of "
            f"class {inputs['targets'][missing[0]]}."
        )
    if twice.size:
        return f"{twice.size} of {n} rows appear more than once, the first of them row {twice[0]}."
    return None


def class_share_missed(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    """Name a class of which another number of rows is held out than its share, rounded down."""
    targets, share = inputs["targets"], inputs["share"]
    parts, fault = _parts(outputs, len(targets))
    if fault:
        return fault
    held = targets[parts[1]]
    for label in np.unique(targets):
        m, came = int((targets == label).sum()), int((held == label).sum())
        if came != int(share * m):
            return (
                f"{came} of the {m} rows of class {label} are held out, expected {int(share * m)}: "
                f"{share:g} of {m} is {share * m:g}, rounded down."
            )
    return None


def _parts(outputs: Mapping[str, Any], n: int) -> tuple[list[np.ndarray[Any, Any]], str]:
    """Return both parts as row numbers, or a sentence that says why they are none."""
    parts = []
    for name in ("rows_train", "rows_held_out"):
        came = outputs[name]
        if isinstance(came, list) and all(type(row) is int for row in came):
            came = np.array(came, dtype=np.int64)
        if isinstance(came, np.ndarray) and came.shape == (0,):
            came = came.astype(np.int64)  # no rows are no rows, whatever their type
        if not isinstance(came, np.ndarray) or came.ndim != 1 or came.dtype.kind not in "iu":
            return [], f"{name} is not an array of row numbers, which are whole numbers."
        if came.size and (came.min() < 0 or came.max() >= n):
            return [], f"{name} holds a number that is no row: there are the rows 0 to {n - 1}."
        parts.append(came.astype(np.int64))
    return parts, ""


# All rows of two classes far apart: none is left to train on.
HAND_ALL = HandCase(
    {
        "targets": np.array([12, 3, 3, 12, 3]),
        "share": 1.0,
        "permutation": np.array([3, 1, 0, 4, 2]),
    },
    {"rows_train": np.array([], dtype=int), "rows_held_out": np.array([0, 1, 2, 3, 4])},
)

# The example between the triple quotes: half of three rows and half of two are 1.5 and 1.
HAND = HandCase(
    {
        "targets": np.array([0, 0, 0, 1, 1]),
        "share": 0.5,
        "permutation": np.array([2, 0, 4, 1, 3]),
    },
    {"rows_train": np.array([0, 1, 3]), "rows_held_out": np.array([2, 4])},
)
