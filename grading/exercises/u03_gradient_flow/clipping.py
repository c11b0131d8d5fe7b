"""Clip a gradient by its global norm."""

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
from grading.exercises.u03_gradient_flow.turns import turn
from grading.probes import Call


def _gradients(rng: np.random.Generator) -> list[np.ndarray]:
    a, b, c = (int(n) for n in rng.choice(np.arange(2, 7), size=3, replace=False))
    gradients = [rng.normal(size=(a, b)), rng.normal(size=b), rng.normal(size=(b, c, 2))]
    # One tensor far longer than the others, as an exploding layer has: per tensor would differ.
    gradients[int(rng.integers(3))] *= 10.0
    return gradients


def _norm(gradients: list[np.ndarray]) -> float:
    return float(np.sqrt(sum(np.sum(g**2) for g in gradients)))


def _too_long(rng: np.random.Generator) -> Case:
    gradients = _gradients(rng)
    if turn(rng, 2) == 0:
        # As short as late in a training: a constant added to the norm shows.
        length = float(rng.uniform(0.008, 0.012))
        gradients = [g * (length / norm) for norm in [_norm(gradients)] for g in gradients]
    return Case({
        "gradients": gradients,
        "max_norm": _norm(gradients) * float(rng.uniform(0.02, 0.7)),
    })


def _zero(rng: np.random.Generator) -> Case:
    gradients = [np.zeros_like(g) for g in _gradients(rng)]
    return Case({"gradients": gradients, "max_norm": float(rng.uniform(0.5, 3.0))})


def _short_enough(rng: np.random.Generator) -> Case:
    gradients = _gradients(rng)
    return Case({
        "gradients": gradients,
        "max_norm": _norm(gradients) * float(rng.uniform(1.05, 1.6)),
    })


def clip_by_global_norm(
    gradients: list[np.ndarray], max_norm: float
) -> tuple[list[np.ndarray], float]:
    """Return the gradients, scaled down to max_norm if longer together, and their norm before."""
    norm = float(np.sqrt(sum(np.sum(g**2) for g in gradients)))
    scale = max_norm / norm if norm > max_norm else 1.0
    return [scale * g for g in gradients], norm


def _one_long_vector(
    gradients: list[np.ndarray], max_norm: float
) -> tuple[list[np.ndarray], float]:
    flat = np.concatenate([np.ravel(g) for g in gradients])
    norm = float(np.linalg.norm(flat))
    flat = flat / max(1.0, norm / max_norm)
    clipped, begin = [], 0
    for g in gradients:
        clipped.append(flat[begin : begin + g.size].reshape(g.shape))
        begin += g.size
    return clipped, norm


def _early_return(gradients: list[np.ndarray], max_norm: float) -> tuple[list[np.ndarray], float]:
    total = 0.0
    for g in gradients:
        total += float(np.vdot(g, g))
    if total <= max_norm**2:
        return [g.copy() for g in gradients], total**0.5
    clipped = []
    for g in gradients:
        clipped.append(g * max_norm / total**0.5)  # ruff: ignore[manual-list-comprehension]  step by step, as a beginner would
    return clipped, total**0.5


def _per_tensor(gradients: list[np.ndarray], max_norm: float) -> tuple[list[np.ndarray], float]:
    norm = float(np.sqrt(sum(np.sum(g**2) for g in gradients)))
    clipped = []
    for g in gradients:
        length = np.sqrt(np.sum(g**2))
        clipped.append(g * max_norm / length if length > max_norm else g)
    return clipped, norm


def _by_value(gradients: list[np.ndarray], max_norm: float) -> tuple[list[np.ndarray], float]:
    norm = float(np.sqrt(sum(np.sum(g**2) for g in gradients)))
    return [np.clip(g, -max_norm, max_norm) for g in gradients], norm


def _always_scaled(gradients: list[np.ndarray], max_norm: float) -> tuple[list[np.ndarray], float]:
    norm = float(np.sqrt(sum(np.sum(g**2) for g in gradients)))
    return [g * max_norm / max(norm, 1e-12) for g in gradients], norm


def _only_normalized(
    gradients: list[np.ndarray], max_norm: float
) -> tuple[list[np.ndarray], float]:
    norm = float(np.sqrt(sum(np.sum(g**2) for g in gradients)))
    return [g / norm if norm > max_norm else g for g in gradients], norm


def _root_missing(gradients: list[np.ndarray], max_norm: float) -> tuple[list[np.ndarray], float]:
    norm = float(sum(np.sum(g**2) for g in gradients))
    scale = max_norm / norm if norm > max_norm else 1.0
    return [scale * g for g in gradients], norm


