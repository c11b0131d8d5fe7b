"""One output against its expected value: what agrees, and the sentence where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from grading.check.comparing import compare, differing
from grading.probes import plain

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

SENTENCES = [
    (A.T, A, "shape", "dW has shape (3, 2), expected (2, 3). It looks transposed."),
    (A[0], A, "shape", "dW has shape (3,), expected (2, 3)."),
    (A.tolist(), A, "type", "dW is a list or tuple, expected a NumPy array of shape (2, 3)."),
    (
        None, A, "type",
        "dW is None, expected a NumPy array of shape (2, 3). Is the return line missing?",
    ),
    (
        A.astype("f4"), A, "type",
        "dW has dtype float32, expected float64: precision was lost.",
    ),
    (A.astype("U3"), A, "type", "dW has dtype <U3, expected float64."),
    (
        np.where(A > 4, np.nan, A), A, "finite",
        "dW has 2 of 6 entries that are NaN or infinite, the first at [1, 1].",
    ),
    (
        3 * A, A, "value",
        "dW is wrong in 6 of 6 entries; every entry is 3 times what is expected. "
        "The largest difference is at [1, 2]: got 18, expected 6.",
    ),
    (
        -A, A, "value",
        "dW is wrong in 6 of 6 entries; every sign is opposite. "
        "The largest difference is at [1, 2]: got -6, expected 6.",
    ),
    (
        A + np.array([[0, 0, 0], [0, 1e-5, 0]]), A, "value",
        "dW is wrong in 1 of 6 entries. "
        "The largest difference is at [1, 1]: got 5.00001, expected 5.",
    ),
    (
        A + np.array([[0, 0, 0], [0, 6e-6, 0]]), A, "value",
        "dW is wrong in 1 of 6 entries. "
        "The largest difference is at [1, 1]: got 5.00001, expected 5.",
    ),
    (2.5, 5.0, "value", "dW is 2.5, expected 5; it is 0.5 times what is expected."),
    (-5.0, 5.0, "value", "dW is -5, expected 5; the sign is opposite."),
    (5.1, 5.0, "value", "dW is 5.1, expected 5."),
    (True, 5.0, "type", "dW is a bool, expected one number."),
    (A, 5.0, "shape", "dW is an array of shape (2, 3), expected one number."),
    ({}, 5.0, "type", "dW is of type dict, expected one number."),
    ([1, 2], [1, 2, 3], "shape", "dW has 2 entries, expected 3."),
    (2, 4, "value", "dW is 2, expected 4."),
    (
        np.array([2, 6]), np.array([1, 3]), "value",
        "dW is wrong in 2 of 2 entries. The largest difference is at [1]: got 6, expected 3.",
    ),
    ([6, 4], [3, 2], "value", "dW[0] is 6, expected 3."),
    (
        4, [4], "type",
        "dW is a whole number, expected a list or tuple of 1. `(4)` is just a number; a tuple of "
        "one needs a comma: `(4,)`.",
    ),
    ([1, [2, 4]], [1, [2, 3]], "value", "dW[1][1] is 4, expected 3."),
    ("x" * 1000, "yes", "value", f"dW is '{'x' * 78}…, expected 'yes'."),
    (1, "yes", "type", "dW is a whole number, expected text."),
    (1, True, "type", "dW is a whole number, expected a bool."),
]  # fmt: skip


@pytest.mark.parametrize(("got", "expected", "stage", "sentence"), SENTENCES)
def test_a_difference_is_put_in_one_sentence(got, expected, stage, sentence):
    assert compare("dW", plain(got), expected, 1e-6, 1e-9) == (stage, sentence)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (A * (1 + 5e-7), A),
        (A.astype(int), A),
        (np.float32(0.1), 0.1),
        (np.array(5.0), 5.0),
        (5, 5.0),
        ((1, (2, 3)), [1, [2, 3]]),
        (np.array([1.0, 2.0]), [1, 2]),
        (np.bool_(True), True),
        (np.str_("yes"), "yes"),
    ],
)
def test_what_differs_in_form_only_agrees(got, expected):
    tolerance = 1e-6 if not isinstance(got, np.float32) else 1e-7

    assert compare("y", plain(got), expected, tolerance, 1e-8) is None


def test_a_nan_differs_from_everything():
    wrong = differing(np.array([np.nan, 1.0, np.inf]), np.array([np.nan, 1.0, 1.0]), 1e-6, 1e-9)

    assert wrong.tolist() == [True, False, True]
