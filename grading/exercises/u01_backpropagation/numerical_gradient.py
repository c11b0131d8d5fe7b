"""The central difference, which checks every gradient written by hand."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

from collections.abc import Callable

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Misconception,
)
from grading.exercises._fixtures import FunctionFixture
from grading.probes import Call


def _quadratic_cases(rng: np.random.Generator) -> Case:
    p = int(rng.integers(3, 7))
    half = rng.normal(size=(p, p))
    A = half + half.T + 4.0 * np.eye(p)
    theta = rng.uniform(0.5, 3.0, size=p) * rng.choice([-1.0, 1.0], size=p)
    f = FunctionFixture("quadratic", {"A": A, "b": rng.normal(size=p)})
    return Case({"f": f, "theta": theta, "h": 0.1})


def _exponential_cases(rng: np.random.Generator) -> Case:
    p = int(rng.integers(3, 7))
    theta = rng.uniform(1.5, 3.0, size=p) * rng.choice([-1.0, 1.0], size=p)
    theta[rng.integers(p)] = rng.uniform(-0.5, 0.5)  # here the step is h itself
    w = rng.uniform(0.5, 1.2, size=p) * rng.choice([-1.0, 1.0], size=p)
    f = FunctionFixture("sum_of_exponentials", {"w": w})
    return Case({"f": f, "theta": theta, "h": 0.05})


def central_difference(
    f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float
) -> np.ndarray:
    """Return the gradient (P,) of f at theta (P,), with step h·max(1, |theta_i|) for entry i."""
    gradient = np.zeros(theta.size)
    for i in range(theta.size):
        step = h * max(1.0, abs(theta[i]))
        up, down = theta.copy(), theta.copy()
        up[i] += step
        down[i] -= step
        gradient[i] = (f(up) - f(down)) / (2 * step)
    return gradient


def _by_unit_vectors(f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float) -> np.ndarray:
    steps = h * np.maximum(1.0, np.abs(theta))
    moves = np.diag(steps)
    return np.array([
        (f(theta + m) - f(theta - m)) / (2 * s) for m, s in zip(moves, steps, strict=True)
    ])


def _moved_and_restored(
    f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float
) -> np.ndarray:
    theta = theta.copy()
    gradient = np.empty_like(theta)
    for i, kept in enumerate(theta.tolist()):
        step = h * max(1.0, abs(kept))
        theta[i] = kept + step
        above = f(theta)
        theta[i] = kept - step
        gradient[i] = (above - f(theta)) / (2 * step)
        theta[i] = kept
    return gradient


def _forward_difference(
    f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float
) -> np.ndarray:
    gradient = np.zeros(theta.size)
    for i in range(theta.size):
        step = h * max(1.0, abs(theta[i]))
        up = theta.copy()
        up[i] += step
        gradient[i] = (f(up) - f(theta)) / step
    return gradient


def _theta_not_restored(
    f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float
) -> np.ndarray:
    gradient = np.zeros(theta.size)
    for i in range(theta.size):
        step = h * max(1.0, abs(theta[i]))
        theta[i] += step
        above = f(theta)
        theta[i] -= 2 * step
        gradient[i] = (above - f(theta)) / (2 * step)
    return gradient


def _coordinate_not_restored(
    f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float
) -> np.ndarray:
    moved = theta.copy()
    gradient = np.zeros(theta.size)
    for i in range(theta.size):
        step = h * max(1.0, abs(theta[i]))
        moved[i] += step
        above = f(moved)
        moved[i] -= 2 * step
        gradient[i] = (above - f(moved)) / (2 * step)
    return gradient


def _step_not_scaled(f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float) -> np.ndarray:
    gradient = np.zeros(theta.size)
    for i in range(theta.size):
        up, down = theta.copy(), theta.copy()
        up[i] += h
        down[i] -= h
        gradient[i] = (f(up) - f(down)) / (2 * h)
    return gradient


def _step_without_floor(
    f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float
) -> np.ndarray:
    gradient = np.zeros(theta.size)
    for i in range(theta.size):
        step = h * abs(theta[i])
        up, down = theta.copy(), theta.copy()
        up[i] += step
        down[i] -= step
        gradient[i] = (f(up) - f(down)) / (2 * step)
    return gradient


def _divided_by_one_step(
    f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float
) -> np.ndarray:
    gradient = np.zeros(theta.size)
    for i in range(theta.size):
        step = h * max(1.0, abs(theta[i]))
        up, down = theta.copy(), theta.copy()
        up[i] += step
        down[i] -= step
        gradient[i] = (f(up) - f(down)) / step
    return gradient


def _all_coordinates_at_once(
    f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float
) -> np.ndarray:
    steps = h * np.maximum(1.0, np.abs(theta))
    return (f(theta + steps) - f(theta - steps)) / (2 * steps)


def _up_and_down_are_one_array(
    f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float
) -> np.ndarray:
    gradient = np.zeros(theta.size)
    for i in range(theta.size):
        step = h * max(1.0, abs(theta[i]))
        up = down = theta.copy()
        up[i] += step
        down[i] -= step
        gradient[i] = (f(up) - f(down)) / (2 * step)
    return gradient


def _returned_after_the_first_entry(
    f: "Callable[[np.ndarray], float]", theta: np.ndarray, h: float
) -> np.ndarray:
    gradient = np.zeros(theta.size)
    for i in range(theta.size):
        step = h * max(1.0, abs(theta[i]))
        up, down = theta.copy(), theta.copy()
        up[i] += step
        down[i] -= step
        gradient[i] = (f(up) - f(down)) / (2 * step)
        return gradient
    return gradient


_QUADRATIC_HAND = HandCase(
    {
        "f": FunctionFixture(
            "quadratic",
            {
                "A": np.array([[2.0, 1.0, 0.0], [1.0, 4.0, 0.0], [0.0, 0.0, 6.0]]),
                "b": np.array([1.0, 1.0, -1.0]),
            },
        ),
        "theta": np.array([1.0, -2.0, 3.0]),
        "h": 0.1,
    },
    # A θ + b, whatever the step: a parabola's chord is parallel to the tangent at its middle
    {"gradient": np.array([1.0, -6.0, 17.0])},
)

# sinh(ln 2) = 3/4. With h = ½ ln 2 the steps are ½ ln 2, ln 2, 2 ln 2, each times its rate ln 2.
_EXPONENTIAL_HAND = HandCase(
    {
        "f": FunctionFixture("sum_of_exponentials", {"w": np.array([2.0, 1.0, 0.5])}),
        "theta": np.array([0.0, 2.0, -4.0]),
        "h": 0.5 * np.log(2),
    },
    {
        "gradient": np.array([
            1.5 / np.log(2),
            0.75 * np.exp(2.0) / np.log(2),
            0.375 * np.exp(-2.0) / np.log(2),
        ])
    },
)

CENTRAL_DIFFERENCE = Exercise(
    id="central_difference",
    unit="01",
    tier="further",
    title="A gradient by central differences",
    minutes=12,
    difficulty=3,
    probe=Call(returns=("gradient",)),
    cases=_quadratic_cases,
    criteria=(
        Criterion("quadratic", 2, ("gradient",), _QUADRATIC_HAND),
        Criterion("step", 1, ("gradient",), _EXPONENTIAL_HAND, draw=_exponential_cases),
    ),
    reference=central_difference,
    alternatives=(_by_unit_vectors, _moved_and_restored),
    misconceptions=(
        Misconception(
            "forward_difference",
            _forward_difference,
            ("quadratic", "step"),
            "You step up only. A forward difference errs in proportion to h, a central one to h²; "
            "on a parabola the central one is exact. Where is the second point?",
        ),
        Misconception(
            "theta_not_restored",
            _theta_not_restored,
            ("quadratic", "step"),
            "`theta` is moved in place and stays moved. The caller's parameters have changed, and "
            "each later derivative is taken at another point. What do you step on instead?",
        ),
        Misconception(
            "coordinate_not_restored",
            _coordinate_not_restored,
            ("quadratic",),
            "You work on a copy, but a coordinate stays moved when the next one is tried. A "
            "partial derivative moves one coordinate and holds all others at theta. When is it put "
            "back?",
        ),
        Misconception(
            "step_not_scaled",
            _step_not_scaled,
            ("step",),
            "Every coordinate takes the same step h. Beside a parameter of 10,000 a step of 1e-6 "
            "drowns in rounding. What does the text between the triple quotes multiply h with?",
        ),
        Misconception(
            "step_without_floor",
            _step_without_floor,
            ("step",),
            "The step is h times |theta_i|, so it vanishes where a parameter is 0. Many are at the "
            "start of training: all biases. Which lower bound stands between the triple quotes?",
        ),
        Misconception(
            "divided_by_one_step",
            _divided_by_one_step,
            ("quadratic", "step"),
            "Every entry is twice what it should be. From theta − step to theta + step, how far is "
            "it?",
        ),
        Misconception(
            "all_coordinates_at_once",
            _all_coordinates_at_once,
            ("quadratic", "step"),
            "All coordinates move at the same time, so f changes by the sum of all effects. An "
            "entry of the gradient is about one coordinate. How many calls of f does a gradient "
            "need?",
        ),
        Misconception(
            "up_and_down_are_one_array",
            _up_and_down_are_one_array,
            ("quadratic", "step"),
            "Every entry is 0, as if f saw the same point twice. After `down = up` both names mean "
            "one array, and the step down undoes the step up. How many copies of theta do two "
            "points need?",
        ),
        Misconception(
            "returned_after_the_first_entry",
            _returned_after_the_first_entry,
            ("quadratic", "step"),
            "Only the first entry is filled: the `return` stands inside the loop, which ends with "
            "it. How far must `return` be indented to run after the loop?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "One coordinate at a time: a copy of theta a little higher in coordinate i, another a "
            "little lower, and the slope between the two values of f. A loop over i fills the "
            "gradient.",
        ),
        Hint(
            "The quadratic is off",
            "On a parabola the central difference has no error at all, so look for a plain slip: "
            "is every other coordinate at theta? Is theta unchanged at the end? What is the "
            "distance between your two points?",
            ("quadratic",),
        ),
        Hint(
            "The quadratic is right, the exponentials are not",
            "For coordinate i: step = h · max(…, |theta_i|). up = copy with + step, down = copy "
            "with − step, entry = (f(up) − f(down)) / (2 · step). The text between the triple "
            "quotes states what fills the dots.",
            ("step",),
        ),
    ),
    solution_note=(
        "Taylor on both sides of θ, along coordinate i:\n"
        "    f(θ ± s) = f(θ) ± s f' + s²/2 f'' ± s³/6 f''' + …\n"
        "Subtracting removes f(θ) and f'':\n"
        "    (f(θ + s) − f(θ − s)) / 2s = f' + s²/6 f''' + …\n"
        "The error falls with s², and is 0 for a quadratic; the forward difference keeps s/2 f''.\n"
        "Rounding adds about ε|f|/s, so the best s is near ε^(1/3), about 6e-6 in float64; a\n"
        "smaller one is worse. The step grows with |θ_i|, because s must be large beside the\n"
        "spacing of floats at θ_i. A gradient costs 2P calls: fit for checking, not for training."
    ),
)
