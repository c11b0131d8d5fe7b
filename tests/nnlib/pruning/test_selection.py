"""Masks: exact counts, ties, scopes, biases, and what optimizers make of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib import SGD, ArgumentError, CrossEntropy, Linear, ReLU, Sequential, ShapeError, fit
from nnlib.optimizers.adam import Adam, AdamW
from nnlib.optimizers.rmsprop import RMSProp
from nnlib.pruning import (
    dead_units,
    magnitude,
    select,
    select_units,
    sparsity_of,
    unit_mask,
    unit_norm,
)
from tests.nnlib.pruning.cases import MODELS


def weights_of(model):
    return np.concatenate([np.arange(p.slice.start, p.slice.stop)
                           for p in model.parameters() if p.decays])  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(
    sparsity=st.floats(0, 0.999), seed=st.integers(0, 999), ties=st.booleans(),
    scope=st.sampled_from(["layer", "global"]), name=st.sampled_from(sorted(MODELS)),
)  # fmt: skip
def test_exactly_the_rounded_share_goes_and_no_bias(sparsity, seed, ties, scope, name):
    model = MODELS[name].build()
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 3, model.theta.size) if ties else rng.random(model.theta.size)

    mask = select(model, scores, sparsity, scope=scope)

    groups = [np.arange(p.slice.start, p.slice.stop) for p in model.parameters() if p.decays]
    if scope == "global":
        groups = [np.concatenate(groups)]
    for group in groups:
        assert (~mask[group]).sum() == round(sparsity * len(group))
        gone, kept = scores[group][~mask[group]], scores[group][mask[group]]
        assert not len(gone) or not len(kept) or gone.max() <= kept.min()
    biases = np.setdiff1d(np.arange(model.theta.size), weights_of(model))
    assert mask[biases].all()


def test_of_equal_scores_the_first_goes():
    model = Sequential(Linear(2, 3, dtype=np.float64))

    mask = select(model, np.ones(9), 0.5)

    assert mask.tolist() == [False] * 3 + [True] * 6


def test_what_is_pruned_stays_pruned_and_counts():
    model = Sequential(Linear(2, 2, bias=False, dtype=np.float64))
    model.theta = [4.0, 3.0, 2.0, 1.0]
    model.mask = [False, True, True, True]

    half = select(model, [9.0, 3.0, 2.0, 1.0], 0.5)
    less = select(model, [9.0, 3.0, 2.0, 1.0], 0.0)

    assert half.tolist() == [False, True, True, False]
    assert less.tolist() == [False, True, True, True]
    assert model.mask.tolist() == [False, True, True, True]


OPTIMIZERS = {
    "momentum": lambda model: SGD(model, lr=0.1, momentum=0.9, weight_decay=0.1),
    "nesterov": lambda model: SGD(model, lr=0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda model: RMSProp(model, lr=0.005),
    "adam": lambda model: Adam(model, lr=0.05),
    "adamw": lambda model: AdamW(model, lr=0.05, weight_decay=0.1),
}


@pytest.mark.parametrize("build", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_masks_survive_momentum_that_was_gathered_before(build, rng):
    case = MODELS["mlp"]
    model, (X, y) = case.built(rng), case.data(rng, 40)
    optimizer = build(model)
    options = {"loss": CrossEntropy(), "optimizer": optimizer, "rng": 0, "progress": False}
    fit(model, X, y, epochs=2, **options)

    model.mask = mask = select(model, magnitude(model), 0.6)
    before = model.theta.copy()
    fit(model, X, y, epochs=3, **options)

    assert (model.theta[~mask] == 0).all()
    assert (model.theta[mask] != before[mask]).mean() > 0.9
    assert sparsity_of(model) == pytest.approx(0.6, abs=0.01)


def test_sparsity_counts_weights_alone(rng):
    model = MODELS["mlp"].built(rng)

    assert sparsity_of(model) == 0
    model.mask = select(model, magnitude(model), 0.5)
    n = len(weights_of(model))
    assert sparsity_of(model) == round(0.5 * n) / n


@settings(deadline=None, max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=4), sparsity=st.floats(0, 0.99),
    seed=st.integers(0, 99), scope=st.sampled_from(["layer", "global"]),
)  # fmt: skip
def test_units_go_by_their_scores_and_every_layer_keeps_one(sizes, sparsity, seed, scope):
    rng = np.random.default_rng(seed)
    scores = {str(i): rng.random(n) for i, n in enumerate(sizes)}
    groups = [sizes] if scope == "global" else [[n] for n in sizes]
    if any(round(sparsity * sum(group)) > sum(group) - len(group) for group in groups):
        with pytest.raises(ArgumentError, match="at least one to stay in each of"):
            select_units(scores, sparsity, scope=scope)
        return

    keep = select_units(scores, sparsity, scope=scope)

    assert all(kept.any() for kept in keep.values())
    n_gone = sum((~kept).sum() for kept in keep.values())
    assert n_gone == sum(round(sparsity * sum(group)) for group in groups)
    for name, kept in keep.items():
        if not kept.all():
            assert scores[name][~kept].max() <= scores[name][kept].min()


def test_the_best_unit_of_a_weak_layer_stays():
    keep = select_units({"0": [5.0, 6.0, 7.0], "2": [1.0, 2.0]}, 0.4)

    assert keep["2"].tolist() == [False, True]
    assert keep["0"].tolist() == [False, True, True]


def test_a_sparsity_that_would_empty_a_layer_is_refused():
    with pytest.raises(ArgumentError, match=r"takes 4 of 5 units.*at least one .* of 2 layers"):
        select_units({"0": [5.0, 6.0, 7.0], "2": [1.0, 2.0]}, 0.8)


def test_a_unit_mask_covers_incoming_weights_bias_and_outgoing_weights():
    model = Sequential(Linear(2, 3), ReLU(), Linear(3, 2))

    mask = unit_mask(model, {"0": [0, 2]})

    parts = {p.name: mask[p.slice].reshape(p.shape) for p in model.parameters()}
    assert parts["0.W"].tolist() == [[True, False, True]] * 2
    assert parts["0.b"].tolist() == [True, False, True]
    assert parts["2.W"].tolist() == [[True, True], [False, False], [True, True]]
    assert parts["2.b"].all()


def test_masked_units_are_dead(rng):
    for case in MODELS.values():
        model = case.built(rng)
        keep = select_units(unit_norm(model), 0.4)
        model.mask = unit_mask(model, keep)

        dead = dead_units(model)

        assert {name: list(units) for name, units in dead.items()} == {
            name: list(np.flatnonzero(~kept)) for name, kept in keep.items()
        }


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: select(m, np.ones(3), 0.5), ShapeError, r"scores have shape \(3,\), expected"),
        (lambda m: select(m, magnitude(m), 1.0), ArgumentError, "sparsity is 1.0, expected"),
        (lambda m: select(m, magnitude(m), -0.1), ArgumentError, "sparsity is -0.1, expected"),
        (lambda m: select(m, magnitude(m), 0.5, scope="all"), ArgumentError, "scope is 'all'"),
        (lambda m: select(m, magnitude(m), 0.5, scope=["x"]), ArgumentError, r"scope is \['x'\]"),
        (lambda m: select_units([1, 2, 3], 0.5), ArgumentError, r"scores is \[1, 2, 3\], expec"),
        (lambda m: unit_mask(m, [1]), ArgumentError, r"keep is \[1\], expected a dictionary"),
        (lambda m: select(m, magnitude(m) * np.nan, 0.5), ArgumentError, "87 of 87 scores are nan"),
        (lambda m: select(Sequential(ReLU()), [], 0.5), ArgumentError, "has no weights"),
        (lambda m: select(ReLU(), [], 0.5), ArgumentError, "model is ReLU"),
        (lambda m: select_units({}, 0.5), ShapeError, "not a list of numbers for each layer"),
        (lambda m: select_units({"0": 3.0}, 0.5), ShapeError, "not a list of numbers"),
        (lambda m: select_units({"0": [1.0, np.nan]}, 0.5), ArgumentError, "1 of 2 scores are nan"),
        (lambda m: select_units({"0": [1.0, 2.0]}, 0.5, scope=0), ArgumentError, "scope is 0"),
        (lambda m: unit_mask(m, {"0": []}), ArgumentError, r"keep is \[\], expected 6 truth"),
        (lambda m: unit_mask(m, {"0": [6]}), ArgumentError, "numbers of units from 0 to 5"),
        (lambda m: unit_mask(m, {"0": [False] * 6}), ArgumentError, "no unit is kept"),
        (lambda m: unit_mask(m, {"4": [0]}), ArgumentError, "outputs are those of the model"),
        (lambda m: unit_mask(m, {"9": [0]}), ArgumentError, "there is no layer '9'"),
        (lambda m: dead_units(Sequential(Linear(2, 2))), ArgumentError, "no layer whose units"),
        (lambda m: sparsity_of(Sequential(ReLU())), ArgumentError, "has no weights"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, error, message, rng):
    with pytest.raises(error, match=message):
        call(MODELS["mlp"].built(rng))


def test_what_a_weight_is_does_not_depend_on_the_decay_mask(rng):
    model = MODELS["mlp"].built(rng)
    expected = select(model, magnitude(model), 0.5)

    model.decay_mask = np.zeros(model.theta.shape, bool)
    model.mask = select(model, magnitude(model), 0.5)

    np.testing.assert_array_equal(model.mask, expected)
    assert sparsity_of(model) == pytest.approx(0.5, abs=0.51 / 87)
