"""Where flattened pixels go, a module computes the same, or is not built."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnlib import (
    ArgumentError,
    Linear,
    Sequential,
    ShapeError,
    Softmax,
    Tanh,
)
from nnlib.layers import (
    BatchNorm1d,
    Conv2d,
    Embedding,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LayerNorm,
    MaxPool2d,
    Residual,
    TiedLinear,
    stack_models,
)
from nnlib.pytorch import to_torch
from tests.nnlib.pytorch.cases import SAME, Case, D, filled, sample, untouched


def conv() -> list[Layer]:
    """Return layers that turn (4, 4, 2) into 8 flattened numbers of two channels."""
    return [Conv2d(2, 2, 3, rng=1, **D), Flatten()]


def linear(n_in: int, n_out: int) -> Linear:
    return Linear(n_in, n_out, rng=n_in + n_out, **D)


def tied(*more: Layer) -> Sequential:
    owner = linear(8, 3)
    return Sequential(*conv(), owner, TiedLinear(owner), *more)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Sequential(*conv(), Flatten(), linear(8, 3)),
        lambda: Sequential(Sequential(*conv()), Flatten(), Tanh(), Flatten(), linear(8, 3)),
        lambda: tied(linear(8, 3)),
        lambda: tied(Tanh(), BatchNorm1d(8, **D), linear(8, 5), linear(5, 2)),
        lambda: Sequential(*conv(), linear(8, 6), Residual(linear(6, 6)), linear(6, 2)),
        lambda: Sequential(
            Residual(Conv2d(2, 2, 1, rng=1, **D)), *conv(), Softmax(), LayerNorm(8, **D),
            linear(8, 2),
        ),
        # One channel, or one pixel: there is one order only.
        lambda: Sequential(Conv2d(2, 1, 3, rng=1, **D), Flatten()),
        lambda: Sequential(Conv2d(2, 3, 4, rng=1, **D), Flatten(), Residual(linear(3, 3))),
    ],
)  # fmt: skip
def test_outputs_agree_wherever_flattened_pixels_go(build, rng):
    case = Case("", build, (4, 4, 2))
    model = filled(case, rng)
    x, x_torch = sample(case, rng)

    module = to_torch(model, input_shape=case.input_shape)

    np.testing.assert_allclose(
        module(x_torch).detach().numpy(), model.forward(x), rtol=SAME, atol=1e-12
    )


def test_rows_of_a_grid_of_words_are_flattened_alike_in_both(rng):
    """An embedding appends its axis in PyTorch too: nothing has to be put in order."""
    model = Sequential(Embedding(7, 3, rng=1, **D), linear(3, 2), Flatten(), linear(12, 2))
    words = rng.integers(7, size=(5, 2, 3))

    module = to_torch(model, input_shape=(2, 3))

    np.testing.assert_allclose(
        module(torch.from_numpy(words)).detach().numpy(), model.forward(words), rtol=SAME
    )


def tied_twice() -> Sequential:
    first, second = linear(8, 3), linear(3, 8)
    layers = first, second, linear(8, 3), TiedLinear(first), TiedLinear(second)
    return Sequential(*conv(), *layers)


IN_ORDER = "whose numbers PyTorch has in another order"
ALONG = "works along the channels of images"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Sequential(*conv()), f"puts flattened images out, {IN_ORDER}"),
        (lambda: Sequential(*conv(), Tanh()), f"puts flattened images out, {IN_ORDER}"),
        (lambda: tied(), f"puts flattened images out, {IN_ORDER}"),
        (lambda: Sequential(*conv(), Residual(linear(8, 8)), linear(8, 3)), IN_ORDER),
        (tied_twice, rf"^\w+: TiedLinear\(Linear\(3, 8\)\) gets flattened images, {IN_ORDER}"),
        (lambda: tied(Residual(linear(8, 8)), linear(8, 3)), IN_ORDER),
        (
            lambda: Sequential(
                Flatten(), Embedding(3, 2, dtype=np.float64), Flatten(), linear(64, 2)
            ),
            IN_ORDER,
        ),
        (lambda: Sequential(Conv2d(2, 4, 3, **D), linear(4, 4), Flatten(), linear(16, 2)), ALONG),
        (lambda: Sequential(Conv2d(2, 4, 3, **D), LayerNorm(4, **D)), ALONG),
        (lambda: Sequential(MaxPool2d(2), Softmax()), ALONG),
        (lambda: Sequential(LayerNorm(2, **D), Conv2d(2, 4, 3, **D)), ALONG),
        (lambda: Sequential(Softmax(), Flatten(), linear(32, 2)), ALONG),
        (lambda: Sequential(Embedding(3, 2), GlobalAvgPool2d()), "whose channels come last"),
    ],
)
def test_what_would_compute_something_else_is_refused(build, message):
    model = build()

    with pytest.raises(ArgumentError, match=message):
        to_torch(model, input_shape=(4, 4, 2))
    untouched(model, message, ArgumentError, torch.nn.Linear(1, 1), input_shape=(4, 4, 2))


def test_a_tied_layer_before_its_owner_is_refused():
    owner = linear(3, 8)

    with pytest.raises(ArgumentError, match="before its owner, expected the owner first"):
        to_torch(Sequential(TiedLinear(owner), Tanh(), owner))


@pytest.mark.parametrize("shape", [4, "a", (4, 0), (4.0, 2), ("a",)])
def test_input_shape_is_a_shape(shape):
    with pytest.raises(ArgumentError, match="input_shape"):
        to_torch(Sequential(Flatten(), Linear(4, 2)), input_shape=shape)


def test_stacked_models_have_no_counterpart():
    both = stack_models([Linear(2, 2), Linear(2, 2)])

    with pytest.raises(ShapeError, match=r"theta has shape \(2, 6\).*unstack"):
        to_torch(both)
    untouched(both, "unstack", ShapeError, torch.nn.Linear(2, 2))
