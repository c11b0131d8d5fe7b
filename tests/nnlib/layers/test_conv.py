"""Convolution: sizes, strides and paddings against torch, and errors that name the mend."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # ruff: ignore[lowercase-imported-as-non-lowercase]  its usual name
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib import ArgumentError, CrossEntropy, DtypeError, Linear, ReLU, Sequential, ShapeError
from nnlib.initializers import orthogonal, xavier_normal, xavier_uniform
from nnlib.layers import BatchNorm2d, Conv2d, Flatten, MaxPool2d

sizes = st.integers(1, 4)
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(0, 3),
    channels=st.tuples(sizes, sizes),
    kernel=st.tuples(sizes, sizes),
    stride=pairs,
    padding=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    spare=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    bias=st.booleans(),
)
def test_any_size_equals_torch(n, channels, kernel, stride, padding, spare, bias):
    """Also strides that leave rows unread, kernels beyond the image, padding beyond the kernel."""
    rng = np.random.default_rng(n)
    height, width = (max(1, k - 2 * p + s) for k, p, s in zip(kernel, padding, spare, strict=True))
    layer = Conv2d(*channels, kernel, stride, padding, bias, dtype=np.float64)
    layer.theta = rng.normal(size=layer.theta.shape)
    x = rng.normal(size=(n, height, width, channels[0]))
    x_torch = torch.tensor(np.ascontiguousarray(x.transpose(0, 3, 1, 2)), requires_grad=True)
    W = torch.tensor(np.ascontiguousarray(layer.W.transpose(3, 2, 0, 1)), requires_grad=True)
    b = torch.tensor(layer.b, requires_grad=True) if bias else None
    y_torch = F.conv2d(x_torch, W, b, stride, padding)
    dy = rng.normal(size=tuple(y_torch.permute(0, 2, 3, 1).shape))
    y_torch.backward(torch.tensor(dy.transpose(0, 3, 1, 2)))

    y = layer.forward(x)
    dx = layer.backward(dy)

    same = {"rtol": 1e-9, "atol": 1e-12}  # both sides compute in float64
    np.testing.assert_allclose(y, y_torch.detach().permute(0, 2, 3, 1).numpy(), **same)
    np.testing.assert_allclose(dx, x_torch.grad.permute(0, 2, 3, 1).numpy(), **same)
    np.testing.assert_allclose(layer.dW, W.grad.permute(2, 3, 1, 0).numpy(), **same)
    if b is not None:
        np.testing.assert_allclose(layer.db, b.grad.numpy(), **same)


def test_rows_and_columns_that_no_window_reaches_get_no_gradient(rng):
    layer = Conv2d(1, 2, 2, stride=3, rng=0)
    y = layer.forward(rng.normal(size=(2, 7, 6, 1)))

    dx = layer.backward(np.ones_like(y))

    reached = np.zeros((7, 6), bool)
    for start in (0, 3):
        reached[start : start + 2, [0, 1, 3, 4]] = True
    assert not dx[:, ~reached].any()
    assert dx[:, reached].all()


def test_with_stride_1_dx_is_a_convolution_of_dy_with_the_turned_kernel(rng):
    layer = Conv2d(2, 3, 3, padding=1, dtype=np.float64)
    layer.theta = rng.normal(size=layer.theta.shape)
    y = layer.forward(rng.normal(size=(2, 5, 6, 2)))
    dy = rng.normal(size=y.shape)
    back = Conv2d(3, 2, 3, padding=1, bias=False, dtype=np.float64)
    back.W = layer.W[::-1, ::-1].swapaxes(2, 3)

    np.testing.assert_allclose(layer.backward(dy), back.forward(dy), rtol=1e-12, atol=1e-14)


def test_a_kernel_of_one_pixel_is_a_linear_layer_for_each_pixel(rng):
    layer = Conv2d(4, 3, 1, dtype=np.float64, rng=0)
    linear = Linear(4, 3, dtype=np.float64)
    linear.theta = layer.theta
    x = rng.normal(size=(2, 5, 6, 4))

    np.testing.assert_allclose(layer.forward(x), linear.forward(x), rtol=1e-13)


def test_starting_values_follow_the_fan_in_of_a_window():
    layer = Conv2d(8, 64, 5, rng=0)

    limit = (6 / (5 * 5 * 8)) ** 0.5  # he_uniform
    assert 0.99 * limit < abs(layer.W).max() <= limit
    assert not layer.b.any()


def test_kernels_decay_and_biases_do_not():
    layer = Conv2d(1, 2, (2, 3))

    assert [(p.name, p.shape, p.decays) for p in layer.parameters()] == [
        ("W", (2, 3, 1, 2), True),
        ("b", (2,), False),
    ]


def cnn() -> Sequential:
    return Sequential(
        Conv2d(1, 3, 3, padding=1, rng=0), ReLU(), MaxPool2d(2),
        Conv2d(3, 4, 3, padding=1, rng=1), MaxPool2d(2), ReLU(), Flatten(), Linear(16, 3, rng=2),
    )  # fmt: skip


def test_slices_of_a_batch_give_the_gradient_of_the_whole(rng):
    model, loss = cnn().astype(np.float64), CrossEntropy()
    X, targets = rng.normal(size=(37, 8, 9, 1)), rng.integers(0, 3, 37)
    assert model.slice_rows == 32

    value, grad = model.loss_and_gradient(X, targets, loss)
    grad = grad.copy()
    whole_value = loss.forward(model.forward(X), targets)
    model.backward(loss.backward())

    assert value == pytest.approx(whole_value, rel=1e-12)
    np.testing.assert_allclose(grad, model.grad, rtol=1e-9, atol=1e-14)


def test_relu_and_max_pool_may_change_places(rng):
    """max(max(x), 0) = max(max(x, 0)): pooling first leaves less for ReLU to do."""
    x = rng.normal(size=(5, 6, 7, 2)).round(1)  # with ties
    one = Sequential(Conv2d(2, 3, 3, rng=0, dtype=np.float64), ReLU(), MaxPool2d(2))
    other = Sequential(Conv2d(2, 3, 3, rng=0, dtype=np.float64), MaxPool2d(2), ReLU())
    y = one.forward(x)
    dy = rng.normal(size=y.shape)

    np.testing.assert_array_equal(other.forward(x), y)
    np.testing.assert_array_equal(other.backward(dy), one.backward(dy))
    np.testing.assert_array_equal(other.grad, one.grad)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 0}, "in_channels is 0, expected a whole number of at least 1"),
        ({"out_channels": 2.0}, "out_channels is 2.0, expected a whole number"),
        ({"kernel_size": (3, 3, 3)}, r"kernel_size is \(3, 3, 3\), expected one whole number or"),
        ({"kernel_size": (3, 0)}, "kernel_size is 0, expected a whole number of at least 1"),
        ({"stride": 0}, "stride is 0"),
        ({"padding": -1}, "padding is -1, expected a whole number of at least 0"),
        ({"init": "he"}, "init is 'he', expected a function"),
        ({"rng": -1}, "rng is -1"),
    ],
    ids=str,
)
def test_sizes_outside_what_they_may_be_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        Conv2d(**({"in_channels": 1, "out_channels": 2, "kernel_size": 3} | arguments))


def test_a_dtype_that_blas_does_not_multiply_is_refused():
    with pytest.raises(DtypeError, match="dtype is"):
        Conv2d(1, 2, 3, dtype=np.int32)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((5, 3, 8, 9), r"expected \(N, H, W, 3\). It looks like \(N, C, H, W\): x.transpose"),
        ((5, 8, 9, 4), r"expected \(N, H, W, 3\)\.$"),
        ((8, 9, 3), "One image is a batch too"),
        ((5, 216), r"expected \(N, H, W, 3\)\.$"),
        ((5, 2, 9, 3), "x holds images of 2 x 9, expected at least 4 x 2, the window"),
    ],
)
def test_images_of_another_shape_are_refused_with_the_mend(shape, message):
    layer = Conv2d(3, 2, (4, 2))

    with pytest.raises(ShapeError, match=message):
        layer.forward(np.zeros(shape))


def test_images_smaller_than_the_kernel_are_refused_with_their_padded_size():
    with pytest.raises(ShapeError, match="x, padded, holds images of 4 x 6, expected at least 5"):
        Conv2d(1, 2, 5, padding=1).forward(np.zeros((3, 2, 4, 1)))


def test_a_missing_channel_axis_is_recognized():
    with pytest.raises(ShapeError, match=r"The channel axis is missing: x\[\.\.\., np.newaxis\]"):
        Conv2d(1, 2, 3).forward(np.zeros((5, 8, 9)))


def test_a_direction_of_another_size_is_refused(rng):
    layer = Conv2d(1, 2, 2)
    layer.forward(rng.normal(size=(3, 4, 5, 1)))

    with pytest.raises(ShapeError, match=r"v has shape \(9,\), expected \(..., 10\)"):
        layer.rforward(None, np.zeros(9))


def test_without_a_change_of_x_only_the_kernel_changes_the_output(rng):
    layer = Conv2d(1, 2, 2, dtype=np.float64)
    layer.theta = rng.normal(size=layer.theta.shape)
    x, v = rng.normal(size=(3, 4, 5, 1)), rng.normal(size=layer.theta.shape)
    y = layer.forward(x)
    dy = rng.normal(size=y.shape)
    layer.backward(dy)

    y_dot = layer.rforward(None, v)
    dx_dot = layer.rbackward(np.zeros_like(dy), need_dx=True)

    other = Conv2d(1, 2, 2, dtype=np.float64)
    other.theta = v  # the output is linear in theta
    np.testing.assert_allclose(y_dot, other.forward(x), rtol=1e-12)
    np.testing.assert_allclose(dx_dot, other.backward(dy), rtol=1e-12, atol=1e-14)
    assert not layer.grad_dot.any()
    assert layer.rbackward(dy, need_dx=False) is None


def test_a_model_refuses_channels_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"takes 4 channels, but gets 3. Write Conv2d\(3, 2"):
        Sequential(Conv2d(1, 3, 3), BatchNorm2d(3), ReLU(), MaxPool2d(2), Conv2d(4, 2, 3))


def test_repr_shows_what_differs_from_the_defaults():
    assert repr(Conv2d(1, 2, 3)) == "Conv2d(1, 2, 3)"
    wide = Conv2d(1, 2, (3, 1), stride=2, padding=(0, 1), bias=False)
    assert repr(wide) == "Conv2d(1, 2, (3, 1), stride=2, padding=(0, 1), bias=False)"


@pytest.mark.parametrize("init", [xavier_normal, xavier_uniform])
def test_the_fan_out_counts_every_place_of_the_kernel(init):
    """As torch.nn.init.xavier_normal_ has it: variance 2 / (9 · 8 + 9 · 64)."""
    W = Conv2d(8, 64, 3, init=init, rng=0).W

    # 4,608 numbers: the variance of the sample is off by about √(2 / 4608) = 2 %.
    assert W.var() == pytest.approx(2 / (9 * 8 + 9 * 64), rel=0.08)


def test_an_orthogonal_kernel_stays_orthogonal():
    W = Conv2d(8, 16, 3, init=orthogonal, rng=0, dtype=np.float64).W.reshape(72, 16)

    np.testing.assert_allclose(W.T @ W, np.eye(16), atol=1e-12)


def test_what_init_returns_is_checked():
    with pytest.raises(ShapeError, match=r"what init returned has shape \(2,\), expected \(9, 4\)"):
        Conv2d(1, 4, 3, init=lambda fan_in, fan_out, rng: np.zeros(2))
    with pytest.raises(ArgumentError, match="init is 'he', expected a function"):
        Conv2d(1, 4, 3, init="he")
