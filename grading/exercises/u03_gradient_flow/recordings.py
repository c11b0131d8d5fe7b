"""What `diagnose_run` is tried on: seven recorded trainings, and fresh ones drawn at random.

The recorded ones are real: networks on 1,437 digits, looked at before training and after each of
six epochs; ``tests/grading/exercises/test_u03_recordings.py`` trains them again. The drawn ones
have the same signs with other sizes, clear of every limit by a factor of two or more, and carry
something that is no sign of what they have: one rise of the loss, small gradients late in a healthy
run, dead units behind a loss that leaps. They are small enough to be shown whole in a report.
"""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Case, HandCase


def _sizes(rng: np.random.Generator) -> tuple[int, int]:
    """Draw how many moments and layers: never equally many, and 60 entries at most."""
    return int(rng.integers(9, 13)), int(rng.integers(4, 6))


def _falling_loss(n_moments: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a loss that falls at every step."""
    steps = rng.uniform(0.55, 0.9, size=n_moments - 1)
    return float(rng.uniform(2.0, 3.0)) * np.cumprod([1.0, *steps])


def _lengths(ratios: np.ndarray, n_layers: int, rng: np.random.Generator) -> np.ndarray:
    """Draw gradients of all layers whose first stands to the last as ``ratios`` say."""
    depth = np.linspace(1.0, 0.0, n_layers)
    last = rng.uniform(0.02, 0.08, size=(len(ratios), 1))
    inner = np.exp(rng.normal(0.0, 0.1, size=(len(ratios), n_layers)))
    inner[:, [0, -1]] = 1.0
    values: np.ndarray = last * ratios[:, np.newaxis] ** depth * inner
    values[np.isnan(ratios)] = np.nan
    return values


def _few_dead(n_moments: int, n_hidden: int, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0.0, 0.2, size=(n_moments, n_hidden))


def _moderate(n_moments: int, rng: np.random.Generator) -> np.ndarray:
    return 10.0 ** rng.uniform(-1.2, 1.2, size=n_moments)


def _case(loss: np.ndarray, lengths: np.ndarray, dead: np.ndarray) -> Case:
    return Case({"history": [loss, lengths, dead]})


def healthy(rng: np.random.Generator) -> Case:
    """Draw a run that learns, with one rise of the loss and units that were dead for once."""
    n_moments, n_layers = _sizes(rng)
    loss = _falling_loss(n_moments, rng)
    loss[3:] *= 1.4 * loss[2] / loss[3]
    # All gradients become small in the end, because the loss does.
    fade = 10.0 ** np.linspace(0.0, -7.0, n_moments)[:, np.newaxis]
    lengths = _lengths(_moderate(n_moments, rng), n_layers, rng) * fade
    dead = _few_dead(n_moments, n_layers - 1, rng)
    dead[1, -1] = rng.uniform(0.7, 0.9)
    return _case(loss, lengths, dead)


def few_weak_moments(rng: np.random.Generator) -> Case:
    """Draw a run that learns, although in three moments little of the gradient arrives."""
    n_moments, n_layers = _sizes(rng)
    ratios = _moderate(n_moments, rng)
    ratios[2:5] = 10.0 ** rng.uniform(-6, -4, size=3)
    dead = _few_dead(n_moments, n_layers - 1, rng)
    return _case(_falling_loss(n_moments, rng), _lengths(ratios, n_layers, rng), dead)


def exploding(rng: np.random.Generator) -> Case:
    """Draw a run whose gradients explode before the first step; then the loss is lost too."""
    n_moments, n_layers = _sizes(rng)
    loss = np.full(n_moments, np.nan)
    loss[0] = 10.0 ** rng.uniform(2, 6)
    loss[1] = loss[0] * rng.uniform(2, 5)
    ratios = np.full(n_moments, np.nan)
    ratios[:2] = 10.0 ** rng.uniform(4, 8, size=2)
    dead = _few_dead(n_moments, n_layers - 1, rng)
    dead[1:, -1] = rng.uniform(0.6, 1.0)
    return _case(loss, _lengths(ratios, n_layers, rng), dead)


def rate_too_high(rng: np.random.Generator) -> Case:
    """Draw a run whose loss rises and falls; in between gradients are huge, then units die."""
    n_moments, n_layers = _sizes(rng)
    # Twice up, once down, after a first step so long that no rise is a tenth in itself.
    steps = rng.uniform(1.5, 1.8, size=n_moments - 1)
    steps[::3] = 1 / rng.uniform(2.5, 3.5, size=len(steps[::3]))
    steps[0] = rng.uniform(0.004, 0.006)
    loss = float(rng.uniform(2.0, 3.0)) * np.cumprod([1.0, *steps])
    loss[-1] = 0.6 * loss[-2]
    ratios = _moderate(n_moments, rng)
    ratios[1] = 10.0 ** rng.uniform(4, 6)
    ratios[2:] = 10.0 ** rng.uniform(-7, -5)
    dead = _few_dead(n_moments, n_layers - 1, rng)
    dead[2:, 1] = rng.uniform(0.7, 1.0)
    return _case(loss, _lengths(ratios, n_layers, rng), dead)


def diverged(rng: np.random.Generator) -> Case:
    """Draw a run whose loss becomes infinite (the recorded one: nan) after a faultless start."""
    n_moments, n_layers = _sizes(rng)
    end = int(rng.integers(2, n_moments - 2))
    loss = _falling_loss(n_moments, rng)
    ratios = _moderate(n_moments, rng)
    ratios[end - 1] = 10.0 ** rng.uniform(4, 6)
    loss[end:], ratios[end:] = np.inf, np.nan
    dead = _few_dead(n_moments, n_layers - 1, rng)
    return _case(loss, _lengths(ratios, n_layers, rng), dead)


def dead_units(rng: np.random.Generator) -> Case:
    """Draw a run in which most units of one layer die, so that no gradient comes past them."""
    n_moments, n_layers = _sizes(rng)
    loss = _falling_loss(n_moments, rng)
    loss[2:] = loss[2] * np.linspace(1.0, 0.97, n_moments - 2)
    ratios = _moderate(n_moments, rng)
    ratios[2:] = 10.0 ** rng.uniform(-8, -5)
    dead = _few_dead(n_moments, n_layers - 1, rng)
    dead[2:, int(rng.integers(n_layers - 2))] = rng.uniform(0.75, 1.0)  # not the last one
    return _case(loss, _lengths(ratios, n_layers, rng), dead)


def vanishing(rng: np.random.Generator) -> Case:
    """Draw a run whose gradients vanish on their way to the first layer, until it wakes up late."""
    n_moments, n_layers = _sizes(rng)
    loss = float(rng.uniform(2.2, 2.5)) * np.linspace(1.0, 0.98, n_moments)
    ratios = 10.0 ** rng.uniform(-9, -4, size=n_moments)
    ratios[-2:] = 10.0 ** rng.uniform(-1.5, 0.0, size=2)
    dead = _few_dead(n_moments, n_layers - 1, rng)
    return _case(loss, _lengths(ratios, n_layers, rng), dead)


def _hand(
    condition: str, loss: list[float], lengths: list[list[float]], dead: list[list[float]]
) -> HandCase:
    history = [np.array(entries, dtype=float) for entries in (loss, lengths, dead)]
    return HandCase({"history": history}, {"condition": condition})


_nan = float("nan")

# Five layers of 32 ReLU units, He's weights, rate 0.1. The loss rises once and recovers.
HEALTHY_HAND = _hand(
    "healthy",
    [2.56, 0.771, 1.78, 0.16, 0.129, 0.0788, 0.0437],
    [
        [0.0924, 0.101, 0.0988, 0.0888, 0.0602],
        [0.0677, 0.0561, 0.0544, 0.0522, 0.0378],
        [0.136, 0.104, 0.0896, 0.0834, 0.054],
        [0.0538, 0.0401, 0.0329, 0.0267, 0.0171],
        [0.0487, 0.034, 0.0289, 0.0242, 0.0157],
        [0.0525, 0.0362, 0.0289, 0.0203, 0.0127],
        [0.0402, 0.0259, 0.0194, 0.0133, 0.00844],
    ],
    [
        [0, 0.0625, 0, 0.0312],
        [0, 0.125, 0, 0.0312],
        [0, 0.125, 0.0312, 0.0312],
        [0, 0.0625, 0.0312, 0],
        [0, 0.0625, 0, 0],
        [0, 0.0938, 0, 0.0625],
        [0, 0.0938, 0, 0],
    ],
)

# Eight layers of 32 sigmoid units with batch normalization, Xavier's weights, rate 0.1.
NORMALIZED_HAND = _hand(
    "healthy",
    [2.4, 1.39, 1.03, 0.776, 0.599, 0.46, 0.366],
    [
        [0.0998, 0.0909, 0.0958, 0.0918, 0.0861, 0.0775, 0.0763, 0.0598],
        [0.0918, 0.0778, 0.0838, 0.0729, 0.0752, 0.0686, 0.0673, 0.0495],
        [0.0981, 0.0876, 0.0902, 0.0797, 0.0806, 0.0723, 0.066, 0.0425],
        [0.108, 0.0973, 0.0997, 0.0862, 0.0837, 0.0743, 0.0637, 0.0362],
        [0.108, 0.102, 0.101, 0.0868, 0.0844, 0.0746, 0.0593, 0.0306],
        [0.104, 0.0987, 0.0981, 0.0869, 0.0805, 0.0703, 0.0538, 0.0257],
        [0.103, 0.1, 0.0984, 0.087, 0.0829, 0.0701, 0.0491, 0.022],
    ],
    [[0] * 7] * 7,
)

# Six layers of 32 ReLU units, normal weights of standard deviation 1, rate 0.1.
EXPLODING_HAND = _hand(
    "exploding",
    [8610.0, *[_nan] * 6],
    [[115.0, 31.4, 8.12, 1.87, 0.486, 0.0875], *[[_nan] * 6] * 6],
    [[0, 0.0625, 0, 0.0312, 0.0625], *[[_nan] * 5] * 6],
)

# The healthy network with rate 0.5.
RATE_TOO_HIGH_HAND = _hand(
    "rate too high",
    [2.56, 1.24, 1.17, 1.47, 0.627, 1.93, 0.88],
    [
        [0.0924, 0.101, 0.0988, 0.0888, 0.0602],
        [0.0546, 0.0479, 0.0481, 0.0728, 0.0457],
        [0.0881, 0.0742, 0.0739, 0.0761, 0.0449],
        [0.0904, 0.0741, 0.0787, 0.0927, 0.0499],
        [0.0524, 0.0466, 0.0484, 0.0482, 0.036],
        [0.124, 0.113, 0.0999, 0.1, 0.0456],
        [0.056, 0.0502, 0.0664, 0.0809, 0.0414],
    ],
    [
        [0, 0.0625, 0, 0.0312],
        [0.25, 0.0625, 0.0938, 0.188],
        [0.281, 0.125, 0.125, 0.125],
        [0.469, 0.125, 0.156, 0.312],
        [0.531, 0.0938, 0.0938, 0.281],
        [0.531, 0.219, 0.188, 0.219],
        [0.562, 0.281, 0.219, 0.188],
    ],
)

# The healthy network with rate 1.5.
DIVERGED_HAND = _hand(
    "rate too high",
    [2.56, *[_nan] * 6],
    [[0.0924, 0.101, 0.0988, 0.0888, 0.0602], *[[_nan] * 5] * 6],
    [[0, 0.0625, 0, 0.0312], *[[_nan] * 4] * 6],
)

# The healthy network on pixels from 0 to 16 that nobody standardized, rate 0.1.
DEAD_UNITS_HAND = _hand(
    "dead units",
    [7.75, *[2.3] * 6],
    [
        [0.111, 0.121, 0.119, 0.106, 0.0742],
        [0.0366, 0.0379, 0.06, 2.69, 0.0593],
        *[[0, 0, 0, 2.69, 0.0593]] * 5,
    ],
    [
        [0.0625, 0.0938, 0.0625, 0.0312],
        [0.969, 0.812, 0.875, 0.875],
        *[[1, 0.969, 0.906, 1]] * 5,
    ],
)

# Eight layers of 32 sigmoid units, Xavier's weights, rate 0.1.
VANISHING_HAND = _hand(
    "vanishing",
    [2.4, 2.31, 2.31, 2.3, 2.3, 2.31, 2.31],
    [
        [1.27e-05, 5.29e-05, 0.00022, 0.000983, 0.00414, 0.0185, 0.0772, 0.0599],
        [1.2e-05, 5.19e-05, 0.000219, 0.000968, 0.00407, 0.018, 0.0762, 0.0593],
        [1.2e-05, 5.19e-05, 0.00022, 0.000968, 0.00408, 0.018, 0.0762, 0.0593],
        [1.2e-05, 5.2e-05, 0.000219, 0.000965, 0.00407, 0.018, 0.0761, 0.0593],
        [1.19e-05, 5.18e-05, 0.000219, 0.000967, 0.00408, 0.018, 0.0761, 0.0593],
        [1.2e-05, 5.19e-05, 0.000219, 0.000964, 0.00406, 0.018, 0.076, 0.0593],
        [1.2e-05, 5.21e-05, 0.00022, 0.000968, 0.00407, 0.018, 0.076, 0.0593],
    ],
    [[0] * 7] * 7,
)
