"""One matrix used twice: its gradient is the sum over its uses, in every order and every copy."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from nnlib import (
    MSE,
    SGD,
    DtypeError,
    Linear,
    OrderError,
    Sequential,
    ShapeError,
    SharedLayerError,
    Tanh,
    check_layer,
    fit,
)
from nnlib.layers.embedding import Embedding
from nnlib.layers.tied import TiedLinear


def autoencoder(dtype: type = np.float64) -> Sequential:
    encoder = Linear(5, 3, rng=1, dtype=dtype)
    return Sequential(Sequential(encoder, Tanh()), Sequential(TiedLinear(encoder)))


def decoder_first(dtype: type = np.float64) -> Sequential:
    """Use W transposed before W itself, so that the owner is the first to run backward."""
    owner = Linear(5, 3, rng=1, dtype=dtype)
    return Sequential(Sequential(TiedLinear(owner)), Tanh(), owner)


def torch_gradient(x: np.ndarray, model: Sequential, dy: np.ndarray) -> np.ndarray:
    """Return the gradient of W and b of ``decoder_first``, by PyTorch."""
    W, b = (torch.tensor(a, requires_grad=True) for a in model.state_dict().values())
    y = torch.tanh(torch.tensor(x) @ W.T) @ W + b
    y.backward(torch.tensor(dy))
    assert W.grad is not None
    assert b.grad is not None
    return np.concatenate([W.grad.numpy().ravel(), b.grad.numpy()])


def test_the_owner_may_come_last(rng):
    model = decoder_first()
    x, dy = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    expected = torch_gradient(x, model, dy)

    for _ in range(2):  # the second pass must not add to the first
        model.forward(x)
        model.backward(dy)
        np.testing.assert_allclose(model.grad, expected, rtol=1e-9)
    model.backward(dy, accumulate=True)

    np.testing.assert_allclose(model.grad, 2 * expected, rtol=1e-9)
    assert check_layer(model, x).passed


@pytest.mark.parametrize("build", [autoencoder, decoder_first])
def test_slices_of_a_batch_add_up(build, rng):
    model = build()
    x = rng.normal(size=(11, model.layers[0].layers[0].owner.out_features
                         if build is decoder_first else 5))  # fmt: skip
    targets = rng.normal(size=model.forward(x).shape)

    whole, grad = model.loss_and_gradient(x, targets, MSE())
    expected = grad.copy()
    for _ in range(2):
        value, grad = model.loss_and_gradient(x, targets, MSE(), rows_per_slice=4)
        np.testing.assert_allclose((value, *grad), (whole, *expected), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), lambda m: m.astype(np.float32)],
    ids=["deepcopy", "pickle", "astype"],
)
@pytest.mark.parametrize("build", [autoencoder, decoder_first])
def test_copies_are_tied_within_themselves(build, duplicate, rng):
    model = build()
    x = rng.normal(size=(4, 5 if build is autoencoder else 3))
    dy = np.ones_like(model.forward(x))
    model.backward(dy)

    other = duplicate(model)
    y = other.forward(x)
    other.backward(dy)

    tolerance = 1e-5 if other.dtype == np.float32 else 1e-12  # the precision of the copy
    np.testing.assert_allclose(y, model.forward(x), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(other.grad, model.grad, rtol=tolerance, atol=tolerance)
    before = model.theta.copy()
    other.theta = 0.0
    assert not other.forward(x).any()
    np.testing.assert_array_equal(model.theta, before)


def test_a_pass_that_broke_off_leaves_nothing_behind(rng):
    encoder = Linear(5, 3, rng=1, dtype=np.float64)
    model = Sequential(encoder, TiedLinear(encoder))
    x, dy = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    model.forward(x)
    model.backward(dy)
    expected = model.grad.copy()

    model.layers[1].backward(dy)  # by hand, and the owner's turn never comes
    model.backward(dy)
    np.testing.assert_array_equal(model.grad, expected)

    for _ in range(2):
        model.layers[0].backward(np.ones((4, 3)))
        model.backward(dy)
        np.testing.assert_array_equal(model.grad, expected)
    model.layers[0].backward(np.ones((4, 3)))
    model.forward(x)
    model.backward(dy)
    np.testing.assert_array_equal(model.grad, expected)


def test_by_hand_owner_and_tied_layer_work_without_a_model(rng):
    words = Embedding(4, 3, rng=0)
    scores = TiedLinear(words).astype(np.float64)

    assert scores.dtype == np.float64
    assert words.dtype == np.float32
    y = scores.forward(rng.normal(size=(2, 3)))
    scores.backward(np.ones((2, 4)))

    assert y.shape == (2, 4)
    assert y.dtype == np.float64
    assert scores.owner.dW.any()


def test_the_tied_matrix_is_trained_once(rng):
    model = autoencoder(np.float32)
    x = rng.normal(size=(64, 2)) @ rng.normal(size=(2, 5))

    history = fit(
        model, x, x, loss=MSE(), optimizer=SGD(model, lr=0.05), epochs=30, batch_size=16,
        progress=False, rng=0,
    )  # fmt: skip

    assert [p.name for p in model.parameters()] == ["0.0.W", "0.0.b"]
    assert history.loss[-1] < 0.5 * history.loss[0]


def test_the_same_object_twice_is_still_refused():
    owner = Linear(3, 3)
    tied = TiedLinear(owner)

    with pytest.raises(SharedLayerError, match="comes twice"):
        Sequential(owner, tied, tied)
    with pytest.raises(SharedLayerError, match="comes twice"):
        Sequential(owner, Tanh(), owner)
    assert Sequential(owner, tied).theta.size == 12


def test_an_owner_outside_the_model_is_refused():
    owner = Linear(5, 3)
    alone = Sequential(TiedLinear(owner))
    with pytest.raises(SharedLayerError, match="its owner is not in the model that runs"):
        alone.forward(np.ones((2, 3)))

    Sequential(owner)  # another model
    with pytest.raises(SharedLayerError, match="Put owner and tied layer into one model"):
        alone.predict(np.ones((2, 3)))

    half = copy.deepcopy(autoencoder().layers[1])  # took a copy of the owner along
    with pytest.raises(SharedLayerError, match="copy or run it as a whole"):
        half.forward(np.ones((2, 3)))


@pytest.mark.parametrize("owner", [Tanh(), np.ones((2, 3)), Embedding])
def test_other_owners_are_refused(owner):
    with pytest.raises(DtypeError, match="expected an Embedding or a Linear layer"):
        TiedLinear(owner)


def test_wrong_shapes_are_refused():
    owner = Linear(5, 3)
    tied = TiedLinear(owner)

    with pytest.raises(ShapeError, match=r"takes 3 features, but gets 4"):
        Sequential(Linear(2, 4), tied)
    for x in (np.ones((2, 4)), np.ones(3)):
        with pytest.raises(ShapeError, match=r"expected \(\.\.\., N, 3\)"):
            tied.forward(x)
    assert Sequential(owner, tied).forward(np.ones((2, 5))).shape == (2, 5)


def test_the_r_operator_needs_the_direction_of_the_owner():
    model = decoder_first()
    model.forward(np.ones((2, 3)))
    with pytest.raises(NotImplementedError, match="its owner comes after it"):
        model.rforward(None, model.theta)

    model = autoencoder()
    model.forward(np.ones((2, 5)))
    tied = model.layers[1].layers[0]
    with pytest.raises(OrderError, match="rforward of its owner has not run"):
        tied.rforward(None)


def test_a_new_forward_begins_a_new_pass_even_if_another_use_comes_first(rng):
    owner = Linear(5, 3, rng=1, dtype=np.float64)
    tied = TiedLinear(owner)
    x, dh, dy = rng.normal(size=(4, 5)), rng.normal(size=(4, 3)), rng.normal(size=(4, 5))
    tied.forward(owner.forward(x))
    owner.backward(dh)  # and there it broke off

    h = owner.forward(x)
    tied.forward(h)
    tied.backward(dy)

    np.testing.assert_allclose(owner.dW, dy.T @ h, rtol=1e-12)
