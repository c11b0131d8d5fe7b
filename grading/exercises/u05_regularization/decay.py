"""One step of gradient descent with weight decay."""
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


def _case(rng: np.random.Generator, n_biases: int) -> Case:
    """Draw a large rate and a large strength, so that no mistake hides behind a small product."""
    size = int(rng.integers(4, 10)) + n_biases
    return Case({
        "theta": rng.uniform(0.5, 2.0, size=size) * rng.choice([-1.0, 1.0], size=size),
        "grad": rng.uniform(0.5, 2.0, size=size) * rng.choice([-1.0, 1.0], size=size),
        "is_weight": rng.permutation(np.arange(size) >= n_biases),
        "lr": float(rng.uniform(0.2, 0.6)),
        "strength": float(rng.uniform(0.2, 0.6)),
    })


def _weights_only(rng: np.random.Generator) -> Case:
    return _case(rng, n_biases=0)


def _with_biases(rng: np.random.Generator) -> Case:
    return _case(rng, n_biases=3)


def weight_decay_step(
    theta: np.ndarray, grad: np.ndarray, is_weight: np.ndarray, lr: float, strength: float
) -> np.ndarray:
    """Return theta after one step: weights times 1 − 2 η λ, then minus η g."""
    factor = np.where(is_weight, 1 - 2 * lr * strength, 1.0)
    return factor * theta - lr * grad


def _by_the_penalty(
    theta: np.ndarray, grad: np.ndarray, is_weight: np.ndarray, lr: float, strength: float
) -> np.ndarray:
    whole = grad + 2 * strength * theta * is_weight
    return theta - lr * whole


def _in_two_steps(
    theta: np.ndarray, grad: np.ndarray, is_weight: np.ndarray, lr: float, strength: float
) -> np.ndarray:
    new = theta.astype(float)
    new[is_weight] -= 2 * lr * strength * theta[is_weight]
    new -= lr * grad
    return new


def _not_scaled_by_the_rate(
    theta: np.ndarray, grad: np.ndarray, is_weight: np.ndarray, lr: float, strength: float
) -> np.ndarray:
    factor = np.where(is_weight, 1 - 2 * strength, 1.0)
    return factor * theta - lr * grad


def _decay_after_the_step(
    theta: np.ndarray, grad: np.ndarray, is_weight: np.ndarray, lr: float, strength: float
) -> np.ndarray:
    factor = np.where(is_weight, 1 - 2 * lr * strength, 1.0)
    return factor * (theta - lr * grad)


def _factor_without_two(
    theta: np.ndarray, grad: np.ndarray, is_weight: np.ndarray, lr: float, strength: float
) -> np.ndarray:
    factor = np.where(is_weight, 1 - lr * strength, 1.0)
    return factor * theta - lr * grad


def _biases_decay(
    theta: np.ndarray,
    grad: np.ndarray,
    is_weight: np.ndarray,  # ruff: ignore[unused-function-argument]  # never asked
    lr: float,
    strength: float,
) -> np.ndarray:
    return (1 - 2 * lr * strength) * theta - lr * grad


def _weights_grow(
    theta: np.ndarray, grad: np.ndarray, is_weight: np.ndarray, lr: float, strength: float
) -> np.ndarray:
    factor = np.where(is_weight, 1 + 2 * lr * strength, 1.0)
    return factor * theta - lr * grad


def _factor_is_what_is_lost(
    theta: np.ndarray, grad: np.ndarray, is_weight: np.ndarray, lr: float, strength: float
) -> np.ndarray:
    factor = np.where(is_weight, 2 * lr * strength, 1.0)
    return factor * theta - lr * grad


def _uphill(
    theta: np.ndarray, grad: np.ndarray, is_weight: np.ndarray, lr: float, strength: float
) -> np.ndarray:
    factor = np.where(is_weight, 1 - 2 * lr * strength, 1.0)
    return factor * theta + lr * grad


def _theta_changed(
    theta: np.ndarray, grad: np.ndarray, is_weight: np.ndarray, lr: float, strength: float
) -> np.ndarray:
    theta[is_weight] *= 1 - 2 * lr * strength
    theta -= lr * grad
    return theta


_BOTH = ("weights", "biases")

