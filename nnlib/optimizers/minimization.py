"""A loop around any optimizer, for functions and full batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnlib._array import Array, check_count, check_number
from nnlib.errors import ArgumentError, DtypeError, NonFiniteError
from nnlib.optimizers.base import Optimizer
from nnlib.optimizers.function_objective import FunctionObjective
from nnlib.optimizers.objective import ModelObjective, finite_value_and_gradient


@dataclass(frozen=True)
class Minimum:
    """Where ``minimize`` ended.

    Attributes
    ----------
    theta : ndarray of shape (P,)
        The parameters, a copy.
    value : float
        The loss there.
    gradient_norm : float
        Largest size of an entry of the gradient there.
    n_steps, n_evaluations, n_products : int
        Steps taken; losses with gradients, and curvature products, asked for.
    values : list of float
        The loss before each step, and at the end.
    stop_reason : str
        Why it ended.
    """

    theta: Array
    value: float
    gradient_norm: float
    n_steps: int
    n_evaluations: int
    n_products: int
    values: list[float]
    stop_reason: str

    @property
    def converged(self) -> bool:
        """Whether the gradient became small enough."""
        return self.stop_reason == "gradient small"


def minimize(
    objective: FunctionObjective | ModelObjective,
    optimizer: Optimizer,
    *,
    max_steps: int = 1000,
    tolerance: float = 1e-6,
    on_step: Callable[[Array, float], object] | None = None,
) -> Minimum:
    """Take steps until the gradient is small: max |g| ≤ tolerance.

    There is no progress bar: ``on_step`` sees every step.

    Parameters
    ----------
    objective : FunctionObjective or ModelObjective
        What is minimized; its ``theta`` is changed in place.
    optimizer : Optimizer
        Made for this objective, ``LBFGS(objective)``, or for its model.
    max_steps : int, default 1000
        At most so many.
    tolerance : float, default 1e-6
        Largest size of an entry of the gradient at a minimum.
    on_step : function (theta, value), optional
        Called before the first step and after every step, for a trajectory. Copy theta to keep it.

    Returns
    -------
    found : Minimum
        Where it ended. "no decrease" as its ``stop_reason`` says that a second-order optimizer
        found no step that lowers the loss, as happens at the limit of rounding. "diverged" says
        that the last step led to a loss or gradient that is not finite; it is undone, so that
        ``theta`` and ``values`` end with the last finite loss.

    Raises
    ------
    DtypeError
        If objective or optimizer are something else.
    ArgumentError
        If the optimizer was made for other parameters, or there are none.
    NonFiniteError
        If loss or gradient are nan or infinite at the start.

    Examples
    --------
    >>> from nnlib.optimizers import LBFGS
    >>> def rosenbrock(x):
    ...     a, b = 1 - x[0], x[1] - x[0] ** 2
    ...     return a**2 + 100 * b**2, np.array([-2 * a - 400 * b * x[0], 200 * b])
    >>> valley = FunctionObjective(rosenbrock, [-1.2, 1.0])
    >>> found = minimize(valley, LBFGS(valley))
    >>> found.converged, found.theta.round(6)
    (True, array([1., 1.]))
    """
    _check_parts(objective, optimizer)
    limit = check_count(max_steps, "max_steps", "minimize", minimum=0)
    tolerance = check_number(tolerance, "tolerance", "minimize")
    counts = objective.n_evaluations, objective.n_products
    theta, n_steps, reason = objective.theta, 0, "max_steps reached"
    values: list[float] = []
    before = theta.copy()
    value = norm = math.inf  # what is returned is that of the last finite point
    while True:
        here, grad = finite_value_and_gradient(objective)
        if grad is None:
            if n_steps == 0:
                objective.value_and_gradient()  # a model says in its words what is not finite
                message = "minimize: loss or gradient are not finite at the start. Begin elsewhere."
                raise NonFiniteError(message)
            np.copyto(theta, before)
            reason = "diverged"
            break
        value, norm = here, float(np.abs(grad).max())
        values.append(value)
        if on_step is not None:
            on_step(theta, value)
        if norm <= tolerance:
            reason = "gradient small"
            break
        if n_steps == limit:
            break
        np.copyto(before, theta)
        if optimizer.needs_objective:
            optimizer.step(objective)
            stuck = np.array_equal(before, theta)
        else:
            np.copyto(objective.grad, grad)
            optimizer.step()
            stuck = False
        n_steps += 1
        if stuck:
            reason = "no decrease"
            values.append(value)
            break
    return Minimum(
        theta.copy(), value, norm if math.isfinite(norm) else math.inf, n_steps,
        objective.n_evaluations - counts[0], objective.n_products - counts[1], values, reason,
    )  # fmt: skip


def _check_parts(objective: object, optimizer: object) -> None:
    if not isinstance(objective, FunctionObjective | ModelObjective):
        message = (
            f"minimize: objective is {objective!r:.60}, expected a FunctionObjective or a "
            "ModelObjective."
        )
        raise DtypeError(message)
    if not objective.theta.size:
        message = (
            "minimize: the model has no parameters, expected at least one. There is nothing to "
            "minimize over."
        )
        raise ArgumentError(message)
    if not isinstance(optimizer, Optimizer):
        message = (
            f"minimize: optimizer is {optimizer!r:.60}, expected an Optimizer, such as "
            "LBFGS(objective)."
        )
        raise DtypeError(message)
    if optimizer.model.theta is not objective.theta:
        message = (
            "minimize: the optimizer was made for other parameters. Write for example "
            "LBFGS(objective)."
        )
        raise ArgumentError(message)
