"""Smaller models: what they compute, what they carry over, and where they are refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from nnlib import (
    SGD,
    ArgumentError,
    CrossEntropy,
    Linear,
    ReLU,
    Sequential,
    ShapeError,
    SharedLayerError,
    Softmax,
    fit,
)
from nnlib.layers.batchnorm import BatchNorm1d, BatchNorm2d
from nnlib.layers.conv import Conv2d
from nnlib.layers.flatten import Flatten
from nnlib.layers.layernorm import LayerNorm
from nnlib.layers.residual import Residual
from nnlib.layers.stacking import stack_models
from nnlib.layers.tied import TiedLinear
from nnlib.layers.transformer import TransformerBlock
from nnlib.pruning import (
    layer_ablation,
    prune_channels,
    remove_layer,
    remove_neurons,
    remove_units,
    select,
    select_units,
    unit_mask,
    unit_norm,
)
from tests.nnlib.pruning.cases import MODELS


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def case(request):
    return request.param


def test_a_smaller_model_computes_what_the_masked_one_does(case, rng):
    model, (X, _) = case.built(rng), case.data(rng)
    keep = {
        name: np.sort(rng.choice(n, n // 2 + 1, replace=False)) for name, n in case.units.items()
    }
    model.mask = unit_mask(model, keep)

    smaller = remove_units(model, keep)

    assert smaller.theta.size < model.theta.size
    assert smaller.dtype == model.dtype
    # the same sums without the zero terms: BLAS may add them in another order
    np.testing.assert_allclose(smaller.predict(X), model.predict(X), rtol=1e-12, atol=1e-14)


def test_one_layer_at_a_time_gives_the_same_model(case, rng):
    model = case.built(rng)
    keep = select_units(unit_norm(model), 0.4)

    at_once = remove_units(model, keep)
    one_by_one = model
    for name, kept in keep.items():
        is_conv = isinstance(dict(_named(one_by_one))[name], Conv2d)
        one_by_one = (prune_channels if is_conv else remove_neurons)(one_by_one, name, kept)

    assert repr(at_once) == repr(one_by_one)
    for name, array in at_once.state_dict().items():
        np.testing.assert_array_equal(array, one_by_one.state_dict()[name])


def _named(model, prefix=""):
    for i, layer in enumerate(model.layers):
        yield f"{prefix}{i}", layer
        if hasattr(layer, "layers"):
            yield from _named(layer, f"{prefix}{i}.")


def test_removed_neurons_take_their_columns_and_the_rows_that_read_them():
    model = Sequential(Linear(2, 3, dtype=np.float64), ReLU(), Linear(3, 2, dtype=np.float64))
    first, _, last = model.layers
    first.W, first.b = [[1, 2, 3], [4, 5, 6]], [7, 8, 9]
    last.W, last.b = [[1, 2], [3, 4], [5, 6]], [7, 8]

    smaller = remove_neurons(model, 0, keep=[0, 2])

    assert smaller.layers[0].W.tolist() == [[1, 3], [4, 6]]
    assert smaller.layers[0].b.tolist() == [7, 9]
    assert smaller.layers[2].W.tolist() == [[1, 2], [5, 6]]
    assert smaller.layers[2].b.tolist() == [7, 8]


def test_a_channel_owns_one_row_for_each_pixel_behind_flatten(rng):
    case = MODELS["cnn"]
    model = case.built(rng)

    smaller = prune_channels(model, 4, keep=[True, False, True, True, False])

    # (H, W, C) is flattened with the channel last: rows 0, 2, 3 of every group of 5
    kept = [5 * pixel + channel for pixel in range(6) for channel in (0, 2, 3)]
    np.testing.assert_array_equal(smaller.layers[7].W, model.layers[7].W[kept])
    np.testing.assert_array_equal(smaller.layers[4].W, model.layers[4].W[..., [0, 2, 3]])


def test_the_old_model_stays_as_it_was_and_shares_nothing(case, rng):
    model, (X, y) = case.built(rng), case.data(rng)
    model.mask = select(model, rng.random(model.theta.size), 0.3)
    before = copy.deepcopy(model)
    name, n = next(iter(case.units.items()))

    smaller = remove_units(model, {name: np.arange(n - 1)})
    fit(
        smaller, X, y, loss=CrossEntropy(), optimizer=SGD(smaller, lr=0.1), epochs=2, progress=False
    )

    np.testing.assert_array_equal(model.theta, before.theta)
    np.testing.assert_array_equal(model.mask, before.mask)
    for key, array in model.buffers().items():
        np.testing.assert_array_equal(array, before.buffers()[key])


def test_masks_are_cut_alike(rng):
    model = MODELS["mlp"].built(rng)
    model.mask = rng.random(model.theta.size) < 0.6
    model.decay_mask = rng.random(model.theta.size) < 0.5
    kept = [0, 1, 3, 5]

    smaller = remove_neurons(model, 0, keep=kept)

    for vector in ("mask", "decay_mask"):
        old = {p.name: getattr(model, vector)[p.slice].reshape(p.shape) for p in model.parameters()}
        new = {
            p.name: getattr(smaller, vector)[p.slice].reshape(p.shape) for p in smaller.parameters()
        }
        np.testing.assert_array_equal(new["0.W"], old["0.W"][:, kept])
        np.testing.assert_array_equal(new["0.b"], old["0.b"][kept])
        np.testing.assert_array_equal(new["2.W"], old["2.W"][kept])
        np.testing.assert_array_equal(new["4.W"], old["4.W"])


def test_a_model_without_a_mask_stays_without(rng):
    assert remove_neurons(MODELS["mlp"].built(rng), 0, keep=[0, 1]).mask is None


def test_training_mode_is_kept(rng):
    model = MODELS["deep mlp"].built(rng)

    assert not remove_neurons(model, 0, keep=[0, 1]).training
    smaller = remove_neurons(model.train(), "5.0", keep=[0, 1])
    assert smaller.training
    assert all(layer.training for _, layer in _named(smaller))


def test_without_a_residual_block_its_shortcut_remains(rng):
    case = MODELS["deep mlp"]
    model, (X, _) = case.built(rng), case.data(rng)
    still = copy.deepcopy(model)
    block = still.layers[5]
    block.theta = 0.0  # x + 0

    smaller = remove_layer(model, 5)

    assert smaller.theta.size == model.theta.size - block.theta.size
    np.testing.assert_array_equal(smaller.predict(X), still.predict(X))


def test_a_layer_is_taken_out_with_its_part_of_the_masks(rng):
    model = Sequential(Linear(3, 3, rng=0), ReLU(), Linear(3, 3, rng=1), Linear(3, 2, rng=2))
    model.mask = mask = rng.random(model.theta.size) < 0.5
    model.decay_mask = decay = rng.random(model.theta.size) < 0.5
    theta = model.theta.copy()
    stays = np.r_[0:12, 24:32]

    smaller = remove_layer(model, 2)

    np.testing.assert_array_equal(smaller.theta, theta[stays])
    np.testing.assert_array_equal(smaller.mask, mask[stays])
    np.testing.assert_array_equal(smaller.decay_mask, decay[stays])
    assert len(remove_layer(model, -2).layers) == 3


def test_a_layer_within_a_container_can_be_taken_out(rng):
    model = Sequential(Residual(Linear(3, 3, rng=0), ReLU()), Sequential(Linear(3, 2, rng=1)))

    smaller = remove_layer(model, "0.1")

    X = rng.normal(size=(4, 3)).astype(np.float32)
    inner = model.layers[0].layers[0]
    expected = (X + X @ inner.W + inner.b) @ model.layers[1].layers[0].W
    # float32 sums in another order
    np.testing.assert_allclose(smaller.predict(X), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: remove_neurons(m, 1, [0]),
            ArgumentError,
            r"layer 1 is ReLU\(\), expected a Lin",
        ),
        (lambda m: prune_channels(m, 0, [0]), ArgumentError, "expected a Conv2d. See remove_neur"),
        (lambda m: remove_neurons(m, 4, [0]), ArgumentError, "outputs are those of the model"),
        (lambda m: remove_neurons(m, 9, [0]), ArgumentError, "no layer 9, expected a place from 0"),
        (lambda m: remove_neurons(m, -6, [0]), ArgumentError, "there is no layer -6"),
        (lambda m: remove_neurons(m, 0, [True, False]), ArgumentError, "expected 6 truth values"),
        (lambda m: remove_neurons(m, 0, [0.0]), ArgumentError, "expected 6 truth values"),
        (
            lambda m: remove_neurons(m, 0, [1, 0, 1, 0, 0, 0]),
            ArgumentError,
            "0 and 1 may be truth values or numbers of units. Give booleans",
        ),
        (lambda m: remove_neurons(m, 0, [2, 0, 2]), ArgumentError, "each unit number once"),
        (lambda m: remove_neurons(m, 0, [[0], [0, 1]]), ArgumentError, "expected 6 truth values"),
        (lambda m: remove_units(m, [1]), ArgumentError, r"keep is \[1\], expected a dictionary"),
        (lambda m: remove_neurons(m, 0, [-1]), ArgumentError, "numbers of units from 0 to 5"),
        (lambda m: remove_units(m, {"1": [0]}), ArgumentError, "expected a Linear or a Conv2d"),
        (lambda m: remove_units(m.layers[0], {}), ArgumentError, "remove_units: model is Linear"),
        (
            lambda m: remove_neurons(stack_models([m, m.astype(np.float64)]), 0, [0]),
            ArgumentError,
            "a stack of several, expected one",
        ),
        (lambda m: remove_layer(m, 2), ShapeError, "features"),
        (lambda m: remove_layer(Sequential(ReLU()), 0), ArgumentError, "cannot be taken out"),
        (
            lambda m: remove_layer(Sequential(ReLU(), Residual(ReLU())), "1.0"),
            ArgumentError,
            "cannot be taken out.*Remove the block, '1'",
        ),
    ],
)
def test_what_cannot_be_cut_is_refused_and_nothing_changes(call, error, message, rng):
    model = MODELS["mlp"].built(rng)
    theta = model.theta.copy()

    with pytest.raises(error, match=message):
        call(model)
    np.testing.assert_array_equal(model.theta, theta)


def test_a_lone_unit_is_no_truth_value():
    model = Sequential(Linear(2, 1, rng=0), ReLU(), Linear(1, 2, rng=1))

    assert remove_neurons(model, 0, [0]).layers[0].out_features == 1


@pytest.mark.parametrize("normalization", [BatchNorm1d, BatchNorm2d])
def test_normalization_keeps_an_entry_for_each_pixel_and_channel_that_stays(normalization, rng):
    behind = (Flatten(), BatchNorm1d(12, 0.3, 0.7, dtype=np.float64))
    before = (BatchNorm2d(3, 0.3, 0.7, dtype=np.float64), Flatten())
    model = Sequential(
        Conv2d(2, 3, 2, rng=0, dtype=np.float64),
        *(behind if normalization is BatchNorm1d else before),
        ReLU(),
        Linear(12, 2, rng=1, dtype=np.float64),
    )
    model.theta += rng.normal(size=model.theta.shape)
    X = rng.normal(size=(9, 3, 3, 2))
    model.forward(X)  # running statistics
    keep = {"0": [False, True, True]}
    masked = copy.deepcopy(model.eval())
    masked.mask = unit_mask(model, keep)

    smaller = prune_channels(model, 0, keep["0"])

    (norm,) = (layer for layer in smaller.layers if isinstance(layer, normalization))
    assert norm.num_features == (8 if normalization is BatchNorm1d else 2)
    assert (norm.eps, norm.momentum) == (0.3, 0.7)
    # the same sums without the zero terms, in float64
    np.testing.assert_allclose(smaller.predict(X), masked.predict(X), rtol=1e-12, atol=1e-14)


def test_each_layer_keeps_its_own_mode(rng):
    model = MODELS["deep mlp"].built(rng).train()
    for still in (model.layers[1], model.layers[5], model.layers[5].layers[2]):
        still.training = False
    modes = [model.training, *(layer.training for _, layer in _named(model))]

    for smaller in (
        remove_units(model, {"0": [0, 2], "5.0": [1]}),
        remove_neurons(model, "5.0", [0]),
    ):
        assert [smaller.training, *(layer.training for _, layer in _named(smaller))] == modes
    without = remove_layer(model, "5.1")
    del modes[1 + [name for name, _ in _named(model)].index("5.1")]
    assert [without.training, *(layer.training for _, layer in _named(without))] == modes


def tied() -> Sequential:
    """An autoencoder whose last layer is the first one transposed."""
    first = Linear(4, 3)
    return Sequential(first, ReLU(), Linear(3, 3), ReLU(), TiedLinear(first))


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: Sequential(Linear(2, 3), Softmax(), Linear(3, 2)), 0),
        (lambda: Sequential(Linear(2, 3), LayerNorm(3), Linear(3, 2)), 0),
        (lambda: Sequential(Linear(2, 3), Residual(Linear(3, 3)), Linear(3, 2)), 0),
        (lambda: Sequential(Residual(Linear(3, 3)), Linear(3, 2)), "0.0"),
        (lambda: Sequential(TransformerBlock(4, 2, 5)), "0.0.1.0"),
        (tied, 0),
    ],
)
def test_units_that_others_mix_or_share_must_stay(build, name):
    with pytest.raises(ArgumentError, match=f"the units of layer {name} cannot be removed"):
        remove_neurons(build(), name, keep=[0])


def test_a_layer_whose_matrix_another_one_uses_must_stay(rng):
    inner = Linear(4, 4, rng=1)
    model = Sequential(Linear(4, 4, rng=0), Sequential(inner, ReLU()), TiedLinear(inner))
    theta = model.theta.copy()

    for name, owner in ((1, "1.0"), ("1.0", "1.0")):
        with pytest.raises(SharedLayerError, match=f"{owner} cannot go, because layer 2 uses its"):
            remove_layer(model, name)
    np.testing.assert_array_equal(model.theta, theta)
    X, y = rng.normal(size=(5, 4)), rng.integers(0, 4, 5)
    assert set(layer_ablation(model, X, y, CrossEntropy())) == {"0"}


def test_without_the_tied_layer_its_owner_is_a_layer_like_any_other():
    first = Linear(4, 4, rng=0)
    model = Sequential(first, ReLU(), Linear(4, 4, rng=1), TiedLinear(first))

    smaller = remove_layer(model, 3)

    assert remove_neurons(smaller, 0, [0, 2]).layers[0].out_features == 2
    with pytest.raises(ArgumentError, match="tied to another layer"):  # the old one is as it was
        remove_neurons(model, 0, [0, 2])


def test_a_block_goes_with_both_layers_that_share_a_matrix():
    first = Linear(3, 5, rng=0)
    model = Sequential(Linear(3, 3, rng=1), Residual(first, ReLU(), TiedLinear(first)))

    assert repr(remove_layer(model, 1)) == "Sequential(Linear(3, 3))"
