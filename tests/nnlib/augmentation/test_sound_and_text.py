"""Recordings and sentences: exact where nothing is drawn, distributions where something is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nnlib import ArgumentError, DtypeError, NNLibError, ShapeError
from nnlib.augmentation import Gain, NoiseAtSNR, Sometimes, TimeShift, WordDrop

N = 4000


def test_time_shifts_are_uniform_and_leave_silence_behind(rng):
    X = np.broadcast_to(np.arange(1.0, 12.0), (N, 11))

    moved, _ = TimeShift(3, fill=-1.0)(X, np.zeros(N), rng)

    distances = 6 - moved[:, 5].astype(int)
    assert stats.chisquare(np.bincount(distances + 3, minlength=7)).pvalue > 1e-6
    for row, distance in zip(moved, distances, strict=True):
        expected = np.full(11, -1.0)
        inside = np.arange(max(0, distance), min(11, 11 + distance))
        expected[inside] = inside - distance + 1
        np.testing.assert_array_equal(row, expected)


def test_a_shift_longer_than_the_recording_leaves_silence():
    moved, _ = TimeShift(100)(np.ones((200, 4)), np.zeros(200), 0)

    assert (moved.sum(axis=1) == 0).any()
    np.testing.assert_array_equal(TimeShift(0)(np.ones((2, 4)), [0, 1], 0)[0], 1.0)


def test_gain_is_in_decibels_of_amplitude_and_uniform(rng):
    X = np.ones((N, 2))

    louder, _ = Gain(-6, 10)(X, np.zeros(N), rng)

    np.testing.assert_array_equal(louder[:, 0], louder[:, 1])
    decibels = 20 * np.log10(louder[:, 0])
    assert stats.kstest(decibels, stats.uniform(-6, 16).cdf).pvalue > 1e-6


@pytest.mark.parametrize("amplitude", [0.01, 30.0])
def test_noise_has_the_ratio_asked_for_whatever_the_loudness(rng, amplitude):
    X = amplitude * np.sin(np.linspace(0, 400, 50_000))[np.newaxis]

    noise = NoiseAtSNR(15, 15)(X, [0], rng)[0] - X

    power = (noise**2).mean()
    expected = (X**2).mean() / 10**1.5
    # five standard errors of a variance from 50,000 numbers
    assert abs(power / expected - 1) < 5 * np.sqrt(2 / 50_000)


def test_ratios_differ_from_row_to_row_and_silence_stays(rng):
    X = np.ones((50, 2000))
    X[0] = 0

    noise = NoiseAtSNR(0, 40)(X, np.zeros(50), rng)[0] - X

    assert not noise[0].any()
    ratios = -10 * np.log10((noise[1:] ** 2).mean(axis=1))
    assert ratios.min() < 8
    assert ratios.max() > 32


SENTENCE = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog"]


def test_words_keep_their_order_and_sentences_their_kind(rng):
    texts, arrays = [" ".join(SENTENCE)] * 3, [np.arange(9)] * 3

    [text, *_], labels = WordDrop(0.5)(texts, ["a", "b", "c"], 1)
    [words, *_], _ = WordDrop(0.5)([SENTENCE, tuple(SENTENCE)], [0, 1], 1)
    [numbers, *_], _ = WordDrop(0.5)(arrays, [0, 1, 2], 1)

    kept = [SENTENCE.index(word) for word in dict.fromkeys(words)]
    assert text == " ".join(words)
    assert kept == sorted(kept)
    assert [SENTENCE[i] for i in numbers] == words
    assert 0 < len(words) < 9
    assert labels == ["a", "b", "c"]


def test_each_word_is_left_out_at_the_rate(rng):
    words = np.broadcast_to(np.arange(1, 31), (N, 30))

    kept = WordDrop(0.3)(words, np.zeros(N), rng)[0] > 0

    # with 30 words, 0.3³⁰ of the sentences meet the exception for empty ones
    shares = kept.mean(axis=0)
    assert abs(shares - 0.7).max() < 5 * np.sqrt(0.21 / N)
    correlation = np.corrcoef(kept[:, 0], kept[:, 1])[0, 1]
    assert abs(correlation) < 5 / np.sqrt(N)


def test_places_of_words_left_out_are_filled_and_padding_stays(rng):
    words = np.array([[5, 6, 7, 0, 0], [8, 0, 0, 0, 0]])

    for seed in range(30):
        new, _ = WordDrop(0.9)(words, [0, 1], seed)
        assert ((new == words) | (new == 0)).all()
        assert (new[0] > 0).any()
        assert new[1, 0] == 8  # its only word


def test_the_word_that_stays_alone_is_each_as_often(rng):
    words = np.broadcast_to(np.arange(1, 4), (N, 3))

    new, _ = WordDrop(0.999)(words, np.zeros(N), rng)

    assert stats.chisquare(np.bincount(new.max(axis=1) - 1, minlength=3)).pvalue > 1e-6


@given(
    sentences=st.lists(st.lists(st.integers(1, 9), min_size=0, max_size=6), max_size=5),
    rate=st.floats(0, 0.999),
    seed=st.integers(0, 99),
)
def test_no_sentence_with_words_becomes_empty(sentences, rate, seed):
    texts = [" ".join(map(str, words)) for words in sentences]
    labels = list(range(len(sentences)))

    shorter, _ = WordDrop(rate)(sentences, labels, seed)
    shorter_texts, _ = WordDrop(rate)(texts, labels, seed)

    assert [bool(words) for words in shorter] == [bool(words) for words in sentences]
    assert shorter_texts == [" ".join(map(str, words)) for words in shorter]


def test_a_rate_of_zero_changes_nothing():
    words = np.arange(12).reshape(3, 4)

    np.testing.assert_array_equal(WordDrop(0)(words, [0, 1, 2], 0)[0], words)
    assert WordDrop(0)([SENTENCE], [0], 0)[0] == [SENTENCE]


def test_another_number_may_stand_for_no_word():
    words = np.array([[0, 1, 2, -1]])

    new, _ = WordDrop(0.99, fill=-1)(words, [0], 3)

    assert (new == -1).sum() >= 2
    assert new[0, 3] == -1
    assert (new != -1).any()


def test_an_array_of_texts_is_a_list_of_texts():
    new, _ = WordDrop(0.5)(np.array(["a b c d", "e"]), [0, 1], 1)

    assert new[1] == "e"
    assert new == WordDrop(0.5)(["a b c d", "e"], [0, 1], 1)[0]


def test_sentences_are_dropped_from_sometimes(rng):
    sentences = [SENTENCE] * 200

    new, labels = Sometimes(0.5, WordDrop(0.9))(sentences, np.arange(200), rng)

    changed = sum(words != SENTENCE for words in new)
    assert 60 < changed < 140  # 100 of 200, five standard errors are 35
    np.testing.assert_array_equal(labels, np.arange(200))
    assert sentences == [SENTENCE] * 200


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: TimeShift(-1), ArgumentError, "most is -1"),
        (lambda: Gain(3, 1), ArgumentError, "low and high are 3 and 1"),
        (lambda: NoiseAtSNR(np.inf), ArgumentError, "NoiseAtSNR: low and high is inf"),
        (lambda: WordDrop(1.0), ArgumentError, "rate is 1.0"),
        (lambda: WordDrop(0.1, fill="x"), ArgumentError, "fill is 'x'"),
        (lambda: Gain()(np.ones((2, 3, 4)), [0, 1]), ShapeError, r"expected \(N, T\)"),
        (lambda: Gain()(np.ones((2, 3), bool), [0, 1]), DtypeError, "X is bool"),
        (lambda: WordDrop()("one text", [0]), DtypeError, "expected a list of sentences"),
        (lambda: WordDrop()(3, [0]), DtypeError, "X is 3"),
        (lambda: WordDrop()(["a b"], [0, 1]), ShapeError, "1 sentences and y has shape"),
        (lambda: WordDrop()(["a b"], 0), ShapeError, r"y has shape \(\)"),
        (lambda: WordDrop()(np.ones((1, 2, 3), int), [0]), ShapeError, r"expected \(N, T\)"),
        (lambda: WordDrop()(np.ones((1, 2), bool), [0]), DtypeError, "words are bool"),
        (lambda: WordDrop()([3], [0]), DtypeError, "a sentence is 3"),
        (lambda: WordDrop()(["a b"], [0], "seed"), ArgumentError, "rng is 'seed'"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()

    assert isinstance(caught.value, NNLibError)
