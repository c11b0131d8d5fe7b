"""Unit 05 in JupyterLab: every live figure, driven by the keyboard alone."""

from __future__ import annotations

import pytest

from nnlib.widgets import AugmentationGallery
from nnlib.widgets.augmentation_gallery import LEVELS, gains
from nnlib.widgets.dropout_masks import drop
from nnlib.widgets.early_stopping_scrubber import follow_rule, losses_of, report
from nnlib.widgets.overfitting_explorer import error_curves
from nnlib.widgets.penalty_contours import descend, solution
from tests.browser.contract import Driven, FigureContract, Fresh, Unit
from tests.browser.lab import Notebook


class TestUnit05(FigureContract):
    """The figures of unit 05, and what they say."""

    UNIT = Unit(
        "05-regularization",
        figures=(
            Driven("OverfittingExplorer()", "training rises, validation falls", "weights p"),
            Driven("PenaltyContours()", "L1 and the elastic net", "λ"),
            Driven("DropoutMasks()", "in about one of eight", "rate"),
            Driven("EarlyStoppingScrubber()", "higher on average", "epoch"),
            # its table opens only with the comparison, but the strength is a number at once
            Driven(
                "AugmentationGallery()", "turned by up to 10°", "strength", numbers=".nn-slider"
            ),
        ),
        questions={'key="05-zeros"': "None"},
        self_check='SelfCheck(\n    key="05"',
    )

    def test_overfitting_explorer_shows_the_errors_of_python(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("OverfittingExplorer()")

        figure.tab_to("weights p")
        figure.press("End")

        at_64 = error_curves(20, 0.3, 0.0, 1).validation[63]
        assert f"{at_64:.3f}" in figure.text(".nn-tables")
        assert "Training error 0 says nothing about new rows" in figure.text(".nn-remark")
        assert book.wait_for_value(figure.trait("capacity"), 64) == 64
        error = book.evaluate(figure.trait("validation_error"))
        assert error == pytest.approx(at_64, rel=1e-9)

    def test_overfitting_explorer_is_cured_by_its_presets(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("OverfittingExplorer()")
        before = book.evaluate(figure.trait("validation_error"))

        found = {}
        for name, trait, value in (
            ("Cured by λ", "strength", 0.01),
            ("Cured by data", "n_rows", 80),
        ):
            figure.tab_to(name)
            figure.press("Enter")
            assert book.wait_for_value(figure.trait(trait), value) == value
            found[name] = book.evaluate(figure.trait("validation_error"))

        assert found["Cured by λ"] == pytest.approx(
            error_curves(20, 0.3, 0.01, 1).validation[17], rel=1e-9
        )
        assert found["Cured by data"] == pytest.approx(
            error_curves(80, 0.3, 0.0, 1).validation[17], rel=1e-9
        )
        assert max(found.values()) < 0.6 * before

    def test_penalty_contours_reach_an_exact_zero(self, book: Notebook, opened: Fresh) -> None:
        figure = opened("PenaltyContours()")

        figure.tab_to("λ")
        figure.press(*["ArrowRight"] * 8)

        expected = solution("L1", 1.0, [1.4, 0.5], 0.0)
        assert expected == [pytest.approx(0.9), 0.0]
        assert "with penalty\t0.9000\t0" in figure.text(".nn-tables")
        assert "A corner is touched" in figure.text(".nn-remark")
        assert book.wait_for_value(figure.trait("strength"), 1) == 1
        assert book.evaluate(figure.trait("weights")) == pytest.approx(expected)

    def test_penalty_contours_compare_the_two_recipes(self, book: Notebook, opened: Fresh) -> None:
        figure = opened("PenaltyContours()")

        figure.tab_to("L1 by sub-gradient")
        figure.press("Enter")
        jumps = figure.text(".nn-remark")
        figure.tab_to("60 sub-gradient steps", "Shift+Tab")
        figure.press("ArrowRight")

        rough = descend("L1", 1.2, [1.4, 0.5], 0.0, proximal=False)[-1, 1]
        assert f"60 sub-gradient steps\t0.8000\t{rough:.4f}" in figure.text(".nn-tables")
        assert "60 proximal steps\t0.8000\t0" in figure.text(".nn-tables")
        assert "it jumps across 0" in jumps
        assert "exactly 0 from step" in figure.text(".nn-remark")
        assert book.wait_for_value(figure.trait("view"), "proximal") == "proximal"

    def test_dropout_masks_drop_in_training_only(self, book: Notebook, opened: Fresh) -> None:
        figure = opened("DropoutMasks()")

        figure.tab_to("masks drawn")
        figure.press("End")
        drawn = drop(0.2, 500, "inverted")
        assert f"{drawn['dropped'][-1]} of 60" in figure.text(".nn-tables")
        assert book.wait_for_value(figure.trait("draws"), 500) == 500
        assert book.evaluate(figure.trait("dropped")) == drawn["dropped"][-1]
        figure.tab_to("training", "Shift+Tab")
        figure.press("ArrowRight")

        assert book.wait_for_value(figure.trait("mode"), "eval") == "eval"
        assert book.evaluate(figure.trait("dropped")) == 0
        assert "none" in figure.text(".nn-tables")

    def test_early_stopping_scrubber_decides_on_the_losses_of_the_slides(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("EarlyStoppingScrubber()")

        figure.tab_to("The slides’ losses")
        figure.press("Enter")
        with_delta = figure.text(".nn-remark")
        figure.tab_to("min_delta", "Shift+Tab")
        figure.press("Home")

        assert with_delta.startswith("Stop: 2 epochs in a row without improvement by more than")
        without = follow_rule(losses_of("slides").validation, 2, 0.0)
        assert without.restored == 4
        assert "restores epoch\t4" in figure.text(".nn-tables")
        assert book.wait_for_value(figure.trait("restored"), 4) == 4
        assert book.evaluate(figure.trait("stopped")) == without.stopped

    def test_early_stopping_scrubber_reports_the_optimism(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("EarlyStoppingScrubber()")

        figure.tab_to("patience")
        figure.press("End")

        result = report("digits", 60, 0.0)
        assert f"optimism\t{result.optimism:.4f}" in figure.text(".nn-tables")
        assert f"test, not restored\t{result.last:.4f}" in figure.text(".nn-tables")
        assert book.wait_for_value(figure.trait("patience"), 60) == 60
        decision = follow_rule(losses_of("digits", 3).validation, 60, 0.0)
        assert book.evaluate(figure.trait("restored")) == decision.restored

    def test_augmentation_gallery_compares_with_the_runs(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("AugmentationGallery()")
        hidden = figure.text(".nn-tables")

        figure.tab_to("strength")
        figure.press("Home", *["ArrowRight"])
        figure.tab_to("Compare with the model")
        figure.press("Enter")

        runs = AugmentationGallery().runs[list(LEVELS).index("rotate")]
        mean, _, better = gains(runs[1], runs[0], 449)
        assert "change in accuracy\t?" in hidden
        assert f"change in accuracy\t{100 * mean:+.1f}" in figure.text(".nn-tables")
        assert f"runs that gain\t{better} of 10" in figure.text(".nn-tables")
        assert book.wait_for_value(figure.trait("level"), 1) == 1
