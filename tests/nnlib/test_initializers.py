"""Initializers: support and moments."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from nnlib import ArgumentError, Linear
from nnlib.initializers import (
    constant,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    normal,
    orthogonal,
    xavier_normal,
    xavier_uniform,
    zeros,
)

FAN_IN, FAN_OUT = 300, 200

VARIANCES = [
    (xavier_uniform, 2 / (FAN_IN + FAN_OUT)),
    (xavier_normal, 2 / (FAN_IN + FAN_OUT)),
    (he_uniform, 2 / FAN_IN),
    (he_normal, 2 / FAN_IN),
    (lecun_uniform, 1 / FAN_IN),
    (lecun_normal, 1 / FAN_IN),
    (normal, 0.01**2),
]
DRAWING = [*(pair[0] for pair in VARIANCES), orthogonal]


@pytest.mark.parametrize(
    ("initializer", "variance"), VARIANCES, ids=lambda p: getattr(p, "__name__", "")
)
def test_mean_and_variance_are_those_of_the_paper(initializer, variance, rng):
    W = initializer(FAN_IN, FAN_OUT, rng)

    assert W.shape == (FAN_IN, FAN_OUT)
    # Five standard errors; that of a variance is at most variance · √(2/n) (normal; uniform less).
    assert abs(W.mean()) < 5 * np.sqrt(variance / W.size)
    assert abs(W.var() - variance) < 5 * variance * np.sqrt(2 / W.size)


@pytest.mark.parametrize(
    ("initializer", "limit"),
    [
        (xavier_uniform, np.sqrt(6 / (FAN_IN + FAN_OUT))),
        (he_uniform, np.sqrt(6 / FAN_IN)),
        (lecun_uniform, np.sqrt(3 / FAN_IN)),
    ],
)
def test_uniform_ones_fill_their_interval_and_stay_in_it(initializer, limit, rng):
    W = initializer(FAN_IN, FAN_OUT, rng)

    assert 0.999 * limit < abs(W).max() <= limit


@pytest.mark.parametrize("initializer", DRAWING)
def test_a_seed_gives_the_same_numbers_and_none_does_not(initializer):
    np.testing.assert_array_equal(initializer(3, 2, 7), initializer(3, 2, np.random.default_rng(7)))
    assert (initializer(3, 2) != initializer(3, 2)).any()


@pytest.mark.parametrize("initializer", [*DRAWING, zeros, constant])
def test_fans_are_positive_whole_numbers(initializer):
    with pytest.raises(ArgumentError, match="fan_in is 0"):
        initializer(0, 2)
    with pytest.raises(ArgumentError, match=r"fan_out is 1\.5"):
        initializer(2, 1.5)


@pytest.mark.parametrize("initializer", DRAWING)
def test_a_seed_is_a_whole_number_a_generator_or_none(initializer):
    with pytest.raises(ArgumentError, match=f"{initializer.__name__}: rng is 'a', expected"):
        initializer(3, 2, "a")


def test_zeros_are_zeros():
    np.testing.assert_array_equal(zeros(2, 3), np.zeros((2, 3)))


@pytest.mark.parametrize(("fan_in", "fan_out"), [(7, 4), (4, 7), (5, 5), (1, 3), (3, 1)])
def test_orthogonal_keeps_lengths_on_the_smaller_side(fan_in, fan_out, rng):
    W = orthogonal(fan_in, fan_out, rng, gain=1.5)

    assert W.shape == (fan_in, fan_out)
    product = W.T @ W if fan_in >= fan_out else W @ W.T
    # QR in float64 is orthogonal to a few rounding units.
    np.testing.assert_allclose(product, 1.5**2 * np.eye(len(product)), atol=1e-13)


def test_orthogonal_prefers_no_direction(rng):
    """The first entry of a random unit column of length n has mean 0 and mean square 1/n."""
    first = np.array([orthogonal(3, 2, rng)[0, 0] for _ in range(4000)])

    assert abs(first.mean()) < 5 * np.sqrt(1 / 3 / len(first))  # five standard errors
    assert abs((first**2).mean() - 1 / 3) < 5 * np.sqrt(4 / 45 / len(first))
    # For n = 3 a coordinate of a uniform direction is uniform on (-1, 1) (Archimedes).
    quarters = np.histogram(first, bins=[-1, -0.5, 0, 0.5, 1])[0] / len(first)
    assert abs(quarters - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / len(first))


def test_parameters_of_initializers_are_numbers():
    with pytest.raises(ArgumentError, match="orthogonal: gain is -1"):
        orthogonal(2, 3, 0, gain=-1)
    with pytest.raises(ArgumentError, match="normal: std is nan"):
        normal(2, 3, 0, std=float("nan"))
    with pytest.raises(ArgumentError, match="constant: value is inf"):
        constant(2, 3, value=float("inf"))


@pytest.mark.parametrize("value", ["a", None, 1j, [1.0]])
def test_the_value_of_constant_is_a_number(value):
    with pytest.raises(ArgumentError, match=r"constant: value is .*, expected a finite number"):
        constant(1, 2, value=value)


def test_partial_functions_serve_as_initializers(rng):
    layer = Linear(4, 3, init=partial(orthogonal, gain=2.0), rng=rng, dtype=np.float64)
    flat = Linear(2, 3, init=partial(constant, value=-0.5))

    np.testing.assert_allclose(layer.W.T @ layer.W, 4 * np.eye(3), atol=1e-13)  # as above
    np.testing.assert_array_equal(flat.W, np.full((2, 3), -0.5))
