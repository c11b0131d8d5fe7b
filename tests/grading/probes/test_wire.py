"""Frames: what goes in comes out, and nothing that comes in does harm."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grading.check.trials import draw_trials, observe
from grading.exercises import Exercise, FunctionFixture, all_exercises
from grading.probes import (
    Opaque,
    Reference,
    WireError,
    decode,
    encode,
    observation_fields,
    observation_from,
    probe_fields,
    probe_from,
    same,
)
from grading.probes._wire import MAX_BODY, MAX_HEADER, MAX_VALUES, PREFIX, parts


def crossed(value: Any) -> Any:
    return decode(*parts(encode({"value": value})))["value"]


def alike(left: Any, right: Any) -> bool:
    """Tell whether two values agree in type, dtype, shape and every bit that means something."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(map(alike, left.values(), right.values()))
    if isinstance(left, np.ndarray | np.generic):
        if left.dtype != right.dtype or left.shape != right.shape:
            return False
        equal_nan = left.dtype.kind in "fc"
        return bool(np.array_equal(left, right, equal_nan=equal_nan)) and (
            left.dtype.kind != "f" or bool(np.array_equal(np.signbit(left), np.signbit(right)))
        )
    if isinstance(left, float):
        return np.float64(left).tobytes() == np.float64(right).tobytes() or left != left
    return bool(left == right)


DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(sizes=(16, 32, 64), endianness="?"),
    hnp.complex_number_dtypes(sizes=(64, 128), endianness="?"),
    hnp.unicode_string_dtypes(endianness="?", max_len=5),
)
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**1000) + 1, 2**1000 - 1),
    st.floats(),
    TEXTS,
    ARRAYS,
    ARRAYS.filter(lambda a: a.size > 0 and a.dtype.itemsize > 0).map(lambda a: a.flat[0]),
    st.builds(Opaque, TEXTS),
    st.builds(Reference, TEXTS),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
)


@given(VALUES)
@settings(deadline=None)
@example(-0.0)
@example([float("nan"), float("inf"), -float("inf"), 5e-324])
@example(np.array(["", "a\0b", "é", "\U0001f600"]))
@example(np.zeros((0, 3), order="F"))
@example(np.asfortranarray(np.arange(6.0).reshape(2, 3)))
@example(np.arange(10)[::-3])
def test_a_value_comes_out_as_it_went_in(value: Any) -> None:
    assert alike(crossed(value), value)


@given(st.dictionaries(TEXTS, st.dictionaries(TEXTS, LEAVES, max_size=3), max_size=3))
@settings(deadline=None)
def test_dicts_cross_near_the_top(message: dict[str, Any]) -> None:
    assert alike(decode(*parts(encode(message))), message)


def test_arrays_that_crossed_own_their_memory() -> None:
    array = crossed(np.arange(3.0))

    array += 1.0

    assert array.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        b"bytes",
        1j,
        2**1001,
        np.array([object()]),
        np.zeros(2, [("a", "f8")]),
        np.array(["2020"], "M8[Y]"),
        np.zeros(2).view(np.recarray),
        [{"a": {"b": {"c": {"d": 1}}}}],
        "x" * (MAX_HEADER + 1),
        range(3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_plain_cannot_be_sent(value: Any) -> None:
    with pytest.raises(WireError):
        encode({"value": value})


def test_nesting_without_end_cannot_be_sent() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(WireError, match="nested"):
        encode({"value": value})


def frame(header: Any, body: bytes = b"") -> tuple[bytes, bytes]:
    return (header if isinstance(header, bytes) else json.dumps(header).encode()), body


@pytest.mark.parametrize(
    ("header", "body"),
    [
        frame(b""),
        frame(b"nothing"),
        frame([1]),
        frame(None),
        frame(b'{"a": 1'),
        frame(b'{"a": "\xff"}'),
        frame(b"[" * 1_000_000),
        frame(b'{"a":' * 100_000),
        frame(b'{"a": ' + b"9" * 5_000 + b"}"),
        frame(b'{"a": ' + b"1" * 1_000_000 + b"}"),
        frame({"a": 2**1001}),
        frame({"a": [0] * (MAX_VALUES + 1)}),
        frame(b" " * (MAX_HEADER + 1)),
        frame({}, b"x"),
        frame({"a": {}}),
        frame({"a": {"a": ["<f8", [1]], "t": []}}, bytes(8)),
        frame({"a": {"a": ["<f8", [2]]}}, bytes(8)),
        frame({"a": {"a": ["<f8", [1]]}}, bytes(9)),
        frame({"a": {"a": ["<f8", [-1]]}}, bytes(8)),
        frame({"a": {"a": ["<f8", [True]]}}, bytes(8)),
        frame({"a": {"a": ["<f8", [1.0]]}}, bytes(8)),
        frame({"a": {"a": ["<f8", [2**62, 2**62]]}}, bytes(8)),
        frame({"a": {"a": ["<f8", [0, 2**62]]}}),
        frame({"a": {"a": ["<f8", [1] * 33]}}, bytes(8)),
        frame({"a": {"a": ["<f8", 1]}}, bytes(8)),
        frame({"a": {"a": ["<f8"]}}, bytes(8)),
        frame({"a": {"a": ["|O", [1]]}}, bytes(8)),
        frame({"a": {"a": ["O8", [1]]}}, bytes(8)),
        frame({"a": {"a": ["|V8", [1]]}}, bytes(8)),
        frame({"a": {"a": ["|S8", [1]]}}, bytes(8)),
        frame({"a": {"a": ["<M8[s]", [1]]}}, bytes(8)),
        frame({"a": {"a": ["f8,f8", [1]]}}, bytes(16)),
        frame({"a": {"a": ["(2,)f8", [1]]}}, bytes(16)),
        frame({"a": {"a": ["<f8\n", [1]]}}, bytes(8)),
        frame({"a": {"a": ["<U0", [10]]}}),
        frame({"a": {"a": ["<U99999999", [0]]}}),
        frame({"a": {"a": [["<f8"], [1]]}}, bytes(8)),
        frame({"a": {"a": ["<U1", [1]]}}, struct.pack("<I", 0x110000)),
        frame({"a": {"g": "|O"}}, bytes(8)),
        frame({"a": {"g": None}}),
        frame({"a": {"o": 1}}),
        frame({"a": {"o": "x" * 1000}}),
        frame({"a": {"r": ["x"]}}),
        frame({"a": {"t": {}}}),
        frame({"a": {"d": []}}),
        frame({"a": {"d": {"a": {"d": {"a": {"d": {"a": {"d": {}}}}}}}}}),
        frame({"a": {"x": 1}}),
    ],
)
def test_bytes_that_are_no_message_are_refused(header: bytes, body: bytes) -> None:
    with pytest.raises(WireError):
        decode(header, body)


def test_a_body_beyond_the_cap_is_refused() -> None:
    with pytest.raises(WireError, match="too large"):
        decode(b"{}", bytes(MAX_BODY + 1))


@given(st.binary(max_size=200), st.binary(max_size=40))
@settings(deadline=None, max_examples=300)
def test_random_bytes_raise_nothing_else(header: bytes, body: bytes) -> None:
    with suppress(WireError):
        decode(header, body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["<f8", "|b1", "<U2", ">i4", "<f16", "|O"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["a", "t", "d", "g", "o", "r", "x"]), inner, max_size=2)
    | st.builds(lambda d, s: {"a": [d, s]}, inner, st.lists(st.integers(-1, 4), max_size=3)),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4), st.binary(max_size=64))
