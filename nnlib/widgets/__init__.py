"""Live figures and questions for the notebooks; they also work on a page without a kernel.

Each figure asks for a prediction, then lets the learner try it. It computes and draws in the
browser (one small ES module each), shares its state with Python, and has a Python twin of its
formula that the tests hold it to.

- ``Prediction`` and ``SelfCheck`` ask questions in the running text.
- ``WorkedNetwork``, ``GraphStepper`` and ``GradientCheck`` are the figures of unit 01.
- ``ThresholdExplorer``, ``ConfusionExplorer`` and ``LabelLearningCurve`` are those of unit 02.
- ``GradientFlow``, ``ClippedStep`` and ``BatchNormLens`` are the figures of unit 03.
- ``OverfittingExplorer``, ``PenaltyContours``, ``DropoutMasks``, ``EarlyStoppingScrubber`` and
  ``AugmentationGallery`` are the figures of unit 05.
- ``QuadraticBowl``, ``CriticalPoints`` and ``SpectrumSlices`` are the figures of unit 04.

>>> from nnlib.widgets import WorkedNetwork
>>> round(WorkedNetwork().loss, 4)
0.0181
"""

from nnlib.widgets._figure import Figure
from nnlib.widgets.augmentation_gallery import AugmentationGallery
from nnlib.widgets.batch_norm_lens import BatchNormLens
from nnlib.widgets.clipped_step import ClippedStep
from nnlib.widgets.confusion_explorer import ConfusionExplorer
from nnlib.widgets.critical_points import CriticalPoints
from nnlib.widgets.dropout_masks import DropoutMasks
from nnlib.widgets.early_stopping_scrubber import EarlyStoppingScrubber
from nnlib.widgets.gradient_check import GradientCheck
from nnlib.widgets.gradient_flow import GradientFlow
from nnlib.widgets.graph_stepper import GraphStepper
from nnlib.widgets.label_learning_curve import LabelLearningCurve
from nnlib.widgets.overfitting_explorer import OverfittingExplorer
from nnlib.widgets.penalty_contours import PenaltyContours
from nnlib.widgets.prediction import Prediction
from nnlib.widgets.quadratic_bowl import QuadraticBowl
from nnlib.widgets.self_check import Question, SelfCheck
from nnlib.widgets.spectrum_slices import SpectrumSlices
from nnlib.widgets.threshold_explorer import ThresholdExplorer
from nnlib.widgets.worked_network import WorkedNetwork

__all__ = [
    "AugmentationGallery",
    "BatchNormLens",
    "ClippedStep",
    "ConfusionExplorer",
    "CriticalPoints",
    "DropoutMasks",
    "EarlyStoppingScrubber",
    "Figure",
    "GradientCheck",
    "GradientFlow",
    "GraphStepper",
    "LabelLearningCurve",
    "OverfittingExplorer",
    "PenaltyContours",
    "Prediction",
    "QuadraticBowl",
    "Question",
    "SelfCheck",
    "SpectrumSlices",
    "ThresholdExplorer",
    "WorkedNetwork",
]
