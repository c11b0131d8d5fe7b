"""A solution that a learner opens runs in a notebook that knows NumPy alone."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from grading.check.checking import examine
from grading.check.lookup import Found
from grading.check.solution import solution_text, source_of
from grading.check.watchdog import watch
from grading.exercises import all_exercises

BASE = 2


def _helper(x: float) -> float:
    return x * BASE


@functools.cache
def _power(
    x: float,
    n: int,  # how often
) -> float:
    """Multiply ``x`` n times; calls itself."""
    # A comment stays.
    return 1.0 if n == 0 else _helper(x) / 2 * _power(x, n - 1)


class _Counter:
    """Counts."""

    def __init__(self) -> None:
        self.n = 0


@pytest.fixture
def without_hurry(monkeypatch):
    """Give every answer half a minute: on a busy machine a slow one would be stopped."""
    monkeypatch.setattr("grading.check.checking.watch", lambda work, limit_s: watch(work, 30.0))


@pytest.mark.usefixtures("without_hurry")
@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda exercise: exercise.id)
def test_both_styles_of_a_shown_solution_run_with_numpy_alone_and_pass(exercise):
    text = solution_text(exercise)
    note, one_way, another_way = text.replace("# Another way\n", "# One way\n").split("# One way\n")

    assert note.strip()
    for source in (one_way, another_way):
        namespace = {"np": np}
        exec(compile(source, "cell", "exec", dont_inherit=True), namespace)
        report = examine(exercise, Found(namespace[exercise.id]))
        assert (report.state, report.sentence[:5]) == ("passed", "Right")


@pytest.mark.usefixtures("without_hurry")
@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda exercise: exercise.id)
def test_every_known_wrong_answer_runs_in_a_notebook_as_in_its_module(exercise):
    """The course is tried with notebooks made from them."""
    for misconception in exercise.misconceptions:
        namespace = {"np": np}
        exec(source_of(misconception.function, exercise.id), namespace)

        pasted = examine(exercise, Found(namespace[exercise.id]), seed=0)

        assert {row.criterion for row in pasted.rows if not row.earned} == set(misconception.fails)


def test_nothing_is_dropped_but_the_decorator():
    source = source_of(_power, "power")

    namespace: dict = {}
    exec(source, namespace)
    assert namespace["power"](3.0, 4) == 81
    assert "_power" not in source
    assert "# A comment stays." in source
    assert "n,  # how often" in source
    assert "@functools" not in source


def _hinted(
    x: dict[str, tuple[int, ...]], *rest: np.ndarray, key: object = lambda é: é, n: int = 3
) -> tuple[int, ...]:
    return x, rest, key, n


def test_a_signature_loses_its_type_hints_and_keeps_its_defaults():
    assert source_of(_hinted, "f").splitlines() == [
        "def f(x, *rest, key=lambda é: é, n=3):",
        "    return x, rest, key, n",
    ]
    assert "def power(\n    x,\n    n,  # how often\n):\n" in source_of(_power, "power")


def test_a_class_is_renamed():
    namespace: dict = {}

    exec(source_of(_Counter, "Counter"), namespace)

    assert namespace["Counter"]().n == 0
