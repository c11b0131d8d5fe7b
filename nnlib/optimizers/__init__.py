"""Optimizers: what to do with a gradient.

An optimizer holds a model and changes ``model.theta`` in place at each ``step()``. Wherever a rate
is wanted, a function from step number to rate may stand. ``SGD``, ``AdaGrad``, ``RMSProp``,
``Adam``, ``AdamW``, ``Lion`` and ``Muon`` need the gradient only; ``Newton``,
``LevenbergMarquardt``, ``BFGS`` and ``LBFGS`` ask an objective for more. Gauss-Newton is
``LevenbergMarquardt(model, adaptive=False, damping=0)``; ``nnlib.curvature.GaussNewton`` is its
matrix. ``minimize`` runs each of them on any function.

    >>> from nnlib import SGD, Linear
    >>> layer = Linear(1, 1, bias=False)
    >>> layer.W, layer.dW = [[1.0]], [[2.0]]
    >>> SGD(layer, lr=lambda step: 0.25 / (1 + step)).step()
    >>> layer.W
    array([[0.5]], dtype=float32)

With numba, ``SGD`` with momentum, ``RMSProp``, ``Adam`` and ``AdamW`` have compiled twins that give
the same numbers, bit for bit. They take over when a run is long enough to pay for loading them;
``fused=True`` or ``fused=False``, or NNLIB_FUSED=1 or 0 in the environment, decide otherwise.
"""

from nnlib.optimizers.adagrad import AdaGrad
from nnlib.optimizers.adam import Adam, AdamW
from nnlib.optimizers.base import Optimizer, Schedule, Trainable
from nnlib.optimizers.clipping import clip_by_global_norm, clip_by_value
from nnlib.optimizers.function_objective import FunctionObjective
from nnlib.optimizers.levenberg_marquardt import LevenbergMarquardt
from nnlib.optimizers.line_search import LineSearch, backtrack, strong_wolfe
from nnlib.optimizers.lion import Lion
from nnlib.optimizers.minimization import Minimum, minimize
from nnlib.optimizers.muon import Muon, newton_schulz
from nnlib.optimizers.newton import Newton
from nnlib.optimizers.objective import ModelObjective, Objective
from nnlib.optimizers.quasi_newton import BFGS, LBFGS, bfgs_update, lbfgs_direction
from nnlib.optimizers.rmsprop import RMSProp
from nnlib.optimizers.sgd import SGD

__all__ = [
    "BFGS",
    "LBFGS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "FunctionObjective",
    "LevenbergMarquardt",
    "LineSearch",
    "Lion",
    "Minimum",
    "ModelObjective",
    "Muon",
    "Newton",
    "Objective",
    "Optimizer",
    "RMSProp",
    "Schedule",
    "Trainable",
    "backtrack",
    "bfgs_update",
    "clip_by_global_norm",
    "clip_by_value",
    "lbfgs_direction",
    "minimize",
    "newton_schulz",
    "strong_wolfe",
]
