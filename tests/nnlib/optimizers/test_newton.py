from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from nnlib.errors import ArgumentError, NonFiniteError
from nnlib.layers import Linear, Sequential
from nnlib.losses import MSE
from nnlib.optimizers import (
    FunctionObjective,
    LevenbergMarquardt,
    ModelObjective,
    Newton,
    minimize,
)
from nnlib.optimizers._conjugate_gradient import conjugate_gradient
from nnlib.regularizers import L2
from tests.nnlib.optimizers import functions
from tests.nnlib.optimizers.cases import Problem


def quadratic(A: np.ndarray, b: np.ndarray, start: np.ndarray) -> FunctionObjective:
    return FunctionObjective(
        lambda x: (0.5 * float(x @ A @ x) - float(b @ x), A @ x - b),
        start,
        hessian_product=lambda x, v: A @ v,
        gauss_newton_product=lambda x, v: A @ v,
    )


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_newton_solves_a_quadratic_in_one_step(size, seed):
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(size, size))
    A, b = half @ half.T + np.eye(size), rng.normal(size=size)
    objective = quadratic(A, b, rng.normal(size=size))

    Newton(objective, cg_tolerance=1e-12).step()

    np.testing.assert_allclose(objective.theta, np.linalg.solve(A, b), rtol=1e-6, atol=1e-8)


def test_damping_is_added_to_the_diagonal(rng):
    A, b = np.diag([1.0, 10.0, 100.0]), np.array([1.0, 2.0, 3.0])
    start = rng.normal(size=3)
    objective = quadratic(A, b, start)

    Newton(objective, damping=5.0, lr=0.5).step()

    expected = start - 0.5 * np.linalg.solve(A + 5 * np.eye(3), A @ start - b)
    np.testing.assert_allclose(objective.theta, expected, rtol=1e-6)  # cg_tolerance


@pytest.mark.parametrize("line_search", [True, False])
def test_newton_does_not_climb_to_a_saddle(line_search):
    """x² − y² from beside the saddle: the exact Newton step would go straight into it."""
    A = np.diag([2.0, -2.0])
    objective = quadratic(A, np.zeros(2), np.array([1.0, 0.5]))
    before = objective.value_and_gradient()[0]

    Newton(objective, line_search=line_search).step()

    assert objective.value_and_gradient()[0] < before
    assert abs(objective.theta[1]) > 0.5


def test_from_a_maximum_newton_goes_down():
    objective = quadratic(-np.eye(2), np.zeros(2), np.array([0.1, 0.2]))

    Newton(objective).step()

    assert np.linalg.norm(objective.theta) > np.linalg.norm([0.1, 0.2])


def test_the_line_search_shortens_a_step_that_overshoots():
    """√(1 + x²) from x = 2: the full Newton step lands at −8."""

    def function(x):
        root = np.sqrt(1 + x[0] ** 2)
        return float(root), x / root

    objective = FunctionObjective(function, [2.0])
    free = FunctionObjective(function, [2.0])

    found = minimize(objective, Newton(objective), tolerance=1e-9)
    Newton(free, line_search=False).step()

    assert found.converged
    assert abs(found.theta[0]) < 1e-8
    assert free.theta[0] == pytest.approx(-8.0, rel=1e-3)  # the Hessian is a difference here


def test_newton_stands_still_where_no_step_helps():
    """The gradient promises a decrease that the values do not show."""
    objective = FunctionObjective(lambda x: (1.0, np.ones(2)), [1.0, 2.0])

    found = minimize(objective, Newton(objective))

    assert found.theta.tolist() == [1.0, 2.0]
    assert found.stop_reason == "no decrease"


@pytest.mark.parametrize("lr", [0.0, 1.0])
@pytest.mark.parametrize("kind", [Newton, LevenbergMarquardt])
def test_a_critical_point_or_a_rate_of_zero_changes_nothing(kind, lr):
    start = np.zeros(2) if lr else np.ones(2)
    objective = quadratic(np.eye(2), np.zeros(2), start)

    kind(objective, lr=lr).step()

    np.testing.assert_array_equal(objective.theta, start)


