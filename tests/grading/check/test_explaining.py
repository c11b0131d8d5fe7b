"""Messages of Python and NumPy are explained: each error here is really raised."""

from __future__ import annotations

import numpy as np
import pytest

from grading.check.explaining import explanation
from grading.check.judging import problem_sentence
from grading.probes import Call, Problem

X, W = np.ones((5, 3)), np.ones((2, 3))
NONE, HALF, LIST = None, 0.5, [1.0, 2.0]  # literals in their place make Python warn


def _unknown(dY, w):
    return dy  # ruff: ignore[undefined-name]  # what is tested


def _raises(function, **inputs):
    problem = Call(("y",)).observe(function, inputs).problem
    assert problem is not None
    return problem


ERRORS = {
    "ask about one": lambda: max(X, 0),
    "`x > 0`, and multiply": lambda: 1 if X > 0 else 0,
    "inner sizes must agree": lambda: X @ W,
    "is one of them to be transposed (`.T`)?": lambda: np.dot(X, W),
    "for a number use `*`": lambda: X @ 2.0,
    "a matrix product is `@`": lambda: X * W,
    "needs `keepdims=True`": lambda: X / X.sum(axis=1),
    "written `**`, not `^`": lambda: X ^ 2,
    "In Python a power": lambda: HALF ^ 2,
    "the shape of a matrix has two entries": lambda: _two(X[0].shape),
    "names more or fewer things": lambda: _two(X[0]),
    "`//` divides to a whole number": lambda: X[1.0],
    "An index is a whole number": lambda: LIST[HALF],
    "a float, `//`": lambda: range(3.0),
    "where does it come from": lambda: NONE[0],
    "`None` is what a function without `return` gives": lambda: NONE + X,
    "make one number of it": lambda: float(X),
    "the last of 3 has the index 2": lambda: X[0, 3],
    "`x.shape[0]`": lambda: X[0].shape[1],
    "There are more indices than axes": lambda: X[0][0, 0],
    "A list is not an array": lambda: LIST - LIST,
    "`np.array(...)` makes one": lambda: LIST * HALF,
    "which adds and multiplies": lambda: LIST.shape,
    "entries are taken with square ones": lambda: X(0),
    "a product needs its `*`": lambda: HALF(3),
    "`np.zeros((3, 2))`": lambda: np.zeros(3, 2),
    "begin with floats": lambda: _subtract_in_place(np.arange(3), 0.5),
    "multiply to that number": lambda: X.reshape(4, 4),
    "a vector only 0": lambda: X[0].sum(axis=1),
}


def _two(values):
    first, second = values
    return first, second


def _subtract_in_place(values, step):
    values -= step


@pytest.mark.parametrize(("told", "function"), ERRORS.items(), ids=range(len(ERRORS)))
def test_a_known_message_is_explained_after_the_fact(told, function):
    problem = _raises(function)

    sentence = problem_sentence(problem)

    assert told in explanation(problem)
    assert sentence.startswith(f"It stopped with {problem.type_name}")
    assert sentence.endswith(f"{problem.detail.rstrip('.')}.\n{explanation(problem)}")


def test_the_shapes_that_met_are_named():
    def layer(x, weights, other):
        return other.T, x @ weights

    told = explanation(_raises(layer, x=X, weights=W, other=X))

    assert told.startswith("`x` has shape (5, 3) and `weights` has shape (2, 3); in a matrix")


def test_without_their_names_the_two_sizes_are_told():
    assert explanation(_raises(lambda: X @ W)).startswith("The sizes 2 and 3 meet; ")


def test_a_misspelled_name_is_compared_with_the_arguments():
    known = _raises(_unknown, dY=X, w=W)

    assert explanation(known, ("dY", "w")) == "Did you mean `dY`? Capitals count."
    assert explanation(
        Problem("error", "name 'biases' is not defined", "NameError"), ("bias",)
    ) == ("Did you mean `bias`?")
    assert explanation(Problem("error", "name 'q' is not defined", "NameError"), ("dY",)) == (
        "`q` has no value here: is it spelled as where it was defined, and defined before?"
    )


def test_a_name_that_a_branch_left_without_value_is_explained():
    def branch(flag):
        if flag:
            total = 1
        return total

    assert "in a branch that did not run" in explanation(_raises(branch, flag=0))


@pytest.mark.parametrize(
    "problem",
    [
        Problem("error", "something of the learner's own", "ValueError"),
        Problem("endless", "The truth value of an array"),
    ],
)
def test_what_is_not_known_is_left_to_speak_for_itself(problem):
    assert explanation(problem) == ""


def test_the_quoted_line_stands_on_a_line_of_its_own():
    problem = Problem("error", "division by zero", "ZeroDivisionError", 3, "if f(x):")

    assert problem_sentence(problem).split("\n") == [
        "It stopped with ZeroDivisionError in line 3 of its cell:",
        "    if f(x):",
        "division by zero.",
    ]
