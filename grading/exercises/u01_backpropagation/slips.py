"""Find the wrong entries of a printed calculation, as the slides' worked example has some."""
# Annotations are evaluated here as in a notebook, so names it lacks stand in quotes.

from collections.abc import Callable
from typing import Any

import numpy as np

from grading.exercises._declaration import Criterion, Exercise, Hint, Misconception
from grading.exercises.u01_backpropagation.slip_sheets import (
    ROUNDED_HAND,
    TRUNCATED_HAND,
    rounded_sheets,
    truncated_sheets,
)
from grading.probes import Call


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


def _returns_truth_values(sheet: "list[list[Any]]") -> list[bool]:
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
        slips.append(abs(printed - value) >= 1.5 * 10**-decimals)
    return slips


FIND_SLIPS = Exercise(
    id="find_slips",
    unit="01",
    tier="further",
    title="Find the slips in a printed calculation",
    minutes=20,
    difficulty=3,
    probe=Call(returns=("slips",)),
    cases=rounded_sheets,
    criteria=(
        Criterion("rounded_sheets", 2, ("slips",), ROUNDED_HAND),
        Criterion("truncated_sheets", 1, ("slips",), TRUNCATED_HAND, draw=truncated_sheets),
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
        Misconception(
            "returns_truth_values",
            _returns_truth_values,
            ("rounded_sheets", "truncated_sheets"),
            "The list holds True or False for every entry. Asked for are the names of the wrong "
            "entries only, the first field of each. You have found the right places already.",
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
            "Slips are missed, or both kinds of sheet are off",
            "For each entry: value = formula(inputs); if abs(printed − value) >= 1.5 · …: append "
            "the name. Signs stay inside the abs, so that a lost minus is a large difference. What "
            "fills the dots depends on the entry. If honest updates are named too: is an update "
            "w + … or w − …?",
            ("rounded_sheets", "truncated_sheets"),
        ),
        Hint(
            "Only truncated sheets are off: honest entries are called slips",
            "One unit in the last place is 10 ** −decimals. Rounding moves a value by at most half "
            "a unit, cutting off by less than one. The limit of 1.5 units leaves room for both.",
            ("truncated_sheets",),
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
