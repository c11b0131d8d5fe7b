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
from nnlib.layers.attention import MultiHeadAttention, ScaledDotProductAttention
from nnlib.layers.base import Layer
from nnlib.layers.batchnorm import BatchNorm1d, BatchNorm2d
from nnlib.layers.conv import Conv2d
from nnlib.layers.dropout import Dropout
from nnlib.layers.embedding import Embedding
from nnlib.layers.flatten import Flatten
from nnlib.layers.layernorm import LayerNorm
from nnlib.layers.linear import Linear
from nnlib.layers.lstm import LSTM
from nnlib.layers.over_time import LastStep, MeanOverTime
from nnlib.layers.parameters import Parameter, ParameterView
from nnlib.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from nnlib.layers.positions import PositionalEmbedding, PositionalEncoding
from nnlib.layers.recurrent import RNN
from nnlib.layers.residual import Residual
from nnlib.layers.sequential import Sequential
from nnlib.layers.smooth_activations import GELU, Softplus
from nnlib.layers.softmax import Softmax
from nnlib.layers.stacking import stack_models, unstack
from nnlib.layers.tied import TiedLinear
from nnlib.layers.transformer import TransformerBlock

__all__ = [
    "GELU",
    "LSTM",
    "RNN",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAvgPool2d",
    "LastStep",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "MeanOverTime",
    "MultiHeadAttention",
    "Parameter",
    "ParameterView",
    "PositionalEmbedding",
    "PositionalEncoding",
    "ReLU",
    "Residual",
    "ScaledDotProductAttention",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "TiedLinear",
    "TransformerBlock",
    "stack_models",
    "unstack",
]