@settings(deadline=None, max_examples=250)
def test_json_of_any_form_raises_nothing_else(header: Any, body: bytes) -> None:
    try:
        message = decode(json.dumps(header).encode(), body)
    except WireError:
        return
    repr(message)
    json.dumps(str(message)).encode()


@given(VALUES, st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6))
@settings(deadline=None, max_examples=300)
def test_changed_bytes_raise_nothing_else(value: Any, changes: list[tuple[int, int]]) -> None:
    whole = bytearray(encode({"value": value}))
    for place, byte in changes:
        whole[place % len(whole)] = byte
    with suppress(WireError):
        repr(decode(*parts(bytes(whole))))


def test_a_frame_of_another_length_is_refused() -> None:
    whole = encode({"a": 1})

    for broken in (whole[:-1], whole + b"x", whole[:4], b""):
        with pytest.raises(WireError):
            parts(broken)
    assert PREFIX.size == 8


def test_bytes_of_a_bool_become_zero_or_one() -> None:
    header = json.dumps({"a": {"a": ["|b1", [3]]}}).encode()

    array = decode(header, b"\x00\x02\xff")["a"]

    assert array.view(np.uint8).tolist() == [0, 1, 1]


def test_lone_surrogates_become_the_replacement_character() -> None:
    header = json.dumps({"\ud800": "a\udfffb", "x": {"a": ["<U1", [1]]}}).encode()

    message = decode(header, struct.pack("<I", 0xD800))

    assert message == {"\ufffd": "a\ufffdb", "x": np.array(["\ufffd"])}


@pytest.mark.skipif(np.dtype("g").itemsize != 16, reason="this machine has other long doubles")
def test_long_doubles_that_are_no_number_become_nan() -> None:
    header = json.dumps({"a": {"a": ["<f16", [2]]}}).encode()
    unnormal = struct.pack("<QHHI", 1, 0x3FFF, 0, 0)

    array = decode(header, np.longdouble(1.5).tobytes() + unnormal)["a"]

    assert np.isnan(array).tolist() == [False, True]


EXERCISES = all_exercises()


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_every_trial_and_observation_of_the_course_crosses(exercise: Exercise) -> None:
    trials = draw_trials(exercise, np.random.default_rng(0))
    for trial in trials:
        inputs = {
            name: Reference(name) if isinstance(value, FunctionFixture) else value
            for name, value in trial.case.inputs.items()
        }
        assert alike(crossed(inputs), inputs)
    wrong = [each.function for each in exercise.misconceptions[:1]]
    for answer in (exercise.reference, *wrong):
        for trial, seen in zip(trials, observe(exercise, trials, answer), strict=False):
            fields = crossed(observation_fields(seen))
            again = observation_from(fields, exercise.probe, trial.case.inputs)
            assert again.problem == seen.problem
            assert same([*again.outputs.values()], [*seen.outputs.values()])
            assert list(again.outputs) == list(seen.outputs)
            assert (again.mutated, again.rounded) == (seen.mutated, seen.rounded)
            assert (again.printed, again.n_printed) == (seen.printed, seen.n_printed)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_every_probe_of_the_course_crosses(exercise: Exercise) -> None:
    assert probe_from(crossed(probe_fields(exercise.probe))) == exercise.probe
