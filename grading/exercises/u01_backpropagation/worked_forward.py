"""The forward pass of the worked 2-2-1 network, number by number.

Two inputs x1, x2, two hidden sigmoid units 3 and 4, one output unit 5, no biases. w13 is the weight
from 1 to 3, and so on.
"""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Misconception,
)
from grading.probes import Call


def _forward_cases(rng: np.random.Generator) -> Case:
    return Case({"x": rng.normal(size=2), "w": rng.normal(size=6)})


def forward_2_2_1(x: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    """Return y3, y4, y5 for x (2,) and w (6,) in the order w13, w23, w14, w24, w35, w45."""
    w13, w23, w14, w24, w35, w45 = w
    y3 = 1 / (1 + np.exp(-(w13 * x[0] + w23 * x[1])))
    y4 = 1 / (1 + np.exp(-(w14 * x[0] + w24 * x[1])))
    y5 = 1 / (1 + np.exp(-(w35 * y3 + w45 * y4)))
    return y3, y4, y5


def _forward_as_matrices(x: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    hidden = 1 / (1 + np.exp(-(w[:4].reshape(2, 2) @ x)))
    output = 1 / (1 + np.exp(-(w[4:] @ hidden)))
    return hidden[0], hidden[1], output


def _forward_by_tanh(x: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    y = [x[0], x[1]]
    for source, i in ((0, 0), (0, 2), (2, 4)):
        a = w[i] * y[source] + w[i + 1] * y[source + 1]
        y.append(0.5 + 0.5 * np.tanh(0.5 * a))
    return y[2], y[3], y[4]


def _activation_skipped_at_output(x: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    y3 = 1 / (1 + np.exp(-(w[0] * x[0] + w[1] * x[1])))
    y4 = 1 / (1 + np.exp(-(w[2] * x[0] + w[3] * x[1])))
    return y3, y4, w[4] * y3 + w[5] * y4


def _hidden_activation_skipped(x: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    y3 = w[0] * x[0] + w[1] * x[1]
    y4 = w[2] * x[0] + w[3] * x[1]
    return y3, y4, 1 / (1 + np.exp(-(w[4] * y3 + w[5] * y4)))


def _weights_crossed(x: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    y3 = 1 / (1 + np.exp(-(w[0] * x[0] + w[2] * x[1])))
    y4 = 1 / (1 + np.exp(-(w[1] * x[0] + w[3] * x[1])))
    return y3, y4, 1 / (1 + np.exp(-(w[4] * y3 + w[5] * y4)))


def _output_weights_crossed(x: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    y3 = 1 / (1 + np.exp(-(w[0] * x[0] + w[1] * x[1])))
    y4 = 1 / (1 + np.exp(-(w[2] * x[0] + w[3] * x[1])))
    return y3, y4, 1 / (1 + np.exp(-(w[5] * y3 + w[4] * y4)))


def _tanh_for_sigmoid(x: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    y3 = np.tanh(w[0] * x[0] + w[1] * x[1])
    y4 = np.tanh(w[2] * x[0] + w[3] * x[1])
    return y3, y4, np.tanh(w[4] * y3 + w[5] * y4)


def _exponent_without_minus(x: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    y3 = 1 / (1 + np.exp(w[0] * x[0] + w[1] * x[1]))
    y4 = 1 / (1 + np.exp(w[2] * x[0] + w[3] * x[1]))
    return y3, y4, 1 / (1 + np.exp(w[4] * y3 + w[5] * y4))


def _brackets_missing(x: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    y3 = 1 / 1 + np.exp(-(w[0] * x[0] + w[1] * x[1]))
    y4 = 1 / 1 + np.exp(-(w[2] * x[0] + w[3] * x[1]))
    return y3, y4, 1 / 1 + np.exp(-(w[4] * y3 + w[5] * y4))


_FORWARD_HAND = HandCase(
    {"x": np.array([0.35, 0.9]), "w": np.array([0.1, 0.8, 0.4, 0.6, 0.3, 0.9])},
    # a3 = 0.035 + 0.72 = 0.755, a4 = 0.14 + 0.54 = 0.68, a5 = 0.801444986...
    {"y3": 0.680267196698, "y4": 0.663738697404, "y5": 0.690283492908},
)

FORWARD_2_2_1 = Exercise(
    id="forward_2_2_1",
    unit="01",
    tier="core",
    title="The forward pass of the worked 2-2-1 network",
    minutes=8,
    difficulty=1,
    probe=Call(returns=("y3", "y4", "y5")),
    cases=_forward_cases,
    criteria=(
        Criterion("hidden", 1, ("y3", "y4"), _FORWARD_HAND),
        Criterion("output", 1, ("y5",), _FORWARD_HAND),
    ),
    reference=forward_2_2_1,
    alternatives=(_forward_as_matrices, _forward_by_tanh),
    misconceptions=(
        Misconception(
            "activation_skipped_at_output",
            _activation_skipped_at_output,
            ("output",),
            "`y5` is the weighted sum a5, before the sigmoid. Unit 5 is a sigmoid unit like 3 and "
            "4. Between which two numbers must its output lie?",
        ),
        Misconception(
            "hidden_activation_skipped",
            _hidden_activation_skipped,
            ("hidden", "output"),
            "`y3` and `y4` are the weighted sums a3 and a4. Without an activation between them, "
            "two layers collapse into one linear map. What does a hidden unit do with its sum?",
        ),
        Misconception(
            "weights_crossed",
            _weights_crossed,
            ("hidden", "output"),
            "w23 and w14 have changed places. The first digit names where a weight comes from, the "
            "second where it goes. Which two weights end in unit 3?",
        ),
        Misconception(
            "output_weights_crossed",
            _output_weights_crossed,
            ("output",),
            "w35 and w45 have changed places. w35 leads from unit 3 to unit 5. Which hidden value "
            "travels along it?",
        ),
        Misconception(
            "tanh_for_sigmoid",
            _tanh_for_sigmoid,
            ("hidden", "output"),
            "The activation is tanh, which runs from −1 to 1. The sigmoid runs from 0 to 1 and is "
            "½ at 0. What does yours give at 0?",
        ),
        Misconception(
            "exponent_without_minus",
            _exponent_without_minus,
            ("hidden", "output"),
            "Each output is 1 minus what it should be: the sigmoid falls where it should rise. "
            "Should exp become large or small when the weighted sum is large?",
        ),
        Misconception(
            "brackets_missing",
            _brackets_missing,
            ("hidden", "output"),
            "A sigmoid lies between 0 and 1; yours is larger than 1. Python divides before it "
            "adds, so `1 / 1 + exp(-a)` is 1 + exp(−a). Where do the missing brackets belong?",
        ),
    ),
    hints=(
        Hint(
            "I do not know which weight belongs where",
            "Read the two digits as from and to. w13 and w23 both arrive at unit 3, w14 and w24 at "
            "unit 4, w35 and w45 at unit 5. In `w` they stand in exactly this order.",
        ),
        Hint(
            "y3 or y4 is off",
            "Follow the hand example. a3 = 0.1·0.35 + 0.8·0.9 = 0.755, and the sigmoid of 0.755 is "
            "0.6803. Print your weighted sum first, then what you make of it.",
            ("hidden",),
        ),
        Hint(
            "y3 and y4 are right, y5 is not",
            "For each unit: weighted sum, then sigmoid 1 / (1 + exp(−a)). The inputs of unit 5 are "
            "not x1 and x2 any more. a5 = w35·(…) + w45·(…), then the sigmoid once more.",
            ("output",),
        ),
    ),
    solution_note=(
        "Every unit does the same two steps: a weighted sum, then s(a) = 1 / (1 + exp(−a)).\n"
        "    a3 = w13 x1 + w23 x2 = 0.1·0.35 + 0.8·0.9 = 0.755     y3 = s(0.755) = 0.6803\n"
        "    a4 = w14 x1 + w24 x2 = 0.4·0.35 + 0.6·0.9 = 0.68      y4 = s(0.68)  = 0.6637\n"
        "    a5 = w35 y3 + w45 y4 = 0.3·0.6803 + 0.9·0.6637 = 0.8014\n"
        "                                                          y5 = s(0.8014) = 0.6903\n"
        "The hidden outputs are the inputs of unit 5, so the order of the three lines matters.\n"
        "As matrices: the first four weights, two by two, times x; the last two times (y3, y4)."
    ),
)
