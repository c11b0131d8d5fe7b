"""Soft thresholding: the proximal step of the L1 penalty."""
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


def _all_outside(rng: np.random.Generator) -> Case:
    """Draw weights in three axes, all larger than the threshold, of both signs."""
    shape = rng.choice(np.arange(2, 6), size=3, replace=False)
    threshold = float(rng.uniform(0.2, 0.6))
    w = rng.uniform(1.3, 4.0, size=shape.prod()) * threshold
    w[:2] = rng.uniform(1.2, 1.8, size=2) * threshold  # so that once less the step is within it
    signs = rng.permutation(np.arange(w.size) % 2) * 2.0 - 1.0
    return Case({"w": (w * signs).reshape(shape), "threshold": threshold})


def _inside_and_outside(rng: np.random.Generator) -> Case:
    """Draw one row of both signs on both sides of the threshold, on it, and an exact zero."""
    n = int(rng.integers(12, 30))
    threshold = float(rng.uniform(0.2, 0.6))
    sizes = np.where(
        rng.permutation(np.arange(n) % 2 == 0),
        rng.uniform(0.1, 0.8, size=n),
        rng.uniform(1.3, 4.0, size=n),
    )
    w = sizes * threshold * rng.choice([-1.0, 1.0], size=n)
    w[:8] = threshold * np.array([0.5, -0.5, 0.0, 1.0, -1.0, 1.5, -1.5, -3.0])
    return Case({"w": rng.permutation(w), "threshold": threshold})


def soft_threshold(w: np.ndarray, threshold: float) -> np.ndarray:
    """Return sign(w) max(|w| − threshold, 0), entry by entry."""
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0.0)


def _by_clipping(w: np.ndarray, threshold: float) -> np.ndarray:
    return w - np.clip(w, -threshold, threshold)


def _by_cases(w: np.ndarray, threshold: float) -> np.ndarray:
    u = np.zeros(w.shape)
    above, below = w > threshold, w < -threshold
    u[above] = w[above] - threshold
    u[below] = w[below] + threshold
    return u


def _number_by_number(w: np.ndarray, threshold: float) -> np.ndarray:
    u = [0.0 if abs(x) <= threshold else x * (1 - threshold / abs(x)) for x in w.ravel()]
    return np.array(u).reshape(w.shape)


def _hard_threshold(w: np.ndarray, threshold: float) -> np.ndarray:
    return np.where(np.abs(w) > threshold, w, 0.0)


def _steps_over_zero(w: np.ndarray, threshold: float) -> np.ndarray:
    return w - threshold * np.sign(w)


def _sign_lost(w: np.ndarray, threshold: float) -> np.ndarray:
    return np.maximum(np.abs(w) - threshold, 0.0)


def _negative_lost(w: np.ndarray, threshold: float) -> np.ndarray:
    return np.maximum(w - threshold, 0.0)


def _clipped(w: np.ndarray, threshold: float) -> np.ndarray:
    return np.clip(w, -threshold, threshold)


def _shrunk_by_a_factor(w: np.ndarray, threshold: float) -> np.ndarray:
    return np.where(np.abs(w) > threshold, w * (1 - threshold), 0.0)


def _same_number_subtracted(w: np.ndarray, threshold: float) -> np.ndarray:
    return np.where(np.abs(w) > threshold, w - threshold, 0.0)


def _small_ones_kept(w: np.ndarray, threshold: float) -> np.ndarray:
    return np.where(np.abs(w) > threshold, w - threshold * np.sign(w), w)


def _written_in_place(w: np.ndarray, threshold: float) -> np.ndarray:
    w[np.abs(w) <= threshold] = 0.0
    w -= threshold * np.sign(w)
    return w


def _zeroed_after_the_step(w: np.ndarray, threshold: float) -> np.ndarray:
    u = w - threshold * np.sign(w)
    u[np.abs(u) < threshold] = 0.0
    return u


def _zero_takes_a_step(w: np.ndarray, threshold: float) -> np.ndarray:
    return np.where(w > 0, w - threshold, w + threshold)


def _only_positives_stop(w: np.ndarray, threshold: float) -> np.ndarray:
    return np.where(w > 0, np.maximum(w - threshold, 0.0), w + threshold)


def _size_turned_positive(w: np.ndarray, threshold: float) -> np.ndarray:
    return np.sign(w) * np.abs(np.abs(w) - threshold)


def _every_weight_by_a_factor(w: np.ndarray, threshold: float) -> np.ndarray:
    return w * (1 - threshold)


_BOTH = ("shrinks", "zeros")

