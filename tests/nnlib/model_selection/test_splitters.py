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


@given(k=st.integers(2, 9), more=st.integers(0, 50))
@quick
def test_kfold_gives_the_folds_of_scikit_learn(k, more):
    n = k + more

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


@st.composite
def classes_for_folds(draw: st.DrawFn, *, each: bool = False) -> tuple[np.ndarray, int]:
    """Draw labels and a number of folds, with a class (or each) that has a row for every fold."""
    k = draw(st.integers(2, 6))
    sizes = [draw(st.integers(k, 15))]
    sizes += draw(st.lists(st.integers(k if each else 1, 15), max_size=3))
    names = draw(st.permutations(range(len(sizes))))
    rows = np.repeat(names, sizes)
    seed = draw(st.integers(0, 2**16))
    return np.random.default_rng(seed).permutation(rows), k


@given(drawn=classes_for_folds(), shuffle=st.booleans(), seed=st.integers(0, 99))
@quick
def test_stratified_folds_differ_by_one_row_in_each_class(drawn, shuffle, seed):
    y, k = drawn

    folds = list(StratifiedKFold(k, shuffle=shuffle, rng=seed).split(y, y))

    counts = np.array([np.bincount(y[test], minlength=4) for _, test in folds])
    assert (np.ptp(counts, axis=0) <= 1).all()
    assert np.ptp(counts.sum(axis=1)) <= 1
    assert (counts.sum(axis=0) == np.bincount(y, minlength=4)).all()


@given(drawn=classes_for_folds(each=True))
@quick
def test_stratified_folds_are_those_of_scikit_learn(drawn):
    y, k = drawn

    same_folds(StratifiedKFold(k).split(y, y), sklearn.StratifiedKFold(k).split(y, y))


@given(seed=st.integers(0, 99))
@quick
def test_shuffled_rows_of_a_class_are_drawn_not_taken_in_order(seed):
    y = np.repeat([0, 1], 30)

    folds = [test for _, test in StratifiedKFold(2, shuffle=True, rng=seed).split(y, y)]

    assert any(np.ptp(test[test < 30]) >= 15 for test in folds)


@st.composite
def groups_for_folds(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Draw groups and a number of folds of which there are no more than groups."""
    sizes = draw(st.lists(st.integers(1, 7), min_size=2, max_size=9))
    seed = draw(st.integers(0, 2**16))
    rows = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    return rows, draw(st.integers(2, min(len(sizes), 4)))


@given(drawn=groups_for_folds())
@quick
def test_groups_are_never_on_both_sides_and_folds_are_as_large_as_scikit_learns(drawn):
    g, k = drawn

    folds = list(GroupKFold(k).split(g, groups=g))

    for train, test in folds:
        assert not set(g[train]) & set(g[test])
    theirs = [len(test) for _, test in sklearn.GroupKFold(k).split(g, groups=g)]
    assert [len(test) for _, test in folds] == theirs


def test_groups_of_different_sizes_give_the_folds_of_scikit_learn(rng):
    g = rng.permutation(np.repeat(np.arange(6), [3, 9, 1, 5, 12, 7]))

    same_folds(GroupKFold(3).split(g, groups=g), sklearn.GroupKFold(3).split(g, groups=g))


def test_what_is_missing_from_a_stratified_hold_out_is_taken_where_most_is_missing():
    y = np.repeat([0, 1, 2], [10, 14, 16])

    for seed in range(5):
        ((_, test),) = HoldOut(7, stratify=True, rng=seed).split(y, y)
        # 7 / 40 of each class is 1.75, 2.45 and 2.8: the first and the last get one more.
        assert np.bincount(y[test]).tolist() == [2, 2, 3]


@given(n=st.integers(12, 60), share=st.floats(0.05, 0.9), seed=st.integers(0, 99))
@quick
def test_hold_out_tests_the_share_rounded_up(n, share, seed):
    expected = int(np.ceil(share * n))

    ((train, test),) = HoldOut(share, rng=seed).split(range(n))

    assert len(test) == expected
    assert len(train) + len(test) == n


@given(y=labels, share=st.floats(0.1, 0.85), seed=st.integers(0, 99))
@quick
def test_a_stratified_hold_out_takes_its_share_of_each_class(y, share, seed):
    expected = int(np.ceil(share * len(y)))

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
    with pytest.raises(ShapeError, match="the rows of y differ in length"):
        list(StratifiedKFold(2).split(range(2), [[0], [0, 1]]))
    mixed = np.array([1, "a", 1, "a"], object)
    for values in (mixed, [1, "a", 1, "a"]):
        with pytest.raises(DtypeError, match="y holds int and str, expected labels of one kind"):
            list(StratifiedKFold(2).split(range(4), values))
    for values in (["a", None, "b", "b"], [None] * 4, ["a", np.nan, "b", "b"]):
        with pytest.raises(DtypeError, match=r"groups holds .*, expected labels of one kind"):
            list(GroupKFold(2).split(range(4), groups=values))
    with pytest.raises(DtypeError, match="y is float64, expected labels"):
        list(StratifiedKFold(2).split(range(4), [0.1, 0.2, 0.3, 0.4]))


def test_a_column_of_text_gives_the_folds_of_its_words():
    words = ["b", "a", "b", "a", "b"]

    same_folds(
        StratifiedKFold(2).split(words, np.array(words, object)),
        StratifiedKFold(2).split(words, words),
    )


def test_hold_out_shows_how_it_draws():
    assert repr(HoldOut(0.3, stratify=True)) == (
        "HoldOut(test_size=0.3, n_repeats=1, stratify=True, shuffle=True)"
    )
    assert "shuffle=False" in repr(HoldOut(3, shuffle=False))
