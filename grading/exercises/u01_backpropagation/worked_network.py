"""The worked 2-2-1 network: its forward pass and its deltas, number by number.

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

# ---------------------------------------------------------------- forward_2_2_1


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

# ---------------------------------------------------------------- deltas_2_2_1


def _deltas_cases(rng: np.random.Generator) -> Case:
    y3, y4, y5 = (float(y) for y in rng.uniform(0.1, 0.9, size=3))
    w35, w45 = (float(w) for w in rng.normal(size=2))
    return Case({
        "y3": y3,
        "y4": y4,
        "y5": y5,
        "w35": w35,
        "w45": w45,
        "target": float(rng.uniform()),
    })


def deltas_2_2_1(
    y3: float, y4: float, y5: float, w35: float, w45: float, target: float
) -> tuple[float, float, float]:
    """Return delta3, delta4, delta5, each pointing down the loss ½ (target − y5)²."""
    delta5 = y5 * (1 - y5) * (target - y5)
    delta3 = y3 * (1 - y3) * w35 * delta5
    delta4 = y4 * (1 - y4) * w45 * delta5
    return delta3, delta4, delta5


def _deltas_as_vectors(
    y3: float, y4: float, y5: float, w35: float, w45: float, target: float
) -> tuple[float, float, float]:
    y, w = np.array([y3, y4]), np.array([w35, w45])
    delta5 = (y5 - y5**2) * (target - y5)
    delta3, delta4 = (y - y**2) * w * delta5
    return delta3, delta4, delta5


def _deltas_from_the_gradient(
    y3: float, y4: float, y5: float, w35: float, w45: float, target: float
) -> tuple[float, float, float]:
    dy5 = y5 - target
    da5 = dy5 * y5 * (1 - y5)
    dy3, dy4 = da5 * w35, da5 * w45
    return -dy3 * y3 * (1 - y3), -dy4 * y4 * (1 - y4), -da5


def _no_slope_at_output(
    y3: float, y4: float, y5: float, w35: float, w45: float, target: float
) -> tuple[float, float, float]:
    delta5 = target - y5
    return y3 * (1 - y3) * w35 * delta5, y4 * (1 - y4) * w45 * delta5, delta5


def _no_slope_at_hidden(
    y3: float,  # ruff: ignore[unused-function-argument]  # the slope needs them, which is what was forgotten
    y4: float,  # ruff: ignore[unused-function-argument]
    y5: float,
    w35: float,
    w45: float,
    target: float,
) -> tuple[float, float, float]:
    delta5 = y5 * (1 - y5) * (target - y5)
    return w35 * delta5, w45 * delta5, delta5


def _updated_weights_used(
    y3: float, y4: float, y5: float, w35: float, w45: float, target: float
) -> tuple[float, float, float]:
    delta5 = y5 * (1 - y5) * (target - y5)
    w35 += delta5 * y3
    w45 += delta5 * y4
    return y3 * (1 - y3) * w35 * delta5, y4 * (1 - y4) * w45 * delta5, delta5


def _next_delta_missing(
    y3: float, y4: float, y5: float, w35: float, w45: float, target: float
) -> tuple[float, float, float]:
    delta5 = y5 * (1 - y5) * (target - y5)
    return y3 * (1 - y3) * w35, y4 * (1 - y4) * w45, delta5


def _sign_reversed(
    y3: float, y4: float, y5: float, w35: float, w45: float, target: float
) -> tuple[float, float, float]:
    delta5 = y5 * (1 - y5) * (y5 - target)
    return y3 * (1 - y3) * w35 * delta5, y4 * (1 - y4) * w45 * delta5, delta5


def _hidden_weights_crossed(
    y3: float, y4: float, y5: float, w35: float, w45: float, target: float
) -> tuple[float, float, float]:
    delta5 = y5 * (1 - y5) * (target - y5)
    return y3 * (1 - y3) * w45 * delta5, y4 * (1 - y4) * w35 * delta5, delta5


_DELTAS_HAND = HandCase(
    {"y3": 0.68, "y4": 0.66, "y5": 0.69, "w35": 0.3, "w45": 0.9, "target": 0.5},
    {
        "delta5": 0.2139 * -0.19,  # 0.69·0.31 = 0.2139
        "delta3": 0.2176 * 0.3 * 0.2139 * -0.19,  # 0.68·0.32 = 0.2176
        "delta4": 0.2244 * 0.9 * 0.2139 * -0.19,  # 0.66·0.34 = 0.2244
    },
)

DELTAS_2_2_1 = Exercise(
    id="deltas_2_2_1",
    unit="01",
    tier="core",
    title="The deltas of the worked network",
    minutes=10,
    difficulty=2,
    probe=Call(returns=("delta3", "delta4", "delta5")),
    cases=_deltas_cases,
    criteria=(
        Criterion("output", 1, ("delta5",), _DELTAS_HAND),
        Criterion("hidden", 2, ("delta3", "delta4"), _DELTAS_HAND),
    ),
    reference=deltas_2_2_1,
    alternatives=(_deltas_as_vectors, _deltas_from_the_gradient),
    misconceptions=(
        Misconception(
            "no_slope_at_output",
            _no_slope_at_output,
            ("output", "hidden"),
            "`delta5` is the bare error, target − y5. Between a5 and y5 stands a sigmoid, whose "
            "slope belongs to the chain. How is that slope written with y5 alone?",
        ),
        Misconception(
            "no_slope_at_hidden",
            _no_slope_at_hidden,
            ("hidden",),
            "Weight times `delta5` is how the loss feels y3 and y4. A delta belongs to the "
            "weighted sum before the sigmoid. Which factor leads from y3 back to a3?",
        ),
        Misconception(
            "updated_weights_used",
            _updated_weights_used,
            ("hidden",),
            "w35 and w45 were updated before the hidden deltas were taken. All deltas belong to "
            "the forward pass that made them. Which weights did that pass use?",
        ),
        Misconception(
            "next_delta_missing",
            _next_delta_missing,
            ("hidden",),
            "`delta3` and `delta4` lack the delta of the next layer, as one line of the slides "
            "does. Without it they would be the same for every target. What carries the error "
            "back?",
        ),
        Misconception(
            "sign_reversed",
            _sign_reversed,
            ("output", "hidden"),
            "Every delta has the opposite sign. In the worked network a delta is target − output "
            "times a slope. If y5 is above its target, should `delta5` be negative or positive?",
        ),
        Misconception(
            "hidden_weights_crossed",
            _hidden_weights_crossed,
            ("hidden",),
            "w35 and w45 have changed places. The error returns along the wire on which the value "
            "went. Which weight joins unit 3 to unit 5?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Begin at the output and walk back. A delta is (what arrives from behind) times (the "
            "slope of this unit's sigmoid). At unit 5 what arrives is the error, target − y5.",
        ),
        Hint(
            "delta5 is off by a factor or a sign",
            "The slope of a sigmoid is largest, ¼, where its output is ½, and near 0 where the "
            "output is near 0 or 1. Which product of y5 and 1 − y5 behaves so? The error is target "
            "− y5.",
            ("output",),
        ),
        Hint(
            "delta5 is right, the hidden deltas are not",
            "Three factors for each hidden unit: the slope of its own sigmoid, the weight that "
            "leads on to unit 5, and … of unit 5. The first two stand in your arguments; the third "
            "you have just computed.",
            ("hidden",),
        ),
    ),
    solution_note=(
        "With L = ½ (t − y5)², a delta is −∂L/∂a: it points down the loss.\n"
        "    −∂L/∂y5 = t − y5                      dy5/da5 = y5 (1 − y5)\n"
        "    delta5  = y5 (1 − y5) (t − y5)\n"
        "a5 = w35 y3 + w45 y4, so ∂a5/∂y3 = w35, and unit 3 has a sigmoid of its own:\n"
        "    delta3  = y3 (1 − y3) · w35 · delta5\n"
        "    delta4  = y4 (1 − y4) · w45 · delta5\n"
        "delta5 is computed once and used twice: this sharing is all that makes backpropagation\n"
        "cheap. With rate η the update is w35 + η · delta5 · y3, but only after all deltas are\n"
        "known, because delta3 needs the old w35."
    ),
)
