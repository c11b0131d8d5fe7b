"""Name what is wrong with a recorded training."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Criterion, Exercise, Hint
from grading.exercises.u03_gradient_flow import recordings
from grading.exercises.u03_gradient_flow.run_diagnosis_limits import HALF_ASKED
from grading.exercises.u03_gradient_flow.run_diagnosis_mistakes import MISCONCEPTIONS
from grading.probes import Call


def diagnose_run(history: list[np.ndarray]) -> str:
    """Return the name of the first condition in the table that holds for the recording."""
    loss, lengths, dead = history
    first, last = lengths[:, 0], lengths[:, -1]
    if first[0] > 1000 * last[0]:
        return "exploding"
    rises = loss[1:] > 1.1 * loss[:-1]
    if not np.all(np.isfinite(loss)) or np.mean(rises) >= 1 / 3:
        return "rate too high"
    if np.max(dead[-1]) >= 0.5:
        return "dead units"
    if np.mean(first < last / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _as_a_list_of_rules(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    ratio = lengths[:, 0] / lengths[:, -1]
    n_steps = len(loss) - 1
    n_rises = sum(bool(loss[i + 1] - loss[i] > 0.1 * loss[i]) for i in range(n_steps))
    rules = {
        "exploding": ratio[0] > 1e3,
        "rate too high": np.isnan(loss).any() or np.isinf(loss).any() or 3 * n_rises >= n_steps,
        "dead units": (dead[-1] >= 0.5).any(),
        "vanishing": 2 * np.count_nonzero(ratio < 1e-3) >= len(ratio),
    }
    for name, holds in rules.items():
        if holds:
            return name
    return "healthy"


def _moment_by_moment(history: list[np.ndarray]) -> str:
    loss, lengths, dead = (entries.tolist() for entries in history)
    n_rises = n_weak = 0
    finite = True
    for i in range(len(loss)):
        finite = finite and bool(np.isfinite(loss[i]))
        if i > 0 and loss[i] > 1.1 * loss[i - 1]:
            n_rises += 1
        if lengths[i][0] * 1000 < lengths[i][-1]:
            n_weak += 1
    worst = max(dead[-1])
    if lengths[0][0] / 1000 > lengths[0][-1]:
        return "exploding"
    if not finite or n_rises / (len(loss) - 1) >= 0.33:
        return "rate too high"
    if worst >= 0.5:
        return "dead units"
    return "vanishing" if n_weak / len(loss) >= 0.5 else "healthy"


DIAGNOSE_RUN = Exercise(
    id="diagnose_run",
    unit="03",
    tier="core",
    title="Name what is wrong with a run",
    minutes=18,
    difficulty=3,
    probe=Call(returns=("condition",)),
    cases=recordings.healthy,
    criteria=(
        Criterion("healthy", 1, ("condition",), recordings.HEALTHY_HAND),
        Criterion(
            "few_weak_moments",
            1,
            ("condition",),
            recordings.NORMALIZED_HAND,
            draw=recordings.few_weak_moments,
        ),
        Criterion(
            "exploding",
            1,
            ("condition",),
            recordings.EXPLODING_HAND,
            draw=recordings.exploding,
        ),
        Criterion(
            "rate_too_high",
            1,
            ("condition",),
            recordings.RATE_TOO_HIGH_HAND,
            draw=recordings.rate_too_high,
        ),
        Criterion(
            "diverged", 1, ("condition",), recordings.DIVERGED_HAND, draw=recordings.diverged
        ),
        Criterion(
            "dead_units", 1, ("condition",), recordings.DEAD_UNITS_HAND, draw=recordings.dead_units
        ),
        Criterion(
            "vanishing", 1, ("condition",), recordings.VANISHING_HAND, draw=recordings.vanishing
        ),
    ),
    reference=diagnose_run,
    alternatives=(_as_a_list_of_rules, _moment_by_moment),
    misconceptions=(*MISCONCEPTIONS, *HALF_ASKED),
    hints=(
        Hint(
            "I do not know where to begin",
            "Take the recording apart: `loss, lengths, dead = history`. Then one `if` for each row "
            "of the table, in its order, each with a `return`. A function ends at its first "
            "return, so the order does the rest; the last line returns 'healthy'.",
            (),
            ("problem", "type"),
        ),
        Hint(
            "Healthy runs are called ill, or one illness is taken for another",
            "Three questions. Does each rule look at the moments that its row names: the first, "
            "the last, or a share of all? Does it compare layers with each other rather than with "
            "a fixed size? Do causes stand before what they bring about?",
            ("healthy", "few_weak_moments", "exploding", "dead_units", "vanishing"),
        ),
        Hint(
            "The rate is never, or too often, found too high",
            "Two signs, either is enough. One: some loss is not finite, and comparisons do not "
            "see nan, `np.isfinite` does. Two: count the steps in which the loss grew by more "
            "than a tenth of itself. `loss[1:]` and `loss[:-1]` put each loss beside the one "
            "before. Count against the number of steps.",
            ("rate_too_high", "diverged"),
        ),
    ),
    solution_note=(
        "The order carries the meaning: causes first, then what they bring about.\n"
        "    exploding      lengths[0, 0] > 1000 · lengths[0, −1]\n"
        "    rate too high  some loss not finite, or > 1.1 times the one before in ≥ ⅓ of steps\n"
        "    dead units     max over the layers of dead[−1] ≥ ½\n"
        "    vanishing      lengths[:, 0] < lengths[:, −1] / 1000 in ≥ ½ of the moments\n"
        "    healthy        none of these\n"
        "Exploding gradients make any rate too high, a high rate kills units, and dead units stop\n"
        "the gradient. Ratios of layers, not sizes: near the goal every gradient is small.\n"
        "nnlib.diagnostics.diagnose goes by the same order on its own records."
    ),
)
