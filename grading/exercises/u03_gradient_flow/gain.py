"""By what a layer multiplies the mean square of the gradient on its way back."""

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


def _sizes(rng: np.random.Generator) -> tuple[int, int, float]:
    """Draw fans that differ by a third or more, and weights that give z a spread from ½ to 2."""
    fan_in, fan_out = (int(n) for n in rng.choice([20, 30, 45, 70, 110], size=2, replace=False))
    spread = float(rng.choice([rng.uniform(0.5, 0.85), rng.uniform(1.2, 2.0)]))
    return fan_in, fan_out, spread**2 / fan_in


def _piecewise(rng: np.random.Generator) -> Case:
    fan_in, fan_out, var_w = _sizes(rng)
    name = str(rng.choice(["linear", "relu"]))
    return Case({"fan_in": fan_in, "fan_out": fan_out, "var_w": var_w, "activation": name})


def _curved(rng: np.random.Generator) -> Case:
    fan_in, fan_out, var_w = _sizes(rng)
    name = str(rng.choice(["tanh", "sigmoid"]))
    return Case({"fan_in": fan_in, "fan_out": fan_out, "var_w": var_w, "activation": name})


def gradient_gain(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    """Return E[φ'(z)²] · fan_out · var_w with z normal of mean 0 and variance fan_in · var_w."""
    std = np.sqrt(fan_in * var_w)
    z = std * np.linspace(-8, 8, 2000)  # an even number of points leaves out the kink at 0
    density = np.exp(-((z / std) ** 2) / 2)
    density /= density.sum()
    slopes = {
        "linear": np.ones_like(z),
        "relu": (z > 0).astype(float),
        "tanh": 1 - np.tanh(z) ** 2,
        "sigmoid": 0.25 / np.cosh(z / 2) ** 2,
    }
    return float(np.sum(density * slopes[activation] ** 2) * fan_out * var_w)


def _closed_form_or_quadrature(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    if activation == "linear":
        return fan_out * var_w
    if activation == "relu":
        return fan_out * var_w / 2
    nodes, weights = np.polynomial.hermite_e.hermegauss(150)
    z = nodes * np.sqrt(fan_in * var_w)
    if activation == "tanh":
        slope = 1 / np.cosh(z) ** 2
    else:
        y = 1 / (1 + np.exp(-z))
        slope = y * (1 - y)
    mean_square = (weights * slope**2).sum() / weights.sum()
    return float(mean_square * fan_out * var_w)


def _by_summing(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    std = np.sqrt(fan_in * var_w)
    total = weight = 0.0
    for i in range(1600):
        t = -8 + (i + 0.5) / 100  # z in units of its standard deviation
        z, p = std * t, np.exp(-t * t / 2)
        if activation == "linear":
            slope = 1.0
        elif activation == "relu":
            slope = 1.0 if z > 0 else 0.0
        elif activation == "tanh":
            slope = 1 - np.tanh(z) ** 2
        else:
            slope = 1 / (2 + np.exp(z) + np.exp(-z))
        total, weight = total + p * slope**2, weight + p
    return float(total / weight * fan_out * var_w)


# ruff: ignore[unused-function-argument]  the mistake
def _fan_in_for_fan_out(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    std = np.sqrt(fan_in * var_w)
    z = std * np.linspace(-8, 8, 2000)
    density = np.exp(-((z / std) ** 2) / 2)
    density /= density.sum()
    slopes = {
        "linear": np.ones_like(z),
        "relu": (z > 0).astype(float),
        "tanh": 1 - np.tanh(z) ** 2,
        "sigmoid": 0.25 / np.cosh(z / 2) ** 2,
    }
    return float(np.sum(density * slopes[activation] ** 2) * fan_in * var_w)


# ruff: ignore[unused-function-argument]  the mistake
def _slope_at_zero(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    slope = {"linear": 1.0, "relu": 0.5, "tanh": 1.0, "sigmoid": 0.25}[activation]
    return slope**2 * fan_out * var_w


# ruff: ignore[unused-function-argument]  the mistake
def _largest_slope(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    slope = {"linear": 1.0, "relu": 1.0, "tanh": 1.0, "sigmoid": 0.25}[activation]
    return slope**2 * fan_out * var_w


def _square_of_the_mean(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    std = np.sqrt(fan_in * var_w)
    z = std * np.linspace(-8, 8, 2000)
    density = np.exp(-((z / std) ** 2) / 2)
    density /= density.sum()
    slopes = {
        "linear": np.ones_like(z),
        "relu": (z > 0).astype(float),
        "tanh": 1 - np.tanh(z) ** 2,
        "sigmoid": 0.25 / np.cosh(z / 2) ** 2,
    }
    return float(np.sum(density * slopes[activation]) ** 2 * fan_out * var_w)


def _slope_not_squared(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    std = np.sqrt(fan_in * var_w)
    z = std * np.linspace(-8, 8, 2000)
    density = np.exp(-((z / std) ** 2) / 2)
    density /= density.sum()
    slopes = {
        "linear": np.ones_like(z),
        "relu": (z > 0).astype(float),
        "tanh": 1 - np.tanh(z) ** 2,
        "sigmoid": 0.25 / np.cosh(z / 2) ** 2,
    }
    return float(np.sum(density * slopes[activation]) * fan_out * var_w)


def _value_for_slope(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    std = np.sqrt(fan_in * var_w)
    z = std * np.linspace(-8, 8, 2000)
    density = np.exp(-((z / std) ** 2) / 2)
    density /= density.sum()
    values = {
        "linear": z,
        "relu": np.maximum(z, 0),
        "tanh": np.tanh(z),
        "sigmoid": 1 / (1 + np.exp(-z)),
    }
    return float(np.sum(density * values[activation] ** 2) * fan_out * var_w)


# ruff: ignore[unused-function-argument]  the mistake
def _unit_variance(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    std = 1.0
    z = std * np.linspace(-8, 8, 2000)
    density = np.exp(-((z / std) ** 2) / 2)
    density /= density.sum()
    slopes = {
        "linear": np.ones_like(z),
        "relu": (z > 0).astype(float),
        "tanh": 1 - np.tanh(z) ** 2,
        "sigmoid": 0.25 / np.cosh(z / 2) ** 2,
    }
    return float(np.sum(density * slopes[activation] ** 2) * fan_out * var_w)


def _variance_for_spread(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    std = fan_in * var_w
    z = std * np.linspace(-8, 8, 2000)
    density = np.exp(-((z / std) ** 2) / 2)
    density /= density.sum()
    slopes = {
        "linear": np.ones_like(z),
        "relu": (z > 0).astype(float),
        "tanh": 1 - np.tanh(z) ** 2,
        "sigmoid": 0.25 / np.cosh(z / 2) ** 2,
    }
    return float(np.sum(density * slopes[activation] ** 2) * fan_out * var_w)


def _root_taken(fan_in: int, fan_out: int, var_w: float, activation: str) -> float:
    std = np.sqrt(fan_in * var_w)
    z = std * np.linspace(-8, 8, 2000)
    density = np.exp(-((z / std) ** 2) / 2)
    density /= density.sum()
    slopes = {
        "linear": np.ones_like(z),
        "relu": (z > 0).astype(float),
        "tanh": 1 - np.tanh(z) ** 2,
        "sigmoid": 0.25 / np.cosh(z / 2) ** 2,
    }
    return float(np.sqrt(np.sum(density * slopes[activation] ** 2) * fan_out * var_w))


GRADIENT_GAIN = Exercise(
    id="gradient_gain",
    unit="03",
    tier="further",
    title="What one layer does to the gradient",
    minutes=20,
    difficulty=4,
    probe=Call(returns=("gain",)),
    cases=_piecewise,
    criteria=(
        Criterion(
            "piecewise_linear",
            1,
            ("gain",),
            HandCase(
                {"fan_in": 50, "fan_out": 100, "var_w": 0.04, "activation": "relu"}, {"gain": 2.0}
            ),
        ),
        # With weights so small that z hardly leaves 0 the slope is φ'(0) = 1/4: a gain of 1/16
        # of fan_out · var_w. A spread of 0.001 moves it by 1e-6 of itself.
        Criterion(
            "curved",
            2,
            ("gain",),
            HandCase(
                {"fan_in": 25, "fan_out": 80, "var_w": 4e-8, "activation": "sigmoid"},
                {"gain": 2e-7},
            ),
            draw=_curved,
        ),
    ),
    reference=gradient_gain,
    alternatives=(_closed_form_or_quadrature, _by_summing),
    misconceptions=(
        Misconception(
            "fan_in_for_fan_out",
            _fan_in_for_fan_out,
            ("piecewise_linear", "curved"),
            "The gain counts fan_in terms. That is the sum on the way forward. On the way back an "
            "input collects from every unit it feeds. How many are those?",
        ),
        Misconception(
            "slope_at_zero",
            _slope_at_zero,
            ("piecewise_linear", "curved"),
            "The slope is taken at z = 0 only, with ½ for ReLU. z is spread around 0, and the "
            "slope differs from place to place. Over what must its square be averaged?",
        ),
        Misconception(
            "largest_slope",
            _largest_slope,
            ("piecewise_linear", "curved"),
            "The largest slope is taken for all z. It bounds the gain from above, but most units "
            "stand elsewhere on their curve. What share of the ReLU units have the slope 1?",
        ),
        Misconception(
            "square_of_the_mean",
            _square_of_the_mean,
            ("piecewise_linear", "curved"),
            "The mean of the slope is squared; asked for is the mean of its square. For ReLU, with "
            "slopes 0 and 1 half of the time each, that is ¼ against ½. Which comes first?",
        ),
        Misconception(
            "slope_not_squared",
            _slope_not_squared,
            ("curved",),
            "The slope is averaged without its square. The gain is about the mean *square* of the "
            "gradient, and each entry is multiplied by the slope. Why can ReLU not show the "
            "difference?",
        ),
        Misconception(
            "value_for_slope",
            _value_for_slope,
            ("piecewise_linear", "curved"),
            "φ(z)² is averaged, the value of the activation. That is the question of the way "
            "forward. By what is a gradient multiplied when it passes an activation?",
        ),
        Misconception(
            "unit_variance",
            _unit_variance,
            ("curved",),
            "z is taken to have variance 1 whatever the weights. Larger weights push z outward, "
            "where sigmoid and tanh are flat. What is the variance of a sum of fan_in products?",
        ),
        Misconception(
            "variance_for_spread",
            _variance_for_spread,
            ("curved",),
            "The variance fan_in · var_w is used as the standard deviation of z. By which function "
            "do the two differ?",
        ),
        Misconception(
            "root_taken",
            _root_taken,
            ("piecewise_linear", "curved"),
            "This is the factor for the size of the gradient, the root of the gain. Asked for is "
            "the factor for its mean square. Which step came too many?",
        ),
    ),
    hints=(
        Hint(
            "I do not know how to compute the expected value",
            "E[f(z)] for a normal z is an integral, and a sum over a fine grid is enough. Take "
            "z = std · t with t from −8 to 8 in small steps, weigh each point with exp(−t²/2), and "
            "divide by the sum of the weights. NumPy is enough for it.",
            (),
            ("problem", "type"),
        ),
        Hint(
            "relu and linear are wrong",
            "Both can be done in the head: the slope of linear is always 1, that of ReLU is 1 for "
            "half of the z and 0 for the other half. So E[φ'²] is 1 and ½. What remains is "
            "fan_out · var_w.",
            ("piecewise_linear",),
        ),
        Hint(
            "tanh and sigmoid are wrong",
            "Three things to look at. The standard deviation of z is √(fan_in · var_w). The slope "
            "of tanh is 1 − tanh², that of the sigmoid σ(1 − σ). The slope is squared before the "
            "mean is taken.",
            ("curved",),
        ),
    ),
    solution_note=(
        "dx_i = Σ_k W_ik φ'(z_k) dy_k has fan_out terms. With weights independent of the rest and\n"
        "of mean 0 the mixed terms vanish in the mean square:\n"
        "    E[dx²] = fan_out · var_w · E[φ'(z)²] · E[dy²]\n"
        "z sums fan_in products of weights and inputs of mean square 1, so it is close to normal\n"
        "with variance fan_in · var_w. Then E[φ'²] = ∫ φ'(z)² p(z) dz: 1 for linear, ½ for ReLU,\n"
        "and a sum over a grid for the rest. Over D layers the mean square changes by gain^D."
    ),
    rtol=1e-2,
    atol=1e-14,
)
