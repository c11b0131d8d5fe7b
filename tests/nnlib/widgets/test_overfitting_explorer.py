"""The polynomial fits, what the explorer claims about them in all 20 samples, and their twins."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn import linear_model

from nnlib.widgets import OverfittingExplorer
from nnlib.widgets.overfitting_explorer import (
    MAX_WEIGHTS,
    error_curves,
    features,
    fit_weights,
    mean_squared_error,
    training_rows,
    truth,
    validation_rows,
)

Node = Callable[[str, str], Any]
SAMPLES = range(1, 21)
NOISE = 0.3


@cache
def errors(p: int, n: int = 20, strength: float = 0.0) -> tuple[Any, Any]:
    """Return training and validation errors of all samples, each of shape (20,)."""
    pairs = []
    for sample in SAMPLES:
        train = training_rows(n, NOISE, sample)
        w = fit_weights(*train, p, strength)
        held = validation_rows(NOISE, sample)
        pairs.append((mean_squared_error(w, train), mean_squared_error(w, held)))
    training, validation = np.array(pairs).T
    return training, validation


@cache
def best_small(n: int = 20) -> Any:
    """Return the least validation error with at most 12 weights in each sample."""
    return np.min([errors(p, n)[1] for p in range(1, 13)], axis=0)


@pytest.mark.parametrize(("p", "n", "strength"), [(5, 20, 0.1), (18, 20, 0.003), (40, 30, 0.01)])
def test_penalized_fit_is_that_of_scikit_learn(p: int, n: int, strength: float) -> None:
    """Its penalty is alpha Σ w² beside a sum over rows, where ours stands beside a mean."""
    x, y = training_rows(n, NOISE, 3)

    theirs = linear_model.Ridge(alpha=n * strength).fit(features(x, p)[:, 1:], y)

    expected = [theirs.intercept_, *theirs.coef_]
    np.testing.assert_allclose(fit_weights(x, y, p, strength), expected, rtol=1e-8, atol=1e-10)


def test_unpenalized_fit_with_few_weights_is_that_of_numpy() -> None:
    x, y = training_rows(25, NOISE, 2)

    expected = np.polynomial.legendre.legfit(x, y, 6)

    np.testing.assert_allclose(fit_weights(x, y, 7, 0.0), expected, rtol=1e-9)


def test_fit_beyond_the_threshold_meets_every_row_with_the_smallest_weights() -> None:
    """Any other fit that meets the rows differs by a direction that the features do not see."""
    x, y = training_rows(10, NOISE, 4)
    A = features(x, 30)

    w = fit_weights(x, y, 30, 0.0)

    assert pytest.approx(y, abs=1e-10) == A @ w
    _, _, Vt = np.linalg.svd(A)
    unseen = Vt[10:]  # (20, 30)
    slopes = (unseen * np.r_[0.0, w[1:]]).sum(axis=1)  # of ½ Σ_{j ≥ 1} w_j² along each
    np.testing.assert_allclose(slopes, 0, atol=1e-10)


def test_unpenalized_fit_is_where_a_vanishing_penalty_leads() -> None:
    x, y = training_rows(20, NOISE, 1)

    for p in (12, 30, 64):
        expected = fit_weights(x, y, p, 1e-11)
        np.testing.assert_allclose(fit_weights(x, y, p, 0.0), expected, atol=1e-5)


def test_rows_follow_the_truth_apart_from_their_noise() -> None:
    clean, noisy = training_rows(80, 0.0, 5), training_rows(80, 0.5, 5)
    held = validation_rows(0.5, 5)

    np.testing.assert_allclose(clean.y, np.sin(4 * clean.x))
    np.testing.assert_array_equal(clean.x, noisy.x)
    # standard errors of a deviation: 0.5 / √160 and 0.5 / √400
    assert np.std(noisy.y - truth(noisy.x)) == pytest.approx(0.5, abs=5 * 0.04)
    assert np.std(held.y - truth(held.x)) == pytest.approx(0.5, abs=5 * 0.025)


@pytest.mark.parametrize("sample", [1, 8, 15])
def test_training_error_without_penalty_never_rises_with_capacity(sample: int) -> None:
    training = error_curves(20, NOISE, 0.0, sample).training

    assert np.diff(training).max() < 1e-12
    assert training[19:].max() < 1e-12  # from p = n on every row is met


@pytest.mark.parametrize("sample", [1, 8, 15])
def test_validation_error_falls_then_rises(sample: int) -> None:
    validation = error_curves(20, NOISE, 0.0, sample).validation

    best = int(np.argmin(validation[:20]))
    assert 3 <= best + 1 <= 8
    assert validation[0] > 2 * validation[best]
    assert validation[19] > 2 * validation[best]


def test_validation_error_is_worst_near_the_threshold_and_falls_a_second_time() -> None:
    at_threshold, beyond = errors(20)[1], errors(64)[1]

    assert (at_threshold > 2 * best_small()).all()
    assert (at_threshold > beyond).all()
    around = np.max([errors(p)[1] for p in (18, 19, 20, 21, 22)], axis=0)
    elsewhere = np.max([errors(p)[1] for p in (8, 10, 12, 40, 48, 64)], axis=0)
    assert (around > elsewhere).sum() >= 17  # of 20


@pytest.mark.parametrize("n", [20, 40])
def test_beyond_the_best_capacity_validation_error_is_worst_near_as_many_weights_as_rows(
    n: int,
) -> None:
    for sample in SAMPLES:
        validation = error_curves(n, NOISE, 0.0, sample).validation

        best = int(np.argmin(validation))
        worst = best + 1 + int(np.argmax(validation[best:]))

        assert abs(worst - n) <= n / 5


def test_second_descent_does_not_reach_the_best_small_polynomial_at_twenty_rows() -> None:
    beyond = np.min([errors(p)[1] for p in (24, 32, 40, 48, 56, 64)], axis=0)

    assert (beyond > best_small()).all()


@pytest.mark.parametrize("cure", [{"n": 80}, {"strength": 0.01}])
def test_each_cure_closes_the_gap_from_both_sides_in_every_sample(cure: dict[str, Any]) -> None:
    training, validation = errors(18)
    cured_training, cured_validation = errors(18, **cure)

    assert (cured_training > training).all()
    assert (cured_validation < validation).all()


def test_too_strong_a_penalty_closes_the_gap_with_two_high_errors() -> None:
    training, validation = errors(18, strength=1.0)

    assert (validation > 2 * best_small()).all()
    assert (training > 2 * errors(18)[0]).all()
    assert np.median(validation - training) < np.median(errors(18)[1] - errors(18)[0])


def test_more_rows_do_not_cure_underfitting() -> None:
    few, many = errors(3)[1], errors(3, n=80)[1]

    assert (many > 3 * best_small(80)).all()
    assert np.median(few) == pytest.approx(np.median(many), rel=0.1)


def test_without_noise_capacity_does_no_harm_before_the_threshold() -> None:
    validation = error_curves(20, 0.0, 0.0, 1).validation

    assert validation[15] < validation[5] < 1e-2
    assert validation[15] < 1e-9


def test_question_is_answered_the_same_way_in_every_sample(node: Node) -> None:
    settled = node("overfitting_explorer.js", "m.settled()")

    assert settled["answer"] == "training rises, validation falls"
    few, many = errors(18), errors(18, n=80)
    assert settled["before"] == pytest.approx([few[0][0], few[1][0]], rel=1e-9)
    assert settled["after"] == pytest.approx([many[0][0], many[1][0]], rel=1e-9)
    assert ((many[0] > few[0]) & (many[1] < few[1])).all()


@pytest.mark.parametrize("strength", [0.0, 1e-4, 0.01, 1.0])
def test_javascript_draws_the_same_rows_and_finds_the_same_errors(
    node: Node, strength: float
) -> None:
    cases = [[10, 0.3, strength, 4], [20, 0.0, strength, 1], [35, 0.7, strength, 13]]
    cases += [[60, 0.3, strength, 20], [80, 1.0, strength, 8]]
    call = (
        f"{json.dumps(cases)}.map((a) => m.errorCurves(...a))"
        ".map((c) => [c.train.y, c.training, c.validation].map((v) => Array.from(v)))"
    )

    found = node("overfitting_explorer.js", call)

    for (n, noise, lam, sample), (y, training, validation) in zip(cases, found, strict=True):
        expected = error_curves(int(n), noise, lam, int(sample))
        np.testing.assert_allclose(y, training_rows(int(n), noise, int(sample)).y, atol=1e-13)
        np.testing.assert_allclose(training, expected.training, atol=1e-12)
        # At p = n = 60 the error is 3·10⁵: rounding grows with the condition, about 10⁷.
        np.testing.assert_allclose(validation, expected.validation, rtol=1e-8, atol=1e-12)


def test_javascript_keeps_the_weights_of_the_fit(node: Node) -> None:
    x, y = (v.tolist() for v in training_rows(12, NOISE, 6))

    call = f"m.fitWeights({json.dumps(x)}, Float64Array.from({json.dumps(y)}), 30, 0.05)"
    found = node("overfitting_explorer.js", f"{call}.map((w) => Array.from(w))")

    for p, w in enumerate(found, start=1):
        np.testing.assert_allclose(w, fit_weights(x, y, p, 0.05), atol=1e-10)


START: dict[str, Any] = {"capacity": 18, "strength": 0, "n_rows": 20, "noise": 0.3, "sample": 1}


def remarks(node: Node, states: list[dict[str, Any]]) -> list[tuple[str, float, float, int, float]]:
    """Return remark, both errors, the best capacity and its error for each state."""
    call = (
        f"{json.dumps(states)}.map((s) => {{"
        " const { training, validation } = m.errorCurves(s.n_rows, s.noise, s.strength, s.sample);"
        " const [a, b] = [training[s.capacity - 1], validation[s.capacity - 1]];"
        " const least = Math.min(...validation), best = validation.indexOf(least) + 1;"
        " return [m.remarkOn(s, a, b, best, least), a, b, best, least]; })"
    )
    return [tuple(found) for found in node("overfitting_explorer.js", call)]


def test_remark_says_what_each_preset_shows(node: Node) -> None:
    presets = dict(node("overfitting_explorer.js", "m.PRESETS"))
    expected = {
        "Underfit": "Underfit: ",
        "Overfit": "Overfit: ",
        "Cured by λ": "The penalty keeps the weights small",
        "Cured by data": "A little overfit: ",
        "Beyond the threshold": "More weights than rows",
    }

    assert list(presets) == list(expected)
    found = remarks(node, [START | preset for preset in presets.values()])
    for (text, *_), begins in zip(found, expected.values(), strict=True):
        assert text.startswith(begins)


@pytest.mark.parametrize("n", [10, 20, 40, 80])
def test_remark_is_true_wherever_it_is_shown(node: Node, n: int) -> None:
    sizes, strengths = [1, 3, 5, 6, 9, 12, 18, 20, 40, 64], [0, 1e-4, 0.01, 0.1, 1, 10]
    states: list[dict[str, Any]] = [
        {"capacity": p, "strength": strength, "n_rows": n, "noise": noise, "sample": sample}
        for strength, noise, sample, p in product(strengths, [0, 0.1, 0.3, 1], [1, 7], sizes)
    ]

    for state, (text, a, b, best, least) in zip(states, remarks(node, states), strict=True):
        p, strength, noise, sample = (state[k] for k in ("capacity", "strength", "noise", "sample"))
        train = training_rows(n, noise, sample)
        free = mean_squared_error(fit_weights(*train, p, 0.0), train)
        if text.startswith("The penalty holds"):
            assert free < 0.6 * a, state  # without the penalty it would follow its rows
            assert min(a, b) > noise**2, state
        elif text.startswith("Near"):
            assert b < 1.1 * least, state
            assert ("is mostly noise" in text) == (noise**2 > b / 2), state
            assert ("is not noise" in text) == (noise**2 <= b / 2), state
        elif text.startswith("Underfit"):
            assert p < best, state
            assert min(a, b) > noise**2, state
            many = training_rows(80, noise, sample)
            held = validation_rows(noise, sample)
            assert mean_squared_error(fit_weights(*many, p, strength), held) > noise**2, state
        elif text.startswith("Fewer"):
            assert p < best <= n, state
            assert b > least, state
        elif text.startswith("The penalty keeps"):
            assert strength > 0, state
            assert a >= free, state
        elif "verfit: " in text:
            assert a < noise**2 < b, state
            assert ("little" in text) == (b < 1.5 * least), state
            assert strength == 0, state
        elif text.startswith("Another number"):
            assert p != best, state
            assert b > least, state
        elif text.startswith("As many"):
            assert (p, strength) == (n, 0), state
            assert a < 1e-12, state
        else:
            assert text.startswith("More weights than rows"), text
            assert p > n, state
            assert a < 1e-12, state


@pytest.mark.parametrize("state", [{}, {"capacity": 5, "strength": 0.01, "sample": 7}])
def test_table_shows_the_numbers_of_python(node: Node, state: dict[str, Any]) -> None:
    now = START | state
    settings = (now["n_rows"], now["noise"], now["strength"], now["sample"])
    call = f"m.valuesOf({json.dumps(now)}, m.errorCurves{settings})"

    shown = [float(v.replace("−", "-")) for v in node("overfitting_explorer.js", call)]

    training, validation = error_curves(*settings)
    p = now["capacity"]
    w = fit_weights(*training_rows(20, NOISE, now["sample"]), p, now["strength"])
    a, b, best = training[p - 1], validation[p - 1], int(np.argmin(validation))
    expected = [a, b, b - a, 0.09, (w[1:] ** 2).sum(), best + 1, validation[best]]
    assert shown == pytest.approx(expected, rel=5e-3)


def test_errors_follow_controls_that_python_sets() -> None:
    figure = OverfittingExplorer()

    figure.capacity, figure.n_rows = 6, 40

    expected = error_curves(40, 0.3, 0.0, 1)
    assert figure.training_error == pytest.approx(expected.training[5], rel=1e-12)
    assert figure.validation_error == pytest.approx(expected.validation[5], rel=1e-12)
    assert "6 weights fitted to 40 rows" in figure.summary()


def test_capacity_outside_the_range_is_refused_with_the_range() -> None:
    with pytest.raises(ValueError, match=f"capacity is 65, expected 1 to {MAX_WEIGHTS}"):
        OverfittingExplorer(capacity=65)
