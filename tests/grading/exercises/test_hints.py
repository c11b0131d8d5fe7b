"""The hint that opens fits what the learner sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grading.check.checking import examine
from grading.check.lookup import Found
from grading.exercises import Exercise, all_exercises, exercise


def opened(name: str, answer: Callable[..., Any]) -> str:
    """Return the title of the hint that a learner with this answer is pointed to."""
    hint = examine(exercise(name), Found(answer)).hint
    return hint.symptom if hint else ""


def wrong(name: str, misconception: str) -> Callable[..., Any]:
    """Return the implementation of a known wrong answer."""
    return next(m.function for m in exercise(name).misconceptions if m.name == misconception)


@pytest.mark.parametrize(
    ("name", "misconception", "words"),
    [
        ("mean_squared_error", "stray_half", "by a factor"),
        ("mean_squared_error", "divided_by_rows_only", "by a factor"),
        ("mean_squared_error", "mean_over_rows_only", "has a shape"),
        ("linear_backward", "weight_gradient_averaged", "off by a factor"),
        ("linear_backward", "bias_gradient_averaged", "off by a factor"),
        ("linear_backward", "averaged_twice", "off by a factor"),
        ("linear_backward", "last_row_only", "too small"),
        ("linear_backward", "weight_gradient_transposed", "which product"),
        ("linear_backward", "input_gradient_with_W_not_transposed", "matmul complains"),
        ("linear_backward", "bias_gradient_not_summed", "db has the wrong shape"),
        ("softmax_cross_entropy", "one_maximum_for_the_batch", "NaN or infinity"),
        ("softmax_cross_entropy", "columns_of_every_row", "dz is off"),
        ("softmax_cross_entropy", "log_of_a_vanished_probability", "NaN or infinity"),
        ("softmax_cross_entropy", "epsilon_inside_log", "is cut off"),
        ("relu_backward", "relu_value_for_slope", "in many entries"),
        ("relu_backward", "slope_one_at_zero", "x is exactly 0"),
        ("sigmoid_backward", "input_recovered", "NaN"),
        ("find_slips", "magnitudes_compared", "Slips are missed"),
        ("find_slips", "only_too_large", "Slips are missed"),
        ("find_slips", "fixed_tolerance", "Slips are missed"),
        ("find_slips", "rounds_before_comparing", "honest entries"),
        ("backward_graph", "list_order_taken_as_topological", "shuffled"),
    ],
)
def test_hint_is_titled_by_the_symptom(
    name: str, misconception: str, words: str, home: Path
) -> None:
    assert words in opened(name, wrong(name, misconception))


def test_comparing_a_whole_array_in_an_if_opens_the_hint_about_it(home: Path) -> None:
    def relu_backward(x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        return dy if x > 0 else 0 * dy

    assert "`if x > 0`" in opened("relu_backward", relu_backward)


def test_following_every_path_is_stopped_and_told_why(home: Path) -> None:
    def backward_graph(graph: list[list[Any]], values: np.ndarray) -> np.ndarray:
        gradient = np.zeros(len(graph))

        def follow(i: int, upstream: float) -> None:
            gradient[i] += upstream
            operation, parents = graph[i]
            for position, p in enumerate(parents):
                local = {"exp": values[i], "negate": -1.0}.get(operation, 1.0)
                if operation == "multiply":
                    local = values[parents[1 - position]]
                follow(p, upstream * local)

        read = {p for _, parents in graph for p in parents}
        follow(next(i for i in range(len(graph)) if i not in read), 1.0)
        return gradient

    report = examine(exercise("backward_graph"), Found(backward_graph))

    assert {row.criterion: row.earned for row in report.rows} == {
        "chain": 1.0,
        "shared": 2.0,
        "shuffled": 0.0,
    }
    assert report.hint is not None
    assert "2³⁰ paths" in report.hint.text


@pytest.mark.parametrize("each", all_exercises(), ids=lambda each: each.id)
def test_learners_are_not_told_of_stubs(each: Exercise) -> None:
    """Learners know the text between the triple quotes, not the word."""
    texts = [m.message for m in each.misconceptions]
    texts += [hint.symptom + hint.text for hint in each.hints] + [each.solution_note]

    assert not any("stub" in text.lower() for text in texts)