def _norms_added(gradients: list[np.ndarray], max_norm: float) -> tuple[list[np.ndarray], float]:
    norm = float(sum(np.sqrt(np.sum(g**2)) for g in gradients))
    scale = max_norm / norm if norm > max_norm else 1.0
    return [scale * g for g in gradients], norm


def _largest_norm(gradients: list[np.ndarray], max_norm: float) -> tuple[list[np.ndarray], float]:
    norm = float(max(np.sqrt(np.sum(g**2)) for g in gradients))
    scale = max_norm / norm if norm > max_norm else 1.0
    return [scale * g for g in gradients], norm


def _clipped_norm_returned(
    gradients: list[np.ndarray], max_norm: float
) -> tuple[list[np.ndarray], float]:
    norm = float(np.sqrt(sum(np.sum(g**2) for g in gradients)))
    scale = max_norm / norm if norm > max_norm else 1.0
    return [scale * g for g in gradients], scale * norm


def _constant_added(gradients: list[np.ndarray], max_norm: float) -> tuple[list[np.ndarray], float]:
    norm = float(np.sqrt(sum(np.sum(g**2) for g in gradients)))
    scale = min(1.0, max_norm / (norm + 1e-6))
    return [scale * g for g in gradients], norm


def _divided_by_zero(
    gradients: list[np.ndarray], max_norm: float
) -> tuple[list[np.ndarray], float]:
    norm = float(np.sqrt(sum(np.sum(g**2) for g in gradients)))
    scale = min(1.0, max_norm / norm)
    return [scale * g for g in gradients], norm


def _changed_in_place(
    gradients: list[np.ndarray], max_norm: float
) -> tuple[list[np.ndarray], float]:
    norm = float(np.sqrt(sum(np.sum(g**2) for g in gradients)))
    if norm > max_norm:
        for g in gradients:
            g *= max_norm / norm
    return gradients, norm


def _norm_of_the_list(
    gradients: list[np.ndarray], max_norm: float
) -> tuple[list[np.ndarray], float]:
    norm = float(np.linalg.norm(gradients))  # the mistake
    scale = max_norm / norm if norm > max_norm else 1.0
    return [scale * g for g in gradients], norm


def _one_vector_returned(gradients: list[np.ndarray], max_norm: float) -> tuple[np.ndarray, float]:
    flat = np.concatenate([g.ravel() for g in gradients])
    norm = float(np.linalg.norm(flat))
    return flat * max_norm / norm if norm > max_norm else flat, norm


# 3² + 4² + 12² = 13²; a limit of 6.5 halves everything.
_LONG_HAND = HandCase(
    {
        "gradients": [np.array([[3.0, 0.0], [0.0, -4.0]]), np.array([0.0, 12.0, 0.0])],
        "max_norm": 6.5,
    },
    {
        "clipped": [np.array([[1.5, 0.0], [0.0, -2.0]]), np.array([0.0, 6.0, 0.0])],
        "norm": 13.0,
    },
)
_SHORT_HAND = HandCase(
    {
        "gradients": [np.array([[1.0, -2.0, 2.0], [4.0, 0.0, 0.0]]), np.array([0.0, 12.0])],
        "max_norm": 15.0,
    },
    {
        "clipped": [np.array([[1.0, -2.0, 2.0], [4.0, 0.0, 0.0]]), np.array([0.0, 12.0])],
        "norm": 13.0,
    },
)
_ZERO_HAND = HandCase(
    {"gradients": [np.zeros((2, 3)), np.zeros(4)], "max_norm": 1.0},
    {"clipped": [np.zeros((2, 3)), np.zeros(4)], "norm": 0.0},
)

