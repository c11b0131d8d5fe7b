"""Metrics: how good predictions are, in the terms of the question asked.

``accuracy``, ``precision``, ``recall``, ``f1`` and ``confusion_matrix`` take labels; ``roc_curve``
and ``roc_auc`` take scores; ``log_loss``, ``calibration_curve`` and ``expected_calibration_error``
take probabilities. The true labels always come first.

Labels are integers, truth values, whole floats, text or bytes, of one kind on both sides; a missing
label is refused. Scores and probabilities keep float32 and float64, all else is taken as float64.

    >>> from nnlib.metrics import accuracy, confusion_matrix, f1
    >>> y_true, y_pred = [0, 0, 0, 1, 1], [0, 0, 1, 1, 0]
    >>> accuracy(y_true, y_pred), f1(y_true, y_pred, average="binary")
    (0.6, 0.5)
    >>> confusion_matrix(y_true, y_pred)
    array([[2, 1],
           [1, 1]])
"""

from nnlib.metrics.calibration import calibration_curve, expected_calibration_error, log_loss
from nnlib.metrics.classification import accuracy, confusion_matrix, f1, precision, recall
from nnlib.metrics.ranking import roc_auc, roc_curve

__all__ = [
    "accuracy",
    "calibration_curve",
    "confusion_matrix",
    "expected_calibration_error",
    "f1",
    "log_loss",
    "precision",
    "recall",
    "roc_auc",
    "roc_curve",
]
