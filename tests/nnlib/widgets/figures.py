"""The figures that the tests show in a browser."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import nnlib.widgets
from nnlib.widgets import Figure, Prediction, Question, SelfCheck
from nnlib.widgets._figure import _source_of

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


CLASSES: dict[str, type[Figure]] = {
    _source_of(cls).stem: cls
    for cls in map(nnlib.widgets.__dict__.get, nnlib.widgets.__all__)
    if isinstance(cls, type) and issubclass(cls, Figure) and cls is not Figure
}
"""Every figure that the package offers, by the name of its module."""

QUESTIONS: dict[str, Callable[[], Figure]] = {
    "prediction": prediction,
    "number": number,
    "self_check": self_check,
}
FULLEST: dict[str, dict[str, Any]] = {
    "graph_stepper": {"graph": "tied"},
    "gradient_flow": {"depth": 48, "activation": "gelu", "structure": "both"},
    "confusion_explorer": {"cell": (8, 8), "percent": 72},
    "augmentation_gallery": {"level": 2},
}
"""States in which a figure has more to show than at its start."""

FIGURES: dict[str, Callable[[], Figure]] = {
    **{
        name: partial(cls, **FULLEST.get(name, {}))
        for name, cls in CLASSES.items()
        if name not in QUESTIONS
    },
    **QUESTIONS,
}
GATED = tuple(name for name in FIGURES if name not in QUESTIONS)
"""Figures that ask for a prediction before their controls unlock."""


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
