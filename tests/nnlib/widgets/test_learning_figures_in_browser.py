"""What the controls of the figures on classification and augmentation do, without a kernel."""

from __future__ import annotations

from typing import Any

import pytest

from nnlib.widgets import (
    AugmentationGallery,
    ConfusionExplorer,
    LabelLearningCurve,
    ThresholdExplorer,
)
from nnlib.widgets.threshold_explorer import measures
from tests.nnlib.widgets.figures import Show, unlocked

pytestmark = pytest.mark.browser


def counts(shown: Any) -> list[str]:
    """Return the four counts of the threshold explorer: found, missed, false alarm, cleared."""
    texts: list[str] = shown.frame.locator(".nn-outcome td b").all_inner_texts()
    return texts


def values(shown: Any) -> list[str]:
    """Return what the last table of a figure shows, row by row."""
    texts: list[str] = shown.frame.locator(".nn-table.nn-loose td").all_inner_texts()
    return texts


def test_threshold_moves_rows_between_the_four_counts(show: Show) -> None:
    shown = unlocked(show, ThresholdExplorer())
    start = counts(shown)
    shown.frame.get_by_label("threshold", exact=True).focus()

    shown.press("Home")
    all_called = counts(shown)
    shown.press("End")

    assert start == ["127", "85", "56", "301"]
    assert all_called == ["212", "0", "357", "0"]
    assert counts(shown) == ["0", "212", "0", "357"]
    assert values(shown)[1] == "none called"


def test_screening_preset_keeps_recall_and_lowers_precision(show: Show) -> None:
    shown = unlocked(show, ThresholdExplorer())
    hospital = values(shown)

    shown.drawn(shown.button("Screening: 1 in 100").click)
    screening = values(shown)

    assert hospital[1:3] == ["0.69", "0.60"]
    assert screening[1:3] == ["0.04", "0.60"]
    assert counts(shown)[0] == "3.4"  # of 5.7 malignant ones among 569


def test_threshold_table_agrees_with_the_python_twin(show: Show) -> None:
    figure = ThresholdExplorer(model="all", threshold=0.07, ratio=12, percent=9)
    found = measures(figure.counts, 12)

    shown = unlocked(show, figure)

    names = ("accuracy", "precision", "recall", "f1")
    assert values(shown)[:4] == [f"{found[name]:.2f}" for name in names]
    assert values(shown)[4] == f"{found['cost']:.1f}"


@pytest.mark.parametrize(("view", "axis"), [("ROC", "false alarm rate"), ("precision", "recall")])
def test_threshold_is_a_dot_on_the_curve_of_each_view(show: Show, view: str, axis: str) -> None:
    shown = unlocked(show, ThresholdExplorer())

    shown.drawn(shown.frame.locator(".nn-segments label", has_text=view).click)
    dot = shown.frame.locator("path.nn-at-recall").last
    before = dot.get_attribute("transform")
    shown.frame.get_by_label("threshold", exact=True).focus()
    shown.press("PageUp")

    assert axis in shown.frame.locator("svg").text_content()
    assert dot.get_attribute("transform") != before


def test_choosing_a_cell_by_keyboard_or_mouse_shows_its_images(show: Show) -> None:
    shown = unlocked(show, ConfusionExplorer())
    images = shown.frame.locator("rect.nn-sheet")
    says = shown.frame.locator("svg text.nn-used")

    shown.frame.locator('[data-key="t9c8"]').click()
    by_mouse = images.count(), says.first.text_content(), shown.text(".nn-remark")
    shown.press("ArrowRight")
    by_keyboard = images.count(), says.first.text_content(), shown.text(".nn-remark")

    assert by_mouse[0] == 10
    assert by_mouse[1].startswith("said 8: 0.")
    assert by_mouse[2].startswith("10 images of 9 were called 8.")
    assert by_keyboard[0] == 12  # of 31
    assert by_keyboard[1].startswith("said 9: 0.")
    assert by_keyboard[2].startswith("31 images of 9 were called 9, rightly.")


