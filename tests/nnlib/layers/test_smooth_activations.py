"""GELU and Softplus: known values, far tails, and bad arguments."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nnlib import ArgumentError
from nnlib.layers import GELU, Softplus


def test_gelu_weighs_by_the_normal_distribution(rng):
    x = rng.normal(size=(4, 5))

    np.testing.assert_allclose(GELU().forward(x), x * stats.norm.cdf(x), rtol=1e-12)


def test_the_approximation_is_near_the_exact_gelu(rng):
    x = np.linspace(-6, 6, 1001)[np.newaxis]

    gap = abs(GELU("tanh").forward(x) - GELU().forward(x)).max()

    assert 1e-4 < gap < 1e-3  # the published error, about 5e-4


@pytest.mark.parametrize("layer", [GELU(), GELU("tanh"), Softplus()], ids=repr)
def test_far_from_zero_they_are_relu(layer):
    x = np.array([[-1e3, 1e3]], dtype=np.float32)

    y = layer.forward(x)
    dx = layer.backward(np.ones_like(x))

    np.testing.assert_allclose(y, [[0, 1e3]], atol=1e-6)
    np.testing.assert_allclose(dx, [[0, 1]], atol=1e-6)


def test_softplus_is_the_logarithm_of_one_plus_exp(rng):
    x = rng.normal(size=(4, 5))

    np.testing.assert_allclose(Softplus().forward(x), np.logaddexp(x, 0), rtol=1e-12)
    np.testing.assert_allclose(Softplus(4.0).forward(x), np.logaddexp(4 * x, 0) / 4, rtol=1e-12)


def test_softplus_keeps_its_tail():
    y = Softplus().forward(np.array([[-700.0]]))

    np.testing.assert_allclose(y, np.exp(-700.0), rtol=1e-9)


def test_arguments_outside_what_they_may_be_are_refused():
    with pytest.raises(ArgumentError, match=r'approximate is True, expected "none" or "tanh"'):
        GELU(True)
    with pytest.raises(ArgumentError, match="beta is 0, expected a number above 0"):
        Softplus(0)


def test_repr_shows_what_differs_from_the_defaults():
    shown = [repr(layer) for layer in (GELU(), GELU("tanh"), Softplus(), Softplus(2.5))]
    assert shown == ["GELU()", "GELU('tanh')", "Softplus()", "Softplus(2.5)"]


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_of_huge_numbers_is_relu(approximate, dtype):
    layer, huge = GELU(approximate), np.finfo(dtype).max / 1e3
    x = np.array([[-huge, -2e19, -50.0, 50.0, 2e19, huge]], dtype)

    np.testing.assert_array_equal(layer.forward(x), np.maximum(x, 0))
    np.testing.assert_array_equal(layer.backward(np.ones_like(x)), x > 0)
    layer.rforward(np.ones_like(x))
    np.testing.assert_array_equal(layer.rbackward(np.zeros_like(x)), np.zeros_like(x))


@pytest.mark.parametrize("approximate", [[], {}, None, "Tanh", 1])
def test_gelu_names_what_approximate_may_be(approximate):
    with pytest.raises(ArgumentError, match=r'approximate is .*, expected "none" or "tanh"'):
        GELU(approximate)
