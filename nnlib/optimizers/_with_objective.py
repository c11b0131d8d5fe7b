"""What second-order optimizers share: they ask an objective, and a failed step leaves no trace."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar, cast

import numpy as np

from nnlib._array import Array, BoolArray, check_number
from nnlib.errors import ArgumentError, NonFiniteError, ShapeError
from nnlib.optimizers.base import Optimizer, Schedule, Trainable
from nnlib.optimizers.objective import Objective, finite_value_and_gradient


class ObjectiveOptimizer(Optimizer):
    """An optimizer whose step asks an objective for losses and products.

    A subclass gives ``_improve``, which changes ``theta`` in place.
    """

    needs_objective: ClassVar[bool] = True

    def __init__(self, model: Trainable, lr: float | Schedule) -> None:
        super().__init__(model, lr)
        self._check_vector(model.theta)
        if not model.theta.size:
            message = (
                f"{type(self).__name__}: the model has no parameters, expected at least one. "
                "There is nothing to train."
            )
            raise ArgumentError(message)

    def step(self, objective: Objective | None = None) -> None:
        """Take one step; what goes wrong changes nothing.

        What ``model.mask`` prunes is set to zero before anything is asked, and stays there.

        Parameters
        ----------
        objective : Objective
            What is minimized. May be left away if the optimizer was made for one.

        Raises
        ------
        ArgumentError
            If there is no objective, or it has other parameters than the model.
        ShapeError
            If the model holds several folds.
        NonFiniteError
            If the loss or its gradient is nan or infinite.
        """
        objective = self._objective(objective)
        lr, theta = self.lr, self.model.theta
        before, numbers = theta.copy(), dict(self._numbers)
        mask: BoolArray | None = getattr(self.model, "mask", None)
        try:
            if mask is not None:
                np.multiply(theta, mask, out=theta)
            value, grad = objective.value_and_gradient()
            self._check_finite(grad)
            if not math.isfinite(value):
                message = f"{self!r}.step: the loss is {value}. No step was taken."
                raise NonFiniteError(message)
            self._improve(objective, theta, value, grad, lr)
            if mask is not None:
                np.multiply(theta, mask, out=theta)
        except BaseException:
            np.copyto(theta, before)
            self._numbers = numbers
            raise
        self.steps += 1

    @abstractmethod
    def _improve(
        self, objective: Objective, theta: Array, value: float, grad: Array, lr: float
    ) -> None:
        """Change ``theta`` in place, from a place with this loss and gradient."""

    def _update(self, theta: Array, grad: Array, lr: float) -> None:
        """Do nothing: ``step`` goes another way here."""

    def _kept_only(self, p: Array) -> Array:
        """Return a direction with zeros where parameters are pruned, which memory may not know."""
        mask: BoolArray | None = getattr(self.model, "mask", None)
        return p if mask is None else p * mask

    def _objective(self, objective: Objective | None) -> Objective:
        """Return the objective, checked; the model itself if it is one."""
        if objective is None:
            if not hasattr(self.model, "value_and_gradient"):
                message = (
                    f"{self!r}.step: no objective, but this optimizer asks for losses. "
                    "Write step(ModelObjective(model, loss, X, y)), or use fit."
                )
                raise ArgumentError(message)
            objective = cast("Objective", self.model)
        if objective.theta is not self.model.theta:
            message = (
                f"{self!r}.step: the objective has parameters of its own, expected those of the "
                "optimizer's model. Build both with the same model."
            )
            raise ArgumentError(message)
        self._check_vector(self.model.theta)
        return objective

    def _check_vector(self, theta: Array) -> None:
        if theta.ndim != 1:
            message = (
                f"{type(self).__name__}: theta has shape {theta.shape}, expected (P,). "
                "Train folds one after the other with this optimizer."
            )
            raise ShapeError(message)


class Ray:
    """The objective along a direction from a starting place; remembers the last gradient."""

    def __init__(self, objective: Objective, theta: Array, direction: Array) -> None:
        self.objective, self.theta, self.direction = objective, theta, direction
        self.start = theta.copy()
        self.last: tuple[float, float, Array | None] = (0.0, math.inf, None)

    def __call__(self, step: float) -> tuple[float, float]:
        """Move theta there, and return value and slope."""
        value, grad = self.go(step)
        slope = math.nan if grad is None else float(np.vdot(grad, self.direction))
        return value, slope

    def value(self, step: float) -> float:
        """Move theta there, and return the value."""
        return self.go(step)[0]

    def go(self, step: float) -> tuple[float, Array | None]:
        """Move theta there, and return value and gradient."""
        if self.last[2] is None or self.last[0] != step:
            with np.errstate(over="ignore", invalid="ignore"):  # too far: the value will say so
                np.multiply(self.direction, step, out=self.theta)
                self.theta += self.start
            self.last = (step, *finite_value_and_gradient(self.objective))
        return self.last[1:]


def check_flag(value: object, name: str, where: str) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        message = f"{where}: {name} is {value!r:.60}, expected True or False."
        raise ArgumentError(message)
    return value


def check_damping(value: object, where: str, *, positive: bool = False) -> float:
    """Return a damping of at least 0."""
    return check_number(value, "damping", where, positive=positive)
