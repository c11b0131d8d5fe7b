"""Every figure on a static page in headless Chromium: no kernel, no network, keyboard only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from nnlib.widgets import (
    Figure,
    GradientCheck,
    GraphStepper,
    Prediction,
    Question,
    SelfCheck,
    WorkedNetwork,
)

pytestmark = pytest.mark.browser

Show = Callable[..., Any]


def prediction() -> Figure:
    choices = ["a lot", "a little"]
    return Prediction(
        key="t", question="How far?", choices=choices, answer=1, because="<b>σ′</b> is small."
    )


def number() -> Figure:
    return Prediction(
        key="n",
        question="How many?",
        answer=0.68,
        tolerance=0.01,
        unit="units",
        because="Add them.",
    )


def self_check() -> Figure:
    first = Question("First?", ["yes", "no", "perhaps"], 1, "No, since <i>it</i> is.")
    return SelfCheck(key="t", questions=[first, Question("Second?", ["up", "down"], 0, "Up.")])


FIGURES: dict[str, Callable[[], Figure]] = {
    "worked_network": WorkedNetwork,
    "graph_stepper": lambda: GraphStepper(graph="tied"),
    "gradient_check": GradientCheck,
    "prediction": prediction,
    "number": number,
    "self_check": self_check,
}
GATED = ("worked_network", "graph_stepper", "gradient_check")


def unlocked(show: Show, figure: Figure, **options: Any) -> Any:
    shown = show(figure, **options)
    shown.drawn(shown.button("Show without predicting").click)
    return shown


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(("width", "dark"), [(960, False), (960, True), (390, False)])
def test_figure_shows_without_errors_requests_or_overflow(
    gallery: Show, name: str, width: int, dark: bool
) -> None:
    shown = gallery(FIGURES[name], width=width, dark=dark)

    overflow = shown.frame.evaluate(
        """() => {
          const edge = document.documentElement.clientWidth;
          const wide = [...document.querySelectorAll(".nn-figure *:not(.nn-hidden):not(svg *)")]
            .filter((node) => node.getBoundingClientRect().right > edge + 0.5);
          return wide.map((node) => node.outerHTML.slice(0, 80));
        }"""
    )

    assert shown.errors == []
    assert overflow == []
    # file:, blob: and data: have no host; every other address must be this machine
    hosts = {urlsplit(url).hostname for url in shown.requests}
    assert hosts <= {"127.0.0.1", None}
    assert shown.n() >= 1


@pytest.mark.parametrize("name", FIGURES)
def test_iframe_takes_the_height_of_the_figure(gallery: Show, name: str) -> None:
    shown = gallery(FIGURES[name], width=390, dark=False)

    shown.page.wait_for_timeout(100)  # the observer answers a frame later

    inner, outer = shown.frame.evaluate(
        "[document.getElementById('figure').offsetHeight, frameElement.offsetHeight]"
    )
    assert 0 <= outer - inner <= 4


@pytest.mark.parametrize("name", GATED)
def test_controls_are_locked_until_a_prediction_is_committed(show: Show, name: str) -> None:
    shown = show(FIGURES[name]())
    controls = shown.frame.locator(".nn-lock :is(button, input)")

    locked = controls.evaluate_all('(nodes) => nodes.map((node) => node.matches(":disabled"))')
    shown.drawn(shown.button("Show without predicting").click)

    assert locked
    assert all(locked)
    assert shown.frame.locator(".nn-lock input[type=range]").first.is_enabled()
    assert shown.text(".nn-verdict").startswith("Shown")


@pytest.mark.parametrize(
    ("name", "answer", "verdict"),
    [
        ("worked_network", "w₁₃ and w₁₄", "✓ Agrees"),
        ("worked_network", "none of them", "≠ Differs"),
        ("gradient_check", "h = 10⁻⁵", "✓ Agrees"),
        ("gradient_check", "h = 10⁻¹²", "≠ Differs"),
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


@pytest.mark.parametrize("name", FIGURES)
def test_jupyterlab_is_told_to_leave_the_keys_of_every_control(gallery: Show, name: str) -> None:
    """JupyterLab looks at the focused element itself, so a mark on a parent does not help."""
    shown = gallery(FIGURES[name], width=960, dark=False)

    unmarked = shown.frame.evaluate(
        """() => [...document.querySelectorAll("button, input, select, summary, [tabindex]")]
          .filter((node) => node.dataset.lmSuppressShortcuts !== "true").length"""
    )

    assert unmarked == 0


@pytest.mark.parametrize("name", FIGURES)
def test_every_control_has_a_name(gallery: Show, name: str) -> None:
    shown = gallery(FIGURES[name], width=960, dark=False)

    nameless = shown.frame.evaluate(
        """() => [...document.querySelectorAll("input, button, svg[role=img]")]
          .filter((node) => !(node.labels?.length || node.ariaLabel || node.textContent.trim()
            || node.getAttribute("aria-label"))).length"""
    )

    assert nameless == 0


@pytest.mark.parametrize("name", GATED)
@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(gallery: Show, name: str, dark: bool) -> None:
    """WCAG asks for 4.5:1; the background is the nearest one that is painted."""
    shown = gallery(FIGURES[name], width=960, dark=dark)

    faint = shown.frame.evaluate(CONTRAST)

    assert faint == []


CONTRAST = """() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (c) => [0, 1, 2].map((i) => c[i] / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const c = rgb(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const own = (node) => [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim());
  return [...document.querySelectorAll(".nn-figure *")].filter(own)
    .filter((node) => !node.matches(":disabled, :disabled *, .nn-hidden, .nn-gone, option"))
    .map((node) => {
      const style = getComputedStyle(node);
      const ink = node.closest("svg") ? style.fill : style.color;
      const [a, b] = [light(rgb(ink)), light(ground(node))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.textContent.slice(0, 30)];
    }).filter(([ratio]) => ratio < 4.5);
}"""


def test_dark_page_has_a_dark_figure(gallery: Show) -> None:
    shown = gallery(FIGURES["worked_network"], width=960, dark=True)

    paper = shown.root.evaluate("(node) => getComputedStyle(node).backgroundColor")

    assert paper == "rgb(22, 25, 29)"


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


def test_gradient_check_hides_its_curves_until_the_prediction(show: Show) -> None:
    shown = show(GradientCheck())

    before = shown.frame.locator("path.nn-curve").count()
    shown.drawn(shown.button("h = 10⁻²").click)

    assert before == 0
    assert shown.frame.locator("path.nn-curve").count() == 2


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
