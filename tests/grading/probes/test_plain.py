"""Only plain values cross from a learner's code to whoever judges it."""

from __future__ import annotations

import numpy as np
import pytest

from grading.probes import Opaque, plain, same


class Forged:
    """Says that it is an array, equal to everything."""

    __class__ = property(lambda self: np.ndarray)
    dtype = np.dtype(float)

    def __eq__(self, other):
        return True

    __hash__ = None


class Sly(np.ndarray):
    def __eq__(self, other):
        return True

    __hash__ = None

    def copy(self, order="C"):
        return np.zeros(3)


class SlyFloat(np.float64):
    def item(self):
        return 42.0

    def __float__(self):
        return 42.0


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        (Forged(), "Forged"),
        ({"a": 1}, "dict"),
        (1j, "complex"),
        (np.complex128(1j), "complex128"),
        (10**400, "huge int"),
        (np.array([None]), "array of dtype object"),
        (np.zeros(2, dtype=[("a", float)]), "array of dtype [('a', '<f8')]"),
        ((i for i in ()), "generator"),
        (float, "type"),
        (np.datetime64("2026-01-01"), "datetime64[D]"),
    ],
)
def test_what_is_not_plain_leaves_only_the_name_of_its_type(value, type_name):
    assert plain(value) == Opaque(type_name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (SlyFloat(1.5), 1.5),
        (np.longdouble(1.5), 1.5),
        (np.float32(1.5), 1.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (((1, 2), [3.0]), [[1, 2], [3.0]]),
    ],
)
def test_scalars_and_tuples_become_builtin_types(value, expected):
    result = plain(value)

    assert result == expected
    assert type(result) is type(expected)


def test_a_subclass_of_array_is_rebuilt_as_its_base_from_its_own_entries():
    sly = np.array([1.0, 2.0, 3.0]).view(Sly)

    result = plain(sly)

    assert type(result) is np.ndarray
    assert result.tolist() == [1.0, 2.0, 3.0]
    assert not np.shares_memory(result, sly)


def test_a_list_that_holds_itself_many_times_ends():
    loop: list = []
    loop += [loop] * 30

    result = plain(loop)

    assert len(result) == 30
    assert result[0][0][0][-1] == Opaque("list")


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1, 1.0, False),
        (True, 1, False),
        (float("nan"), float("nan"), True),
        (np.array([np.nan]), np.array([np.nan]), True),
        (np.array([1.0]), np.array([1.0], dtype="f4"), False),
        (np.array([1.0]), np.array([[1.0]]), False),
        (np.array(["a"]), np.array(["a"]), True),
        ([1, [2, 3]], [1, [2, 3]], True),
        ([1, 2], [1, 2, 3], False),
        (Opaque("dict"), np.array([1.0, 2.0]), False),
        (Opaque("dict"), Opaque("dict"), True),
    ],
)
def test_sameness_is_to_the_last_bit_and_type(left, right, expected):
    assert same(left, right) is expected


@pytest.mark.parametrize("other", [np.array([1.0, 2.0]), 1.0, "dict", None])
def test_an_opaque_value_equals_nothing_else_and_says_so_in_one_bool(other):
    assert (Opaque("dict") == other) is False
    assert (other == Opaque("dict")) is False
