"""The L1 penalty and its sub-gradient."""
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


def _without_zeros(rng: np.random.Generator) -> Case:
    n_weights, n_biases = rng.choice(np.arange(3, 8), size=2, replace=False)
    size = n_weights + n_biases
    is_weight = rng.permutation(np.arange(size) < n_weights)
    signs = rng.choice([-1.0, 1.0], size=size)
    first, second, *_ = np.flatnonzero(is_weight)
    signs[first] = -signs[second]  # weights of both signs
    theta = signs * rng.uniform(0.3, 2.0, size=size)
    theta[[first, second]] *= np.array([1e-2, 1e-4])  # small is not zero
    return Case({"theta": theta, "is_weight": is_weight, "strength": float(rng.uniform(0.1, 0.6))})


def _with_zeros(rng: np.random.Generator) -> Case:
    case = _without_zeros(rng)
    theta, weights = case.inputs["theta"].copy(), np.flatnonzero(case.inputs["is_weight"])
    theta[rng.choice(weights, size=2, replace=False)] = 0.0
    return Case({**case.inputs, "theta": theta})


def l1_penalty(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    """Return λ Σ|w| over the weights and its sub-gradient, shaped like theta, 0 at w = 0."""
    penalty = strength * np.sum(np.abs(theta[is_weight]))
    gradient = strength * np.sign(theta) * is_weight
    return penalty, gradient


def _by_where(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    push = np.where(theta > 0, strength, np.where(theta < 0, -strength, 0.0))
    gradient = np.where(is_weight, push, 0.0)
    return float(gradient @ theta), gradient


def _number_by_number(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    penalty, gradient = 0.0, np.zeros(theta.shape)
    for i, (value, weight) in enumerate(zip(theta, is_weight, strict=True)):
        if weight and value != 0:
            penalty += strength * abs(value)
            gradient[i] = strength if value > 0 else -strength
    return penalty, gradient


def _gradient_proportional_to_w(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta * is_weight
    return strength * np.sum(np.abs(w)), strength * w


def _sign_ignored(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta * is_weight
    return strength * np.sum(np.abs(w)), strength * is_weight.astype(float)


def _sum_without_sizes(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta * is_weight
    return strength * np.sum(w), strength * np.sign(w)


def _pushed_at_zero(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    gradient = strength * np.where(theta >= 0, 1.0, -1.0) * is_weight
    return strength * np.sum(np.abs(theta * is_weight)), gradient


def _divided_by_size(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta * is_weight
    gradient = np.where(is_weight, strength * theta / np.abs(theta), 0.0)
    return strength * np.sum(np.abs(w)), gradient


def _biases_penalized(
    theta: np.ndarray,
    is_weight: np.ndarray,  # ruff: ignore[unused-function-argument]  # never asked
    strength: float,
) -> tuple[float, np.ndarray]:
    return strength * np.sum(np.abs(theta)), strength * np.sign(theta)


def _mean_over_weights(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    n = is_weight.sum()
    w = theta * is_weight
    return strength * np.sum(np.abs(w)) / n, strength * np.sign(w) / n


def _biases_in_the_gradient(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    return strength * np.sum(np.abs(theta[is_weight])), strength * np.sign(theta)


def _pulled_down_at_zero(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    gradient = np.where(theta > 0, strength, -strength) * is_weight
    return strength * np.sum(np.abs(theta * is_weight)), gradient


_HAND = HandCase(
    {
        "theta": np.array([2.0, -3.0, 5.0, 0.5]),
        "is_weight": np.array([True, True, False, True]),
        "strength": 0.1,
    },
    {"penalty": 0.55, "gradient": np.array([0.1, -0.1, 0.0, 0.1])},
)
_ZERO_HAND = HandCase(
    {
        "theta": np.array([0.0, -3.0, 5.0, 0.5]),
        "is_weight": np.array([True, True, False, True]),
        "strength": 0.2,
    },
    {"gradient": np.array([0.0, -0.2, 0.0, 0.2])},
)
_BOTH = ("gradient", "at zero")
_ALL = ("penalty", "gradient", "at zero")

L1_PENALTY = Exercise(
    id="l1_penalty",
    unit="05",
    tier="further",
    title="The L1 penalty",
    minutes=8,
    difficulty=2,
    probe=Call(returns=("penalty", "gradient")),
    cases=_without_zeros,
    criteria=(
        Criterion("penalty", 1, ("penalty",), _HAND),
        Criterion("gradient", 1, ("gradient",), _HAND),
        Criterion("at zero", 1, ("gradient",), _ZERO_HAND, draw=_with_zeros),
    ),
    reference=l1_penalty,
    alternatives=(_by_where, _number_by_number),
    misconceptions=(
        Misconception(
            "gradient_proportional_to_w",
            _gradient_proportional_to_w,
            _BOTH,
            "The gradient grows with the weight, as that of a square does. |w| is a straight line "
            "on each side of zero. How steep is it at 0.5, and how steep at 3?",
        ),
        Misconception(
            "sign_ignored",
            _sign_ignored,
            _BOTH,
            "Every weight is pushed in the same direction, the negative ones too. If w = −3 grows, "
            "does |w| grow or fall?",
        ),
        Misconception(
            "sum_without_sizes",
            _sum_without_sizes,
            ("penalty",),
            "The weights are added with their signs, so that 2 and −3 nearly cancel. The penalty "
            "sums sizes. Which function gives the size of each entry?",
        ),
        Misconception(
            "pushed_at_zero",
            _pushed_at_zero,
            ("at zero",),
            "A weight that is exactly 0 gets the slope 1 and is pushed away from zero again. At "
            "the kink a convention decides. Which one stands between the triple quotes?",
        ),
        Misconception(
            "divided_by_size",
            _divided_by_size,
            ("at zero",),
            "w / |w| is the sign of w, except at w = 0, where it is 0/0 and gives NaN. Which "
            "NumPy function gives 1, −1 or 0?",
        ),
        Misconception(
            "biases_penalized",
            _biases_penalized,
            _ALL,
            "Every parameter counts, the biases too. Only weights are penalized. Which argument "
            "says what is a weight?",
        ),
        Misconception(
            "biases_in_the_gradient",
            _biases_in_the_gradient,
            _BOTH,
            "The penalty leaves the biases out, but the gradient pulls at them. If the penalty "
            "does not contain a number, how much does it change when that number moves?",
        ),
        Misconception(
            "pulled_down_at_zero",
            _pulled_down_at_zero,
            ("at zero",),
            "A weight that is exactly 0 is counted among the negative ones and gets the slope "
            "−λ. Two cases are too few for three kinds of numbers. What stands between the "
            "triple quotes about the third?",
        ),
        Misconception(
            "mean_over_weights",
            _mean_over_weights,
            _ALL,
            "The sizes are averaged over the weights. The penalty is a sum, so that each weight "
            "costs the same in a small and in a large network. Where does your division come from?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin, or the shapes do not fit",
            "`theta` is one long vector, `is_weight` says of each number whether it is a weight. "
            "The gradient is as long as theta and has 0 at the biases: multiplying with "
            "`is_weight` does that.",
            (),
            ("problem", "type", "shape"),
        ),
        Hint(
            "The numbers are off",
            "Draw |w|: a V. Right of zero it rises by 1 for each 1 of w, left of zero it falls by "
            "1, however far out. So the slope depends on the sign of w alone.",
            ("penalty", "gradient"),
        ),
        Hint(
            "It fails only where a weight is 0",
            "At the tip of the V every slope from −1 to 1 lies under the curve; each is called a "
            "sub-gradient. We take the one in the middle. np.sign knows it.",
            ("at zero",),
        ),
    ),
    solution_note=(
        "R(θ) = λ Σ|w| over the weights.\n"
        "    ∂R/∂w = λ sign(w)       with sign(0) = 0 by convention, and 0 for each bias\n"
        "The pull has the same strength for small and large weights, so it can bring a weight\n"
        "all the way to zero, which a pull proportional to w never does. But a step of fixed size\n"
        "does not stop at zero; the proximal step (soft_threshold) does."
    ),
)
