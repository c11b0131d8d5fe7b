"""Answer every exercise of the course with values that no comparison foresaw.

Properties, diagnoses and explanations run outside of the sandbox, on what came out of it: none may
fall over, take for ever, or take nonsense for an answer. Only unit 00 by default; all units with
NNCOURSE_FULL=1.
"""

from __future__ import annotations

import json
import os
import time

import pytest

from grading.assignments import version_of
from grading.engine import InProcess, Job
from grading.exercises import Exercise, exercises_of_unit
from grading.house import course_root, units
from grading.probes import Call, Iterate, Methods
from tests.attacks._attack import Target, answered
from tests.attacks.test_strange_returns import VALUES

FULL = os.environ.get("NNCOURSE_FULL") == "1"
UNITS = [unit for unit in units(course_root()) if FULL or unit.number == "00"]
MORE = {
    "a huge whole number": "10**300",
    "the largest float": "1.7e308",
    "negative": "-(10**18)",
    "an empty list": "[]",
    "an empty array": "np.zeros(0)",
    "lists in lists": "[[0.0] * 200] * 200",
    "7,000 whole numbers": "[0] * 7_000",
    "a list of NaN": "[float('nan')] * 50",
    "a list of text": "['a', 'b']",
    "NaN in an array": "np.full((5, 3), np.nan)",
    "infinities": "np.full((3, 5), np.inf)",
    "a large array": "np.zeros((500, 500))",
    "huge whole numbers": "np.array([2**63 - 1, -(2**63)])",
    "bools": "np.ones((4, 2), dtype=bool)",
    "None": "None",
}
BUDGET_S = 30.0


def strange(exercise: Exercise, value: str) -> str:
    """Return an answer that gives one value, whatever it is asked."""
    if isinstance(exercise.probe, Methods):
        reads = "".join(
            f"    {name} = property(lambda self: VALUE)\n" for name in exercise.probe.reads
        )
        return (
            f"import numpy as np\n\nVALUE = {value}\n\n\nclass {exercise.id}:\n"
            "    def __init__(self, *a, **k):\n        pass\n\n"
            f"{reads}\n    def __getattr__(self, name):\n        return lambda *a, **k: VALUE\n"
        )
    result = (
        f"({value},) * {len(exercise.probe.returns)}" if isinstance(exercise.probe, Call) else value
    )
    if isinstance(exercise.probe, Call) and len(exercise.probe.returns) == 1:
        result = value
    if isinstance(exercise.probe, Iterate):
        result = f"iter([{value}] * 5)"
    return f"import numpy as np\n\n\ndef {exercise.id}(*a, **k):\n    return {result}\n"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.slug)
@pytest.mark.parametrize("name", [*VALUES, *MORE])
def test_no_exercise_takes_a_strange_value_for_an_answer(
    unit, name: str, engine: InProcess
) -> None:
    path = course_root() / "course" / unit.slug / f"{unit.slug}.ipynb"
    version = version_of(path, b"the secret of this class")
    value = (VALUES | MORE)[name]
    answers = {each.id: strange(each, value) for each in exercises_of_unit(unit.number)}
    began = time.monotonic()

    files = {path.name: _text(version.notebook, answers)}
    [(_, result)] = engine.run([Job("a", files, version)])

    assert result.status in {"failed_tests", "student_error", "timeout", "memory", "killed"}
    assert {cell.exercise: cell.score for cell in result.notebooks[0].cells if cell.score} == {}
    assert time.monotonic() - began < BUDGET_S


def _text(notebook, answers) -> bytes:
    nowhere = Target(*(course_root(),) * 5)
    return json.dumps(answered(notebook, answers, (), nowhere)).encode()


@pytest.fixture(scope="module")
def engine(requires_sandbox: str):
    del requires_sandbox
    with InProcess() as made:
        yield made
