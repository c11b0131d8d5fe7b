"""A planned step computes what the layers' own rules compute."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import pytest

from nnlib import (
    MSE,
    ArgumentError,
    CrossEntropy,
    DtypeError,
    Linear,
    NonFiniteError,
    OrderError,
    ReLU,
    Sequential,
    ShapeError,
    Sigmoid,
    Tanh,
)
from nnlib.layers import Softmax
from nnlib.layers._plan import Plan
from nnlib.layers._plan_steps import SMALL_BATCH

EXACT = 1e-12  # float64: the same operations, some in another order
FUSED = 1e-6  # float32: sums in another order, another exponential


def build(dtype: type = np.float64) -> Sequential:
    return Sequential(
        Linear(7, 6, rng=1, dtype=dtype), ReLU(),
        Sequential(
            Linear(6, 5, bias=False, rng=2, dtype=dtype), ReLU(),
            Linear(5, 4, rng=3, dtype=dtype), Tanh(),
        ),
        Linear(4, 8, rng=4, dtype=dtype), Sigmoid(), Linear(8, 3, rng=5, dtype=dtype),
    )  # fmt: skip


def batch(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(n, 7)), rng.integers(3, size=n)


def by_the_rules(model: Sequential, X: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Compute loss and gradient by the public calls, which know no plans."""
    loss = CrossEntropy()
    value = loss.forward(model.forward(X), y)
    model.backward(loss.backward(), need_dx=False)
    return value, model.grad.copy()


def planned(model: Sequential) -> list[Plan]:
    return [plan for plan in model._plans.values() if plan is not None]


@pytest.fixture(params=["numpy", "numba"])
def fused(request, monkeypatch) -> Iterator[bool]:
    if request.param == "numba":
        request.getfixturevalue("requires_numba")
    monkeypatch.setenv("NNLIB_FUSED", "1" if request.param == "numba" else "0")
    return request.param == "numba"


@pytest.mark.parametrize("n", [1, 5, SMALL_BATCH + 9])
def test_a_planned_step_equals_the_rules_of_the_layers(n, rng, fused):
    model, (X, y) = build(), batch(rng, n)
    expected = by_the_rules(model, X, y)

    for _ in range(3):
        model.grad = 0.0
        value, grad = model.loss_and_gradient(X, y, CrossEntropy())

        assert value == pytest.approx(expected[0], rel=EXACT)
        np.testing.assert_allclose(grad, expected[1], rtol=1e-10, atol=1e-13)
    assert len(planned(model)) == 1


def test_in_float32_compiled_and_numpy_agree_to_a_millionth(rng, monkeypatch):
    X, y = batch(rng, 33)
    X = X.astype(np.float32)
    gradients = {}

    for setting in "01":
        monkeypatch.setenv("NNLIB_FUSED", setting)
        gradients[setting] = build(np.float32).loss_and_gradient(X, y, CrossEntropy())[1]

    difference = np.linalg.norm(gradients["0"] - gradients["1"])
    assert 0 < difference < FUSED * np.linalg.norm(gradients["0"])  # two ways, one result
    assert gradients["1"].dtype == np.float32


def test_each_batch_size_has_a_plan_and_their_number_is_bounded(rng):
    model = build()

    for n in range(1, 30):
        X, y = batch(rng, n)
        value, _ = model.loss_and_gradient(X, y, CrossEntropy())
        assert value == pytest.approx(CrossEntropy().forward(model.forward(X), y), rel=EXACT)

    assert 1 <= len(model._plans) <= 9


