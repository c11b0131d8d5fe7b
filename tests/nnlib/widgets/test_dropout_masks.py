"""What the mask viewer claims, against the binomial distribution, the library and JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from nnlib import Dropout
from nnlib.widgets import DropoutMasks
from nnlib.widgets.dropout_masks import MOST, UNITS, chance, drop, inputs, masks

Node = Callable[[str, str], Any]
SLIDES = [(0.1, 6), (0.2, 12), (0.25, 15), (0.3, 18)]
RATES = (0.05, 0.2, 0.3, 0.5, 0.9)


@pytest.mark.parametrize("scaling", ["inverted", "none"])
def test_javascript_computes_the_same(node: Node, scaling: str) -> None:
    pairs = [(0.0, 3), (0.05, 1), (0.2, 2), (0.3, 40), (0.5, 333), (0.9, 500)]
    cases = [[*pair, scaling] for pair in pairs]

    answers = node("dropout_masks.js", f"{json.dumps(cases)}.map((c) => m.drop(...c))")

    for case, answer in zip(cases, answers, strict=True):
        expected = drop(*case)
        assert answer.keys() == expected.keys()
        assert answer["kept"] == expected["kept"].tolist()
        assert answer["dropped"] == expected["dropped"].tolist()
        for name in ("y", "outputs", "evaluation", "deviation"):
            np.testing.assert_allclose(answer[name], expected[name], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("rate", RATES)
def test_chances_are_binomial(node: Node, rate: float) -> None:
    expected = stats.binom.pmf(np.arange(UNITS + 1), UNITS, rate)

    found = node("dropout_masks.js", f"m.chances({rate})")

    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose([chance(rate, k) for k in range(UNITS + 1)], expected, rtol=1e-9)


def test_question_is_settled_by_one_mask_in_eight(node: Node) -> None:
    share = float(np.mean(drop(0.2, MOST)["dropped"] == 12))

    assert stats.binom.pmf(12, UNITS, 0.2) == pytest.approx(0.128, abs=0.0005)
    # three standard errors of a share in 500 draws
    assert share == pytest.approx(0.128, abs=3 * (0.128 * 0.872 / MOST) ** 0.5)
    assert node("dropout_masks.js", "m.nearestShare()") == "in about one of eight"


@pytest.mark.parametrize(("rate", "count"), SLIDES)
def test_counts_of_the_slides_are_expectations_that_most_masks_miss(
    rate: float, count: int
) -> None:
    dropped = drop(rate, MOST)["dropped"]

    assert rate * UNITS == pytest.approx(count)
    error = (UNITS * rate * (1 - rate) / MOST) ** 0.5
    assert dropped.mean() == pytest.approx(count, abs=4 * error)
    assert np.mean(dropped == count) < 0.25
    assert dropped.min() < count < dropped.max()


@pytest.mark.parametrize("rate", RATES)
def test_number_of_dropped_units_follows_the_binomial_distribution(rate: float) -> None:
    dropped = drop(rate, MOST)["dropped"]

    found = np.bincount(dropped, minlength=UNITS + 1).cumsum() / MOST

    expected = stats.binom.cdf(np.arange(UNITS + 1), UNITS, rate)
    # Kolmogorov's bound at a chance of 1e-3 is 1.95 / √n
    assert np.abs(found - expected).max() < 1.95 / MOST**0.5


@pytest.mark.parametrize("rate", RATES)
def test_mean_output_over_the_masks_is_the_output_in_evaluation(rate: float) -> None:
    found = drop(rate, MOST)

    assert found["evaluation"] == pytest.approx(inputs().mean())
    error = found["deviation"] / MOST**0.5
    assert found["outputs"].mean() == pytest.approx(found["evaluation"], abs=4 * error)


@pytest.mark.parametrize("rate", RATES)
def test_outputs_scatter_as_theory_says_and_more_at_higher_rates(rate: float) -> None:
    found = drop(rate, MOST)

    # the deviation of 500 draws is uncertain by about 1 / √1000 = 3 %
    assert found["outputs"].std() == pytest.approx(found["deviation"], rel=0.12)
    assert found["deviation"] > drop(rate - 0.05, MOST)["deviation"]


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_without_the_division_training_runs_at_one_minus_p_of_the_size(rate: float) -> None:
    found = drop(rate, MOST, "none")

    assert found["outputs"].mean() == pytest.approx((1 - rate) * found["evaluation"], rel=0.02)


def test_kept_units_are_rescaled_and_dropped_ones_silent() -> None:
    found = drop(0.25, 3)

    ratio = found["y"] / inputs()

    assert set(np.round(ratio, 12)) == {0.0, round(4 / 3, 12)}
    np.testing.assert_array_equal(found["y"] > 0, found["kept"])


def test_mask_and_scale_are_those_of_the_librarys_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = masks(0.3, 1)[0]
    layer = Dropout(0.3, rng=0)
    monkeypatch.setattr(layer, "_mask_for", lambda _: kept)

    y = layer.forward(inputs())

    np.testing.assert_allclose(drop(0.3, 1)["y"], y, rtol=1e-12)
    np.testing.assert_allclose(layer.eval().forward(inputs()), inputs(), rtol=0)


def test_higher_rate_drops_what_a_lower_one_drops_and_more() -> None:
    """The same tosses serve every rate, so that the slider shows the rate alone."""
    low, high = masks(0.2, 20), masks(0.4, 20)

    assert not (high & ~low).any()


def test_first_mask_shown_does_not_drop_the_expected_number() -> None:
    assert drop(0.2, 1)["dropped"][0] == 10


def told(node: Node, function: str, states: list[dict[str, Any]]) -> Any:
    """Return what remarkOn or readings says of each state."""
    call = f"m.{function}(now, m.drop(now.rate, now.draws, now.scaling))"
    return node("dropout_masks.js", f"{json.dumps(states)}.map((now) => {call})")


@pytest.mark.parametrize("scaling", ["inverted", "none"])
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_table_shows_the_numbers_of_python(node: Node, scaling: str, mode: str) -> None:
    pairs = [(0.0, 5), (0.2, 1), (0.3, 37), (0.5, 500), (0.9, 120)]
    states = [{"rate": r, "draws": n, "mode": mode, "scaling": scaling} for r, n in pairs]

    for (rate, draws), shown in zip(pairs, told(node, "readings", states), strict=True):
        found = drop(rate, draws, scaling)
        training = mode == "train"
        factor = 1 / (1 - rate) if training and scaling == "inverted" else 1
        hits = int((found["dropped"] == round(60 * rate)).sum())
        now = found["outputs"][-1] if training else inputs().mean()
        error = found["deviation"] / draws**0.5
        assert shown == [
            f"{found['dropped'][-1]} of 60" if training else "none",
            f"{60 * rate:g}",
            f"in {hits} of {draws}",
            f"{factor:.3f}" if training and scaling == "inverted" else "1",
            f"{now:.3f}",
            f"{found['outputs'].mean():.3f} ± {error:.3f}",
            f"{inputs().mean():.3f}",
        ]


def test_spread_of_the_mean_is_what_repeated_draws_show() -> None:
    """Means over 20 masks each, 25 of them, scatter by the deviation over √20."""
    found = drop(0.5, MOST)

    scatter = found["outputs"].reshape(25, 20).mean(axis=1).std(ddof=1)

    # 25 values tell a deviation within about 14 %
    assert scatter == pytest.approx(found["deviation"] / 20**0.5, rel=0.42)


def test_remark_says_what_the_numbers_bear_out(node: Node) -> None:
    grid = product(
        (0.0, 0.1, 0.3, 0.5, 0.9), (1, 19, 20, 500), ("train", "eval"), ("inverted", "none")
    )
    states: list[dict[str, Any]] = [
        {"rate": r, "draws": n, "mode": mode, "scaling": scaling} for r, n, mode, scaling in grid
    ]

    for state, remark in zip(states, told(node, "remarkOn", states), strict=True):
        found = drop(state["rate"], state["draws"], state["scaling"])
        if state["mode"] == "eval":
            assert "no mask" in remark
        elif state["rate"] == 0:
            assert "training and evaluation are the same" in remark
            assert found["outputs"][-1] == pytest.approx(found["evaluation"])
        elif state["scaling"] == "none":
            assert f"at about {1 - state['rate']:g} of the size" in remark
        elif state["draws"] < 20:
            assert "Draw more" in remark
        else:
            error = found["deviation"] / state["draws"] ** 0.5
            off = abs(found["outputs"].mean() - found["evaluation"]) / error
            assert f"{state['draws']} masks is {off:.1f} standard errors" in remark


def test_results_follow_controls_that_python_sets() -> None:
    figure = DropoutMasks()

    figure.draws = 7
    seven = figure.dropped, figure.mean_output
    figure.mode = "eval"

    found = drop(0.2, 7)
    assert seven == (found["dropped"][-1], found["outputs"].mean())
    assert (figure.dropped, figure.mean_output) == (0, found["evaluation"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "test"}, r"mode is 'test', expected one of .*'eval'"),
        ({"scaling": "late"}, r"scaling is 'late', expected one of .*'inverted'"),
        ({"rate": 1.0}, r"rate is 1.0 .* expected a number from 0 to 0.9"),
        ({"draws": 501}, r"draws is 501, expected .* whole number from 1 to 500"),
    ],
)
def test_unknown_choice_is_refused_with_the_known_ones(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DropoutMasks(**given)
