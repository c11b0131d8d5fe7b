"""What `find_slips` is tried on: sheets of random numbers in the form of the worked network.

Planted slips are off by at least two units in the last printed place, honest entries by less than
0.9.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from grading.exercises._declaration import Case, HandCase

_OPERATIONS = ("weighted_sum", "sigmoid", "output_delta", "hidden_delta", "update")


def _inputs(operation: str, rng: np.random.Generator) -> list[float]:
    """Draw the numbers that an entry of the sheet is computed from, as they would be printed."""
    between = {"y": (0.2, 0.8), "w": (-1.0, 1.0), "delta": (-0.3, 0.3), "a": (-2.0, 2.0)}
    wanted = {
        "weighted_sum": ("w", "y", "w", "y"),
        "sigmoid": ("a",),
        "output_delta": ("y", "y"),
        "hidden_delta": ("y", "w", "delta"),
        "update": ("w", "y", "delta", "y"),
    }[operation]
    return [round(float(rng.uniform(*between[name])), 3) for name in wanted]


def _entry(
    operation: str, decimals: int, off_units: float, truncated: bool, rng: np.random.Generator
) -> list[Any]:
    """Draw one entry: honest if ``off_units`` is 0, turned in sign if NaN, else that far off."""
    unit = 10.0**-decimals
    while True:
        inputs = _inputs(operation, rng)
        value = _true_value(operation, inputs)
        beyond = abs(value) / unit % 1.0  # part of a unit that the last place cannot show
        clear = 0.55 < beyond < 0.85 if truncated else min(beyond, abs(beyond - 0.5)) > 0.02
        if abs(value) > 20 * unit and clear and (value < 0 or not math.isnan(off_units)):
            break
    whole = math.trunc(value / unit) if truncated else round(value / unit)
    printed = -whole * unit if math.isnan(off_units) else (whole + off_units) * unit
    return ["", operation, inputs, round(printed, decimals), decimals]


def _true_value(operation: str, inputs: list[float]) -> float:
    """Compute what an entry of a sheet should say."""
    if operation == "sigmoid":
        return 1 / (1 + math.exp(-inputs[0]))
    if operation == "weighted_sum":
        return inputs[0] * inputs[1] + inputs[2] * inputs[3]
    if operation == "output_delta":
        return inputs[0] * (1 - inputs[0]) * (inputs[1] - inputs[0])
    if operation == "hidden_delta":
        return inputs[0] * (1 - inputs[0]) * inputs[1] * inputs[2]
    return inputs[0] + inputs[1] * inputs[2] * inputs[3]


def _sheet(truncated: bool, rng: np.random.Generator) -> Case:
    """Draw a sheet with every operation honest once and three slips: too large, too small, sign."""
    entries = [_entry(operation, 4, 0, truncated, rng) for operation in _OPERATIONS]
    entries += [_entry(str(rng.choice(_OPERATIONS[:2])), 2, 0, truncated, rng)]
    for off_units in (int(rng.integers(3, 9)), -int(rng.integers(3, 9)), math.nan):
        pool = _OPERATIONS if not math.isnan(off_units) else ("weighted_sum", "update")
        entries.append(_entry(str(rng.choice(pool)), 4, off_units, truncated, rng))
    order = rng.permutation(len(entries))
    sheet = [["abcdefghi"[i], *entries[j][1:]] for i, j in enumerate(order)]
    return Case({"sheet": sheet})


def rounded_sheets(rng: np.random.Generator) -> Case:
    """Draw a sheet whose entries are rounded."""
    return _sheet(truncated=False, rng=rng)


def truncated_sheets(rng: np.random.Generator) -> Case:
    """Draw a sheet whose entries are cut off."""
    return _sheet(truncated=True, rng=rng)


# From the slides, each entry rounded: y3 (honest), a product with one digit too many, a sum whose
# sign was lost, a weight with two digits exchanged, a weight (honest).
ROUNDED_HAND = HandCase(
    {
        "sheet": [
            ["y3", "sigmoid", [0.755], 0.68, 2],
            ["w13 x1", "weighted_sum", [0.1, 0.35, 0.0, 0.9], 0.0355, 4],
            ["w23", "update", [0.8, 1.0, -0.0026, 0.9], 0.8023, 4],
            ["w24", "update", [0.6, 1.0, -0.0082, 0.9], 0.5962, 4],
            ["w45", "update", [0.9, 1.0, -0.0406, 0.66], 0.8732, 4],
        ]
    },
    {"slips": ["w13 x1", "w23", "w24"]},
)

# Also from the slides, where digits are cut off: −0.0028 for −0.0028595 and 0.797 for 0.797615
# are honest.
TRUNCATED_HAND = HandCase(
    {
        "sheet": [
            ["dw14", "weighted_sum", [-0.00817, 0.35, 0.0, 0.9], -0.0028, 4],
            ["w23", "update", [0.8, 1.0, -0.00265, 0.9], 0.797, 3],
            ["w24", "update", [0.6, 1.0, -0.00817, 0.9], 0.5962, 4],
            ["delta3", "hidden_delta", [0.68, 0.3, -0.0406], 0.0026, 4],
            ["y4", "sigmoid", [0.68], 0.661, 3],
        ]
    },
    {"slips": ["w24", "delta3", "y4"]},
)