def test_the_plan_follows_the_model_into_a_copy_and_a_larger_model(rng):
    model, (X, y) = build(), batch(rng, 5)
    model.loss_and_gradient(X, y, CrossEntropy())

    other = copy.deepcopy(model)
    other.theta *= 0.5
    whole = Sequential(model)
    whole.theta *= 2.0

    for one in (other, whole, model):
        value, grad = one.loss_and_gradient(X, y, CrossEntropy())
        grad = grad.copy()
        expected = by_the_rules(one, X, y)
        assert value == pytest.approx(expected[0], rel=EXACT)
        np.testing.assert_allclose(grad, expected[1], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    ("layers", "loss", "targets"),
    [
        (lambda: [Linear(7, 3, rng=0)], MSE(), np.ones((5, 3))),
        (lambda: [Linear(7, 3, rng=0)], CrossEntropy(label_smoothing=0.1), np.zeros(5, int)),
        (lambda: [Linear(7, 3, rng=0)], CrossEntropy(), np.full((5, 3), 1 / 3)),
        (lambda: [Linear(7, 3, rng=0), Softmax()], CrossEntropy(), np.zeros(5, int)),
        (lambda: [ReLU(), Linear(7, 3, rng=0)], CrossEntropy(), np.zeros(5, int)),
    ],
    ids=["another loss", "smoothed", "probabilities", "another layer", "no linear layer first"],
)
def test_what_has_no_plan_takes_the_ordinary_way(layers, loss, targets, rng):
    model = Sequential(*layers())
    X = rng.normal(size=(5, 7)).astype(np.float32)

    value, grad = model.loss_and_gradient(X, targets, loss)

    other = copy.deepcopy(loss)
    assert value == pytest.approx(other.forward(model.forward(X), targets), rel=1e-6)
    expected = grad.copy()
    model.backward(other.backward())
    np.testing.assert_allclose(expected, model.grad, rtol=1e-5, atol=1e-7)
    plans = planned(model)
    assert not plans or not plans[0].accepts(X, targets, loss)


@pytest.mark.parametrize("label", [3, -1])
def test_a_wrong_label_is_refused_before_the_gradient_changes(label, rng, fused):
    model, (X, y) = build(), batch(rng, 5)
    model.loss_and_gradient(X, y, CrossEntropy())
    before = model.grad.copy()
    y[2] = label

    with pytest.raises(ArgumentError, match="expected 0 to 2"):
        model.loss_and_gradient(X, y, CrossEntropy())
    np.testing.assert_array_equal(model.grad, before)


def test_wrong_shapes_are_refused_as_ever(rng):
    model, (X, y) = build(), batch(rng, 5)
    model.loss_and_gradient(X, y, CrossEntropy())

    with pytest.raises(ShapeError, match=r"expected \(5,\)|same number of rows"):
        model.loss_and_gradient(X, y[:4], CrossEntropy())
    with pytest.raises(ShapeError, match=r"expected \(N, 7\)"):
        model.loss_and_gradient(X[:, :6], y, CrossEntropy())


def test_a_loss_that_is_not_finite_names_its_cause(rng, fused):
    model, (X, y) = build(), batch(rng, 5)
    X[1, 2] = np.nan

    with pytest.raises(NonFiniteError, match="predictions are nan"):
        model.loss_and_gradient(X, y, CrossEntropy())


def test_layers_and_loss_remember_the_batch_as_after_their_own_calls(rng, fused):
    """Counting, and products with the Hessian, go on from what a step has left behind."""
    model, (X, y), loss = build(), batch(rng, 5), CrossEntropy()
    v = rng.normal(size=model.theta.shape)
    model.loss_and_gradient(X, y, loss)
    model.rbackward(loss.rbackward(model.rforward(None, v)))
    product, correct = model.grad_dot.copy(), loss.count_correct()

    again = CrossEntropy()
    z = model.forward(X)
    again.forward(z, y)
    model.backward(again.backward())
    model.rbackward(again.rbackward(model.rforward(None, v)))

    np.testing.assert_allclose(product, model.grad_dot, rtol=1e-9, atol=1e-12)
    assert correct == again.count_correct() == int((z.argmax(axis=1) == y).sum())


