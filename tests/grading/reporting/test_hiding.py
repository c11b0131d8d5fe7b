"""Small counts cannot be worked out from what is shown.

The reader who tries is written anew here: he lists every population of so many people, keeps those
that fit all published numbers, and looks whether a hidden one is the same in all of them.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from grading.reporting._hiding import LEAST, Count, Table, by_size, merged, published

# Two parts: both passed, only the first, only the second, none of them, not started.
KINDS = ("both", "first", "second", "none", "absent")
MEMBERS = {
    "full": (True, False, False, False, False),
    "partly": (False, True, True, False, False),
    "none": (False, False, False, True, False),
    "not started": (False, False, False, False, True),
    "passed first": (True, True, False, False, False),
    "passed second": (True, False, True, False, False),
}


def table(people: tuple[int, ...], members: dict[str, tuple[bool, ...]] = MEMBERS) -> Table:
    """A table of so many people of each kind."""
    counts = {
        name: sum(n for n, inside in zip(people, mask, strict=True) if inside)
        for name, mask in members.items()
    }
    return Table(sum(people), KINDS[: len(people)], counts, members)


@cache
def populations(n_people: int, n_kinds: int) -> NDArray[np.int64]:
    """Every way to spread people over kinds, one a row."""
    if n_people == 0:
        return np.zeros((1, n_kinds), dtype=np.int64)
    bars = combinations_with_replacement(range(n_kinds), n_people)
    return np.array([np.bincount(each, minlength=n_kinds) for each in bars])


def values_left(shown: dict[str, Count], whole: Table) -> dict[str, set[int]]:
    """What each count may be, for a reader who knows the rules and everything published."""
    people = populations(whole.n_people, len(whole.kinds))
    names = list(shown)
    counts = people @ np.array([whole.members[name] for name in names], dtype=np.int64).T
    low = np.array([shown[name].low for name in names])
    high = np.array([shown[name].high for name in names])
    fits = np.all((counts >= low) & (counts <= high), axis=1)
    return {name: set(counts[fits, i].tolist()) for i, name in enumerate(names)}


def leaks(shown: dict[str, Count], whole: Table) -> list[str]:
    left = values_left(shown, whole)
    return [name for name in shown if shown[name].exact is None and len(left[name]) < 2]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=5, max_size=5).filter(lambda p: sum(p) <= 16))
def test_no_combination_of_shown_numbers_gives_a_hidden_one(people: list[int]) -> None:
    whole = table(tuple(people))

    shown = published(whole)

    assert leaks(shown, whole) == []
    left = values_left(shown, whole)
    for name, count in whole.counts.items():
        assert count in left[name]
        if 0 < count < LEAST or 0 < whole.n_people - count < LEAST:
            assert shown[name].exact is None


def test_the_reader_catches_a_table_in_which_only_the_small_count_is_hidden() -> None:
    """The fixture that must be rejected: one hidden cell, the total and the others shown."""
    whole = table((8, 0, 0, 3, 0))
    careless = {
        name: Count(n, n, 11) if n in {0, 8, 11} else Count(1, 4, 11)
        for name, n in whole.counts.items()
    }

    assert leaks(careless, whole) == ["none"]
    assert leaks(published(whole), whole) == []


def test_the_reader_catches_what_only_two_rows_together_give() -> None:
    """passed first + passed second - 2 full = partly, whatever the row of groups hides."""
    whole = table((20, 3, 1, 6, 0))
    shown = {name: Count(n, n, 30) for name, n in whole.counts.items()}
    shown |= {"partly": Count(1, 4, 30), "none": Count(5, 25, 30)}
    combination = {"passed first": 1.0, "passed second": 1.0, "full": -2.0}

    total = sum(np.array(MEMBERS[name], float) * k for name, k in combination.items())

    assert total.tolist() == [float(inside) for inside in MEMBERS["partly"]]
    assert shown["passed first"].low + shown["passed second"].low - 2 * shown["full"].low == 4
    after = published(whole)
    assert any(after[name].exact is None for name in combination)


def test_ten_people_are_too_few_to_hide_one_count_beside_another() -> None:
    """A count that is neither below 5 nor above 5 of 10 is 5."""
    shown = published(table((2, 1, 3, 4, 0)))

    assert leaks(shown, table((2, 1, 3, 4, 0))) == []
    assert {each.text for each in shown.values()} == {"hidden"}


def test_large_counts_are_shown_and_so_are_nobody_and_everybody() -> None:
    shown = published(table((20, 6, 7, 8, 0)))

    assert {name: each.text for name, each in shown.items()} == {
        "full": "20",
        "partly": "13",
        "none": "8",
        "not started": "0",
        "passed first": "26",
        "passed second": "27",
    }
    assert published(table((9, 0, 0, 0, 0)))["full"].text == "9"


def test_hidden_counts_say_what_they_may_be() -> None:
    assert Count(1, 4, 60).text == "<5"
    assert Count(56, 59, 60).text == ">55"
    assert Count(5, 55, 60).text == "hidden"
    assert Count(0, 60, 60).text == "hidden"
    assert by_size(3).text == "<5"
    assert by_size(0).text == "0"
    assert by_size(12).text == "12"


@pytest.mark.parametrize("n", range(LEAST))
def test_nothing_is_said_of_fewer_than_five(n: int) -> None:
    shown = published(table((n, 0, 0, 0, 0)))

    assert {(each.low, each.high) for each in shown.values()} == {(0, n)}


def test_published_number_of_known_mistakes_counts_as_known() -> None:
    """Who made a known mistake was not all right; that may be all that a hidden count lacked."""
    members = {
        "a": (True, False, False),
        "b": (False, True, False),
        "c": (False, False, True),
    }
    counts = {"a": 20, "b": 8, "c": 2}
    plain = Table(30, ("a", "b", "c"), counts, members)
    more = Table(30, ("a", "b", "c"), counts, members, (((False, True, False), 8),))

    def possible(shown: dict[str, Count], least_b: int) -> set[int]:
        left = populations(30, 3)
        for i, name in enumerate("abc"):
            left = left[(left[:, i] >= shown[name].low) & (left[:, i] <= shown[name].high)]
        return set(left[left[:, 1] >= least_b][:, 2].tolist())

    assert len(possible(published(plain), 0)) > 1
    assert len(possible(published(more), 8)) > 1


@given(st.lists(st.integers(0, 12), max_size=12))
def test_merged_bins_hold_five_each_and_lose_nobody(counts: list[int]) -> None:
    bins = merged(counts)

    if sum(counts) < LEAST:
        assert bins == []
        return
    assert all(n >= LEAST for _, _, n in bins)
    assert [n for _, _, n in bins] == [sum(counts[a : b + 1]) for a, b, _ in bins]
    assert sum(n for _, _, n in bins) == sum(counts)
    assert bins[0][0] == 0
    assert bins[-1][1] == len(counts) - 1
    assert all(one[1] + 1 == two[0] for one, two in pairwise(bins))
