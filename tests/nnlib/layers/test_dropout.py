"""Dropout: moments of the mask, the same mask on the way back, and the modes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from nnlib import MSE, ArgumentError, Linear, Sequential
from nnlib.layers import Dropout


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.85])
def test_a_share_of_rate_is_dropped_and_the_mean_stays(rate, rng):
    n = 200_000
    y = Dropout(rate, rng=3).forward(np.ones((n // 100, 100)))

    dropped = (y == 0).mean()
    # 5 standard errors: a right layer fails once in two million runs.
    assert abs(dropped - rate) < 5 * (rate * (1 - rate) / n) ** 0.5
    assert abs(y.mean() - 1) < 5 * (rate / (1 - rate) / n) ** 0.5
    np.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-12)


def test_entries_are_dropped_independently():
    """Neighbors in a row and in a column agree no more often than chance."""
    dropped = Dropout(0.5, rng=5).forward(np.ones((400, 500))) == 0

    for a, b in ((dropped[1:], dropped[:-1]), (dropped[:, 1:], dropped[:, :-1])):
        assert abs((a == b).mean() - 0.5) < 5 * (0.25 / a.size) ** 0.5


def test_backward_uses_the_mask_of_forward(rng):
    layer = Dropout(0.4, rng=0)
    x = rng.normal(size=(6, 7))
    y = layer.forward(x)
    dy = rng.normal(size=x.shape)

    np.testing.assert_allclose(layer.backward(dy), dy * (y / x), rtol=1e-12)


def test_every_forward_pass_draws_anew():
    layer, x = Dropout(0.5, rng=0), np.ones((5, 40))

    assert (layer.forward(x) != layer.forward(x)).any()


def test_evaluation_and_rate_zero_do_nothing(rng):
    x, dy = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    for layer in (Dropout(0.9, rng=0).eval(), Dropout(0.0, rng=0)):
        before = layer.generators()["rng"].bit_generator.state

        np.testing.assert_array_equal(layer.forward(x), x)
        np.testing.assert_array_equal(layer.backward(dy), dy)
        assert layer.generators()["rng"].bit_generator.state == before


def test_both_precisions_draw_the_same_masks():
    x = np.ones((4, 50))

    y = Dropout(0.5, rng=0).forward(x)

    np.testing.assert_array_equal(Dropout(0.5, rng=0).forward(x.astype(np.float32)), y)


def test_frozen_repeats_the_last_mask(rng):
    layer, x = Dropout(0.5, rng=0), rng.normal(size=(5, 40))
    y = layer.forward(x)

    with layer.frozen():
        np.testing.assert_array_equal(layer.forward(x), y)
        np.testing.assert_array_equal(layer.forward(2 * x), 2 * y)
    assert (layer.forward(x) != y).any()


def test_frozen_before_any_forward_draws_once(rng):
    layer, x = Dropout(0.5, rng=0), rng.normal(size=(5, 40))

    with layer.frozen():
        y = layer.forward(x)
        np.testing.assert_array_equal(layer.forward(x), y)


def test_a_frozen_model_is_one_function_even_in_uneven_slices(rng):
    """Each shape of slice has its mask: the last, shorter one must not make the others forget."""
    model = Sequential(
        Linear(3, 20, rng=0, dtype=np.float64),
        Dropout(0.5, rng=1),
        Linear(20, 1, rng=2, dtype=np.float64),
    )
    X, y = rng.normal(size=(11, 3)), rng.normal(size=(11, 1))

    with model.frozen():
        first = model.loss_and_gradient(X, y, MSE(), rows_per_slice=4)[0]
        second = model.loss_and_gradient(X, y, MSE(), rows_per_slice=4)[0]

    assert first == second


def test_a_copy_goes_on_with_the_same_random_numbers(rng):
    layer, x = Dropout(0.5, rng=0), rng.normal(size=(5, 40))
    layer.forward(x)
    other = pickle.loads(pickle.dumps(layer))  # our own bytes

    np.testing.assert_array_equal(other.forward(x), layer.forward(x))


@pytest.mark.parametrize("rate", [1.0, -0.1, True, "0.5", np.nan])
def test_a_rate_outside_0_to_1_is_refused(rate):
    with pytest.raises(ArgumentError, match=r"Dropout: rate is .*, expected a number"):
        Dropout(rate)


def test_a_seed_that_is_none_is_refused():
    with pytest.raises(ArgumentError, match="rng is 'seed'"):
        Dropout(0.5, rng="seed")


def test_repr_and_rate():
    assert repr(Dropout(0.25)) == "Dropout(0.25)"


def test_after_a_frozen_block_only_the_last_mask_is_kept(rng):
    layer = Dropout(0.5, rng=0)
    with layer.frozen():
        for n in range(1, 9):
            y = layer.forward(np.ones((n, 40)))
        layer.eval().forward(np.ones((3, 40)))
        layer.train()
        assert len(layer._masks) == 8

    assert list(layer._masks) == [(8, 40)]
    with layer.frozen():
        np.testing.assert_array_equal(layer.forward(np.ones((8, 40))), y)


def test_a_frozen_block_within_another_ends_alone(rng):
    model = Sequential(Dropout(0.5, rng=0))
    x = rng.normal(size=(5, 40))

    with model.frozen():
        y, short = model.forward(x), model.forward(x[:2])
        with model.frozen():
            np.testing.assert_array_equal(model.forward(x), y)
        np.testing.assert_array_equal(model.forward(x), y)
        np.testing.assert_array_equal(model.forward(x[:2]), short)
    assert (model.forward(x) != y).any()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_made_in_a_frozen_block_is_not_frozen(duplicate, rng):
    model, x = Sequential(Dropout(0.5, rng=0)), rng.normal(size=(5, 40))

    with model.frozen():
        y = model.forward(x)
        twin = duplicate(model)

    assert not any(layer._frozen for layer in twin._everything())
    assert (twin.forward(x) != y).any()
