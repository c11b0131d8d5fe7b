"""An objective never gives an answer that has become untrue, and finds products without rules."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import MSE, CrossEntropy, Linear, Sequential, Tanh, fit
from nnlib.layers.batchnorm import BatchNorm1d
from nnlib.layers.dropout import Dropout
from nnlib.optimizers import LevenbergMarquardt, ModelObjective, Newton, Optimizer
from nnlib.regularizers import L2
from tests.nnlib.optimizers.test_objective import network


class Without(Tanh):
    """tanh without an R-operator."""

    def rforward(self, x_dot, v=None):
        raise NotImplementedError

    def rbackward(self, dy_dot, *, need_dx=True):
        raise NotImplementedError


@pytest.fixture
def data(rng):
    return rng.normal(size=(10, 3)), rng.integers(0, 3, 10)


def moody() -> Sequential:
    return Sequential(
        Linear(3, 5, rng=1, dtype=np.float64), BatchNorm1d(5, dtype=np.float64),
        Dropout(0.4, rng=0), Linear(5, 3, rng=2, dtype=np.float64),
    )  # fmt: skip


def answers(objective: ModelObjective, v: np.ndarray) -> list:
    value, grad = objective.value_and_gradient()
    return [value, grad, objective.hessian_product(v), objective.gauss_newton_product(v)]


# What an answer depends on ---------------------------------------------------------------------


@pytest.mark.parametrize("change", ["eval", "one layer", "decay", "decay in place", "masks"])
def test_what_changes_the_function_changes_the_answers(change, data, rng):
    """They are those of an objective built after the change."""
    model = moody()
    v = rng.normal(size=model.theta.size)
    objective = ModelObjective(model, CrossEntropy(), *data, L2(0.5))
    before = answers(objective, v)

    if change == "eval":
        model.eval()
    elif change == "one layer":
        model.layers[1].eval()
    elif change == "decay":
        model.decay_mask = np.zeros(model.theta.size, bool)
    elif change == "decay in place":
        model.decay_mask[:4] = False
    else:
        model.forward(data[0])  # draws new masks, which now count

    after = answers(objective, v)
    expected = answers(ModelObjective(model, CrossEntropy(), *data, L2(0.5)), v)
    for new, known, old in zip(after, expected, before, strict=True):
        np.testing.assert_array_equal(new, known)
        assert not np.array_equal(new, old)


def test_nothing_is_computed_twice_where_nothing_changed(data):
    objective = ModelObjective(moody(), CrossEntropy(), *data, L2(0.5))
    first = objective.value_and_gradient()
    second = objective.value_and_gradient()
    assert objective.n_evaluations == 1
    np.testing.assert_array_equal(first[1], second[1])


# Without an R-operator -------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-7), (np.float32, 1e-2)])
def test_gauss_newton_products_without_rules_are_differences_of_outputs(
    dtype, tolerance, data, rng
):
    """The error of central differences is near eps^(2/3): 4e-11 and 2e-5 of numbers of size 1."""
    exact, rough = (
        Sequential(Linear(3, 4, rng=1, dtype=dtype), kind(), Linear(4, 3, rng=2, dtype=dtype))
        for kind in (Tanh, Without)
    )
    v = rng.normal(size=exact.theta.size)
    expected, objective = (
        ModelObjective(model, CrossEntropy(), *data, L2(0.1)) for model in (exact, rough)
    )
    theta = rough.theta.copy()
    grad = objective.value_and_gradient()[1]

    Gv = objective.gauss_newton_product(v)

    np.testing.assert_allclose(Gv, expected.gauss_newton_product(v), rtol=tolerance, atol=tolerance)
    assert not objective.exact_products
    assert expected.exact_products
    np.testing.assert_array_equal(rough.theta, theta)
    np.testing.assert_array_equal(objective.value_and_gradient()[1], grad)
    np.testing.assert_array_equal(objective.gauss_newton_product(0 * v), 0.0)


@pytest.mark.parametrize("kind", [LevenbergMarquardt, Newton])
def test_second_order_steps_work_without_rules(kind, data):
    model = Sequential(
        Linear(3, 4, rng=1, dtype=np.float64), Without(), Linear(4, 3, rng=2, dtype=np.float64)
    )
    history = fit(
        model, *data, loss=CrossEntropy(), optimizer=kind(model), epochs=5, batch_size=10,
        progress=False,
    )  # fmt: skip
    assert history.loss[-1] < 0.5 * history.loss[0]


# What fit hands to the optimizer ---------------------------------------------------------------


class Asking(Optimizer):
    """Note what the objective says at once, and what it says after a walk away and back."""

    needs_objective = True

    def __init__(self, model):
        super().__init__(model, 1.0)
        self.seen = []

    def step(self, objective=None):
        theta = self.model.theta
        at_once = objective.value_and_gradient()
        start = theta.copy()
        theta += 0.5
        objective.value_and_gradient()
        theta[:] = start
        self.seen.append((at_once, objective.value_and_gradient()))

    def _update(self, theta, grad, lr):
        raise NotImplementedError


@pytest.mark.parametrize("penalty", [None, L2(0.7)])
@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_what_fit_knows_already_is_what_the_objective_would_compute(penalty, rate, rng):
    """Also for batches of several slices, whose dropout masks are not those of the objective."""
    X = rng.normal(size=(1100, 3))
    layers = [Dropout(rate, rng=0)] if rate else []
    model = Sequential(
        Linear(3, 2, rng=1, dtype=np.float64), *layers, Tanh(),
        Linear(2, 1, rng=2, dtype=np.float64),
    )  # fmt: skip
    asking = Asking(model)

    fit(
        model, X, X[:, :1], loss=MSE(), optimizer=asking, batch_size=1100, penalty=penalty,
        progress=False,
    )  # fmt: skip

    (value, grad), (again, grad_again) = asking.seen[0]
    assert value == pytest.approx(again, rel=1e-12)  # slices are added up in another order
    np.testing.assert_allclose(grad, grad_again, rtol=1e-9, atol=1e-14)


def test_the_value_that_fit_knows_has_the_penalty_in_it(data):
    model = network()
    asking = Asking(model)
    objective = ModelObjective(model, CrossEntropy(), *data, L2(0.7))
    expected = objective.value_and_gradient()[0]

    fit(
        model, *data, loss=CrossEntropy(), optimizer=asking, batch_size=10, penalty=L2(0.7),
        shuffle=False, progress=False,
    )  # fmt: skip

    assert asking.seen[0][0][0] == pytest.approx(expected, rel=1e-12)  # the same sums
