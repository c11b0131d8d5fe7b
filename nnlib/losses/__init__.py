"""Losses: one number that says how wrong a batch is, and its gradient at the model's output.

``forward(prediction, targets) -> float`` is a mean over the batch; ``backward() -> dz`` already
holds the 1/N, so layers divide by nothing. ``MSE`` is for quantities, ``BinaryCrossEntropy`` and
``CrossEntropy`` are for classes and take logits: the values before sigmoid or softmax.

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
from nnlib.losses.classification import BinaryCrossEntropy, CrossEntropy
from nnlib.losses.regression import MSE

__all__ = ["MSE", "BinaryCrossEntropy", "CrossEntropy", "Loss"]
