"""The linear layer beyond the contract."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlib import ArgumentError, DtypeError, Linear, ShapeError, xavier_normal
from nnlib.initializers import lecun_uniform

sizes = st.integers(1, 6)


def test_bias_gradient_sums_over_rows():
    layer = Linear(2, 3, rng=0)
    layer.forward(np.ones((4, 2)))

    layer.backward([[1, 0, 0], [10, 0, 0], [100, 0, 0], [0, 0, 5]])

    np.testing.assert_array_equal(layer.db, [111, 0, 5])


def test_the_weight_gradient_is_that_of_the_x_that_came():
    """By hand: xᵀ dy = 2 · 3. A learner may fill x with the next batch before backward."""
    layer = Linear(1, 1, rng=0)
    x = np.array([[2.0]], np.float32)  # of the layer's dtype, so that no cast copies it
    layer.forward(x)

    x[...] = 100.0
    layer.backward([[3.0]])

    np.testing.assert_array_equal(layer.dW, [[6.0]])


@given(batch=st.lists(sizes, min_size=1, max_size=3), n_in=sizes, n_out=sizes)
def test_more_batch_axes_are_rows(batch, n_in, n_out):
    rng = np.random.default_rng(0)
    layer = Linear(n_in, n_out, rng=1, dtype=np.float64)
    x, dy = rng.normal(size=(*batch, n_in)), rng.normal(size=(*batch, n_out))

    y = layer.forward(x)
    dx = layer.backward(dy)
    dW, db = layer.dW.copy(), layer.db.copy()
    y_rows = layer.forward(x.reshape(-1, n_in))
    dx_rows = layer.backward(dy.reshape(-1, n_out))

    assert y.shape == (*batch, n_out)
    np.testing.assert_allclose(y.reshape(-1, n_out), y_rows, rtol=1e-12)
    np.testing.assert_allclose(dx.reshape(-1, n_in), dx_rows, rtol=1e-12)
    np.testing.assert_allclose(layer.dW, dW, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.db, db, rtol=1e-12, atol=1e-12)


def test_stacked_parameters_are_several_layers_at_once(rng):
    layer = Linear(4, 3, rng=0, dtype=np.float64)
    theta = rng.normal(size=(5, layer.theta.size))
    x, dy = rng.normal(size=(5, 2, 6, 4)), rng.normal(size=(5, 2, 6, 3))
    stacked = Linear(4, 3, rng=0, dtype=np.float64)
    stacked._bind(theta.copy(), np.zeros_like(theta), stacked.decay_mask)

    y, dx = stacked.forward(x), stacked.backward(dy)

    for fold in range(5):
        layer.theta = theta[fold]
        np.testing.assert_allclose(y[fold], layer.forward(x[fold]), rtol=1e-12)
        np.testing.assert_allclose(dx[fold], layer.backward(dy[fold]), rtol=1e-12)
        np.testing.assert_allclose(stacked.grad[fold], layer.grad, rtol=1e-12, atol=1e-13)


def test_assigning_copies_into_the_view(rng):
    layer = Linear(3, 2, rng=0)
    W, values = layer.W, rng.normal(size=(3, 2))

    layer.W = values
    layer.b = 2.0
    layer.W += 1.0

    assert layer.W is W
    assert np.shares_memory(layer.W, layer.theta)
    np.testing.assert_allclose(layer.theta, [*(values.ravel() + 1), 2, 2], rtol=1e-6)
    assert not np.shares_memory(layer.W, values)


def test_an_initializer_fills_the_weights():
    layer = Linear(3, 2, init=xavier_normal, rng=5)

    np.testing.assert_allclose(layer.W, xavier_normal(3, 2, 5), rtol=1e-6)
    assert not layer.b.any()


def test_without_bias_there_is_no_b():
    layer = Linear(3, 2, bias=False)

    assert layer.theta.size == 6
    assert not hasattr(layer, "b")


def test_empty_batches_pass_through():
    layer = Linear(3, 2)

    assert layer.forward(np.zeros((0, 3))).shape == (0, 2)
    layer.backward(np.zeros((0, 2)))
    assert not layer.grad.any()


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((5, 2)), r"x has shape \(5, 2\), expected \(N, 3\)"),
        (np.zeros((3, 5)), "It looks transposed"),
        (np.zeros(3), r"x\[np.newaxis\]"),
        (np.zeros((4, 3, 1)), r"x.reshape\(len\(x\), -1\)"),
        (3.0, r"shape \(\), expected"),
    ],
)
def test_wrong_shapes_name_layer_shapes_and_mend(x, message):
    with pytest.raises(ShapeError, match=message) as caught:
        Linear(3, 2).forward(x)
    assert str(caught.value).startswith("Linear(3, 2).forward: x has shape")


@pytest.mark.parametrize("x", [["a"], [[1 + 2j] * 3], [[None] * 3]])
def test_what_is_not_a_real_number_is_a_dtype_error(x):
    with pytest.raises(DtypeError, match=r"expected real numbers"):
        Linear(3, 2).forward(np.array(x))


def test_rows_of_different_length_are_a_shape_error():
    with pytest.raises(ShapeError, match="differ in length"):
        Linear(3, 2).forward([[1, 2, 3], [1, 2]])


@pytest.mark.parametrize("size", [0, -1, 2.5, "3", True])
def test_sizes_are_positive_whole_numbers(size):
    with pytest.raises(ArgumentError, match="out_features is"):
        Linear(3, size)


@pytest.mark.parametrize("dtype", [np.int32, np.float16, "text", object()])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(DtypeError, match=r"expected np.float32 or np.float64"):
        Linear(3, 2, dtype=dtype)


def test_refused_values_change_nothing():
    layer = Linear(3, 2, rng=0)
    before = layer.theta.copy()

    with pytest.raises(ShapeError, match="It looks transposed"):
        layer.W = np.ones((2, 3))
    with pytest.raises(DtypeError):
        layer.b = "zero"

    np.testing.assert_array_equal(layer.theta, before)


def test_init_must_be_a_function():
    with pytest.raises(ArgumentError, match="init is 'he', expected a function"):
        Linear(3, 2, init="he")


@pytest.mark.parametrize("rng", ["a", "7", -1, 1.5, True, [1]])
def test_other_seeds_are_refused(rng):
    with pytest.raises(
        ArgumentError, match=r"^Linear: rng is .*, expected a whole number of at least 0"
    ):
        Linear(3, 2, rng=rng)


def test_bias_starts_at_the_first_row_of_what_is_drawn():
    plain = Linear(4, 3, rng=0)
    layer = Linear(4, 3, bias_init=lecun_uniform, rng=0)

    assert not plain.b.any()
    np.testing.assert_array_equal(layer.W, plain.W)  # W is drawn first, and is what it was
    assert layer.b.shape == (3,)
    assert np.unique(layer.b).size == 3
    assert (np.abs(layer.b) <= np.sqrt(3 / 4)).all()


def test_bias_init_is_refused_without_a_bias_or_with_another_shape():
    with pytest.raises(ArgumentError, match="there is no bias"):
        Linear(4, 3, bias=False, bias_init=lecun_uniform)
    with pytest.raises(ArgumentError, match=r"bias_init is 0\.5"):
        Linear(4, 3, bias_init=0.5)
    with pytest.raises(ShapeError, match="what bias_init returned"):
        Linear(4, 3, bias_init=lambda fan_in, fan_out, rng: np.zeros(fan_out))
