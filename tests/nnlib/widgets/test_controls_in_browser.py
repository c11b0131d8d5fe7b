"""What the controls of each figure do on a static page: no kernel, no network."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nnlib.widgets import GradientCheck, GraphStepper, WorkedNetwork
from tests.nnlib.widgets.figures import FIGURES, Show, self_check, unlocked

pytestmark = pytest.mark.browser


def numbers(shown: Any) -> dict[str, str]:
    """Return what the tables of the worked network show, by the name of the number."""
    script = "(nodes) => Object.fromEntries(nodes.map((n) => [n.dataset.key, n.textContent]))"
    return dict(shown.frame.locator(".nn-cell").evaluate_all(script))


def test_worked_network_reveals_its_numbers_step_by_step(show: Show) -> None:
    shown = unlocked(show, WorkedNetwork())

    start = numbers(shown)
    shown.drawn(shown.button("1 Forward").click)
    forward = numbers(shown)
    shown.drawn(shown.button("2 Backward").click)
    backward = numbers(shown)
    shown.drawn(shown.button("3 Update").click)
    update = numbers(shown)

    assert (start["y5"], start["w45"]) == ("?", "0.9000")
    assert (forward["y5"], forward["d5"]) == ("0.6903", "?")
    assert (backward["d3"], backward["n45"]) == ("−0.00265", "?")
    assert (update["n45"], update["w45"]) == ("0.8730", "0.9000")


def test_worked_network_goes_on_with_the_new_weights_and_resets(show: Show) -> None:
    shown = unlocked(show, WorkedNetwork())

    shown.drawn(shown.button("4 Next epoch").click)
    second = numbers(shown)
    shown.drawn(shown.button("1 Forward").click)
    forward = numbers(shown)
    shown.drawn(shown.button("Reset").click)
    reset = numbers(shown)

    assert (second["w45"], second["y5"]) == ("0.8730", "?")
    assert forward["y5"] == "0.6820"
    assert (reset["w45"], reset["y5"]) == ("0.9000", "?")
    assert "Epoch 1" in shown.text(".nn-status")


def test_worked_network_writes_out_the_number_that_the_arrows_reach(show: Show) -> None:
    shown = unlocked(show, WorkedNetwork())
    shown.drawn(shown.button("2 Backward").click)

    shown.frame.locator('[data-key="d3"].nn-cell').focus()
    shown.press("ArrowDown")
    explained = shown.text(".nn-explain")

    assert explained.startswith("δ₄ = y₄ · (1 − y₄) · w₄₅ · δ₅")
    assert explained.endswith("= −0.00817")
    assert shown.frame.locator(".nn-cell[tabindex='0']").count() == 3  # one stop for each table


def test_worked_network_preset_shows_what_the_question_asked(show: Show) -> None:
    shown = unlocked(show, WorkedNetwork())

    shown.drawn(shown.button("x₁ = 0").click)
    shown.drawn(shown.button("2 Backward").click)

    still = [name for name, text in numbers(shown).items() if text == "0.00000"]
    assert still == ["s13", "s14"]


def test_graph_stepper_asks_checks_hints_and_adds_the_two_paths(show: Show) -> None:
    shown = unlocked(show, GraphStepper())
    shown.button("Next →").focus()
    for _ in range(3):
        shown.press("ArrowRight")

    shown.page.keyboard.press("ArrowRight")  # an edge wants a number first
    assert "First your number" in shown.text(".nn-panel .nn-note")
    shown.page.keyboard.type("7")  # the whole derivative, where a local one is asked
    shown.page.keyboard.press("Enter")
    assert re.search(
        r"Not 7. If ([ux]) moves by 0.01 and ([ux]) is held still, z moves by about 0.01.",
        shown.text(".nn-panel .nn-note"),
    )
    shown.page.keyboard.press("Control+A")
    for typed in ("1", "1", "5"):
        shown.page.keyboard.type(typed)
        shown.page.keyboard.press("Enter")
    assert "Not 5. If x moves by 0.01, u moves by about 0.0601." in shown.text(".nn-panel .nn-note")
    shown.page.keyboard.press("Control+A")
    shown.page.keyboard.type("6")
    shown.press("Enter")

    assert "dz/dx = 1 + 6 = 7" in shown.text(".nn-report")
    assert "dz/dx = 1 + 6 = 7" in shown.frame.locator("svg").text_content()
    assert shown.text(".nn-tally") == "3 local derivatives predicted, 0 revealed"
    assert shown.button("← Back").evaluate("(node) => node === document.activeElement")


def test_graph_stepper_goes_back_and_forth_without_asking_twice(show: Show) -> None:
    shown = unlocked(show, GraphStepper())
    for _ in range(3):
        shown.drawn(shown.button("Next →").click)
    shown.drawn(shown.button("Reveal").click)

    shown.drawn(shown.button("← Back").click)
    shown.drawn(shown.button("Next →").click)

    assert shown.text(".nn-status") == "Step 4 of 6"
    assert shown.text(".nn-tally") == "0 local derivatives predicted, 1 revealed"


def test_graph_stepper_changes_its_graph_by_arrow_keys(show: Show) -> None:
    shown = unlocked(show, GraphStepper())

    shown.frame.locator("input[type=radio]:checked").focus()
    shown.press("ArrowRight")

    assert shown.frame.locator(".nn-inputs input[type=range]").count() == 3
    assert shown.text(".nn-status") == "Step 0 of 9"


def test_gradient_check_shows_the_slopes_of_both_differences(show: Show) -> None:
    shown = unlocked(show, GradientCheck())
    right = shown.frame.locator(".nn-table tr:last-child td")

    central = right.inner_text()
    shown.drawn(shown.frame.locator("label", has_text="forward").click)

    assert float(central) == pytest.approx(2, abs=0.05)
    assert float(right.inner_text()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("name", "slider", "says"),
    [
        ("worked_network", "w₁₃", "0.1500"),
        ("worked_network", "rate η", "1.1"),
        ("graph_stepper", "w", "0.6"),
        ("gradient_check", "step h", "10 to the power -1.9"),
    ],
)
def test_arrow_key_moves_a_slider_by_one_step_and_says_so(
    show: Show, name: str, slider: str, says: str
) -> None:
    shown = unlocked(show, FIGURES[name]())
    control = shown.frame.get_by_label(slider, exact=True)

    control.focus()
    shown.press("ArrowRight")

    assert control.get_attribute("aria-valuetext") == says


def test_self_check_explains_counts_and_starts_over(show: Show) -> None:
    shown = show(self_check())
    answers = shown.frame.locator(".nn-choice")

    shown.drawn(answers.nth(0).click)
    assert "✗ not this one" in answers.nth(0).inner_text()
    assert shown.text(".nn-because") == "No, since <i>it</i> is."
    shown.drawn(answers.nth(1).click)
    assert "✓ right" in answers.nth(1).inner_text()
    answers.nth(3).focus()
    shown.press("Enter")
    assert shown.text(".nn-score") == "2 right of 2 answered, 2 in all."
    shown.reload()
    assert shown.text(".nn-score") == "2 right of 2 answered, 2 in all."
    shown.drawn(shown.button("Try again").click)

    assert "Nothing is recorded or graded" in shown.text(".nn-score")
    assert shown.frame.locator(".nn-choice[aria-pressed='true']").count() == 0
