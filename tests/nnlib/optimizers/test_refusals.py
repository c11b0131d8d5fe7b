"""What is wrong is named, by one of the library's errors, and before it does harm."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import schedules
from nnlib.errors import ArgumentError, DtypeError, ShapeError
from nnlib.layers import Linear, ReLU, Sequential
from nnlib.losses import MSE
from nnlib.optimizers import (
    BFGS,
    LBFGS,
    SGD,
    Adam,
    FunctionObjective,
    LevenbergMarquardt,
    ModelObjective,
    Muon,
    Newton,
    RMSProp,
    minimize,
)


@pytest.mark.parametrize("kind", [Newton, LevenbergMarquardt, BFGS, LBFGS])
def test_a_model_without_parameters_leaves_nothing_to_train(kind):
    with pytest.raises(ArgumentError, match=f"{kind.__name__}: the model has no parameters"):
        kind(Sequential(ReLU()))


def test_there_is_nothing_to_minimize_over_without_parameters():
    model = Sequential(ReLU())
    objective = ModelObjective(model, MSE(), np.ones((2, 1)), np.ones((2, 1)))

    with pytest.raises(ArgumentError, match="minimize: the model has no parameters"):
        minimize(objective, SGD(model, lr=0.1))


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (None, DtypeError, r"function returned None, expected a pair \(value, gradient\)"),
        (3.0, DtypeError, "function returned 3.0, expected a pair"),
        ((np.ones(2), np.ones(2)), ShapeError, r"the value has shape \(2,\), expected one number"),
        (([1, [2]], np.ones(2)), ShapeError, "the value: the rows differ"),
        (("a", np.ones(2)), DtypeError, "the value: dtype is <U1"),
        ((None, np.ones(2)), DtypeError, "the value: dtype is object"),
        ((1.0, None), DtypeError, "the gradient: dtype is object"),
        ((1.0, np.ones(3)), ShapeError, r"the gradient has shape \(3,\)"),
    ],
)
def test_what_a_function_returns_is_checked(answer, error, message):
    with pytest.raises(error, match=message):
        FunctionObjective(lambda x: answer, [0.0, 0.0]).value_and_gradient()


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.array([2.0]), np.array(2.0)])
def test_one_number_is_a_value_in_whatever_form(value):
    objective = FunctionObjective(lambda x: [value, x], [1.0])
    found, _ = objective.value_and_gradient()
    assert [found] == [2]
    assert type(found) is float


@pytest.mark.parametrize("word", [[], {}, np.ones(2), "other", None])
def test_words_that_are_none_are_refused(word):
    model = Linear(2, 2)
    with pytest.raises(ArgumentError, match=r"adjust_lr_fn is .*, expected 'original' or"):
        Muon(model, adjust_lr_fn=word)
    with pytest.raises(ArgumentError, match=r"solver is .*, expected 'cg' or 'direct'"):
        LevenbergMarquardt(model, solver=word)


FACTORIES = [
    schedules.cosine, schedules.exponential, schedules.step_decay, schedules.one_cycle,
    schedules.linear_warmup, schedules.join,
]  # fmt: skip


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_schedule_that_was_not_built_is_refused_at_once(factory):
    model = Linear(2, 2)
    optimizer = SGD(model, lr=0.1)
    message = rf"{factory.__name__}, which cannot be called with the step alone.*call it"
    with pytest.raises(DtypeError, match=f"SGD: lr is the function {message}"):
        SGD(model, lr=factory)
    with pytest.raises(DtypeError, match=message):
        optimizer.lr = factory
    with pytest.raises(DtypeError, match=f"Muon: adamw_lr is the function {message}"):
        Muon(model, adamw_lr=factory)
    with pytest.raises(DtypeError, match=message):
        schedules.join([0.1, factory], boundaries=[1])
    assert optimizer.lr == pytest.approx(0.1)


def test_schedules_of_all_sorts_are_taken_and_not_called_too_early():
    class Rate:
        calls = 0

        def __call__(self, step: int) -> float:
            self.calls += 1
            return 0.5

    rate = Rate()
    for schedule in (rate, lambda step, scale=1.0: 0.5 * scale, max):
        SGD(Linear(1, 1), lr=schedule)
    assert rate.calls == 0


def test_a_schedule_stays_where_a_state_holds_a_fixed_rate():
    state = SGD(Linear(1, 1), lr=0.3).state_dict() | {"steps": 4}
    optimizer = SGD(Linear(1, 1), lr=lambda step: 1.0 / (1 + step))

    optimizer.load_state_dict(state)

    assert optimizer.lr == pytest.approx(0.2)
    assert "lr" not in optimizer.state_dict()


def test_decay_of_what_adamw_updates_goes_by_its_own_rate():
    """Without a gradient only the decay is left: w (1 − rate · decay)."""
    for exclude, rate in (((), 0.5), (("W",), 0.1)):
        layer = Linear(2, 3, bias=False, dtype=np.float64)
        layer.W = 1.0
        Muon(layer, lr=0.5, adamw_lr=0.1, weight_decay=0.2, exclude=exclude).step()
        np.testing.assert_allclose(layer.W, 1 - rate * 0.2, rtol=1e-15)


@pytest.mark.parametrize("alpha", [0.5, 0.9])
def test_a_variance_that_rounding_makes_negative_counts_as_zero(alpha):
    """A constant gradient has variance zero, to rounding on either side: the root must exist."""
    layer = Linear(1, 500, bias=False)
    gradient = np.random.default_rng(0).normal(size=(1, 500)).astype(np.float32)
    optimizer = RMSProp(layer, lr=1e-3, alpha=alpha, centered=True, eps=1.0)
    for _ in range(200):
        layer.dW = gradient
        optimizer.step()
    v, m = optimizer.state_dict()["v"], optimizer.state_dict()["m"]
    assert (v - m * m < 0).any()  # else this test would test nothing
    assert np.isfinite(layer.theta).all()


def test_rows_of_zeros_do_not_disturb_lbfgs_after_a_load():
    bowl = FunctionObjective(lambda x: (float(x @ x), 2 * x), [3.0, -4.0])
    optimizer = LBFGS(bowl)
    optimizer.load_state_dict({
        "steps": 1,
        "n_updates": 0,
        "S": np.zeros((10, 2)),
        "Y": np.zeros((10, 2)),
    })
    optimizer.step()
    assert bowl.value_and_gradient()[0] < 25.0


@pytest.mark.parametrize(("size", "n_products"), [(300, 250), (40, 40)])
def test_newton_asks_for_at_most_250_products_or_one_for_each_parameter(size, n_products):
    """With a tolerance of zero nothing but the limit ends the work."""
    diagonal = np.linspace(1.0, 1e4, size)
    bowl = FunctionObjective(
        lambda x: (0.5 * float(x @ (diagonal * x)) - float(x.sum()), diagonal * x - 1.0),
        np.zeros(size), hessian_product=lambda x, v: diagonal * v,
        gauss_newton_product=lambda x, v: diagonal * v,
    )  # fmt: skip
    Newton(bowl, cg_tolerance=0.0).step()
    assert bowl.n_products == n_products


def test_numbers_of_numpy_are_parts_of_a_schedule():
    schedule = schedules.join([np.float32(0.5), np.int64(1), 0.25], boundaries=[1, 2])
    assert [schedule(step) for step in range(3)] == [0.5, 1.0, 0.25]
    warm = schedules.linear_warmup(np.float64(1.0), 2)
    assert Adam(Linear(1, 1), lr=warm).lr == pytest.approx(1 / 3)
    with pytest.raises(DtypeError, match="expected a number or a function"):
        schedules.join([np.complex64(1)], boundaries=[])