WEIGHT_DECAY_STEP = Exercise(
    id="weight_decay_step",
    unit="05",
    tier="further",
    title="A step with weight decay",
    minutes=8,
    difficulty=2,
    probe=Call(returns=("new_theta",)),
    cases=_weights_only,
    criteria=(
        Criterion(
            "weights",
            2,
            ("new_theta",),
            HandCase(
                {
                    "theta": np.array([10.0, -4.0]),
                    "grad": np.array([2.0, 3.0]),
                    "is_weight": np.array([True, True]),
                    "lr": 0.5,
                    "strength": 0.2,
                },
                {"new_theta": np.array([7.0, -4.7])},
            ),
        ),
        Criterion(
            "biases",
            1,
            ("new_theta",),
            HandCase(
                {
                    "theta": np.array([10.0, -4.0, 6.0]),
                    "grad": np.array([2.0, 3.0, 1.0]),
                    "is_weight": np.array([True, True, False]),
                    "lr": 0.5,
                    "strength": 0.2,
                },
                {"new_theta": np.array([7.0, -4.7, 5.5])},
            ),
            draw=_with_biases,
        ),
    ),
    reference=weight_decay_step,
    alternatives=(_by_the_penalty, _in_two_steps),
    misconceptions=(
        Misconception(
            "not_scaled_by_the_rate",
            _not_scaled_by_the_rate,
            _BOTH,
            "The weights shrink by the same factor whatever the learning rate. The penalty is part "
            "of the loss, and its gradient goes through the same step as the rest. Which number "
            "multiplies a gradient in a step?",
        ),
        Misconception(
            "decay_after_the_step",
            _decay_after_the_step,
            _BOTH,
            "The factor is applied to the weights after the gradient step, so it shrinks that step "
            "too. The gradient of λw² is taken where the step begins. What must the factor "
            "multiply?",
        ),
        Misconception(
            "factor_without_two",
            _factor_without_two,
            _BOTH,
            "The factor is 1 − ηλ. That belongs to the penalty ½λΣw². Ours has no ½: what is the "
            "derivative of λw²?",
        ),
        Misconception(
            "biases_decay",
            _biases_decay,
            ("biases",),
            "The biases shrink, too. They are no part of the penalty, so their step is the plain "
            "one. Which argument tells them apart?",
        ),
        Misconception(
            "weights_grow",
            _weights_grow,
            _BOTH,
            "The weights grow: the factor is above 1. The penalty's gradient points away from "
            "zero, and the step subtracts it. Which sign remains?",
        ),
        Misconception(
            "factor_is_what_is_lost",
            _factor_is_what_is_lost,
            _BOTH,
            "The weights are multiplied by the part that should be taken away. With a small rate "
            "almost nothing would remain of them. How much of w is left if a tenth is lost?",
        ),
        Misconception(
            "uphill",
            _uphill,
            _BOTH,
            "The step goes up the loss: the gradient is added. Gradients point uphill. What does "
            "gradient descent do with them?",
        ),
        Misconception(
            "theta_changed",
            _theta_changed,
            _BOTH,
            "The values are right, but the caller's `theta` has been overwritten: `theta -= …` "
            "works in the array that was handed in. What does `theta - …` do instead?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Write the whole loss, L + λΣw², and its gradient: g + 2λw for a weight, g alone for a "
            "bias. Then the plain step, θ − η · gradient, and collect what multiplies w.",
            (),
            ("problem", "type", "shape", "inputs"),
        ),
        Hint(
            "The weights are wrong",
            "Put numbers in: w = 10, g = 2, η = 0.5, λ = 0.2. The gradient of λw² is 4, so the "
            "whole gradient is 6 and the step 3: from 10 to 7. Which factor of 10, together with "
            "−ηg = −1, gives 7?",
            ("weights",),
        ),
        Hint(
            "It fails only where biases are among the parameters",
            "A bias takes the plain step. `np.where(is_weight, a, b)` picks a for weights and b "
            "for biases: which factor leaves a number as it is?",
            ("biases",),
        ),
    ),
    solution_note=(
        "The loss with penalty is L + λΣw², and its gradient for a weight is g + 2λw. One step:\n"
        "    w ← w − η (g + 2λw) = (1 − 2ηλ) w − η g\n"
        "Before the gradient acts, each weight decays by the factor 1 − 2ηλ: hence the name. This\n"
        "holds for plain gradient descent. With momentum the two differ a little, with Adam\n"
        "much, because Adam divides the penalty's gradient as well (unit 07 measures it)."
    ),
)
