"""He's starting weights, from given normal numbers."""
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
    return Case({"fan_in": fan_in, "fan_out": fan_out, "z": rng.normal(size=(fan_in, fan_out))})


# ruff: ignore[unused-function-argument]  He's rule has no use for fan_out
def he_normal(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    """Return W (fan_in, fan_out) of variance 2 / fan_in, from standard normal z of that shape."""
    return z * np.sqrt(2 / fan_in)


# ruff: ignore[unused-function-argument]  He's rule has no use for fan_out
def _std_written_out(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    variance = 2.0 / fan_in
    std = variance**0.5
    return np.multiply(std, z)


def _entry_by_entry(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    W = np.empty((fan_in, fan_out))
    for i in range(fan_in):
        for k in range(fan_out):
            W[i, k] = z[i, k] / (fan_in / 2) ** 0.5
    return W


# ruff: ignore[unused-function-argument]  as above
def _variance_for_standard_deviation(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    return z * 2 / fan_in


# ruff: ignore[unused-function-argument]  as above
def _root_of_the_denominator_only(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    return z * 2 / np.sqrt(fan_in)


# ruff: ignore[unused-function-argument]  as above
def _factor_two_missing(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    return z / np.sqrt(fan_in)


# ruff: ignore[unused-function-argument]  the mistake
def _fan_out_for_fan_in(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    return z * np.sqrt(2 / fan_out)


def _xavier(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    return z * np.sqrt(2 / (fan_in + fan_out))


# ruff: ignore[unused-function-argument]  as above
def _root_of_the_numerator_only(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    return z * np.sqrt(2) / fan_in


# ruff: ignore[unused-function-argument]  as above
def _sample_standardized(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    return z / z.std() * np.sqrt(2 / fan_in)


# ruff: ignore[unused-function-argument]  as above
def _bound_of_the_uniform(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    return z * np.sqrt(6 / fan_in)


# ruff: ignore[unused-function-argument]  as above
def _transposed(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    return z.T * np.sqrt(2 / fan_in)


# ruff: ignore[unused-function-argument]  as above
def _scaled_in_place(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    z *= np.sqrt(2 / fan_in)
    return z


# ruff: ignore[unused-function-argument]  the mistake
def _numbers_of_its_own(fan_in: int, fan_out: int, z: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).normal(0, np.sqrt(2 / fan_in), size=(fan_in, fan_out))


HE_NORMAL = Exercise(
    id="he_normal",
    unit="03",
    tier="core",
    title="He's starting weights",
    minutes=6,
    difficulty=1,
    probe=Call(returns=("W",)),
    cases=_cases,
    criteria=(
        Criterion(
            "W",
            2,
            ("W",),
            HandCase(
                {
                    "fan_in": 8,
                    "fan_out": 2,
                    "z": np.array([
                        [1.0, -2.0],
                        [0.0, 4.0],
                        [-1.0, 0.5],
                        [2.0, 2.0],
                        [-3.0, 1.0],
                        [0.5, 0.0],
                        [1.5, -1.0],
                        [-2.0, 3.0],
                    ]),
                },
                {
                    "W": np.array([
                        [0.5, -1.0],
                        [0.0, 2.0],
                        [-0.5, 0.25],
                        [1.0, 1.0],
                        [-1.5, 0.5],
                        [0.25, 0.0],
                        [0.75, -0.5],
                        [-1.0, 1.5],
                    ])
                },
            ),
        ),
    ),
    reference=he_normal,
    alternatives=(_std_written_out, _entry_by_entry),
    misconceptions=(
        Misconception(
            "variance_for_standard_deviation",
            _variance_for_standard_deviation,
            ("W",),
            "z is multiplied by the wanted *variance*. Multiplying a random number by c multiplies "
            "its variance by c². Which c then gives the variance that is wanted?",
        ),
        Misconception(
            "root_of_the_denominator_only",
            _root_of_the_denominator_only,
            ("W",),
            "The root is taken of fan_in alone, and the 2 stands outside. The standard deviation "
            "is the root of the whole variance. What must stand under the root?",
        ),
        Misconception(
            "root_of_the_numerator_only",
            _root_of_the_numerator_only,
            ("W",),
            "The root is taken of 2 alone, and fan_in stands outside. The standard deviation is "
            "the root of the whole variance. What must stand under the root?",
        ),
        Misconception(
            "sample_standardized",
            _sample_standardized,
            ("W",),
            "z is divided by its own standard deviation first. The variance 1 is that of the "
            "distribution it was drawn from; a small sample differs from it by chance, and may. "
            "What is left to do with z as it is?",
        ),
        Misconception(
            "factor_two_missing",
            _factor_two_missing,
            ("W",),
            "The weights have the variance 1/fan_in. That keeps the signal of a linear layer; "
            "behind each layer a ReLU sets half of the values to zero. What share of the mean "
            "square is left, and what makes up for it?",
        ),
        Misconception(
            "fan_out_for_fan_in",
            _fan_out_for_fan_in,
            ("W",),
            "The weights are scaled by the number of outputs. He's rule, in the form used here, "
            "keeps the size of what is added up on the way forward. Over how many inputs does a "
            "unit sum?",
        ),
        Misconception(
            "xavier",
            _xavier,
            ("W",),
            "This is Xavier's variance, 2 / (fan_in + fan_out): the compromise for units without "
            "ReLU. Which of the two fans does He's rule name, and what stands for the other?",
        ),
        Misconception(
            "bound_of_the_uniform",
            _bound_of_the_uniform,
            ("W",),
            "√(6/fan_in) is the *bound* of a uniform distribution whose variance is right. z is "
            "normal and has the variance 1 already. How large must its factor be?",
        ),
        Misconception(
            "transposed",
            _transposed,
            ("W",),
            "W comes back as (fan_out, fan_in). In this course x stands on the left, y = x W, so "
            "the rows of W belong to the inputs. Which shape has z already?",
        ),
        Misconception(
            "scaled_in_place",
            _scaled_in_place,
            ("W",),
            "The numbers are right, but `*=` wrote them into the caller's z. Whoever draws z once "
            "to compare two rules with the same numbers can no longer. How do you get an array of "
            "your own?",
        ),
        Misconception(
            "numbers_of_its_own",
            _numbers_of_its_own,
            ("W",),
            "The function draws random numbers itself and leaves z aside. The caller hands z in, "
            "so that a run can be repeated exactly. What is left to do with z?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "z holds normal numbers of mean 0 and variance 1, one for each weight, already in the "
            "shape of W. Only their size must change: the result is z times one number. The rule "
            "above names the variance that the weights shall have.",
            (),
            ("problem", "type", "shape"),
        ),
        Hint(
            "W is wrong, perhaps by the same factor everywhere",
            "For a number c, the variance of c·z is c² times the variance of z, which is 1. So c² "
            "must equal the wanted variance. Try it with fan_in = 8, where the factor is ½. If no "
            "one factor carries your entries into the expected ones, are they made from z at all? "
            "No random number is drawn here.",
            ("W",),
            ("value",),
        ),
        Hint(
            "The hand example is right, the random cases are not",
            "The hand example has 8 inputs and 2 outputs. Write down which of the two sizes your "
            "factor uses, and compare with the rule. Does the answer change if you draw twice? "
            "Then a random number is drawn inside.",
            ("W",),
        ),
    ),
    solution_note=(
        "A unit before its ReLU sums fan_in products w·x with independent weights of mean 0:\n"
        "    E[z²] = fan_in · Var(w) · E[x²]\n"
        "z is symmetric around 0, and x = max(z, 0) of the layer before keeps half of the mean\n"
        "square: E[x²] = ½ E[z²]. So from layer to layer E[z²] is multiplied by\n"
        "    fan_in · Var(w) · ½ = 1    ⇔    Var(w) = 2 / fan_in.\n"
        "A factor c on standard normal numbers gives the variance c²; hence c = √(2 / fan_in)."
    ),
)
