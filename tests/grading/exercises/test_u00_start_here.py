"""Unit 00's references agree with an outside authority."""

from __future__ import annotations

import numpy as np
import torch

from grading.exercises import exercise


def test_mean_squared_error_agrees_with_torch(rng):
    y, targets = rng.normal(size=(2, 7, 3))

    loss = exercise("mean_squared_error").reference(y, targets)

    expected = torch.nn.functional.mse_loss(torch.tensor(y), torch.tensor(targets))
    np.testing.assert_allclose(loss, float(expected), rtol=1e-12)  # both in float64


def test_predicted_shapes_are_those_that_torch_computes():
    n, d_in, d_hidden, d_out = 5, 3, 4, 2
    x = torch.ones(n, d_in)
    first, second = torch.nn.Linear(d_in, d_hidden), torch.nn.Linear(d_hidden, d_out)
    h = first(x)
    h.retain_grad()
    y = second(h)
    y.sum().backward()

    shapes = exercise("predict_shapes").reference(n, d_in, d_hidden, d_out)

    # torch keeps weights as (out, in), the course as (in, out).
    tensors = (h, y, second.weight.grad.T, second.bias.grad, h.grad, first.weight.grad.T,
               first.bias.grad)  # fmt: skip
    assert list(shapes) == [tuple(tensor.shape) for tensor in tensors]


def test_the_hand_examples_are_what_they_say():
    matrix, vector = (criterion.hand for criterion in exercise("mean_squared_error").criteria)

    # Squares 0, 4, 0, 9, 1, 0 and 0, 4, 9.
    assert matrix.expected == {"loss": (0 + 4 + 0 + 9 + 1 + 0) / 6}
    assert vector.expected == {"loss": (0 + 4 + 9) / 3}
