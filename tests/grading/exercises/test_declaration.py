"""A declaration that breaks the contract is refused when it is made, with the rule it breaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grading.exercises import Criterion, FunctionFixture, HandCase, Hint, exercise

SOUND = exercise("mean_squared_error")
FIRST, *OTHERS = SOUND.misconceptions


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"id": "mean squared"}, "the id must be a function name"),
        ({"criteria": ()}, "at least one criterion is needed"),
        ({"criteria": SOUND.criteria[:1] * 2}, "criteria must have different names"),
        (
            {"criteria": (Criterion("matrix", 0, ("loss",), HandCase({})), SOUND.criteria[1])},
            "every criterion must earn more than 0 points",
        ),
        ({"alternatives": SOUND.alternatives[:1]}, "at least 2 alternatives are needed"),
        ({"misconceptions": SOUND.misconceptions[:3]}, "at least 4 misconceptions are needed"),
        ({"misconceptions": SOUND.misconceptions[:1] * 4}, "must have different names"),
        (
            {"misconceptions": (replace(FIRST, fails=()), *OTHERS)},
            "must fail at least one criterion",
        ),
        (
            {"misconceptions": (replace(FIRST, fails=("dW",)), *OTHERS)},
            "and only declared ones",
        ),
        ({"hints": SOUND.hints[:2]}, "exactly 3 hints are needed"),
        (
            {"hints": (Hint("a", "b", ("dW",)), *SOUND.hints[1:])},
            "a hint may point to declared criteria only",
        ),
        (
            {"hints": (Hint("a", "b", (), ("shapes",)), *SOUND.hints[1:])},
            "a hint's stages must be among problem, ",
        ),
        ({"n_cases": 4}, "at least 5 random cases are needed"),
        ({"difficulty": 6}, "difficulty runs from 1 to 5"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named(changes, rule):
    with pytest.raises(ValueError, match=r"^Exercise '.*': .*" + rule):
        replace(SOUND, **changes)


def test_points_add_up_and_count_in_core_exercises_only():
    further = replace(SOUND, tier="further")

    assert SOUND.points == {"matrix": 2, "vector": 1}
    assert (SOUND.total, SOUND.graded_total) == (3, 3)
    assert (further.total, further.graded_total) == (3, 0)


def test_a_function_fixture_stops_answering_at_its_cap():
    fixture = FunctionFixture(
        "quadratic", {"A": np.diag([2.0, 4.0]), "b": np.array([1.0, 0.0])}, max_calls=2
    )
    function = fixture.build()

    values = [function(np.array([1.0, 1.0])), function(np.array([0.0, 3.0]))]

    assert values == [4.0, 18.0]  # ½(2 + 4) + 1 and ½·4·9, by hand
    with pytest.raises(RuntimeError, match="called more than 2 times"):
        function(np.zeros(2))
