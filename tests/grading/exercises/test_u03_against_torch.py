"""References and hand examples of unit 03 agree with PyTorch and with calculus."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from grading.exercises import exercise
from nnlib.diagnostics import gradient_gain


def _drawn_inputs(name: str, criterion: int, rng: np.random.Generator) -> dict[str, Any]:
    """Draw the inputs of one random case."""
    each = exercise(name)
    return dict((each.criteria[criterion].draw or each.cases)(rng).inputs)


def _hand_inputs(name: str, criterion: int) -> dict[str, Any]:
    return dict(exercise(name).criteria[criterion].hand.inputs)


def test_he_normal_has_the_variance_that_torch_gives() -> None:
    z = np.random.default_rng(0).normal(size=(300, 200))
    theirs = torch.empty(200, 300)  # (out, in) there
    torch.nn.init.kaiming_normal_(theirs, generator=torch.Generator().manual_seed(0))

    W = exercise("he_normal").reference(300, 200, z)

    # 60,000 numbers: the standard error of a variance is √(2/60,000) = 0.6 % of it.
    assert W.var() == pytest.approx(float(theirs.var()), rel=0.04)


def test_xavier_uniform_fills_the_interval_that_torch_fills() -> None:
    u = np.random.default_rng(0).uniform(size=(300, 200))
    theirs = torch.empty(200, 300)
    torch.nn.init.xavier_uniform_(theirs, generator=torch.Generator().manual_seed(0))

    W = exercise("xavier_uniform").reference(300, 200, u)

    # The largest of 60,000 uniform numbers is within a few 1/60,000 of the end.
    assert abs(W).max() == pytest.approx(float(theirs.abs().max()), rel=2e-4)
    assert W.var() == pytest.approx(2 / 500, rel=0.03)


@pytest.mark.parametrize("criterion", [0, 2, 3])
def test_clipping_agrees_with_torch(criterion: int, rng: np.random.Generator) -> None:
    case = _drawn_inputs("clip_by_global_norm", criterion, rng)
    parameters = [torch.zeros(g.shape, dtype=torch.float64) for g in case["gradients"]]
    for parameter, gradient in zip(parameters, case["gradients"], strict=True):
        parameter.grad = torch.tensor(gradient)

    theirs = torch.nn.utils.clip_grad_norm_(parameters, case["max_norm"])
    clipped, norm = exercise("clip_by_global_norm").reference(**case)

    assert norm == pytest.approx(float(theirs), rel=1e-12)
    for got, parameter in zip(clipped, parameters, strict=True):
        # torch adds 1e-6 to the norm before it divides
        np.testing.assert_allclose(got, parameter.grad, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("criterion", [0, 2])
@pytest.mark.parametrize("by_hand", [True, False])
def test_batch_normalization_agrees_with_torch(
    criterion: int, by_hand: bool, rng: np.random.Generator
) -> None:
    name = "batchnorm_forward"
    case = _hand_inputs(name, criterion) if by_hand else _drawn_inputs(name, criterion, rng)
    layer = torch.nn.BatchNorm1d(
        case["x"].shape[1], eps=case["eps"], momentum=case["momentum"], dtype=torch.float64
    )
    layer.weight.data = torch.tensor(case["gamma"])
    layer.bias.data = torch.tensor(case["beta"])
    layer.running_mean, layer.running_var = (
        torch.tensor(case[key]) for key in ("running_mean", "running_var")
    )
    layer.train(case["training"])

    theirs = layer(torch.tensor(case["x"])).detach()
    y, mean, var = exercise(name).reference(**case)

    np.testing.assert_allclose(y, theirs, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(mean, layer.running_mean, rtol=1e-12)
    np.testing.assert_allclose(var, layer.running_var, rtol=1e-12)


@pytest.mark.parametrize("by_hand", [True, False])
def test_the_backward_pass_of_batch_normalization_agrees_with_autograd(
    by_hand: bool, rng: np.random.Generator
) -> None:
    name = "batchnorm_backward"
    case = _hand_inputs(name, 0) if by_hand else _drawn_inputs(name, 0, rng)
    x, gamma = (torch.tensor(case[key], requires_grad=True) for key in ("x", "gamma"))
    beta = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    y = torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=case["eps"])
    y.backward(torch.tensor(case["dy"]))

    results = exercise(name).reference(**case)

    for got, leaf in zip(results, (x, gamma, beta), strict=True):
        np.testing.assert_allclose(got, leaf.grad, rtol=1e-11, atol=1e-13)


def test_each_column_of_dx_sums_to_zero(rng: np.random.Generator) -> None:
    """Shifting a feature of the whole batch changes nothing."""
    case = _drawn_inputs("batchnorm_backward", 0, rng)

    dx, _, _ = exercise("batchnorm_backward").reference(**case)

    np.testing.assert_allclose(dx.sum(axis=0), 0, atol=1e-13)


@pytest.mark.parametrize("name", ["linear", "relu", "tanh", "sigmoid"])
def test_the_gain_is_that_of_the_library(name: str) -> None:
    gain = exercise("gradient_gain").reference(40, 70, 0.03, name)

    # Two sums over different grids.
    assert gain == pytest.approx(gradient_gain(40, 70, 0.03, name), rel=1e-5)


def test_the_gain_is_what_random_layers_show() -> None:
    """A network of one layer, measured: the formula is an expected value over its weights."""
    draw = np.random.default_rng(0)
    fan_in, fan_out, var_w = 300, 200, 0.01
    x = draw.normal(size=(400, fan_in))
    W = draw.normal(size=(fan_in, fan_out)) * math.sqrt(var_w)
    dh = draw.normal(size=(400, fan_out))
    dx = dh * (1 - np.tanh(x @ W) ** 2) @ W.T

    gain = exercise("gradient_gain").reference(fan_in, fan_out, var_w, "tanh")

    # 60,000 weights and 80,000 slopes: a standard error near 1 %.
    assert np.mean(dx**2) / np.mean(dh**2) == pytest.approx(gain, rel=0.05)
