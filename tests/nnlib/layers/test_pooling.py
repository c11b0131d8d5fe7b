"""Pooling: ties, sizes that do not divide, the fast way against the general one, errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # ruff: ignore[lowercase-imported-as-non-lowercase]  its usual name
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlib import ArgumentError, Linear, OrderError, Sequential, ShapeError
from nnlib.layers import AvgPool2d, Flatten, GlobalAvgPool2d, MaxPool2d

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(deadline=None, max_examples=60)
@given(
    kernel=pairs,
    stride=pairs,
    spare=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    levels=st.integers(1, 4),
)
@pytest.mark.parametrize(
    ("pool", "in_torch"), [(MaxPool2d, F.max_pool2d), (AvgPool2d, F.avg_pool2d)]
)
def test_any_size_equals_torch(pool, in_torch, kernel, stride, spare, levels):
    """Few levels make many ties, which torch gives to the first maximum too."""
    rng = np.random.default_rng(levels)
    height, width = kernel[0] + spare[0], kernel[1] + spare[1]
    x = rng.integers(0, levels, size=(2, height, width, 3)).astype(float)
    x_torch = torch.tensor(x.transpose(0, 3, 1, 2), requires_grad=True)
    y_torch = in_torch(x_torch, kernel, stride)
    dy = rng.normal(size=tuple(y_torch.permute(0, 2, 3, 1).shape))
    y_torch.backward(torch.tensor(dy.transpose(0, 3, 1, 2)))
    layer = pool(kernel, stride)

    y = layer.forward(x)
    dx = layer.backward(dy)

    np.testing.assert_allclose(y, y_torch.detach().permute(0, 2, 3, 1).numpy(), rtol=1e-12)
    expected = x_torch.grad.permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(dx, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kernel", [2, (2, 3)])
def test_a_tie_goes_to_the_first_maximum_row_by_row(kernel):
    layer = MaxPool2d(kernel)
    x = np.zeros((1, *layer.kernel_size, 1))
    x[0, 0, 1] = x[0, 1, 0] = 5.0  # the first row counts before the first column
    layer.forward(x)

    dx = layer.backward(np.ones((1, 1, 1, 1)))

    assert np.argwhere(dx).tolist() == [[0, 0, 1, 0]]


@pytest.mark.parametrize("size", [(1, 6, 8, 3), (3, 7, 5, 2), (2, 2, 3, 1)])
def test_the_fast_way_for_2_by_2_equals_the_general_one(size, rng, monkeypatch):
    monkeypatch.setenv("NNLIB_FUSED", "0")
    x = rng.integers(0, 3, size=size).astype(np.float32)
    fast, general = MaxPool2d(2), MaxPool2d(2)

    def by_places(x, y):
        first = np.empty(y.shape, np.uint8)
        general._forward_by_places(x, y, first)
        return {"first": first}

    monkeypatch.setattr(general, "_forward_by_pairs", by_places)

    y = fast.forward(x)
    dy = rng.normal(size=y.shape).astype(np.float32)

    np.testing.assert_array_equal(general.forward(x), y)
    assert {"left_wins"} <= fast._kept.keys()
    assert "left_wins" not in general._kept
    np.testing.assert_array_equal(general.backward(dy), fast.backward(dy))


def test_a_window_of_more_places_than_a_byte_counts(rng):
    layer = MaxPool2d((20, 20))
    x = rng.normal(size=(2, 20, 20, 1))

    y = layer.forward(x)
    dx = layer.backward(np.ones_like(y))

    for image, slope in zip(x, dx, strict=True):
        assert np.argmax(image) == np.argmax(slope)
        assert slope.sum() == 1


def test_nan_is_passed_on(rng):
    x = np.ones((1, 2, 4, 1))
    x[0, 1, 2] = np.nan

    assert np.isnan(MaxPool2d(2).forward(x)).ravel().tolist() == [False, True]
    assert np.isnan(MaxPool2d((2, 1)).forward(x)).ravel().tolist() == [False, False, True, False]


def test_windows_touch_by_default():
    assert MaxPool2d(3).stride == (3, 3)
    assert AvgPool2d((2, 3)).stride == (2, 3)
    assert repr(MaxPool2d(2)) == "MaxPool2d(2)"
    assert repr(AvgPool2d((2, 3), 1)) == "AvgPool2d((2, 3), stride=1)"


def test_global_pooling_takes_images_of_any_size(rng):
    layer = GlobalAvgPool2d()

    for size in ((3, 5), (4, 1)):
        x = rng.normal(size=(2, *size, 3))
        np.testing.assert_allclose(layer.forward(x), x.mean(axis=(1, 2)), rtol=1e-12)


@pytest.mark.parametrize("layer", [MaxPool2d(3), AvgPool2d(3)], ids=repr)
def test_images_smaller_than_a_window_are_refused(layer):
    with pytest.raises(ShapeError, match=r"images of 4 x 2, expected at least 3 x 3, the window"):
        layer.forward(np.zeros((5, 4, 2, 1)))


@pytest.mark.parametrize("layer", [MaxPool2d(1), AvgPool2d(1), GlobalAvgPool2d()], ids=repr)
def test_what_is_not_images_is_refused(layer):
    with pytest.raises(ShapeError, match=r"expected \(N, H, W, C\)\. One image is a batch too"):
        layer.forward(np.zeros((4, 5, 3)))
    with pytest.raises(ShapeError, match="expected at least 1 x 1"):
        layer.forward(np.zeros((4, 0, 5, 3)))


@pytest.mark.parametrize("pool", [MaxPool2d, AvgPool2d])
def test_sizes_outside_what_they_may_be_are_refused(pool):
    with pytest.raises(ArgumentError, match=r"kernel_size is 0"):
        pool(0)
    with pytest.raises(ArgumentError, match=r"stride is \[1\], expected one whole number or"):
        pool(2, [1])


@pytest.mark.parametrize("layer", [MaxPool2d(2), AvgPool2d(2), Flatten()], ids=repr)
def test_rules_in_the_wrong_order_are_refused(layer):
    layer._kept = {}
    with pytest.raises(OrderError, match="forward has not run"):
        layer.rforward(None)
    layer.forward(np.zeros((1, 2, 2, 1)))
    with pytest.raises(OrderError, match="rforward has not run"):
        layer.rbackward(np.zeros((1, 1, 1, 1)))


@pytest.mark.parametrize("layer", [MaxPool2d(2), AvgPool2d(2), Flatten()], ids=repr)
def test_where_nothing_changes_the_change_is_none(layer, rng):
    y = layer.forward(rng.normal(size=(1, 2, 2, 1)))
    layer.backward(y)

    assert layer.rforward(None) is None
    assert layer.rbackward(y, need_dx=False) is None
    assert layer.grad_dot.shape == (0,)


def test_flatten_refuses_a_single_number():
    with pytest.raises(ShapeError, match="x is a single number"):
        Flatten().forward(3.0)


def test_flatten_keeps_the_order_of_rows_columns_channels():
    x = np.arange(24.0).reshape(1, 2, 3, 4)

    assert Flatten().forward(x).ravel().tolist() == list(range(24))
    assert Flatten().forward(np.zeros((0, 2, 3))).shape == (0, 6)


def test_a_model_knows_channels_through_pooling_but_not_through_flatten():
    with pytest.raises(ShapeError, match="takes 3 features, but gets 2"):
        Sequential(Linear(5, 2), GlobalAvgPool2d(), Linear(3, 1))
    Sequential(Linear(5, 2), Flatten(), Linear(3, 1))


@pytest.mark.parametrize("kernel", [2, (2, 3), (3, 2)])
def test_the_gradient_goes_to_nan(kernel, rng, monkeypatch):
    """Compiled and not, it goes where PyTorch sends it: to the last nan of a window."""
    x = rng.integers(0, 3, size=(3, 6, 6, 2)).astype(float)
    x[rng.random(x.shape) < 0.3] = np.nan
    x_torch = torch.tensor(x.transpose(0, 3, 1, 2), requires_grad=True)
    y_torch = torch.nn.functional.max_pool2d(x_torch, kernel)
    dy = rng.normal(size=y_torch.permute(0, 2, 3, 1).shape)
    y_torch.backward(torch.tensor(dy.transpose(0, 3, 1, 2)))

    for setting in ("0", "1"):
        monkeypatch.setenv("NNLIB_FUSED", setting)
        layer = MaxPool2d(kernel)
        y = layer.forward(x)
        np.testing.assert_array_equal(y, y_torch.detach().permute(0, 2, 3, 1).numpy())
        np.testing.assert_array_equal(
            layer.backward(dy), x_torch.grad.permute(0, 2, 3, 1).numpy() + 0.0
        )
