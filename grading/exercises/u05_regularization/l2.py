"""The L2 penalty and its gradient."""
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


def _weights_only(rng: np.random.Generator) -> Case:
    size = int(rng.integers(5, 12))
    theta = rng.uniform(0.3, 2.0, size=size) * rng.choice([-1.0, 1.0], size=size)
    return Case({
        "theta": theta,
        "is_weight": np.ones(size, dtype=bool),
        "strength": float(rng.uniform(0.05, 0.4)),
    })


def _weights_and_biases(rng: np.random.Generator) -> Case:
    n_weights, n_biases = rng.choice(np.arange(3, 8), size=2, replace=False)
    size = n_weights + n_biases
    return Case({
        "theta": rng.uniform(0.3, 2.0, size=size) * rng.choice([-1.0, 1.0], size=size),
        "is_weight": rng.permutation(np.arange(size) < n_weights),
        "strength": float(rng.uniform(0.05, 0.4)),
    })


def l2_penalty(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    """Return λ Σw² over the weights and its gradient, shaped like theta."""
    weights = np.where(is_weight, theta, 0.0)
    penalty = strength * np.sum(weights**2)
    gradient = 2 * strength * weights
    return penalty, gradient


def _by_selection(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta[is_weight]
    gradient = np.zeros(theta.shape)
    gradient[is_weight] = 2 * strength * w
    return strength * (w @ w), gradient


def _number_by_number(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    penalty, gradient = 0.0, np.zeros(len(theta))
    for i in range(len(theta)):
        if is_weight[i]:
            penalty += strength * theta[i] * theta[i]
            gradient[i] = strength * (theta[i] + theta[i])
    return penalty, gradient


def _biases_penalized(
    theta: np.ndarray,
    is_weight: np.ndarray,  # ruff: ignore[unused-function-argument]  # never asked
    strength: float,
) -> tuple[float, np.ndarray]:
    return strength * np.sum(theta**2), 2 * strength * theta


def _biases_in_the_gradient(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    return strength * np.sum(theta[is_weight] ** 2), 2 * strength * theta


def _half_convention(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta * is_weight
    return 0.5 * strength * np.sum(w**2), strength * w


def _gradient_without_two(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta * is_weight
    return strength * np.sum(w**2), strength * w


def _gradient_downhill(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta * is_weight
    return strength * np.sum(w**2), -2 * strength * w


def _mean_over_weights(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta * is_weight
    n = is_weight.sum()
    return strength * np.sum(w**2) / n, 2 * strength * w / n


def _norm_not_squared(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta * is_weight
    norm = np.sqrt(np.sum(w**2))
    return strength * norm, strength * w / norm


def _weights_selected(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta[is_weight]
    return strength * np.sum(w**2), 2 * strength * w


def _theta_changed(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    theta[~is_weight] = 0.0
    theta *= 2 * strength
    return np.sum(theta**2) / (4 * strength), theta


def _squared_after_summing(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    total = np.sum(theta * is_weight)
    return strength * total**2, 2 * strength * total * is_weight


def _strength_missing_in_the_gradient(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta * is_weight
    return strength * np.sum(w**2), 2 * w


def _biases_in_the_penalty(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    return strength * np.sum(theta**2), 2 * strength * theta * is_weight


def _biases_instead_of_weights(
    theta: np.ndarray, is_weight: np.ndarray, strength: float
) -> tuple[float, np.ndarray]:
    w = theta * ~is_weight
    return strength * np.sum(w**2), 2 * strength * w


_PLAIN_HAND = HandCase(
    {
        "theta": np.array([2.0, -3.0, 1.0]),
        "is_weight": np.array([True, True, True]),
        "strength": 0.1,
    },
    {"penalty": 1.4, "gradient": np.array([0.4, -0.6, 0.2])},
)
_BIAS_HAND = HandCase(
    {
        "theta": np.array([2.0, -3.0, 5.0, 1.0]),
        "is_weight": np.array([True, True, False, True]),
        "strength": 0.1,
    },
    {"penalty": 1.4, "gradient": np.array([0.4, -0.6, 0.0, 0.2])},
)
_ALL = ("penalty", "gradient", "biases")

L2_PENALTY = Exercise(
    id="l2_penalty",
    unit="05",
    tier="core",
    title="The L2 penalty",
    minutes=8,
    difficulty=1,
    probe=Call(returns=("penalty", "gradient")),
    cases=_weights_only,
    criteria=(
        Criterion("penalty", 1, ("penalty",), _PLAIN_HAND),
        Criterion("gradient", 1, ("gradient",), _PLAIN_HAND),
        Criterion("biases", 1, ("penalty", "gradient"), _BIAS_HAND, draw=_weights_and_biases),
    ),
    reference=l2_penalty,
    alternatives=(_by_selection, _number_by_number),
    misconceptions=(
        Misconception(
            "biases_penalized",
            _biases_penalized,
            ("biases",),
            "Every parameter is squared, the biases too. A bias only moves a unit's threshold and "
            "cannot make the function steep. Which argument says what is a weight?",
        ),
        Misconception(
            "biases_in_the_gradient",
            _biases_in_the_gradient,
            ("biases",),
            "The penalty leaves the biases out, but the gradient pulls at them. If the penalty "
            "does not contain a number, how much does it change when that number moves?",
        ),
        Misconception(
            "biases_in_the_penalty",
            _biases_in_the_penalty,
            ("biases",),
            "The gradient leaves the biases out, the penalty counts them. A gradient of 0 says "
            "that the penalty does not depend on them. Which entries belong to the sum?",
        ),
        Misconception(
            "biases_instead_of_weights",
            _biases_instead_of_weights,
            _ALL,
            "Only the biases are penalized: the mask is turned round. `is_weight` is True where "
            "the entry is a weight. What does `~` do to it?",
        ),
        Misconception(
            "squared_after_summing",
            _squared_after_summing,
            _ALL,
            "The weights are summed first and the sum is squared, so 3 and −3 cost nothing "
            "together. Each weight should pay for itself. In which order do the square and the sum "
            "come?",
        ),
        Misconception(
            "strength_missing_in_the_gradient",
            _strength_missing_in_the_gradient,
            ("gradient", "biases"),
            "The penalty has the factor λ, its gradient has not. If the penalty is made ten times "
            "as strong, what happens to its slope?",
        ),
        Misconception(
            "half_convention",
            _half_convention,
            _ALL,
            "Both are half of what is asked: this is ½λΣw², as some books write it. The text "
            "between the triple quotes has no ½. Which power of 2 does the derivative then keep?",
        ),
        Misconception(
            "gradient_without_two",
            _gradient_without_two,
            ("gradient", "biases"),
            "The penalty is right, the gradient half of its derivative. Push w = 3 up to 3.01: by "
            "how much does w² grow, and by how much would your slope let it grow?",
        ),
        Misconception(
            "gradient_downhill",
            _gradient_downhill,
            ("gradient", "biases"),
            "The gradient has the opposite sign. Gradients point up the loss, and the optimizer "
            "subtracts them. For a positive w, does w² grow or fall when w grows?",
        ),
        Misconception(
            "mean_over_weights",
            _mean_over_weights,
            _ALL,
            "The squares are averaged over the weights. The penalty is a sum: a larger network "
            "pays for more weights. Which word in the formula did the division come from?",
        ),
        Misconception(
            "norm_not_squared",
            _norm_not_squared,
            _ALL,
            "This is λ times the length of the weight vector: a root was taken. The penalty is "
            "the sum of squares itself. What is its value for w = (3, 4) and λ = 1, 5 or 25?",
        ),
        Misconception(
            "weights_selected",
            _weights_selected,
            ("biases",),
            "The gradient has an entry for each weight only, so it no longer fits `theta`. The "
            "optimizer subtracts it from the whole vector. Which number belongs at a bias?",
        ),
        Misconception(
            "theta_changed",
            _theta_changed,
            _ALL,
            "The numbers are right, but `theta` was overwritten on the way: the network's "
            "parameters are gone. `theta *= …` works in the caller's array. What does "
            "`theta * …` do instead?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin, or the shapes do not fit",
            "`theta` is one long vector with all parameters of the network, `is_weight` says of "
            "each whether it is a weight. `theta * is_weight` has 0 at the biases and is as long "
            "as theta. From it both results follow.",
            (),
            ("problem", "type", "shape", "inputs"),
        ),
        Hint(
            "The numbers are off by a factor, or the sign is opposite",
            "Take one weight, w = 3, and λ = 0.1. The penalty is 0.1 · 9 = 0.9. For w = 3.01 it "
            "is 0.1 · 9.0601 = 0.90601, so it has grown by 0.00601 for 0.01. That is the slope "
            "which the gradient must hold: which formula in w and λ gives it?",
            ("penalty", "gradient"),
            ("value",),
        ),
        Hint(
            "It works until biases come in",
            "A number that the penalty does not contain has the derivative 0. Look at the entries "
            "of the hand example where `is_weight` is False: the penalty must not grow with them, "
            "and the gradient must be exactly 0 there.",
            ("biases",),
        ),
    ),
    solution_note=(
        "R(θ) = λ Σ w², the sum over the weights only. Each weight stands in one term:\n"
        "    ∂R/∂w = 2 λ w          and 0 for each bias\n"
        "The pull is proportional to w: large weights are pulled hard, small ones hardly, and\n"
        "none becomes exactly 0 by it. Books differ by a factor ½. It only renames λ, but a λ\n"
        "from elsewhere must be translated before it is used: λ/2 Σw² is our λ halved."
    ),
)
