"""What every optimizer does: find the rate, refuse a broken gradient, honor the mask, count."""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

import numpy as np

from nnlib import _compiling
from nnlib._array import (
    Array,
    BoolArray,
    as_array,
    check_count,
    check_number,
    check_shape,
    instance_hint,
)
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError
from nnlib.optimizers import _fused

if TYPE_CHECKING:
    from nnlib.optimizers.objective import Objective

Schedule: TypeAlias = Callable[[int], float]
"""A function from the number of steps taken so far to a learning rate."""


class Trainable(Protocol):
    """What an optimizer needs of a model: its vectors.

    A model that also has a ``mask`` of shape (P,) keeps at zero what is False there.
    """

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
    fused : bool or None, default None
        For those that have a compiled twin: whether to use it. See ``nnlib.optimizers``.

    Attributes
    ----------
    steps : int
        Number of steps taken.
    """

    needs_objective: ClassVar[bool] = False
    """Whether ``step`` must be given an objective, to ask it for losses and products."""

    fused: bool | None = None

    def __init__(self, model: Trainable, lr: float | Schedule) -> None:
        for name in ("theta", "grad", "decay_mask"):
            if isinstance(model, type) or not hasattr(model, name):
                message = (
                    f"{type(self).__name__}: the first argument is {model!r:.60}, expected a model "
                    f"or layer. Write for example {type(self).__name__}(model, lr=0.1)."
                    f"{instance_hint(model)}"
                )
                raise DtypeError(message)
        self.model = model
        self.steps = 0
        self._state: dict[str, Array] = {}
        self._numbers: dict[str, float] = self._first_numbers()
        self._memory: dict[str, Array] = {}
        self.lr = lr

    @property
    def lr(self) -> float:
        """The learning rate of the next step; assign a number or a schedule."""
        return self._checked(self._lr(self.steps) if callable(self._lr) else self._lr)

    @lr.setter
    def lr(self, value: float | Schedule) -> None:
        if callable(value):
            self._lr: float | Schedule = check_schedule(value, f"{type(self).__name__}: lr")
        else:
            self._lr = self._checked(value)

    def step(self, objective: Objective | None = None) -> None:  # ruff: ignore[unused-method-argument]  for those that need one
        """Take one step; a gradient that is not finite changes nothing.

        What ``model.mask`` prunes is at zero afterwards, whatever momentum says.

        Parameters
        ----------
        objective : Objective, optional
            Used only by optimizers with ``needs_objective``, which take their gradient from it.

        Raises
        ------
        NonFiniteError
            If the gradient holds nan or infinity.
        ArgumentError
            If the schedule gives no usable rate.
        """
        lr, theta, grad = self.lr, self.model.theta, self.model.grad
        self._check_finite(grad)
        mask: BoolArray | None = getattr(self.model, "mask", None)
        if mask is not None:
            grad = np.multiply(grad, mask, out=self._scratch("masked", grad))
        self._update(theta, grad, lr)
        if mask is not None:
            np.multiply(theta, mask, out=theta)
        self.steps += 1

    def reset(self) -> None:
        """Forget all steps: momentum and the step count start anew."""
        self.steps = 0
        self._state.clear()
        self._numbers = self._first_numbers()

    def state_dict(self) -> dict[str, Any]:
        """Return all that another optimizer of the same kind needs to go on from here.

        Returns
        -------
        state : dict of str to int, float or ndarray
            ``"steps"``, ``"lr"`` unless it is a schedule, and copies of the kept vectors.
        """
        state: dict[str, Any] = {"steps": self.steps}
        if not callable(self._lr):
            state["lr"] = self._lr
        state |= self._numbers
        if self.steps:
            state |= {name: array.copy() for name, array in self._state.items()}
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from the state of another optimizer; one that does not fit changes nothing.

        A schedule stays as it is, and is called with the steps of the loaded state.

        Parameters
        ----------
        state : dict of str to int, float or array_like
            As ``state_dict`` returns it.

        Raises
        ------
        DtypeError
            If ``state`` is not a dictionary.
        ArgumentError
            If names are missing or unknown, or a number is outside what it may be.
        ShapeError
            If a vector does not fit the model.
        """
        where = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state, Mapping):
            message = (  # type: ignore[unreachable]  # callers need not be typed
                f"{where}: state is {state!r:.60}, expected a dictionary. "
                "Take one from the state_dict() of an optimizer like this."
            )
            raise DtypeError(message)
        theta = self.model.theta
        steps = check_count(state.get("steps"), "steps", where, minimum=0)
        shapes = self._shapes(theta) if steps else {}
        missing = {"steps", *self._numbers, *shapes} - state.keys()
        unknown = state.keys() - {"steps", "lr", *self._numbers, *shapes}
        if missing or unknown:
            message = (
                f"{where}: missing {sorted(missing)}, unknown {sorted(unknown)}. "
                "Build the optimizer with the settings it was saved with."
            )
            raise ArgumentError(message)
        lr = self._checked(state["lr"]) if "lr" in state else None
        numbers = {name: check_number(state[name], name, where) for name in self._numbers}
        arrays = {}
        for name, shape in shapes.items():
            array = as_array(state[name], theta.dtype, f"{where}: {name}")
            check_shape(array, shape, f"{where}: {name}", "as this model needs")
            arrays[name] = array.copy()
        self._check_state(steps, numbers, arrays, where)
        self.steps, self._state, self._numbers = steps, arrays, numbers
        if lr is not None and not callable(self._lr):
            self._lr = lr

    def _check_state(  # ruff: ignore[empty-method-without-abstract-decorator]  most have nothing to check
        self, steps: int, numbers: Mapping[str, float], arrays: Mapping[str, Array], where: str
    ) -> None:
        """Raise ``ArgumentError`` if loaded numbers and arrays contradict each other."""

    @abstractmethod
    def _update(self, theta: Array, grad: Array, lr: float) -> None:
        """Change ``theta`` in place; ``grad`` stays as it is."""

    # What is kept from step to step -------------------------------------------------------------

    def _vectors(self) -> tuple[str, ...]:
        """Name the vectors like theta that are kept from step to step."""
        return ()

    def _shapes(self, theta: Array) -> dict[str, tuple[int, ...]]:
        """Return the shape of every array that is kept from step to step."""
        return dict.fromkeys(self._vectors(), theta.shape)

    def _first_numbers(self) -> dict[str, float]:
        """Return the numbers that are kept from step to step, as they are at first."""
        return {}

    def _vector(self, name: str, like: Array, fill: float = 0.0) -> Array:
        """Return a vector kept from step to step, filled with one number at first."""
        vector = self._state.get(name)
        if vector is None:
            vector = self._state[name] = np.full_like(like, fill, order="C")
        if vector.shape != like.shape or vector.dtype != like.dtype:
            message = (
                f"{self!r}.step: the model has {like.size} {like.dtype} parameters, but had "
                f"{vector.size} {vector.dtype} before. Build a new optimizer for it."
            )
            raise ArgumentError(message)
        return vector

    def _scratch(self, name: str, like: Array) -> Array:
        """Return memory like ``like`` with arbitrary content, the same at every step."""
        array = self._memory.get(name)
        if array is None or array.shape != like.shape or array.dtype != like.dtype:
            array = self._memory[name] = np.empty_like(like, order="C")
        return array

    def _decay(self, theta: Array, strength: float, out: Array) -> Array:
        """Return strength · θ where weight decay acts, and zero elsewhere."""
        np.multiply(theta, strength, out=out)
        out *= self.model.decay_mask
        return out

    def _kernels(self, theta: Array, grad: Array) -> _fused.Kernels | None:
        """Return the compiled twins of the update rules, where they are wanted and pay."""
        found = _fused.kernels(self.fused, (self.steps + 1) * theta.size)
        if found is None or not (theta.flags.c_contiguous and grad.flags.c_contiguous):
            return None
        if not theta.size:  # the kernels count in folds, and there is none
            return None
        return found

    # Checks -------------------------------------------------------------------------------------

    def _check_finite(self, grad: Array) -> None:
        """Raise ``NonFiniteError`` if an entry of the gradient is nan or infinite."""
        # The product of grad with itself is finite unless grad is not, or is huge: a cheap first
        # look, which spares the exact one, and which NumPy does not watch for overflow.
        square = np.vdot(grad, grad)
        if not math.isfinite(square) and not np.isfinite(grad).all():
            bad = int(grad.size - np.count_nonzero(np.isfinite(grad)))
            message = (
                f"{self!r}.step: {bad} of {grad.size} entries of the gradient are nan or infinite. "
                "No step was taken. Scale the data, or lower the learning rate."
            )
            raise NonFiniteError(message)

    def _checked(self, lr: object) -> float:
        return check_number(lr, "the learning rate", type(self).__name__)

    def __repr__(self) -> str:
        rate = "schedule" if callable(self._lr) else f"{self._lr:g}"
        return f"{type(self).__name__}(lr={rate})"


