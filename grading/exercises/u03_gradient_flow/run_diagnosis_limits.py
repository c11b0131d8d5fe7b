"""Known wrong answers to `diagnose_run` that leave a question out or ask half of it."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _last_loss_only(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss[-1]) or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _rise_of_any_size(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _dead_never_asked(history: list[np.ndarray]) -> str:
    loss, lengths, _ = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


HALF_ASKED: tuple[Misconception, ...] = (
    Misconception(
        "last_loss_only",
        _last_loss_only,
        ("diverged",),
        "Only the last loss is asked whether it is finite. A loss can be lost on the way and come "
        "back, and the step that lost it was too long all the same. Of which losses does the table "
        "speak?",
    ),
    Misconception(
        "rise_of_any_size",
        _rise_of_any_size,
        ("healthy",),
        "Rises by a few hundredths count here too. From one batch of rows to the next the loss "
        "trembles, which is no illness. By how much must it grow, by the table?",
    ),
    Misconception(
        "dead_never_asked",
        _dead_never_asked,
        ("dead_units",),
        "The third row of the table seems to be missing: runs with a dead layer are called "
        "healthy, or vanishing. Which array has a column for each hidden layer, and which of "
        "its rows does the table ask for?",
    ),
)
