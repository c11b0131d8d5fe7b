"""SGD against PyTorch, and its refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnlib import (
    SGD,
    ArgumentError,
    CrossEntropy,
    DtypeError,
    Linear,
    NonFiniteError,
    Sequential,
    Tanh,
)

SETTINGS = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.8, "nesterov": True},
    {"weight_decay": 0.3},
    {"momentum": 0.7, "nesterov": True, "weight_decay": 0.2},
]


def vector_layer(values: list[float]) -> Linear:
    """A layer that is nothing but a vector of parameters."""
    layer = Linear(len(values), 1, bias=False, dtype=np.float64)
    layer.theta = values
    return layer


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_ten_steps_of_training_equal_those_of_torch(settings, rng):
    """With torch's biases in a group without decay, as ours are."""
    X, y = rng.normal(size=(12, 5)), rng.integers(0, 3, 12)
    model = Sequential(
        Linear(5, 4, rng=1, dtype=np.float64), Tanh(), Linear(4, 3, rng=2, dtype=np.float64)
    )
    named = {k: torch.tensor(v, requires_grad=True) for k, v in model.state_dict().items()}
    decay = {"weight_decay": settings.get("weight_decay", 0.0)}
    others = {k: v for k, v in settings.items() if k != "weight_decay"}
    groups = [
        {"params": [v for k, v in named.items() if k.endswith("W")], **decay},
        {"params": [v for k, v in named.items() if k.endswith("b")]},
    ]
    theirs = torch.optim.SGD(groups, lr=0.5, **others)
    ours = SGD(model, lr=0.5, **settings)

    for _ in range(10):
        theirs.zero_grad()
        hidden = torch.tanh(torch.tensor(X) @ named["0.W"] + named["0.b"])
        z = hidden @ named["2.W"] + named["2.b"]
        torch.nn.functional.cross_entropy(z, torch.tensor(y)).backward()
        theirs.step()
        model.loss_and_gradient(X, y, CrossEntropy())
        ours.step()

    for p in model.parameters():
        expected = named[p.name].detach().numpy().ravel()
        # float64 on both sides, ten steps
        np.testing.assert_allclose(model.theta[p.slice], expected, rtol=1e-10, atol=1e-13)


def test_a_schedule_is_called_with_the_number_of_steps_taken():
    layer, asked = vector_layer([0.0]), []

    def halving(step: int) -> float:
        asked.append(step)
        return 0.5**step

    optimizer = SGD(layer, lr=halving)
    for _ in range(3):
        layer.grad = 1.0
        optimizer.step()

    assert asked == [0, 1, 2]
    assert layer.theta.tolist() == [-1.75]
    assert optimizer.steps == 3
    assert optimizer.lr == pytest.approx(0.125)


def test_theta_is_changed_in_place_and_grad_is_not(rng):
    layer = vector_layer([1.0, 2.0])
    theta, grad = layer.theta, layer.grad
    layer.grad = [3.0, 4.0]

    SGD(layer, lr=0.1, momentum=0.5, nesterov=True, weight_decay=0.1).step()

    assert layer.theta is theta
    np.testing.assert_array_equal(grad, [3.0, 4.0])


def test_a_layer_that_joins_a_model_is_still_the_one_that_is_trained():
    """The optimizer reads theta anew at each step: a copy would now be a dead vector."""
    layer = vector_layer([1.0, 1.0])
    optimizer = SGD(layer, lr=1.0, momentum=0.5)
    layer.grad = 1.0
    optimizer.step()
    model = Sequential(layer)

    optimizer.step()

    np.testing.assert_array_equal(model.theta, [-1.5, -1.5])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_broken_gradient_changes_nothing(bad, momentum):
    layer = vector_layer([1.0, 2.0, 3.0])
    optimizer = SGD(layer, lr=0.1, momentum=momentum)
    layer.grad = [0.0, bad, 1.0]

    with pytest.raises(NonFiniteError, match="1 of 3 entries of the gradient are nan or infinite"):
        optimizer.step()

    np.testing.assert_array_equal(layer.theta, [1, 2, 3])
    assert optimizer.steps == 0
    layer.grad = 0.0
    optimizer.step()
    np.testing.assert_array_equal(layer.theta, [1, 2, 3])


def test_a_huge_but_finite_gradient_is_taken():
    """Its square overflows float64: the quick look must not be the last."""
    layer = vector_layer([0.0, 0.0])
    layer.grad = [1e200, 1.0]

    SGD(layer, lr=1e-200).step()

    np.testing.assert_allclose(layer.theta, [-1.0, -1e-200])


def test_a_schedule_that_fails_changes_nothing():
    layer = vector_layer([1.0])
    layer.grad = 1.0

    with pytest.raises(ArgumentError, match="the learning rate is nan"):
        SGD(layer, lr=lambda step: float("nan")).step()

    assert layer.theta.tolist() == [1.0]


def test_reset_forgets_momentum():
    layer = vector_layer([0.0])
    optimizer = SGD(layer, lr=1.0, momentum=0.9)
    layer.grad = 1.0
    optimizer.step()

    optimizer.reset()
    optimizer.step()

    assert layer.theta.tolist() == [-2.0]
    assert optimizer.steps == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": -0.1}, "the learning rate is -0.1"),
        ({"lr": "0.1"}, "the learning rate is '0.1'"),
        ({"lr": np.inf}, "the learning rate is inf"),
        ({"lr": True}, "the learning rate is True"),
        ({"lr": 0.1, "momentum": 1.0}, "momentum is 1.0"),
        ({"lr": 0.1, "weight_decay": -1}, "weight_decay is -1"),
        ({"lr": 0.1, "nesterov": True}, "nesterov=True with momentum=0"),
    ],
)
def test_values_out_of_range_are_refused(settings, message):
    with pytest.raises(ArgumentError, match=message):
        SGD(vector_layer([1.0]), **settings)


def test_the_rate_in_the_place_of_the_model_is_a_dtype_error():
    with pytest.raises(DtypeError, match=r"SGD\(model, lr=0.1\)"):
        SGD(0.1, 0.5)


def test_float32_stays_float32():
    layer = Linear(3, 2, rng=0)
    optimizer = SGD(layer, lr=np.float64(0.1), momentum=0.9, nesterov=True, weight_decay=0.1)
    layer.grad = 1.0
    optimizer.step()

    assert layer.theta.dtype == np.float32
    assert {v.dtype for v in optimizer._state.values()} == {np.dtype(np.float32)}