def check_schedule(value: Schedule, where: str) -> Schedule:
    """Return a function that can be called with the step alone; nothing is called here."""
    try:
        inspect.signature(value).bind(0)
    except ValueError:  # a compiled function may not tell
        return value
    except TypeError as error:
        name = getattr(value, "__name__", repr(value))
        message = (
            f"{where} is the function {name:.60}, which cannot be called with the step alone, "
            f"expected a number or a function from step to rate. Where it makes a schedule, call "
            f"it: {name:.60}(...)."
        )
        raise DtypeError(message) from error
    return value


def check_betas(betas: object, where: str) -> tuple[float, float]:
    """Return a pair of numbers from 0 to below 1."""
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        message = f"{where}: betas is {betas!r:.60}, expected two numbers, such as (0.9, 0.99)."
        raise ArgumentError(message)
    first, second = (
        check_number(beta, f"betas[{i}]", where, below=1) for i, beta in enumerate(betas)
    )
    return first, second


def check_fused(fused: object, where: str) -> bool | None:
    """Return True, False or None; True where numba is missing is refused."""
    if fused is not None and not isinstance(fused, bool):
        message = f"{where}: fused is {fused!r:.60}, expected True, False or None."
        raise ArgumentError(message)
    if fused and not _compiling.available():
        message = (
            f"{where}: fused=True, but numba is not installed. "
            'Install it with pip install "nncourse[speed]", or leave fused away.'
        )
        raise ArgumentError(message)
    return fused


def divide(g: Array, root: Array, eps: float, out: Array) -> Array:
    """Return g / root; with eps = 0, a parameter that never had a gradient gives 0 and not 0/0."""
    if eps:
        return np.divide(g, root, out=out)
    root[root == 0] = 1.0  # there g is 0 too
    return np.divide(g, root, out=out)
