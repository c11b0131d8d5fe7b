"""What is embedded and made on the spot beyond the digits: values, balance, licences."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
import sklearn.feature_extraction.text
import sklearn.linear_model
import sklearn.model_selection
import sklearn.pipeline
from hypothesis import given
from hypothesis import strategies as st

import nnlib.datasets
from nnlib import ArgumentError, datasets

FOLDER = Path(nnlib.datasets.__file__).parent


def test_every_name_of_the_list_that_needs_no_download_loads_with_its_licence():
    infos = [i for i in datasets.describe() if i.location in {"embedded", "generated"}]

    for info in infos:
        data = datasets.load(info.name)
        assert info.available
        if info.name != "worked_example":
            assert data.name == info.name
            assert data.licence == info.licence
            assert data.description
            assert data.citation
            assert data.y.shape == (len(data.X),)
    assert len(infos) == 15


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("breast_cancer", "breast_cancer.npz"),
        ("spoken_digits_60", "spoken_digits.npz"),
        ("film_sentences", "film_sentences.txt"),
        ("sunspots", "sunspots.csv"),
        ("co2", "co2.csv"),
        ("nile", "nile.csv"),
    ],
)
def test_the_list_gives_the_size_of_the_embedded_file(name, file):
    info = {info.name: info for info in datasets.describe()}[name]

    assert info.size_bytes == (FOLDER / file).stat().st_size


def test_breast_cancer_is_that_of_scikit_learn():
    theirs = sklearn.datasets.load_breast_cancer()

    ours = datasets.load("breast_cancer")

    np.testing.assert_array_equal(ours.X, theirs.data.astype(np.float32))
    np.testing.assert_array_equal(ours.y, theirs.target)
    assert ours.target_names == tuple(theirs.target_names)
    assert ours.feature_names == tuple(theirs.feature_names)
    assert ours.y.dtype == np.int64
    assert np.bincount(ours.y).tolist() == [212, 357]


def test_sixty_digits_are_each_digit_once_by_each_speaker():
    data = datasets.load("spoken_digits_60")

    assert data.X.shape == (60, 8000)
    assert data.X.dtype == np.float32
    assert data.rate == 8000
    pairs = Counter(zip(data.y.tolist(), data.speakers.tolist(), strict=True))
    assert set(pairs.values()) == {1}
    assert np.bincount(data.y).tolist() == [6] * 10
    assert np.abs(data.X).max() <= 1
    for row, n in zip(data.X, data.lengths, strict=True):
        assert (row[n:] == 0).all()
        assert (row[:n] != 0).any()


def test_recordings_are_cut_or_filled_to_the_length_asked_for():
    whole, short = (datasets.load("spoken_digits_60", length=n) for n in (8000, 2000))

    np.testing.assert_array_equal(short.X, whole.X[:, :2000])
    np.testing.assert_array_equal(short.lengths, np.minimum(whole.lengths, 2000))
    with pytest.raises(ArgumentError, match=r'spoken_digits_60"\): length is 0, expected a whole'):
        datasets.load("spoken_digits_60", length=0)


def test_the_licence_of_the_recordings_lies_beside_them():
    text = (FOLDER / "LICENSE-spoken-digits.txt").read_text(encoding="utf-8")

    for part in (
        "CC BY-SA 4.0",
        "creativecommons.org/licenses/by-sa/4.0/",
        "Z. Jackson",
        "Changes",
    ):
        assert part in text


def test_a_set_and_its_parts_show_their_shapes():
    digits, films = datasets.load("digits"), datasets.load("film_sentences")

    assert repr(films) == (
        "TextDataset('film_sentences', X (332,), y (332,), target_names=('negative', 'positive'))"
    )
    assert repr(digits).startswith("Dataset('digits', X (1797, 64), y (1797,), ")
    assert repr(digits.split()) == (
        "Split(X_train (1078, 64), X_validation (359, 64), X_test (360, 64))"
    )


def test_many_names_are_shortened():
    names = tuple("abcdefghijk")
    rows = np.zeros((2, 1), np.float32), np.zeros(2, np.int64)
    data = datasets.Dataset("letters", *rows, names, "", "", "", *rows)

    assert repr(data) == (
        "Dataset('letters', X (2, 1), y (2,), X_test (2, 1), y_test (2,), "
        "target_names=('a', 'b', 'c', ..., 'k'))"
    )


def test_film_sentences_are_balanced_varied_and_unique():
    data = datasets.load("film_sentences")

    assert data.X.shape == data.y.shape == data.sources.shape == (332,)
    assert np.bincount(data.y).tolist() == [166, 166]
    assert all(type(sentence) is str and sentence == sentence.strip() for sentence in data.X)
    assert len(set(data.X)) == 332
    assert data.y[list(data.X).index("The thriller forgets to be thrilling.")] == 0
    parts = data.split(rng=1)
    assert type(parts.X_train[0]) is str
    assert len(parts.X_test) == 66


def test_film_sentences_can_be_learned_from_their_words():
    data = datasets.load("film_sentences")
    model = sklearn.pipeline.make_pipeline(
        sklearn.feature_extraction.text.CountVectorizer(), sklearn.linear_model.LogisticRegression()
    )
    folds = sklearn.model_selection.RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)

    scores = sklearn.model_selection.cross_val_score(model, data.X, data.y, cv=folds)

    assert 0.7 < scores.mean() < 0.9  # better than guessing, and not given away by one word


@pytest.mark.parametrize(
    ("name", "n", "first", "last"),
    [("sunspots", 309, ("1700-01-01", 5.0), ("2008-01-01", 2.9)),
     ("co2", 2284, ("1958-03-29", 316.1), ("2001-12-29", 371.5)),
     ("nile", 100, ("1871-01-01", 1120.0), ("1970-01-01", 740.0))],
)  # fmt: skip
def test_series_are_those_of_their_files(name, n, first, last):
    data = datasets.load(name)

    assert data.X.shape == (n, 1)
    assert data.X.dtype == data.y.dtype == np.float32
    for i, (day, value) in ((0, first), (-1, last)):
        assert str(data.times[i]) == day
        assert data.y[i] == np.float32(value)
    assert (np.diff(data.times) > np.timedelta64(0)).all()
    assert data.X[0, 0] == 0
    rows = list(csv.reader((FOLDER / f"{name}.csv").read_text(encoding="ascii").splitlines()))[1:]
    known = [float(value) for _, value in rows if value]
    np.testing.assert_array_equal(data.y[np.isfinite(data.y)], np.float32(known))


@pytest.mark.parametrize(
    # 15,981 days lie between the first and the last week: 43 · 365 + 11 leap days + 275
    ("name", "last"), [("sunspots", 308), ("nile", 99), ("co2", 15_981 / 365.25)],
)  # fmt: skip
def test_time_is_counted_in_years(name, last):
    data = datasets.load(name)

    assert data.X[-1, 0] == np.float32(last)
    if name != "co2":
        np.testing.assert_array_equal(data.X[:, 0], np.arange(last + 1))


def test_missing_weeks_stay_missing_unless_a_line_is_asked_for():
    gaps, filled = datasets.load("co2"), datasets.load("co2", fill="linear")
    missing = np.isnan(gaps.y)

    assert missing.sum() == 59
    assert np.isfinite(filled.y).all()
    np.testing.assert_array_equal(filled.y[~missing], gaps.y[~missing])
    i = int(np.flatnonzero(missing & ~np.roll(missing, 1) & ~np.roll(missing, -1))[0])
    # a gap of one week lies half way between its neighbors; float32 has 2.4e-5 at 316
    assert filled.y[i] == pytest.approx((gaps.y[i - 1] + gaps.y[i + 1]) / 2, abs=1e-4)
    with pytest.raises(ArgumentError, match='fill is 0, expected "linear" or None'):
        datasets.load("co2", fill=0)
    with pytest.raises(ArgumentError, match="unknown option fill, expected none"):
        datasets.load("nile", fill="linear")


def test_a_series_is_cut_in_the_order_of_time():
    nile = datasets.load("nile")

    parts = nile.split(validation=0.2, test=0.1)

    together = np.concatenate([parts.y_train, parts.y_validation, parts.y_test])
    np.testing.assert_array_equal(together, nile.y)
    assert (len(parts.y_train), len(parts.y_validation), len(parts.y_test)) == (70, 20, 10)
    np.testing.assert_array_equal(parts.rows_test, np.arange(90, 100))
    with pytest.raises(ArgumentError, match="expected shares above 0"):
        nile.split(validation=0.6, test=0.6)
    with pytest.raises(ArgumentError, match="100 rows are too few"):
        nile.split(validation=0.001)


@given(length=st.integers(1, 12), horizon=st.integers(1, 9))
def test_windows_hold_the_values_before_their_target(length, horizon):
    nile = datasets.load("nile")

    pieces, targets = nile.windows(length, horizon=horizon)

    assert len(pieces) == len(targets) == 100 - length - horizon + 1
    for i in (0, len(pieces) // 2, len(pieces) - 1):
        np.testing.assert_array_equal(pieces[i], nile.y[i : i + length])
        assert targets[i] == nile.y[i + length - 1 + horizon]


def test_windows_leave_out_what_touches_a_gap_and_refuse_what_is_too_long():
    pieces, targets = datasets.load("co2").windows(10)

    assert np.isfinite(pieces).all()
    assert np.isfinite(targets).all()
    with pytest.raises(ArgumentError, match="length=100 and horizon=1, expected at most 100"):
        datasets.load("nile").windows(100)
    with pytest.raises(ArgumentError, match="horizon is 0"):
        datasets.load("nile").windows(3, horizon=0)


@given(n=st.integers(5, 60), n_classes=st.integers(2, 5), seed=st.integers(0, 9))
def test_blobs_lie_around_the_corners_of_a_polygon(n, n_classes, seed):
    still = datasets.load("blobs", n=n, n_classes=n_classes, noise=0.0, rng=seed)

    counts = np.bincount(still.y, minlength=n_classes)
    assert counts.max() - counts.min() <= 1
    corner = np.exp(2j * np.pi * still.y / n_classes)
    # float32 of numbers up to 1
    np.testing.assert_allclose(still.X[:, 0] + 1j * still.X[:, 1], corner, atol=1e-6)


@given(n=st.integers(2, 60), factor=st.floats(0.1, 0.9))
def test_circles_have_two_radii(n, factor):
    rings = datasets.load("circles", n=n, factor=factor, noise=0.0)

    radius = np.linalg.norm(rings.X, axis=1)
    np.testing.assert_allclose(radius, np.where(rings.y == 1, factor, 1.0), rtol=1e-5)
    assert np.bincount(rings.y).tolist() == [n - n // 2, n // 2]


def test_xor_is_one_where_the_signs_differ():
    xor = datasets.load("xor", n=50, noise=0.0)

    np.testing.assert_array_equal(xor.y, np.prod(xor.X, axis=1) < 0)
    np.testing.assert_array_equal(np.abs(xor.X), 1)


def test_curves_are_their_formula_plus_noise_and_their_test_part_is_the_formula():
    sine = datasets.load("noisy_sine", n=4000, noise=0.3, rng=2)
    cubic = datasets.load("polynomial", n=4000, coefficients=[1.0, 0.0, -3.0], noise=0.3, rng=2)

    for data, curve in ((sine, lambda x: np.sin(2 * np.pi * x)), (cubic, lambda x: 1 - 3 * x**2)):
        residual = data.y - curve(data.X[:, 0])
        # five standard errors: 0.3 · 5 / √4000 of the mean, 0.3 · 5 / √8000 of the deviation
        assert abs(residual.mean()) < 0.024
        assert abs(residual.std() - 0.3) < 0.017
        # float32 of values up to 2
        np.testing.assert_allclose(data.y_test, curve(data.X_test[:, 0]), atol=1e-6)
        assert data.X.shape == (4000, 1)
        assert data.y.dtype == np.float32
        assert (np.diff(data.X[:, 0]) >= 0).all()


def test_a_curve_is_split_at_random_and_keeps_its_own_test_part():
    sine = datasets.load("noisy_sine", n=50)

    parts = sine.split(validation=0.2)

    assert (len(parts.y_train), len(parts.y_validation), len(parts.y_test)) == (40, 10, 200)
    assert sorted([*parts.rows_train, *parts.rows_validation]) == list(range(50))
    np.testing.assert_array_equal(sine.y[parts.rows_train], parts.y_train)
    np.testing.assert_array_equal(sine.y_test[parts.rows_test], parts.y_test)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("blobs", {"n_classes": 1}, "n_classes is 1"),
        ("blobs", {"n": 2}, "n is 2, expected a whole number of at least 3"),
        ("circles", {"factor": 1.0}, "factor is 1.0"),
        ("xor", {"n": 3}, "n is 3"),
        ("noisy_sine", {"noise": -1}, "noise is -1"),
        ("polynomial", {"coefficients": []}, r"coefficients are \[\]"),
        ("polynomial", {"coefficients": [np.nan]}, "coefficients are"),
        ("polynomial", {"rng": "a"}, r'^datasets.load\("polynomial"\): rng is'),
    ],
)
def test_values_outside_what_they_may_be_are_refused(name, options, message):
    with pytest.raises(ArgumentError, match=message):
        datasets.load(name, **options)
