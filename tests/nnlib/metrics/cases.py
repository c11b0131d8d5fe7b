"""Every metric of labels, listed once, with scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn import metrics as sklearn

from nnlib.metrics import f1, precision, recall


@dataclass(frozen=True)
class MetricCase:
    """A metric of labels that averages over classes, and its peer."""

    name: str
    ours: Callable[..., Any]
    theirs: Callable[..., Any]


CASES = (
    MetricCase("precision", precision, sklearn.precision_score),
    MetricCase("recall", recall, sklearn.recall_score),
    MetricCase("f1", f1, sklearn.f1_score),
)
