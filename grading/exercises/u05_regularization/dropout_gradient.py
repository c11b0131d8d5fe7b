"""Dropout, backward: the same mask, the same factor."""
# mypy: disable-error-code="no-any-return"
# NumPy types arithmetic on bare ndarrays as Any; answers keep the annotations of a notebook.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Misconception,
    Property,
)
from grading.probes import Call


def _case(rng: np.random.Generator, *, training: bool) -> Case:
    n, d = rng.choice(np.arange(5, 10), size=2, replace=False)
    low, high = ((0.2, 0.4), (0.6, 0.8))[int(rng.integers(2))]
    rate = float(rng.uniform(low, high))
    kept = np.ones(n * d, dtype=bool)
    if training:
        kept = rng.permutation(np.arange(n * d) >= round(rate * n * d))
    return Case({
        "dy": rng.uniform(0.2, 2.0, size=(n, d)) * rng.choice([-1.0, 1.0], size=(n, d)),
        "kept": kept.reshape(n, d),
        "rate": rate,
        "training": training,
    })


def _training(rng: np.random.Generator) -> Case:
    return _case(rng, training=True)


def _evaluation(rng: np.random.Generator) -> Case:
    return _case(rng, training=False)


def dropout_backward(dy: np.ndarray, kept: np.ndarray, rate: float, training: bool) -> np.ndarray:
    """Return dx, shaped like dy."""
    if not training:
        return dy.copy()
    return dy * kept / (1 - rate)


def _by_where(dy: np.ndarray, kept: np.ndarray, rate: float, training: bool) -> np.ndarray:
    slope = np.where(kept, 1 / (1 - rate * training), 0.0)
    return slope * dy


def _on_a_copy(dy: np.ndarray, kept: np.ndarray, rate: float, training: bool) -> np.ndarray:
    dx = np.array(dy, dtype=float)
    if training:
        dx[~kept] = 0.0
        dx[kept] /= 1.0 - rate
    return dx


def _fresh_mask(dy: np.ndarray, kept: np.ndarray, rate: float, training: bool) -> np.ndarray:  # ruff: ignore[unused-function-argument]  # another mask is drawn
    if not training:
        return dy.copy()
    mask = np.random.default_rng(0).random(dy.shape) >= rate
    return dy * mask / (1 - rate)


def _mask_from_upstream(
    dy: np.ndarray,
    kept: np.ndarray,  # ruff: ignore[unused-function-argument]  # the gradient is compared instead
    rate: float,
    training: bool,
) -> np.ndarray:
    if not training:
        return dy.copy()
    return dy * (dy >= rate) / (1 - rate)


def _not_rescaled(dy: np.ndarray, kept: np.ndarray, rate: float, training: bool) -> np.ndarray:  # ruff: ignore[unused-function-argument]  # no factor, so no case to tell apart
    return dy * kept


def _no_mask(dy: np.ndarray, kept: np.ndarray, rate: float, training: bool) -> np.ndarray:  # ruff: ignore[unused-function-argument]  # it is forgotten
    if not training:
        return dy.copy()
    return dy / (1 - rate)


def _identity(dy: np.ndarray, kept: np.ndarray, rate: float, training: bool) -> np.ndarray:  # ruff: ignore[unused-function-argument]  # nothing else plays a part
    return dy.copy()


def _rescaled_in_evaluation(
    dy: np.ndarray,
    kept: np.ndarray,
    rate: float,
    training: bool,  # ruff: ignore[unused-function-argument]  # never asked
) -> np.ndarray:
    return dy * kept / (1 - rate)


def _divided_by_rate(dy: np.ndarray, kept: np.ndarray, rate: float, training: bool) -> np.ndarray:
    if not training:
        return dy.copy()
    return dy * kept / rate


def _multiplied_instead_of_divided(
    dy: np.ndarray, kept: np.ndarray, rate: float, training: bool
) -> np.ndarray:
    if not training:
        return dy.copy()
    return dy * kept * (1 - rate)


