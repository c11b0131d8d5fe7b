"""Initializers: support and moments."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import ArgumentError, he_normal, he_uniform, xavier_normal, xavier_uniform, zeros

FAN_IN, FAN_OUT = 300, 200

VARIANCES = [
    (xavier_uniform, 2 / (FAN_IN + FAN_OUT)),
    (xavier_normal, 2 / (FAN_IN + FAN_OUT)),
    (he_uniform, 2 / FAN_IN),
    (he_normal, 2 / FAN_IN),
]


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
    [(xavier_uniform, np.sqrt(6 / (FAN_IN + FAN_OUT))), (he_uniform, np.sqrt(6 / FAN_IN))],
)
def test_uniform_ones_fill_their_interval_and_stay_in_it(initializer, limit, rng):
    W = initializer(FAN_IN, FAN_OUT, rng)

    assert 0.999 * limit < abs(W).max() <= limit


@pytest.mark.parametrize("initializer", [pair[0] for pair in VARIANCES])
def test_a_seed_gives_the_same_numbers_and_none_does_not(initializer):
    np.testing.assert_array_equal(initializer(3, 2, 7), initializer(3, 2, np.random.default_rng(7)))
    assert (initializer(3, 2) != initializer(3, 2)).any()


@pytest.mark.parametrize("initializer", [*(pair[0] for pair in VARIANCES), zeros])
def test_fans_are_positive_whole_numbers(initializer):
    with pytest.raises(ArgumentError, match="fan_in is 0"):
        initializer(0, 2)
    with pytest.raises(ArgumentError, match=r"fan_out is 1\.5"):
        initializer(2, 1.5)


@pytest.mark.parametrize("initializer", [pair[0] for pair in VARIANCES])
def test_a_seed_is_a_whole_number_a_generator_or_none(initializer):
    with pytest.raises(ArgumentError, match=f"{initializer.__name__}: rng is 'a', expected"):
        initializer(3, 2, "a")


def test_zeros_are_zeros():
    np.testing.assert_array_equal(zeros(2, 3), np.zeros((2, 3)))
