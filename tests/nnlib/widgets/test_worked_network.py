"""The worked network agrees with the syllabus, with finite differences and with its JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnlib.widgets import WorkedNetwork
from nnlib.widgets.worked_network import INPUTS, TARGET, WEIGHT_NAMES, WEIGHTS, compute

SLIDES = json.dumps({"weights": WEIGHTS, "inputs": INPUTS, "target": TARGET, "lr": 1})


def four(values: list[float]) -> list[float]:
    return [round(value, 4) for value in values]


def test_first_epoch_meets_the_syllabus_to_four_digits() -> None:
    result = compute()

    assert four(result["a"]) == [0.755, 0.68, 0.8014]
    assert four(result["y"]) == [0.6803, 0.6637, 0.6903]
    assert four([result["error"]]) == [-0.1903]
    assert [round(value, 5) for value in result["delta"]] == [-0.00265, -0.00817, -0.04068]
    assert four(result["new_weights"]) == [0.0991, 0.7976, 0.3971, 0.5926, 0.2723, 0.8730]


def test_second_epoch_meets_the_syllabus_to_four_digits() -> None:
    second = compute(compute()["new_weights"])
    third = compute(second["new_weights"])

    assert four(second["y"][2:]) == [0.6820]
    assert four(second["new_weights"]) == [0.0983, 0.7955, 0.3944, 0.5857, 0.2455, 0.8469]
    assert four(third["y"][2:]) == [0.6739]


def test_gradients_agree_with_central_differences(rng: np.random.Generator) -> None:
    weights, inputs = rng.normal(size=6), rng.normal(size=2)
    h = 1e-6

    found = compute(weights, inputs, 0.3)["gradients"]

    for i in range(6):
        step = h * np.eye(6)[i]
        high, low = (compute(weights + s, inputs, 0.3)["loss"] for s in (step, -step))
        # truncation h² and rounding 1e-16 / h are both near 1e-10
        assert found[i] == pytest.approx((high - low) / (2 * h), abs=1e-9)


def test_javascript_computes_the_same(
    node: Callable[[str, str], Any], rng: np.random.Generator
) -> None:
    cases = [
        [list(rng.normal(scale=3, size=6)), list(rng.normal(size=2)), float(rng.uniform()), 0.7]
        for _ in range(5)
    ]
    cases.append([[0.0] * 6, [0.0, 0.0], 0.0, 0.0])

    answers = node("worked_network.js", f"{json.dumps(cases)}.map((c) => m.compute(...c))")

    for case, answer in zip(cases, answers, strict=True):
        expected = compute(*case)
        assert answer.keys() == expected.keys()
        for name, value in expected.items():
            # the two exponentials may differ in the last bit
            np.testing.assert_allclose(answer[name], value, rtol=1e-13, atol=1e-16)


def test_only_the_weights_behind_a_zero_input_have_no_gradient(
    node: Callable[[str, str], Any],
) -> None:
    """The answer that the figure gives to its own question."""
    gradients = compute(inputs=(0.0, 0.9))["gradients"]
    dead = [name for name, g in zip(WEIGHT_NAMES, gradients, strict=True) if g == 0]

    shown = node("worked_network.js", f"m.deadWeights({SLIDES})")

    assert dead == ["w13", "w14"]
    assert shown == dead


def test_saturated_unit_learns_a_hundred_times_slower() -> None:
    """The preset holds y3 near 1 and leaves the rest of the network almost as it was."""
    before, after = compute(), compute((6, 6, 0.4, 0.6, 0.3, 0.9))

    assert after["y"][0] > 0.999
    for i in (0, 1):
        assert abs(after["gradients"][i]) < abs(before["gradients"][i]) / 100
    assert abs(after["gradients"][2]) > abs(before["gradients"][2])


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("a3", "a₃ = w₁₃ · x₁ + w₂₃ · x₂\n= 0.1000 · 0.35 + 0.8000 · 0.9 = 0.7550"),
        ("y3", "y₃ = σ(a₃) = 1 / (1 + e^(−a₃))\n= 1 / (1 + e^(−0.7550)) = 0.6803"),
        (
            "d5",
            "δ₅ = y₅ · (1 − y₅) · (t − y₅)\n= 0.6903 · (1 − 0.6903) · (0.5 − 0.6903) = −0.04068",
        ),
        (
            "d3",
            "δ₃ = y₃ · (1 − y₃) · w₃₅ · δ₅\n"
            "= 0.6803 · (1 − 0.6803) · 0.3000 · (−0.04068) = −0.00265",
        ),
        ("s13", "Δw₁₃ = η · δ₃ · x₁\n= 1 · (−0.00265) · 0.35 = −0.00093"),
        ("n45", "new w₄₅ = w₄₅ + Δw₄₅\n= 0.9000 + (−0.02700) = 0.8730"),
        ("error", "t − y₅ = t − y₅\n= 0.5 − 0.6903 = −0.1903"),
        ("loss", "L = ½ · (t − y₅)²\n= ½ · (0.5 − 0.6903)² = 0.0181"),
        ("w13", "w₁₃ = 0.1000. This number is given: change it with its slider."),
    ],
)
def test_number_is_written_out_as_its_product(
    node: Callable[[str, str], Any], number: str, written: str
) -> None:
    shown = node("worked_network.js", f'm.explanation("{number}", m.numbers({SLIDES}))')

    assert shown == written


def test_loss_follows_weights_that_python_sets() -> None:
    figure = WorkedNetwork()

    figure.weights = [0.0] * 6

    # all units say one half, so only the target's distance is left
    assert figure.loss == pytest.approx(0.5 * (0.5 - 0.5) ** 2)
    figure.target = 1.0
    assert figure.loss == pytest.approx(0.125)


def test_wrong_number_of_weights_is_refused_with_their_names() -> None:
    with pytest.raises(ValueError, match=r"5 weights and 2 inputs came, expected 6 \(w13, w23"):
        WorkedNetwork(weights=[0.1] * 5)
