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
    from nnlib import datasets as datasets
    from nnlib import errors as errors
    from nnlib import gradcheck as gradcheck
    from nnlib import initializers as initializers
    from nnlib import layers as layers
    from nnlib import losses as losses
    from nnlib import optimizers as optimizers
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
    from nnlib.initializers import xavier_normal as xavier_normal
    from nnlib.initializers import xavier_uniform as xavier_uniform
    from nnlib.initializers import zeros as zeros
    from nnlib.layers import Layer as Layer
    from nnlib.layers import LeakyReLU as LeakyReLU
    from nnlib.layers import Linear as Linear
    from nnlib.layers import ReLU as ReLU
    from nnlib.layers import Sequential as Sequential
    from nnlib.layers import Sigmoid as Sigmoid
    from nnlib.layers import Softmax as Softmax
    from nnlib.layers import Tanh as Tanh
    from nnlib.losses import MSE as MSE
    from nnlib.losses import BinaryCrossEntropy as BinaryCrossEntropy
    from nnlib.losses import CrossEntropy as CrossEntropy
    from nnlib.losses import Loss as Loss
    from nnlib.optimizers import SGD as SGD
    from nnlib.optimizers import Optimizer as Optimizer
    from nnlib.training import Callback as Callback
    from nnlib.training import History as History
    from nnlib.training import fit as fit

_MODULE_OF = {
    "ArgumentError": "errors",
    "BinaryCrossEntropy": "losses",
    "Callback": "training",
    "CrossEntropy": "losses",
    "DatasetError": "errors",
    "DtypeError": "errors",
    "History": "training",
    "Layer": "layers",
    "LeakyReLU": "layers",
    "Linear": "layers",
    "Loss": "losses",
    "MSE": "losses",
    "NNLibError": "errors",
    "NonFiniteError": "errors",
    "Optimizer": "optimizers",
    "OrderError": "errors",
    "ReLU": "layers",
    "SGD": "optimizers",
    "Sequential": "layers",
    "ShapeError": "errors",
    "SharedLayerError": "errors",
    "Sigmoid": "layers",
    "Softmax": "layers",
    "Tanh": "layers",
    "central_difference": "gradcheck",
    "check_gradient": "gradcheck",
    "check_layer": "gradcheck",
    "fit": "training",
    "he_normal": "initializers",
    "he_uniform": "initializers",
    "xavier_normal": "initializers",
    "xavier_uniform": "initializers",
    "zeros": "initializers",
}
"""Where each public name is defined."""

_MODULES = frozenset(_MODULE_OF.values()) | {"datasets"}

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