LEAST_SQUARES = {
    "rosenbrock": (functions.rosenbrock_residuals, functions.rosenbrock_jacobian, [-1.2, 1.0]),
    "beale": (functions.beale_residuals, functions.beale_jacobian, [1.0, 1.0]),
    "powell": (functions.powell_residuals, functions.powell_jacobian, [3.0, -1.0, 0.0, 1.0]),
}


@pytest.mark.parametrize("solver", ["cg", "direct"])
@pytest.mark.parametrize("name", LEAST_SQUARES)
def test_levenberg_marquardt_ends_where_scipys_does(name, solver):
    residuals, jacobian, start = LEAST_SQUARES[name]
    expected = optimize.least_squares(residuals, start, jac=jacobian, method="lm", gtol=1e-10)
    objective = FunctionObjective.least_squares(residuals, jacobian, start)

    found = minimize(
        objective, LevenbergMarquardt(objective, solver=solver, cg_tolerance=1e-12), tolerance=1e-9
    )

    assert found.converged
    assert found.value == pytest.approx(expected.cost, abs=1e-12)
    # Powell's minimum at 0 is singular: a gradient 40 d³ of 1e-9 is met at a distance d of 2.9e-4.
    minimum, distance = (np.zeros(4), 4e-4) if name == "powell" else (expected.x, 1e-6)
    np.testing.assert_allclose(found.theta, minimum, atol=distance)
    assert all(np.diff(found.values) < 0)
    assert found.n_evaluations <= 2 * expected.nfev + 5


def test_a_good_step_lowers_the_damping_and_a_bad_one_raises_it():
    """On a quadratic the gain is 1, so the damping falls to a third (Nielsen)."""
    bowl = quadratic(np.eye(2), np.zeros(2), np.ones(2))
    optimizer = LevenbergMarquardt(bowl, damping=0.3, solver="direct")
    optimizer.step()
    assert optimizer.damping == pytest.approx(0.1)

    def wrong(x):  # a gradient that points up: no step lowers the value
        return float(x @ x), -2 * x

    hill = FunctionObjective(wrong, [1.0, 1.0], gauss_newton_product=lambda x, v: v)
    stubborn = LevenbergMarquardt(hill, damping=0.3)
    stubborn.step()

    assert hill.theta.tolist() == [1.0, 1.0]
    assert stubborn.state_dict()["damping"] == pytest.approx(0.3)

    # atan from far out: an undamped step overshoots to a higher value, a damped one does not.
    curve = FunctionObjective.least_squares(np.arctan, lambda x: np.diag(1 / (1 + x**2)), [3.0])
    careful = LevenbergMarquardt(curve, damping=1e-6)
    before = curve.value_and_gradient()[0]
    careful.step()

    assert curve.value_and_gradient()[0] < before
    assert careful.damping > 1e-6


def test_gauss_newton_without_damping_solves_a_linear_problem_of_low_rank():
    J = np.array([[1.0, 1.0], [2.0, 2.0]])
    objective = FunctionObjective.least_squares(lambda x: J @ x - [1.0, 2.0], lambda x: J, [0, 0])

    LevenbergMarquardt(objective, damping=0.0, adaptive=False, solver="direct").step()

    np.testing.assert_allclose(objective.theta, [0.5, 0.5])  # the shortest of all solutions


def test_products_that_are_not_finite_are_reported():
    objective = quadratic(np.full((2, 2), np.nan), np.ones(2), np.zeros(2))
    objective._function = lambda x: (0.0, np.ones(2))

    for how in ({"solver": "direct"}, {"solver": "cg"}, {"adaptive": False}):
        with pytest.raises(NonFiniteError, match="Gauss-Newton matrix holds nan"):
            LevenbergMarquardt(objective, **how).step()
    np.testing.assert_array_equal(objective.theta, 0.0)
    assert objective.theta.tolist() == [0.0, 0.0]


def test_a_gauss_newton_matrix_that_curves_down_is_survived():
    """It cannot, but a product in float32 may: the gradient direction is tried then."""
    objective = quadratic(np.diag([-1.0, -1.0]), np.zeros(2), np.array([0.5, 0.25]))

    LevenbergMarquardt(objective).step()

    assert np.isfinite(objective.theta).all()


