"""The recordings of unit 03 are of real trainings, and the drawn ones keep clear of every limit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from grading.check.judging import judge
from grading.check.solution import source_of
from grading.check.trials import draw_trials, expected_outputs, observe
from grading.exercises import HandCase, exercise
from grading.exercises.u03_gradient_flow import recordings
from nnlib import (
    SGD,
    BatchNorm1d,
    CrossEntropy,
    Linear,
    ReLU,
    Sequential,
    Sigmoid,
    datasets,
    fit,
    initializers,
)
from nnlib.diagnostics import activation_statistics
from nnlib.errors import NonFiniteError

_digits = datasets.load("digits")
_training = np.arange(len(_digits.X)) % 5 != 0
_pixels, _targets = _digits.X[_training], _digits.y[_training]
_standardized = (_pixels - _pixels.mean()) / _pixels.std()

_he, _xavier = initializers.he_normal, initializers.xavier_normal
_std_1 = partial(initializers.normal, std=1.0)

RUNS: dict[str, tuple[HandCase, int, Any, Any, bool, float, bool]] = {
    # hand case, depth, activation, weights, batch norm, rate, raw pixels
    "healthy": (recordings.HEALTHY_HAND, 5, ReLU, _he, False, 0.1, False),
    "normalized": (recordings.NORMALIZED_HAND, 8, Sigmoid, _xavier, True, 0.1, False),
    "exploding": (recordings.EXPLODING_HAND, 6, ReLU, _std_1, False, 0.1, False),
    "rate too high": (recordings.RATE_TOO_HIGH_HAND, 5, ReLU, _he, False, 0.5, False),
    "diverged": (recordings.DIVERGED_HAND, 5, ReLU, _he, False, 1.5, False),
    "dead units": (recordings.DEAD_UNITS_HAND, 5, ReLU, _he, False, 0.1, True),
    "vanishing": (recordings.VANISHING_HAND, 8, Sigmoid, _xavier, False, 0.1, False),
}

DRAWS: dict[str, Callable[[np.random.Generator], Any]] = {
    "healthy": recordings.healthy,
    "few weak moments": recordings.few_weak_moments,
    "exploding": recordings.exploding,
    "rate too high": recordings.rate_too_high,
    "diverged": recordings.diverged,
    "dead units": recordings.dead_units,
    "vanishing": recordings.vanishing,
}


def _network(depth: int, activation: Any, init: Any, norm: bool) -> Sequential:
    rng = np.random.default_rng(0)
    layers: list[Any] = []
    for i in range(depth - 1):
        layers.append(Linear(32 if i else 64, 32, init=init, rng=rng))
        layers += [BatchNorm1d(32)] if norm else []
        layers.append(activation())
    return Sequential(*layers, Linear(32, 10, init=init, rng=rng))


def _look(model: Sequential, inputs: Any) -> tuple[float, list[float], list[float]]:
    loss = CrossEntropy()
    value = loss.forward(model.forward(inputs[:256]), _targets[:256])
    dy = loss.backward()
    lengths = [float(np.linalg.norm(dy))]
    for layer in reversed(model.layers):
        if not isinstance(layer, Linear | BatchNorm1d):
            lengths.append(float(np.linalg.norm(dy)))
        step = layer.backward(dy)
        assert step is not None
        dy = step
    found = activation_statistics(model, inputs[:256])
    return float(value), lengths[::-1], [each.dead for each in found.values()]


def _record(model: Sequential, rate: float, inputs: Any) -> list[np.ndarray]:
    moments = []
    optimizer = SGD(model, lr=rate)
    try:
        for epoch in range(7):
            moments.append(_look(model, inputs))
            fit(model, inputs, _targets, loss=CrossEntropy(), optimizer=optimizer, rng=epoch,
                batch_size=32, progress=False)  # fmt: skip
    except NonFiniteError:
        pass
    history = [np.full((7, *np.shape(part)), np.nan) for part in moments[0]]
    for i, moment in enumerate(moments):
        for entries, part in zip(history, moment, strict=True):
            entries[i] = part
    return history


@pytest.mark.parametrize("name", RUNS)
def test_the_hand_examples_were_recorded_from_these_trainings(name: str) -> None:
    hand, depth, activation, init, norm, rate, raw = RUNS[name]
    inputs = 16 * _pixels if raw else _standardized

    history = _record(_network(depth, activation, init, norm), rate, inputs)

    for entries, stored in zip(history, hand.inputs["history"], strict=True):
        assert entries.shape == stored.shape
        # Three digits were kept. Only the first moment is compared: later ones carry the rounding
        # of float32 on, and a rate that is too high makes it grow.
        np.testing.assert_allclose(entries[0], stored[0], rtol=6e-3, atol=1e-3)
    assert exercise("diagnose_run").reference(history) == hand.expected["condition"]


@pytest.mark.parametrize("name", DRAWS)
def test_drawn_recordings_keep_clear_of_the_limits(name: str) -> None:
    """Rounding, or an exact value at a limit, changes no diagnosis."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        loss, lengths, dead = DRAWS[name](rng).inputs["history"]
        finite = np.isfinite(lengths[:, 0])
        ratio = lengths[finite, 0] / lengths[finite, -1]
        share_of_rises = np.mean(loss[1:] > 1.1 * loss[:-1])

        assert not np.any((ratio > 500) & (ratio < 2000))
        assert not np.any((ratio > 0.0005) & (ratio < 0.002))
        assert not 0.31 < share_of_rises < 0.36
        assert not np.any((dead > 0.45) & (dead < 0.55))
        assert not 0.45 < np.mean(lengths[:, 0] < lengths[:, -1] / 1000) < 0.55
        numbers = loss[np.isfinite(loss)]
        growth = numbers[1:] / numbers[:-1]
        assert not np.any((growth > 1.06) & (growth < 1.2))


