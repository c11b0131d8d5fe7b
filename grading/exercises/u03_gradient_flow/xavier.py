"""Xavier's uniform starting weights, from given uniform numbers."""
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
    fan_in, fan_out = (int(n) for n in rng.choice(np.arange(3, 12), size=2, replace=False))
    return Case({"fan_in": fan_in, "fan_out": fan_out, "u": rng.uniform(size=(fan_in, fan_out))})


def xavier_uniform(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    """Return W uniform on (−a, a), a² = 6 / (fan_in + fan_out), from u uniform on [0, 1)."""
    a = np.sqrt(6 / (fan_in + fan_out))
    return a * (2 * u - 1)


def _by_interpolation(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    variance = 2 / (fan_in + fan_out)
    a = (3 * variance) ** 0.5
    return np.interp(u, [0.0, 1.0], [-a, a])


def _entry_by_entry(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    half_width = 6**0.5 / (fan_in + fan_out) ** 0.5
    W = np.empty(u.shape)
    for i, row in enumerate(u):
        for k, value in enumerate(row):
            W[i, k] = -half_width + 2 * half_width * value
    return W


# ruff: ignore[unused-function-argument]  the mistake
def _fan_in_only(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    return np.sqrt(6 / fan_in) * (2 * u - 1)


# ruff: ignore[unused-function-argument]  the mistake
def _fan_in_twice(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    return np.sqrt(3 / fan_in) * (2 * u - 1)


# ruff: ignore[unused-function-argument]  the mistake
def _fan_out_only(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    return np.sqrt(6 / fan_out) * (2 * u - 1)


def _standard_deviation_for_bound(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    return np.sqrt(2 / (fan_in + fan_out)) * (2 * u - 1)


def _factor_two_missing(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    return np.sqrt(3 / (fan_in + fan_out)) * (2 * u - 1)


def _variance_for_bound(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    return 2 / (fan_in + fan_out) * (2 * u - 1)


def _root_left_out(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    return 6 / (fan_in + fan_out) * (2 * u - 1)


def _not_centered(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    return np.sqrt(6 / (fan_in + fan_out)) * u


def _half_the_width(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    return np.sqrt(6 / (fan_in + fan_out)) * (u - 0.5)


def _transposed(fan_in: int, fan_out: int, u: np.ndarray) -> np.ndarray:
    return np.sqrt(6 / (fan_in + fan_out)) * (2 * u.T - 1)


_HAND_U = np.array([[0.0, 0.25], *[[0.5, 0.75]] * 20, [0.125, 0.875]])

XAVIER_UNIFORM = Exercise(
    id="xavier_uniform",
    unit="03",
    tier="further",
    title="Xavier's starting weights, uniform",
    minutes=8,
    difficulty=2,
    probe=Call(returns=("W",)),
    cases=_cases,
    criteria=(
        Criterion(
            "W",
            2,
            ("W",),
            # 6 / (22 + 2) = 1/4, so the bound is 1/2. Few entries, so that the report shows them.
            HandCase(
                {"fan_in": 22, "fan_out": 2, "u": _HAND_U},
                {"W": _HAND_U - 0.5},
            ),
        ),
    ),
    reference=xavier_uniform,
    alternatives=(_by_interpolation, _entry_by_entry),
    misconceptions=(
        Misconception(
            "fan_in_only",
            _fan_in_only,
            ("W",),
            "The bound knows only fan_in, and has He's factor. Xavier's variance is a compromise "
            "between the way forward and the way back. Which size counts on the way back?",
        ),
        Misconception(
            "fan_in_twice",
            _fan_in_twice,
            ("W",),
            "The bound knows only fan_in, as if the layer had as many outputs as inputs. For a "
            "layer that is not square the gradient asks for another size. What does Xavier's rule "
            "do with the two?",
        ),
        Misconception(
            "fan_out_only",
            _fan_out_only,
            ("W",),
            "The bound knows only fan_out. That would suit the gradient and leave the forward "
            "signal to itself. Which compromise takes both?",
        ),
        Misconception(
            "standard_deviation_for_bound",
            _standard_deviation_for_bound,
            ("W",),
            "±(the standard deviation) is taken for the ends of the interval, so the variance is "
            "a third of what it should be. The variance of U(−a, a) is a²/3. Which a follows?",
        ),
        Misconception(
            "factor_two_missing",
            _factor_two_missing,
            ("W",),
            "The bound is that for the variance 1 / (fan_in + fan_out). Xavier's variance is the "
            "one whose inverse is the *mean* of the two fans. How large is that?",
        ),
        Misconception(
            "variance_for_bound",
            _variance_for_bound,
            ("W",),
            "The wanted variance itself is taken for the end of the interval. Variance and length "
            "have different units: one is a square. The variance of U(−a, a) is a²/3. Which a "
            "follows?",
        ),
        Misconception(
            "root_left_out",
            _root_left_out,
            ("W",),
            "6 / (fan_in + fan_out) is a². The interval ends at a. Which step is missing?",
        ),
        Misconception(
            "not_centered",
            _not_centered,
            ("W",),
            "All weights are positive: u begins at 0, and only its width was changed. Weights of "
            "mean 0 keep the sums of a layer from growing with its size. What carries 0 to −a and "
            "1 to a?",
        ),
        Misconception(
            "half_the_width",
            _half_the_width,
            ("W",),
            "u − ½ runs from −½ to ½, so the weights reach only half the bound. By what must it be "
            "multiplied to run from −1 to 1?",
        ),
        Misconception(
            "transposed",
            _transposed,
            ("W",),
            "W comes back as (fan_out, fan_in). In this course x stands on the left, y = x W, so "
            "the rows of W belong to the inputs. Which shape has u already?",
        ),
    ),
    hints=(
        Hint(
            "I do not know how to get from u to W",
            "Two steps. First stretch and shift u, which fills the interval from 0 to 1, so that "
            "it fills the one from −1 to 1: where must 0 go, and where ½? Then multiply by the "
            "bound a.",
            (),
            ("problem", "type", "shape"),
        ),
        Hint(
            "All entries are off by the same factor",
            "The wanted variance is 2 / (fan_in + fan_out), and a uniform distribution on (−a, a) "
            "has the variance a²/3. Set the two equal and solve for a. With fans of 22 and 2 the "
            "bound is ½.",
            ("W",),
            ("value",),
        ),
        Hint(
            "Some entries are right, others are not",
            "Look at the hand example: u = ½ must give 0, u = 0 the lower end and u = ¾ half of "
            "the upper end. Which of the three does your line miss? That tells whether the shift "
            "or the width is off.",
            ("W",),
        ),
    ),
    solution_note=(
        "Forward asks for Var(w) = 1/fan_in, backward for 1/fan_out; Glorot and Bengio take the\n"
        "variance whose inverse is the mean of the two: 2 / (fan_in + fan_out).\n"
        "For W uniform on (−a, a): Var = (1/2a) ∫ w² dw = a²/3, hence\n"
        "    a = √(3 · 2 / (fan_in + fan_out)) = √(6 / (fan_in + fan_out)).\n"
        "2u − 1 is uniform on (−1, 1), so W = a (2u − 1)."
    ),
)
