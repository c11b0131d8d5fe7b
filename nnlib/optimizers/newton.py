"""Newton's method, damped and with conjugate gradients; it does not climb at saddles."""

from __future__ import annotations

import math

import numpy as np

from nnlib._array import Array, check_count, check_number
from nnlib.optimizers._conjugate_gradient import conjugate_gradient
from nnlib.optimizers._with_objective import (
    ObjectiveOptimizer,
    Ray,
    check_damping,
    check_flag,
)
from nnlib.optimizers.base import Schedule, Trainable
from nnlib.optimizers.line_search import backtrack
from nnlib.optimizers.objective import Objective

MAX_CG_STEPS = 250
"""Products a step if nothing is said; exact solutions need up to P."""


class Newton(ObjectiveOptimizer):
    """Jump to where the quadratic model of the loss has its minimum.

        (H + damping · I) p = −g        θ ← θ + lr · p

    H is never formed: conjugate gradients need only products H v. Where they meet a direction of
    negative curvature, in which the model has no minimum, they stop with what they have, and at
    the very first one p = −g. So p leads down at a saddle, where the exact solution would climb to
    it. The line search halves the step until the loss has fallen enough.

    Parameters
    ----------
    model : Sequential, or FunctionObjective
        What is trained.
    lr : float or function step -> float, default 1
        The first length tried, in units of p.
    damping : float, default 0
        Added to the diagonal of H: shorter steps, nearer to −g.
    max_cg_steps : int, optional
        Products a step; by default P, at most 250.
    cg_tolerance : float, default 1e-6
        ‖residual‖ / ‖g‖ at which the system counts as solved.
    line_search : bool, default True
        Without it the step is taken whatever the loss becomes.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, algorithm 7.1.
    Martens (2010), ICML, 735-742.

    Examples
    --------
    A quadratic is solved in one step:

    >>> from nnlib.optimizers import FunctionObjective
    >>> A, b = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([5.0, 5.0])
    >>> bowl = FunctionObjective(lambda x: (0.5 * float(x @ A @ x) - float(b @ x), A @ x - b),
    ...                          [0.0, 0.0], hessian_product=lambda x, v: A @ v)
    >>> Newton(bowl).step()
    >>> bowl.theta.round(9)
    array([1., 2.])
    """

    def __init__(
        self,
        model: Trainable,
        lr: float | Schedule = 1.0,
        *,
        damping: float = 0.0,
        max_cg_steps: int | None = None,
        cg_tolerance: float = 1e-6,
        line_search: bool = True,
    ) -> None:
        super().__init__(model, lr)
        self.damping = check_damping(damping, "Newton")
        if max_cg_steps is not None:
            max_cg_steps = check_count(max_cg_steps, "max_cg_steps", "Newton")
        self.max_cg_steps = max_cg_steps
        self.cg_tolerance = check_number(cg_tolerance, "cg_tolerance", "Newton", below=1)
        self.line_search = check_flag(line_search, "line_search", "Newton")

    def _improve(
        self, objective: Objective, theta: Array, value: float, grad: Array, lr: float
    ) -> None:
        def product(v: Array) -> Array:
            Hv = objective.hessian_product(v)
            return Hv + self.damping * v if self.damping else Hv

        solution = conjugate_gradient(
            product,
            -grad,
            tolerance=self.cg_tolerance,
            max_steps=self.max_cg_steps or min(theta.size, MAX_CG_STEPS),
        )
        p = solution.x
        slope = float(np.vdot(grad, p))
        if not slope < 0 or not math.isfinite(slope) or lr == 0:
            return  # at a critical point there is no way down
        if not self.line_search:
            theta += lr * p
            return
        ray = Ray(objective, theta, p)
        step = backtrack(ray.value, value, slope, step=lr)
        np.copyto(theta, ray.start + step * p if step else ray.start)
