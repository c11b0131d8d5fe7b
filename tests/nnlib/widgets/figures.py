"""The figures that the tests show in a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnlib.widgets import (
    Figure,
    GradientCheck,
    GraphStepper,
    Prediction,
    Question,
    SelfCheck,
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
    "prediction": prediction,
    "number": number,
    "self_check": self_check,
}
GATED = ("worked_network", "graph_stepper", "gradient_check")


def unlocked(show: Show, figure: Figure, **options: Any) -> Any:
    """Show a figure and pass by its question."""
    shown = show(figure, **options)
    shown.drawn(shown.button("Show without predicting").click)
    return shown