def test_the_slope_of_relu_at_zero_is_zero(fused):
    """With weights of zero every unit stands at the kink."""
    model = Sequential(Linear(2, 3, dtype=np.float64), ReLU(), Linear(3, 2, dtype=np.float64))
    model.theta, model.layers[2].W = 0.0, [[1.0, -1.0]] * 3
    loss = CrossEntropy()

    model.loss_and_gradient(np.ones((4, 2)), np.array([0, 1, 1, 1]), loss)

    assert not model.layers[0].dW.any()
    assert not model.layers[0].db.any()
    assert model.layers[2].db.any()
    v = np.zeros(model.theta.shape)
    v[:9] = 1.0  # raises every hidden unit
    assert not model.rforward(None, v).any()


def test_an_r_operator_does_not_outlive_its_batch(rng, fused):
    model, loss = build(), CrossEntropy()
    X, y = batch(rng, 5)
    model.loss_and_gradient(X, y, loss)
    model.rforward(None, rng.normal(size=model.theta.shape))

    model.loss_and_gradient(2 * X, y, loss)

    with pytest.raises(OrderError, match="rforward has not run"):
        model.rbackward(np.ones((5, 3)))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_labels_of_any_integer_type_take_the_plan(dtype, rng, fused, monkeypatch):
    model, (X, y) = build(), batch(rng, 5)
    expected = by_the_rules(model, X, y)
    monkeypatch.setattr(Sequential, "_forward", None)  # the ordinary way would end here

    value, grad = model.loss_and_gradient(X, y.astype(dtype), CrossEntropy())

    assert value == pytest.approx(expected[0], rel=EXACT)
    np.testing.assert_allclose(grad, expected[1], rtol=1e-10, atol=1e-13)
    assert CrossEntropy().check((5, 3), y.astype(dtype), X.dtype).dtype == np.intp


@pytest.mark.parametrize("dtype", [np.float64, bool, "<U1"])
def test_labels_that_are_no_integers_are_refused_where_there_is_a_plan(dtype, rng, fused):
    model, (X, y) = build(), batch(rng, 5)
    model.loss_and_gradient(X, y, CrossEntropy())
    assert planned(model)

    with pytest.raises(DtypeError, match="expected integer class labels"):
        model.loss_and_gradient(X, y.astype(dtype), CrossEntropy())


class Halved(Sequential):
    """A model with a rule of its own."""

    def _forward(self, x):
        return 0.5 * super()._forward(x)

    def _backward(self, dy, *, need_dx, accumulate):
        return super()._backward(0.5 * dy, need_dx=need_dx, accumulate=accumulate)


@pytest.mark.parametrize("nested", [False, True])
def test_a_subclass_with_a_rule_of_its_own_is_not_planned(nested, rng, fused):
    inner = Halved(Linear(7, 5, rng=0, dtype=np.float64), ReLU(), Linear(5, 3, rng=1, dtype=float))
    model = Sequential(inner) if nested else inner
    X, y = batch(rng, 5)
    expected = by_the_rules(model, X, y)

    value, grad = model.loss_and_gradient(X, y, CrossEntropy())

    assert value == pytest.approx(expected[0], rel=EXACT)
    np.testing.assert_allclose(grad, expected[1], rtol=1e-10, atol=1e-13)
    outer = Halved(Sequential(Linear(7, 3, rng=0, dtype=np.float64)))
    assert outer.loss_and_gradient(X, y, CrossEntropy())[0] == pytest.approx(
        by_the_rules(outer, X, y)[0], rel=EXACT
    )


def test_rows_of_another_type_are_not_planned(rng):
    model, (X, y) = build(np.float32), batch(rng, 5)

    model._loss_and_gradient(X, y, CrossEntropy())

    assert not planned(model)
    assert model._kept["output"][1] == np.float32


def test_a_plan_follows_the_model_to_a_new_gradient_vector(rng):
    model, (X, y) = build(), batch(rng, 5)
    expected = model.loss_and_gradient(X, y, CrossEntropy())[1].copy()

    model._bind(model.theta, np.zeros_like(model.grad), model.decay_mask)
    model.loss_and_gradient(X, y, CrossEntropy())

    np.testing.assert_array_equal(model.grad, expected)
