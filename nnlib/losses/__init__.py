"""Losses: one number that says how wrong a batch is, and its gradient at the model's output.

``forward(prediction, targets) -> float`` is a mean over the batch; ``backward() -> dz`` already
holds the 1/N, so layers divide by nothing. ``MSE`` and ``Huber`` are for quantities;
``BinaryCrossEntropy``, ``CrossEntropy`` and ``Hinge`` are for classes and take scores (logits): the
values before sigmoid or softmax. All take row weights: ``forward(prediction, targets, weights)``.

    >>> import numpy as np
    >>> from nnlib import CrossEntropy
    >>> loss = CrossEntropy()
    >>> round(loss.forward(np.array([[0.0, 0.0], [0.0, 0.0]]), [0, 1]), 4)
    0.6931
    >>> loss.backward()
    array([[-0.25,  0.25],
           [ 0.25, -0.25]])
"""

from nnlib.losses.base import Loss
from nnlib.losses.binary_cross_entropy import BinaryCrossEntropy
from nnlib.losses.cross_entropy import CrossEntropy
from nnlib.losses.hinge import Hinge
from nnlib.losses.regression import MSE, Huber

__all__ = ["MSE", "BinaryCrossEntropy", "CrossEntropy", "Hinge", "Huber", "Loss"]
