"""The worked network of unit 01: two inputs, two hidden units, one output, two epochs.

Every number is computed here, none is typed, except what a slide prints where it slips. The deltas
follow the slides: δ = −∂L/∂a for L = ½ (t − y)², so a weight changes by + lr · δ · (its input).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from nnlib._array import Array
from nnlib.datasets._base import DatasetInfo

if TYPE_CHECKING:
    from nnlib.layers import Sequential

WORKED_INFO = DatasetInfo("worked_example", 0, "part of this course", "embedded")

START = {"w13": 0.1, "w23": 0.8, "w14": 0.4, "w24": 0.6, "w35": 0.3, "w45": 0.9}
X1, X2, TARGET, LR = 0.35, 0.9, 0.5, 1.0


@dataclass(frozen=True)
class WorkedEpoch:
    """All numbers of one epoch, in float64.

    Attributes
    ----------
    weights : dict of str to float
        w13, w23, w14, w24, w35, w45 before the update.
    a3, a4, y3, y4, a5, y5 : float
        Forward pass: weighted sums and outputs of units 3, 4 and 5.
    error : float
        target − y5. The slides call it the loss.
    delta5, delta3, delta4 : float
        Backward pass.
    changes : dict of str to float
        lr · δ · input for each weight.
    new_weights : dict of str to float
        After the update.
    """

    weights: dict[str, float]
    a3: float
    a4: float
    y3: float
    y4: float
    a5: float
    y5: float
    error: float
    delta5: float
    delta3: float
    delta4: float
    changes: dict[str, float]
    new_weights: dict[str, float]


@dataclass(frozen=True)
class WorkedEntry:
    """One number of the first epoch, exactly and as the slides compute it.

    Attributes
    ----------
    symbol, formula : str
        What it is, and from what it is computed.
    exact : float
        Without rounding.
    slides : float
        Computed from the slides' own rounded numbers, kept to the slides' decimals.
    decimals : int
        How many decimals that are.
    truncated : bool
        Whether further decimals are cut off there instead of rounded.
    printed : str
        What the slide prints.
    slip : str
        What went wrong on the slide; empty where ``printed`` is right.
    """

    symbol: str
    formula: str
    exact: float
    slides: float
    decimals: int
    truncated: bool
    printed: str
    slip: str


@dataclass(frozen=True, eq=False)  # arrays have no single equality
class WorkedExample:
    """The 2-2-1 sigmoid network of unit 01.

    Attributes
    ----------
    x : ndarray of shape (2,)
        The inputs x1 and x2.
    weights : dict of str to float
        w13, w23, w14, w24, w35, w45 at the start. There are no biases.
    target, lr : float
        What y5 should be; the learning rate, for L = ½ (t − y)².
    epochs : tuple of WorkedEpoch
        Reference numbers of two epochs.
    y5_after : float
        Output after the second update.
    sheet : tuple of WorkedEntry
        The first epoch entry by entry, beside what the slides print.
    remarks : tuple of str
        Slips of the slides that are not a wrong number.
    """

    x: Array
    weights: dict[str, float]
    target: float
    lr: float
    epochs: tuple[WorkedEpoch, ...] = field(repr=False)
    y5_after: float
    sheet: tuple[WorkedEntry, ...] = field(repr=False)
    remarks: tuple[str, ...] = field(repr=False)

    def network(self, dtype: DTypeLike = np.float64) -> Sequential:
        """Build the network with its starting weights.

        One step of ``SGD(lr=0.5)`` under ``MSE`` is one step of the slides: MSE has no ½.

        Parameters
        ----------
        dtype : dtype, default float64
            Type of the parameters.

        Returns
        -------
        model : Sequential
            Linear(2, 2), Sigmoid, Linear(2, 1), Sigmoid, without biases.

        Examples
        --------
        >>> example = load_worked_example()
        >>> example.network().forward([example.x]).round(4)
        array([[0.6903]])
        """
        from nnlib.layers import Linear, Sequential, Sigmoid  # here, because data need no layers

        hidden = Linear(2, 2, bias=False, dtype=dtype)
        output = Linear(2, 1, bias=False, dtype=dtype)
        w = self.weights
        hidden.W = [[w["w13"], w["w14"]], [w["w23"], w["w24"]]]
        output.W = [[w["w35"]], [w["w45"]]]
        return Sequential(hidden, Sigmoid(), output, Sigmoid())


def load_worked_example() -> WorkedExample:
    """Compute the worked example.

    Returns
    -------
    example : WorkedExample
        Inputs, weights, and reference numbers for two epochs.

    Examples
    --------
    >>> first, second = load_worked_example().epochs
    >>> round(first.y5, 4), round(first.delta5, 4), round(second.y5, 4)
    (0.6903, -0.0407, 0.682)
    """
    first = worked_epoch(START)
    second = worked_epoch(first.new_weights)
    return WorkedExample(
        x=np.array([X1, X2]),
        weights=dict(START),
        target=TARGET,
        lr=LR,
        epochs=(first, second),
        y5_after=worked_epoch(second.new_weights).y5,
        sheet=_sheet(first),
        remarks=REMARKS,
    )


def worked_epoch(
    weights: dict[str, float],
    x: tuple[float, float] = (X1, X2),
    target: float = TARGET,
    lr: float = LR,
) -> WorkedEpoch:
    """Compute one epoch of the 2-2-1 network with plain numbers.

    Parameters
    ----------
    weights : dict of str to float
        w13, w23, w14, w24, w35, w45.
    x : pair of float
        x1 and x2.
    target, lr : float
        What y5 should be; the learning rate.

    Returns
    -------
    epoch : WorkedEpoch
        All numbers of the epoch.
    """
    w, (x1, x2) = weights, x
    a3 = w["w13"] * x1 + w["w23"] * x2
    a4 = w["w14"] * x1 + w["w24"] * x2
    y3, y4 = _sigmoid(a3), _sigmoid(a4)
    a5 = w["w35"] * y3 + w["w45"] * y4
    y5 = _sigmoid(a5)
    error = target - y5
    delta5 = y5 * (1 - y5) * error
    delta3 = y3 * (1 - y3) * w["w35"] * delta5
    delta4 = y4 * (1 - y4) * w["w45"] * delta5
    changes = {
        "w13": lr * delta3 * x1,
        "w23": lr * delta3 * x2,
        "w14": lr * delta4 * x1,
        "w24": lr * delta4 * x2,
        "w35": lr * delta5 * y3,
        "w45": lr * delta5 * y4,
    }
    new = {name: w[name] + change for name, change in changes.items()}
    return WorkedEpoch(dict(w), a3, a4, y3, y4, a5, y5, error, delta5, delta3, delta4, changes, new)


REMARKS = (
    "The hidden δ is written without the δ of the next layer.",
    "The captions of the Δw are swapped.",
    "Δw35 is once computed with 0.3 in place of y3.",
    "y3, y4 and y5 are overwritten by 0.3, 0.4 and 0.5.",
    "The update is printed with both signs, and as a fraction.",
    '"1 epoch = 10 iterations": with one sample it is 1.',
    "x1 is written 1, and the Δ is dropped, in Δw14.",
    "a5 is called a3.",
    '"Loss = target − prediction" is the error, not a loss.',
)
"""What the slides say that is wrong without being a wrong number."""


def _sheet(exact: WorkedEpoch) -> tuple[WorkedEntry, ...]:
    """Compute the first epoch as the slides do: each entry from the rounded ones before it."""
    w = START
    entries: list[WorkedEntry] = []

    def enter(
        symbol: str, formula: str, true: float, value: float, decimals: int, *,
        cut: bool = False, printed: str = "", slip: str = "",
    ) -> float:  # fmt: skip
        scaled = value * 10**decimals
        # round(…, 9) first: 0.755 · 1000 is 754.999… in binary, and must not be cut to 754.
        kept: float = (math.trunc(round(scaled, 9)) if cut else round(scaled)) / 10**decimals
        text = printed or f"{kept:.{decimals}f}"
        entries.append(WorkedEntry(symbol, formula, true, kept, decimals, cut, text, slip))
        return kept

    enter(
        "x1 w13", "0.35 · 0.1", X1 * w["w13"], X1 * w["w13"], 3,
        printed="0.0355", slip="0.35 · 0.1 is 0.035; the slide prints 0.0355.",
    )  # fmt: skip
    a3 = enter("a3", "x1 w13 + x2 w23", exact.a3, X1 * w["w13"] + X2 * w["w23"], 3)
    y3 = enter("y3", "σ(a3)", exact.y3, _sigmoid(a3), 2)
    a4 = enter("a4", "x1 w14 + x2 w24", exact.a4, X1 * w["w14"] + X2 * w["w24"], 2)
    y4 = enter("y4", "σ(a4)", exact.y4, _sigmoid(a4), 4)
    a5 = enter("a5", "y3 w35 + y4 w45", exact.a5, y3 * w["w35"] + y4 * w["w45"], 3)
    y5 = enter("y5", "σ(a5)", exact.y5, _sigmoid(a5), 2)
    error = enter("error", "t − y5", exact.error, TARGET - y5, 2)
    d5 = enter("δ5", "y5 (1 − y5) (t − y5)", exact.delta5, y5 * (1 - y5) * error, 4)
    d3 = enter("δ3", "y3 (1 − y3) w35 δ5", exact.delta3, y3 * (1 - y3) * w["w35"] * d5, 5)
    d4 = enter("δ4", "y4 (1 − y4) w45 δ5", exact.delta4, y4 * (1 - y4) * w["w45"] * d5, 4)
    new, change = exact.new_weights, exact.changes
    enter("Δw45", "lr δ5 y4", change["w45"], LR * d5 * y4, 4)
    enter("w45 new", "w45 + Δw45", new["w45"], w["w45"] + LR * d5 * y4, 4)
    enter("Δw35", "lr δ5 y3", change["w35"], LR * d5 * y3, 4)
    enter("w35 new", "w35 + Δw35", new["w35"], w["w35"] + LR * d5 * y3, 4)
    enter("Δw14", "lr δ4 x1", change["w14"], LR * d4 * X1, 4, cut=True)
    enter("w14 new", "w14 + Δw14", new["w14"], w["w14"] + LR * d4 * X1, 4)
    enter("Δw24", "lr δ4 x2", change["w24"], LR * d4 * X2, 4)
    enter(
        "w24 new", "w24 + Δw24", new["w24"], w["w24"] + LR * d4 * X2, 4,
        printed="0.5962", slip="Two digits changed places: it is 0.5926.",
    )  # fmt: skip
    enter("Δw13", "lr δ3 x1", change["w13"], LR * d3 * X1, 4)
    enter("w13 new", "w13 + Δw13", new["w13"], w["w13"] + LR * d3 * X1, 4)
    enter(
        "Δw23", "lr δ3 x2", change["w23"], LR * d3 * X2, 4, cut=True,
        printed="0.0023", slip="The sign is lost in 0.0023 + 0.8: Δw23 is negative.",
    )  # fmt: skip
    enter("w23 new", "w23 + Δw23", new["w23"], w["w23"] + LR * d3 * X2, 3, cut=True)
    return tuple(entries)


def _sigmoid(a: float) -> float:
    y: float = 1 / (1 + math.exp(-a))
    return y
