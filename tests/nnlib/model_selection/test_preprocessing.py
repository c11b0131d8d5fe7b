"""The standardizer: fitted once, applied to any rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from nnlib import ArgumentError, OrderError, ShapeError
from nnlib.model_selection import Standardizer


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


def test_wrong_use_is_named():
    with pytest.raises(OrderError, match="fit has not run"):
        Standardizer().transform([[1.0]])
    with pytest.raises(ShapeError, match=r"X has shape \(2,\), expected \(N, ...\)"):
        Standardizer().fit([1.0, 2.0])
    with pytest.raises(ArgumentError, match="nan or infinity"):
        Standardizer().fit([[1.0], [np.nan]])
    with pytest.raises(ShapeError, match=r"expected rows of shape \(2,\) as in fit"):
        Standardizer().fit([[1.0, 2.0]]).transform([[1.0]])
