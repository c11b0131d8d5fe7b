"""Words and spectra against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from nnlib import ArgumentError, DtypeError, ShapeError, datasets
from nnlib.features import bag_of_words, build_vocabulary, log_power_spectrum, token_ids, tokenize

WORD = r"\w+(?:'\w+)*"


def test_counts_are_those_of_scikit_learn():
    sentences = datasets.load("film_sentences").X
    theirs = CountVectorizer(token_pattern=WORD)
    expected = theirs.fit_transform(sentences).toarray()

    vocabulary = build_vocabulary(sentences)

    assert vocabulary == theirs.vocabulary_
    counts = bag_of_words(sentences, vocabulary)
    np.testing.assert_array_equal(counts, expected)
    assert counts.dtype == np.float32


@given(st.lists(st.text("ab cD'ß1_-", max_size=20), min_size=1, max_size=6))
def test_any_text_is_counted_as_scikit_learn_does(texts):
    if not any(map(tokenize, texts)):
        with pytest.raises(ArgumentError, match="no word of 0 occurs"):
            build_vocabulary(texts)
        return
    theirs = CountVectorizer(token_pattern=WORD)
    expected = theirs.fit_transform(texts).toarray()

    vocabulary = build_vocabulary(texts)

    assert vocabulary == theirs.vocabulary_
    np.testing.assert_array_equal(bag_of_words(texts, vocabulary), expected)


def test_rare_words_can_be_left_out():
    texts = ["a b b c c c", "d d a"]

    assert build_vocabulary(texts, min_count=2) == {"a": 0, "b": 1, "c": 2, "d": 3}
    assert build_vocabulary(texts, min_count=3) == {"c": 0}
    # c three times; a, b and d twice each, of which the first in the alphabet stays
    assert build_vocabulary(texts, max_size=2) == {"a": 0, "c": 1}
    with pytest.raises(ArgumentError, match="no word of 4 occurs at least 9 times"):
        build_vocabulary(texts, min_count=9)


def test_ids_keep_the_order_fill_up_and_cut():
    vocabulary = build_vocabulary(["the old film"])

    ids = token_ids(["Film the odd", "old old old old old", ""], vocabulary, length=4)

    assert ids.tolist() == [[2, 4, 1, 0], [3, 3, 3, 3], [0, 0, 0, 0]]
    assert ids.dtype == np.int64


def test_a_curly_apostrophe_is_an_apostrophe():
    assert tokenize("Don’t!") == ["don't"]


@pytest.mark.parametrize(
    "call",
    [lambda texts: build_vocabulary(texts), lambda texts: bag_of_words(texts, {}),
     lambda texts: token_ids(texts, {}, 3)],
)  # fmt: skip
def test_a_lone_string_and_other_things_are_refused(call):
    with pytest.raises(DtypeError, match="texts is one string"):
        call("good film")
    with pytest.raises(DtypeError, match="text is 3, expected a string"):
        call([3])
    with pytest.raises(DtypeError, match="texts is 3, expected several strings"):
        call(3)


@pytest.mark.parametrize(
    "vocabulary", [["a", "b"], {"a": 0, "b": 5}, {"a": 0, "b": 0}, {"a": 0.0}, {"a": None}, None]
)
def test_a_vocabulary_that_does_not_number_its_words_is_refused(vocabulary):
    for call in (bag_of_words, lambda *a: token_ids(*a, 3)):
        with pytest.raises(ArgumentError, match=r"vocabulary is .*numbers its words from 0"):
            call(["a b"], vocabulary)


def test_counts_below_one_are_refused():
    with pytest.raises(ArgumentError, match="min_count is 0"):
        build_vocabulary(["a"], min_count=0)
    with pytest.raises(ArgumentError, match="max_size is 0"):
        build_vocabulary(["a"], max_size=0)
    with pytest.raises(ArgumentError, match="length is 0"):
        token_ids(["a"], {}, 0)


@given(
    frame=st.sampled_from([2, 7, 16, 33]), hop=st.integers(1, 20), extra=st.integers(0, 40),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_power_is_that_of_scipy(frame, hop, extra, seed):
    waves = np.random.default_rng(seed).normal(size=(3, frame + extra))
    frames = [
        scipy.signal.periodogram(
            waves[:, start : start + frame], window="hann", detrend=False, return_onesided=False
        )[1][:, : frame // 2 + 1]
        for start in range(0, extra + 1, hop)
    ]

    spectrum = log_power_spectrum(waves, frame=frame, hop=hop, floor=1e-12)

    # one Fourier transform in float64 beside another; the floor covers sums that cancel to zero
    np.testing.assert_allclose(
        np.exp(spectrum), np.stack(frames, axis=1) + 1e-12, rtol=1e-9, atol=1e-12
    )


def test_a_tone_stands_in_its_bin():
    t = np.arange(8000) / 8000
    tone = np.sin(2 * np.pi * 1000 * t).astype(np.float32)

    spectrum = log_power_spectrum(tone)

    assert spectrum.shape == (61, 129)
    assert spectrum.dtype == np.float32
    np.testing.assert_array_equal(spectrum.argmax(axis=-1), 1000 * 256 // 8000)


def test_silence_is_the_floor():
    # ln(0.001), to the six digits of float32
    spectrum = log_power_spectrum(np.zeros((2, 300), np.float32), floor=1e-3)
    np.testing.assert_allclose(spectrum, np.log(1e-3), rtol=1e-6)


def test_bad_waves_are_refused():
    with pytest.raises(ShapeError, match=r"\(2, 100\), expected \(..., T\) with T at least 256"):
        log_power_spectrum(np.zeros((2, 100)))
    with pytest.raises(ShapeError, match="waves have shape"):
        log_power_spectrum(3.0)
    with pytest.raises(ArgumentError, match="frame is 1"):
        log_power_spectrum(np.zeros(9), frame=1)
    with pytest.raises(ArgumentError, match="hop is 0"):
        log_power_spectrum(np.zeros(9), frame=4, hop=0)
    with pytest.raises(ArgumentError, match="floor is 0"):
        log_power_spectrum(np.zeros(9), frame=4, floor=0)
    with pytest.raises(ArgumentError, match="floor is 'a', expected a number"):
        log_power_spectrum(np.zeros(9), frame=4, floor="a")
    with pytest.raises(ArgumentError, match="floor is 1e-50, which is 0 in float32"):
        log_power_spectrum(np.zeros(9, np.float32), frame=4, floor=1e-50)
    assert np.isfinite(log_power_spectrum(np.zeros(9), frame=4, floor=1e-50)).all()
