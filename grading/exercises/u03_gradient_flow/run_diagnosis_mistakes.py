"""Known wrong answers to `diagnose_run`."""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Misconception


def _always_healthy(history: list[np.ndarray]) -> str:  # ruff: ignore[unused-function-argument]  the mistake
    return "healthy"


def _loss_only(history: list[np.ndarray]) -> str:
    loss = history[0]
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    return "vanishing" if loss[-1] > 0.8 * loss[0] else "healthy"


def _ratio_reversed(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, -1] > 1000 * lengths[0, 0]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, -1] < lengths[:, 0] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _absolute_size(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < 1e-3) >= 0.5:
        return "vanishing"
    return "healthy"


def _exploding_at_any_moment(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if np.any(lengths[:, 0] > 1000 * lengths[:, -1]):
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _loss_before_gradient(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _not_a_number_missed(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _any_rise(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.any(loss[1:] > 1.1 * loss[:-1]):
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _end_against_beginning(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or loss[-1] > loss[0]:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _dead_on_average(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[-1].mean() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _dead_at_any_moment(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead.max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _vanishing_before_dead(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    if dead[-1].max() >= 0.5:
        return "dead units"
    return "healthy"


def _last_moment_only(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if lengths[-1, 0] < lengths[-1, -1] / 1000:
        return "vanishing"
    return "healthy"


def _any_weak_moment(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.any(lengths[:, 0] < lengths[:, -1] / 1000):
        return "vanishing"
    return "healthy"


def _first_row_only(history: list[np.ndarray]) -> str:
    lengths = history[1]
    return "exploding" if lengths[0, 0] > 1000 * lengths[0, -1] else "healthy"


def _two_rows_only(history: list[np.ndarray]) -> str:
    loss, lengths, _ = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    return "healthy"


def _rate_never_asked(history: list[np.ndarray]) -> str:
    _, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _rows_for_columns(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    first, last = lengths[0], lengths[-1]
    if first[0] > 1000 * last[0]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(first < last / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _absolute_rise(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(np.diff(loss) > 0.1) >= 1 / 3:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _infinite_missed(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if np.isnan(loss).any() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[-1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


def _last_layer_for_last_moment(history: list[np.ndarray]) -> str:
    loss, lengths, dead = history
    if lengths[0, 0] > 1000 * lengths[0, -1]:
        return "exploding"
    if not np.isfinite(loss).all() or np.mean(loss[1:] > 1.1 * loss[:-1]) >= 1 / 3:
        return "rate too high"
    if dead[:, -1].max() >= 0.5:
        return "dead units"
    if np.mean(lengths[:, 0] < lengths[:, -1] / 1000) >= 0.5:
        return "vanishing"
    return "healthy"


MISCONCEPTIONS: tuple[Misconception, ...] = (
    Misconception(
        "always_healthy",
        _always_healthy,
        ("exploding", "rate_too_high", "diverged", "dead_units", "vanishing"),
        "Every run is called healthy. Begin with the first row of the table: which two numbers "
        "of the recording does it compare?",
    ),
    Misconception(
        "loss_only",
        _loss_only,
        ("exploding", "dead_units"),
        "Only the loss is asked. A flat loss has several causes, each with another cure, and they "
        "look alike from outside. Which two arrays of the recording look inside the network?",
    ),
    Misconception(
        "ratio_reversed",
        _ratio_reversed,
        ("exploding", "vanishing"),
        "Vanishing and exploding have changed places. Gradients travel from the last layer to the "
        "first. At which end of a row of `lengths` does the gradient start, and at which end is it "
        "small if it vanished on the way?",
    ),
    Misconception(
        "absolute_size",
        _absolute_size,
        ("healthy",),
        "A small gradient at the first layer is called vanishing. When a run has nearly reached "
        "its goal, the gradients of all layers are small. With what must the first layer be "
        "compared, to see what was lost on the way?",
    ),
    Misconception(
        "exploding_at_any_moment",
        _exploding_at_any_moment,
        ("rate_too_high", "diverged"),
        "Exploding is looked for at every moment. A rate that is too high makes gradients explode "
        "later; the starting weights are to blame only if it was so before the first step. Which "
        "row of `lengths` is that?",
    ),
    Misconception(
        "loss_before_gradient",
        _loss_before_gradient,
        ("exploding",),
        "The loss is asked first. Exploding gradients soon make the loss infinite too, so a lower "
        "rate is prescribed where the starting weights are ill. In which order stand the rows of "
        "the table, and why?",
    ),
    Misconception(
        "not_a_number_missed",
        _not_a_number_missed,
        ("diverged",),
        "A loss of nan or infinity passes unseen: every comparison with nan is False, `nan > 1` "
        "and `nan < 1` alike. Which NumPy function asks whether a number is finite?",
    ),
    Misconception(
        "any_rise",
        _any_rise,
        ("healthy",),
        "One rise of the loss is enough here to blame the rate. Batches differ, and a loss may "
        "rise once and go on falling. How often must it rise, by the table?",
    ),
    Misconception(
        "end_against_beginning",
        _end_against_beginning,
        ("rate_too_high",),
        "Only the last loss is compared with the first. A loss that leaps up and down can end low "
        "by luck. What does the table count on the way?",
    ),
    Misconception(
        "dead_on_average",
        _dead_on_average,
        ("dead_units",),
        "A dead layer among healthy ones is overlooked: perhaps the share of dead units is "
        "averaged over the layers, or only some layers are asked. One dead layer is enough "
        "to block what is in front of it. Which layer decides, by the table?",
    ),
    Misconception(
        "dead_at_any_moment",
        _dead_at_any_moment,
        ("healthy",),
        "Units that give zero at any moment count. Units may give zero for a while and come back, "
        "because the layers before them move. At which moment do we know that they stayed dead?",
    ),
    Misconception(
        "vanishing_before_dead",
        _vanishing_before_dead,
        ("dead_units",),
        "A run with dead layers is called vanishing, as when that row is asked first. No gradient "
        "passes a dead layer, so it looks as if it had vanished, but the cure is another. Which of "
        "the two brings about the other?",
    ),
    Misconception(
        "last_moment_only",
        _last_moment_only,
        ("vanishing",),
        "Only the last moment is asked. A run that stood still for most of the time and begins to "
        "move at the end has lost that time to vanishing gradients. What share of the moments does "
        "the table ask for?",
    ),
    Misconception(
        "any_weak_moment",
        _any_weak_moment,
        ("few_weak_moments",),
        "One moment of weak gradients is enough here. A single batch of rows may give one. What "
        "share of the moments does the table ask for?",
    ),
    Misconception(
        "first_row_only",
        _first_row_only,
        ("rate_too_high", "diverged", "dead_units", "vanishing"),
        "The first row of the table is there; every other run is called healthy. Which row comes "
        "next, and what does it ask of `loss`?",
    ),
    Misconception(
        "two_rows_only",
        _two_rows_only,
        ("dead_units", "vanishing"),
        "The first two rows of the table are there. A run that passes both is called healthy, "
        "although two rows are left. Which array have you not used yet?",
    ),
    Misconception(
        "rate_never_asked",
        _rate_never_asked,
        ("rate_too_high", "diverged"),
        "The second row of the table is missing: the loss is never asked. Which two signs, each "
        "of them enough, does that row name?",
    ),
    Misconception(
        "rows_for_columns",
        _rows_for_columns,
        ("healthy", "rate_too_high", "exploding", "dead_units", "vanishing"),
        "The first and the last *moment* of `lengths` are compared, not the first and the last "
        "layer. A row is a moment, a column a layer. How do you take the first column?",
    ),
    Misconception(
        "absolute_rise",
        _absolute_rise,
        ("rate_too_high",),
        "A rise counts here if the loss grows by more than 0.1. The table says a tenth of itself: "
        "from 0.02 to 0.04 a loss has doubled. With what must the new loss be compared?",
    ),
    Misconception(
        "infinite_missed",
        _infinite_missed,
        ("diverged",),
        "A loss of nan is seen, an infinite one is not: `np.isnan` is False for infinity. Which "
        "NumPy function is False for both?",
    ),
    Misconception(
        "last_layer_for_last_moment",
        _last_layer_for_last_moment,
        ("healthy", "dead_units"),
        "The last *layer* is asked at every moment. The table asks every layer at the last moment. "
        "Which index of `dead` counts the moments?",
    ),
)
