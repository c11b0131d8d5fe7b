"""Unit 01 in JupyterLab: every live figure, driven by the keyboard alone."""

from __future__ import annotations

import pytest

from nnlib.widgets.gradient_check import relative_error
from nnlib.widgets.graph_stepper import backpropagate
from nnlib.widgets.worked_network import INPUTS, TARGET, WEIGHTS, compute
from tests.browser.contract import Driven, FigureContract, Fresh, Unit
from tests.browser.figure import MISS
from tests.browser.lab import Notebook

KEYS_IN_ONE_FRAME = """(keys) => {
  const target = document.activeElement;
  for (const key of keys)
    target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}"""


class TestUnit01(FigureContract):
    """The figures of unit 01, and what they say."""

    UNIT = Unit(
        "01-backpropagation",
        figures=(
            Driven("WorkedNetwork()", "w₁₃ and w₁₄", "w₁₃"),
            Driven("GraphStepper()", "7", "x"),
            Driven("GradientCheck()", "h = 10⁻⁵", "step h"),
        ),
        questions={'key="01-cost"': "About 3 times as long"},
        self_check='SelfCheck(\n    key="01"',
    )

    def test_worked_network_steps_and_follows_a_slider(self, book: Notebook, opened: Fresh) -> None:
        figure = opened("WorkedNetwork()")
        weights = [0.15, *WEIGHTS[1:]]

        figure.tab_to("1 Forward")
        figure.press("Enter")
        assert (figure.number("y5"), figure.number("d3")) == ("0.6903", "?")
        figure.tab_to("2 Backward")
        figure.press("Space")
        assert (figure.number("d3"), figure.number("n45")) == ("−0.00265", "?")
        figure.tab_to("3 Update")
        figure.press("Enter")
        assert figure.number("n45") == "0.8730"
        figure.tab_to("w₁₃")
        figure.press("ArrowRight")

        result = compute(weights)
        assert figure.value_text() == "0.1500"
        assert figure.number("y5") == f"{result['y'][2]:.4f}"
        assert "w₁₃ 0.1500" in figure.picture()
        assert book.wait_for_value(figure.trait("weights"), weights) == weights
        assert book.evaluate(figure.trait("weights[0]")) == figure.control_value()
        assert book.evaluate(figure.trait("stage")) == 3
        assert book.evaluate(figure.trait("loss")) == pytest.approx(result["loss"], rel=1e-12)

    def test_worked_network_goes_on_to_the_next_epoch(self, book: Notebook, opened: Fresh) -> None:
        figure = opened("WorkedNetwork()")

        figure.tab_to("4 Next epoch")
        figure.press("Enter")
        figure.tab_to("1 Forward", "Shift+Tab")
        figure.press("Enter")

        updated = compute(WEIGHTS, INPUTS, TARGET)["new_weights"]
        assert figure.number("y5") == f"{compute(updated)['y'][2]:.4f}"
        assert book.wait_for_value(figure.trait("epoch"), 2) == 2
        assert book.evaluate(figure.trait("weights")) == pytest.approx(updated, rel=1e-12)

    def test_graph_stepper_takes_numbers_and_adds_the_paths(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("GraphStepper()")

        figure.tab_to("Next →")
        figure.press("ArrowRight", "ArrowRight", "ArrowRight")
        figure.page.keyboard.press("ArrowRight")  # an edge wants a number first, and gets the focus
        for local in ("1", "1", "6"):
            figure.type(local)
            figure.press("Enter")
        assert "dz/dx = 1 + 6 = 7" in figure.text(".nn-report")
        assert "dz/dx = 1 + 6 = 7" in figure.picture()
        assert book.wait_for_value(figure.trait("step"), 6) == 6
        figure.focus_first()
        figure.tab_to("x")
        figure.press("ArrowLeft")

        assert figure.value_text() == "2.9"
        assert book.wait_for_value(figure.trait("inputs"), [2.9]) == [figure.control_value()]
        expected = backpropagate("shared", [2.9])["gradients"]["x"]
        assert book.evaluate(figure.trait("gradient")) == pytest.approx([expected], rel=1e-12)
        assert "= 6.8" in figure.text(".nn-report")
        assert "= 6.8" in figure.picture()

    def test_gradient_check_follows_slider_and_switch(self, book: Notebook, opened: Fresh) -> None:
        figure = opened("GradientCheck()")
        before = figure.text("table")
        misses = [figure.root.evaluate(MISS)]

        figure.tab_to("central")
        figure.press("ArrowLeft")
        misses.append(figure.root.evaluate(MISS))
        figure.tab_to("step h")
        figure.press("ArrowLeft", "ArrowLeft")
        misses.append(figure.root.evaluate(MISS))

        expected = relative_error("network", "forward", "float64", 10**-2.2)
        assert figure.text("table") != before
        assert max(misses) < 0.1, "the dot left its curve, of which one or both were not drawn anew"
        assert figure.value_text() == "10 to the power -2.2"
        assert book.wait_for_value(figure.trait("log_h"), -2.2) == figure.control_value()
        assert book.evaluate(figure.trait("method")) == "forward"
        # The quotient cancels digits: libm and the browser may differ in the last bit of exp.
        assert book.evaluate(figure.trait("error")) == pytest.approx(expected, rel=1e-9)

    def test_graph_stepper_asks_even_after_keys_in_one_frame(self, opened: Fresh) -> None:
        """Keys that come faster than frames once found the field hidden, and lost the focus."""
        figure = opened("GraphStepper()")
        figure.tab_to("Next →")

        figure.page.evaluate(KEYS_IN_ONE_FRAME, ["ArrowRight"] * 4)
        figure.type("1")
        figure.press("Enter")

        assert "Step 4 of" in figure.text(".nn-status")

    def test_reload_keeps_the_numbers_of_the_worked_network(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("WorkedNetwork()")
        figure.tab_to("1 Forward")
        figure.press("Enter")

        book.save_and_reload()

        worked = book.figure(book.find("WorkedNetwork()"))
        assert worked.number("y5") != "?"
        worked.focus_first()
        worked.tab_to("w₁₃")
        said = worked.value_text()
        worked.press("ArrowLeft")
        weights = [0.05, *WEIGHTS[1:]]
        assert worked.value_text() != said
        assert book.wait_for_value(worked.trait("weights"), weights) == weights
