from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from nnlib.errors import ArgumentError, ShapeError
from nnlib.layers import Linear, Sequential, Tanh
from nnlib.losses import CrossEntropy
from nnlib.optimizers import (
    BFGS,
    LBFGS,
    FunctionObjective,
    ModelObjective,
    bfgs_update,
    lbfgs_direction,
    minimize,
)
from tests.nnlib.optimizers.functions import FUNCTIONS


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("kind", "theirs"), [(BFGS, "BFGS"), (LBFGS, "L-BFGS-B")])
def test_the_minimum_is_that_of_scipy_with_about_as_many_gradients(name, kind, theirs):
    function, start = FUNCTIONS[name]
    expected = optimize.minimize(
        function, start, jac=True, method=theirs, options={"gtol": 1e-8, "maxiter": 1000}
        | ({"ftol": 0.0} if theirs == "L-BFGS-B" else {}),
    )  # fmt: skip
    objective = FunctionObjective(function, start)

    found = minimize(objective, kind(objective), tolerance=1e-8)

    assert found.converged
    # Where the gradient is 1e-8 a curvature of 1 leaves 1e-8; Powell's is singular at its minimum.
    tolerance = 2e-2 if name == "powell" else 1e-6
    np.testing.assert_allclose(found.theta, expected.x, atol=tolerance)
    assert found.value == pytest.approx(expected.fun, abs=1e-8)
    # SciPy's BFGS starts from H = 1, which happens to suit the ravine. Ours starts from the first
    # step, and asks as often whatever the unit of the loss: see the next test.
    factor = 4.0 if (kind, name) == (BFGS, "ravine") else 1.5
    assert found.n_evaluations <= factor * expected.nfev + 5


@pytest.mark.parametrize("kind", [BFGS, LBFGS])
def test_the_unit_of_the_loss_hardly_changes_the_work(kind):
    """Only the very first step, of length one, knows the unit."""
    function, start = FUNCTIONS["ravine"]
    counts = []
    for unit in (1e-3, 1.0, 1e3):

        def scaled(x, unit=unit):
            value, grad = function(x)
            return unit * value, unit * grad

        objective = FunctionObjective(scaled, start)
        found = minimize(objective, kind(objective), tolerance=unit * 1e-6)
        assert found.converged
        counts.append(found.n_evaluations)

    assert max(counts) <= 1.3 * min(counts)


@pytest.mark.parametrize("kind", [BFGS, LBFGS])
def test_a_network_reaches_a_gradient_of_zero(kind, rng):
    X, y = rng.normal(size=(40, 3)), rng.integers(0, 3, 40)
    model = Sequential(
        Linear(3, 4, rng=1, dtype=np.float64), Tanh(), Linear(4, 3, rng=2, dtype=np.float64)
    )
    from nnlib.regularizers import L2

    objective = ModelObjective(model, CrossEntropy(), X, y, penalty=L2(1e-3))
    start = objective.value_and_gradient()[0]

    found = minimize(objective, kind(model), tolerance=1e-6, max_steps=2000)

    assert found.converged
    assert found.value < start
    assert all(np.diff(found.values) < 0)  # no step may climb


@pytest.mark.parametrize("kind", [BFGS, LBFGS])
def test_float32_stops_where_rounding_ends_the_descent(kind):
    function, start = FUNCTIONS["rosenbrock"]
    objective = FunctionObjective(function, np.array(start, np.float32))

    found = minimize(objective, kind(objective), tolerance=0.0, max_steps=200)

    assert found.stop_reason in {"no decrease", "gradient small"}
    # Values near the minimum vanish with their rounding: a hundred units of theta's are left.
    np.testing.assert_allclose(found.theta, 1.0, atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_bfgs_update_keeps_secant_symmetry_and_definiteness(size, seed):
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(size, size))
    H = half @ half.T + np.eye(size)
    s = rng.normal(size=size)
    y = s + 0.5 * (half @ half.T) @ s  # so that yᵀ s > 0

    new = bfgs_update(H, s, y)

    rho = 1 / (y @ s)
    left = np.eye(size) - rho * np.outer(s, y)
    formula = left @ H @ left.T + rho * np.outer(s, s)
    scale = np.abs(formula).max()
    np.testing.assert_allclose(new, formula, rtol=1e-7, atol=1e-9 * scale)
    np.testing.assert_allclose(new @ y, s, rtol=1e-6, atol=1e-8 * np.abs(s).max())
    assert np.linalg.eigvalsh(new).min() > 0


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_two_loops_are_the_product_with_the_updated_matrix(size, n_pairs, seed):
    rng = np.random.default_rng(seed)
    S = [rng.normal(size=size) for _ in range(n_pairs)]
    Y = [s * rng.uniform(0.5, 2.0, size) for s in S]
    grad = rng.normal(size=size)
    H = np.eye(size)
    if n_pairs:
        H *= (S[-1] @ Y[-1]) / (Y[-1] @ Y[-1])
    for s, y in zip(S, Y, strict=True):
        H = bfgs_update(H, s, y)

    p = lbfgs_direction(grad, S, Y)

    np.testing.assert_allclose(p, -H @ grad, rtol=1e-6, atol=1e-8 * np.abs(H).max())