CLIP_BY_GLOBAL_NORM = Exercise(
    id="clip_by_global_norm",
    unit="03",
    tier="core",
    title="Clip a gradient by its global norm",
    minutes=10,
    difficulty=2,
    probe=Call(returns=("clipped", "norm")),
    cases=_too_long,
    criteria=(
        Criterion("norm", 1, ("norm",), _LONG_HAND),
        Criterion("long_gradients", 2, ("clipped",), _LONG_HAND),
        Criterion("short_gradients", 1, ("clipped",), _SHORT_HAND, draw=_short_enough),
        Criterion("zero_gradients", 1, ("clipped", "norm"), _ZERO_HAND, draw=_zero),
    ),
    reference=clip_by_global_norm,
    alternatives=(_one_long_vector, _early_return),
    misconceptions=(
        Misconception(
            "per_tensor",
            _per_tensor,
            ("long_gradients",),
            "Each array is clipped by itself. Long ones shrink, short ones stay, so the step "
            "points in another direction than the gradient did. What must be the same for all "
            "arrays, if the direction shall stay?",
        ),
        Misconception(
            "by_value",
            _by_value,
            ("long_gradients",),
            "Every entry is cut off at ±max_norm. That bounds entries, not the length, and turns "
            "the gradient toward a diagonal. What could you multiply all entries with instead?",
        ),
        Misconception(
            "always_scaled",
            _always_scaled,
            ("short_gradients",),
            "Short gradients are stretched to max_norm too. Near a minimum gradients are short, "
            "and that is what makes the steps end. When must a gradient stay as it is?",
        ),
        Misconception(
            "only_normalized",
            _only_normalized,
            ("long_gradients",),
            "A long gradient comes back with the length 1, whatever max_norm is. How long should "
            "it be?",
        ),
        Misconception(
            "root_missing",
            _root_missing,
            ("norm", "long_gradients", "short_gradients"),
            "The sum of squares is taken for the length. Pythagoras has one more step. How long is "
            "the vector (3, 4)?",
        ),
        Misconception(
            "norms_added",
            _norms_added,
            ("norm", "long_gradients", "short_gradients"),
            "The lengths of the arrays are added. Walk 3 east and 4 north: you are 5 from home, "
            "not 7. What is it that adds up in right-angled directions?",
        ),
        Misconception(
            "largest_norm",
            _largest_norm,
            ("norm", "long_gradients"),
            "The length of the longest array is taken for the whole. The others count as well, and "
            "a network has many. What is the length of all entries together, as one vector?",
        ),
        Misconception(
            "clipped_norm_returned",
            _clipped_norm_returned,
            ("norm",),
            "The norm that is returned is the one after clipping, and so never above max_norm. "
            "Whoever watches a training wants to see how long the gradients were. Which value did "
            "you have at the beginning?",
        ),
        Misconception(
            "constant_added",
            _constant_added,
            ("long_gradients",),
            "The clipped gradients are a little shorter than max_norm, as if a small constant were "
            "added to the norm. PyTorch adds 1e-6, against a division by 0; a gradient of length "
            "0.01 feels it. If you compare first, what can the norm no longer be where you divide?",
        ),
        Misconception(
            "divided_by_zero",
            _divided_by_zero,
            ("zero_gradients",),
            "The factor is computed also where nothing needs clipping, and a gradient of zeros has "
            "the norm 0: the division fails. A network whose units are all dead has such a "
            "gradient. Which comparison can come before the division?",
        ),
        Misconception(
            "changed_in_place",
            _changed_in_place,
            ("norm", "long_gradients"),
            "The values are right, but they were written into the caller's arrays. Libraries do "
            "this to save memory and say so; here the given arrays must stay. Which form of "
            "multiplication makes a new array?",
        ),
        Misconception(
            "norm_of_the_list",
            _norm_of_the_list,
            ("norm", "long_gradients", "short_gradients", "zero_gradients"),
            "`np.linalg.norm` is given the whole list. It wants one array, and arrays of different "
            "shapes do not fit into one. What can you take from each array by itself, and add up?",
        ),
        Misconception(
            "one_vector_returned",
            _one_vector_returned,
            ("long_gradients", "short_gradients", "zero_gradients"),
            "All entries come back in one vector. The optimizer needs one gradient for each "
            "parameter, in its shape. Which arrays do you multiply, if you leave the shapes alone?",
        ),
    ),
    hints=(
        Hint(
            "The norm is wrong, or I do not know how to get one from several arrays",
            "Think of all entries of all arrays as one long vector. Its length is the root of the "
            "sum of all squares. The sum may be taken array by array: `np.sum(g ** 2)` for each, "
            "then added, and one step more. What is returned is the norm *before* clipping.",
            ("norm",),
        ),
        Hint(
            "The norm is right, the clipped gradients are not",
            "One number multiplies every entry of every array: only then the direction stays. The "
            "length after it must be max_norm. What number carries a vector of length 13 to length "
            "6.5?",
            ("long_gradients",),
        ),
        Hint(
            "Short gradients change, or a zero gradient gives nan",
            "Clipping shortens and never lengthens. So the factor is below 1 if the norm exceeds "
            "max_norm, and 1 otherwise. Decide this by comparing, before anything is divided: the "
            "norm may be 0.",
            ("short_gradients", "zero_gradients"),
        ),
    ),
    solution_note=(
        "With all gradients as one vector g:\n"
        "    ‖g‖ = √(Σ over all arrays and entries of g²)\n"
        "    g ← g · min(1, max_norm / ‖g‖)\n"
        "One factor for everything keeps the direction and thereby the property that a short\n"
        "enough step goes down the loss. Comparing before dividing also keeps ‖g‖ = 0 harmless.\n"
        "The norm before clipping is returned because it is what one plots to choose max_norm."
    ),
)
