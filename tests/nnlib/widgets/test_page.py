"""What a browser gets is one module or one page that needs nothing else."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from nnlib.widgets import (
    AugmentationGallery,
    BatchNormLens,
    ClippedStep,
    ConfusionExplorer,
    CriticalPoints,
    DropoutMasks,
    EarlyStoppingScrubber,
    Figure,
    GradientCheck,
    GradientFlow,
    GraphStepper,
    LabelLearningCurve,
    OverfittingExplorer,
    PenaltyContours,
    Prediction,
    QuadraticBowl,
    Question,
    SelfCheck,
    SpectrumSlices,
    ThresholdExplorer,
    WorkedNetwork,
)
from nnlib.widgets._page import FOLDER, document, iframe, served_module, served_style

QUESTION = Question("Which?", ["this", "that"], 0, "So it is.")
FIGURES = {
    "worked_network": WorkedNetwork,
    "graph_stepper": GraphStepper,
    "gradient_check": GradientCheck,
    "quadratic_bowl": QuadraticBowl,
    "critical_points": CriticalPoints,
    "overfitting_explorer": OverfittingExplorer,
    "penalty_contours": PenaltyContours,
    "early_stopping_scrubber": EarlyStoppingScrubber,
    "spectrum_slices": SpectrumSlices,
    "threshold_explorer": ThresholdExplorer,
    "confusion_explorer": ConfusionExplorer,
    "label_learning_curve": LabelLearningCurve,
    "augmentation_gallery": AugmentationGallery,
    "gradient_flow": GradientFlow,
    "batch_norm_lens": BatchNormLens,
    "clipped_step": ClippedStep,
    "dropout_masks": DropoutMasks,
    "prediction": lambda: Prediction(key="k", question="q?", answer=1, because="b"),
    "self_check": lambda: SelfCheck(key="k", questions=[QUESTION]),
}


def test_every_module_beside_the_package_is_a_listed_figure() -> None:
    modules = {path.stem for path in FOLDER.glob("[a-z]*.js")}

    assert modules == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_served_module_has_no_import_left(name: str) -> None:
    text = served_module(FOLDER / f"{name}.js")

    assert re.search(r"^\s*import\b", text, re.MULTILINE) is None
    assert text.count("export default") == 1


def test_helper_that_two_helpers_import_is_written_once() -> None:
    text = served_module(FOLDER / "gradient_check.js")

    assert text.count("function openView(") == 1


@pytest.mark.parametrize("name", FIGURES)
def test_module_can_stand_inside_a_script_element(name: str) -> None:
    """A closing tag in a string would end the script early."""
    assert "</script" not in served_module(FOLDER / f"{name}.js").lower()


@pytest.mark.parametrize("name", FIGURES)
def test_no_module_builds_markup_from_text_or_names_an_address(name: str) -> None:
    text = served_module(FOLDER / f"{name}.js").replace("http://www.w3.org/2000/svg", "")

    assert "innerHTML" not in text
    assert "insertAdjacentHTML" not in text
    assert re.search(r"https?://|fetch\(|XMLHttpRequest|\bimport\(", text) is None


def test_markup_in_a_trait_cannot_leave_the_script() -> None:
    page = document("", "", {"question": "</script><img src=x>"}, "t")

    assert page.count("</script>") == 1
    assert "<img" not in page


def test_iframe_gives_back_the_page_and_is_plain_ascii() -> None:
    page = "<p title=\"a 'quoted' w₁₃\">1 < 2 & 3</p>"

    markup = iframe(page, "t", 100)

    assert markup.isascii()
    srcdoc = re.search(r"srcdoc='([^']*)'", markup)
    assert srcdoc is not None
    assert html.unescape(srcdoc[1]) == page


@pytest.mark.parametrize("make", FIGURES.values(), ids=list(FIGURES))
def test_page_carries_the_state_of_the_figure(make: type[Figure]) -> None:
    figure = make()

    page = figure.page()

    for name in figure.state():
        assert f'"{name}":' in page


def test_module_gets_only_the_helpers_that_it_needs() -> None:
    question, figure = (served_module(FOLDER / f"{n}.js") for n in ("prediction", "gradient_check"))

    assert "function slider(" not in question
    assert "function paint(" not in question
    assert "function slider(" in figure
    assert "const SVG_SPACE" in figure  # nobody imports it, but `s` needs it


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.js")), ids=lambda path: path.name)
def test_no_string_runs_over_a_line_so_indentation_can_go(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    code = [line for line in text.splitlines() if not line.strip().startswith("//")]

    assert [line for line in code if line.count("`") % 2] == []


def test_style_holds_the_sheets_of_the_helpers_and_the_figures_own() -> None:
    question, check = (served_style(FOLDER / f"{n}.js") for n in ("prediction", "self_check"))

    assert ".nn-gate {" in question
    assert ".nn-slider" not in question
    assert ".nn-choice {" in check
    assert "/*" not in question + check


def test_output_of_a_question_stays_small() -> None:
    """Every executed notebook holds one copy for each question."""
    bundle, _ = FIGURES["prediction"]()._repr_mimebundle_()

    assert len(bundle["text/html"]) < 18_000
