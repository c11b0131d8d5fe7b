"""Stacked models do what their parts do one by one."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import ArgumentError, DtypeError, LeakyReLU, Linear, ReLU, Sequential, Softmax, Tanh
from nnlib.layers import GELU, Layer, Residual
from nnlib.layers.stacking import stack_models, unstack, why_not_stackable
from nnlib.losses import MSE, CrossEntropy
from tests.nnlib.layers.cases import CASES, LayerCase

SAME = 1e-12  # relative; float64 on both sides, sums perhaps in another order


class Unstackable(ReLU):
    """A layer that knows no stack axis."""

    stackable = False


def models(case: LayerCase, rng: np.random.Generator) -> list:
    found = [case.build() for _ in range(3)]
    for model in found:
        model.theta = rng.normal(size=model.theta.shape)
    return found


STACKABLE = [case for case in CASES if not why_not_stackable(case.build())]
every_stackable = pytest.mark.parametrize("case", STACKABLE, ids=lambda case: case.name)


def test_some_layers_can_be_stacked():
    assert {"linear", "mlp"} <= {case.name for case in STACKABLE}


@every_stackable
def test_stacked_output_and_gradients_are_those_of_each_model(case: LayerCase, rng):
    parts = models(case, rng)
    X = rng.normal(size=(3, *case.x_shape))
    stacked = stack_models(parts)

    y = stacked.forward(X)
    dy = rng.normal(size=y.shape)
    dx = stacked.backward(dy)

    for f, part in enumerate(parts):
        np.testing.assert_allclose(y[f], part.forward(X[f]), rtol=SAME, atol=1e-13)
        np.testing.assert_allclose(dx[f], part.backward(dy[f]), rtol=SAME, atol=1e-13)
        np.testing.assert_allclose(stacked.grad[f], part.grad, rtol=SAME, atol=1e-13)


@every_stackable
def test_accumulating_adds_to_every_gradient(case: LayerCase, rng):
    stacked = stack_models(models(case, rng))
    y = stacked.forward(rng.normal(size=(3, *case.x_shape)))
    dy = rng.normal(size=y.shape)
    stacked.backward(dy)
    once = stacked.grad.copy()

    stacked.backward(dy, accumulate=True)

    np.testing.assert_allclose(stacked.grad, 2 * once, rtol=SAME)


@every_stackable
def test_unstacking_gives_the_models_back(case: LayerCase, rng):
    parts = models(case, rng)

    back = unstack(stack_models(parts))

    x = rng.normal(size=case.x_shape)
    for one, two in zip(parts, back, strict=True):
        np.testing.assert_array_equal(one.theta, two.theta)
        np.testing.assert_array_equal(one.forward(x), two.forward(x))
        two.theta = 0.0
        assert one.theta.any()


@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(0.1), MSE()], ids=repr)
def test_weights_make_a_stack_of_uneven_batches_exact(loss, rng):
    """With weights 1/n the gradient of fold f comes out as 1/F of its own; padding adds nothing."""
    parts = [
        Sequential(Linear(4, 5, rng=f, dtype=np.float64), Tanh(),
                   Linear(5, 3, rng=f + 9, dtype=np.float64))
        for f in range(3)
    ]  # fmt: skip
    sizes, X = (6, 4, 1), rng.normal(size=(3, 6, 4))
    targets = rng.integers(0, 3, (3, 6)) if loss.count_correct else None
    if isinstance(loss, MSE):
        targets = rng.normal(size=(3, 6, 3))
    weights = np.array([[1 / n if i < n else 0 for i in range(6)] for n in sizes])
    stacked = stack_models(parts)

    value = loss.forward(stacked.forward(X), targets, weights)
    stacked.backward(loss.backward())

    alone = []
    for f, (part, n) in enumerate(zip(parts, sizes, strict=True)):
        alone.append(part.loss_and_gradient(X[f, :n], targets[f, :n], loss)[0])
        np.testing.assert_allclose(3 * stacked.grad[f], part.grad, rtol=1e-11, atol=1e-14)
    assert value == pytest.approx(np.mean(alone), rel=SAME)


def test_what_cannot_be_stacked_is_named():
    linear = Linear(2, 2)
    with pytest.raises(ArgumentError, match="there are no models"):
        stack_models([])
    with pytest.raises(DtypeError, match="model 1 is 'ReLU'"):
        stack_models([linear, "ReLU"])
    with pytest.raises(DtypeError, match="Create it with parentheses"):
        stack_models([Linear])
    with pytest.raises(ArgumentError, match="it has no parameters"):
        stack_models([Softmax()])
    with pytest.raises(ArgumentError, match=r"Unstackable\(\) knows no stack axis"):
        stack_models([Sequential(Linear(2, 2), Unstackable())])
    with pytest.raises(ArgumentError, match=r"Unstackable\(\) knows no stack axis"):
        stack_models([Unstackable()])
    with pytest.raises(ArgumentError, match="it is stacked already"):
        stack_models([stack_models([linear])])
    with pytest.raises(ArgumentError, match=r"unstack: theta has shape \(6,\), expected \(F, P\)"):
        unstack(linear)


def test_models_with_statistics_or_random_numbers_are_not_stacked():
    drawing, counting = Linear(2, 2), Linear(2, 2)
    drawing._generators["rng"] = np.random.default_rng(0)
    counting._running["mean"] = np.zeros(2)

    assert "draws random numbers" in why_not_stackable(drawing)
    assert "statistics of the batch" in why_not_stackable(counting)


def test_models_of_another_build_are_refused():
    def model(*layers):
        return Sequential(Linear(3, 2), *layers)

    masked, spared = model(ReLU()), model(ReLU())
    masked.mask = np.arange(8) > 2
    spared.decay_mask = np.zeros(8, bool)
    for other in (
        model(Tanh()),
        Sequential(Linear(3, 3), ReLU()),
        model(ReLU()).astype(np.float64),
        masked,
        spared,
    ):
        with pytest.raises(ArgumentError, match="expected one like model 0"):
            stack_models([model(ReLU()), other])
    with pytest.raises(ArgumentError, match="model 1 is"):
        stack_models([model(LeakyReLU(0.1)), model(LeakyReLU(0.2))])


def test_equal_masks_are_kept():
    parts = [Sequential(Linear(3, 2)) for _ in range(2)]
    for part in parts:
        part.mask = np.arange(8) > 2

    stacked = stack_models(parts)

    assert not stacked.theta[:, :3].any()
    np.testing.assert_array_equal(unstack(stacked)[1].mask, parts[0].mask)


def test_a_layer_of_ones_own_is_not_stacked_unless_it_says_so():
    class Centered(Layer):
        """Take the mean of the rows off: rows are coupled, and nobody said so."""

        def forward(self, x):
            return x - x.mean(axis=0)

        def backward(self, dy, *, need_dx=True, accumulate=False):
            return dy - dy.mean(axis=0)

    class Doubled(Sequential):
        """A model with a rule of its own."""

        def _forward(self, x):
            return 2.0 * super()._forward(x)

    class DoubledShortcut(Residual):
        """The same."""

    assert "Centered() knows no stack axis" in why_not_stackable(
        Sequential(Linear(2, 2), Centered())
    )
    assert "knows no stack axis" in why_not_stackable(Doubled(Linear(2, 2)))
    assert "knows no stack axis" in why_not_stackable(Sequential(Doubled(Linear(2, 2))))
    assert "knows no stack axis" in why_not_stackable(DoubledShortcut(Linear(2, 2)))
    assert not why_not_stackable(Sequential(Residual(Linear(2, 2)), ReLU()))


def test_settings_are_compared_not_their_names():
    def model(slope: float, gelu: str = "none") -> Sequential:
        return Sequential(Linear(3, 2), LeakyReLU(slope), GELU(gelu))

    stack_models([model(0.1), model(0.1)])
    in_evaluation = model(0.1)
    in_evaluation.layers[1].eval()
    nested = Sequential(Linear(3, 2), Sequential(LeakyReLU(0.1), GELU()))
    arrays = [model(0.1), model(0.1)]
    for i, one in enumerate(arrays):
        one.layers[1].table = np.full(2, i)
    for one, other in (
        (model(0.1), model(0.1000000001)),  # alike in print
        (model(0.1), model(0.1, "tanh")),
        (model(0.1), in_evaluation),
        (model(0.1), nested),
        arrays,
    ):
        with pytest.raises(ArgumentError, match=r"expected one like model 0.*settings and masks"):
            stack_models([one, other])


def test_a_residual_block_is_stacked(rng):
    parts = [Sequential(Residual(Linear(3, 3, rng=f, dtype=np.float64), Tanh())) for f in range(2)]
    X, dy = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 3))
    stacked = stack_models(parts)

    y, dx = stacked.forward(X), stacked.backward(dy)

    for f, part in enumerate(parts):
        np.testing.assert_allclose(y[f], part.forward(X[f]), rtol=SAME)
        np.testing.assert_allclose(dx[f], part.backward(dy[f]), rtol=SAME)
        np.testing.assert_allclose(stacked.grad[f], part.grad, rtol=SAME)