def test_every_set_has_a_loss_that_is_lost_for_good_an_infinite_one_and_one_of_nan() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        losses = [recordings.diverged(rng).inputs["history"][0] for _ in range(5)]

        assert any(np.isnan(loss[-1]) for loss in losses)
        assert any(np.isinf(loss).any() and np.isfinite(loss[-1]) for loss in losses)
        assert any(np.isnan(loss).any() and np.isfinite(loss[-1]) for loss in losses)


LIMITS: dict[str, tuple[str, str]] = {
    "exploding from 100 on": ("1000 * last[0]", "100 * last[0]"),
    "exploding from 440 on": ("1000 * last[0]", "440 * last[0]"),
    "exploding from 10,000 on": ("1000 * last[0]", "10000 * last[0]"),
    "exploding against the shortest layer": ("1000 * last[0]", "1000 * lengths[0].min()"),
    "a rise by a fiftieth": ("1.1 *", "1.02 *"),
    "a rise by a half": ("1.1 *", "1.5 *"),
    "rises in a quarter of the steps": ("1 / 3", "1 / 4"),
    "rises in two fifths of the steps": ("1 / 3", "0.4"),
    "finite at the end": ("np.all(np.isfinite(loss))", "np.isfinite(loss[-1])"),
    "not nan": ("np.all(np.isfinite(loss))", "np.all(~np.isnan(loss))"),
    "not infinite": ("np.all(np.isfinite(loss))", "np.all(~np.isinf(loss))"),
    "a third dead": ("np.max(dead[-1]) >= 0.5", "np.max(dead[-1]) >= 0.35"),
    "two thirds dead": ("np.max(dead[-1]) >= 0.5", "np.max(dead[-1]) >= 0.65"),
    "weak below a hundredth": ("last / 1000", "last / 100"),
    "weak below a ten-thousandth": ("last / 1000", "last / 10000"),
    "weak against the longest layer": ("last / 1000", "lengths.max(axis=1) / 1000"),
    "a third weak": (') >= 0.5:\n        return "van', ') >= 0.36:\n        return "van'),
    "two thirds weak": (') >= 0.5:\n        return "van', ') >= 0.67:\n        return "van'),
}


@pytest.mark.parametrize("name", LIMITS)
def test_other_limits_lose_points_whatever_the_draw(name: str) -> None:
    each = exercise("diagnose_run")
    right, wrong = LIMITS[name]
    source = source_of(each.reference, each.id)
    assert source.count(right) == 1
    namespace: dict[str, Any] = {"np": np}
    exec(source.replace(right, wrong), namespace)

    for seed in range(20):
        trials = draw_trials(each, np.random.default_rng(seed))
        observations = observe(each, trials, namespace[each.id])
        verdict = judge(each, trials, observations, expected_outputs(each, trials))
        assert verdict.findings != ()
