"""The deltas of the worked 2-2-1 network, number by number.

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


def _weight_left_out(
    y3: float,
    y4: float,
    y5: float,
    w35: float,  # ruff: ignore[unused-function-argument]  # the weights are what was forgotten
    w45: float,  # ruff: ignore[unused-function-argument]
    target: float,
) -> tuple[float, float, float]:
    delta5 = y5 * (1 - y5) * (target - y5)
    return y3 * (1 - y3) * delta5, y4 * (1 - y4) * delta5, delta5


def _hidden_units_given_the_target(
    y3: float,
    y4: float,
    y5: float,
    w35: float,  # ruff: ignore[unused-function-argument]  # treated as outputs, hidden units lead nowhere
    w45: float,  # ruff: ignore[unused-function-argument]
    target: float,
) -> tuple[float, float, float]:
    delta5 = y5 * (1 - y5) * (target - y5)
    return y3 * (1 - y3) * (target - y3), y4 * (1 - y4) * (target - y4), delta5


# The outputs of the forward pass are the sigmoids of 0.755, 0.68 and 0.3 y3 + 0.9 y4; the text
# rounds the deltas to −0.00265, −0.00817 and −0.0407.
_DELTAS_HAND = HandCase(
    {
        "y3": 0.6802671966986485,
        "y4": 0.6637386974043527,
        "y5": 0.6902834929076444,
        "w35": 0.3,
        "w45": 0.9,
        "target": 0.5,
    },
    {
        "delta5": -0.040681125112333,  # 0.213792 · −0.190283
        "delta3": -0.002654489030885,  # 0.217504 · 0.3 · delta5
        "delta4": -0.008171645064130,  # 0.223190 · 0.9 · delta5
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
        Misconception(
            "weight_left_out",
            _weight_left_out,
            ("hidden",),
            "The hidden deltas do not know their weights, so units 3 and 4 would share the blame "
            "whatever part they had in a5. The smaller w35, the less y3 moves a5. Where does w35 "
            "enter `delta3`?",
        ),
        Misconception(
            "hidden_units_given_the_target",
            _hidden_units_given_the_target,
            ("hidden",),
            "Units 3 and 4 are compared with the target, but it is the target of unit 5 only. A "
            "hidden unit acts on the loss through unit 5. Which number tells how the loss feels "
            "a5, and along which weight does it reach unit 3?",
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
