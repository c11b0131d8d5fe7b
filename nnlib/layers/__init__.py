"""Layers: a forward rule, and beside it the backward rule that the chain rule gives.

``forward(x) -> y`` keeps what backward needs; ``backward(dy) -> dx`` fills the parameter gradients.
``Sequential`` strings layers together and owns one flat vector ``theta`` of all parameters, of
which every ``W`` and ``b`` is a view.

    >>> import numpy as np
    >>> from nnlib import Linear, ReLU, Sequential
    >>> model = Sequential(Linear(4, 3, rng=0), ReLU(), Linear(3, 2, rng=1))
    >>> model.forward(np.zeros((5, 4))).shape, model.theta.size
    ((5, 2), 23)
"""

from nnlib.layers.activations import LeakyReLU, ReLU, Sigmoid, Tanh
from nnlib.layers.base import Layer
from nnlib.layers.linear import Linear
from nnlib.layers.parameters import Parameter, ParameterView
from nnlib.layers.sequential import Sequential
from nnlib.layers.softmax import Softmax

__all__ = [
    "Layer",
    "LeakyReLU",
    "Linear",
    "Parameter",
    "ParameterView",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
]
