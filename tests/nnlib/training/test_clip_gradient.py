from __future__ import annotations

import numpy as np
import pytest

from nnlib import MSE, SGD, Callback, Linear, Sequential, fit
from nnlib.errors import ArgumentError
from nnlib.training.clipping import ClipGradient


class Watch(Callback):
    """Keeps every gradient, after the callbacks in front of it."""

    def __init__(self):
        self.grads = []

    def on_gradient(self, run):
        self.grads.append(run.model.grad.copy())


def gradients(clip: ClipGradient, rng) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Batch gradients before and after clipping."""
    X = rng.normal(size=(24, 3))
    model = Sequential(Linear(3, 1, rng=0, dtype=np.float64))
    before, after = Watch(), Watch()
    fit(
        model, X, 5 * X[:, :1], loss=MSE(), optimizer=SGD(model, lr=0.01), epochs=2, batch_size=8,
        callbacks=[before, clip, after], rng=1, progress=False,
    )  # fmt: skip
    return before.grads, after.grads


def test_the_norm_is_clipped_and_recorded(rng):
    clip = ClipGradient(max_norm=2.0)

    before, after = gradients(clip, rng)

    norms = [np.linalg.norm(g) for g in before]
    np.testing.assert_allclose(clip.norms, norms, rtol=1e-12)
    assert max(norms) > 2.0
    for whole, clipped, norm in zip(before, after, norms, strict=True):
        np.testing.assert_allclose(clipped, whole * min(1, 2.0 / norm), rtol=1e-12)


def test_values_are_clipped(rng):
    before, after = gradients(ClipGradient(value=0.5), rng)

    for whole, clipped in zip(before, after, strict=True):
        np.testing.assert_array_equal(clipped, np.clip(whole, -0.5, 0.5))


def test_a_second_run_starts_a_new_record(rng):
    clip = ClipGradient(max_norm=1.0, value=0.3)
    gradients(clip, rng)

    _, after = gradients(clip, rng)

    assert len(clip.norms) == 6
    assert max(np.abs(g).max() for g in after) <= 0.3


@pytest.mark.parametrize(
    ("limits", "match"),
    [
        ({}, "neither max_norm nor value"),
        ({"max_norm": 0.0}, "max_norm is 0.0"),
        ({"value": -1.0}, "value is -1.0"),
    ],
)
def test_limits_out_of_range_are_refused(limits, match):
    with pytest.raises(ArgumentError, match=match):
        ClipGradient(**limits)
