"""nnlib: neural networks with explicit backpropagation, in NumPy.

Build a ``Sequential`` of layers, choose a loss and an optimizer, and ``fit``. Nothing is hidden:
each layer shows its backward rule, and all parameters lie in one vector, ``model.theta``.

    >>> import numpy as np
    >>> from nnlib import CrossEntropy, Linear, ReLU, SGD, Sequential, datasets, fit
    >>> moons = datasets.load("two_moons", n=200, noise=0.1, rng=0)
    >>> model = Sequential(Linear(2, 16, rng=1), ReLU(), Linear(16, 2, rng=2))
    >>> history = fit(model, moons.X, moons.y, loss=CrossEntropy(), optimizer=SGD(model, lr=0.5),
    ...               epochs=100, batch_size=20, rng=3, progress=False)
    >>> history.accuracy[-1] > 0.95
    True

Names are imported when first used, so that ``import nnlib`` is quick and parts of it work alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnlib import augmentation as augmentation
    from nnlib import curvature as curvature
    from nnlib import datasets as datasets
    from nnlib import diagnostics as diagnostics
    from nnlib import errors as errors
    from nnlib import features as features
    from nnlib import gradcheck as gradcheck
    from nnlib import initializers as initializers
    from nnlib import layers as layers
    from nnlib import losses as losses
    from nnlib import metrics as metrics
    from nnlib import model_selection as model_selection
    from nnlib import optimizers as optimizers
    from nnlib import pruning as pruning
    from nnlib import pytorch as pytorch
    from nnlib import regularizers as regularizers
    from nnlib import schedules as schedules
    from nnlib import training as training
    from nnlib.errors import ArgumentError as ArgumentError
    from nnlib.errors import DatasetError as DatasetError
    from nnlib.errors import DtypeError as DtypeError
    from nnlib.errors import NNLibError as NNLibError
    from nnlib.errors import NonFiniteError as NonFiniteError
    from nnlib.errors import OrderError as OrderError
    from nnlib.errors import ShapeError as ShapeError
    from nnlib.errors import SharedLayerError as SharedLayerError
    from nnlib.gradcheck import central_difference as central_difference
    from nnlib.gradcheck import check_gradient as check_gradient
    from nnlib.gradcheck import check_layer as check_layer
    from nnlib.initializers import he_normal as he_normal
    from nnlib.initializers import he_uniform as he_uniform
    from nnlib.initializers import lecun_normal as lecun_normal
    from nnlib.initializers import lecun_uniform as lecun_uniform
    from nnlib.initializers import orthogonal as orthogonal
    from nnlib.initializers import xavier_normal as xavier_normal
    from nnlib.initializers import xavier_uniform as xavier_uniform
    from nnlib.initializers import zeros as zeros
    from nnlib.layers import GELU as GELU
    from nnlib.layers import LSTM as LSTM
    from nnlib.layers import RNN as RNN
    from nnlib.layers import AvgPool2d as AvgPool2d
    from nnlib.layers import BatchNorm1d as BatchNorm1d
    from nnlib.layers import BatchNorm2d as BatchNorm2d
    from nnlib.layers import Conv2d as Conv2d
    from nnlib.layers import Dropout as Dropout
    from nnlib.layers import Embedding as Embedding
    from nnlib.layers import Flatten as Flatten
    from nnlib.layers import GlobalAvgPool2d as GlobalAvgPool2d
    from nnlib.layers import LastStep as LastStep
    from nnlib.layers import Layer as Layer
    from nnlib.layers import LayerNorm as LayerNorm
    from nnlib.layers import LeakyReLU as LeakyReLU
    from nnlib.layers import Linear as Linear
    from nnlib.layers import MaxPool2d as MaxPool2d
    from nnlib.layers import MeanOverTime as MeanOverTime
    from nnlib.layers import MultiHeadAttention as MultiHeadAttention
    from nnlib.layers import PositionalEmbedding as PositionalEmbedding
    from nnlib.layers import PositionalEncoding as PositionalEncoding
    from nnlib.layers import ReLU as ReLU
    from nnlib.layers import Residual as Residual
    from nnlib.layers import ScaledDotProductAttention as ScaledDotProductAttention
    from nnlib.layers import Sequential as Sequential
    from nnlib.layers import Sigmoid as Sigmoid
    from nnlib.layers import Softmax as Softmax
    from nnlib.layers import Softplus as Softplus
    from nnlib.layers import Tanh as Tanh
    from nnlib.layers import TiedLinear as TiedLinear
    from nnlib.layers import TransformerBlock as TransformerBlock
    from nnlib.layers import stack_models as stack_models
    from nnlib.layers import unstack as unstack
    from nnlib.losses import MSE as MSE
    from nnlib.losses import BinaryCrossEntropy as BinaryCrossEntropy
    from nnlib.losses import CrossEntropy as CrossEntropy
    from nnlib.losses import Hinge as Hinge
    from nnlib.losses import Huber as Huber
    from nnlib.losses import Loss as Loss
    from nnlib.optimizers import BFGS as BFGS
    from nnlib.optimizers import LBFGS as LBFGS
    from nnlib.optimizers import SGD as SGD
    from nnlib.optimizers import AdaGrad as AdaGrad
    from nnlib.optimizers import Adam as Adam
    from nnlib.optimizers import AdamW as AdamW
    from nnlib.optimizers import FunctionObjective as FunctionObjective
    from nnlib.optimizers import LevenbergMarquardt as LevenbergMarquardt
    from nnlib.optimizers import Lion as Lion
    from nnlib.optimizers import ModelObjective as ModelObjective
    from nnlib.optimizers import Muon as Muon
    from nnlib.optimizers import Newton as Newton
    from nnlib.optimizers import Optimizer as Optimizer
    from nnlib.optimizers import RMSProp as RMSProp
    from nnlib.optimizers import clip_by_global_norm as clip_by_global_norm
    from nnlib.optimizers import clip_by_value as clip_by_value
    from nnlib.optimizers import minimize as minimize
    from nnlib.regularizers import L1 as L1
    from nnlib.regularizers import L2 as L2
    from nnlib.regularizers import ElasticNet as ElasticNet
    from nnlib.training import Callback as Callback
    from nnlib.training import Checkpoint as Checkpoint
    from nnlib.training import ClipGradient as ClipGradient
    from nnlib.training import EarlyStopping as EarlyStopping
    from nnlib.training import History as History
    from nnlib.training import ReduceOnPlateau as ReduceOnPlateau
    from nnlib.training import TensorBoard as TensorBoard
    from nnlib.training import WeightAveraging as WeightAveraging
    from nnlib.training import fit as fit
    from nnlib.training import learning_rate_range_test as learning_rate_range_test
    from nnlib.training import load_checkpoint as load_checkpoint
    from nnlib.training import plot_histories as plot_histories

_MODULE_OF = {
    "AdaGrad": "optimizers",
    "Adam": "optimizers",
    "AdamW": "optimizers",
    "ArgumentError": "errors",
    "AvgPool2d": "layers",
    "BFGS": "optimizers",
    "BatchNorm1d": "layers",
    "BatchNorm2d": "layers",
    "BinaryCrossEntropy": "losses",
    "Callback": "training",
    "Checkpoint": "training",
    "ClipGradient": "training",
    "Conv2d": "layers",
    "CrossEntropy": "losses",
    "DatasetError": "errors",
    "Dropout": "layers",
    "DtypeError": "errors",
    "EarlyStopping": "training",
    "ElasticNet": "regularizers",
    "Embedding": "layers",
    "Flatten": "layers",
    "FunctionObjective": "optimizers",
    "GELU": "layers",
    "GlobalAvgPool2d": "layers",
    "Hinge": "losses",
    "History": "training",
    "Huber": "losses",
    "L1": "regularizers",
    "L2": "regularizers",
    "LBFGS": "optimizers",
    "LSTM": "layers",
    "LastStep": "layers",
    "Layer": "layers",
    "LayerNorm": "layers",
    "LeakyReLU": "layers",
    "LevenbergMarquardt": "optimizers",
    "Linear": "layers",
    "Lion": "optimizers",
    "Loss": "losses",
    "MSE": "losses",
    "MaxPool2d": "layers",
    "MeanOverTime": "layers",
    "ModelObjective": "optimizers",
    "MultiHeadAttention": "layers",
    "Muon": "optimizers",
    "NNLibError": "errors",
    "Newton": "optimizers",
    "NonFiniteError": "errors",
    "Optimizer": "optimizers",
    "OrderError": "errors",
    "PositionalEmbedding": "layers",
    "PositionalEncoding": "layers",
    "RMSProp": "optimizers",
    "RNN": "layers",
    "ReLU": "layers",
    "ReduceOnPlateau": "training",
    "Residual": "layers",
    "SGD": "optimizers",
    "ScaledDotProductAttention": "layers",
    "Sequential": "layers",
    "ShapeError": "errors",
    "SharedLayerError": "errors",
    "Sigmoid": "layers",
    "Softmax": "layers",
    "Softplus": "layers",
    "Tanh": "layers",
    "TensorBoard": "training",
    "TiedLinear": "layers",
    "TransformerBlock": "layers",
    "WeightAveraging": "training",
    "central_difference": "gradcheck",
    "check_gradient": "gradcheck",
    "check_layer": "gradcheck",
    "clip_by_global_norm": "optimizers",
    "clip_by_value": "optimizers",
    "fit": "training",
    "he_normal": "initializers",
    "he_uniform": "initializers",
    "learning_rate_range_test": "training",
    "lecun_normal": "initializers",
    "lecun_uniform": "initializers",
    "load_checkpoint": "training",
    "minimize": "optimizers",
    "orthogonal": "initializers",
    "plot_histories": "training",
    "stack_models": "layers",
    "unstack": "layers",
    "xavier_normal": "initializers",
    "xavier_uniform": "initializers",
    "zeros": "initializers",
}
"""Where each public name is defined."""

_MODULES = frozenset(_MODULE_OF.values()) | {
    "augmentation",
    "curvature",
    "datasets",
    "diagnostics",
    "features",
    "metrics",
    "model_selection",
    "pruning",
    "pytorch",
    "schedules",
}
"""The parts; techniques are reached through theirs, as in ``nnlib.curvature.Hessian``."""

__all__ = sorted({*_MODULE_OF, *_MODULES})


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"nnlib.{name}")
    if name in _MODULE_OF:
        value = getattr(import_module(f"nnlib.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value
    message = f"module 'nnlib' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return [*__all__, "__all__", "__doc__", "__file__", "__name__", "__path__"]
