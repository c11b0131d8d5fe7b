"""Criteria against torch, brute force, and quadratics on which they are exact."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.utils import prune

from nnlib import MSE, ArgumentError, CrossEntropy, DtypeError, Linear, Sequential, ShapeError
from nnlib.pruning import ablation, magnitude, obd, select, snip, taylor
from tests.nnlib.pruning.cases import CRITERIA, MODELS


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def case(request):
    return request.param


@pytest.mark.parametrize("criterion", CRITERIA.values(), ids=CRITERIA)
def test_every_criterion_scores_every_parameter_and_changes_nothing(criterion, case, rng):
    model = case.built(rng).train()
    X, y = case.data(rng)
    model.grad = rng.normal(size=model.grad.shape)
    before = model.state_dict(), model.grad.copy(), X.copy()

    scores = criterion(model, X, y, CrossEntropy())

    assert scores.shape == model.theta.shape
    assert np.isfinite(scores).all()
    assert not np.shares_memory(scores, model.theta)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[0][name])
    np.testing.assert_array_equal(model.grad, before[1])
    np.testing.assert_array_equal(X, before[2])
    assert all(leaf.training for leaf in model.layers)


def test_gradient_criteria_are_those_of_torch(rng):
    W, b = rng.normal(size=(4, 3)), rng.normal(size=3)
    X, y = rng.normal(size=(6, 4)), rng.integers(0, 3, 6)
    model = Sequential(Linear(4, 3, dtype=np.float64))
    model.layers[0].W, model.layers[0].b = W, b
    w = torch.tensor(np.concatenate([W.ravel(), b]))
    gates = torch.ones(15, dtype=torch.float64, requires_grad=True)
    gated = w * gates
    logits = torch.tensor(X) @ gated[:12].reshape(4, 3) + gated[12:]
    torch.nn.functional.cross_entropy(logits, torch.tensor(y)).backward()
    slopes = gates.grad.numpy()

    # float64 on both sides
    loss = CrossEntropy()
    np.testing.assert_allclose(snip(model, X, y, loss), np.abs(slopes), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(taylor(model, X, y, loss), slopes**2, rtol=1e-9, atol=1e-12)


def test_gradient_criteria_sum_over_rows_before_the_sign_goes():
    """Two rows that pull a weight in opposite directions leave it without effect."""
    model = Sequential(Linear(1, 1, bias=False, dtype=np.float64))
    model.theta = [2.0]
    X, y = np.array([[1.0], [1.0]]), np.array([[3.0], [1.0]])

    assert snip(model, X, y, MSE()).tolist() == [0.0]
    assert taylor(model, X, y, MSE()).tolist() == [0.0]
    # one row alone: L = (2 - 3)², g = -2, |g w| = 4
    assert snip(model, X[:1], y[:1], MSE()).tolist() == [4.0]
    assert taylor(model, X[:1], y[:1], MSE()).tolist() == [16.0]


def test_obd_is_the_true_change_on_a_quadratic_without_mixed_terms():
    """MSE of a linear layer with orthogonal columns of X, at its minimum."""
    X = np.array([[1.0, 1.0], [1.0, -1.0], [-2.0, 2.0], [-2.0, -2.0]]) * [1.0, 3.0]
    model = Sequential(Linear(2, 1, bias=False, dtype=np.float64))
    model.theta = [0.7, -0.4]
    y = model.predict(X)

    scores = obd(model, X, y, MSE())

    # rounding only
    np.testing.assert_allclose(scores, ablation(model, X, y, MSE()), rtol=1e-12)
    assert scores[0] == pytest.approx(0.5 * 2 * (1 + 1 + 4 + 4) / 4 * 0.7**2, rel=1e-12)


def test_obd_takes_the_diagonal_of_the_exact_hessian(case, rng):
    model, (X, y) = case.built(rng), case.data(rng, 5)

    def loss_of(theta):
        model.theta = theta
        return CrossEntropy().forward(model.predict(X), y)

    theta, scores = model.theta.copy(), obd(model, X, y, CrossEntropy())

    for i in rng.choice(theta.size, 6, replace=False):
        h = 1e-4
        step = h * np.eye(theta.size)[i]
        second = (loss_of(theta + step) - 2 * loss_of(theta) + loss_of(theta - step)) / h**2
        # a second difference: error h² L'''' ≈ 1e-8 and rounding 1e-16 / h² = 1e-8
        assert scores[i] == pytest.approx(0.5 * second * theta[i] ** 2, abs=3e-7)


@pytest.mark.parametrize("criterion", CRITERIA.values(), ids=CRITERIA)
def test_every_criterion_sees_the_model_as_it_predicts(criterion, rng):
    case = MODELS["deep mlp"]
    model, (X, y) = case.built(rng), case.data(rng)
    expected = criterion(model.eval(), X, y, CrossEntropy())
    model.train()
    model.layers[1].training = False
    buffers = {name: array.copy() for name, array in model.buffers().items()}

    np.testing.assert_array_equal(criterion(model, X, y, CrossEntropy()), expected)

    assert (model.training, model.layers[1].training, model.layers[3].training) == (
        True,
        False,
        True,
    )
    for name, array in model.buffers().items():
        np.testing.assert_array_equal(array, buffers[name])


def test_no_indices_give_no_changes(rng):
    case = MODELS["mlp"]

    assert ablation(case.built(rng), *case.data(rng), CrossEntropy(), indices=[]).shape == (0,)


def test_ablation_sets_one_weight_to_zero_at_a_time(rng):
    case = MODELS["mlp"]
    model, (X, y) = case.built(rng), case.data(rng)
    theta = model.theta.copy()
    loss = CrossEntropy().forward(model.predict(X), y)

    changes = ablation(model, X, y, CrossEntropy(), indices=[0, 50, 11])

    np.testing.assert_array_equal(model.theta, theta)
    for change, i in zip(changes, [0, 50, 11], strict=True):
        other = model.astype(np.float64)
        other.theta[i] = 0
        assert change == CrossEntropy().forward(other.predict(X), y) - loss
    assert ablation(model, X, y, CrossEntropy()).shape == theta.shape


def test_taylor_approaches_the_square_of_the_true_change_for_small_weights(rng):
    case = MODELS["mlp"]
    model, (X, y) = case.built(rng), case.data(rng)
    model.theta[3] = 1e-4

    change = ablation(model, X, y, CrossEntropy(), indices=[3])[0]

    # the next term of the expansion is 1e-4 times smaller, up to the ratio of the derivatives
    assert taylor(model, X, y, CrossEntropy())[3] == pytest.approx(change**2, rel=1e-2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, X, y: magnitude(m.layers[0]), ArgumentError, "magnitude: model is Linear"),
        (lambda m, X, y: snip(m, X, y, CrossEntropy), DtypeError, "snip: loss is"),
        (lambda m, X, y: taylor(m, X, y[:-1], CrossEntropy()), ShapeError, "same number of rows"),
        (lambda m, X, y: obd(m), ArgumentError, "obd: no diagonal, expected"),
        (lambda m, X, y: obd(m, X, y), ArgumentError, "obd: no diagonal, expected"),
        (lambda m, X, y: obd(m, diagonal=[1.0]), ShapeError, r"obd: diagonal has shape \(1,\)"),
        (lambda m, X, y: ablation(m, X, y, None), DtypeError, "ablation: loss is None"),
        (
            lambda m, X, y: ablation(m, X, y, CrossEntropy(), indices=[101]),
            ArgumentError,
            "ablation: indices are .*from 0 to 100",
        ),
        (
            lambda m, X, y: ablation(m, X, y, CrossEntropy(), indices=[-1]),
            ArgumentError,
            "ablation: indices are",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(call, error, message, rng):
    case = MODELS["mlp"]
    model, (X, y) = case.built(rng), case.data(rng)
    theta = model.theta.copy()

    with pytest.raises(error, match=message):
        call(model, X, y)
    np.testing.assert_array_equal(model.theta, theta)


def test_magnitude_masks_are_those_of_torch(rng):
    model = MODELS["mlp"].built(rng)
    modules = [torch.nn.Linear(*layer.W.shape) for layer in model.layers if layer.theta.size]
    for module, layer in zip(modules, model.layers[::2], strict=True):
        module.weight.data = torch.tensor(layer.W.T.copy())
    by_layer = select(model, magnitude(model), 0.4, scope="layer")
    together = select(model, magnitude(model), 0.4, scope="global")

    for mask, apply in (
        (by_layer, lambda: [prune.l1_unstructured(m, "weight", amount=0.4) for m in modules]),
        (
            together,
            partial(
                prune.global_unstructured, [(m, "weight") for m in modules],
                pruning_method=prune.L1Unstructured, amount=0.4,
            ),
        ),
    ):  # fmt: skip
        apply()
        parts = {p.name: mask[p.slice].reshape(p.shape) for p in model.parameters()}
        for i, module in enumerate(modules):
            theirs = module.weight_mask.numpy().T.astype(bool)
            np.testing.assert_array_equal(parts[f"{2 * i}.W"], theirs)
            assert parts[f"{2 * i}.b"].all()
            prune.remove(module, "weight")
            module.weight.data = torch.tensor(model.layers[2 * i].W.T.copy())
