"""References of unit 02 agree with scikit-learn, with SciPy and with the library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.signal import spectrogram
from sklearn import metrics
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.preprocessing import StandardScaler

from grading.exercises import exercise
from nnlib import features


def drawn(name: str, criterion: int, rng: np.random.Generator) -> dict[str, Any]:
    """Draw the inputs of one random case."""
    each = exercise(name)
    return dict((each.criteria[criterion].draw or each.cases)(rng).inputs)


@pytest.mark.parametrize("criterion", [0, 2])
def test_standardize_agrees_with_a_scaler_fitted_on_training_rows(
    criterion: int, rng: np.random.Generator
) -> None:
    case = drawn("standardize", criterion, rng)
    scaler = StandardScaler().fit(case["X_train"])

    got = exercise("standardize").reference(**case)

    for part, name in zip(got, case, strict=True):
        np.testing.assert_allclose(part, scaler.transform(case[name]), rtol=1e-10, atol=1e-12)


def test_a_split_holds_out_as_many_of_each_class_as_a_stratified_shuffle(
    rng: np.random.Generator,
) -> None:
    targets = rng.permutation(np.repeat([0, 1, 2], [8, 16, 24]))  # a quarter of each is whole

    train, held = exercise("stratified_split").reference(targets, 0.25, rng.permutation(48))

    splitter = StratifiedShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
    peer_train, peer_held = next(splitter.split(targets, targets))
    np.testing.assert_array_equal(np.bincount(targets[held]), np.bincount(targets[peer_held]))
    np.testing.assert_array_equal(np.bincount(targets[train]), np.bincount(targets[peer_train]))


def test_batches_put_together_are_the_permutations(rng: np.random.Generator) -> None:
    case = drawn("minibatches", 1, rng)

    batches = list(exercise("minibatches").reference(**case))

    epochs = case["permutations"]
    order = epochs.ravel()
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), case["X"][order])
    np.testing.assert_array_equal(np.concatenate([t for _, t in batches]), case["targets"][order])
    assert len(batches) == len(epochs) * np.ceil(epochs.shape[1] / case["batch_size"])


@pytest.mark.parametrize("criterion", [0, 1])
def test_confusion_matrix_agrees_with_scikit_learn(
    criterion: int, rng: np.random.Generator
) -> None:
    case = drawn("confusion_matrix", criterion, rng)

    C = exercise("confusion_matrix").reference(**case)

    labels = range(case["n_classes"])
    peer = metrics.confusion_matrix(case["targets"], case["guesses"], labels=labels)
    np.testing.assert_array_equal(C, peer)


@pytest.mark.parametrize("criterion", [0, 3])
def test_macro_averages_agree_with_scikit_learn(criterion: int, rng: np.random.Generator) -> None:
    C = drawn("precision_recall_f1", criterion, rng)["C"]
    truth, guesses = (np.repeat(index.ravel(), C.ravel()) for index in np.indices(C.shape))

    got = exercise("precision_recall_f1").reference(C)

    peer = metrics.precision_recall_fscore_support(
        truth, guesses, labels=range(len(C)), average="macro", zero_division=0
    )
    np.testing.assert_allclose(got, peer[:3], rtol=1e-12)  # means of a few quotients


def test_counts_of_words_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    case = drawn("bag_of_words", 1, rng)

    X = exercise("bag_of_words").reference(**case)

    # "3.5" is one word to us, so words are what stands between spaces, less marks at the ends.
    word = r"[^\s.,!?](?:\S*[^\s.,!?])?"
    peer = CountVectorizer(vocabulary=case["vocabulary"], token_pattern=word)
    np.testing.assert_array_equal(X, peer.fit_transform(case["texts"]).toarray())


def test_counts_of_plain_words_agree_with_the_library(rng: np.random.Generator) -> None:
    case = drawn("bag_of_words", 0, rng)  # the library cuts at marks inside a word, too

    X = exercise("bag_of_words").reference(**case)

    numbers = {word: k for k, word in enumerate(case["vocabulary"])}
    np.testing.assert_array_equal(X, features.bag_of_words(case["texts"], numbers))


def test_spectrum_agrees_with_scipy(rng: np.random.Generator) -> None:
    case = drawn("log_power_spectrum", 0, rng)
    wave, window, hop = case.values()
    n = len(window)

    got = exercise("log_power_spectrum").reference(**case)

    _, _, density = spectrogram(
        wave, fs=1.0, window=window, nperseg=n, noverlap=n - hop, detrend=False, mode="psd"
    )
    density[1 : (n + 1) // 2] /= 2  # SciPy adds the mirrored half to all but the ends
    np.testing.assert_allclose(got, np.log(density.T + 1e-10), rtol=1e-9)


@pytest.mark.parametrize("criterion", [0, 1])
def test_area_agrees_with_scikit_learn(criterion: int, rng: np.random.Generator) -> None:
    case = drawn("roc_auc", criterion, rng)

    auc = exercise("roc_auc").reference(**case)

    assert auc == pytest.approx(metrics.roc_auc_score(case["targets"], case["scores"]), abs=1e-12)
