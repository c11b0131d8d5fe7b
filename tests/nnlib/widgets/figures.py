"""The figures that the tests show in a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    "overfitting_explorer": OverfittingExplorer,
    "quadratic_bowl": QuadraticBowl,
    "penalty_contours": PenaltyContours,
    "critical_points": CriticalPoints,
    "gradient_flow": lambda: GradientFlow(depth=48, activation="gelu", structure="both"),
    "batch_norm_lens": BatchNormLens,
    "clipped_step": ClippedStep,
    "dropout_masks": DropoutMasks,
    "early_stopping_scrubber": EarlyStoppingScrubber,
    "spectrum_slices": SpectrumSlices,
    "threshold_explorer": ThresholdExplorer,
    "confusion_explorer": lambda: ConfusionExplorer(cell=(8, 8), percent=72),
    "label_learning_curve": LabelLearningCurve,
    "augmentation_gallery": lambda: AugmentationGallery(level=2),
    "prediction": prediction,
    "number": number,
    "self_check": self_check,
}
GATED = (
    "worked_network",
    "graph_stepper",
    "gradient_check",
    "overfitting_explorer",
    "quadratic_bowl",
    "penalty_contours",
    "critical_points",
    "gradient_flow",
    "batch_norm_lens",
    "clipped_step",
    "dropout_masks",
    "early_stopping_scrubber",
    "spectrum_slices",
    "threshold_explorer",
    "confusion_explorer",
    "label_learning_curve",
    "augmentation_gallery",
)


def unlocked(show: Show, figure: Figure, **options: Any) -> Any:
    """Show a figure and pass by its question."""
    shown = show(figure, **options)
    shown.drawn(shown.button("Show without predicting").click)
    return shown


COVERED = """() => {
  const boxes = [...document.querySelectorAll("svg text")].map((n) => [n.getBBox(), n.textContent]);
  const apart = (a, b) => a.x + a.width <= b.x + 1 || b.x + b.width <= a.x + 1
    || a.y + a.height <= b.y + 4 || b.y + b.height <= a.y + 4;
  return boxes.flatMap(([a, name], i) => boxes.slice(i + 1)
    .filter(([b]) => !apart(a, b)).map(([b, other]) => `${name} / ${other}`));
}"""
"""Pairs of texts in the picture of which one covers the other."""
