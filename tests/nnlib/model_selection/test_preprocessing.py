"""The standardizer: fitted once, applied to any rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from nnlib import ArgumentError, OrderError, ShapeError
from nnlib.model_selection import Standardizer, preprocessing


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_does_what_scikit_learn_does(dtype, rng):
    X, other = (rng.normal(3, 5, (n, 4)).astype(dtype) for n in (11, 7))
    X[:, 2] = 0.1  # constant: only shifted
    theirs = StandardScaler().fit(X.astype(np.float64))

    ours = Standardizer().fit(X)

    for rows in (X, other):
        Z = ours.transform(rows)
        assert Z.dtype == dtype
        # The rounding of the type, in numbers of size 5 around the constant 0.1.
        expected = theirs.transform(rows.astype(np.float64))
        np.testing.assert_allclose(Z, expected, rtol=1e-5, atol=1e-6)


def test_training_rows_come_out_with_mean_zero_and_spread_one(rng):
    X = rng.normal(100, 5, (50, 2, 3))

    Z = Standardizer().fit(X).transform(X)

    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-12)  # float64, numbers of size 100
    np.testing.assert_allclose(Z.std(axis=0), 1, rtol=1e-12)


def test_integers_are_taken_as_numbers():
    Z = Standardizer().fit([[1, 7], [3, 7]]).transform([[5, 8]])

    np.testing.assert_array_equal(Z, [[3, 1]])


def test_integers_that_float32_would_merge_stay_apart():
    times = 1_600_000_000 + np.arange(1000)[:, np.newaxis]  # seconds since 1970

    Z = Standardizer().fit(times).transform(times)

    assert Z.dtype == np.float32  # as for all that is not float64, but only at the end
    assert len(np.unique(Z)) == 1000
    np.testing.assert_allclose(Z, StandardScaler().fit_transform(times), rtol=1e-6)  # float32
    two = Standardizer().fit([[1600000001], [1600000002]])
    np.testing.assert_array_equal(two.transform([[1600000001], [1600000002]]), [[-1], [1]])
    assert two.mean.dtype == two.std.dtype == np.float64


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (np.array([[0], [1.4e-45]], np.float32), [[-1], [1]]),  # the smallest float32
        (np.array([[-1e-200], [1e-200]]), [[-1], [1]]),  # whose square is 0
        (np.array([[-1e200], [1e200]]), [[-1], [1]]),  # whose square is infinite
        (np.array([[3e38], [1e38]], np.float32), [[1], [-1]]),
        (np.array([[7e-46], [7e-46]], np.float32), [[0], [0]]),
    ],
)
def test_no_spread_is_too_small_or_too_large(rows, expected):
    np.testing.assert_allclose(Standardizer().fit(rows).transform(rows), expected, rtol=1e-6)


def test_a_spread_below_the_smallest_number_divides_nothing_by_zero():
    rows = np.zeros((100, 1))
    rows[0] = 5e-324

    assert np.isfinite(Standardizer().fit(rows).transform(rows)).all()


def test_blocks_change_nothing(rng, monkeypatch):
    X = rng.normal(3, 5, (50, 2, 3))
    standardizer = Standardizer().fit(X)
    expected = standardizer.transform(X)
    monkeypatch.setattr(preprocessing, "BLOCK_NUMBERS", 40)

    np.testing.assert_array_equal(standardizer.transform(X), expected)


def test_wrong_use_is_named():
    with pytest.raises(OrderError, match="fit has not run"):
        Standardizer().transform([[1.0]])
    with pytest.raises(ShapeError, match=r"X has shape \(2,\), expected \(N, ...\)"):
        Standardizer().fit([1.0, 2.0])
    with pytest.raises(ArgumentError, match="nan or infinity"):
        Standardizer().fit([[1.0], [np.nan]])
    with pytest.raises(ShapeError, match=r"expected rows of shape \(2,\) as in fit"):
        Standardizer().fit([[1.0, 2.0]]).transform([[1.0]])
