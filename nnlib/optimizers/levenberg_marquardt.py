"""Levenberg-Marquardt: Gauss-Newton steps with a damping that learns how far to trust them."""

from __future__ import annotations

import numpy as np

from nnlib._array import Array, check_count, check_number
from nnlib.errors import ArgumentError, NonFiniteError
from nnlib.optimizers._conjugate_gradient import conjugate_gradient
from nnlib.optimizers._with_objective import ObjectiveOptimizer, check_damping, check_flag
from nnlib.optimizers.base import Schedule, Trainable
from nnlib.optimizers.newton import MAX_CG_STEPS
from nnlib.optimizers.objective import Objective, finite_value_and_gradient

MAX_TRIALS = 12
"""Dampings tried in one step: they grow by 2, 4, 8, ..., in all beyond 10²³."""


class LevenbergMarquardt(ObjectiveOptimizer):
    """Solve with the Gauss-Newton matrix, and adapt the damping by what the step has gained.

        (G + damping · I) p = −g        θ ← θ + lr · p
        gain = (loss before − loss after) / (decrease that G promised)

    G = Jᵀ H_out J is positive semidefinite, unlike the Hessian, so p always leads down. A step that
    lowers the loss is taken, and the damping falls by max(⅓, 1 − (2 gain − 1)³); one that does not
    is taken back, and the damping doubles, then grows fourfold, and so on until a step helps. Large
    damping means short steps along −g, small damping Gauss-Newton steps.

    Gauss-Newton itself is ``LevenbergMarquardt(model, adaptive=False, damping=0)``: the damping
    stays what it is, and every step is taken.

    Parameters
    ----------
    model : Sequential, or FunctionObjective
        What is trained.
    lr : float or function step -> float, default 1
        Length of the step, in units of p.
    damping : float, default 1e-3
        At the first step; above 0 if ``adaptive``.
    adaptive : bool, default True
        Whether the gain ratio changes the damping.
    solver : {"cg", "direct"}
        Conjugate gradients on products, or a dense matrix of P × P from P products.
    max_cg_steps : int, optional
        Products a trial; by default P, at most 250.
    cg_tolerance : float, default 1e-6
        ‖residual‖ / ‖g‖ at which the system counts as solved.

    References
    ----------
    Levenberg (1944), Quarterly of Applied Mathematics 2, 164-168.
    Marquardt (1963), SIAM Journal on Applied Mathematics 11, 431-441.
    Nocedal & Wright (2006), Numerical Optimization, section 10.3 (Gauss-Newton).
    Nielsen (1999), Report IMM-REP-1999-05, Technical University of Denmark (the damping rule).

    Examples
    --------
    >>> from nnlib.optimizers import FunctionObjective
    >>> line = FunctionObjective.least_squares(
    ...     lambda x: np.array([x[0] - 1.0, 2 * x[1] - 6.0]), lambda x: np.diag([1.0, 2.0]), [0, 0])
    >>> LevenbergMarquardt(line, damping=0.0, adaptive=False).step()
    >>> line.theta.round(9)
    array([1., 3.])
    """

    def __init__(
        self,
        model: Trainable,
        lr: float | Schedule = 1.0,
        *,
        damping: float = 1e-3,
        adaptive: bool = True,
        solver: str = "cg",
        max_cg_steps: int | None = None,
        cg_tolerance: float = 1e-6,
    ) -> None:
        where = "LevenbergMarquardt"
        self.adaptive = check_flag(adaptive, "adaptive", where)
        self._damping = check_damping(damping, where, positive=adaptive)
        super().__init__(model, lr)
        if not isinstance(solver, str) or solver not in {"cg", "direct"}:  # type: ignore[redundant-expr]  # callers need not be typed
            message = f"{where}: solver is {solver!r:.60}, expected 'cg' or 'direct'."
            raise ArgumentError(message)
        self.solver = solver
        if max_cg_steps is not None:
            max_cg_steps = check_count(max_cg_steps, "max_cg_steps", where)
        self.max_cg_steps = max_cg_steps
        self.cg_tolerance = check_number(cg_tolerance, "cg_tolerance", where, below=1)

    @property
    def damping(self) -> float:
        """The damping of the next step."""
        return self._numbers["damping"]

    def _first_numbers(self) -> dict[str, float]:
        return {"damping": self._damping}

    def _improve(
        self, objective: Objective, theta: Array, value: float, grad: Array, lr: float
    ) -> None:
        if lr == 0 or not grad.any():
            return
        matrix = _dense(objective, theta) if self.solver == "direct" else None
        if not self.adaptive:
            theta += lr * self._solve(objective, matrix, grad, self.damping)[0]
            return
        start, damping, growth = theta.copy(), self.damping, 2.0
        for _ in range(MAX_TRIALS):
            # Products are asked for at the start, not where the last trial has led.
            np.copyto(theta, start)
            p, Gp = self._solve(objective, matrix, grad, damping)
            p *= lr
            Gp *= lr
            promised = -float(np.vdot(grad, p)) - 0.5 * float(np.vdot(p, Gp))
            theta += p
            gained = value - finite_value_and_gradient(objective)[0]
            if gained > 0 and promised > 0:
                gain = gained / promised
                damping *= max(1.0 / 3.0, 1.0 - (2.0 * min(gain, 2.0) - 1.0) ** 3)
                self._numbers["damping"] = max(damping, 1e-15)
                return
            damping *= growth
            growth *= 2.0
        np.copyto(theta, start)  # no trial helps: a minimum, as far as rounding can tell

    def _solve(
        self, objective: Objective, matrix: Array | None, grad: Array, damping: float
    ) -> tuple[Array, Array]:
        """Return p with (G + damping I) p = −g, and G p."""
        if matrix is not None:
            damped = matrix.copy()
            damped[np.diag_indices_from(damped)] += damping
            p = _solve_dense(damped, -grad.astype(np.float64))
            return p.astype(grad.dtype), (matrix @ p).astype(grad.dtype)

        def product(v: Array) -> Array:
            Gv = objective.gauss_newton_product(v)
            _check_finite(Gv)
            return Gv + damping * v

        solution = conjugate_gradient(
            product,
            -grad,
            tolerance=self.cg_tolerance,
            max_steps=self.max_cg_steps or min(grad.size, MAX_CG_STEPS),
        )
        p = solution.x
        if solution.negative_curvature:
            return p, objective.gauss_newton_product(p)
        Gp: Array = -grad - solution.residual - damping * p
        return p, Gp


def _solve_dense(matrix: Array, b: Array) -> Array:
    """Solve a symmetric system; the shortest of all least-squares solutions if it is singular."""
    try:
        lower = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(matrix, b, rcond=None)[0])
    return np.asarray(np.linalg.solve(lower.T, np.linalg.solve(lower, b)))


def _dense(objective: Objective, theta: Array) -> Array:
    """Return the Gauss-Newton matrix in float64, column by column."""
    matrix = np.empty((theta.size, theta.size))
    unit = np.zeros_like(theta)
    for i in range(theta.size):
        unit[i] = 1.0
        matrix[:, i] = objective.gauss_newton_product(unit)
        unit[i] = 0.0
    symmetric: Array = 0.5 * (matrix + matrix.T)
    _check_finite(symmetric)
    return symmetric


def _check_finite(part: Array) -> None:
    """Raise ``NonFiniteError`` if a matrix, or its product with a vector, is not finite."""
    if not np.isfinite(part).all():
        message = (
            "LevenbergMarquardt.step: the Gauss-Newton matrix holds nan or infinity. No step was "
            "taken. Scale inputs and targets, or begin with smaller weights."
        )
        raise NonFiniteError(message)
