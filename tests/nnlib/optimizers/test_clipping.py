from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnlib.errors import ArgumentError, DtypeError
from nnlib.optimizers import clip_by_global_norm, clip_by_value

gradients = arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e3, 1e3))
limits = st.floats(1e-3, 1e3)


@settings(deadline=None, max_examples=50)
@given(gradients, limits)
def test_the_norm_is_clipped_as_torch_does(grad, max_norm):
    parameter = torch.zeros(grad.size, dtype=torch.float64, requires_grad=True)
    parameter.grad = torch.tensor(grad)
    expected = torch.nn.utils.clip_grad_norm_([parameter], max_norm).item()
    clipped = grad.copy()

    norm = clip_by_global_norm(clipped, max_norm)

    assert norm == pytest.approx(expected, rel=1e-12)
    # torch divides by norm + 1e-6, which is far off where the norm itself is small.
    rest = 2e-6 / max(max_norm, 1e-3)
    np.testing.assert_allclose(clipped, parameter.grad.numpy(), rtol=rest, atol=1e-9)
    assert np.linalg.norm(clipped) <= max_norm * (1 + 1e-12)
    if norm <= max_norm:
        np.testing.assert_array_equal(clipped, grad)


@settings(deadline=None, max_examples=50)
@given(gradients, limits)
def test_values_are_clipped_as_torch_does(grad, limit):
    parameter = torch.zeros(grad.size, dtype=torch.float64, requires_grad=True)
    parameter.grad = torch.tensor(grad)
    torch.nn.utils.clip_grad_value_([parameter], limit)

    clip_by_value(grad, limit)

    np.testing.assert_array_equal(grad, parameter.grad.numpy())


@pytest.mark.parametrize("contiguous", [True, False])
def test_each_fold_has_a_norm_of_its_own(contiguous, rng):
    whole = rng.normal(size=(2, 3, 12))
    grad = whole if contiguous else whole[..., 2:9]
    alone = grad.copy()

    norms = clip_by_global_norm(grad, 2.0)

    np.testing.assert_allclose(norms, np.linalg.norm(alone, axis=-1), rtol=1e-14)
    for index in np.ndindex(2, 3):
        single = alone[index].copy()
        clip_by_global_norm(single, 2.0)
        np.testing.assert_array_equal(grad[index], single)


def test_squares_that_overflow_do_not_spoil_the_norm():
    grad = np.array([3e30, -4e30], np.float32)

    norm = clip_by_global_norm(grad, 1.0)

    assert norm == pytest.approx(5e30, rel=1e-6)
    np.testing.assert_allclose(grad, [0.6, -0.8], rtol=1e-6)
    assert grad.dtype == np.float32


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_left_for_the_optimizer_to_refuse(bad):
    grad = np.array([1.0, bad, 100.0])

    norm = clip_by_global_norm(grad, 1.0)

    assert not np.isfinite(norm)
    np.testing.assert_array_equal(grad, [1.0, bad, 100.0])


@pytest.mark.parametrize("clip", [clip_by_value, clip_by_global_norm])
def test_what_cannot_be_clipped_is_refused(clip):
    grad = np.array([3.0, 4.0])

    for limit in (0.0, -1.0, np.nan, "1"):
        with pytest.raises(ArgumentError, match="expected a number above 0"):
            clip(grad, limit)
    assert grad.tolist() == [3.0, 4.0]
    with pytest.raises(DtypeError, match=r"Pass model.grad"):
        clip([3.0, 4.0], 1.0)
    with pytest.raises(DtypeError, match="an array of int64"):
        clip(np.array([3, 4]), 1.0)
