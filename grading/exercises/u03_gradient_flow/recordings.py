"""What `diagnose_run` is tried on: seven recorded trainings, and fresh ones drawn at random.

The recorded ones are real: networks on 1,437 digits, looked at before training and after each of
six epochs; ``tests/grading/exercises/test_u03_recordings.py`` trains them again. The drawn ones
have the same signs and lie on both sides of every limit, as near as leaves no doubt: ratios of 490
and 2050 for a limit of 1000, dead shares of 0.45 and 0.55, rises in 3 and in 4 steps of 11. They
carry something that is no sign of what they have: small gradients late in a healthy run, dead units
behind a loss that leaps. They are small enough to be shown whole in a report.
"""

from __future__ import annotations

import numpy as np

from grading.exercises._declaration import Case, HandCase
from grading.exercises.u03_gradient_flow.turns import turn


def _sizes(rng: np.random.Generator) -> tuple[int, int]:
    """Draw how many moments and layers: never equally many, and 60 entries at most."""
    return int(rng.integers(9, 13)), int(rng.integers(4, 6))


def _falling_loss(n_moments: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a loss that falls at every step."""
    steps = rng.uniform(0.55, 0.9, size=n_moments - 1)
    return float(rng.uniform(2.0, 3.0)) * np.cumprod([1.0, *steps])


def _leaping_loss(
    n_moments: int, n_large: int, n_small: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw a loss with rises by more than a tenth and by less, in any order, that ends low."""
    n_falls = n_moments - 2 - n_large - n_small
    steps = np.concatenate([
        rng.uniform(1.2, 1.4, size=n_large),
        rng.uniform(1.03, 1.06, size=n_small),
        rng.uniform(0.5, 0.8, size=n_falls),
    ])
    # After a first step so long that no rise is a tenth in itself.
    first = rng.uniform(0.004, 0.006)
    return float(rng.uniform(2.0, 3.0)) * np.cumprod([1.0, first, *rng.permutation(steps)])


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


def _middle(n_hidden: int, rng: np.random.Generator) -> int:
    return int(rng.integers(1, n_hidden - 1))


def _moderate(n_moments: int, rng: np.random.Generator) -> np.ndarray:
    return 10.0 ** rng.uniform(-1.2, 1.2, size=n_moments)


def _below(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw how many times longer one end may be than the other without being a sign."""
    return rng.uniform(450.0, 490.0, size=n)


def _above(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw how many times longer one end is than the other when it is a sign."""
    return rng.uniform(2050.0, 2200.0, size=n)


def _inside(n_moments: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Choose a share of the moments, never the first nor the last."""
    return 1 + rng.permutation(n_moments - 2)[: round(share * n_moments)]


def _case(loss: np.ndarray, lengths: np.ndarray, dead: np.ndarray) -> Case:
    return Case({"history": [loss, lengths, dead]})


def healthy(rng: np.random.Generator) -> Case:
    """Draw a run that learns, just below every limit, with units that were dead for once."""
    n_moments, n_layers = int(rng.integers(11, 13)), int(rng.integers(4, 6))
    loss = _leaping_loss(n_moments, 3, 4, rng)
    ratios = _moderate(n_moments, rng)
    ratios[0] = _below(1, rng)[0]
    lengths = _lengths(ratios, n_layers, rng)
    # The shortest gradient is that of an inner layer: the table asks for the last.
    lengths[0, -2] = lengths[0, -1] * rng.uniform(0.25, 0.4)
    # All gradients become small in the end, because the loss does.
    lengths *= 10.0 ** np.linspace(0.0, -7.0, n_moments)[:, np.newaxis]
    dead = _few_dead(n_moments, n_layers - 1, rng)
    dead[1, -1] = rng.uniform(0.7, 0.9)
    dead[2:, _middle(n_layers - 1, rng)] = rng.uniform(0.38, 0.45)
    return _case(loss, lengths, dead)


def few_weak_moments(rng: np.random.Generator) -> Case:
    """Draw a run that learns, although in four moments of ten little of the gradient arrives."""
    n_moments, n_layers = _sizes(rng)
    ratios = 1 / _below(n_moments, rng)
    weak = _inside(n_moments, 0.4, rng)
    ratios[weak] = 1 / _above(len(weak), rng)
    lengths = 30 * _lengths(ratios, n_layers, rng)  # none is small by its size
    # The longest gradient is that of an inner layer: the table asks for the last.
    lengths[:, -2] = lengths[:, -1] * rng.uniform(2.5, 4.0, size=n_moments)
    dead = _few_dead(n_moments, n_layers - 1, rng)
    return _case(_falling_loss(n_moments, rng), lengths, dead)


def exploding(rng: np.random.Generator) -> Case:
    """Draw a run whose gradients explode before the first step; then the loss is lost too."""
    n_moments, n_layers = _sizes(rng)
    loss = np.full(n_moments, np.nan)
    loss[0] = 10.0 ** rng.uniform(2, 6)
    loss[1] = loss[0] * rng.uniform(2, 5)
    ratios = np.full(n_moments, np.nan)
    ratios[:2] = _above(2, rng)
    dead = _few_dead(n_moments, n_layers - 1, rng)
    dead[1:, -1] = rng.uniform(0.6, 1.0)
    return _case(loss, _lengths(ratios, n_layers, rng), dead)


def rate_too_high(rng: np.random.Generator) -> Case:
    """Draw a run whose loss rises in 4 steps of 11; gradients are huge once, then units die."""
    n_moments, n_layers = 12, int(rng.integers(4, 6))
    loss = _leaping_loss(n_moments, 4, 0, rng)
    ratios = _moderate(n_moments, rng)
    ratios[1] = 10.0 ** rng.uniform(4, 6)
    ratios[2:] = 10.0 ** rng.uniform(-7, -5)
    dead = _few_dead(n_moments, n_layers - 1, rng)
    dead[2:, 1] = rng.uniform(0.7, 1.0)
    return _case(loss, _lengths(ratios, n_layers, rng), dead)


def diverged(rng: np.random.Generator) -> Case:
    """Draw a run whose loss is lost: for good, or at one moment as nan or as infinity, in turn."""
    kind = turn(rng, 3)
    n_moments, n_layers = _sizes(rng)
    lost = int(rng.integers(2, n_moments - 2))
    end = n_moments if kind == 0 else lost + 1
    loss = _falling_loss(n_moments, rng)
    ratios = _moderate(n_moments, rng)
    ratios[lost - 1] = 10.0 ** rng.uniform(4, 6)
    loss[lost:end] = np.inf if kind == 1 else np.nan
    ratios[lost:end] = np.nan
    dead = _few_dead(n_moments, n_layers - 1, rng)
    return _case(loss, _lengths(ratios, n_layers, rng), dead)


def dead_units(rng: np.random.Generator) -> Case:
    """Draw a run in which most units of one layer die; what is left lets the gradient pass."""
    n_moments, n_layers = _sizes(rng)
    loss = _falling_loss(n_moments, rng)
    loss[2:] = loss[2] * np.linspace(1.0, 0.97, n_moments - 2)
    dead = _few_dead(n_moments, n_layers - 1, rng)
    dead[2:, _middle(n_layers - 1, rng)] = rng.uniform(0.55, 0.62)
    return _case(loss, _lengths(_moderate(n_moments, rng), n_layers, rng), dead)


def vanishing(rng: np.random.Generator) -> Case:
    """Draw a run in which, in six moments of ten, little gradient arrives at the first layer."""
    n_moments, n_layers = _sizes(rng)
    loss = float(rng.uniform(2.2, 2.5)) * np.linspace(1.0, 0.98, n_moments)
    ratios = 10.0 ** rng.uniform(-1.5, 0.0, size=n_moments)
    weak = _inside(n_moments, 0.6, rng)
    ratios[weak] = 1 / _above(len(weak), rng)
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
