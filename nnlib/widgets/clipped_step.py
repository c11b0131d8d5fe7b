"""One gradient of three tensors, clipped in three ways: what becomes of length and direction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets._random import Floats

PATTERNS = (
    np.array([0.8, -0.4, 0.4, 0.2]),
    np.array([2 / 3, 2 / 3, -1 / 3]),
    np.array([0.6, -0.8]),
)
"""The gradients of W₁, W₂ and b at length 1."""

METHODS = ("norm", "tensor", "value")
LENGTHS = (8.0, 1.0, 0.5)
SHORTEST, LONGEST = 0.25, 10.0


class Clipped(NamedTuple):
    """A clipped gradient."""

    entries: Floats
    """All nine numbers, W₁ first."""
    lengths: list[float]
    """Length of each tensor."""
    length: float
    """Length of the whole."""
    angle: float
    """Degrees between it and the unclipped gradient."""


def clip(lengths: Sequence[float] = LENGTHS, limit: float = 1.0, method: str = "norm") -> Clipped:
    """Clip a gradient whose three tensors have given lengths.

        norm: g ← g min(1, c / ‖g‖)        tensor: the same for each tensor by itself
        value: each entry cut to −c ... c

    Parameters
    ----------
    lengths : sequence of 3 floats
        ‖∂L/∂W₁‖, ‖∂L/∂W₂‖ and ‖∂L/∂b‖, above 0.
    limit : float, default 1
        c, above 0; infinity leaves the gradient as it is.
    method : str, default "norm"
        ``"norm"``, ``"tensor"`` or ``"value"``.

    Returns
    -------
    Clipped
        The gradient after it.

    References
    ----------
    Pascanu, Mikolov & Bengio (2013), ICML, arXiv 1211.5063.

    Examples
    --------
    >>> clip((3.0, 4.0, 12.0), limit=1.3).lengths  # ‖g‖ is 13
    [0.3, 0.4, 1.2]
    >>> clip((3.0, 4.0, 0.5), limit=1.0, method="tensor").lengths
    [1.0, 1.0, 0.5]
    """
    tensors = [size * pattern for size, pattern in zip(lengths, PATTERNS, strict=True)]
    before = np.concatenate(tensors)
    if method == "norm":
        after = [t * min(1.0, limit / float(np.linalg.norm(before))) for t in tensors]
    elif method == "tensor":
        after = [t * min(1.0, limit / float(np.linalg.norm(t))) for t in tensors]
    else:
        after = [np.clip(t, -limit, limit) for t in tensors]
    entries = np.concatenate(after)
    length = float(np.linalg.norm(entries))
    cosine = float(before @ entries) / (float(np.linalg.norm(before)) * length)
    angle = math.degrees(math.acos(min(1.0, cosine)))
    return Clipped(entries, [round(float(np.linalg.norm(t)), 12) for t in after], length, angle)


class ClippedStep(Figure):
    """Compare clipping by the global norm, by each tensor's norm and by value.

    Parameters
    ----------
    lengths : sequence of 3 floats, default (8, 1, 0.5)
        Lengths of the gradients of W₁, W₂ and b, from 0.25 to 10.
    limit : float, default 1
        c, from 0.25 to 10.
    method : str, default "norm"
        ``"norm"``, ``"tensor"`` or ``"value"``.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    lengths, limit, method
        What the controls hold; set them here and the picture follows.
    angle, length : float
        Degrees between the clipped and the unclipped gradient, and the length of the clipped one.

    Raises
    ------
    ValueError
        If the method is none of those above, or a number is out of range.
    """

    title = "What does clipping do to the direction of a step?"
    purpose = (
        "Clip one gradient of three tensors in three ways, and compare lengths and directions."
    )
    height = 840

    lengths: list[float] = synced([*LENGTHS])
    limit: float = synced(1.0)
    method: str = synced("norm")
    angle: float = synced(0.0)
    length: float = synced(0.0)

    def __init__(
        self,
        *,
        lengths: Sequence[float] = LENGTHS,
        limit: float = 1.0,
        method: str = "norm",
        key: str = "",
    ) -> None:
        if method not in METHODS:
            message = f"ClippedStep: method is {method!r}, expected one of {METHODS}."
            raise ValueError(message)
        given = [float(value) for value in lengths]
        if len(given) != 3 or not all(SHORTEST <= v <= LONGEST for v in [*given, limit]):
            message = (
                f"ClippedStep: lengths are {lengths!r} and limit is {limit!r}, expected three "
                f"numbers and one, each from {SHORTEST:g} to {LONGEST:g}."
            )
            raise ValueError(message)
        super().__init__(key=key, lengths=given, limit=float(limit), method=method)
        self._refresh()
        self._follow(("lengths", "limit", "method"), self._refresh)

    def _refresh(self) -> None:
        """Keep the results true where Python sets a control and no browser is open."""
        found = clip(self.lengths, self.limit, self.method)
        self.angle, self.length = found.angle, found.length

    def summary(self) -> str:
        """Return the state in one sentence."""
        names = {"norm": "the global norm", "tensor": "each tensor's norm", "value": "value"}
        return (
            f"clipped by {names[self.method]} at {self.limit:g}, the gradient has length "
            f"{self.length:.2f} and has turned by {self.angle:.1f} degrees."
        )
