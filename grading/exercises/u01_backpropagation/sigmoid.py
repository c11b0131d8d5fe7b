"""The backward pass of a sigmoid, from its output."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

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


def _cases(rng: np.random.Generator) -> Case:
    n, d = rng.choice(np.arange(3, 9), size=2, replace=False)
    return Case({"y": rng.uniform(0.05, 0.95, size=(n, d)), "dy": rng.normal(size=(n, d))})


def _cases_with_saturation(rng: np.random.Generator) -> Case:
    n, d = rng.choice(np.arange(3, 9), size=2, replace=False)
    y = rng.uniform(0.05, 0.95, size=(n, d))
    y.flat[rng.choice(y.size, size=4, replace=False)] = [0.0, 1.0, 0.0, 1.0]
    return Case({"y": y, "dy": rng.normal(size=(n, d))})


def sigmoid_backward(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Return dx, shaped like y, where y = 1 / (1 + exp(−x)) is the output of the forward pass."""
    return dy * y * (1 - y)


def _sigmoid_from_a_square(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy * (0.25 - (y - 0.5) ** 2)


def _sigmoid_by_loop(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    dx = np.zeros(y.shape)
    for index in np.ndindex(y.shape):
        dx[index] = (y[index] - y[index] ** 2) * dy[index]
    return dx


def _output_taken_for_input(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    s = 1 / (1 + np.exp(-y))
    return dy * s * (1 - s)


def _upstream_ignored(y: np.ndarray, dy: np.ndarray) -> np.ndarray:  # ruff: ignore[unused-function-argument]  # it is ignored
    return y * (1 - y)


def _one_minus_output_missing(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy * y


def _output_missing(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy * (1 - y)


def _sigmoid_sign_reversed(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy * y * (y - 1)


def _input_recovered(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    x = np.log(y / (1 - y))
    e = np.exp(-x)
    return dy * e / (1 + e) ** 2


def _tanh_slope(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy * (1 - y**2)


def _returned_after_the_first_entry(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    dx = np.zeros(y.shape)
    for index in np.ndindex(y.shape):
        dx[index] = dy[index] * y[index] * (1 - y[index])
        return dx
    return dx


SIGMOID_BACKWARD = Exercise(
    id="sigmoid_backward",
    unit="01",
    tier="further",
    title="Backward through a sigmoid, from its output",
    minutes=6,
    difficulty=2,
    probe=Call(returns=("dx",)),
    cases=_cases,
    criteria=(
        Criterion(
            "slope",
            2,
            ("dx",),
            HandCase(
                {
                    "y": np.array([[0.5, 0.2, 0.9], [0.75, 0.4, 0.6]]),
                    "dy": np.array([[4.0, 10.0, -100.0], [16.0, -5.0, 25.0]]),
                },
                {"dx": np.array([[1.0, 1.6, -9.0], [3.0, -1.2, 6.0]])},
            ),
        ),
        Criterion(
            "saturated",
            1,
            ("dx",),
            HandCase(
                {
                    "y": np.array([[0.0, 1.0, 0.5], [0.2, 0.0, 1.0]]),
                    "dy": np.array([[3.0, -2.0, 8.0], [-10.0, 5.0, 7.0]]),
                },
                {"dx": np.array([[0.0, 0.0, 2.0], [-1.6, 0.0, 0.0]])},
            ),
            draw=_cases_with_saturation,
        ),
    ),
    reference=sigmoid_backward,
    alternatives=(_sigmoid_from_a_square, _sigmoid_by_loop),
    misconceptions=(
        Misconception(
            "output_taken_for_input",
            _output_taken_for_input,
            ("slope", "saturated"),
            "The sigmoid is applied to `y`, which is already its output. Applied twice, a "
            "saturated unit looks lively. What remains of s'(x) = s(x)(1 − s(x)) if s(x) is given?",
        ),
        Misconception(
            "upstream_ignored",
            _upstream_ignored,
            ("slope", "saturated"),
            "This is the slope of the sigmoid alone. The chain rule multiplies it with the "
            "gradient from the layer above. Which argument brings that?",
        ),
        Misconception(
            "one_minus_output_missing",
            _one_minus_output_missing,
            ("slope", "saturated"),
            "`dy` is multiplied with y only, which is largest where the unit is fully on. There "
            "the sigmoid is flat. Which second factor makes the slope vanish at y = 1?",
        ),
        Misconception(
            "output_missing",
            _output_missing,
            ("slope", "saturated"),
            "`dy` is multiplied with 1 − y only, which is largest where the unit is fully off. "
            "There the sigmoid is flat. Which second factor makes the slope vanish at y = 0?",
        ),
        Misconception(
            "sign_reversed",
            _sigmoid_sign_reversed,
            ("slope", "saturated"),
            "Every sign is reversed. A sigmoid rises everywhere, so its slope is never negative. "
            "Is it y − 1 or 1 − y that lies between 0 and 1?",
        ),
        Misconception(
            "input_recovered",
            _input_recovered,
            ("saturated",),
            "You work x out from y first. At y = 0 and y = 1 that x is infinite and the result is "
            "not a number. Can the slope be written without x?",
        ),
        Misconception(
            "tanh_slope",
            _tanh_slope,
            ("slope", "saturated"),
            "1 − y² is the slope of tanh. The sigmoid's is smaller: ¼ at its steepest point, y = "
            "½. What does your slope give there?",
        ),
        Misconception(
            "returned_after_the_first_entry",
            _returned_after_the_first_entry,
            ("slope", "saturated"),
            "Only the first entry is filled: the `return` stands inside the loop, which ends with "
            "it. How far must `return` be indented to run after the loop?",
        ),
    ),
    hints=(
        Hint(
            "I do not know how to do without x",
            "Derive s(x) = 1 / (1 + exp(−x)): s'(x) = exp(−x) / (1 + exp(−x))². Write this "
            "fraction as a product of two, one of which is s(x) itself. What is the other?",
        ),
        Hint(
            "dx is off in every entry",
            "Test your slope at three points: y = ½ must give ¼, y = 0 and y = 1 must give 0. Then "
            "each slope is multiplied with its own dy.",
            ("slope",),
        ),
        Hint(
            "NaN appears where y is 0 or 1",
            "In float64 a sigmoid reaches exactly 1 from x = 37 on. No logarithm and no division "
            "is needed: dx = dy · y · (…).",
            ("saturated",),
            ("finite",),
        ),
    ),
    solution_note=(
        "s(x) = 1 / (1 + exp(−x)), so\n"
        "    s'(x) = exp(−x) / (1 + exp(−x))² = 1/(1 + exp(−x)) · exp(−x)/(1 + exp(−x))\n"
        "          = s (1 − s) = y (1 − y)\n"
        "    dx = dy · y (1 − y)\n"
        "The output is enough, so the layer keeps y and forgets x. The slope is ¼ at most: every\n"
        "sigmoid on the way back makes the gradient at least four times smaller, before the\n"
        "weights have their say. Where y is 0 or 1 nothing passes at all."
    ),
)
