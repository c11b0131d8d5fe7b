"""What a pruning mask holds at zero: no memory of it, and no step."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib.errors import NonFiniteError
from nnlib.optimizers import LevenbergMarquardt
from nnlib.optimizers._with_objective import ObjectiveOptimizer
from tests.nnlib.optimizers.cases import CASES, FIRST_ORDER, SECOND_ORDER, Problem


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_theta_that_was_filled_past_the_mask_is_zero_there_after_a_step(case):
    """Written into the vector itself, which no setter sees."""
    problem = Problem()
    problem.model.mask = np.arange(problem.model.theta.size) % 2 == 0
    problem.model.theta[:] = 1.0
    optimizer = case.build(problem.model)

    theta = problem.run(optimizer, 3)

    np.testing.assert_array_equal(theta[1::2], 0.0)
    assert theta[::2].any()


@pytest.mark.parametrize("case", SECOND_ORDER, ids=lambda case: case.name)
def test_a_step_starts_from_the_parameters_without_the_pruned(case):
    """As if they had been zero before: the loss that must fall is that of the pruned model."""
    thetas = []
    for fill in (0.0, 1.0):
        problem = Problem()
        problem.model.mask = np.arange(problem.model.theta.size) % 2 == 0
        problem.model.theta[1::2] = fill
        thetas.append(problem.run(case.build(problem.model), 2))

    np.testing.assert_array_equal(*thetas)


@pytest.mark.parametrize(
    "case",
    [c for c in FIRST_ORDER if not c.settings.get("weight_decay")],
    ids=lambda case: case.name,
)
def test_nothing_is_remembered_of_the_gradients_of_pruned_entries(case):
    """Freed again, and without a gradient, they do not move."""
    problem = Problem()
    model = problem.model
    model.mask = np.ones(model.theta.size, bool)
    model.mask[[0, 5, 12]] = False
    model.mask = model.mask
    settings = {"weight_decay": 0.0} if case.kind.__name__ == "Muon" else {}
    if case.kind.__name__ == "Muon":  # a matrix is made orthogonal as a whole
        settings["exclude"] = ("0.W", "2.W")
    optimizer = case.build(model, **settings)
    problem.run(optimizer, 4)
    before = model.theta.copy()

    model.mask = None
    model.grad[:] = 0.0
    model.grad[1] = 1.0
    optimizer.step()

    np.testing.assert_array_equal(model.theta[[0, 5, 12]], before[[0, 5, 12]])
    assert model.theta[1] != before[1]


@pytest.mark.parametrize("broken", ["value", "improvement"])
def test_a_failed_step_leaves_no_trace_even_of_what_it_masked(broken):
    class Failing(ObjectiveOptimizer):
        def _first_numbers(self):
            return {"count": 0}

        def _improve(self, objective, theta, value, grad, lr):
            self._numbers["count"] += 1
            theta += 1.0
            raise RuntimeError

    problem = Problem()
    model, optimizer = problem.model, Failing(problem.model, lr=1.0)
    model.mask = np.arange(model.theta.size) % 2 == 0
    model.theta[:] = 1.0
    if broken == "value":
        problem.objective.value_and_gradient = lambda: (np.nan, np.zeros_like(model.theta))

    with pytest.raises(NonFiniteError if broken == "value" else RuntimeError):
        optimizer.step(problem.objective)

    np.testing.assert_array_equal(model.theta, 1.0)
    assert optimizer.state_dict() == {"steps": 0, "lr": 1.0, "count": 0}


def test_a_singular_matrix_of_a_pruned_model_leaves_zeros():
    problem = Problem()
    problem.model.mask = np.arange(problem.model.theta.size) % 2 == 0
    optimizer = LevenbergMarquardt(problem.model, adaptive=False, damping=0.0, solver="direct")

    theta = problem.run(optimizer, 2)

    np.testing.assert_array_equal(theta[1::2], 0.0)
