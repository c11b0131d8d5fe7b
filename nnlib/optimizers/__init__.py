"""Optimizers: what to do with a gradient.

An optimizer holds a model and changes ``model.theta`` in place at each ``step()``. Wherever a rate
is wanted, a function from step number to rate may stand.

    >>> from nnlib import SGD, Linear
    >>> layer = Linear(1, 1, bias=False)
    >>> layer.W, layer.dW = [[1.0]], [[2.0]]
    >>> SGD(layer, lr=lambda step: 0.25 / (1 + step)).step()
    >>> layer.W
    array([[0.5]], dtype=float32)
"""

from nnlib.optimizers.base import Optimizer, Schedule, Trainable
from nnlib.optimizers.sgd import SGD

__all__ = ["SGD", "Optimizer", "Schedule", "Trainable"]
