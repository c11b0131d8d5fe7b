"""Data sets that need no download."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import given
from hypothesis import strategies as st

from nnlib import ArgumentError, datasets


def test_digits_are_those_of_scikit_learn_scaled_to_one():
    X, y = sklearn.datasets.load_digits(return_X_y=True)

    digits = datasets.load("digits")

    np.testing.assert_array_equal(digits.X * 16, X)
    np.testing.assert_array_equal(digits.y, y)
    assert digits.X.dtype == np.float32
    assert "Alpaydin" in digits.citation


def test_describe_gives_the_size_of_the_embedded_file():
    from nnlib.datasets._digits import _FILE

    info = {info.name: info for info in datasets.describe()}["digits"]

    assert info.size_bytes == len(_FILE.read_bytes())
    assert info.available


def rows(*parts: np.ndarray) -> list[bytes]:
    return sorted(row.tobytes() for part in parts for row in part)


@given(
    validation=st.sampled_from([0.1, 0.2, 0.35]),
    test=st.sampled_from([0.1, 0.25, 0.4]),
    seed=st.integers(0, 99),
)
def test_split_deals_every_row_once_and_each_class_in_proportion(validation, test, seed):
    digits = datasets.load("digits")

    parts = digits.split(validation=validation, test=test, rng=seed)

    assert rows(parts.X_train, parts.X_validation, parts.X_test) == rows(digits.X)
    n, counts = len(digits.y), np.bincount(digits.y)
    for y, share in ((parts.y_validation, validation), (parts.y_test, test)):
        assert abs(len(y) - share * n) <= 1
        # within one row for each of the two times that rows are dealt
        assert (abs(np.bincount(y, minlength=10) - share * counts) <= 2).all()


def test_labels_move_with_their_rows():
    digits = datasets.load("digits")
    label_of = {row.tobytes(): label for row, label in zip(digits.X, digits.y, strict=True)}

    parts = digits.split(rng=4)

    for X, y in ((parts.X_train, parts.y_train), (parts.X_test, parts.y_test)):
        assert [label_of[row.tobytes()] for row in X] == list(y)


def test_split_is_fixed_by_its_seed():
    digits = datasets.load("digits")

    np.testing.assert_array_equal(digits.split(rng=1).X_test, digits.split(rng=1).X_test)
    assert (digits.split(rng=1).X_test != digits.split(rng=2).X_test).any()


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.0, 0.2), (0.2, -0.1), (0.9, 0.2), (np.nan, 0.2)])
def test_shares_that_leave_nothing_are_refused(shares):
    with pytest.raises(ArgumentError, match="expected shares above 0"):
        datasets.load("digits").split(validation=shares[0], test=shares[1])


@pytest.mark.parametrize("shares", [("a", 0.2), (0.2, None), ([0.2], 0.2)])
def test_shares_that_are_no_numbers_are_refused(shares):
    with pytest.raises(ArgumentError, match="expected shares above 0"):
        datasets.load("digits").split(validation=shares[0], test=shares[1])


def test_a_test_part_of_the_publisher_needs_no_share():
    data = datasets.load("two_moons", n=20)
    data = replace(data, X_test=data.X[:3], y_test=data.y[:3])

    parts = data.split(validation=0.25, test=0.0)

    assert (len(parts.y_train), len(parts.y_validation), len(parts.y_test)) == (15, 5, 3)
    with pytest.raises(ArgumentError, match="expected shares above 0"):
        data.split(validation=0.0, test=0.0)
    with pytest.raises(ArgumentError, match="expected shares above 0"):
        data.split(test=-0.5)


@pytest.mark.parametrize("rare", [0, 2])
def test_a_class_of_one_row_does_not_give_the_only_row_of_a_part(rare):
    """A tenth of one row is nearer to none than to one, whichever number the class has."""
    data = datasets.load("two_moons", n=10)
    data = replace(data, y=np.array([rare] + [1] * 9))

    assert data.split(validation=0.1).y_validation.tolist() == [1]


def test_too_few_rows_are_refused():
    with pytest.raises(ArgumentError, match="2 rows are too few"):
        datasets.load("two_moons", n=2).split()


@given(n=st.integers(2, 60), seed=st.integers(0, 9))
def test_two_moons_lie_on_their_half_circles(n, seed):
    moons = datasets.load("two_moons", n=n, noise=0.0, rng=seed)
    first, second = moons.X[moons.y == 0], moons.X[moons.y == 1]

    assert (len(first), len(second)) == (n - n // 2, n // 2)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(second - [1, 0.5], axis=1), 1, rtol=1e-5)
    assert (first[:, 1] >= -1e-6).all()
    assert (second[:, 1] <= 0.5 + 1e-6).all()


@given(n_classes=st.integers(2, 5), extra=st.integers(0, 40))
def test_spirals_share_the_points_and_turn_into_one_another(n_classes, extra):
    n = n_classes * 3 + extra
    spirals = datasets.load("spirals", n=n, n_classes=n_classes, noise=0.0)
    counts = np.bincount(spirals.y)

    assert counts.sum() == n
    assert counts.max() - counts.min() <= 1
    radius = np.linalg.norm(spirals.X, axis=1)
    np.testing.assert_allclose([radius.min(), radius.max()], [0.05, 1.0], rtol=1e-5)


def test_noise_has_the_size_asked_for():
    still, noisy = (datasets.load("spirals", n=6000, noise=s, rng=1).X for s in (0.0, 0.3))

    # five standard errors of a standard deviation: 5 · 0.3 / √(2 · 12000)
    assert abs((noisy - still).std() - 0.3) < 0.0097


def test_unknown_names_and_options_are_listed():
    with pytest.raises(
        ArgumentError,
        match=r"no data set 'digit', expected one of blobs, .*, digits, fashion_mnist",
    ):
        datasets.load("digit")
    with pytest.raises(ArgumentError, match="unknown option size, expected n, noise, rng"):
        datasets.load("two_moons", size=3)
    with pytest.raises(ArgumentError, match="n is 1, expected a whole number of at least 2"):
        datasets.load("two_moons", n=1)
    with pytest.raises(ArgumentError, match="noise is -1"):
        datasets.load("spirals", noise=-1)


@pytest.mark.parametrize(
    ("draw", "where"),
    [
        (lambda rng: datasets.load("two_moons", rng=rng), r'datasets.load\("two_moons"\)'),
        (lambda rng: datasets.load("spirals", rng=rng), r'datasets.load\("spirals"\)'),
        (lambda rng: datasets.load("digits").split(rng=rng), "Dataset.split"),
    ],
)
def test_other_seeds_are_refused(draw, where):
    with pytest.raises(ArgumentError, match=f"^{where}: rng is 'a', expected a whole number"):
        draw("a")
