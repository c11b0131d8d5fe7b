"""A planned step of stacked models computes what the rules of layers and loss compute."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import MSE, CrossEntropy, Linear, ReLU, Sequential, Sigmoid, Tanh
from nnlib.layers import LayerNorm
from nnlib.layers._stacked_plan import FEW_CLASSES, StackedPlan, has_stacked_plan
from nnlib.layers.stacking import stack_models

EXACT = {"rtol": 1e-10, "atol": 1e-13}  # float64: the same operations, some in another order
N_FOLDS, N_ROWS = 3, 5
INTEGERS = np.dtype(int)


def deep(rng: np.random.Generator, classes: int, dtype: type = np.float64) -> Sequential:
    """Return a model in which each kind of layer stands behind each other kind."""
    return Sequential(
        Linear(7, 6, rng=rng, dtype=dtype), ReLU(),
        Sequential(
            Linear(6, 5, bias=False, rng=rng, dtype=dtype), ReLU(), Tanh(), ReLU(),
            Linear(5, 4, rng=rng, dtype=dtype), Tanh(),
        ),
        Linear(4, 8, rng=rng, dtype=dtype), Sigmoid(), Linear(8, classes, rng=rng, dtype=dtype),
    )  # fmt: skip


def last_relu(rng: np.random.Generator, classes: int, dtype: type = np.float64) -> Sequential:
    """Return a model that ends in a ReLU, behind a bias."""
    return Sequential(Linear(7, classes, rng=rng, dtype=dtype), ReLU())


def folds(rng: np.random.Generator, build=deep, classes: int = 3, dtype: type = np.float64):
    """Return models whose biases are not zero, and a filled plan of their stack."""
    models = [build(rng, classes, dtype) for _ in range(N_FOLDS)]
    for model in models:
        model.theta = model.theta + 0.1 * rng.normal(size=model.theta.shape)
    stacked = stack_models(models)
    plan = StackedPlan(stacked, N_ROWS)
    plan.X[:] = rng.normal(size=(N_FOLDS, N_ROWS, 7))
    plan.labels[:] = rng.integers(classes, size=(N_FOLDS, N_ROWS))
    plan.shares[:] = 1 / N_ROWS
    return models, stacked, plan


def one_by_one(models, plan, weights=None):
    """Return the sum of the mean losses, and the gradient of each fold by the public calls."""
    total, gradients = 0.0, []
    for f, model in enumerate(models):
        loss = CrossEntropy()
        w = None if weights is None else weights[f]
        total += loss.forward(model.forward(plan.X[f]), plan.labels[f], w)
        model.backward(loss.backward(), need_dx=False)
        gradients.append(model.grad.copy())
    return total, np.stack(gradients)


@pytest.fixture(params=["numpy", "numba"])
def fused(request, monkeypatch) -> bool:
    if request.param == "numba":
        request.getfixturevalue("requires_numba")
    monkeypatch.setenv("NNLIB_FUSED", "1" if request.param == "numba" else "0")
    return request.param == "numba"


@pytest.mark.usefixtures("fused")
@pytest.mark.parametrize("classes", [1, 3, FEW_CLASSES + 3])
@pytest.mark.parametrize("build", [deep, last_relu])
def test_a_planned_step_gives_each_fold_its_own_gradient(build, classes, rng):
    models, stacked, plan = folds(rng, build, classes)
    expected = one_by_one(models, plan)

    for _ in range(3):
        stacked.grad = 7.0
        assert plan.run() == pytest.approx(expected[0], rel=1e-12, abs=1e-12)
        np.testing.assert_allclose(stacked.grad, expected[1], **EXACT)
        np.testing.assert_allclose(plan.z[1], models[1].forward(plan.X[1]), **EXACT)


@pytest.mark.usefixtures("fused")
def test_a_plan_follows_the_parameters_and_the_batch(rng):
    models, stacked, plan = folds(rng)
    plan.run()

    stacked.theta = stacked.theta * 0.5
    for model in models:
        model.theta = model.theta * 0.5
    plan.X[:] = rng.normal(size=plan.X.shape)
    plan.labels[:] = 2 - plan.labels
    expected = one_by_one(models, plan)

    assert plan.run() == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(stacked.grad, expected[1], **EXACT)


@pytest.mark.usefixtures("fused")
def test_rows_without_a_share_might_as_well_be_missing(rng):
    models, stacked, plan = folds(rng)
    rows = np.array([5, 4, 1])
    weights = (np.arange(N_ROWS) < rows[:, np.newaxis]).astype(float)
    plan.shares[:] = weights / rows[:, np.newaxis]
    expected = one_by_one(models, plan, weights)

    assert plan.run() == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(stacked.grad, expected[1], **EXACT)
    before = stacked.grad.copy()
    plan.X[2, 1:] = 50.0
    plan.run()
    np.testing.assert_array_equal(stacked.grad, before)


@pytest.mark.usefixtures("requires_numba")
def test_in_float32_compiled_and_numpy_agree_to_a_millionth(monkeypatch):
    gradients = {}
    for setting in "01":
        monkeypatch.setenv("NNLIB_FUSED", setting)
        _, stacked, plan = folds(np.random.default_rng(3), dtype=np.float32)
        plan.run()
        gradients[setting] = stacked.grad.copy()

    difference = np.linalg.norm(gradients["0"] - gradients["1"])
    assert 0 < difference < 1e-6 * np.linalg.norm(gradients["0"])  # two ways, one result
    assert gradients["1"].dtype == np.float32


@pytest.mark.usefixtures("fused")
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e308])
def test_a_loss_that_is_not_finite_is_returned_as_such(bad, rng):
    """Without warnings, where the caller has silenced those of overflow."""

    def hidden(rng, classes, dtype):
        return Sequential(
            Linear(7, 6, rng=rng, dtype=dtype), ReLU(), Linear(6, classes, rng=rng, dtype=dtype)
        )

    _, stacked, plan = folds(rng, hidden)
    stacked.theta = np.abs(stacked.theta) * 10.0  # so that 1e308 overflows in every unit
    plan.X[1, 2] = bad

    with np.errstate(over="ignore", invalid="ignore"):
        assert not np.isfinite(plan.run())


@pytest.mark.parametrize(
    ("layers", "loss", "shape", "targets"),
    [
        ([Linear(7, 3)], MSE(), (7,), np.dtype(float)),
        ([Linear(7, 3)], CrossEntropy(0.1), (7,), INTEGERS),
        ([Linear(7, 3)], CrossEntropy(), (7,), np.dtype(float)),
        ([Linear(7, 3)], CrossEntropy(), (2, 7), INTEGERS),
        ([Linear(7, 3)], CrossEntropy(), (6,), INTEGERS),
        ([Linear(7, 3), LayerNorm(3)], CrossEntropy(), (7,), INTEGERS),
        ([ReLU(), Linear(7, 3)], CrossEntropy(), (7,), INTEGERS),
    ],
    ids=["loss", "smoothed", "probabilities", "sequences", "wrong width", "layer", "first layer"],
)
def test_what_has_no_plan_is_known(layers, loss, shape, targets):
    assert not has_stacked_plan(Sequential(*layers), loss, shape, targets)


def test_what_has_a_plan_is_known(rng):
    assert has_stacked_plan(deep(rng, 3), CrossEntropy(), (7,), INTEGERS)
    assert has_stacked_plan(deep(rng, 3), CrossEntropy(), (7,), np.dtype(np.uint8))
