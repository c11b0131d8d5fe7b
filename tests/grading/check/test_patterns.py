"""Results in another order, outputs that never change, arguments that nobody reads."""

from __future__ import annotations

import numpy as np
import pytest

from grading.check.checking import examine
from grading.check.lookup import Found
from grading.check.patterns import unread_arguments
from grading.exercises import exercise

LINEAR = exercise("linear_backward")
MSE = exercise("mean_squared_error")
SHAPES = exercise("predict_shapes")


def _report(declared, function):
    return examine(declared, Found(function))


def test_right_results_in_another_order_are_said_to_be_so():
    def swapped(x, W, dy):
        dx, dW, db = LINEAR.reference(x, W, dy)
        return dW, db, dx

    report = _report(LINEAR, swapped)

    assert report.sentence == (
        "The results are right but in another order: the text between the triple quotes asks for "
        "`dx, dW, db`."
    )
    assert {row.sentence for row in report.rows} == {report.sentence}
    assert report.earned == 0
    assert report.hint is None


def test_shapes_alone_show_no_order():
    def swapped_and_wrong(x, W, dy):
        dx, dW, db = LINEAR.reference(x, W, dy)
        return dW, dx + 1, db

    assert "shape" in _report(LINEAR, swapped_and_wrong).sentence


def test_two_results_that_may_be_equal_need_a_place_each():
    """h and dh have one shape: either may stand for the other, but not for both."""

    def h_twice(n, d_in, d_hidden, d_out):
        h, _, *others = SHAPES.reference(n, d_in, d_hidden, d_out)
        return h, h, *others

    def weights_swapped(n, d_in, d_hidden, d_out):
        h, y, dW2, db2, dh, dW1, db1 = SHAPES.reference(n, d_in, d_hidden, d_out)
        return h, y, dW1, db1, dh, dW2, db2

    assert "another order" not in _report(SHAPES, h_twice).sentence
    assert "another order" in _report(SHAPES, weights_swapped).sentence


Y = np.array([[1.0, 2.0], [3.0, 4.0]])
TARGETS = np.zeros((2, 2))


def test_an_answer_that_never_changes_is_asked_about_the_notebooks_variables():
    def uses_a_notebook_variable(y, targets):
        return float(np.mean((Y - TARGETS) ** 2))

    def overwrites(y, targets):
        targets = TARGETS
        return float(np.mean((Y - targets) ** 2)) + 0 * y.size

    both, one = _report(MSE, uses_a_notebook_variable), _report(MSE, overwrites)

    assert both.sentence == (
        "`loss` does not change with the arguments: `y` and `targets` are never used. Does the "
        "function use a variable of the notebook instead of these arguments?"
    )
    assert one.sentence == (
        "`loss` does not change with the arguments: `targets` is never used. Does the function "
        "use a variable of the notebook instead of this argument?"
    )


def test_an_answer_that_changes_is_not_called_constant():
    assert "does not change" not in _report(MSE, lambda y, targets: float(y.sum())).sentence


def test_one_case_alone_shows_nothing_constant():
    def fails_after_the_first(x, W, dy, seen=[]):  # ruff: ignore[mutable-argument-default]  # counts calls
        seen.append(1)
        if len(seen) > 1:
            raise ValueError
        return x * 0 + 1, W * 0, dy[0] * 0

    assert "does not change" not in _report(LINEAR, fails_after_the_first).sentence


def _closure(x, w):
    return (lambda: x + 1)()


def _looks_up_locals(x, w):
    return locals()["w"]


def _text_and_attribute(x, w):
    return x.w, "w"


@pytest.mark.parametrize(
    ("function", "unread"),
    [
        (lambda x, w: x + 1, ("w",)),
        (lambda x, w: x + w, ()),
        (lambda x, *, w: x, ("w",)),
        (_closure, ("w",)),
        (_looks_up_locals, ()),
        (_text_and_attribute, ("w",)),
        (np.sum, ()),
        (int, ()),
    ],
)
def test_arguments_that_are_never_used(function, unread):
    assert unread_arguments(function) == unread