@pytest.mark.parametrize("kind", [Newton, LevenbergMarquardt])
def test_networks_are_trained_to_a_critical_point(kind):
    """With a penalty: without it the best parameters of this network lie at infinity."""
    problem = Problem()
    objective = ModelObjective(problem.model, MSE(), problem.X, problem.y, penalty=L2(0.01))

    found = minimize(objective, kind(problem.model), tolerance=1e-6, max_steps=300)

    assert found.converged
    assert all(np.diff(found.values) < 0)


def test_conjugate_gradients_solve_and_report(rng):
    half = rng.normal(size=(6, 6))
    A, b = half @ half.T + np.eye(6), rng.normal(size=6)

    solution = conjugate_gradient(lambda v: A @ v, b, tolerance=1e-12, max_steps=20)

    np.testing.assert_allclose(solution.x, np.linalg.solve(A, b), rtol=1e-8)
    np.testing.assert_allclose(solution.residual, b - A @ solution.x, atol=1e-10)
    assert not solution.negative_curvature
    assert solution.n_products <= 9  # six in exact arithmetic


def test_conjugate_gradients_stop_at_negative_curvature():
    A, b = np.diag([1.0, -1.0]), np.array([1.0, 0.1])

    solution = conjugate_gradient(lambda v: A @ v, b, tolerance=1e-12, max_steps=20)

    assert solution.negative_curvature
    assert b @ solution.x > 0


@pytest.mark.parametrize(
    ("kind", "settings_", "match"),
    [
        (Newton, {"damping": -1.0}, "damping is -1.0"),
        (Newton, {"max_cg_steps": 0}, "max_cg_steps is 0"),
        (Newton, {"cg_tolerance": 1.0}, "cg_tolerance is 1.0"),
        (Newton, {"line_search": "yes"}, "line_search is 'yes'"),
        (LevenbergMarquardt, {"damping": 0.0}, "damping is 0.0, expected a number above 0"),
        (LevenbergMarquardt, {"solver": "qr"}, "solver is 'qr', expected 'cg' or 'direct'"),
        (LevenbergMarquardt, {"adaptive": 1}, "adaptive is 1"),
        (LevenbergMarquardt, {"max_cg_steps": 1.5}, "max_cg_steps is 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(kind, settings_, match):
    with pytest.raises(ArgumentError, match=match):
        kind(quadratic(np.eye(2), np.zeros(2), np.zeros(2)), **settings_)


def test_a_trial_that_overflows_counts_as_too_far():
    """exp(x) − x from 0: with the curvature understated the first trials end beyond the numbers."""

    def function(x):
        with np.errstate(over="ignore"):
            return float(np.exp(x[0]) + np.exp(-x[0])), np.exp(x) - np.exp(-x)

    objective = FunctionObjective(
        function, [2.0], hessian_product=lambda x, v: 1e-6 * v,
        gauss_newton_product=lambda x, v: 1e-6 * v,
    )  # fmt: skip
    for optimizer in (Newton(objective), LevenbergMarquardt(objective, damping=1e-6)):
        objective.theta[:] = 2.0
        before = objective.value_and_gradient()[0]
        optimizer.step()
        assert objective.value_and_gradient()[0] < before


def test_a_model_whose_trial_overflows_counts_as_too_far():
    """The model raises NonFiniteError there, which is no reason to end the step."""
    model = Sequential(Linear(1, 1, bias=False))
    model.theta = 1.0
    objective = ModelObjective(model, MSE(), [[1e10]], [[0.0]])

    Newton(model, lr=1e10).step(objective)

    assert abs(model.theta[0]) < 1.0


@pytest.mark.parametrize("unit", [1e-30, 1e30])
def test_conjugate_gradients_in_float32_take_numbers_whose_squares_it_does_not_hold(unit):
    b = np.array([3.0, 4.0], np.float32) * np.float32(unit)

    solution = conjugate_gradient(lambda v: 2 * v, b, tolerance=1e-6, max_steps=5)

    np.testing.assert_allclose(solution.x, b / 2, rtol=1e-6)
    assert solution.x.dtype == np.float32


def test_conjugate_gradients_of_nothing_need_no_product():
    solution = conjugate_gradient(lambda v: v, np.zeros(3), tolerance=0.1, max_steps=5)

    assert solution.n_products == 0
    assert not solution.x.any()
