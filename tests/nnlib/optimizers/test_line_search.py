from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib.errors import ArgumentError
from nnlib.optimizers import backtrack, strong_wolfe

numbers = st.floats(-3.0, 3.0)


def waves(a: float, coefficients: list[float], bend: float) -> tuple[float, float]:
    """A quadratic with waves: bounded below, with many slopes and local minima."""
    value, slope = bend * a * a - 1.5 * a, 2 * bend * a - 1.5
    for k, c in enumerate(coefficients, start=1):
        value += c * math.sin(k * a) / (3 * k * len(coefficients))
        slope += c * math.cos(k * a) / (3 * len(coefficients))
    return value, slope


@settings(deadline=None, max_examples=200)
@given(
    st.lists(numbers, min_size=1, max_size=4),
    st.floats(0.01, 5.0),
    st.floats(1e-3, 1e3),
    st.sampled_from([0.1, 0.5, 0.9]),
)
def test_strong_wolfe_conditions_hold_where_it_ends(coefficients, bend, step, c2):
    def phi(a: float) -> tuple[float, float]:
        return waves(a, coefficients, bend)

    value0, slope0 = phi(0.0)
    if slope0 >= -1e-3:
        return  # no direction of descent
    found = strong_wolfe(phi, value0, slope0, step=step, c2=c2, max_evaluations=60)

    assert found.satisfied
    value, slope = phi(found.step)
    assert (found.value, found.slope) == (value, slope)
    assert value <= value0 + 1e-4 * found.step * slope0
    assert abs(slope) <= c2 * abs(slope0)


def test_a_quadratic_is_solved_by_one_interpolation():
    asked = []

    def phi(a: float) -> tuple[float, float]:
        asked.append(a)
        return (a - 3.0) ** 2, 2 * (a - 3.0)

    found = strong_wolfe(phi, 9.0, -6.0, c2=0.1)

    assert found.step == pytest.approx(3.0, rel=1e-14)
    assert asked == [1.0, pytest.approx(3.0)]
    assert found.n_evaluations == 2


def test_a_first_step_that_fits_is_taken_at_once():
    found = strong_wolfe(lambda a: ((a - 1.0) ** 2, 2 * (a - 1.0)), 1.0, -2.0)

    assert (found.step, found.n_evaluations, found.satisfied) == (1.0, 1, True)


@pytest.mark.parametrize("outside", [math.inf, math.nan])
def test_places_where_the_function_is_not_finite_are_too_far(outside):
    """−ln(2 − a) − a/4 ... defined below 2 only; the first step goes far beyond."""

    def phi(a: float) -> tuple[float, float]:
        if a >= 2.0:
            return outside, outside
        return -math.log(2.0 - a) - 2.0 * a, 1.0 / (2.0 - a) - 2.0

    found = strong_wolfe(phi, *phi(0.0), step=1000.0, c2=0.1)

    assert found.satisfied
    assert found.step == pytest.approx(1.5, abs=0.1)  # the slope is zero at 1.5


def test_a_function_that_falls_for_ever_ends_at_the_longest_step():
    found = strong_wolfe(lambda a: (-a, -1.0), 0.0, -1.0, max_step=50.0)

    assert (found.step, found.satisfied) == (50.0, False)


def test_without_a_smaller_value_the_step_is_zero():
    """The slope promises what the values do not keep."""
    found = strong_wolfe(lambda a: (1.0 + a, 1.0), 0.0, -1.0)

    assert (found.step, found.value, found.satisfied) == (0.0, 0.0, False)


def test_a_spent_budget_gives_the_best_point_so_far():
    found = strong_wolfe(lambda a: (-a, -1.0), 0.0, -1.0, max_evaluations=3)

    assert found.n_evaluations == 3
    assert not found.satisfied
    assert found.value == -found.step < -1.0


def test_a_jump_is_narrowed_down_until_there_is_nothing_between():
    """Falls to 1 and jumps up there: no point has a small slope."""
    found = strong_wolfe(
        lambda a: (-a, -1.0) if a < 1 else (1.0, 1.0), 0.0, -1.0, max_evaluations=10_000
    )

    assert not found.satisfied
    assert found.n_evaluations < 1000
    assert found.step == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"slope0": 1.0}, "expected a finite value and a negative slope"),
        ({"slope0": 0.0}, "negative slope"),
        ({"value0": math.nan}, "value0 is nan"),
        ({"c1": 0.9, "c2": 0.1}, "expected c1 < c2"),
        ({"c1": 0.0}, "c1 is 0.0"),
        ({"step": 0.0}, "step is 0.0"),
        ({"max_step": -1}, "max_step is -1"),
        ({"max_evaluations": 0}, "max_evaluations is 0"),
    ],
)
def test_arguments_out_of_range_are_refused(changes, match):
    arguments = {"value0": 1.0, "slope0": -1.0} | changes
    with pytest.raises(ArgumentError, match=match):
        strong_wolfe(lambda a: (a, a), **arguments)


@settings(deadline=None, max_examples=50)
@given(st.floats(0.1, 10.0), st.floats(1e-3, 1e3))
def test_backtracking_ends_where_the_decrease_is_enough(bend, step):
    def phi(a: float) -> float:
        return bend * a * a - a

    found = backtrack(phi, 0.0, -1.0, step=step)

    assert phi(found) <= -1e-4 * found
    # The first step that is short enough is taken: the one before it was not.
    assert found == step or phi(2 * found) > -1e-4 * 2 * found


def test_backtracking_takes_nan_for_too_far_and_gives_up_in_the_end():
    assert backtrack(lambda a: np.nan if a > 1 else -a, 0.0, -1.0, step=8.0) == pytest.approx(1.0)
    assert not backtrack(lambda a: np.nan, 0.0, -1.0)


def test_backtracking_refuses_a_direction_that_leads_up():
    with pytest.raises(ArgumentError, match=r"slope0 is 1\.0"):
        backtrack(lambda a: a, 0.0, 1.0)
