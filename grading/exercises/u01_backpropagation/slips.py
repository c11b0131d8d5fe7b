"""Find the wrong entries of a printed calculation, as the slides' worked example has some.

Cases are sheets of random numbers in the form of the worked network. Planted slips are off by at
least two units in the last printed place, honest entries by less than 0.9.
"""
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from grading.exercises._declaration import (
    Case,
    Criterion,
    Exercise,
    HandCase,
    Hint,
    Misconception,
)
from grading.probes import Call

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


def _rounded_sheets(rng: np.random.Generator) -> Case:
    return _sheet(truncated=False, rng=rng)


def _truncated_sheets(rng: np.random.Generator) -> Case:
    return _sheet(truncated=True, rng=rng)


def find_slips(sheet: "list[list[Any]]") -> list[str]:
    """Return the names of entries [name, operation, inputs, printed, decimals] that are off."""
    value_of: dict[str, Callable[..., float]] = {
        "weighted_sum": lambda w1, x1, w2, x2: w1 * x1 + w2 * x2,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "output_delta": lambda y, target: y * (1 - y) * (target - y),
        "hidden_delta": lambda y, w, delta: y * (1 - y) * w * delta,
        "update": lambda w, rate, delta, y: w + rate * delta * y,
    }
    slips = []
    for name, operation, inputs, printed, decimals in sheet:
        value = value_of[operation](*inputs)
        if abs(printed - value) >= 1.5 * 10**-decimals:
            slips.append(name)
    return slips


def _by_branches(sheet: "list[list[Any]]") -> list[str]:
    slips = []
    for name, operation, v, printed, decimals in sheet:
        if operation == "weighted_sum":
            value = v[0] * v[1] + v[2] * v[3]
        elif operation == "sigmoid":
            value = 0.5 + 0.5 * np.tanh(0.5 * v[0])
        elif operation == "output_delta":
            value = (v[0] - v[0] ** 2) * (v[1] - v[0])
        elif operation == "hidden_delta":
            value = (v[0] - v[0] ** 2) * v[1] * v[2]
        else:
            value = v[0] + v[1] * v[2] * v[3]
        if not -1.5 < (printed - value) * 10**decimals < 1.5:
            slips.append(name)
    return slips


def _by_match(sheet: "list[list[Any]]") -> list[str]:
    values = []
    for _, operation, inputs, _, _ in sheet:
        match operation, inputs:
            case "weighted_sum", [w1, x1, w2, x2]:
                values.append(np.dot([w1, w2], [x1, x2]))
            case "sigmoid", [a]:
                values.append(np.exp(a) / (1 + np.exp(a)))
            case "output_delta", [y, target]:
                values.append((target - y) * y * (1 - y))
            case "hidden_delta", [y, w, delta]:
                values.append(delta * w * y * (1 - y))
            case _, [w, rate, delta, y]:
                values.append(w + rate * delta * y)
            case _:
                values.append(np.nan)
    return [
        name
        for (name, _, _, printed, decimals), value in zip(sheet, values, strict=True)
        if abs(value - printed) / 0.1**decimals > 1.5
    ]


def _compares_exactly(sheet: "list[list[Any]]") -> list[str]:
    value_of: dict[str, Callable[..., float]] = {
        "weighted_sum": lambda w1, x1, w2, x2: w1 * x1 + w2 * x2,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "output_delta": lambda y, target: y * (1 - y) * (target - y),
        "hidden_delta": lambda y, w, delta: y * (1 - y) * w * delta,
        "update": lambda w, rate, delta, y: w + rate * delta * y,
    }
    return [entry[0] for entry in sheet if value_of[entry[1]](*entry[2]) != entry[3]]


def _rounds_before_comparing(sheet: "list[list[Any]]") -> list[str]:
    value_of: dict[str, Callable[..., float]] = {
        "weighted_sum": lambda w1, x1, w2, x2: w1 * x1 + w2 * x2,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "output_delta": lambda y, target: y * (1 - y) * (target - y),
        "hidden_delta": lambda y, w, delta: y * (1 - y) * w * delta,
        "update": lambda w, rate, delta, y: w + rate * delta * y,
    }
    slips = []
    for name, operation, inputs, printed, decimals in sheet:
        rounded = round(float(value_of[operation](*inputs)), decimals)
        if abs(rounded - printed) > 1e-9:
            slips.append(name)
    return slips


