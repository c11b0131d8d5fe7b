"""What the eigenvalues say: which kind of point this is, which steps are stable, how sharp."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib._array import Array, Seed, as_array, as_generator, check_count, check_number
from nnlib.curvature._layerwise import own_copy, private_copy
from nnlib.curvature.estimators import trace
from nnlib.curvature.operators import Hessian
from nnlib.curvature.spectra import spectrum, spectrum_and_size
from nnlib.errors import ArgumentError, ShapeError
from nnlib.layers.base import Layer
from nnlib.losses import Loss


class CriticalPoint(StrEnum):
    """Which kind of point it is; each is also its name as text, such as ``"saddle"``."""

    NOT_CRITICAL = "not critical"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    SADDLE = "saddle"
    DEGENERATE = "degenerate"


def classify_critical_point(
    gradient_norm: float, eigenvalues: ArrayLike, *, tolerance: float = 1e-6
) -> CriticalPoint:
    """Name a point of the loss by its gradient and the eigenvalues of its Hessian.

    - "not critical": the gradient is above the tolerance. Then the signs say nothing about minima.
    - "minimum", "maximum": all eigenvalues are positive, or all negative.
    - "saddle": there are both, whatever else there is.
    - "degenerate": one sign or none, and some zeros (semidefinite). Second derivatives do not
      decide: x⁴, −x⁴ and x³ all look alike at 0.

    Parameters
    ----------
    gradient_norm : float
        ‖∂L/∂θ‖, at least 0.
    eigenvalues : array_like of shape (k,)
        All eigenvalues; with some of them, such as both ends, the answer is about those.
    tolerance : float, default 1e-6
        A norm, or the size of an eigenvalue, up to which it counts as zero.

    Returns
    -------
    kind : CriticalPoint
        Compares equal to its name.

    Raises
    ------
    ArgumentError
        If a number is negative or nan, or there are no eigenvalues.

    References
    ----------
    Dauphin et al. (2014), Identifying and attacking the saddle point problem, NeurIPS.

    Examples
    --------
    >>> classify_critical_point(0.0, [2.0, -1.0, 0.0])
    <CriticalPoint.SADDLE: 'saddle'>
    >>> classify_critical_point(0.0, [2.0, 0.0]) == "degenerate"
    True
    """
    where = "classify_critical_point"
    norm = check_number(gradient_norm, "gradient_norm", where)
    limit = check_number(tolerance, "tolerance", where)
    values = as_array(eigenvalues, np.dtype(np.float64), f"{where}: eigenvalues")
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        message = f"{where}: eigenvalues are {values!r:.80}, expected at least one finite number."
        raise ArgumentError(message)
    if norm > limit:
        return CriticalPoint.NOT_CRITICAL
    up, down = bool((values > limit).any()), bool((values < -limit).any())
    if up and down:
        return CriticalPoint.SADDLE
    if (np.abs(values) <= limit).any():
        return CriticalPoint.DEGENERATE
    return CriticalPoint.MINIMUM if up else CriticalPoint.MAXIMUM


def largest_stable_rate(operator: Any, *, rng: Seed = None) -> float:
    """Return 2/λ_max, the learning rate from which plain gradient descent oscillates and grows.

    Along an eigenvector a step multiplies the distance to the minimum by 1 − ηλ, whose size is
    below 1 exactly for 0 < η < 2/λ. The largest eigenvalue sets the limit for all.

    Parameters
    ----------
    operator : LinearOperator, ndarray of shape (P, P), or of shape (k,)
        A Hessian, or eigenvalues that include the largest. The Hessian of a pruned model is about
        the parameters that may still move, and so is the rate.
    rng : Generator, int or None
        Draws the start of the Lanczos iteration.

    Returns
    -------
    rate : float
        Infinite if no eigenvalue is positive: then there is no minimum to overshoot. Up to
        10 ε √P max|λ|, with ε the precision of the numbers, a positive one is rounding.

    Raises
    ------
    ShapeError
        If the operator is neither.
    DtypeError
        If it does not hold real numbers.
    ArgumentError
        If an eigenvalue is nan or infinite.
    NonFiniteError
        If a product holds nan or infinity.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), Efficient BackProp, section 1.5.2.

    Examples
    --------
    >>> largest_stable_rate(np.array([4.0, 1.0]))
    0.5
    """
    where = "largest_stable_rate"
    if isinstance(operator, list | tuple):
        operator = as_array(operator, None, f"{where}: the operator")
    if getattr(operator, "ndim", 2) == 1:
        values = as_array(operator, np.dtype(np.float64), f"{where}: eigenvalues")
        if not values.size:
            message = f"{where}: eigenvalues have shape (0,), expected (k,) with at least one."
            raise ShapeError(message)
        if not np.isfinite(values).all():
            message = f"{where}: eigenvalues are {values!r:.80}, expected finite numbers."
            raise ArgumentError(message)
        largest, most = float(values.max()), float(np.abs(values).max())
    else:
        top, most = spectrum_and_size(operator, 1, rng=rng)
        largest = float(top.eigenvalues[0])
    single = getattr(operator, "dtype", None) == np.float32
    precision = np.finfo(np.float32 if single else np.float64).eps
    rounding = 10 * float(precision) * math.sqrt(operator.shape[0]) * most
    return 2.0 / largest if largest > rounding else math.inf


@dataclass(frozen=True)
class Sharpness:
    """How steeply the loss rises around a point, in three measures.

    Attributes
    ----------
    largest_eigenvalue : float
        λ_max of the Hessian.
    trace : float
        Sum of all eigenvalues, estimated.
    trace_error : float
        Its standard error.
    ball_increase : float
        Largest rise of the loss found within the distance ρ.
    rho : float
        ρ.
    """

    largest_eigenvalue: float
    trace: float
    trace_error: float
    ball_increase: float
    rho: float


def sharpness(
    model: Layer,
    X: ArrayLike,
    y: ArrayLike,
    loss: Loss,
    *,
    rho: float = 0.05,
    n_steps: int = 5,
    n_probes: int = 100,
    rng: Seed = None,
) -> Sharpness:
    """Measure how sharp the loss is at the present parameters.

        λ_max,   tr H,   max_{‖ε‖ ≤ ρ} L(θ + ε) − L(θ)

    The last one starts at ε = ρ g/‖g‖ and at ±ρ times the top eigenvector, climbs on the sphere
    by ε ← ρ g(θ + ε)/‖g(θ + ε)‖, and keeps the highest loss it meets: a lower bound of the maximum.

    All three depend on the scale of the parameters and not only on the function. Between two
    layers with ReLU, W₁ may be doubled and W₂ halved: every output stays, and so does every
    prediction on new data, but the sharpness changes. Compare models only at like scales. With a
    pruning mask all three are about the parameters that may still move.

    Parameters
    ----------
    model : Sequential or Layer
        Evaluated as it stands, and left as it was.
    X, y : ndarray
        Rows and targets.
    loss : Loss
        For example ``CrossEntropy()``.
    rho : float, default 0.05
        ρ, in units of the parameters.
    n_steps : int, default 5
        Steps of the climb from each start; 0 is SAM's single step.
    n_probes : int, default 100
        Products for the trace.
    rng : Generator, int or None
        Draws the start of Lanczos and the probes.

    Returns
    -------
    measures : Sharpness
        The three.

    Raises
    ------
    ArgumentError
        If a number is outside what it may be.
    DtypeError
        If model or loss are something else.
    ShapeError
        If rows and targets do not fit the model or each other.

    References
    ----------
    Hochreiter & Schmidhuber (1997), Flat minima, Neural Computation 9, 1-42.
    Dinh, Pascanu, Bengio & Bengio (2017), Sharp minima can generalize for deep nets, ICML.
    Foret, Kleiner, Mobahi & Neyshabur (2021), Sharpness-aware minimization, ICLR.

    Examples
    --------
    L = w², so λ = 2, and at w = 0 the loss rises by ρ²:

    >>> from nnlib import Linear, MSE
    >>> model = Linear(1, 1, bias=False, dtype=np.float64)
    >>> model.W = 0.0
    >>> found = sharpness(model, [[1.0]], [[0.0]], MSE(), rho=0.5, rng=0)
    >>> round(found.largest_eigenvalue, 6), round(found.trace, 6), round(found.ball_increase, 6)
    (2.0, 2.0, 0.25)
    """
    radius = check_number(rho, "rho", "sharpness", positive=True)
    climbs = check_count(n_steps, "n_steps", "sharpness", 0)
    probes = check_count(n_probes, "n_probes", "sharpness", 2)
    generator = as_generator(rng, "sharpness")
    hessian = Hessian(model, X, y, loss)
    top = spectrum(hessian, 1, rng=generator)
    spread = trace(hessian, n_probes=probes, rng=generator)
    surface = _Surface(model, hessian._X, hessian._y, loss)
    value, gradient = surface.at(np.zeros(surface.theta.size))
    direction = top.eigenvectors[:, 0]
    highest = value
    for start in (gradient, direction, -direction):
        toward = start
        for _ in range(climbs + 1):
            length = float(np.linalg.norm(toward))
            if not length:
                break
            level, toward = surface.at(toward * (radius / length))
            highest = max(highest, level)
    return Sharpness(
        float(top.eigenvalues[0]), spread.value, spread.standard_error, highest - value, radius
    )


class _Surface:
    """Loss and gradient around the present parameters, of one function: masks are held still.

    What the model's pruning mask holds at zero does not move.
    """

    def __init__(self, model: Layer, X: Array, y: np.ndarray[Any, Any], loss: Loss) -> None:
        self.model, self.loss = private_copy(model), own_copy(loss)
        self.X, self.y, self.theta, self.mask = X, y, model.theta.copy(), model.mask

    def at(self, step: Array) -> tuple[float, Array]:
        """Return loss and gradient a step away, the gradient in float64."""
        self.model.theta = self.theta + step.astype(self.theta.dtype)
        value = self.loss.forward(self.model.forward(self.X), self.y)
        self.model.backward(self.loss.backward(), need_dx=False)
        gradient = self.model.grad.astype(np.float64)
        return value, gradient if self.mask is None else gradient * self.mask
