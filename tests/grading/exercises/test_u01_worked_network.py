"""The worked network gives the digits of the text, and the slips of the slides are found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from grading.exercises import exercise

X_WORKED = np.array([0.35, 0.9])
W_WORKED = np.array([0.1, 0.8, 0.4, 0.6, 0.3, 0.9])


def _one_epoch(w: np.ndarray) -> np.ndarray:
    """Update the worked network once: target 0.5, rate 1."""
    y3, y4, y5 = exercise("forward_2_2_1").reference(X_WORKED, w)
    d3, d4, d5 = exercise("deltas_2_2_1").reference(y3, y4, y5, w[4], w[5], 0.5)
    x1, x2 = X_WORKED
    return w + np.array([d3 * x1, d3 * x2, d4 * x1, d4 * x2, d5 * y3, d5 * y4])


def test_worked_network_gives_the_digits_of_the_syllabus() -> None:
    y3, y4, y5 = exercise("forward_2_2_1").reference(X_WORKED, W_WORKED)
    deltas = exercise("deltas_2_2_1").reference(y3, y4, y5, 0.3, 0.9, 0.5)

    assert np.round([y3, y4, y5], 4) == pytest.approx([0.6803, 0.6637, 0.6903])
    assert np.round(deltas, 5) == pytest.approx([-0.00265, -0.00817, -0.04068])


def test_two_epochs_of_the_worked_network_give_the_weights_of_the_syllabus() -> None:
    first = _one_epoch(W_WORKED)
    second = _one_epoch(first)
    outputs = [exercise("forward_2_2_1").reference(X_WORKED, w)[2] for w in (first, second)]

    assert np.round(first, 4) == pytest.approx([0.0991, 0.7976, 0.3971, 0.5926, 0.2723, 0.8730])
    assert np.round(second, 4) == pytest.approx([0.0983, 0.7955, 0.3944, 0.5857, 0.2455, 0.8469])
    assert np.round(outputs, 4) == pytest.approx([0.6820, 0.6739])


def test_slips_of_the_slides_are_found_and_their_truncations_are_not() -> None:
    sheet = [
        ["0.1*0.35", "weighted_sum", [0.1, 0.35, 0.0, 0.0], 0.0355, 4],
        ["new w24", "update", [0.6, 1.0, -0.0082, 0.9], 0.5962, 4],
        ["new w23", "weighted_sum", [1.0, -0.0023, 1.0, 0.8], 0.8023, 4],
        ["cut w23", "weighted_sum", [1.0, -0.0023, 1.0, 0.8], 0.797, 3],
        ["delta5", "output_delta", [0.69, 0.5], -0.0406, 4],
        ["w45", "update", [0.9, 1.0, -0.0406, 0.6637], 0.8731, 4],
    ]

    assert exercise("find_slips").reference(sheet) == ["0.1*0.35", "new w24", "new w23"]


def test_hand_example_of_the_deltas_is_the_network_of_the_text() -> None:
    """A learner who follows the text meets its numbers again in the report."""
    hidden, output = (exercise("deltas_2_2_1").criteria[i].hand for i in (1, 0))
    y3, y4, y5 = (hidden.inputs[name] for name in ("y3", "y4", "y5"))

    assert hidden is output
    assert [y3, y4] == pytest.approx(1 / (1 + np.exp([-0.755, -0.68])), rel=1e-15)
    assert y5 == pytest.approx(1 / (1 + np.exp(-(0.3 * y3 + 0.9 * y4))), rel=1e-15)
    deltas = [hidden.expected[name] for name in ("delta5", "delta3", "delta4")]
    assert [f"{delta:.3g}" for delta in deltas] == ["-0.0407", "-0.00265", "-0.00817"]


def test_planted_slips_and_honest_entries_keep_their_distance(rng: np.random.Generator) -> None:
    """Slips are off by 2 units of the last place or more, honest entries by less than 0.9."""
    formulas: dict[str, Callable[..., float]] = {
        "weighted_sum": lambda a, b, c, d: a * b + c * d,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "output_delta": lambda y, t: y * (1 - y) * (t - y),
        "hidden_delta": lambda y, w, d: y * (1 - y) * w * d,
        "update": lambda w, rate, d, y: w + rate * d * y,
    }
    for criterion in exercise("find_slips").criteria:
        for _ in range(100):
            sheet = (criterion.draw or exercise("find_slips").cases)(rng).inputs["sheet"]
            slips = exercise("find_slips").reference(sheet)

            off = {
                name: abs(printed - formulas[operation](*inputs)) * 10**decimals
                for name, operation, inputs, printed, decimals in sheet
            }
            assert len(slips) == 3
            assert all(off[name] >= 2 for name in slips)
            assert all(units < 0.9 for name, units in off.items() if name not in slips)
