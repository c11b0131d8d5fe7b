"""Observations that were forged, and probes that do not exist."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.probes import (
    Call,
    Iterate,
    Methods,
    Observation,
    Opaque,
    Raises,
    Reference,
    WireError,
    observation_fields,
    observation_from,
    probe_from,
)

INPUTS = {"x": np.zeros(2), "calls": [["f", 1], ["g", 2]]}
GOOD: dict[str, Any] = {
    "outputs": {"y": 1.0},
    "problem": None,
    "mutated": ("x",),
    "rounded": ("x",),
    "printed": "",
    "n_printed": 0,
}


def test_what_a_probe_could_have_written_is_taken() -> None:
    seen = observation_from(GOOD, Call(("y",)), INPUTS)

    assert seen == Observation({"y": 1.0}, None, ("x",), ("x",), "", 0)
    assert observation_fields(seen) == GOOD


@pytest.mark.parametrize(
    "change",
    [
        {"outputs": {}},
        {"outputs": {"y": 1.0, "z": 2.0}},
        {"outputs": {"z": 2.0}},
        {"outputs": None},
        {"outputs": np.zeros(3)},
        {"problem": "error"},
        {"problem": ["error", "x", "", None, "", ()]},
        {"problem": ["passed", "x", "", None, "", (), ()]},
        {"problem": [["error"], "x", "", None, "", (), ()]},
        {"problem": ["error", 1, "", None, "", (), ()]},
        {"problem": ["error", "x", "", -1, "", (), ()]},
        {"problem": ["error", "x", "", 1.5, "", (), ()]},
        {"problem": ["error", "x", "", None, "", (1,), ()]},
        {"problem": ["error", "x", "", None, "", (), ((1, 2, 3),)]},
        {"problem": ["error", "x", "", None, "", (), (("x", ("a",)),)]},
        {"problem": np.zeros(7)},
        {"mutated": ("z",)},
        {"mutated": [["x"]]},
        {"mutated": 5},
        {"rounded": ("x", "z"), "mutated": ("x",)},
        {"rounded": ("x",), "mutated": ()},
        {"printed": None},
        {"n_printed": True},
        {"n_printed": -1},
        {"n_printed": "9"},
    ],
)
def test_what_it_could_not_have_written_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        observation_from({**GOOD, **change}, Call(("y",)), INPUTS)


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_missing_field_is_refused(missing: str) -> None:
    fields = {name: value for name, value in GOOD.items() if name != missing}

    with pytest.raises(WireError):
        observation_from(fields, Call(("y",)), INPUTS)


@pytest.mark.parametrize("fields", [None, [], "x", np.zeros(3), 5, Opaque("x")])
def test_anything_but_fields_is_refused(fields: Any) -> None:
    with pytest.raises(WireError):
        observation_from(fields, Call(("y",)), INPUTS)


@pytest.mark.parametrize(
    ("probe", "outputs"),
    [
        (Methods(reads=("a",)), {"returned": [1, 2]}),
        (Methods(reads=("a",)), {"returned": [1], "a": 1}),
        (Methods(), {"returned": 5}),
        (Iterate(), {"items": 5}),
        (Iterate(), {"items": np.zeros(3)}),
        (Raises(), {"raised": 5}),
    ],
)
def test_outputs_have_the_form_of_their_probe(probe: Any, outputs: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        observation_from({**GOOD, "outputs": outputs}, probe, INPUTS)


def test_nothing_but_plain_values_comes_out() -> None:
    forged = [(1, 2), np.float64(3.0), Reference("f"), Opaque("dict"), np.zeros(1)]

    seen = observation_from({**GOOD, "outputs": {"y": forged}}, Call(("y",)), INPUTS)

    rebuilt = seen.outputs["y"]
    assert rebuilt[:4] == [[1, 2], 3.0, Opaque("Reference"), Opaque("dict")]
    assert type(rebuilt[1]) is float


def test_texts_are_cut() -> None:
    problem = ["error", "x" * 9_000, "T" * 900, 10**15, "t" * 900, ("n" * 900,) * 900, ()]
    forged = {**GOOD, "problem": problem, "printed": "p" * 9_000, "n_printed": 10**200}

    seen = observation_from(forged, Call(("y",)), INPUTS)

    assert seen.problem is not None
    assert len(seen.problem.detail) <= 300
    assert len(seen.problem.names) <= 200
    assert len(seen.printed) <= 2_000
    assert seen.n_printed <= 10**12
    assert not seen.outputs


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
    | st.sampled_from(["error", "x", "y"]) | st.just(np.zeros((2, 2))) | st.just(np.float64(1)),
    lambda inner: st.lists(inner, max_size=7) | st.lists(inner, max_size=7).map(tuple)
    | st.dictionaries(st.sampled_from(["y", "returned", "items", "raised"]), inner, max_size=2),
    max_leaves=12,
)  # fmt: skip


@given(st.fixed_dictionaries(dict.fromkeys(GOOD, ANYTHING)))
@settings(deadline=None, max_examples=150)
def test_forged_fields_raise_nothing_else(fields: dict[str, Any]) -> None:
    for probe in (Call(("y",)), Iterate(), Raises(), Methods()):
        try:
            observation_from(fields, probe, INPUTS)
        except WireError:
            continue


@pytest.mark.parametrize(
    "fields",
    [None, [], ["Call"], ["Probe", {}], ["Call", {"x": 1}], ["Call", None], "ab", [[], {}]],
)
def test_a_probe_that_does_not_exist_is_refused(fields: Any) -> None:
    with pytest.raises(WireError):
        probe_from(fields)
