"""Every optimizer, with what its tests need to know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from nnlib.layers import Linear, Sequential, Tanh
from nnlib.layers.parameters import Parameter
from nnlib.losses import MSE
from nnlib.optimizers import (
    BFGS,
    LBFGS,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    LevenbergMarquardt,
    Lion,
    ModelObjective,
    Muon,
    Newton,
    Optimizer,
    RMSProp,
)


@dataclass(frozen=True)
class OptimizerCase:
    """An optimizer with settings.

    ``theirs`` is torch's class of the same name, where there is one, and ``renamed`` maps our
    names of settings to torch's.
    """

    kind: type[Optimizer]
    settings: Mapping[str, Any] = field(default_factory=dict)
    theirs: Callable[..., torch.optim.Optimizer] | None = None
    lr: float = 0.01
    bowl_lr: float = 0.1
    bowl_steps: int = 300

    @property
    def name(self) -> str:
        words = [f"{k}={v}" for k, v in self.settings.items()]
        return " ".join([self.kind.__name__, *words])

    def build(self, model: Any, **changes: Any) -> Optimizer:
        return self.kind(model, **{"lr": self.lr, **self.settings, **changes})


FIRST_ORDER = [
    OptimizerCase(SGD, {}, torch.optim.SGD, lr=0.1, bowl_lr=0.04),
    OptimizerCase(SGD, {"momentum": 0.9, "weight_decay": 0.1}, torch.optim.SGD, bowl_lr=0.03),
    OptimizerCase(
        SGD,
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.2},
        torch.optim.SGD,
        lr=0.1,
        bowl_lr=0.01,
    ),
    OptimizerCase(AdaGrad, {}, torch.optim.Adagrad, bowl_lr=1.0),
    OptimizerCase(
        AdaGrad,
        {"initial_accumulator_value": 0.3, "eps": 1e-3, "weight_decay": 0.1},
        torch.optim.Adagrad,
        bowl_lr=1.0,
    ),
    OptimizerCase(RMSProp, {}, torch.optim.RMSprop, bowl_lr=0.03, bowl_steps=600),
    OptimizerCase(RMSProp, {"alpha": 0.9, "weight_decay": 0.1}, torch.optim.RMSprop, bowl_lr=0.05),
    OptimizerCase(
        RMSProp,
        {"alpha": 0.8, "momentum": 0.7, "centered": True, "eps": 1e-4, "weight_decay": 0.2},
        torch.optim.RMSprop,
        bowl_lr=0.002,
    ),
    OptimizerCase(Adam, {}, torch.optim.Adam),
    OptimizerCase(Adam, {"betas": (0.7, 0.95), "eps": 1e-3, "weight_decay": 0.1}, torch.optim.Adam),
    OptimizerCase(AdamW, {}, torch.optim.AdamW),
    OptimizerCase(AdamW, {"betas": (0.6, 0.9), "weight_decay": 0.3}, torch.optim.AdamW),
    OptimizerCase(Lion, {}, bowl_lr=0.05),
    OptimizerCase(Lion, {"betas": (0.7, 0.8), "weight_decay": 0.2}, bowl_lr=0.05),
    OptimizerCase(Muon, {"weight_decay": 0.0}, bowl_lr=0.05, bowl_steps=600),
    OptimizerCase(
        Muon,
        {"nesterov": False, "adjust_lr_fn": "match_rms_adamw", "adamw_lr": 0.03, "momentum": 0.8},
        bowl_lr=0.2,
        bowl_steps=400,
    ),
]

SECOND_ORDER = [
    OptimizerCase(Newton, {}, lr=1.0),
    OptimizerCase(Newton, {"damping": 0.1, "line_search": False, "max_cg_steps": 9}, lr=1.0),
    OptimizerCase(LevenbergMarquardt, {}, lr=1.0),
    OptimizerCase(LevenbergMarquardt, {"solver": "direct", "damping": 0.1}, lr=1.0),
    OptimizerCase(LevenbergMarquardt, {"adaptive": False, "damping": 0.1}, lr=1.0),
    OptimizerCase(BFGS, {}, lr=1.0),
    OptimizerCase(LBFGS, {"history_size": 3}, lr=1.0),
]

CASES = FIRST_ORDER + SECOND_ORDER


class Problem:
    """A small network with data, and one way to drive every optimizer on it."""

    def __init__(self, dtype: type = np.float64) -> None:
        rng = np.random.default_rng(7)
        self.model = Sequential(
            Linear(4, 3, rng=1, dtype=dtype), Tanh(), Linear(3, 2, rng=2, dtype=dtype)
        )
        self.X = rng.normal(size=(11, 4)).astype(dtype)
        self.y = rng.normal(size=(11, 2)).astype(dtype)
        self.objective = ModelObjective(self.model, MSE(), self.X, self.y)

    def run(self, optimizer: Optimizer, n_steps: int) -> np.ndarray:
        """Take steps and return the parameters."""
        for _ in range(n_steps):
            self.model.loss_and_gradient(self.X, self.y, MSE())
            optimizer.step(self.objective if optimizer.needs_objective else None)
        return self.model.theta.copy()


class Vectors:
    """The least an optimizer can train: vectors, perhaps with a stack axis for folds."""

    def __init__(self, theta: np.ndarray) -> None:
        self.theta = theta
        self.grad = np.zeros_like(theta)
        self.decay_mask = np.arange(theta.shape[-1]) < 6
        self.mask = None

    def parameters(self) -> list[Parameter]:
        """A matrix of 3 by 2, then a bias."""
        size = self.theta.shape[-1]
        return [
            Parameter("W", slice(0, 6), (3, 2), decays=True),
            Parameter("b", slice(6, size), (size - 6,), decays=False),
        ]
