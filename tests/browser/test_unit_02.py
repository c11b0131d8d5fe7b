"""Unit 02 in JupyterLab: every live figure, driven by the keyboard alone."""

from __future__ import annotations

import pytest

from nnlib.widgets import ConfusionExplorer, LabelLearningCurve, ThresholdExplorer
from nnlib.widgets.confusion_explorer import shares
from nnlib.widgets.label_learning_curve import mean_and_spread
from nnlib.widgets.threshold_explorer import measures
from tests.browser.contract import Driven, FigureContract, Fresh, Unit
from tests.browser.lab import Notebook


class TestUnit02(FigureContract):
    """The figures of unit 02, and what they say."""

    UNIT = Unit(
        "02-supervised-learning",
        figures=(
            # the text beside the images tells the recall and precision of the cell
            Driven("ConfusionExplorer()", "8 and 9", "is 3, said 3: 38", numbers=".nn-remark"),
            Driven("ThresholdExplorer()", "at 0.1", "threshold"),
            Driven("LabelLearningCurve()", "330", "labels"),
        ),
        questions={
            'key="02-always-benign"': "62.7",
            'key="02-coin-labels"': "100",
            'key="02-best-of-100"': "62 %",
            'key="02-order"': "Sorted by class",
            'key="02-threshold"': "Not clearly different",
            'key="02-one-pixel"': "About 45 %",
        },
        self_check='SelfCheck(\n    key="02"',
        leave_out=('key="02-hardest"',),
    )

    def test_confusion_explorer_shows_the_images_of_the_cell_that_arrows_reach(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("ConfusionExplorer()")
        counts = ConfusionExplorer().matrix

        figure.tab_to("is 3, said 3: 38")
        figure.press(*["ArrowDown"] * 6, *["ArrowRight"] * 5)

        assert f"is 9, said 8: {counts[9, 8]}" == figure.page.evaluate(
            "() => document.activeElement.ariaLabel"
        )
        assert figure.picture().count("nn-sheet") == counts[9, 8] == 10
        assert "is 9, said 8" in figure.picture()
        assert f"{counts[9, 8]} images of 9 were called 8." in figure.text(".nn-remark")
        assert book.wait_for_value(figure.trait("cell"), [9, 8]) == [9, 8]

    def test_confusion_explorer_follows_model_and_share(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("ConfusionExplorer()")

        figure.tab_to("linear, 40 labels")
        figure.press("ArrowRight")
        figure.tab_to("counts")
        figure.press("ArrowRight")

        linear = ConfusionExplorer(model="linear")
        recall = shares(linear.matrix, "rows")[8, 8]
        assert figure.number("t8c8") == f"{100 * recall:.0f}"
        assert book.wait_for_value(figure.trait("mode"), "rows") == "rows"
        assert book.evaluate(figure.trait("model")) == "linear"
        accuracy = book.evaluate(figure.trait("accuracy"))
        assert accuracy == pytest.approx(linear.accuracy, rel=1e-12)
        assert f"accuracy {100 * accuracy:.1f} %" in figure.text(".nn-facts")

    def test_threshold_explorer_counts_and_charges_as_python_does(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("ThresholdExplorer()")

        figure.tab_to("threshold")
        figure.press("ArrowLeft", "ArrowLeft", "ArrowLeft")
        figure.tab_to("a miss costs")
        figure.press(*["ArrowLeft"] * 5)
        figure.tab_to("malignant are")
        figure.press("Home")

        found = measures(ThresholdExplorer(threshold=0.47, percent=1).counts, ratio=5)
        assert book.evaluate(figure.trait("ratio")) == 5
        assert book.wait_for_value(figure.trait("percent"), 1) == figure.control_value()
        assert book.evaluate(figure.trait("threshold")) == pytest.approx(0.47)
        assert book.evaluate(figure.trait("cost")) == pytest.approx(found["cost"], rel=1e-12)
        table = figure.root.locator(".nn-table.nn-loose td").all_inner_texts()
        assert table[1:3] == [f"{found['precision']:.2f}", f"{found['recall']:.2f}"]
        assert table[4] == f"{found['cost']:.1f}"

    def test_label_learning_curve_reads_what_python_reads(
        self, book: Notebook, opened: Fresh
    ) -> None:
        figure = opened("LabelLearningCurve()")

        figure.tab_to("labels")
        figure.press("ArrowRight")
        figure.tab_to("runs")
        figure.press("ArrowLeft", "ArrowLeft")

        run = LabelLearningCurve().runs[0]
        means = [mean_and_spread(run[name], run["held"], 8)[0][4] for name in ("linear", "hidden")]
        assert book.wait_for_value(figure.trait("seeds"), 8) == figure.control_value()
        assert book.evaluate(figure.trait("labels")) == 160
        assert book.evaluate(figure.trait("errors")) == pytest.approx(means, rel=1e-12)
        shown = figure.root.locator(".nn-table td").all_inner_texts()
        assert shown[:2] == [f"{100 * mean:.1f} %" for mean in means]
