"""Unit criteria against brute force, gates in torch, and hand calculation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnlib import ArgumentError, CrossEntropy, DtypeError, Linear, ReLU, Sequential, ShapeError
from nnlib.layers.residual import Residual
from nnlib.pruning import (
    layer_ablation,
    remove_layer,
    snip,
    unit_activity,
    unit_norm,
    unit_sum,
    unit_taylor,
)
from tests.nnlib.pruning.cases import MODELS


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def case(request):
    return request.param


def test_every_unit_criterion_covers_the_layers_whose_units_can_go(case, rng):
    model, (X, y) = case.built(rng), case.data(rng)
    state = model.state_dict()

    for scores in (
        unit_norm(model), unit_norm(model, of="outgoing"), unit_norm(model, of="product"),
        unit_activity(model, X), unit_activity(model, X, statistic="variance"),
        unit_taylor(model, X, y, CrossEntropy()), unit_sum(model, np.abs(model.theta)),
    ):  # fmt: skip
        assert {name: len(values) for name, values in scores.items()} == case.units
        assert all((values >= 0).all() for values in scores.values())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[name])


def test_norms_of_kernels_cover_all_that_makes_or_reads_a_channel(rng):
    model = MODELS["cnn"].built(rng)
    first, second, third = (model.layers[i].W for i in (0, 4, 7))

    incoming, outgoing = unit_norm(model), unit_norm(model, of="outgoing")

    # float64 on both sides, summed in another order
    for c in range(4):
        assert incoming["0"][c] == pytest.approx(np.linalg.norm(first[..., c]), rel=1e-12)
        assert outgoing["0"][c] == pytest.approx(np.linalg.norm(second[:, :, c]), rel=1e-12)
    for c in range(5):  # behind Flatten every fifth row reads channel c
        assert outgoing["4"][c] == pytest.approx(np.linalg.norm(third[c::5]), rel=1e-12)


def test_activity_is_what_the_reader_is_given(rng):
    case = MODELS["deep mlp"]
    model, (X, _) = case.built(rng), case.data(rng, 9)
    first = Sequential(*_evaluated(model.layers[:4]))
    inner = Sequential(*_evaluated(model.layers[4].layers))
    before_block = inner.predict(first.predict(X))
    hidden = np.maximum(before_block @ model.layers[5].layers[0].W + model.layers[5].layers[0].b, 0)

    means = unit_activity(model.train(), X)
    variances = unit_activity(model, X, statistic="variance")

    # the same float64 numbers, summed in another order
    np.testing.assert_allclose(means["0"], np.abs(first.predict(X)).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(means["5.0"], np.abs(hidden).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variances["5.0"], hidden.var(axis=0), rtol=1e-9, atol=1e-15)
    assert model.training
    assert model.layers[3].training


def test_behind_a_block_activity_includes_the_shortcut(rng):
    model = Sequential(
        Residual(Linear(3, 3, rng=0, dtype=np.float64)),
        Linear(3, 4, rng=1, dtype=np.float64), ReLU(), Linear(4, 2, rng=2, dtype=np.float64),
    )  # fmt: skip
    X = rng.normal(size=(6, 3))
    inner, first = model.layers[0].layers[0], model.layers[1]
    hidden = np.maximum((X + X @ inner.W + inner.b) @ first.W + first.b, 0)

    # the same float64 numbers, summed in another order
    np.testing.assert_allclose(unit_activity(model, X)["1"], hidden.mean(axis=0), rtol=1e-12)


def _evaluated(layers):
    import copy

    return [copy.deepcopy(layer).eval() for layer in layers]


def test_taylor_is_the_slope_of_a_gate_on_each_unit(rng):
    """A gate on channel c of the first convolution, by differences of the loss in float64."""
    case = MODELS["cnn"]
    model, (X, y) = case.built(rng), case.data(rng)
    scores = unit_taylor(model, X, y, CrossEntropy())
    consumers = {"0": 4, "4": 7, "7": 9}

    for name, consumer in consumers.items():
        n = case.units[name]
        W = model.layers[consumer].W
        whole = W.copy()
        for unit in range(n):
            losses = []
            for gate in (1 + 1e-5, 1 - 1e-5):
                factor = np.tile(np.where(np.arange(n) == unit, gate, 1.0), W.shape[-2] // n)
                W[...] = whole * factor[:, np.newaxis]
                losses.append(CrossEntropy().forward(model.predict(X), y))
            W[...] = whole
            slope = (losses[0] - losses[1]) / 2e-5
            # a central difference: h² L''' ≈ 1e-10 and rounding 1e-16 / h = 1e-11
            assert scores[name][unit] == pytest.approx(abs(slope), rel=1e-6, abs=1e-8)


def test_taylor_sums_over_rows_before_the_sign_goes(rng):
    model = Sequential(
        Linear(3, 4, rng=0, dtype=np.float64), ReLU(), Linear(4, 2, rng=1, dtype=np.float64)
    )
    X, y = rng.normal(size=(6, 3)), rng.integers(0, 2, 6)
    W0, b0, W1, b1 = (torch.tensor(a) for a in model.state_dict().values())
    a = torch.relu(torch.tensor(X) @ W0 + b0).requires_grad_()
    torch.nn.functional.cross_entropy(a @ W1 + b1, torch.tensor(y)).backward()
    expected = (a.detach() * a.grad).sum(0).abs().numpy()

    # float64 on both sides
    scores = unit_taylor(model, X, y, CrossEntropy())["0"]
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-12)


def test_the_scores_of_weights_add_up_to_those_of_units(rng):
    case = MODELS["deep mlp"]
    model, (X, y) = case.built(rng), case.data(rng)
    scores = snip(model, X, y, CrossEntropy())
    parts = {p.name: scores[p.slice].reshape(p.shape) for p in model.parameters()}

    sums = unit_sum(model, scores)

    np.testing.assert_allclose(sums["0"], parts["0.W"].sum(axis=0), rtol=1e-12)  # it has no bias
    expected = parts["5.0.W"].sum(axis=0) + parts["5.0.b"]
    np.testing.assert_allclose(sums["5.0"], expected, rtol=1e-12)


def test_layers_that_can_go_are_judged_by_the_loss_without_them(rng):
    case = MODELS["deep mlp"]
    model, (X, y) = case.built(rng), case.data(rng)
    loss = CrossEntropy().forward(model.predict(X), y)

    changes = layer_ablation(model, X, y, CrossEntropy())

    # the block and the normalization; all others change the number of features
    assert set(changes) == {"1", "5"}
    for name, change in changes.items():
        without = remove_layer(model, int(name))
        assert change == CrossEntropy().forward(without.predict(X), y) - loss


def test_a_model_of_one_layer_has_none_to_spare(rng):
    model = Sequential(Residual(Linear(3, 3, rng=0)))

    assert layer_ablation(model, rng.normal(size=(4, 3)), [0, 1, 2, 0], CrossEntropy()) == {}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, X, y: unit_norm(m, of="all"), ArgumentError, "of is 'all', expected"),
        (
            lambda m, X, y: unit_norm(Sequential(Linear(2, 2))),
            ArgumentError,
            "no layer whose units",
        ),
        (lambda m, X, y: unit_norm(m, of=["incoming"]), ArgumentError, r"of is \['incoming'\], ex"),
        (lambda m, X, y: unit_activity(m, X, statistic="max"), ArgumentError, "statistic is 'max'"),
        (lambda m, X, y: unit_activity(m, X[:0]), ShapeError, r"X has shape \(0, 7\), expected"),
        (lambda m, X, y: unit_sum(m, [1.0]), ShapeError, r"scores have shape \(1,\)"),
        (lambda m, X, y: unit_taylor(m, X, y, 3), DtypeError, "unit_taylor: loss is 3"),
        (lambda m, X, y: layer_ablation(m, X, y, 3), DtypeError, "layer_ablation: loss is 3"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message, rng):
    case = MODELS["mlp"]
    with pytest.raises(error, match=message):
        call(case.built(rng), *case.data(rng))
