"""The figures of gradient flow, batch norm, clipping and dropout in headless Chromium."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from nnlib.widgets import BatchNormLens, ClippedStep, DropoutMasks, GradientFlow
from nnlib.widgets.batch_norm_lens import lens
from nnlib.widgets.clipped_step import clip
from nnlib.widgets.dropout_masks import drop
from nnlib.widgets.gradient_flow import (
    ACTIVATIONS,
    INITIALIZERS,
    expected_factor,
    factor,
    flow,
)
from tests.nnlib.widgets.figures import COVERED, FIGURES, Show, unlocked

pytestmark = pytest.mark.browser


def rows(shown: Any) -> dict[str, list[str]]:
    """Return what the table beside the picture says, by the heading of its row."""
    script = """(lines) => Object.fromEntries(lines.map((line) => [line.cells[0].textContent,
      [...line.cells].slice(1).map((cell) => cell.textContent)]))"""
    return dict(shown.frame.locator(".nn-tables tbody tr").evaluate_all(script))


def choose(shown: Any, group: str, choice: str) -> None:
    radios = shown.frame.get_by_role("radiogroup", name=group, exact=True)
    shown.drawn(radios.get_by_text(choice, exact=True).click)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("gradient_flow", "about 6", "about 30"),
        (
            "batch_norm_lens",
            "about 0 in training, far above 0 in evaluation",
            "about 0 in both modes",
        ),
        ("clipped_step", "by about 40°", "it does not turn"),
        ("dropout_masks", "in about one of eight", "in all of them"),
    ],
)
def test_prediction_is_judged_by_what_the_figure_computes(
    show: Show, name: str, right: str, wrong: str
) -> None:
    verdicts = []
    for answer in (right, wrong):
        shown = show(FIGURES[name]())
        assert set(shown.frame.locator(".nn-tables tbody td").all_inner_texts()) == {"?"}
        shown.drawn(shown.button(answer).click)
        verdicts.append(shown.text(".nn-verdict"))

    assert "✓ Agrees" in verdicts[0]
    assert "≠ Differs" in verdicts[1]


SET = """(state) => {
  for (const [name, value] of Object.entries(state)) {
    if (typeof value === "string") {
      document.querySelector(`.nn-segmented input[value="${value}"]`).click();
    } else {
      const label = [...document.querySelectorAll("label")].find((l) => l.textContent === name);
      label.control.value = String(value);
      label.control.dispatchEvent(new Event("input"));
    }
  }
}"""


def put(shown: Any, **state: Any) -> list[str]:
    """Set sliders by label and switches by value; return which texts cover each other then."""
    shown.drawn(lambda: shown.frame.evaluate(SET, state))
    covered: list[str] = shown.frame.evaluate(COVERED)
    return [f"{pair} {state}" for pair in covered]


@pytest.mark.parametrize("width", [960, 300])
def test_labels_of_gradient_flow_cover_each_other_nowhere(show: Show, width: int) -> None:
    shown = unlocked(show, GradientFlow(), width=width)

    covered = []
    for activation, init in product(ACTIVATIONS[::2], INITIALIZERS):
        for structure, depth in [("plain", 2), ("plain", 47), ("residual", 20), ("norm", 47)]:
            state = {"φ": activation, "W": init, "around": structure, "depth D": depth}
            covered += put(shown, **state)

    assert covered == []


@pytest.mark.parametrize("width", [960, 390, 300])
def test_labels_of_the_batch_norm_lens_cover_each_other_nowhere(show: Show, width: int) -> None:
    shown = unlocked(show, BatchNormLens(mode="eval"), width=width)

    covered = []
    for center, power in [(4, 1), (-4, 1), (3, 8), (0, 4)]:
        covered += put(shown, **{"mean of z": center, "batch size N": power, "training step": 80})

    assert covered == []


@pytest.mark.parametrize("width", [960, 390, 300])
def test_labels_of_the_clipped_step_cover_each_other_nowhere(show: Show, width: int) -> None:
    shown = unlocked(show, ClippedStep(), width=width)

    covered = []
    for lengths in ([8, 1, 0.5], [10, 10, 10], [0.25, 0.25, 0.25], [0.25, 9.75, 4.25]):
        names = ("‖∂L/∂W₁‖", "‖∂L/∂W₂‖", "‖∂L/∂b‖")
        for method, limit in product(("norm", "tensor", "value"), (0.25, 2, 10)):
            state = dict(zip(names, lengths, strict=True))
            covered += put(shown, **state, method=method, **{"limit c": limit})

    assert covered == []


@pytest.mark.parametrize("width", [960, 390, 300])
def test_labels_of_the_dropout_masks_cover_each_other_nowhere(show: Show, width: int) -> None:
    shown = unlocked(show, DropoutMasks(scaling="none"), width=width)

    covered = []
    for rate, draws in product((0, 0.05, 0.2, 0.5, 0.65, 0.9), (1, 37, 500)):
        covered += put(shown, **{"rate": rate, "masks drawn": draws})

    assert covered == []


def test_gradient_flow_follows_its_switches_and_its_slider(show: Show) -> None:
    shown = unlocked(show, GradientFlow())

    choose(shown, "Activation φ", "ReLU")
    choose(shown, "Weights: standard deviation", "He")
    shown.frame.get_by_label("depth D", exact=True).focus()
    shown.press("ArrowRight")

    found = flow(21, "relu", "he", "plain")
    table = rows(shown)
    assert table["verdict"] == ["healthy"]
    assert table["factor per layer"] == [f"{factor(found):.3f}"]
    assert table["factor by theory"] == [f"{expected_factor(found, 'he'):.3f}"]
    choose(shown, "Around each layer", "batch norm")
    assert rows(shown)["factor by theory"] == ["plain only"]


def test_gradient_flow_draws_other_weights_on_request(show: Show) -> None:
    shown = unlocked(show, GradientFlow())
    before = rows(shown)["factor per layer"]

    shown.drawn(shown.button("Draw again").click)

    found = flow(20, "sigmoid", "xavier", "plain", seed=1)
    assert rows(shown)["factor per layer"] == [f"{factor(found):.3f}"] != before


@pytest.mark.parametrize(
    ("preset", "verdict"),
    [
        ("50 ReLU, Xavier", "vanishing"),
        ("50 ReLU, He", "healthy"),
        ("Batch norm, 50 ReLU", "exploding"),
        ("Shortcuts, small weights", "healthy"),
        ("Reset", "vanishing"),
    ],
)
def test_preset_of_gradient_flow_shows_its_verdict(show: Show, preset: str, verdict: str) -> None:
    shown = unlocked(show, GradientFlow(activation="tanh", depth=3))

    shown.drawn(shown.button(preset).click)

    assert rows(shown)["verdict"] == [verdict]
    assert verdict in shown.frame.locator("svg[role=img]").get_attribute("aria-label")


def test_batch_norm_lens_changes_mode_and_batch_size_by_keys(show: Show) -> None:
    shown = unlocked(show, BatchNormLens())
    training = rows(shown)["output y"]

    shown.frame.locator("input[type=radio]:checked").focus()
    shown.press("ArrowRight")
    shown.frame.get_by_label("batch size N", exact=True).focus()
    shown.press("Home")

    y = lens(batch_size=2)["y"]["eval"]
    assert training == ["0.00", "1.00"]
    assert rows(shown)["output y"] == [f"{y.mean():.2f}", f"{y.std():.2f}"]
    assert "evaluation" in shown.frame.locator("svg[role=img]").get_attribute("aria-label")


def test_batch_norm_presets_show_the_lag_and_that_it_ends(show: Show) -> None:
    shown = unlocked(show, BatchNormLens())

    shown.drawn(shown.button("Just after the move, evaluation").click)
    early = float(rows(shown)["output y"][0])
    shown.drawn(shown.button("50 steps later, evaluation").click)
    late = float(rows(shown)["output y"][0].replace("−", "-"))

    assert early > 2
    assert abs(late) < 0.3


def test_clipped_step_shows_all_methods_and_marks_the_chosen(show: Show) -> None:
    shown = unlocked(show, ClippedStep())

    choose(shown, "Clip by", "each tensor")
    shown.frame.get_by_label("limit c", exact=True).focus()
    shown.press("ArrowRight")

    for row, method in (("global norm", "norm"), ("each tensor", "tensor"), ("by value", "value")):
        found = clip(limit=1.25, method=method)
        assert rows(shown)[row][:2] == [f"{found.length:.2f}", f"{found.angle:.1f}°"]
    assert shown.text("tr.nn-chosen th") == "each tensor"


def test_arrow_of_the_clipped_step_has_its_angle_and_length(show: Show) -> None:
    shown = unlocked(show, ClippedStep(method="tensor"))

    before, after = (
        shown.frame.evaluate(
            """(look) => {
              const line = document.querySelector(`svg line.${look}`);
              const tip = line.nextElementSibling.getAttribute("d").slice(1).split("L")[0];
              const [x, y] = tip.split(" ").map(Number);
              const [ox, oy] = ["x1", "y1"].map((name) => Number(line.getAttribute(name)));
              return [Math.hypot(x - ox, oy - y), Math.atan2(oy - y, x - ox) * 180 / Math.PI];
            }""",
            look,
        )
        for look in ("nn-before", "nn-after")
    )

    found = clip(method="tensor")
    assert after[1] - before[1] == pytest.approx(found.angle, abs=0.01)
    assert after[0] / before[0] == pytest.approx(found.length / 65.25**0.5, rel=1e-3)


def test_dropout_masks_are_drawn_one_by_one_and_by_the_hundred(show: Show) -> None:
    shown = unlocked(show, DropoutMasks())

    shown.button("Next mask").focus()
    shown.press("Enter")
    two = rows(shown)
    shown.drawn(shown.button("100 more").click)

    assert two["dropped now"] == [f"{drop(draws=2)['dropped'][-1]} of 60"]
    found = drop(draws=102)
    assert rows(shown)["mean over the masks"][0].startswith(f"{found['outputs'].mean():.3f} ±")
    crossed = shown.frame.locator("svg .nn-gone-unit").count()
    assert crossed == found["dropped"][-1]


def test_dropout_in_evaluation_drops_and_scales_nothing(show: Show) -> None:
    shown = unlocked(show, DropoutMasks(draws=50))

    choose(shown, "Mode", "evaluation")

    table = rows(shown)
    assert table["dropped now"] == ["none"]
    assert table["kept are multiplied by"] == ["1"]
    assert table["output now"] == table["output in evaluation"]
    assert shown.frame.locator("svg .nn-gone-unit").count() == 0


@pytest.mark.parametrize(
    ("preset", "expected"),
    [("10 %: 6 of 60?", "6"), ("20 %: 12 of 60?", "12"), ("25 %: 15 of 60?", "15"),
     ("30 %: 18 of 60?", "18")],
)  # fmt: skip
def test_dropout_preset_shows_how_seldom_the_slides_number_comes(
    show: Show, preset: str, expected: str
) -> None:
    shown = unlocked(show, DropoutMasks())

    shown.drawn(shown.button(preset).click)

    table = rows(shown)
    hits, of = (int(text) for text in table["that number exactly"][0][3:].split(" of "))
    assert table["expected, rate · 60"] == [expected]
    assert of == 500
    assert hits < 125
