"""Gradient descent on a quadratic bowl, direction by direction, and where its limit lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure

EIGENVALUES = (8.0, 1.0)
ANGLE = 30.0
LR = 0.1
N_STEPS = 12
START = (-1.6, 0.9)
"""θ at which every run begins. It lies along none of the eigenvectors that the slider offers."""


def factors(eigenvalues: Sequence[float], lr: float) -> list[float]:
    """Return what one step of gradient descent multiplies each coordinate with: 1 − ηλ.

    Parameters
    ----------
    eigenvalues : sequence of float
        λ₁ and λ₂.
    lr : float
        η.

    Returns
    -------
    list of float
        One factor for each eigenvector.

    Examples
    --------
    >>> factors([8.0, 1.0], 0.25)
    [-1.0, 0.75]
    """
    return [1 - lr * value for value in eigenvalues]


def descend(
    eigenvalues: Sequence[float],
    angle: float,
    lr: float,
    n_steps: int,
    start: Sequence[float] = START,
) -> dict[str, Any]:
    """Run gradient descent on a quadratic loss in the coordinates of its eigenvectors.

        L = ½ θᵀ H θ = ½ (λ₁ c₁² + λ₂ c₂²)        c_i = v_iᵀ θ        c_i ← (1 − η λ_i) c_i

    v₁ points ``angle`` degrees counterclockwise of the first axis, v₂ stands upright on it.

    Parameters
    ----------
    eigenvalues : sequence of 2 floats
        λ₁ and λ₂.
    angle : float
        In degrees.
    lr : float
        η.
    n_steps : int
        How many steps.
    start : sequence of 2 floats
        θ before the first step.

    Returns
    -------
    dict
        ``points`` (θ), ``coordinates`` (c₁ and c₂) and ``losses``, each of ``n_steps`` + 1 entries.

    Examples
    --------
    >>> run = descend([4.0, 1.0], 0.0, 0.5, 2, start=[1.0, 1.0])
    >>> run["points"]
    [[1.0, 1.0], [-1.0, 0.5], [1.0, 0.25]]
    >>> run["losses"]
    [2.5, 2.125, 2.03125]
    """
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    c = [cosine * start[0] + sine * start[1], cosine * start[1] - sine * start[0]]
    coordinates = [c]
    for _ in range(n_steps):
        c = [f * value for f, value in zip(factors(eigenvalues, lr), c, strict=True)]
        coordinates.append(c)
    return {
        "points": [[cosine * a - sine * b, sine * a + cosine * b] for a, b in coordinates],
        "coordinates": coordinates,
        "losses": [0.5 * (eigenvalues[0] * a * a + eigenvalues[1] * b * b) for a, b in coordinates],
    }


def limit(eigenvalues: Sequence[float]) -> float:
    """Return the learning rate beyond which the steepest direction runs away: 2/λ_max.

    Negative eigenvalues set no limit: along them every positive rate runs away.

    Parameters
    ----------
    eigenvalues : sequence of float
        λ₁ and λ₂.

    Returns
    -------
    float
        Infinite if no eigenvalue is positive.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), Efficient BackProp, section 1.5.2.

    Examples
    --------
    >>> limit([8.0, 1.0]), limit([4.0, -1.0])
    (0.25, 0.5)
    """
    return 2 / max(eigenvalues) if max(eigenvalues) > 0 else math.inf


def best_rate(eigenvalues: Sequence[float]) -> float:
    """Return the rate at which the slower of two directions is fastest: 2/(λ_max + λ_min).

    There both factors have the size (κ − 1)/(κ + 1) with κ = λ_max/λ_min.

    Parameters
    ----------
    eigenvalues : sequence of float
        λ₁ and λ₂.

    Returns
    -------
    float
        NaN unless both are positive.

    Examples
    --------
    >>> best_rate([3.0, 1.0])
    0.5
    """
    low, high = min(eigenvalues), max(eigenvalues)
    return 2 / (low + high) if low > 0 else math.nan


def steps_until(eigenvalues: Sequence[float], lr: float, share: float = 0.01) -> float:
    """Return how many steps bring every coordinate to a share of where it started.

    Parameters
    ----------
    eigenvalues : sequence of float
        λ₁ and λ₂.
    lr : float
        η.
    share : float, default 0.01
        Between 0 and 1.

    Returns
    -------
    float
        A whole number, infinite where one direction does not shrink.

    Examples
    --------
    >>> steps_until([1.0, 1.0], 0.9), steps_until([8.0, 1.0], 0.25)
    (2.0, inf)
    """
    slowest = max(abs(f) for f in factors(eigenvalues, lr))
    if slowest >= 1:
        return math.inf
    if not slowest:
        return 1.0
    # A hair less, so that rounding does not ask for one step more where it is met exactly.
    return float(max(1, math.ceil(math.log(share) / math.log(slowest) - 1e-9)))


class QuadraticBowl(Figure):
    """Find the learning rate at which gradient descent on a bowl stops converging.

    Parameters
    ----------
    eigenvalues : sequence of 2 floats, default (8, 1)
        λ₁ and λ₂, λ₁ the larger: how strongly the loss curves along v₁ and v₂.
    angle : float, default 30
        Degrees from the first axis to v₁.
    lr : float, default 0.1
        The learning rate η.
    n_steps : int, default 12
        How many steps are drawn.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    eigenvalues, angle, lr, n_steps
        What the controls hold; set them here and the picture follows.
    loss : float
        L after the last step drawn.

    Raises
    ------
    ValueError
        If there are not two eigenvalues, the larger first.
    """

    title = "How large may the learning rate be?"
    purpose = "See each direction of a bowl shrink or grow by its own factor 1 − ηλ."
    height = 820

    eigenvalues: list[float] = synced(list(EIGENVALUES))
    angle: float = synced(ANGLE)
    lr: float = synced(LR)
    n_steps: int = synced(N_STEPS)
    loss: float = synced(0.0)

    def __init__(
        self,
        *,
        eigenvalues: Sequence[float] = EIGENVALUES,
        angle: float = ANGLE,
        lr: float = LR,
        n_steps: int = N_STEPS,
        key: str = "",
    ) -> None:
        if len(eigenvalues) != 2 or eigenvalues[0] < eigenvalues[1]:
            message = (
                f"QuadraticBowl: eigenvalues are {list(eigenvalues)}, expected two, λ₁ ≥ λ₂. "
                "Give the larger one first."
            )
            raise ValueError(message)
        given: dict[str, Any] = {"eigenvalues": [float(v) for v in eigenvalues]}
        given |= {"angle": float(angle), "lr": float(lr), "n_steps": int(n_steps)}
        super().__init__(key=key, **given)
        self._refresh()
        self._follow(("eigenvalues", "angle", "lr", "n_steps"), self._refresh)

    def _refresh(self) -> None:
        """Keep ``loss`` true where Python sets a number and no browser is open."""
        self.loss = descend(self.eigenvalues, self.angle, self.lr, self.n_steps)["losses"][-1]

    def summary(self) -> str:
        """Return the state in one sentence."""
        first, second = factors(self.eigenvalues, self.lr)
        return (
            f"a bowl with eigenvalues {self.eigenvalues[0]:g} and {self.eigenvalues[1]:g}; at "
            f"learning rate {self.lr:g} a step multiplies the two directions by {first:.3g} and "
            f"{second:.3g}."
        )
