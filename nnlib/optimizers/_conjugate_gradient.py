"""Conjugate gradients: solve A x = b with products only, and notice where A curves downward."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnlib._array import Array


@dataclass(frozen=True)
class Solution:
    """Where conjugate gradients ended: x, b − A x, products used, and whether A curved down."""

    x: Array
    residual: Array
    n_products: int
    negative_curvature: bool


def conjugate_gradient(
    product: Callable[[Array], Array], b: Array, *, tolerance: float, max_steps: int
) -> Solution:
    """Solve A x = b for symmetric A, until ‖b − A x‖ ≤ tolerance ‖b‖."""
    # A direction d with dᵀ A d ≤ 0 ends the work: x so far is returned, or b itself if it is the
    # first. Either way bᵀ x > 0, so x leads down if b is the negative gradient. Nocedal & Wright
    # (2006), algorithm 7.1; Hestenes & Stiefel (1952).
    # Entries of about 1 keep squares of float32 from overflow and from vanishing.
    unit = float(np.abs(b).max())
    if not unit:
        return Solution(np.zeros_like(b), b.copy(), 0, negative_curvature=False)
    x, residual = np.zeros_like(b), b / b.dtype.type(unit)
    direction, first = residual.copy(), residual.copy()
    square = float(np.vdot(residual, residual))
    target = tolerance * math.sqrt(square)
    for n in range(max_steps):
        if math.sqrt(square) <= target:
            return Solution(unit * x, unit * residual, n, negative_curvature=False)
        Ad = product(direction)
        curvature = float(np.vdot(direction, Ad))
        if not curvature > 0.0:
            x = first if n == 0 else x
            return Solution(unit * x, unit * residual, n + 1, negative_curvature=True)
        length = square / curvature
        x += length * direction
        residual -= length * Ad
        before, square = square, float(np.vdot(residual, residual))
        direction *= square / before
        direction += residual
    return Solution(unit * x, unit * residual, max_steps, negative_curvature=False)
