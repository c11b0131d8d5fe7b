"""BFGS and L-BFGS: they learn the curvature from the gradients of the steps taken."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, as_array, check_count, check_shape
from nnlib.errors import ArgumentError, ShapeError
from nnlib.optimizers._with_objective import ObjectiveOptimizer, Ray
from nnlib.optimizers.base import Schedule, Trainable
from nnlib.optimizers.clipping import global_norm
from nnlib.optimizers.line_search import strong_wolfe
from nnlib.optimizers.objective import Objective

MAX_DENSE = 10_000
"""Parameters up to which BFGS keeps its matrix: 0.8 GB in float64."""


class _QuasiNewton(ObjectiveOptimizer):
    """Direction from what was learned, strong-Wolfe line search, learn from the step."""

    def _improve(
        self, objective: Objective, theta: Array, value: float, grad: Array, lr: float
    ) -> None:
        self._prepare(theta)
        if lr == 0 or not grad.any():
            return
        if self._learned and self._along(objective, theta, value, grad, self._direction(grad), lr):
            return
        # Nothing is known yet, or what was learned is worth nothing here: start anew, with a step
        # that moves theta by about lr, since −g says nothing about lengths.
        self._forget()
        lr *= min(1.0, 1.0 / global_norm(grad))
        self._along(objective, theta, value, grad, -grad, lr)

    def _along(
        self, objective: Objective, theta: Array, value: float, grad: Array, p: Array, lr: float
    ) -> bool:
        """Search along p, and learn; return whether the loss has fallen."""
        p = self._kept_only(p)
        slope = float(np.vdot(grad, p))
        if not (math.isfinite(slope) and slope < 0):
            return False
        ray = Ray(objective, theta, p)
        found = strong_wolfe(ray, value, slope, step=lr)
        after = ray.go(found.step)[1] if found.step > 0 else None
        if after is None:
            np.copyto(theta, ray.start)
            return False
        s, y = theta - ray.start, after - grad
        # Where the curvature along the step is not positive, to rounding, there is nothing to learn
        # that would leave the matrix positive definite.
        curvature = float(np.vdot(s, y))
        unit = float(np.finfo(theta.dtype).eps)
        if curvature > unit * float(np.linalg.norm(s)) * float(np.linalg.norm(y)):
            self._learn(s, y)
        return True

    @property
    def _learned(self) -> int:
        return int(self._numbers["n_updates"])

    def _first_numbers(self) -> dict[str, float]:
        return {"n_updates": 0}

    def _check_state(
        self, steps: int, numbers: Mapping[str, float], arrays: Mapping[str, Array], where: str
    ) -> None:
        super()._check_state(steps, numbers, arrays, where)
        n = numbers["n_updates"]
        if n > steps or not float(n).is_integer():
            message = (
                f"{where}: n_updates is {n:g} after {steps} steps, expected a whole number, at "
                "most one a step. Take a dictionary from the state_dict() of such an optimizer."
            )
            raise ArgumentError(message)

    def _forget(self) -> None:
        self._numbers["n_updates"] = 0

    @abstractmethod
    def _prepare(self, theta: Array) -> None:
        """Provide for the memory."""

    @abstractmethod
    def _direction(self, grad: Array) -> Array:
        """Return −H g, with H the present inverse."""

    @abstractmethod
    def _learn(self, s: Array, y: Array) -> None:
        """Take in a step s and the change y of the gradient."""


class BFGS(_QuasiNewton):
    """Keep a dense approximation of the inverse Hessian, and improve it at every step.

        p = −H g        θ ← θ + a p, with a from a strong-Wolfe line search
        H ← (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ        ρ = 1 / yᵀ s

    s is the step and y the change of the gradient: the new H maps y to s, as the true inverse would
    on average. Before the first update H = (sᵀ y / yᵀ y) I. The loss must be the same function at
    every step: use the whole data, not batches.

    Parameters
    ----------
    model : Sequential, or FunctionObjective
        What is trained; at most 10 000 parameters, since H has P² entries.
    lr : float or function step -> float, default 1
        The first length tried, in units of p.

    References
    ----------
    Broyden (1970), Fletcher (1970), Goldfarb (1970), Shanno (1970).
    Nocedal & Wright (2006), Numerical Optimization, algorithm 6.1.

    Examples
    --------
    >>> from nnlib.optimizers import FunctionObjective
    >>> bowl = FunctionObjective(lambda x: (float(x @ x), 2 * x), [3.0, -4.0])
    >>> optimizer = BFGS(bowl)
    >>> for _ in range(3):
    ...     optimizer.step()
    >>> bool(abs(bowl.theta).max() < 1e-6)
    True
    """

    def __init__(self, model: Trainable, lr: float | Schedule = 1.0) -> None:
        super().__init__(model, lr)
        if model.theta.size > MAX_DENSE:
            gigabytes = model.theta.size**2 * model.theta.itemsize / 1e9
            message = (
                f"BFGS: {model.theta.size} parameters need a matrix of {gigabytes:.1f} GB, "
                f"expected at most {MAX_DENSE}. Use LBFGS."
            )
            raise ArgumentError(message)

    def _shapes(self, theta: Array) -> dict[str, tuple[int, ...]]:
        return {"H": (theta.size, theta.size)}

    def _prepare(self, theta: Array) -> None:
        self._vector("H", np.broadcast_to(theta, (theta.size, theta.size)))

    def _direction(self, grad: Array) -> Array:
        return -(self._state["H"] @ grad)

    def _learn(self, s: Array, y: Array) -> None:
        H = self._state["H"]
        if not self._learned:
            H.fill(0.0)
            H[np.diag_indices_from(H)] = np.vdot(s, y) / np.vdot(y, y)
        _bfgs_update(H, s, y)
        self._numbers["n_updates"] += 1


class LBFGS(_QuasiNewton):
    """BFGS without the matrix: the last few steps and gradient changes say all of it.

        p = −H g by the two loops of ``lbfgs_direction``
        θ ← θ + a p, with a from a strong-Wolfe line search

    One ``step()`` is one direction and its line search, most often one or two gradients. The loss
    must be the same function at every step: use the whole data (``batch_size=len(X)``).

    Parameters
    ----------
    model : Sequential, or FunctionObjective
        What is trained.
    lr : float or function step -> float, default 1
        The first length tried, in units of p.
    history_size : int, default 10
        Steps that are remembered, two vectors each.

    References
    ----------
    Liu & Nocedal (1989), Mathematical Programming 45, 503-528.
    Nocedal & Wright (2006), Numerical Optimization, algorithms 7.4 and 7.5.

    Examples
    --------
    >>> from nnlib.optimizers import FunctionObjective
    >>> bowl = FunctionObjective(lambda x: (float(x @ x), 2 * x), [3.0, -4.0])
    >>> optimizer = LBFGS(bowl)
    >>> for _ in range(3):
    ...     optimizer.step()
    >>> bool(abs(bowl.theta).max() < 1e-6)
    True
    """

    def __init__(
        self, model: Trainable, lr: float | Schedule = 1.0, *, history_size: int = 10
    ) -> None:
        super().__init__(model, lr)
        self.history_size = check_count(history_size, "history_size", "LBFGS")

    def _shapes(self, theta: Array) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(("S", "Y"), (self.history_size, theta.size))

    def _prepare(self, theta: Array) -> None:
        like = np.broadcast_to(theta, (self.history_size, theta.size))
        self._vector("S", like)
        self._vector("Y", like)

    def _check_state(
        self, steps: int, numbers: Mapping[str, float], arrays: Mapping[str, Array], where: str
    ) -> None:
        super()._check_state(steps, numbers, arrays, where)
        n = min(int(numbers["n_updates"]), self.history_size)
        for i in range(n):
            s, y = arrays["S"][i], arrays["Y"][i]
            if not 0 < float(np.vdot(s, y)) < math.inf or not float(np.vdot(y, y)) < math.inf:
                message = (
                    f"{where}: yᵀ s of pair {i} is not positive, so it was not learned by LBFGS. "
                    "Take a dictionary from the state_dict() of such an optimizer."
                )
                raise ArgumentError(message)

    def _direction(self, grad: Array) -> Array:
        # The rows are used in turn, so the oldest pair stands where the next one will.
        n, m = self._learned, self.history_size
        order = [i % m for i in range(max(0, n - m), n)]
        S, Y = self._state["S"], self._state["Y"]
        return _two_loops(grad, [S[i] for i in order], [Y[i] for i in order])

    def _learn(self, s: Array, y: Array) -> None:
        row = self._learned % self.history_size
        self._state["S"][row], self._state["Y"][row] = s, y
        self._numbers["n_updates"] += 1


def bfgs_update(H: ArrayLike, s: ArrayLike, y: ArrayLike) -> Array:
    """Return the inverse Hessian that maps y to s and is otherwise as near to H as can be.

        (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ        ρ = 1 / yᵀ s

    Parameters
    ----------
    H : ndarray of shape (P, P)
        Symmetric; it is not changed.
    s, y : ndarray of shape (P,)
        A step, and the change of the gradient along it.

    Returns
    -------
    H_new : ndarray of shape (P, P)
        Symmetric, and positive definite if H is.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    ArgumentError
        If yᵀ s is not positive.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, equation 6.17.

    Examples
    --------
    >>> H = bfgs_update(np.eye(2), s=np.array([1.0, 0.0]), y=np.array([4.0, 0.0]))
    >>> H
    array([[0.25, 0.  ],
           [0.  , 1.  ]])
    """
    matrix = np.array(as_array(H, None, "bfgs_update: H"))
    step, change = (
        as_array(vector, matrix.dtype, f"bfgs_update: {name}")
        for name, vector in (("s", s), ("y", y))
    )
    if step.ndim != 1:
        message = f"bfgs_update: s has shape {step.shape}, expected (P,)."
        raise ShapeError(message)
    check_shape(change, step.shape, "bfgs_update: y", "like s")
    check_shape(matrix, (step.size, step.size), "bfgs_update: H", "for s of this length")
    curvature = float(np.vdot(step, change))
    if not curvature > 0:
        message = (
            f"bfgs_update: yᵀ s is {curvature:g}, expected above 0. "
            "A strong-Wolfe line search sees to it."
        )
        raise ArgumentError(message)
    _bfgs_update(matrix, step, change)
    return matrix


def lbfgs_direction(grad: ArrayLike, S: Sequence[ArrayLike], Y: Sequence[ArrayLike]) -> Array:
    """Return −H g, with H made of the last steps and gradient changes, by two loops.

    H is what ``bfgs_update`` makes of (sᵀ y / yᵀ y) I, with the newest pair, by all pairs in order.
    It takes 4 m P multiplications in place of P² for each.

    Parameters
    ----------
    grad : ndarray of shape (P,)
        The gradient.
    S, Y : sequence of m ndarrays of shape (P,)
        Steps and changes of the gradient, oldest first. With none, H is the unit matrix.

    Returns
    -------
    p : ndarray of shape (P,)
        The direction, a fresh array.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    ArgumentError
        If some yᵀ s is not positive.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, algorithm 7.4.

    Examples
    --------
    >>> lbfgs_direction(np.array([4.0, 8.0]), [np.array([1.0, 0.0])], [np.array([4.0, 0.0])])
    array([-1., -2.])
    """
    g = as_array(grad, None, "lbfgs_direction: grad")
    if g.ndim != 1 or len(S) != len(Y):
        message = (
            f"lbfgs_direction: grad has shape {g.shape}, with {len(S)} steps and {len(Y)} changes, "
            "expected (P,) and as many of both."
        )
        raise ShapeError(message)
    pairs: tuple[list[Array], list[Array]] = ([], [])
    for kept, given, name in zip(pairs, (S, Y), "SY", strict=True):
        for i, vector in enumerate(given):
            kept.append(as_array(vector, g.dtype, f"lbfgs_direction: {name}[{i}]"))
            check_shape(kept[-1], g.shape, f"lbfgs_direction: {name}[{i}]", "like grad")
    for i, (s, y) in enumerate(zip(*pairs, strict=True)):
        if not np.vdot(s, y) > 0:
            message = f"lbfgs_direction: yᵀ s of pair {i} is not positive. Leave that pair out."
            raise ArgumentError(message)
    return _two_loops(g, *pairs)


def _bfgs_update(H: Array, s: Array, y: Array) -> None:
    """Update H in place: multiplied out, the product is H + s aᵀ + a sᵀ."""
    rho = 1.0 / float(np.vdot(s, y))
    Hy = H @ y
    a = (0.5 * rho * (1.0 + rho * float(np.vdot(y, Hy)))) * s - rho * Hy
    H += np.multiply.outer(s, a)
    H += np.multiply.outer(a, s)


def _two_loops(grad: Array, S: Sequence[Array], Y: Sequence[Array]) -> Array:
    q = -grad
    rho = [1.0 / float(np.vdot(s, y)) for s, y in zip(S, Y, strict=True)]
    alpha = [0.0] * len(rho)
    for i in reversed(range(len(rho))):
        alpha[i] = rho[i] * float(np.vdot(S[i], q))
        q -= alpha[i] * Y[i]
    if rho:
        q *= 1.0 / (rho[-1] * float(np.vdot(Y[-1], Y[-1])))
    for i in range(len(rho)):
        beta = rho[i] * float(np.vdot(Y[i], q))
        q += (alpha[i] - beta) * S[i]
    return q