def _gradient_of_the_dropped(
    dy: np.ndarray, kept: np.ndarray, rate: float, training: bool
) -> np.ndarray:
    if not training:
        return dy.copy()
    return dy * ~kept / (1 - rate)


def _written_in_place(dy: np.ndarray, kept: np.ndarray, rate: float, training: bool) -> np.ndarray:
    if training:
        dy *= kept
        dy /= 1 - rate
    return dy


def _no_gradient_in_evaluation(
    dy: np.ndarray, kept: np.ndarray, rate: float, training: bool
) -> np.ndarray:
    if not training:
        return np.zeros_like(dy)
    return dy * kept / (1 - rate)


def _upstream_left_out(dy: np.ndarray, kept: np.ndarray, rate: float, training: bool) -> np.ndarray:
    if not training:
        return np.ones_like(dy)
    return kept / (1 - rate)


def _scaled_twice(dy: np.ndarray, kept: np.ndarray, rate: float, training: bool) -> np.ndarray:
    if not training:
        return dy.copy()
    return dy * kept / (1 - rate) ** 2


def _another_mask(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    """Tell where a gradient passes that should not, or the other way round."""
    kept, dx = inputs["kept"], outputs["dx"]
    if not isinstance(dx, np.ndarray) or dx.shape != kept.shape:
        return "dx does not have the shape of dy."
    leaks = int(np.sum((dx != 0) & ~kept))
    blocked = int(np.sum((dx == 0) & kept))
    if leaks == blocked == 0:
        return None
    return (
        f"Of {kept.size} numbers, {leaks} that were dropped in the forward pass receive a "
        f"gradient, and {blocked} that went through receive none."
    )


_TRAINING_HAND = HandCase(
    {
        "dy": np.array([[3.0, -6.0, 9.0], [-12.0, 15.0, 1.5]]),
        "kept": np.array([[False, True, True], [True, False, True]]),
        "rate": 0.25,
        "training": True,
    },
    {"dx": np.array([[0.0, -8.0, 12.0], [-16.0, 0.0, 2.0]])},
)
_PLACES_HAND = HandCase(dict(_TRAINING_HAND.inputs), {})
_EVALUATION_HAND = HandCase(
    {
        "dy": np.array([[3.0, -6.0, 9.0], [-12.0, 15.0, 1.5]]),
        "kept": np.array([[True, True, True], [True, True, True]]),
        "rate": 0.25,
        "training": False,
    },
    {"dx": np.array([[3.0, -6.0, 9.0], [-12.0, 15.0, 1.5]])},
)
_IN_TRAINING = ("same mask", "dx in training")

DROPOUT_BACKWARD = Exercise(
    id="dropout_backward",
    unit="05",
    tier="core",
    title="Dropout, backward",
    minutes=6,
    difficulty=2,
    probe=Call(returns=("dx",)),
    cases=_training,
    criteria=(
        Criterion(
            "same mask",
            1,
            (),
            _PLACES_HAND,
            properties=(Property("what was dropped gets no gradient", _another_mask),),
        ),
        Criterion("dx in training", 1, ("dx",), _TRAINING_HAND),
        Criterion("evaluation", 1, ("dx",), _EVALUATION_HAND, draw=_evaluation),
    ),
    reference=dropout_backward,
    alternatives=(_by_where, _on_a_copy),
    misconceptions=(
        Misconception(
            "fresh_mask",
            _fresh_mask,
            _IN_TRAINING,
            "A new mask is drawn in the backward pass. The loss came about with the old one: a "
            "number that was dropped had no effect on it. Which argument still knows who was "
            "dropped?",
        ),
        Misconception(
            "mask_from_upstream",
            _mask_from_upstream,
            _IN_TRAINING,
            "The arriving gradient is compared with the rate, as if it were the uniforms. Who is "
            "dropped was decided in the forward pass. Where is that written down?",
        ),
        Misconception(
            "not_rescaled",
            _not_rescaled,
            ("dx in training",),
            "The mask is right, the size is not. Forward, an entry that passed left the layer as "
            "a multiple s x of itself. By how much does y grow when this x grows by 1?",
        ),
        Misconception(
            "no_mask",
            _no_mask,
            _IN_TRAINING,
            "Every number receives a gradient, the dropped ones too. Their y was 0 whatever x "
            "was. How much does the loss change when such an x moves?",
        ),
        Misconception(
            "identity",
            _identity,
            _IN_TRAINING,
            "`dy` comes back as if there were no dropout. That is right in evaluation. What did "
            "the layer do to each number in training, and what is the slope of that?",
        ),
        Misconception(
            "rescaled_in_evaluation",
            _rescaled_in_evaluation,
            ("evaluation",),
            "In evaluation y = x, so the slope is 1, and nothing may be divided. Which argument "
            "tells you in which of the two cases the forward pass was?",
        ),
        Misconception(
            "divided_by_rate",
            _divided_by_rate,
            ("dx in training",),
            "The gradient is divided by the rate, the share that is dropped. The forward pass made "
            "up for what is missing with the share that is kept. Which one must the slope hold?",
        ),
        Misconception(
            "multiplied_instead_of_divided",
            _multiplied_instead_of_divided,
            ("dx in training",),
            "The factor of the forward pass is undone instead of repeated. A derivative is no "
            "inverse: if y = 4/3 x, how much does y grow when x grows by 1?",
        ),
        Misconception(
            "gradient_of_the_dropped",
            _gradient_of_the_dropped,
            _IN_TRAINING,
            "The gradient goes exactly to the numbers that were dropped. `kept` is True where a "
            "number went through. Which of the two had an effect on the loss?",
        ),
        Misconception(
            "no_gradient_in_evaluation",
            _no_gradient_in_evaluation,
            ("evaluation",),
            "In evaluation nothing comes back. No weights are trained there, but a gradient may "
            "still be asked for: how the loss depends on an input, for example. There y = x: which "
            "slope is that?",
        ),
        Misconception(
            "upstream_left_out",
            _upstream_left_out,
            ("dx in training", "evaluation"),
            "These are the slopes of y alone; `dy` has no part in them. The question is how the "
            "loss depends on x, and it depends on x by way of y. What does the chain rule do with "
            "the two slopes?",
        ),
        Misconception(
            "scaled_twice",
            _scaled_twice,
            ("dx in training",),
            "The factor stands in it twice. `dy` is the slope of the loss by the y that has been "
            "scaled already. How often is x multiplied with the factor on its way to y?",
        ),
        Misconception(
            "written_in_place",
            _written_in_place,
            _IN_TRAINING,
            "The values are right, but they are written into the caller's `dy`. `dy *= …` works "
            "in the array that was handed in. How do you get an array of your own?",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Write the forward pass for one number: y = s x if it was kept, with the factor s that "
            "keeps the mean, and y = 0 if not. Each has a slope. The chain rule multiplies the "
            "arriving dy with it.",
            (),
            ("problem", "type", "shape", "inputs"),
        ),
        Hint(
            "A gradient passes where it should not",
            "Nothing is drawn here: `kept` holds the mask of the forward pass. Where it is False "
            "y was 0 for every x, so the slope is 0. Multiply with it.",
            ("same mask",),
        ),
        Hint(
            "The places are right, but the numbers are off, or evaluation fails",
            "The slope of a kept number is the factor that it was multiplied with: in training "
            "something with rate, in evaluation 1. `training` tells which. In evaluation dx equals "
            "dy.",
            ("dx in training", "evaluation"),
            ("value",),
        ),
    ),
    solution_note=(
        "In training y = x · kept / (1 − rate), with kept fixed by the draw. This is linear in x:\n"
        "    dx = dy · kept / (1 − rate)\n"
        "the very same map as the forward pass, applied to dy. In evaluation y = x, so dx = dy.\n"
        "The mask must be the one of the forward pass, for the loss was computed with it; with a\n"
        "fresh one the result is the gradient of no function at all."
    ),
)
