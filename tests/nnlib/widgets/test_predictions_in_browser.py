"""Predictions on a static page: asked for, compared, kept, and the key to the controls."""

from __future__ import annotations

import pytest

from nnlib.widgets import GradientCheck, WorkedNetwork
from tests.nnlib.widgets.figures import FIGURES, Show, number, prediction, unlocked

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("name", "answer", "verdict"),
    [
        ("worked_network", "w₁₃ and w₁₄", "✓ Agrees"),
        ("worked_network", "none of them", "≠ Differs"),
        ("gradient_check", "h = 10⁻⁵", "✓ Agrees"),
        ("gradient_check", "h = 10⁻¹²", "≠ Differs"),
        ("overfitting_explorer", "training rises, validation falls", "✓ Agrees"),
        ("overfitting_explorer", "both fall", "≠ Differs"),
        ("penalty_contours", "L1 and the elastic net", "✓ Agrees"),
        ("penalty_contours", "only L1", "≠ Differs"),
        ("early_stopping_scrubber", "higher on average", "✓ Agrees"),
        ("early_stopping_scrubber", "the same on average", "≠ Differs"),
        ("prediction", "a little", "✓ Agrees"),
        ("prediction", "a lot", "≠ Differs"),
    ],
)
def test_choice_is_compared_and_survives_a_reload(
    show: Show, name: str, answer: str, verdict: str
) -> None:
    shown = show(FIGURES[name]())

    shown.drawn(shown.button(answer).click)
    first = shown.text(".nn-verdict")
    shown.reload()

    assert verdict in first
    assert f"You said: {answer}." in first
    assert shown.text(".nn-verdict") == first


@pytest.mark.parametrize(
    ("name", "typed", "verdict"),
    [
        ("graph_stepper", "7", "✓ Agrees"),
        ("graph_stepper", "6", "≠ Differs"),
        ("number", "0,69", "✓ Agrees"),
        ("number", "0.5", "≠ Differs"),
    ],
)
def test_number_is_compared_and_survives_a_reload(
    show: Show, name: str, typed: str, verdict: str
) -> None:
    shown = show(FIGURES[name]())

    shown.frame.get_by_label("Your number").focus()
    shown.page.keyboard.type(typed)
    shown.press("Enter")
    first = shown.text(".nn-verdict")
    shown.reload()

    assert verdict in first
    assert f"You said: {typed}" in first
    assert shown.text(".nn-verdict") == first


def test_text_that_is_no_number_is_refused_in_words(show: Show) -> None:
    shown = show(number())

    shown.frame.get_by_label("Your number").fill("many")
    shown.page.keyboard.press("Enter")

    assert "Please enter a number" in shown.text(".nn-gate .nn-note")


def test_asking_again_forgets_the_prediction_and_locks_the_controls(show: Show) -> None:
    shown = unlocked(show, WorkedNetwork())

    shown.drawn(shown.button("Ask me again").click)
    shown.reload()

    assert shown.button("Show without predicting").is_visible()
    assert shown.button("1 Forward").is_disabled()


def test_given_text_is_shown_as_text(show: Show) -> None:
    shown = unlocked(show, prediction())

    assert "<b>σ′</b> is small." in shown.text(".nn-verdict")


def test_gradient_check_hides_its_curves_until_the_prediction(show: Show) -> None:
    shown = show(GradientCheck())

    before = shown.frame.locator("path.nn-curve").count()
    shown.drawn(shown.button("h = 10⁻²").click)

    assert before == 0
    assert shown.frame.locator("path.nn-curve").count() == 2