def test_lbfgs_with_enough_memory_is_bfgs():
    """Both scale by the first pair only when there is one; here the scale stays the same."""
    function, start = FUNCTIONS["beale"]
    path = {}
    for kind, settings_ in ((BFGS, {}), (LBFGS, {"history_size": 1})):
        objective = FunctionObjective(function, start)
        optimizer = kind(objective, **settings_)
        optimizer.step()
        optimizer.step()
        path[kind] = objective.theta.copy()

    np.testing.assert_allclose(path[BFGS], path[LBFGS], rtol=1e-10)


@pytest.mark.parametrize("kind", [BFGS, LBFGS])
def test_a_minimum_is_left_alone(kind):
    objective = FunctionObjective(lambda x: (float(x @ x), 2 * x), [0.0, 0.0])
    optimizer = kind(objective)

    optimizer.step()

    assert objective.theta.tolist() == [0.0, 0.0]
    assert optimizer.steps == 1


@pytest.mark.parametrize("kind", [BFGS, LBFGS])
def test_where_nothing_falls_it_stands_still(kind):
    """The gradient promises a decrease that the values do not show, with memory and without."""
    flat = {"on": False}

    def function(x):
        return (1.0, 2 * x) if flat["on"] else (float(x @ (np.array([1, 9]) * x)), 2 * x)

    objective = FunctionObjective(function, [3.0, -4.0])
    optimizer = kind(objective)
    optimizer.step()
    assert optimizer.state_dict()["n_updates"] == 1
    flat["on"], objective._last = True, None
    before = objective.theta.copy()

    optimizer.step()

    np.testing.assert_array_equal(objective.theta, before)
    assert optimizer.state_dict()["n_updates"] == 0


@pytest.mark.parametrize("kind", [BFGS, LBFGS])
def test_a_step_without_positive_curvature_teaches_nothing(kind):
    """A slope that is the same everywhere: y = 0."""
    objective = FunctionObjective(lambda x: (float(x.sum()), np.ones(2)), [3.0, -4.0])
    optimizer = kind(objective)

    optimizer.step()

    assert objective.theta.sum() < -1.0
    assert optimizer.state_dict()["n_updates"] == 0


@pytest.mark.parametrize("kind", [BFGS, LBFGS])
def test_memory_of_another_function_is_forgotten_when_it_leads_nowhere(kind):
    """What was learned in one place can point uphill in another: then −g is tried."""
    bend = {"sign": 1.0}

    def function(x):
        # First a steep bowl, then a slope whose values do not fall along the learned direction.
        if bend["sign"] > 0:
            return float(x @ x), 2 * x
        return float(np.abs(x).sum()), np.sign(x)

    objective = FunctionObjective(function, [3.0, -4.0])
    optimizer = kind(objective)
    optimizer.step()
    bend["sign"] = -1.0
    objective._last = None
    optimizer._state["H" if kind is BFGS else "S"][...] = np.nan

    before = objective.value_and_gradient()[0]
    optimizer.step()

    assert objective.value_and_gradient()[0] < before
    assert np.isfinite(objective.theta).all()


def test_a_step_of_zero_rate_stands_still():
    objective = FunctionObjective(lambda x: (float(x @ x), 2 * x), [1.0, 2.0])

    LBFGS(objective, lr=0.0).step()

    assert objective.theta.tolist() == [1.0, 2.0]


def test_a_matrix_too_large_is_refused():
    objective = FunctionObjective(lambda x: (float(x @ x), 2 * x), np.zeros(10_001))

    with pytest.raises(ArgumentError, match=r"10001 parameters need a matrix of 0.8 GB.*LBFGS"):
        BFGS(objective)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((np.eye(2), [1.0, 2.0], [1.0]), ShapeError, "y has shape"),
        ((np.eye(3), [1.0, 2.0], [1.0, 2.0]), ShapeError, "H has shape"),
        ((np.eye(2), [[1.0, 2.0]], [1.0, 2.0]), ShapeError, "s has shape"),
        ((np.eye(2), [1.0, 2.0], [-1.0, 0.0]), ArgumentError, "yᵀ s is -1"),
    ],
)
def test_bfgs_update_refuses_what_does_not_fit(arguments, error, match):
    with pytest.raises(error, match=match):
        bfgs_update(*arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        (([1.0, 2.0], [[1.0, 2.0]], []), ShapeError, "1 steps and 0 changes"),
        (([[1.0, 2.0]], [], []), ShapeError, "grad has shape"),
        (([1.0, 2.0], [[1.0]], [[1.0]]), ShapeError, r"S\[0\] has shape"),
        (([1.0, 2.0], [[1.0, 0.0]], [[-1.0, 0.0]]), ArgumentError, "pair 0 is not positive"),
    ],
)
def test_lbfgs_direction_refuses_what_does_not_fit(arguments, error, match):
    with pytest.raises(error, match=match):
        lbfgs_direction(*arguments)


def test_history_size_must_be_a_count():
    with pytest.raises(ArgumentError, match="history_size is 0"):
        LBFGS(FunctionObjective(lambda x: (0.0, x), [1.0]), history_size=0)


@pytest.mark.parametrize("kind", [BFGS, LBFGS])
def test_a_gradient_whose_square_float32_does_not_hold_is_survived(kind):
    huge = np.float32(1e25)
    objective = FunctionObjective(
        lambda x: (float(huge * np.abs(x).sum()), huge * np.sign(x)), np.float32([3.0, -4.0])
    )

    with np.errstate(over="ignore"):
        kind(objective).step()

    assert np.isfinite(objective.theta).all()
