"""The V: its slopes, its bottom, what float32 and a kink do to it, and the JavaScript twin."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlib.widgets import GradientCheck
from nnlib.widgets.gradient_check import (
    EXAMPLES,
    LOG_STEPS,
    best_step,
    curve,
    quotient,
    relative_error,
    slope_between,
)

Node = Callable[[str, str], Any]
METHODS, PRECISIONS, SMOOTH = ("forward", "central"), ("float32", "float64"), ("network", "sine")


@pytest.mark.parametrize("function", EXAMPLES)
def test_exact_slope_is_the_derivative(function: str) -> None:
    """At h = 1e-5 a central difference is right to about 1e-10 of the function's size."""
    estimate = quotient(function, "central", "float64", 1e-5)

    assert EXAMPLES[function].slope == pytest.approx(estimate, rel=1e-9)


@pytest.mark.parametrize("function", SMOOTH)
@pytest.mark.parametrize(("method", "slope"), [("forward", 1.0), ("central", 2.0)])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_truncation_falls_with_h_or_with_its_square(
    function: str, method: str, slope: float, precision: str
) -> None:
    errors = curve(function, method, precision)

    found = slope_between(errors, best_step(errors) + 0.5, -1)

    assert found == pytest.approx(slope, abs=0.05)


@pytest.mark.parametrize("function", EXAMPLES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("precision", "shortest"), [("float32", -7), ("float64", -15)])
def test_rounding_grows_like_one_over_h(
    function: str, method: str, precision: str, shortest: float
) -> None:
    errors = curve(function, method, precision)

    found = slope_between(errors, shortest, best_step(errors) - 1)

    assert found == pytest.approx(-1, abs=0.15)  # rounding errors scatter by a decade


@pytest.mark.parametrize("function", SMOOTH)
def test_bottom_of_the_v_lies_where_theory_puts_it(function: str) -> None:
    """Forward near eps^(1/2), central near eps^(1/3), up to a decade for the function's scale."""
    for precision, eps in (("float32", 2.0**-23), ("float64", 2.0**-52)):
        for method, power in (("forward", 1 / 2), ("central", 1 / 3)):
            found = best_step(curve(function, method, precision))
            assert found == pytest.approx(power * math.log10(eps), abs=1)


@pytest.mark.parametrize("function", SMOOTH)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_central_is_better_than_forward_at_its_best(function: str, precision: str) -> None:
    forward, central = (min(curve(function, method, precision)) for method in METHODS)

    assert central < forward / 10


def test_smallest_offered_step_is_not_the_best() -> None:
    errors = {
        p: relative_error("network", "central", "float64", 10.0**p) for p in (-2, -5, -8, -12)
    }

    assert min(errors, key=errors.__getitem__) == -5
    assert errors[-12] > 1000 * errors[-5]


def test_float32_moves_the_rounding_side_up_by_many_decades() -> None:
    single, double = (relative_error("network", "central", p, 1e-5) for p in PRECISIONS)

    assert single > 1e6 * double


def test_no_step_beyond_the_kink_works() -> None:
    errors = [
        relative_error("kink", method, "float64", h) for method in METHODS for h in (0.01, 0.1, 0.5)
    ]

    assert min(errors) > 0.5
    assert relative_error("kink", "central", "float64", 0.001) < 1e-9


def test_central_difference_of_a_parabola_has_only_rounding() -> None:
    """(1 + h)² − (1 − h)² = 4h exactly; a power of two for h rounds nothing."""
    assert quotient("square", "central", "float64", 0.25) == 2
    assert relative_error("square", "central", "float64", 0.1) < 1e-14


@pytest.mark.parametrize("h", [0.3, 1e-3, 1e-6])
def test_float32_arithmetic_is_that_of_numpy(h: float) -> None:
    one, step = np.float32(1), np.float32(h)

    expected = ((one + step) * (one + step) - one * one) / step

    np.testing.assert_equal(quotient("square", "forward", "float32", h), float(expected))


@pytest.mark.parametrize("function", EXAMPLES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("precision", "eps"), [("float32", 2.0**-23), ("float64", 2.0**-52)])
def test_javascript_computes_the_same(
    node: Node, function: str, method: str, precision: str, eps: float
) -> None:
    steps = [10.0**p for p in LOG_STEPS[::10]]
    call = f'{json.dumps(steps)}.map((h) => m.quotient("{function}", "{method}", "{precision}", h))'

    found = node("gradient_check.js", call)

    for h, theirs in zip(steps, found, strict=True):
        mine = quotient(function, method, precision, h)
        # exp and sin may differ in the last bit of values below 1, and h divides that
        assert abs(theirs - mine) <= 4 * eps / h


def test_javascript_finds_the_same_bottom_and_slopes(node: Node) -> None:
    errors = curve("sine", "central", "float64")

    text = json.dumps(errors)
    index = node("gradient_check.js", f"m.bestIndex({text})")
    slope = node("gradient_check.js", f"m.slopeBetween({text}, -4, -1)")

    assert LOG_STEPS[index] == best_step(errors)
    assert slope == pytest.approx(slope_between(errors, -4, -1), rel=1e-12)


def test_figure_answers_its_question_with_1e_minus_5(node: Node) -> None:
    assert node("gradient_check.js", "m.bestOffered()") == "h = 10⁻⁵"


def test_javascript_draws_the_same_steps(node: Node) -> None:
    assert node("gradient_check.js", "m.LOG_STEPS") == pytest.approx(LOG_STEPS, abs=1e-12)


def test_slope_of_fewer_than_two_points_is_not_a_number() -> None:
    assert math.isnan(slope_between([1.0] * len(LOG_STEPS), 3, 4))


def test_error_follows_controls_that_python_sets() -> None:
    figure = GradientCheck()

    figure.log_h = -12.0

    assert figure.error == relative_error("network", "central", "float64", 1e-12)


def test_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"method is 'backward', expected one of .*'forward'"):
        GradientCheck(method="backward")
