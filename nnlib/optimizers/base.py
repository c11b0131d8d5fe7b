"""What every optimizer does: find the rate, refuse a broken gradient, count steps."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np

from nnlib._array import Array, BoolArray, check_number
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError

Schedule: TypeAlias = Callable[[int], float]
"""A function from the number of steps taken so far to a learning rate."""


class Trainable(Protocol):
    """What an optimizer needs of a model: its vectors."""

    @property
    def theta(self) -> Array:
        """All parameters."""

    @property
    def grad(self) -> Array:
        """Their gradient."""

    @property
    def decay_mask(self) -> BoolArray:
        """True where weight decay acts."""


class Optimizer(ABC):
    """Change ``model.theta`` in place, down the gradient ``model.grad``.

    Parameters
    ----------
    model : Layer or Sequential
        Its vectors are read anew at each step; nothing is copied.
    lr : float or function step -> float
        Learning rate, or a schedule, called with 0 at the first step.

    Attributes
    ----------
    steps : int
        Number of steps taken.
    """

    def __init__(self, model: Trainable, lr: float | Schedule) -> None:
        for name in ("theta", "grad", "decay_mask"):
            if not hasattr(model, name):
                message = (
                    f"{type(self).__name__}: the first argument is {model!r:.60}, expected a model "
                    "or layer. Write for example SGD(model, lr=0.1)."
                )
                raise DtypeError(message)
        self.model = model
        self.steps = 0
        self._state: dict[str, Array] = {}
        self.lr = lr

    @property
    def lr(self) -> float:
        """The learning rate of the next step; assign a number or a schedule."""
        return self._checked(self._lr(self.steps) if callable(self._lr) else self._lr)

    @lr.setter
    def lr(self, value: float | Schedule) -> None:
        self._lr = value if callable(value) else self._checked(value)

    def step(self) -> None:
        """Take one step; a gradient that is not finite changes nothing.

        Raises
        ------
        NonFiniteError
            If the gradient holds nan or infinity.
        ArgumentError
            If the schedule gives no usable rate.
        """
        lr, grad = self.lr, self.model.grad
        # The product of grad with itself is finite unless grad is not, or is huge: a cheap first
        # look, which spares the exact one.
        with np.errstate(over="ignore", invalid="ignore"):
            square = np.vdot(grad, grad)
        if not math.isfinite(square) and not np.isfinite(grad).all():
            bad = int(grad.size - np.count_nonzero(np.isfinite(grad)))
            message = (
                f"{self!r}.step: {bad} of {grad.size} entries of the gradient are nan or infinite. "
                "No step was taken. Scale the data, or lower the learning rate."
            )
            raise NonFiniteError(message)
        self._update(self.model.theta, grad, lr)
        self.steps += 1

    def reset(self) -> None:
        """Forget all steps: momentum and the step count start anew."""
        self.steps = 0
        self._state.clear()

    @abstractmethod
    def _update(self, theta: Array, grad: Array, lr: float) -> None:
        """Change ``theta`` in place; ``grad`` stays as it is."""

    def _vector(self, name: str, like: Array) -> Array:
        """Return a vector kept from step to step, zero at first."""
        vector = self._state.get(name)
        if vector is None:
            vector = self._state[name] = np.zeros_like(like)
        if vector.shape != like.shape or vector.dtype != like.dtype:
            message = (
                f"{self!r}.step: the model has {like.size} {like.dtype} parameters, but had "
                f"{vector.size} {vector.dtype} before. Build a new optimizer for it."
            )
            raise ArgumentError(message)
        return vector

    def _checked(self, lr: object) -> float:
        return check_number(lr, "the learning rate", type(self).__name__)

    def __repr__(self) -> str:
        rate = "schedule" if callable(self._lr) else f"{self._lr:g}"
        return f"{type(self).__name__}(lr={rate})"