def test_empty_cell_can_be_chosen_and_says_so(show: Show) -> None:
    shown = unlocked(show, ConfusionExplorer())

    shown.frame.locator('[data-key="t0c1"]').click()

    assert "No image in this cell." in shown.frame.locator("svg").text_content()
    assert shown.frame.locator('[data-key="t0c1"]').get_attribute("aria-label").endswith("none")


def test_matrix_is_normalized_by_row_and_follows_the_model(show: Show) -> None:
    shown = unlocked(show, ConfusionExplorer())
    cell = shown.frame.locator('[data-key="t9c9"]')

    weak = cell.inner_text()
    shown.drawn(shown.frame.locator("label", has_text="% of row").click)
    share = cell.inner_text()
    shown.drawn(shown.frame.locator("label", has_text="hidden layer, 899").click)

    assert (weak, share) == ("31", "69")  # of 45
    assert cell.inner_text() == "93"
    assert "accuracy 97.3 %" in shown.text(".nn-facts")


def test_sure_answers_are_fewer_and_better(show: Show) -> None:
    shown = unlocked(show, ConfusionExplorer())

    shown.drawn(shown.button("Only sure answers (80 %)").click)

    assert "right 131" in shown.text(".nn-facts")
    assert "wrong 0" in shown.text(".nn-facts")
    assert "set aside 318" in shown.text(".nn-facts")


def test_learning_curve_reads_off_the_labels_that_halve_the_error(show: Show) -> None:
    shown = unlocked(show, LabelLearningCurve())
    start = values(shown)
    shown.frame.get_by_label("labels", exact=True).focus()

    shown.press("End")

    assert start[:2] == ["12.3 %", "12.4 %"]
    assert start[6] == "333"
    assert "> 1280" in values(shown)[6]


def test_one_run_has_no_spread_and_says_so(show: Show) -> None:
    shown = unlocked(show, LabelLearningCurve())

    shown.drawn(shown.button("One run only").click)

    assert values(shown)[2] == "one run"
    assert "One run cannot say" in shown.text(".nn-remark")


def test_fewer_tumors_than_digits_end_the_slider_earlier(show: Show) -> None:
    shown = unlocked(show, LabelLearningCurve(labels=1280))
    labels = shown.frame.get_by_label("labels", exact=True)

    shown.drawn(shown.frame.locator("label", has_text="tumors").click)

    assert labels.get_attribute("aria-valuetext") == "320 labels"
    assert labels.get_attribute("max") == "5"


def test_marks_belong_to_the_change_that_they_were_made_for(show: Show) -> None:
    shown = unlocked(show, AugmentationGallery())
    six = shown.frame.locator(".nn-marks button").first

    shown.drawn(six.click)
    marked = six.inner_text(), six.get_attribute("aria-pressed")
    shown.drawn(shown.button("Turn a little").click)
    elsewhere = six.inner_text()
    shown.drawn(shown.button("Turn a 6").click)

    assert marked == ("not 6", "true")
    assert elsewhere == "still 6"
    assert six.inner_text() == "not 6"


def test_comparing_shows_what_the_model_says_and_what_training_gains(show: Show) -> None:
    shown = unlocked(show, AugmentationGallery())
    before = values(shown)

    shown.drawn(shown.button("Compare with the model").click)
    texts = shown.frame.locator("svg").first.text_content()

    assert set(before) == {"?"}
    assert "says 9" in texts
    assert values(shown)[0] == "−11.5"
    assert "6 for 9, 9 for 6" in shown.text(".nn-remark")
    assert shown.frame.locator("path.nn-with").count() == 1


def test_change_by_arrow_keys_alters_the_images(show: Show) -> None:
    shown = unlocked(show, AugmentationGallery())
    pixels = "(nodes) => nodes.map((n) => n.getAttribute('fill-opacity')).join()"
    turned = shown.frame.locator("rect.nn-pixel").evaluate_all(pixels)

    shown.frame.locator("input[type=radio]:checked").focus()
    shown.press("ArrowRight")

    assert shown.frame.locator("rect.nn-pixel").evaluate_all(pixels) != turned
    assert shown.frame.get_by_label("strength", exact=True).get_attribute("max") == "4"
