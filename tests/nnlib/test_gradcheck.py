"""The gradient check itself."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import (
    ArgumentError,
    DtypeError,
    Linear,
    NonFiniteError,
    ShapeError,
    central_difference,
    check_gradient,
    check_layer,
)


def cubic(t: np.ndarray) -> float:
    return float((t**3).sum())


def test_central_difference_is_exact_to_the_square_of_the_step():
    """(x + h)³ − (x − h)³ over 2h is 3x² + h², by hand."""
    theta = np.array([[1.0, -2.0], [0.5, 3.0]])

    gradient = central_difference(cubic, theta, step=0.1)

    np.testing.assert_allclose(gradient, 3 * theta**2 + 0.01, rtol=1e-12)


def test_theta_is_not_changed_even_if_the_function_changes_its_argument():
    theta = np.array([1.0, 2.0])

    def careless(t: np.ndarray) -> float:
        value = cubic(t)
        t[:] = 0
        return value

    gradient = central_difference(careless, theta)

    np.testing.assert_array_equal(theta, [1, 2])
    np.testing.assert_allclose(gradient, [3, 12], rtol=1e-8)
    assert check_gradient(careless, theta, [3.0, 12.0])
    np.testing.assert_array_equal(theta, [1, 2])


def test_a_right_gradient_passes_and_wrong_ones_do_not(rng):
    theta = rng.normal(size=(4, 3))
    right = 3 * theta**2
    one_entry = right.copy()
    one_entry[2, 1] += 0.01

    assert check_gradient(cubic, theta, right).relative_error < 1e-9
    for wrong in (2 * right, -right, right.mean() * np.ones_like(right), one_entry):
        assert not check_gradient(cubic, theta, wrong)


def test_a_gradient_of_zero_has_no_error():
    assert check_gradient(lambda t: 1.0, np.ones(3), np.zeros(3)).relative_error == 0


def test_a_claimed_slope_on_a_flat_function_does_not_pass():
    """The numerical gradient is exactly zero here: it cannot be what the error is measured in."""
    check = check_gradient(lambda t: 1.0, np.ones(3), np.ones(3))

    assert not check
    assert check.relative_error == pytest.approx(1)


def test_a_layer_is_checked_in_float64_and_left_alone(rng):
    layer = Linear(4, 3, rng=0)
    theta, grad = layer.theta.copy(), layer.grad.copy()

    assert check_layer(layer, rng.normal(size=(5, 4))).relative_error < 1e-8
    np.testing.assert_array_equal(layer.theta, theta)
    np.testing.assert_array_equal(layer.grad, grad)


def test_bad_arguments_are_named():
    with pytest.raises(ShapeError, match=r"gradient has shape \(2,\), expected \(3,\)"):
        check_gradient(cubic, np.ones(3), np.ones(2))
    with pytest.raises(ArgumentError, match="step is 0"):
        central_difference(cubic, np.ones(3), step=0)
    with pytest.raises(ArgumentError, match="directions is 0"):
        check_gradient(cubic, np.ones(3), np.ones(3), directions=0)
    with pytest.raises(NonFiniteError, match="nan or infinity near theta"):
        check_gradient(lambda t: float("nan"), np.ones(3), np.ones(3))
    with pytest.raises(ArgumentError, match="check_gradient: rng is 'a', expected a whole"):
        check_gradient(cubic, np.ones(3), np.ones(3), rng="a")
    with pytest.raises(ArgumentError, match=r"check_layer: rng is -1, expected a whole"):
        check_layer(Linear(3, 2), np.ones((4, 3)), rng=-1)
    with pytest.raises(DtypeError, match=r"check_layer: layer is 3, expected a layer"):
        check_layer(3, np.ones((4, 3)))


@pytest.mark.parametrize(
    "check", [central_difference, lambda f, t: check_gradient(f, t, np.ones(3))]
)
@pytest.mark.parametrize(
    ("function", "message"),
    [
        (3, "function is 3, expected a function of theta"),
        (lambda t: "high", "function returned 'high', expected one number"),
        (lambda t: "1.5", "function returned '1.5', expected one number"),
        (lambda t: None, "function returned None, expected one number"),
        (lambda t: 1j, "function returned 1j, expected one number"),
        (lambda t: t**3, r"function returned array\(.*, expected one number"),
        (lambda t: [[1.0], [1.0, 2.0]], r"function returned \[\[1.0.*, expected one number"),
    ],
)
def test_what_is_not_a_function_to_a_number_is_named(check, function, message):
    with pytest.raises(DtypeError, match=message):
        check(function, np.ones(3))


@pytest.mark.parametrize("number", [2, True, np.float32(2), np.array(2.0)])
def test_every_kind_of_real_number_may_be_returned(number):
    np.testing.assert_array_equal(central_difference(lambda t: number, np.ones(2)), [0.0, 0.0])


def test_a_pruned_layer_is_checked_in_all_its_parameters(rng):
    layer = Linear(3, 2, rng=0)
    layer.mask = [True, False] * 4

    assert check_layer(layer, rng.normal(size=(5, 3))).passed
    np.testing.assert_array_equal(layer.mask, [True, False] * 4)
