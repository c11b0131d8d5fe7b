"""Unit 03 in JupyterLab: every live figure, driven by the keyboard alone."""

from __future__ import annotations

import pytest

from nnlib.widgets.batch_norm_lens import lens
from nnlib.widgets.clipped_step import clip
from nnlib.widgets.gradient_flow import factor, flow, ratio
from tests.browser.contract import Driven, FigureContract, Fresh, Unit
from tests.browser.lab import Notebook


class TestUnit03(FigureContract):
    """The figures of unit 03, and what they say."""

    UNIT = Unit(
        "03-gradient-flow",
        figures=(
            Driven("GradientFlow()", "about 6", "depth D"),
            Driven("ClippedStep()", "by about 40°", "limit c"),
            Driven(
                "BatchNormLens()",
                "about 0 in training, far above 0 in evaluation",
                "training step",
            ),
        ),
        questions={
            'key="03-depth"': "Depth 2",
            'key="03-half"': "Less than 1/1,000,000",
            'key="03-shift"': "Not at all",
            'key="03-bn-relu"': "Sigmoid",
            'key="03-pixels"': "Dead units",
        },
        self_check='SelfCheck(\n    key="03"',
    )

    def test_gradient_flow_follows_activation_weights_and_depth(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("GradientFlow()")

        figure.tab_to("sigmoid")
        figure.press("ArrowRight", "ArrowRight")  # tanh, ReLU
        figure.tab_to("Xavier")
        figure.press("ArrowRight")  # He
        figure.tab_to("depth D")
        figure.press("End")

        found = flow(50, "relu", "he", "plain")
        assert figure.value_text() == "50 layers"
        assert f"{factor(found):.3f}" in figure.text(".nn-tables")
        assert "healthy" in figure.text(".nn-tables")
        assert book.wait_for_value(figure.trait("depth"), 50) == figure.control_value()
        assert book.evaluate(figure.trait("verdict")) == "healthy"
        # rounding in the last bit grows with each layer
        assert book.evaluate(figure.trait("ratio")) == pytest.approx(ratio(found), rel=1e-6)

    def test_gradient_flow_explodes_under_batch_norm_and_is_drawn_again(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("GradientFlow()")

        figure.tab_to("Batch norm, 50 ReLU")
        figure.press("Enter")
        figure.tab_to("Draw again", "Shift+Tab")
        figure.press("Space")

        found = flow(50, "relu", "he", "norm", seed=1)
        assert "exploding" in figure.text(".nn-tables")
        assert f"{factor(found):.3f}" in figure.text(".nn-tables")
        assert book.wait_for_value(figure.trait("seed"), 1) == 1
        assert book.evaluate(figure.trait("verdict")) == "exploding"

    def test_clipped_step_turns_by_the_angle_of_python(self, book: Notebook, opened: Fresh) -> None:
        figure = opened("ClippedStep()")

        figure.tab_to("global norm")
        figure.press("ArrowRight")
        figure.tab_to("‖∂L/∂W₂‖")
        figure.press("ArrowRight", "ArrowRight")

        found = clip((8.0, 1.5, 0.5), 1.0, "tensor")
        row = f"each tensor {found.length:.2f} {found.angle:.1f}°".split()
        assert figure.text("tr.nn-chosen").split()[:-1] == row
        assert f"{found.angle:.1f}°" in figure.picture()
        assert book.wait_for_value(figure.trait("lengths"), [8.0, 1.5, 0.5]) == [8.0, 1.5, 0.5]
        assert book.evaluate(figure.trait("angle")) == pytest.approx(found.angle, rel=1e-9)

    def test_batch_norm_lens_shows_the_lag_in_evaluation(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("BatchNormLens()")

        figure.tab_to("training")
        figure.press("ArrowRight")
        figure.tab_to("training step")
        figure.press("ArrowRight", "ArrowRight")

        y = lens(23)["y"]["eval"]
        assert figure.value_text() == "step 23"
        assert f"{y.mean():.2f}" in figure.text(".nn-tables")
        assert "lags behind the move" in figure.text(".nn-remark")
        assert book.wait_for_value(figure.trait("step"), 23) == figure.control_value()
        assert book.evaluate(figure.trait("mode")) == "eval"
        mean = book.evaluate(figure.trait("output_mean"))
        assert mean == pytest.approx(y.mean(), rel=1e-9)
