"""Batch and layer normalization: running statistics against torch, modes, bad batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnlib import MSE, SGD, ArgumentError, Linear, Sequential, ShapeError
from nnlib.layers import BatchNorm1d, BatchNorm2d, LayerNorm


@pytest.mark.parametrize("momentum", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("images", [False, True])
def test_running_statistics_equal_those_of_torch_over_several_batches(images, momentum, rng):
    build = BatchNorm2d if images else BatchNorm1d
    twin = torch.nn.BatchNorm2d if images else torch.nn.BatchNorm1d
    layer, expected = build(3, 1e-4, momentum, dtype=np.float64), twin(3, 1e-4, momentum).double()
    shape = (4, 2, 3) if images else (4,)
    move = (0, 3, 1, 2) if images else (0, 1)
    back = (0, 2, 3, 1) if images else (0, 1)
    for n in range(2, 6):
        x = rng.normal(loc=n, scale=0.5 + n, size=(n, *shape[1:], 3))

        y = layer.forward(x)
        y_torch = expected(torch.tensor(x.transpose(move)))

        np.testing.assert_allclose(y, y_torch.detach().numpy().transpose(back), rtol=1e-9)
        np.testing.assert_allclose(layer.running_mean, expected.running_mean.numpy(), rtol=1e-9)
        np.testing.assert_allclose(layer.running_var, expected.running_var.numpy(), rtol=1e-9)

    x = rng.normal(size=(1, *shape[1:], 3))  # one row is enough in evaluation
    y_torch = expected.eval()(torch.tensor(x.transpose(move))).detach().numpy().transpose(back)
    np.testing.assert_allclose(layer.eval().forward(x), y_torch, rtol=1e-9)


def test_the_running_variance_is_unbiased_and_the_normalizing_one_is_not():
    layer = BatchNorm1d(1, eps=1e-12, momentum=1.0, dtype=np.float64)

    y = layer.forward([[1.0], [3.0]])

    np.testing.assert_allclose(y, [[-1.0], [1.0]], rtol=1e-9)  # variance ((−1)² + 1²) / 2 = 1
    np.testing.assert_allclose(layer.running_var, [2.0], rtol=1e-12)  # ((−1)² + 1²) / (2 − 1)


def test_evaluation_and_frozen_leave_the_running_statistics(rng):
    layer = BatchNorm1d(3)
    layer.forward(rng.normal(size=(5, 3)))
    before = layer.state_dict()
    x = rng.normal(size=(5, 3))

    layer.eval().forward(x)
    with layer.train().frozen():
        y = layer.forward(x)

    for name, array in before.items():
        np.testing.assert_array_equal(layer.state_dict()[name], array)
    np.testing.assert_allclose(y.mean(axis=0), 0.0, atol=1e-6)  # it is the batch's mean still


def test_running_statistics_are_saved_but_not_trained(rng):
    model = Sequential(Linear(2, 3, rng=0), BatchNorm1d(3))
    model.forward(rng.normal(size=(5, 2)))
    other = Sequential(Linear(2, 3, rng=1), BatchNorm1d(3))
    other.load_state_dict(model.state_dict())
    x = rng.normal(size=(4, 2))

    assert {"1.running_mean", "1.running_var"} == model.buffers().keys()
    assert model.theta.size == 2 * 3 + 3 + 3 + 3
    np.testing.assert_array_equal(other.eval().forward(x), model.eval().forward(x))


def test_statistics_follow_astype(rng):
    layer = BatchNorm2d(2)
    layer.forward(rng.normal(size=(3, 2, 2, 2)))

    double = layer.astype(np.float64)

    assert double.running_mean.dtype == np.float64
    np.testing.assert_array_equal(double.running_var, layer.running_var)
    assert layer.running_var.dtype == np.float32


@pytest.mark.parametrize("layer", [BatchNorm1d(3), BatchNorm2d(3), LayerNorm(3)], ids=repr)
def test_scale_and_shift_start_neutral_and_do_not_decay(layer):
    assert [(p.name, p.decays) for p in layer.parameters()] == [("gamma", False), ("beta", False)]
    np.testing.assert_array_equal(layer.gamma, 1.0)
    np.testing.assert_array_equal(layer.beta, 0.0)


def test_a_batch_that_is_normalized_is_not_cut_in_slices(rng):
    model = Sequential(Linear(2, 3, rng=0), BatchNorm1d(3), Linear(3, 1, rng=1))
    X, y = rng.normal(size=(9, 2)), rng.normal(size=(9, 1))
    _, grad = model.loss_and_gradient(X, y, MSE())
    expected = grad.copy()

    _, grad = model.loss_and_gradient(X, y, MSE(), rows_per_slice=3)

    np.testing.assert_array_equal(grad, expected)


def test_a_shift_before_batch_norm_has_no_effect_and_no_gradient(rng):
    """The mean takes it away: a bias in front of batch normalization is useless."""
    model = Sequential(Linear(2, 3, rng=0, dtype=np.float64), BatchNorm1d(3, dtype=np.float64))
    x = rng.normal(size=(6, 2))
    y = model.forward(x)
    model.backward(rng.normal(size=y.shape))

    assert abs(model.layers[0].db).max() < 1e-14
    model.layers[0].b = [1.0, -2.0, 3.0]
    np.testing.assert_allclose(model.forward(x), y, rtol=1e-9, atol=1e-12)


def test_ten_training_steps_equal_torch(rng):
    ours = Sequential(
        Linear(3, 4, rng=0, dtype=np.float64),
        BatchNorm1d(4, dtype=np.float64),
        Linear(4, 2, rng=1, dtype=np.float64),
    )
    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2)
    ).double()
    with torch.no_grad():
        for i in (0, 2):
            theirs[i].weight[:] = torch.tensor(ours.layers[i].W.T)
            theirs[i].bias[:] = 0.0
    optimizer, twin = SGD(ours, lr=0.1), torch.optim.SGD(theirs.parameters(), lr=0.1)
    loss = torch.nn.MSELoss()

    for _ in range(10):
        X, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
        ours.loss_and_gradient(X, y, MSE())
        optimizer.step()
        twin.zero_grad()
        loss(theirs(torch.tensor(X)), torch.tensor(y)).backward()
        twin.step()

    np.testing.assert_allclose(ours.layers[2].W, theirs[2].weight.detach().numpy().T, rtol=1e-9)
    np.testing.assert_allclose(ours.layers[1].gamma, theirs[1].weight.detach().numpy(), rtol=1e-9)
    mean = theirs[1].running_mean.numpy()
    np.testing.assert_allclose(ours.layers[1].running_mean, mean, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (BatchNorm1d(3), (1, 3), "expected at least 2 numbers of each feature in training"),
        (BatchNorm2d(3), (1, 1, 1, 3), "Use larger batches, or model.eval"),
        (BatchNorm1d(3), (3, 5), r"expected \(..., N, 3\)\. It looks transposed"),
        (BatchNorm1d(3), (3,), "One row is a batch too"),
        (BatchNorm1d(3), (2, 4, 5), r"expected \(..., N, 3\)\.$"),
        (BatchNorm1d(3), (2, 4), r"expected \(..., N, 3\)\.$"),
        (BatchNorm2d(3), (2, 3, 4, 5), r"It looks like \(N, C, H, W\)"),
        (BatchNorm2d(3), (2, 3), r"expected \(N, H, W, 3\)"),
        (LayerNorm(3), (5, 4), r"expected \(..., N, 3\)\.$"),
        (LayerNorm(3), (3, 5), "It looks transposed"),
        (LayerNorm(3), (3,), "One row is a batch too"),
    ],
    ids=str,
)
def test_batches_of_another_shape_are_refused_and_change_nothing(layer, shape, message):
    before = layer.state_dict()

    with pytest.raises(ShapeError, match=message):
        layer.forward(np.ones(shape))

    for name, array in before.items():
        np.testing.assert_array_equal(layer.state_dict()[name], array)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: BatchNorm1d(0), "BatchNorm1d: num_features is 0"),
        (lambda: BatchNorm2d(3, eps=0.0), "BatchNorm2d: eps is 0.0, expected a number above 0"),
        (lambda: BatchNorm1d(3, momentum=1.5), "momentum is 1.5, expected a number from 0 to 1"),
        (lambda: BatchNorm1d(3, momentum=None), "momentum is None, expected a number"),
        (lambda: LayerNorm(2.5), "LayerNorm: normalized_features is 2.5"),
    ],
)
def test_numbers_outside_what_they_may_be_are_refused(build, message):
    with pytest.raises(ArgumentError, match=message):
        build()


@pytest.mark.parametrize("layer", [BatchNorm1d(3), LayerNorm(3)], ids=repr)
def test_a_model_refuses_features_that_do_not_fit(layer):
    with pytest.raises(ShapeError, match=r"takes 3 features, but gets 4. Write \w+\(4\)"):
        Sequential(Linear(2, 4), layer)


def test_without_a_change_of_x_only_scale_and_shift_change_the_output(rng):
    layer = BatchNorm1d(2, dtype=np.float64)
    x = rng.normal(size=(5, 2))
    x_hat = layer.forward(x)  # gamma is 1, beta 0
    dy = rng.normal(size=x.shape)
    layer.backward(dy)

    y_dot = layer.rforward(None, [3.0, 4.0, 5.0, 6.0])

    np.testing.assert_allclose(y_dot, x_hat * [3.0, 4.0] + [5.0, 6.0], rtol=1e-12)
    assert layer.rbackward(dy, need_dx=False) is None
    np.testing.assert_allclose(layer.grad_dot[2:], dy.sum(axis=0), rtol=1e-12)
