"""Images are multiplied one by one where that is faster, with the same result."""

from __future__ import annotations

import numpy as np
import pytest

from nnlib.layers import Conv2d, _products
from nnlib.layers._products import SMALL, count_products, one_thread

SAME = {"rtol": 1e-12, "atol": 1e-13}  # float64, the same sums in another order
SHAPES = {
    "one_channel": ((5, 9, 8, 1), {"in_channels": 1, "kernel_size": 3, "padding": 1}),
    "several_channels": ((4, 7, 9, 3), {"in_channels": 3, "kernel_size": (2, 3)}),
    "strides": ((3, 9, 11, 2), {"in_channels": 2, "kernel_size": 3, "stride": (2, 1)}),
    "without_bias": ((3, 6, 5, 2), {"in_channels": 2, "kernel_size": 2, "bias": False}),
    "one_image": ((1, 6, 5, 2), {"in_channels": 2, "kernel_size": 2}),
    "no_image": ((0, 6, 5, 2), {"in_channels": 2, "kernel_size": 2}),
}


@pytest.fixture
def threads(monkeypatch):
    return lambda number: monkeypatch.setattr(_products, "one_thread", lambda: number == 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_results_do_not_depend_on_the_way(shape: str, rng, threads):
    (x_shape, sizes), results = SHAPES[shape], []
    x = rng.normal(size=x_shape)
    layer = Conv2d(**sizes, out_channels=4, dtype=np.float64, rng=0)
    layer.theta = rng.normal(size=layer.theta.size)
    dy = rng.normal(size=layer.forward(x).shape)
    V = rng.normal(size=(2, layer.theta.size))

    for number in (1, 8):
        threads(number)
        y, dx, grad = layer.forward(x), layer.backward(dy), layer.grad.copy()
        layer.backward(2.0 * dy, accumulate=True)
        np.testing.assert_allclose(layer.grad, 3.0 * grad, **SAME)
        layer.backward(dy)
        y_dot = layer.rforward(None, V)
        dx_dot = layer.rbackward(np.broadcast_to(dy, y_dot.shape))
        results.append((y, dx, grad, y_dot, dx_dot, layer.grad_dot))

    for one, several in zip(*results, strict=True):
        np.testing.assert_allclose(one, several, **SAME)


def test_image_by_image_an_output_does_not_depend_on_the_other_images(rng, threads):
    """To the last bit: in one long matrix rounding depends on where a row stands."""
    threads(1)
    layer, x = Conv2d(3, 8, 3, rng=0), rng.normal(size=(9, 13, 13, 3)).astype(np.float32)

    alone = np.concatenate([layer.forward(x[i : i + 1]) for i in range(9)])

    assert count_products(9, 11 * 11, 28, 8) == 9
    np.testing.assert_array_equal(layer.forward(x), alone)


@pytest.mark.parametrize(
    ("n_images", "places", "n_in", "n_out", "products"),
    [
        (32, 784, 10, 16, 32),
        (32, 1, SMALL // 4, 1, 32),
        (32, 100, SMALL // 400, 4, 32),
        (32, 100, SMALL // 400 + 1, 4, 1),
        (32, 15, 10, 16, 1),  # gradients of the matrix would take more room than the windows
        (0, 784, 10, 16, 1),
    ],
)
def test_small_products_are_made_image_by_image(
    n_images: int, places: int, n_in: int, n_out: int, products: int, threads
):
    threads(1)
    assert count_products(n_images, places, n_in, n_out) == products
    threads(2)
    assert count_products(n_images, places, n_in, n_out) == 1


@pytest.mark.parametrize(
    ("openblas", "openmp", "one"),
    [("1", None, True), (None, "1", True), ("4", "1", False), ("1", "4", True),
     (None, None, False), ("", "1", True), (None, "2", False)],
)  # fmt: skip
def test_the_environment_says_how_many_threads(openblas, openmp, one: bool, monkeypatch):
    for name, value in {"OPENBLAS_NUM_THREADS": openblas, "OMP_NUM_THREADS": openmp}.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)

    assert one_thread.__wrapped__() is one
