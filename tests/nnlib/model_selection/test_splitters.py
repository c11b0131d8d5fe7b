"""Each splitter beyond the contract: against scikit-learn, and by its properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import model_selection as sklearn

from nnlib import ArgumentError, DtypeError, ShapeError
from nnlib.model_selection import (
    GroupKFold,
    HoldOut,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    RepeatedSplitter,
    RollingWindow,
    StratifiedKFold,
    train_test_split,
)

quick = settings(deadline=None, max_examples=40)
labels = st.lists(st.integers(0, 3), min_size=8, max_size=60).map(np.array)


def same_folds(ours, theirs) -> None:
    for (train, test), (their_train, their_test) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(train, their_train)
        np.testing.assert_array_equal(test, their_test)


@given(n=st.integers(2, 60), k=st.integers(2, 9))
@quick
def test_kfold_gives_the_folds_of_scikit_learn(n, k):
    assume(n >= k)

    same_folds(KFold(k).split(range(n)), sklearn.KFold(k).split(np.zeros(n)))


@given(n=st.integers(2, 30))
@quick
def test_leave_one_out_gives_the_folds_of_scikit_learn(n):
    same_folds(LeaveOneOut().split(range(n)), sklearn.LeaveOneOut().split(np.zeros(n)))


@given(
    n=st.integers(2, 60), k=st.integers(2, 6), test_size=st.none() | st.integers(1, 8),
    gap=st.integers(0, 4), window=st.none() | st.integers(1, 20),
)  # fmt: skip
@quick
def test_rolling_window_gives_the_folds_of_scikit_learn(n, k, test_size, gap, window):
    peer = sklearn.TimeSeriesSplit(k, max_train_size=window, test_size=test_size, gap=gap)
    ours = RollingWindow(
        k, train_size=window, test_size=test_size, gap=gap, expanding=window is None
    )
    try:
        theirs = list(peer.split(np.zeros(n)))
    except ValueError:
        with pytest.raises(ArgumentError, match="expected at least"):
            list(ours.split(range(n)))
        return
    if window is not None and len(theirs[0][0]) < window:  # there it takes what is left
        with pytest.raises(ArgumentError, match="expected at least"):
            list(ours.split(range(n)))
        return

    same_folds(ours.split(range(n)), theirs)


@given(
    n=st.integers(10, 80), k=st.integers(1, 5), gap=st.integers(0, 3),
    train_size=st.integers(1, 9), expanding=st.booleans(),
)  # fmt: skip
@quick
def test_rolling_window_never_looks_into_the_future(n, k, gap, train_size, expanding):
    splitter = RollingWindow(k, train_size=train_size, gap=gap, expanding=expanding)
    try:
        folds = list(splitter.split(range(n)))
    except ArgumentError:
        assume(False)

    for train, test in folds:
        assert train.max() + gap < test.min()
        assert train.min() == 0 or not expanding
        assert len(train) == train_size or expanding
        assert len(train) >= train_size
    assert folds[-1][1].max() == n - 1


@given(y=labels, k=st.integers(2, 6), shuffle=st.booleans(), seed=st.integers(0, 99))
@quick
def test_stratified_folds_differ_by_one_row_in_each_class(y, k, shuffle, seed):
    assume(np.bincount(y).max() >= k)

    folds = list(StratifiedKFold(k, shuffle=shuffle, rng=seed).split(y, y))

    counts = np.array([np.bincount(y[test], minlength=4) for _, test in folds])
    assert (np.ptp(counts, axis=0) <= 1).all()
    assert np.ptp(counts.sum(axis=1)) <= 1
    assert (counts.sum(axis=0) == np.bincount(y, minlength=4)).all()


@given(y=labels, k=st.integers(2, 6))
@quick
def test_stratified_folds_hold_as_much_of_each_class_as_those_of_scikit_learn(y, k):
    assume(np.unique(y, return_counts=True)[1].min() >= k)
    # scikit-learn numbers classes as they first appear, we as they are sorted: make that the same.
    first = np.unique(y, return_index=True)[1]
    y = np.argsort(np.argsort(first))[np.unique(y, return_inverse=True)[1]]

    ours = [np.bincount(y[test]).tolist() for _, test in StratifiedKFold(k).split(y, y)]

    theirs = sklearn.StratifiedKFold(k).split(y, y)
    assert ours == [np.bincount(y[test]).tolist() for _, test in theirs]


@given(groups=st.lists(st.integers(0, 8), min_size=6, max_size=50), k=st.integers(2, 4))
@quick
def test_groups_are_never_on_both_sides_and_folds_are_as_even_as_scikit_learns(groups, k):
    assume(len(set(groups)) >= k)
    g = np.array(groups)

    folds = list(GroupKFold(k).split(g, groups=g))

    for train, test in folds:
        assert not set(g[train]) & set(g[test])
    theirs = [len(test) for _, test in sklearn.GroupKFold(k).split(g, groups=g)]
    assert sorted(len(test) for _, test in folds) == sorted(theirs)


@given(n=st.integers(2, 50), share=st.floats(0.05, 0.9), seed=st.integers(0, 99))
@quick
def test_hold_out_tests_the_share_rounded_up(n, share, seed):
    expected = int(np.ceil(share * n))
    assume(expected < n)

    ((train, test),) = HoldOut(share, rng=seed).split(range(n))

    assert len(test) == expected
    assert len(train) + len(test) == n


@given(y=labels, share=st.floats(0.1, 0.9), seed=st.integers(0, 99))
@quick
def test_a_stratified_hold_out_takes_its_share_of_each_class(y, share, seed):
    expected = int(np.ceil(share * len(y)))
    assume(expected < len(y))

    ((_, test),) = HoldOut(share, stratify=True, rng=seed).split(y, y)

    taken = np.bincount(y[test], minlength=4)
    exact = np.bincount(y, minlength=4) * expected / len(y)
    assert len(test) == expected
    assert (abs(taken - exact) < 1 + 1e-9).all()


def test_shuffled_folds_are_drawn_evenly(rng):
    """Each row is in each of four folds in a quarter of the draws."""
    hits = np.zeros(10)
    for _ in range(2000):
        hits[next(KFold(4, shuffle=True, rng=rng).split(range(10)))[1]] += 1

    expected = 3 / 10  # the first fold of ten rows has three
    assert abs(hits / 2000 - expected).max() < 5 * np.sqrt(expected * (1 - expected) / 2000)


def test_repeats_differ():
    folds = [tuple(test) for _, test in RepeatedKFold(2, 5, rng=0).split(range(12))]

    assert len(set(folds)) == 10
    for i in range(0, 10, 2):
        assert sorted(folds[i] + folds[i + 1]) == list(range(12))


def test_only_what_shuffles_can_be_repeated():
    for splitter in (KFold(3), LeaveOneOut(), KFold, None):
        with pytest.raises(ArgumentError, match="expected one with shuffle=True"):
            RepeatedSplitter(splitter)
    repeated = RepeatedSplitter(HoldOut(3), n_repeats=4, rng=0)
    assert [len(test) for _, test in repeated.split(range(9))] == [3] * 4


@pytest.mark.parametrize("stratify", [False, True])
def test_train_test_split_keeps_rows_and_targets_together(stratify):
    X, y = np.arange(40).reshape(20, 2), np.arange(20) % 2

    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=stratify, rng=0)

    assert (len(X_train), len(X_test)) == (15, 5)
    np.testing.assert_array_equal(X_train[:, 0] // 2 % 2, y_train)
    np.testing.assert_array_equal(X_test[:, 0] // 2 % 2, y_test)
    assert set(X_train[:, 0]) | set(X_test[:, 0]) == set(X[:, 0])
    with pytest.raises(ShapeError, match="expected the same number of rows"):
        train_test_split(X, y[:-1])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: KFold(1), "KFold: n_splits is 1, expected a whole number of at least 2"),
        (lambda: KFold(3, rng="a"), "KFold: rng is 'a'"),
        (lambda: HoldOut(0.0), "HoldOut: test_size is 0.0, expected a share"),
        (lambda: HoldOut(1.0), "HoldOut: test_size is 1.0"),
        (lambda: HoldOut(True), "HoldOut: test_size is True"),
        (lambda: HoldOut(3, shuffle=False, n_repeats=2), "takes the last rows once"),
        (lambda: HoldOut(3, shuffle=False, stratify=True), "takes the last rows once"),
        (lambda: RollingWindow(3, expanding=False), "expected a train_size"),
        (lambda: RollingWindow(3, test_size=0), "test_size is 0"),
        (lambda: RollingWindow(3, gap=-1), "gap is -1"),
        (lambda: RepeatedKFold(3, 0), "n_repeats is 0"),
        (lambda: list(HoldOut(5).split(range(5))), "5 of 5 rows would be tested"),
        (lambda: list(KFold(4).split(range(3))), "there are 3 rows, expected at least 4"),
        (lambda: list(StratifiedKFold(3).split(range(4))), "y is missing"),
        (lambda: list(StratifiedKFold(3).split(range(4), [0, 1, 2, 3])), "largest class has 1"),
        (lambda: list(GroupKFold(3).split(range(4))), "groups is missing"),
        (lambda: list(GroupKFold(3).split(range(4), groups=[0, 1, 1, 0])), "there are 2 groups"),
        (lambda: LeaveOneOut().get_n_splits(), "X is missing"),
        (lambda: list(RollingWindow(3).split(range(3))), "expected at least 4"),
        (
            lambda: list(RollingWindow(2, train_size=5).split(range(8))),
            "8 rows leave 4 to train the first fold on, expected at least 5",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_split_is_named(build, message):
    with pytest.raises(ArgumentError, match=message):
        build()


def test_labels_have_one_entry_a_row_and_are_labels():
    with pytest.raises(ShapeError, match=r"y has shape \(3,\), expected \(4,\)"):
        list(StratifiedKFold(2).split(range(4), [0, 1, 0]))
    with pytest.raises(DtypeError, match="y is float64, expected labels"):
        list(StratifiedKFold(2).split(range(4), [0.1, 0.2, 0.3, 0.4]))
