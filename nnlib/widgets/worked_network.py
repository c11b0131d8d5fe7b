"""The worked 2-2-1 sigmoid network with a slider for every number, and its formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlib.widgets._base import synced
from nnlib.widgets._figure import Figure

WEIGHT_NAMES = ("w13", "w23", "w14", "w24", "w35", "w45")
"""The order of weights everywhere: into unit 3, into unit 4, into unit 5."""

WEIGHTS = (0.1, 0.8, 0.4, 0.6, 0.3, 0.9)
INPUTS = (0.35, 0.9)
TARGET = 0.5


def compute(
    weights: Sequence[float] = WEIGHTS,
    inputs: Sequence[float] = INPUTS,
    target: float = TARGET,
    lr: float = 1.0,
) -> dict[str, Any]:
    """Run one epoch of the worked network: forward, backward, update.

    Units 3 and 4 read the inputs, unit 5 reads units 3 and 4; all are sigmoids without bias.

        a = Σ w·input      y = σ(a)      L = ½ (t − y5)²
        δ5 = y5 (1 − y5) (t − y5)        δ3 = y3 (1 − y3) w35 δ5        Δw = lr · δ · input

    δ points down the loss, the opposite of a gradient: ∂L/∂w = −δ · input.

    Parameters
    ----------
    weights : sequence of 6 floats
        In the order of ``WEIGHT_NAMES``.
    inputs : sequence of 2 floats
        x1 and x2.
    target : float
        What y5 should be.
    lr : float
        The learning rate.

    Returns
    -------
    dict
        ``a``, ``y`` and ``delta`` by unit (3, 4, 5) in lists, ``error``, ``loss``, and by weight
        ``gradients``, ``steps`` (Δw) and ``new_weights``.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), Nature 323, 533-536.

    Examples
    --------
    >>> result = compute()
    >>> [round(value, 4) for value in result["y"]]
    [0.6803, 0.6637, 0.6903]
    >>> round(result["delta"][2], 4)
    -0.0407
    """
    w13, w23, w14, w24, w35, w45 = (float(w) for w in weights)
    x1, x2 = (float(x) for x in inputs)
    a3, a4 = w13 * x1 + w23 * x2, w14 * x1 + w24 * x2
    y3, y4 = _sigmoid(a3), _sigmoid(a4)
    a5 = w35 * y3 + w45 * y4
    y5 = _sigmoid(a5)
    error = target - y5
    delta5 = y5 * (1 - y5) * error
    delta3, delta4 = y3 * (1 - y3) * w35 * delta5, y4 * (1 - y4) * w45 * delta5
    downhill = [delta3 * x1, delta3 * x2, delta4 * x1, delta4 * x2, delta5 * y3, delta5 * y4]
    return {
        "a": [a3, a4, a5],
        "y": [y3, y4, y5],
        "error": error,
        "loss": 0.5 * error * error,
        "delta": [delta3, delta4, delta5],
        "gradients": [-step for step in downhill],
        "steps": [lr * step for step in downhill],
        "new_weights": [w + lr * d for w, d in zip(weights, downhill, strict=True)],
    }


def _sigmoid(a: float) -> float:
    # The sign decides the form, so that exp never overflows.
    return float(1 / (1 + np.exp(-a)) if a >= 0 else np.exp(a) / (1 + np.exp(a)))


class WorkedNetwork(Figure):
    """Step one training example through the worked 2-2-1 network, every number live.

    Parameters
    ----------
    weights : sequence of 6 floats, optional
        w13, w23, w14, w24, w35, w45; the slides' example by default.
    inputs : sequence of 2 floats, optional
        x1 and x2.
    target : float, default 0.5
        The target of y5.
    lr : float, default 1.0
        The learning rate.
    key : str, optional
        Names the prediction where a notebook has two of these figures.

    Attributes
    ----------
    weights, inputs, target, lr, epoch
        What the controls hold; set them here and the picture follows. ``weights`` are those the
        epoch started from: "Next epoch" puts the updated ones in their place.
    loss : float
        L = ½ (t − y5)² for those weights.
    stage : int
        The steps of this epoch that have run: 0 none, 1 forward, 2 backward, 3 update.

    Raises
    ------
    ValueError
        If there are not 6 weights and 2 inputs.
    """

    title = "The worked network, one step at a time"
    purpose = "See how every number of one training step is made from its neighbors."
    height = 900

    weights: list[float] = synced(list(WEIGHTS))
    inputs: list[float] = synced(list(INPUTS))
    target: float = synced(TARGET)
    lr: float = synced(1.0)
    epoch: int = synced(1)
    stage: int = synced(0)
    loss: float = synced(compute()["loss"])

    def __init__(
        self,
        *,
        weights: Sequence[float] = WEIGHTS,
        inputs: Sequence[float] = INPUTS,
        target: float = TARGET,
        lr: float = 1.0,
        key: str = "",
    ) -> None:
        if len(weights) != 6 or len(inputs) != 2:
            message = (
                f"WorkedNetwork: {len(weights)} weights and {len(inputs)} inputs came, expected 6 "
                f"({', '.join(WEIGHT_NAMES)}) and 2 (x1, x2)."
            )
            raise ValueError(message)
        given: dict[str, Any] = {"weights": [float(w) for w in weights], "target": float(target)}
        given |= {"inputs": [float(x) for x in inputs], "lr": float(lr)}
        super().__init__(key=key, **given)
        self._refresh()
        self._follow(("weights", "inputs", "target"), self._refresh)

    def _refresh(self) -> None:
        """Keep ``loss`` true where Python sets a number and no browser is open."""
        self.loss = compute(self.weights, self.inputs, self.target, self.lr)["loss"]

    def summary(self) -> str:
        """Return the state in one sentence."""
        y5 = compute(self.weights, self.inputs, self.target, self.lr)["y"][2]
        numbers = f"output {y5:.4f}, target {self.target:g}, loss {self.loss:.4f}"
        return f"a 2-2-1 sigmoid network with {numbers}."