def _fixed_tolerance(sheet: "list[list[Any]]") -> list[str]:
    value_of: dict[str, Callable[..., float]] = {
        "weighted_sum": lambda w1, x1, w2, x2: w1 * x1 + w2 * x2,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "output_delta": lambda y, target: y * (1 - y) * (target - y),
        "hidden_delta": lambda y, w, delta: y * (1 - y) * w * delta,
        "update": lambda w, rate, delta, y: w + rate * delta * y,
    }
    return [entry[0] for entry in sheet if abs(value_of[entry[1]](*entry[2]) - entry[3]) > 0.01]


def _magnitudes_compared(sheet: "list[list[Any]]") -> list[str]:
    value_of: dict[str, Callable[..., float]] = {
        "weighted_sum": lambda w1, x1, w2, x2: w1 * x1 + w2 * x2,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "output_delta": lambda y, target: y * (1 - y) * (target - y),
        "hidden_delta": lambda y, w, delta: y * (1 - y) * w * delta,
        "update": lambda w, rate, delta, y: w + rate * delta * y,
    }
    slips = []
    for name, operation, inputs, printed, decimals in sheet:
        value = value_of[operation](*inputs)
        if abs(abs(printed) - abs(value)) >= 1.5 * 10**-decimals:
            slips.append(name)
    return slips


def _only_too_large(sheet: "list[list[Any]]") -> list[str]:
    value_of: dict[str, Callable[..., float]] = {
        "weighted_sum": lambda w1, x1, w2, x2: w1 * x1 + w2 * x2,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "output_delta": lambda y, target: y * (1 - y) * (target - y),
        "hidden_delta": lambda y, w, delta: y * (1 - y) * w * delta,
        "update": lambda w, rate, delta, y: w + rate * delta * y,
    }
    slips = []
    for name, operation, inputs, printed, decimals in sheet:
        if printed - value_of[operation](*inputs) >= 1.5 * 10**-decimals:
            slips.append(name)
    return slips


def _update_subtracted(sheet: "list[list[Any]]") -> list[str]:
    value_of: dict[str, Callable[..., float]] = {
        "weighted_sum": lambda w1, x1, w2, x2: w1 * x1 + w2 * x2,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "output_delta": lambda y, target: y * (1 - y) * (target - y),
        "hidden_delta": lambda y, w, delta: y * (1 - y) * w * delta,
        "update": lambda w, rate, delta, y: w - rate * delta * y,
    }
    slips = []
    for name, operation, inputs, printed, decimals in sheet:
        if abs(printed - value_of[operation](*inputs)) >= 1.5 * 10**-decimals:
            slips.append(name)
    return slips


def _values_in_place_of_names(sheet: "list[list[Any]]") -> list[float]:
    value_of: dict[str, Callable[..., float]] = {
        "weighted_sum": lambda w1, x1, w2, x2: w1 * x1 + w2 * x2,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "output_delta": lambda y, target: y * (1 - y) * (target - y),
        "hidden_delta": lambda y, w, delta: y * (1 - y) * w * delta,
        "update": lambda w, rate, delta, y: w + rate * delta * y,
    }
    slips = []
    for _, operation, inputs, printed, decimals in sheet:
        value = float(value_of[operation](*inputs))
        if abs(printed - value) >= 1.5 * 10**-decimals:
            slips.append(value)
    return slips


