"""Compiled loops over windows: the same numbers as NumPy's, and used only where that pays."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib import CrossEntropy, Linear, ReLU, Sequential
from nnlib.layers import Conv2d, Flatten, MaxPool2d, _fused
from nnlib.layers._windows import add_windows

needs_numba = pytest.mark.usefixtures("requires_numba")


@pytest.fixture
def unused(monkeypatch):
    """Forget what other tests have done and loaded."""
    monkeypatch.delenv("NNLIB_FUSED", raising=False)
    monkeypatch.setattr(_fused._State, "work", 0)
    monkeypatch.setattr(_fused._State, "kernels", None)


POOLS = [((2, 2), (2, 2)), ((2, 3), (1, 2)), ((3, 3), (4, 4))]


@needs_numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kernel", "stride"), POOLS, ids=str)
def test_max_pool_is_the_same_to_the_last_bit(kernel, stride, dtype, rng, monkeypatch):
    x = rng.integers(0, 4, size=(3, 7, 9, 5)).astype(dtype)  # with ties
    results = []
    for setting in ("0", "1"):
        monkeypatch.setenv("NNLIB_FUSED", setting)
        layer = MaxPool2d(kernel, stride)
        y = layer.forward(x)
        dy = np.random.default_rng(0).normal(size=y.shape).astype(dtype)
        results.append((y, layer.backward(dy), layer.rforward(x[np.newaxis, ..., ::-1])))

    for compiled, reference in zip(results[1], results[0], strict=True):
        np.testing.assert_array_equal(compiled, reference)
        assert compiled.dtype == dtype


@needs_numba
def test_max_pool_passes_nan_on(monkeypatch):
    monkeypatch.setenv("NNLIB_FUSED", "1")
    x = np.ones((1, 2, 6, 1))
    x[0, 0, 0], x[0, 1, 3] = np.nan, np.nan

    assert np.isnan(MaxPool2d(2).forward(x)).ravel().tolist() == [True, True, False]


@pytest.mark.parametrize(("kernel", "stride"), POOLS, ids=str)
def test_the_loops_are_right_before_they_are_compiled(kernel, stride, rng, monkeypatch):
    monkeypatch.setenv("NNLIB_FUSED", "0")
    x = rng.integers(0, 3, size=(2, 7, 9, 2)).astype(float)
    layer = MaxPool2d(kernel, stride)
    y = layer.forward(x)
    dy = rng.normal(size=y.shape)
    shares = rng.normal(size=(*y.shape[:3], *kernel, 2))
    sums = np.zeros_like(x)
    add_windows(sums, shares, stride)

    got_y, first = np.empty_like(y), np.empty(y.shape, np.uint8)
    _fused._max_pool(x, got_y, first, kernel, stride)
    got_dx, got_sums = np.zeros_like(x), np.zeros_like(x)
    _fused._max_pool_backward(dy, first, got_dx, kernel, stride)
    _fused._add_windows(got_sums, shares, stride, (0, 0))

    np.testing.assert_array_equal(got_y, y)
    np.testing.assert_array_equal(got_dx, layer.backward(dy))
    np.testing.assert_array_equal(got_sums, sums)


@needs_numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("stride", [1, (2, 3)])
def test_the_gradient_of_a_convolution_is_the_same_to_the_last_bit(stride, dtype, rng, monkeypatch):
    x = rng.normal(size=(3, 8, 9, 4)).astype(dtype)
    results = []
    for setting in ("0", "1"):
        monkeypatch.setenv("NNLIB_FUSED", setting)
        layer = Conv2d(4, 5, 3, stride, padding=1, rng=0, dtype=dtype)
        y = layer.forward(x)
        dy = np.random.default_rng(0).normal(size=y.shape)
        results.append(layer.backward(dy))

    np.testing.assert_array_equal(*results)


@needs_numba
def test_steps_of_a_network_agree(rng, monkeypatch):
    X = rng.normal(size=(40, 12, 13, 1)).astype(np.float32)
    targets = rng.integers(0, 3, 40)
    results = []
    for setting in ("0", "1"):
        monkeypatch.setenv("NNLIB_FUSED", setting)
        model = Sequential(
            Conv2d(1, 4, 3, padding=1, rng=0), ReLU(), MaxPool2d(2),
            Conv2d(4, 5, 3, padding=1, rng=1), ReLU(), MaxPool2d(2),
            Flatten(), Linear(45, 3, rng=2),
        )  # fmt: skip
        results.append(model.loss_and_gradient(X, targets, CrossEntropy())[1].copy())

    # What DESIGN allows a compiled step; these kernels are exact.
    assert np.linalg.norm(results[1] - results[0]) <= 1e-6 * np.linalg.norm(results[0])


@needs_numba
def test_kernels_load_after_so_much_work(unused, monkeypatch):
    monkeypatch.setattr(_fused, "PAYS_AFTER", 100)
    small = np.zeros(30)

    assert [_fused.kernels(small) is not None for _ in range(5)] == [False] * 3 + [True] * 2


def test_kernels_are_left_where_they_are_not_wanted_or_do_not_fit(unused, monkeypatch):
    monkeypatch.setattr(_fused, "PAYS_AFTER", 0)
    array = np.zeros((4, 5))

    assert _fused.kernels(array.T) is None  # not contiguous
    assert _fused.kernels(array.view(np.recarray)) is None  # numba knows plain arrays only
    monkeypatch.setenv("NNLIB_FUSED", "0")
    assert _fused.kernels(array) is None


def test_without_numba_numpy_goes_on(unused, monkeypatch):
    monkeypatch.setattr(_fused, "PAYS_AFTER", 0)
    monkeypatch.setattr(_fused, "available", lambda: False)

    assert _fused.kernels(np.zeros(3)) is None
