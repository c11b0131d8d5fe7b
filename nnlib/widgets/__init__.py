"""Live figures and questions for the notebooks; they also work on a page without a kernel.

Each figure asks for a prediction, then lets the learner try it. It computes and draws in the
browser (one small ES module each), shares its state with Python, and has a Python twin of its
formula that the tests hold it to.

- ``Prediction`` and ``SelfCheck`` ask questions in the running text.
- ``WorkedNetwork``, ``GraphStepper`` and ``GradientCheck`` are the figures of unit 01.

>>> from nnlib.widgets import WorkedNetwork
>>> round(WorkedNetwork().loss, 4)
0.0181
"""

from nnlib.widgets._figure import Figure
from nnlib.widgets.gradient_check import GradientCheck
from nnlib.widgets.graph_stepper import GraphStepper
from nnlib.widgets.prediction import Prediction
from nnlib.widgets.self_check import Question, SelfCheck
from nnlib.widgets.worked_network import WorkedNetwork

__all__ = [
    "Figure",
    "GradientCheck",
    "GraphStepper",
    "Prediction",
    "Question",
    "SelfCheck",
    "WorkedNetwork",
]
