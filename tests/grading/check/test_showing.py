"""Values in a report: short, aligned, and apart where they differ."""

from __future__ import annotations

import numpy as np
import pytest

from grading.check.showing import shown, shown_pair
from grading.exercises import FunctionFixture

STAR = ("", "*")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([[1.0, -2.25], [10.0, 0.5]]), "[[ 1.00 -2.25]\n [10.00  0.50]]"),
        (np.array([1, -20]), "[  1 -20]"),
        (np.array([True, False]), "[ True False]"),
        (np.array(2.5), "2.5"),
        (np.zeros((0, 3)), "[]"),
        (np.zeros((2, 2, 2)), "[[[0.0 0.0]\n  [0.0 0.0]]\n\n [[0.0 0.0]\n  [0.0 0.0]]]"),
        (np.array([1e-9, 2e-9]), "[1.0000e-09 2.0000e-09]"),
        (np.array([np.nan, np.inf, 1.0]), "[nan inf 1.0]"),
        (np.zeros((9, 8)), "array of shape (9, 8)"),
        (np.zeros(12), "[0.0 0.0 0.0 0.0 0.0 0.0 0.0 0.0 0.0 0.0\n 0.0 0.0]"),
        ([1, [2, 3]], "[1, [2, 3]]"),
        ([np.zeros((2, 1)), 1], "[[[0.0]\n  [0.0]],\n 1]"),
        ([[0] * 40] * 40, "list of 40"),
        (2 / 3, "0.666667"),
        ("a\nb", "'a\\nb'"),
        (
            FunctionFixture("quadratic", {"A": np.eye(2), "b": np.zeros(2)}),
            "a function, quadratic with A = [[1.0 0.0]\n [0.0 1.0]], b = [0.0 0.0]",
        ),
    ],
)
def test_a_value_is_written_shortly(value, text):
    assert shown(value) == text


def test_the_entries_that_differ_carry_a_mark_and_stay_aligned():
    expected = np.array([[1.0, 2.0], [3.0, 4.0]])
    got = np.array([[1.0, 2.5], [30.0, 4.0]])

    texts = shown_pair(expected, got, 1e-6, 1e-9, STAR)

    assert texts == ("[[1.0 2.0]\n [3.0 4.0]]", "[[ 1.0   2.5*]\n [30.0*  4.0]]")


def test_digits_grow_until_a_small_difference_shows():
    expected, got = shown_pair(np.array([0.5]), np.array([0.5000003]), 1e-9, 1e-9, STAR)

    assert (expected, got) == ("[0.5000000]", "[0.5000003*]")


def test_numbers_that_differ_never_look_alike():
    assert shown_pair(0.1, 0.1 + 1e-12, 1e-15, 0.0) == ("0.1", "0.10000000000100001")


def test_arrays_of_different_shape_are_written_without_marks():
    assert shown_pair(np.zeros(2), np.ones(3), 1e-6, 1e-9, STAR) == ("[0.0 0.0]", "[1.0 1.0 1.0]")


def test_whole_numbers_in_a_list_are_compared_as_shapes():
    assert shown_pair([2], [2, 5], 1e-6, 1e-9) == ("(2,)", "(2, 5)")
    assert shown_pair([True], [0.5], 1e-6, 1e-9) == ("[True]", "[0.5]")
