"""Unit 04 in JupyterLab: every live figure, driven by the keyboard alone."""

from __future__ import annotations

import pytest

from nnlib.widgets._record import recorded
from nnlib.widgets.critical_points import KINDS, example, kind_of, newton
from nnlib.widgets.quadratic_bowl import descend, factors
from nnlib.widgets.spectrum_slices import DISTANCES, LOG_SCALES, RANKS
from tests.browser.contract import Driven, FigureContract, Fresh, Unit
from tests.browser.lab import Notebook


class TestUnit04(FigureContract):
    """The figures of unit 04, and what they say."""

    UNIT = Unit(
        "04-hessian",
        figures=(
            Driven("QuadraticBowl()", "η = 2/8 = 0.25", "rate η"),
            Driven("CriticalPoints()", "not critical: a slope", "start c₁"),
            Driven("SpectrumSlices()", "about 9", "eigenvector", ("ArrowRight", "ArrowLeft")),
            Driven(
                'SpectrumSlices(part="rescaling"',
                "the loss stays, the eigenvalue grows",
                "scale α",
            ),
        ),
        questions={
            'key="04-slope"': "One falls and one rises",
            'key="04-definite"': "100",
        },
        self_check='SelfCheck(\n    key="04"',
    )

    def test_bowl_at_its_limit_and_one_key_beyond(self, book: Notebook, opened: Fresh) -> None:
        figure = opened("QuadraticBowl()")

        figure.tab_to("At the limit")
        figure.press("Enter")
        at_the_limit = figure.text(".nn-remark")
        figure.tab_to("rate η", "Shift+Tab")
        figure.press("ArrowRight")

        first, second = factors([8, 1], 0.255)
        assert "jumps from side to side" in at_the_limit
        assert "farther out than before" in figure.text(".nn-remark")
        assert f"−{-first:.2f}" in figure.text(".nn-tables")
        assert f"{second:.3f}" in figure.text(".nn-tables")
        assert book.wait_for_value(figure.trait("lr"), 0.255) == figure.control_value()
        expected = descend([8, 1], 30, 0.255, 25)["losses"][-1]
        assert book.evaluate(figure.trait("loss")) == pytest.approx(expected, rel=1e-9)

    def test_bowl_turns_and_keeps_its_factors(self, opened: Fresh) -> None:
        figure = opened("QuadraticBowl()")
        row = figure.root.locator(".nn-table").first.locator("tr:nth-child(2)")
        before, picture = row.inner_text(), figure.picture()

        figure.tab_to("turn")
        figure.press("ArrowRight", "ArrowRight")

        assert figure.value_text() == "40 degrees"
        assert row.inner_text() == before
        assert figure.picture() != picture

    def test_kinds_are_named_case_after_case_and_python_has_the_tally(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("CriticalPoints()")
        figure.tab_to(KINDS[0])

        for number in range(5):
            figure.tab_to(kind_of(example(number)))
            figure.press("Enter")
            assert figure.text(".nn-said").startswith("✓ Right, ")
            figure.press("Enter")  # the focus is on "Next case", and then on the first kind

        assert figure.text(".nn-status") == "5 of 5 named rightly"
        assert book.wait_for_value(figure.trait("right"), 5) == 5
        assert book.evaluate(figure.trait("case")) == 5
        assert book.evaluate(figure.trait("kind")) == kind_of(example(5))

    def test_wrong_kind_is_answered_with_the_reason(self, opened: Fresh) -> None:
        figure = opened("CriticalPoints()")

        figure.tab_to("saddle")  # the first case is a minimum
        figure.press("Enter")

        assert figure.text(".nn-said").startswith("≠ You said: saddle. This is a minimum.")
        assert "both eigenvalues are positive" in figure.text(".nn-said")
        assert figure.text(".nn-status") == "0 of 1 named rightly"

    def test_newton_from_beside_the_saddle(self, opened: Fresh) -> None:
        figure = opened("CriticalPoints()")

        figure.tab_to("Saddle")
        figure.press("Enter")
        figure.tab_to("start c₂", "Shift+Tab")
        figure.press("ArrowLeft")

        losses = newton(example(-3), [0.5, 1.0])["losses"]
        table = figure.text(".nn-tables").replace("−", "-")
        assert "(0.00, 0.00)" in table
        for loss in losses:
            assert f"{loss:.3f}" in table

    def test_slice_is_read_along_another_eigenvector(self, book: Notebook, opened: Fresh) -> None:
        figure = opened("SpectrumSlices()")

        figure.tab_to("eigenvector")
        figure.press("ArrowRight", "ArrowRight")
        figure.tab_to("distance t")
        figure.press("End")

        after = recorded("spectrum_slices")["after"]
        change = after["slices"][RANKS.index(3)][DISTANCES.index(1.0)]
        assert f"{change:.4f}" in figure.text(".nn-tables")
        assert book.wait_for_value(figure.trait("distance"), 1.0) == figure.control_value()
        assert book.evaluate(figure.trait("rank")) == 3

    def test_rescaling_keeps_the_loss_and_changes_the_sharpness(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened('SpectrumSlices(part="rescaling"')
        first = figure.text(".nn-tables")

        figure.tab_to("scale α")
        figure.press("End")

        last = recorded("spectrum_slices")["rescaled"][LOG_SCALES.index(3.0)]
        for text in (first, figure.text(".nn-tables")):
            assert f"{last['loss']:.4f}" in text
        assert f"{last['largest']:.2f}" in figure.text(".nn-tables")
        assert book.wait_for_value(figure.trait("log_scale"), 3.0) == figure.control_value()

    def test_one_figure_goes_from_the_spectrum_to_the_rescaling(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("SpectrumSlices()")

        figure.tab_to("spectrum and slices")
        figure.press("ArrowRight")
        figure.tab_to("scale α")
        figure.press("ArrowRight")

        assert "times as sharp" in figure.text(".nn-remark")
        assert book.wait_for_value(figure.trait("part"), "rescaling") == "rescaling"
