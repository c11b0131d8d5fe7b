"""Sixty units under dropout: masks one by one, and what they come to on average."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets._random import Floats, normals, uniforms

UNITS, MOST = 60, 500
"""Units of the layer, and masks that can be drawn."""

MODES, SCALINGS = ("train", "eval"), ("inverted", "none")


def inputs() -> Floats:
    """Return the 60 values that enter dropout, outputs of ReLU units: half normal."""
    return np.abs(normals(0, UNITS))


def masks(rate: float, draws: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which units the first masks keep: those whose uniform number is not below the rate.

    Parameters
    ----------
    rate : float
        p, the probability with which a unit is dropped; from 0 to below 1.
    draws : int
        How many masks, at most 500.

    Returns
    -------
    kept : ndarray of shape (draws, 60), bool
        True is kept.
    """
    return uniforms(7, draws * UNITS).reshape(draws, UNITS) >= rate


def drop(rate: float = 0.2, draws: int = 1, scaling: str = "inverted") -> dict[str, Any]:
    """Send the 60 values through the first masks.

        training: y = x m / (1 − p)        evaluation: y = x

    Parameters
    ----------
    rate : float, default 0.2
        p.
    draws : int, default 1
        How many masks.
    scaling : str, default "inverted"
        ``"inverted"`` divides by 1 − p; ``"none"`` forgets it.

    Returns
    -------
    dict
        ``kept`` and ``y`` of the last mask, of shape (60,); over all masks ``dropped``, the
        number of dropped units, and ``outputs``, the mean of the 60 outputs; ``evaluation``, the
        mean of the 60 outputs in evaluation; and ``deviation``, by how much ``outputs`` scatter
        in theory.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), JMLR 15, 1929-1958.

    Examples
    --------
    >>> found = drop(rate=0.2, draws=500)
    >>> int(found["dropped"].min()), int(found["dropped"].max())
    (3, 22)
    """
    x, kept = inputs(), masks(rate, draws)
    factor = 1 / (1 - rate) if scaling == "inverted" else 1.0
    y = x * kept * factor
    deviation = factor * math.sqrt(rate * (1 - rate) * float(x @ x)) / UNITS
    return {
        "kept": kept[-1],
        "y": y[-1],
        "dropped": UNITS - kept.sum(axis=1),
        "outputs": y.mean(axis=1),
        "evaluation": float(x.mean()),
        "deviation": deviation,
    }


def chance(rate: float, count: int) -> float:
    """Return the probability that exactly so many of 60 units are dropped.

        P(k) = C(60, k) pᵏ (1 − p)⁶⁰⁻ᵏ

    Parameters
    ----------
    rate : float
        p.
    count : int
        k, from 0 to 60.

    Returns
    -------
    float
        A binomial probability.

    Examples
    --------
    >>> round(chance(0.2, 12), 3)
    0.128
    """
    return math.comb(UNITS, count) * rate**count * (1 - rate) ** (UNITS - count)


class DropoutMasks(Figure):
    """Draw dropout masks for 60 units, and see what the units put out on average.

    Parameters
    ----------
    rate : float, default 0.2
        p, from 0 to 0.9.
    draws : int, default 1
        How many masks have been drawn, from 1 to 500; the last one is shown.
    mode : str, default "train"
        ``"train"`` or ``"eval"``.
    scaling : str, default "inverted"
        ``"inverted"`` or ``"none"``.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    rate, draws, mode, scaling
        What the controls hold; set them here and the picture follows.
    dropped : int
        Units dropped by the last mask; 0 in evaluation.
    mean_output : float
        The mean of the 60 outputs, averaged over all masks drawn.

    Raises
    ------
    ValueError
        If a name is none of those above, or a number is out of range.
    """

    title = "How many units does dropout drop, and what is left on average?"
    purpose = "Draw masks for a layer of 60 units, and compare training with evaluation."
    height = 900

    rate: float = synced(0.2)
    draws: int = synced(1)
    mode: str = synced("train")
    scaling: str = synced("inverted")
    dropped: int = synced(0)
    mean_output: float = synced(0.0)

    def __init__(
        self,
        *,
        rate: float = 0.2,
        draws: int = 1,
        mode: str = "train",
        scaling: str = "inverted",
        key: str = "",
    ) -> None:
        for name, value, names in (("mode", mode, MODES), ("scaling", scaling, SCALINGS)):
            if value not in names:
                message = f"DropoutMasks: {name} is {value!r}, expected one of {names}."
                raise ValueError(message)
        if not (0 <= rate <= 0.9 and 1 <= draws <= MOST):
            message = (
                f"DropoutMasks: rate is {rate!r} and draws is {draws!r}, expected a number from 0 "
                f"to 0.9 and a whole number from 1 to {MOST}."
            )
            raise ValueError(message)
        super().__init__(key=key, rate=float(rate), draws=int(draws), mode=mode, scaling=scaling)
        self._refresh()
        self._follow(("rate", "draws", "mode", "scaling"), self._refresh)

    def _refresh(self) -> None:
        """Keep the results true where Python sets a control and no browser is open."""
        found = drop(self.rate, self.draws, self.scaling)
        training = self.mode == "train"
        self.dropped = int(found["dropped"][-1]) if training else 0
        self.mean_output = float(found["outputs"].mean()) if training else found["evaluation"]

    def summary(self) -> str:
        """Return the state in one sentence."""
        mode = "training" if self.mode == "train" else "evaluation"
        return (
            f"at rate {self.rate:g}, in {mode} mode, {self.dropped} of 60 units are dropped; over "
            f"{self.draws} masks the mean output is {self.mean_output:.3f}."
        )