# From the slides, each entry rounded: y3 (honest), a product with one digit too many, a sum whose
# sign was lost, a weight with two digits exchanged, a weight (honest).
_ROUNDED_HAND = HandCase(
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
_TRUNCATED_HAND = HandCase(
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

FIND_SLIPS = Exercise(
    id="find_slips",
    unit="01",
    tier="further",
    title="Find the slips in a printed calculation",
    minutes=20,
    difficulty=3,
    probe=Call(returns=("slips",)),
    cases=_rounded_sheets,
    criteria=(
        Criterion("rounded_sheets", 2, ("slips",), _ROUNDED_HAND),
        Criterion("truncated_sheets", 1, ("slips",), _TRUNCATED_HAND, draw=_truncated_sheets),
    ),
    reference=find_slips,
    alternatives=(_by_branches, _by_match),
    misconceptions=(
        Misconception(
            "compares_exactly",
            _compares_exactly,
            ("rounded_sheets", "truncated_sheets"),
            "Every entry with more digits than were printed counts as a slip. A sheet shows a few "
            "decimals only. How far from the exact value may an honest entry be?",
        ),
        Misconception(
            "rounds_before_comparing",
            _rounds_before_comparing,
            ("truncated_sheets",),
            "Your value is rounded and must then equal the printed one. Whoever cuts digits off "
            "prints 0.797 for 0.7976, and that is no slip. By how much of the last place can that "
            "be off?",
        ),
        Misconception(
            "fixed_tolerance",
            _fixed_tolerance,
            ("rounded_sheets", "truncated_sheets"),
            "One tolerance of 0.01 serves every entry. An entry with 4 decimals that is off by "
            "0.0005 slips through. Which field of the entry tells how fine its last place is?",
        ),
        Misconception(
            "magnitudes_compared",
            _magnitudes_compared,
            ("rounded_sheets", "truncated_sheets"),
            "Only the magnitudes are compared, so a lost sign goes unseen. That is one of the "
            "slips on the slides. Of what do you take the absolute value?",
        ),
        Misconception(
            "only_too_large",
            _only_too_large,
            ("rounded_sheets", "truncated_sheets"),
            "Entries that are too large are found, those that are too small are not. The "
            "difference can have either sign. What counts is its size.",
        ),
        Misconception(
            "update_subtracted",
            _update_subtracted,
            ("rounded_sheets", "truncated_sheets"),
            "Updates are recomputed with a minus, so honest ones look wrong. The delta of the "
            "slides is built from target − output and already points down the loss. Which sign "
            "does the step then have?",
        ),
        Misconception(
            "values_in_place_of_names",
            _values_in_place_of_names,
            ("rounded_sheets", "truncated_sheets"),
            "The list holds the corrected values. Asked for are the names of the wrong entries, "
            "the first field of each. You have found the right places already.",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Take one entry apart: `name, operation, inputs, printed, decimals = sheet[0]`. "
            "Recompute its value with the formula of its operation, using the inputs that the "
            "entry itself states, even if another entry contradicts them.",
        ),
        Hint(
            "An honest entry is called a slip",
            "One unit in the last place is 10 ** −decimals. Rounding moves a value by at most half "
            "a unit, cutting off by less than one. The limit of 1.5 units leaves room for both. Is "
            "an update w + … or w − …?",
            ("truncated_sheets", "rounded_sheets"),
        ),
        Hint(
            "A slip is missed",
            "For each entry: value = formula(inputs); if abs(printed − value) >= 1.5 · …: append "
            "the name. Signs stay inside the abs, so that a lost minus is a large difference. What "
            "fills the dots depends on the entry.",
            ("rounded_sheets",),
        ),
    ),
    solution_note=(
        "Each entry is judged by its own inputs, so one early slip does not condemn what follows.\n"
        "    value = formula(inputs)             unit = 10^(−decimals)\n"
        "    slip  ⇔  |printed − value| ≥ 1.5 unit\n"
        "Rounding is off by at most ½ unit, truncation by less than 1, a slip by 2 or more: a\n"
        "limit of 1.5 separates them with room on both sides, also for floating point. Comparing\n"
        "after rounding would refuse −0.0028 for −0.00286, which was only cut off.\n"
        "On the slides 0.1·0.35 = 0.0355 has a digit too many (0.035), the new w24 0.5962 has two\n"
        "digits exchanged (0.5926), and −0.0023 + 0.8 became a sum of positives."
    ),
)
