"""Where a penalty puts the optimum of a quadratic loss of two weights, and how steps get there.

The loss is that of a linear model with two standardized inputs whose correlation is ρ: around its
minimum ŵ the mean squared error of such a model is

    L(w) = (w − ŵ)ᵀ S (w − ŵ) + constant        S = [[1, ρ], [ρ, 1]]

To it comes R(w) = λ (α Σ|w| + (1 − α) Σw²), with α = 1 for L1, 0 for L2 and ½ for the elastic net.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlib.regularizers import soft_threshold
from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets._random import Floats

SHARES = {"L2": 0.0, "elastic": 0.5, "L1": 1.0}
"""α, the share of Σ|w| in each penalty."""

RATE = 0.1
"""Learning rate of the two step recipes."""

STEPS = 60
"""How many steps they take."""

VIEWS = ("path", "subgradient", "proximal")
"""What the second picture shows: the optimum over λ, or 60 steps of a recipe."""


def second_moments(correlation: float) -> Floats:
    """Return S = [[1, ρ], [ρ, 1]]; its eigenvalues are 1 + ρ and 1 − ρ."""
    return np.array([[1.0, correlation], [correlation, 1.0]])


def loss(w: ArrayLike, optimum: ArrayLike, correlation: float) -> float:
    """Return L(w) = (w − ŵ)ᵀ S (w − ŵ), 0 at the optimum.

    Parameters
    ----------
    w, optimum : array_like of shape (2,)
        Weights, and the weights without a penalty.
    correlation : float
        ρ of the two inputs.

    Returns
    -------
    float
        By how much the mean squared error exceeds its minimum.
    """
    away = np.asarray(w, dtype=float) - np.asarray(optimum, dtype=float)
    return float(away @ second_moments(correlation) @ away)


def penalty(kind: str, strength: float, w: ArrayLike) -> float:
    """Return R(w) = λ (α Σ|w| + (1 − α) Σw²).

    Parameters
    ----------
    kind : str
        A name of ``SHARES``.
    strength : float
        λ.
    w : array_like of shape (2,)
        Weights.

    Returns
    -------
    float
        The penalty, in units of the loss.

    Examples
    --------
    >>> [penalty(kind, 0.5, [2.0, -1.0]) for kind in ("L2", "elastic", "L1")]
    [2.5, 2.0, 1.5]
    """
    share, sizes = SHARES[kind], np.abs(np.asarray(w, dtype=float))
    return float(strength * (share * sizes.sum() + (1 - share) * (sizes**2).sum()))


def solution(
    kind: str, strength: float, optimum: Sequence[float], correlation: float
) -> list[float]:
    """Return the weights at which L + R is least.

    Where both weights keep a sign s_j (−1, 0 or 1, and 0 means a weight that is exactly 0), L + R
    is a parabola whose minimum solves

        (2 S + 2 λ (1 − α) I) w = 2 S ŵ − λ α s        for the weights with s_j ≠ 0

    Of the nine patterns those whose answer has the signs it was made for stay, and the least wins.

    Parameters
    ----------
    kind : str
        A name of ``SHARES``.
    strength : float
        λ.
    optimum : sequence of float
        ŵ, two numbers.
    correlation : float
        ρ, between −1 and 1.

    Returns
    -------
    list of float
        w₁ and w₂; a weight that the penalty removes is exactly 0.

    Examples
    --------
    Without correlation L1 moves each weight by λ/2 and stops at 0, L2 divides it by 1 + λ:

    >>> solution("L1", 1.0, [1.5, -0.25], 0.0), solution("L2", 1.0, [1.5, -0.25], 0.0)
    ([1.0, 0.0], [0.75, -0.125])
    """
    share, S = SHARES[kind], second_moments(correlation)
    pull = 2 * S @ np.asarray(optimum, dtype=float)
    H = 2 * S + 2 * strength * (1 - share) * np.eye(2)
    best, least = [0.0, 0.0], np.inf
    for signs in product((0.0, 1.0, -1.0), repeat=2):
        s = np.array(signs)
        kept = s != 0
        w = np.zeros(2)
        if kept.any():
            w[kept] = np.linalg.solve(H[np.ix_(kept, kept)], (pull - strength * share * s)[kept])
        if (np.sign(w) != s).any():
            continue
        total = loss(w, optimum, correlation) + penalty(kind, strength, w)
        if total < least:
            best, least = [float(v) for v in w], total
    return best


def descend(
    kind: str,
    strength: float,
    optimum: Sequence[float],
    correlation: float,
    *,
    proximal: bool,
    steps: int = STEPS,
) -> Floats:
    """Walk from ŵ toward the penalized optimum by gradient steps with rate η = ``RATE``.

        sub-gradient:  w ← w − η (2 S (w − ŵ) + 2 λ(1 − α) w + λα sign(w))
        proximal:      w ← soft(w − η (2 S (w − ŵ) + 2 λ(1 − α) w), η λα)

    with soft(w, c) = sign(w) max(|w| − c, 0).

    Parameters
    ----------
    kind : str
        A name of ``SHARES``.
    strength : float
        λ.
    optimum : sequence of float
        ŵ, where the walk starts.
    correlation : float
        ρ.
    proximal : bool
        Whether Σ|w| acts by soft thresholding after the step or by its gradient.
    steps : int, default 60
        How many.

    Returns
    -------
    ndarray of shape (steps + 1, 2)
        The weights, the start first.
    """
    share, S, start = SHARES[kind], second_moments(correlation), np.asarray(optimum, dtype=float)
    l1, l2 = strength * share, strength * (1 - share)
    w, walk = start.copy(), [start.copy()]
    for _ in range(steps):
        grad = 2 * S @ (w - start) + 2 * l2 * w
        if proximal:
            w = soft_threshold(w - RATE * grad, RATE * l1)
        else:
            w = w - RATE * (grad + l1 * np.sign(w))
        walk.append(w)
    return np.array(walk)


class PenaltyContours(Figure):
    """See where L1, L2 and the elastic net put the optimum of a loss of two weights.

    Parameters
    ----------
    kind : str, default "L1"
        ``"L2"``, ``"elastic"`` or ``"L1"``.
    strength : float, default 0.6
        λ, 0 to 4.
    optimum : sequence of float, default (1.4, 0.5)
        ŵ, the weights without a penalty, each from −1.5 to 1.5.
    correlation : float, default 0.0
        ρ of the two inputs, −0.9 to 0.9.
    view : str, default "path"
        The second picture: ``"path"`` (the optimum over λ), ``"subgradient"`` or ``"proximal"``
        (60 steps of that recipe).
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    kind, strength, optimum, correlation, view
        What the controls hold; set them here and the picture follows.
    weights : list of float
        The penalized optimum.

    Raises
    ------
    ValueError
        If a name is none of those above or a number is outside its range.

    References
    ----------
    Tibshirani (1996), Journal of the Royal Statistical Society B 58, 267-288.
    Zou & Hastie (2005), Journal of the Royal Statistical Society B 67, 301-320.
    """

    title = "Which penalty makes a weight exactly zero?"
    purpose = "See where L1, L2 and the elastic net put the optimum of a loss of two weights."
    height = 900

    kind: str = synced("L1")
    strength: float = synced(0.6)
    optimum: list[float] = synced([1.4, 0.5])
    correlation: float = synced(0.0)
    view: str = synced("path")
    weights: list[float] = synced([0.0, 0.0])

    def __init__(
        self,
        *,
        kind: str = "L1",
        strength: float = 0.6,
        optimum: Sequence[float] = (1.4, 0.5),
        correlation: float = 0.0,
        view: str = "path",
        key: str = "",
    ) -> None:
        for name, word, allowed in (("kind", kind, tuple(SHARES)), ("view", view, VIEWS)):
            if word not in allowed:
                message = f"PenaltyContours: {name} is {word!r}, expected one of {allowed}."
                raise ValueError(message)
        ranges: tuple[tuple[str, float, float, float], ...] = (
            ("strength", strength, 0, 4),
            ("correlation", correlation, -0.9, 0.9),
            *((f"optimum[{i}]", value, -1.5, 1.5) for i, value in enumerate(optimum)),
        )
        for name, value, low, high in ranges:
            if not low <= value <= high:
                message = f"PenaltyContours: {name} is {value!r}, expected {low:g} to {high:g}."
                raise ValueError(message)
        if len(optimum) != 2:
            message = f"PenaltyContours: optimum has {len(optimum)} numbers, expected 2."
            raise ValueError(message)
        state: dict[str, Any] = {"kind": kind, "strength": float(strength), "view": view}
        state |= {"optimum": [float(v) for v in optimum], "correlation": float(correlation)}
        super().__init__(key=key, **state)
        self._refresh()
        self._follow(("kind", "strength", "optimum", "correlation"), self._refresh)

    def _refresh(self) -> None:
        """Keep ``weights`` true where Python sets a control and no browser is open."""
        self.weights = solution(self.kind, self.strength, self.optimum, self.correlation)

    def summary(self) -> str:
        """Return the state in one sentence."""
        w1, w2 = self.weights
        name = "the elastic net" if self.kind == "elastic" else self.kind
        return (
            f"{name} of strength {self.strength:g} moves the optimum from "
            f"({self.optimum[0]:g}, {self.optimum[1]:g}) to ({w1:.3g}, {w2:.3g})."
        )
