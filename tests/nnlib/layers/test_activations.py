"""Activations at their limits, and at the kink."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nnlib import ArgumentError, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh

finite = st.floats(-(2.0**100), 2.0**100, width=32)


def test_relu_has_slope_zero_at_zero():
    layer = ReLU()
    layer.forward([[0.0, -0.0]])

    np.testing.assert_array_equal(layer.backward([[1.0, 1.0]]), [[0.0, 0.0]])


def test_relu_lets_nan_through_so_that_it_is_noticed():
    assert np.isnan(ReLU().forward([[np.nan]])).all()


def test_sigmoid_is_exact_in_both_tails():
    """By hand: σ(−40) = e⁻⁴⁰ / (1 + e⁻⁴⁰) = 4.2e-18, not 0."""
    y = Sigmoid().forward(np.array([-40.0, 40.0]))

    np.testing.assert_allclose(y, [np.exp(-40.0), 1.0], rtol=1e-15)


@given(arrays(np.float32, array_shapes(max_dims=3, max_side=5), elements=finite))
def test_no_finite_input_overflows(x):
    for layer in (ReLU(), LeakyReLU(), Sigmoid(), Tanh(), Softmax()):
        y = layer.forward(x)

        assert y.shape == x.shape
        assert y.dtype == np.float32
        assert np.isfinite(y).all()
        assert np.isfinite(layer.backward(np.ones_like(y))).all()


@given(arrays(np.float64, (3, 4), elements=st.floats(-50, 50)), st.floats(-50, 50))
def test_softmax_rows_sum_to_one_and_ignore_a_shift(x, shift):
    layer = Softmax()
    y = layer.forward(x)

    np.testing.assert_allclose(y.sum(axis=1), 1.0, rtol=1e-12)
    # x + shift rounds to about 1e-14, which the exponential passes on as a relative error.
    np.testing.assert_allclose(layer.forward(x + shift), y, rtol=1e-11)


@pytest.mark.parametrize("slope", [-0.1, 1.0, np.nan, "0.1", None, True])
def test_leaky_relu_refuses_other_slopes(slope):
    with pytest.raises(ArgumentError, match="negative_slope is"):
        LeakyReLU(slope)


@pytest.mark.parametrize(
    ("given", "kept"), [("f4", "f4"), ("f8", "f8"), ("i4", "f4"), ("f2", "f4")]
)
def test_layers_without_parameters_follow_the_input(given, kept):
    assert Tanh().forward(np.ones((2, 3), given)).dtype == np.dtype(kept)