SOFT_THRESHOLD = Exercise(
    id="soft_threshold",
    unit="05",
    tier="core",
    title="The step that makes zeros",
    minutes=8,
    difficulty=2,
    probe=Call(returns=("u",)),
    cases=_all_outside,
    criteria=(
        Criterion(
            "shrinks",
            1,
            ("u",),
            HandCase(
                {"w": np.array([[3.0, -2.25, 1.5], [-4.0, 2.5, -1.25]]), "threshold": 1.0},
                {"u": np.array([[2.0, -1.25, 0.5], [-3.0, 1.5, -0.25]])},
            ),
        ),
        Criterion(
            "zeros",
            2,
            ("u",),
            HandCase(
                {"w": np.array([[3.0, -0.5, 0.75], [-2.5, 0.0, -0.25]]), "threshold": 1.0},
                {"u": np.array([[2.0, 0.0, 0.0], [-1.5, 0.0, 0.0]])},
            ),
            draw=_inside_and_outside,
        ),
    ),
    reference=soft_threshold,
    alternatives=(_by_clipping, _by_cases, _number_by_number),
    misconceptions=(
        Misconception(
            "hard_threshold",
            _hard_threshold,
            _BOTH,
            "Small weights become 0, but the others stay as they are. The penalty pulls at the "
            "large ones just as hard. For w = 3 and threshold 1, where is ½ (u − 3)² + u smallest?",
        ),
        Misconception(
            "steps_over_zero",
            _steps_over_zero,
            ("zeros",),
            "Each weight moves toward zero by the threshold, but the small ones come out on the "
            "other side: 0.5 becomes −0.5. That is why the gradient of |w| never gives a zero. "
            "Where must the move end?",
        ),
        Misconception(
            "sign_lost",
            _sign_lost,
            _BOTH,
            "All results are positive. The size is shrunk rightly, but a negative weight must stay "
            "negative. Which NumPy function tells the sign of each entry?",
        ),
        Misconception(
            "negative_lost",
            _negative_lost,
            _BOTH,
            "Every negative weight becomes 0: this is a ReLU that opens at the threshold. Toward "
            "zero means down for positive weights. Which way is it for −3?",
        ),
        Misconception(
            "clipped",
            _clipped,
            _BOTH,
            "This cuts large weights back to the threshold and leaves the small ones alone. It is "
            "just the part that should be taken away. What remains of w without it?",
        ),
        Misconception(
            "shrunk_by_a_factor",
            _shrunk_by_a_factor,
            _BOTH,
            "The large weights are multiplied by (1 − threshold), as an L2 penalty would do. L1 "
            "pulls at every weight with the same force. By how much does 3 move, and by how much "
            "−2?",
        ),
        Misconception(
            "same_number_subtracted",
            _same_number_subtracted,
            _BOTH,
            "The threshold is subtracted from negative weights too, so −2 becomes −3 and moves "
            "away from zero. In which direction does zero lie for a negative number?",
        ),
        Misconception(
            "small_ones_kept",
            _small_ones_kept,
            ("zeros",),
            "The large weights move rightly, the small ones stay where they were. They too are "
            "pulled toward zero, and they get there before the pull is used up. What is left?",
        ),
        Misconception(
            "zeroed_after_the_step",
            _zeroed_after_the_step,
            _BOTH,
            "You subtract first, and then set to 0 whatever is now small. Weights between one "
            "and two thresholds away from zero are lost with it: with threshold 1, what becomes "
            "of 1.5 in your two steps? Which size decides, the one before the step or the one "
            "after it?",
        ),
        Misconception(
            "zero_takes_a_step",
            _zero_takes_a_step,
            ("zeros",),
            "Each weight moves by the threshold, and the small ones come out on the other side; "
            "even an exact 0 is moved. It has reached the goal already. Where is ½ (u − w)² + "
            "threshold · |u| smallest for w = 0, and for w = 0.5?",
        ),
        Misconception(
            "only_positives_stop",
            _only_positives_stop,
            ("zeros",),
            "Small positive weights end at 0, small negative ones cross it. For w < 0 "
            "everything is mirrored, the stop included. Which function keeps a number from "
            "going above 0?",
        ),
        Misconception(
            "size_turned_positive",
            _size_turned_positive,
            ("zeros",),
            "Where |w| − threshold is negative, `abs` makes it positive, so a small weight "
            "bounces back from zero: with threshold 1, 0.25 even grows to 0.75. What should a "
            "negative size become instead?",
        ),
        Misconception(
            "every_weight_by_a_factor",
            _every_weight_by_a_factor,
            _BOTH,
            "Every weight is multiplied by the same factor, as an L2 penalty does it. Then none "
            "ever becomes 0. By how much must 3 move, and by how much −2, until the slope of "
            "the sum is zero?",
        ),
        Misconception(
            "written_in_place",
            _written_in_place,
            _BOTH,
            "The values are right, but they are written into the caller's `w`. Whoever passed it "
            "in may still need it. How do you get an array of your own?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin, or `if` stops with an error",
            "Take one number first: w = 3, threshold 1. For u > 0 the function to be minimized is "
            "½ (u − 3)² + u; set its derivative to zero. Do the same for w = −3 with u < 0, and "
            "for w = 0.5, where neither side has a zero. Then write it for arrays of any shape, "
            "with np.sign, np.abs, np.maximum or np.where rather than `if`.",
            (),
            ("problem", "type", "shape", "inputs"),
        ),
        Hint(
            "Weights beyond the threshold are wrong",
            "Compare three of them, threshold 1: your derivative is zero at u = 2 for w = 3, at −3 "
            "for w = −4, at 0.5 for w = 1.5. How far has each moved, and which way? If only the "
            "last is wrong, the decision which weights become 0 was taken too late.",
            ("shrinks",),
        ),
        Hint(
            "Weights within the threshold are not 0",
            "The size |w| − threshold is negative for such a weight, and a size cannot be "
            "negative. Which function keeps a number from going below 0? Then give the sign back.",
            ("zeros",),
        ),
    ),
    solution_note=(
        "We look for the u that makes ½ (u − w)² + τ |u| smallest, with τ = threshold.\n"
        "    for u > 0 the derivative is u − w + τ: zero at u = w − τ, which needs w > τ\n"
        "    for u < 0 the derivative is u − w − τ: zero at u = w + τ, which needs w < −τ\n"
        "For |w| ≤ τ neither exists, and the minimum sits at the kink, u = 0, exactly. Together\n"
        "    u = sign(w) max(|w| − τ, 0)\n"
        "which is also w minus w clipped to [−τ, τ]. After a gradient step of the loss with\n"
        "rate η, the threshold for the penalty λΣ|w| is τ = η λ."
    ),
)
