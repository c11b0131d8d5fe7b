"""The embedding, and models that begin with one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib import (
    SGD,
    ArgumentError,
    CrossEntropy,
    DtypeError,
    Linear,
    Sequential,
    ShapeError,
    check_layer,
    fit,
)
from nnlib.layers.embedding import Embedding
from nnlib.layers.over_time import MeanOverTime


def classifier(**options) -> Sequential:
    return Sequential(
        Embedding(6, 4, rng=0, **options), MeanOverTime(), Linear(4, 3, rng=1, **options)
    )


@settings(max_examples=25)
@given(
    st.integers(1, 9), st.integers(1, 5), st.lists(st.integers(1, 6), min_size=1, max_size=3),
    st.integers(0, 99),
)  # fmt: skip
def test_gradient_is_the_sum_over_equal_numbers(n_tokens, dim, shape, seed):
    rng = np.random.default_rng(seed)
    layer = Embedding(n_tokens, dim, rng=0, dtype=np.float64)
    x = rng.integers(0, n_tokens, shape)
    dy = rng.normal(size=(*shape, dim))
    expected = np.zeros((n_tokens, dim))
    np.add.at(expected, x, dy)  # NumPy's own unbuffered sum

    layer.forward(x)
    layer.backward(dy)

    np.testing.assert_allclose(layer.dW, expected, rtol=1e-12, atol=1e-13)


def test_no_rows_give_a_gradient_of_zero():
    layer = Embedding(3, 2, rng=0)

    y = layer.forward(np.empty((0, 4), int))
    layer.grad = 7.0
    layer.backward(np.empty((0, 4, 2)))

    assert y.shape == (0, 4, 2)
    assert not layer.grad.any()


def test_a_model_takes_integers_without_casting_them():
    """float32 holds no odd number beyond 2^24: the message would name another one."""
    model = Sequential(Sequential(Embedding(3, 2)))

    assert model.takes_integers
    assert not Sequential(Linear(2, 3)).takes_integers
    for call in (model.forward, model.predict):
        with pytest.raises(ArgumentError, match=f"holds {2**24 + 1} at"):
            call([[2**24 + 1]])


def test_fit_trains_on_whole_numbers(rng):
    X = rng.integers(0, 6, (40, 5))
    y = (X == 2).any(axis=1).astype(int)
    model = classifier()

    history = fit(
        model, X, y, loss=CrossEntropy(), optimizer=SGD(model, lr=1.0), epochs=60, batch_size=7,
        validation_data=(X.astype(float), y), progress=False, rng=0,
    )  # fmt: skip

    assert history.accuracy[-1] > 0.99
    value = CrossEntropy().forward(model.predict(X), y)
    assert history.validation_loss[-1] == pytest.approx(value, rel=1e-6)  # float32, summed alike


def test_fit_refuses_numbers_that_are_not_whole_and_changes_nothing():
    model = classifier()
    theta = model.theta.copy()

    with pytest.raises(DtypeError, match=r"fit: X: holds 0\.5, expected whole numbers"):
        fit(
            model, np.full((3, 2), 0.5), [0, 1, 2], loss=CrossEntropy(),
            optimizer=SGD(model, lr=1.0), progress=False,
        )  # fmt: skip

    np.testing.assert_array_equal(model.theta, theta)


def test_predict_and_loss_and_gradient_agree_in_slices(rng):
    model, X, y = classifier(dtype=np.float64), rng.integers(0, 6, (11, 5)), np.arange(11) % 3

    value, grad = model.loss_and_gradient(X, y, CrossEntropy())
    whole = grad.copy()
    sliced, grad = model.loss_and_gradient(X, y, CrossEntropy(), rows_per_slice=4)

    np.testing.assert_allclose((sliced, *grad), (value, *whole), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(model.predict(X, batch_size=3), model.forward(X), rtol=1e-12)


def test_check_layer_moves_parameters_but_not_numbers():
    assert check_layer(classifier(), [[0, 1, 5], [2, 2, 0]]).passed


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([[0, 7]], ArgumentError, r"Embedding\(6, 4\).forward: x holds 7 at \(0, 1\), expected 0 "),
        ([-1], ArgumentError, "x holds -1"),
        (3, ShapeError, r"x has shape \(\), expected \(N,\) or \(N, T\)"),
        (np.empty((2, 0), int), ShapeError, "at least one step"),
        (["word"], DtypeError, "expected real numbers"),
        ([[1, 2], [3]], ShapeError, "rows differ in length"),
        ([0.5], DtypeError, "holds 0.5, expected whole numbers"),
    ],
)
def test_bad_numbers_are_refused(x, error, message):
    with pytest.raises(error, match=message):
        Embedding(6, 4).forward(x)


@pytest.mark.parametrize(("arguments", "name"), [((0, 2), "num_emb"), ((2, 1.5), "embedding_dim")])
def test_bad_sizes_are_refused(arguments, name):
    with pytest.raises(ArgumentError, match=name):
        Embedding(*arguments)


def test_it_stands_first():
    with pytest.raises(ShapeError, match=r"layer 1 Embedding\(3, 2\) takes whole numbers"):
        Sequential(Linear(4, 5), Embedding(3, 2))


def test_a_change_of_whole_numbers_is_refused():
    layer = Embedding(3, 2)
    layer.forward([1])

    with pytest.raises(ArgumentError, match="x_dot is an array, expected None"):
        layer.rforward([1.0])
