"""The backward pass of a ReLU."""
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


def _relu_cases(rng: np.random.Generator) -> Case:
    n, d = rng.choice(np.arange(3, 9), size=2, replace=False)
    x = rng.uniform(0.1, 2.0, size=(n, d)) * rng.choice([-1.0, 1.0], size=(n, d))
    return Case({"x": x, "dy": rng.normal(size=(n, d))})


def _relu_cases_with_zeros(rng: np.random.Generator) -> Case:
    n, d = rng.choice(np.arange(3, 9), size=2, replace=False)
    x = rng.uniform(0.1, 2.0, size=(n, d)) * rng.choice([-1.0, 1.0], size=(n, d))
    x.flat[rng.choice(x.size, size=3, replace=False)] = 0.0
    return Case({"x": x, "dy": rng.normal(size=(n, d))})


def relu_backward(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Return dx, shaped like x, of y = max(x, 0), with slope 0 at x = 0."""
    return dy * (x > 0)


def _relu_by_where(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return np.where(x > 0, dy, 0.0)


def _relu_on_a_copy(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    dx = dy.copy()
    dx[x <= 0] = 0.0
    return dx


def _upstream_ignored(x: np.ndarray, dy: np.ndarray) -> np.ndarray:  # ruff: ignore[unused-function-argument]  # it is ignored
    return (x > 0).astype(float)


def _mask_from_upstream(x: np.ndarray, dy: np.ndarray) -> np.ndarray:  # ruff: ignore[unused-function-argument]  # no x
    return dy * (dy > 0)


def _relu_value_for_slope(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy * np.maximum(x, 0)


def _slope_one_at_zero(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy * (x >= 0)


def _slope_half_at_zero(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy * np.heaviside(x, 0.5)


def _upstream_changed_in_place(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    dy[x <= 0] = 0.0
    return dy


def _selected_instead_of_masked(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return dy[x > 0]


def _identity(x: np.ndarray, dy: np.ndarray) -> np.ndarray:  # ruff: ignore[unused-function-argument]  # x plays no part
    return dy


RELU_BACKWARD = Exercise(
    id="relu_backward",
    unit="01",
    tier="core",
    title="Backward through a ReLU",
    minutes=6,
    difficulty=1,
    probe=Call(returns=("dx",)),
    cases=_relu_cases,
    criteria=(
        Criterion(
            "slope",
            2,
            ("dx",),
            HandCase(
                {
                    "x": np.array([[2.0, -1.0, 0.5], [-3.0, 4.0, -0.5]]),
                    "dy": np.array([[10.0, 20.0, -30.0], [-40.0, 50.0, 60.0]]),
                },
                {"dx": np.array([[10.0, 0.0, -30.0], [0.0, 50.0, 0.0]])},
            ),
        ),
        Criterion(
            "kink",
            1,
            ("dx",),
            HandCase(
                {
                    "x": np.array([[0.0, -1.0, 3.0], [2.0, 0.0, -2.0]]),
                    "dy": np.array([[5.0, 6.0, 7.0], [-8.0, -9.0, 4.0]]),
                },
                {"dx": np.array([[0.0, 0.0, 7.0], [-8.0, 0.0, 0.0]])},
            ),
            draw=_relu_cases_with_zeros,
        ),
    ),
    reference=relu_backward,
    alternatives=(_relu_by_where, _relu_on_a_copy),
    misconceptions=(
        Misconception(
            "upstream_ignored",
            _upstream_ignored,
            ("slope", "kink"),
            "This is the slope of the ReLU, 0 or 1, alone. The chain rule multiplies it with the "
            "arriving gradient. Which argument brings that?",
        ),
        Misconception(
            "mask_from_upstream",
            _mask_from_upstream,
            ("slope", "kink"),
            "The gradient passes where `dy` is positive. Whether the gate is open was decided in "
            "the forward pass, by x. May a negative gradient pass an open gate?",
        ),
        Misconception(
            "relu_value_for_slope",
            _relu_value_for_slope,
            ("slope", "kink"),
            "`dy` is multiplied with max(x, 0), the value of the ReLU. Backward needs its "
            "derivative. How steep is the ReLU at x = 2, and how steep at x = 5?",
        ),
        Misconception(
            "slope_one_at_zero",
            _slope_one_at_zero,
            ("kink",),
            "At x = 0 the gradient passes. The ReLU has a kink there and no derivative, so a "
            "convention decides; it stands between the triple quotes. Does your comparison include "
            "0?",
        ),
        Misconception(
            "slope_half_at_zero",
            _slope_half_at_zero,
            ("kink",),
            "At x = 0 half of the gradient passes. Any slope from 0 to 1 can be defended at the "
            "kink, so the course fixes one, the same as PyTorch. Which one stands between the "
            "triple quotes?",
        ),
        Misconception(
            "upstream_changed_in_place",
            _upstream_changed_in_place,
            ("slope", "kink"),
            "The values are right, but they are written into the caller's `dy`. In a network with "
            "branches another layer still needs that array. How do you get an array of your own?",
        ),
        Misconception(
            "selected_instead_of_masked",
            _selected_instead_of_masked,
            ("slope", "kink"),
            "`dy[x > 0]` picks the entries where the gate is open and drops the others, so a "
            "shorter vector comes back. `dx` has the shape of x. Which number must stand where the "
            "gate is closed?",
        ),
        Misconception(
            "identity",
            _identity,
            ("slope", "kink"),
            "`dy` comes back unchanged, as if every gate were open. Where x was negative the ReLU "
            "gave 0 whatever x was. How much does the loss change there when x moves a little?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin, or `if x > 0` stops with an error",
            "Draw max(x, 0). Left of 0 it is flat, right of 0 it rises by 1 for each 1 of x: the "
            "derivative has two values only. x is an array, and `if` wants a single True or False. "
            "Compare all entries at once: `x > 0` is an array of True and False, shaped like x.",
            (),
            ("problem", "type", "shape"),
        ),
        Hint(
            "dx is wrong in many entries",
            "Two factors meet in every entry: the slope of the ReLU at this x, and the gradient "
            "that arrives from above. Look at the entries of the hand example one by one. Which of "
            "the two did you leave out or take from the wrong array?",
            ("slope",),
            ("value",),
        ),
        Hint(
            "dx is wrong only where x is exactly 0",
            "The text between the triple quotes says: slope 0 at x = 0. So dx = dy times (1 where "
            "x … 0, else 0). Which sign of comparison leaves 0 out?",
            ("kink",),
        ),
    ),
    solution_note=(
        "y = max(x, 0) acts entry by entry: each output depends on its own input only.\n"
        "    dy/dx = 1 where x > 0,   0 where x < 0,   and by convention 0 where x = 0\n"
        "    dx = dy · (x > 0)\n"
        "The comparison gives True and False, which multiply as 1 and 0. The mask comes from\n"
        "the forward input x: dy only passes through, with its sign. The convention at 0 is also\n"
        "PyTorch's; on random real numbers it hardly ever matters, on inputs full of exact zeros\n"
        "(the black background of an image) it does."
    ),
)
