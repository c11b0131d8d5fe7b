"""One unit under batch normalization: its values before and after, in training and evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure
from nnlib.widgets._random import Floats, normals

STEPS, JUMP, COMPANIES = 80, 20, 40
"""Training steps; the last one before the values move; batches that one row is tried in."""

LARGEST, MOMENTUM, EPS = 256, 0.1, 1e-5
BATCH_SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
MODES = ("train", "eval")


def batch(step: int, batch_size: int, center: float, spread: float) -> Floats:
    """Return the unit's values z in the batch of one training step.

    Up to step 20 they come from a normal distribution of mean 0 and standard deviation 1. Then the
    layers below have moved, and it has the mean ``center`` and the deviation ``spread``.

    Parameters
    ----------
    step : int
        From 1 to 80.
    batch_size : int
        N, at most 256.
    center, spread : float
        Mean and standard deviation after the move.

    Returns
    -------
    z : ndarray of shape (N,)
        The batch.
    """
    drawn = normals(step, batch_size)
    return center + spread * drawn if step > JUMP else drawn


def running(batch_size: int, center: float, spread: float) -> tuple[Floats, Floats]:
    """Return the running mean and variance after each step, with their starting values 0 and 1.

        running ← running + 0.1 (batch − running),        the variance of the batch over N − 1

    Parameters
    ----------
    batch_size : int
        N.
    center, spread : float
        As in ``batch``.

    Returns
    -------
    means, variances : ndarray of shape (81,)
        Entry t is what stands after step t.

    References
    ----------
    Ioffe & Szegedy (2015), ICML, 448-456.
    """
    means, variances = np.zeros(STEPS + 1), np.ones(STEPS + 1)
    for t in range(1, STEPS + 1):
        z = batch(t, batch_size, center, spread)
        means[t] = means[t - 1] + MOMENTUM * (z.mean() - means[t - 1])
        variances[t] = variances[t - 1] + MOMENTUM * (z.var(ddof=1) - variances[t - 1])
    return means, variances


def lens(
    step: int = 21,
    batch_size: int = 32,
    center: float = 3.0,
    spread: float = 2.0,
    gamma: float = 1.0,
    beta: float = 0.0,
) -> dict[str, Any]:
    """Normalize the batch of one step in both modes.

        train: y = γ (z − mean z) / √(var z + ε) + β        eval: the running mean and variance

    Parameters
    ----------
    step : int
        From 1 to 80; the running statistics have seen the batches up to this one.
    batch_size : int
        N, a power of two from 2 to 256.
    center, spread : float
        Mean and standard deviation of z from step 21 on.
    gamma, beta : float
        Scale and shift.

    Returns
    -------
    dict
        ``z``, and by mode ``mean`` and ``std`` that are subtracted and divided by, and ``y``;
        ``company``, the outputs in training of one and the same row, one deviation above the
        mean of z, in 40 batches that differ in the other rows, and ``alone``, its output in
        evaluation.

    Examples
    --------
    Two rows of any value leave as −γ and γ, but for ε:

    >>> y = lens(batch_size=2)["y"]["train"]
    >>> sorted(round(float(value), 3) for value in y)
    [-1.0, 1.0]
    """
    z = batch(step, batch_size, center, spread)
    means, variances = running(batch_size, center, spread)
    mean = {"train": float(z.mean()), "eval": float(means[step])}
    std = {
        "train": float(np.sqrt(z.var() + EPS)),
        "eval": float(np.sqrt(variances[step] + EPS)),
    }
    y = {mode: gamma * (z - mean[mode]) / std[mode] + beta for mode in MODES}
    middle, width = (center, spread) if step > JUMP else (0.0, 1.0)
    row = middle + width
    others = middle + width * normals(0, COMPANIES * (LARGEST - 1)).reshape(COMPANIES, -1)
    rows = np.hstack([np.full((COMPANIES, 1), row), others[:, : batch_size - 1]])
    company = gamma * (row - rows.mean(axis=1)) / np.sqrt(rows.var(axis=1) + EPS) + beta
    alone = gamma * (row - mean["eval"]) / std["eval"] + beta
    return {"z": z, "mean": mean, "std": std, "y": y, "company": company, "alone": alone}


class BatchNormLens(Figure):
    """See what batch normalization does to one unit, and which mean and variance it uses.

    Parameters
    ----------
    step : int, default 21
        Training step, from 1 to 80; after step 20 the values of the unit move.
    batch_size : int, default 32
        2, 4, 8, 16, 32, 64, 128 or 256.
    center, spread : float, default 3 and 2
        Mean and standard deviation of the values after the move.
    gamma, beta : float, default 1 and 0
        Scale and shift.
    mode : str, default "train"
        ``"train"`` or ``"eval"``.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    step, batch_size, center, spread, gamma, beta, mode
        What the controls hold; set them here and the picture follows.
    output_mean, output_std : float
        Mean and standard deviation of the outputs in this mode.

    Raises
    ------
    ValueError
        If the mode or the batch size is none of those above, or the step is outside 1 to 80.
    """

    title = "Whose mean and variance does batch normalization use?"
    purpose = "Compare one unit before and after batch norm, in training and in evaluation."
    height = 980

    step: int = synced(21)
    batch_size: int = synced(32)
    center: float = synced(3.0)
    spread: float = synced(2.0)
    gamma: float = synced(1.0)
    beta: float = synced(0.0)
    mode: str = synced("train")
    output_mean: float = synced(0.0)
    output_std: float = synced(0.0)

    def __init__(
        self,
        *,
        step: int = 21,
        batch_size: int = 32,
        center: float = 3.0,
        spread: float = 2.0,
        gamma: float = 1.0,
        beta: float = 0.0,
        mode: str = "train",
        key: str = "",
    ) -> None:
        if mode not in MODES:
            message = f"BatchNormLens: mode is {mode!r}, expected one of {MODES}."
            raise ValueError(message)
        if batch_size not in BATCH_SIZES:
            message = f"BatchNormLens: batch_size is {batch_size!r}, expected one of {BATCH_SIZES}."
            raise ValueError(message)
        if not 1 <= step <= STEPS:
            message = f"BatchNormLens: step is {step!r}, expected a whole number from 1 to {STEPS}."
            raise ValueError(message)
        super().__init__(
            key=key, mode=mode, step=int(step), batch_size=int(batch_size), center=float(center),
            spread=float(spread), gamma=float(gamma), beta=float(beta),
        )  # fmt: skip
        self._refresh()
        controls = ("step", "batch_size", "center", "spread", "gamma", "beta", "mode")
        self._follow(controls, self._refresh)

    def _refresh(self) -> None:
        """Keep the outputs true where Python sets a control and no browser is open."""
        numbers = (self.step, self.batch_size, self.center, self.spread, self.gamma, self.beta)
        y = lens(*numbers)["y"][self.mode]
        self.output_mean, self.output_std = float(y.mean()), float(y.std())

    def summary(self) -> str:
        """Return the state in one sentence."""
        mode = "training" if self.mode == "train" else "evaluation"
        return (
            f"at step {self.step}, in {mode} mode, {self.batch_size} rows leave with mean "
            f"{self.output_mean:.2f} and standard deviation {self.output_std:.2f}."
        )
