"""What comes out of the sandbox is not believed: a lie fails an exercise and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from grading.broker import _observing
from grading.broker._observing import answers_to_calls, cell_error
from grading.exercises import FunctionFixture
from grading.probes import Opaque
from tests.grading.broker.cases import Told, cell, graded, notebook

NAME = "mean_squared_error"
GOOD = {"outputs": {"loss": 1.0}, "problem": None, "mutated": (), "rounded": (), "printed": "",
        "n_printed": 0}  # fmt: skip
PROBLEM = ["error", "text", "ValueError", 1, "line", ["x"], [["x", [2]]]]

LIES: dict[str, Any] = {
    "nothing": {},
    "a score": {"score": 3.0, "points": 3.0},
    "found is a list": {"found": ["yes"], "observation": GOOD},
    "found is a number": {"found": 1},
    "no observation": {"found": "yes"},
    "an observation of text": {"found": "yes", "observation": "right"},
    "a list": {"found": "yes", "observation": [GOOD]},
    "no outputs": {"found": "yes", "observation": {**GOOD, "outputs": {}}},
    "outputs missing": {"found": "yes", "observation": {"problem": None}},
    "more outputs": {
        "found": "yes",
        "observation": {**GOOD, "outputs": {"loss": 1.0, "points": 3.0}},
    },
    "outputs as a list": {"found": "yes", "observation": {**GOOD, "outputs": [1.0]}},
    "NaN": {"found": "yes", "observation": {**GOOD, "outputs": {"loss": float("nan")}}},
    "infinity": {"found": "yes", "observation": {**GOOD, "outputs": {"loss": float("inf")}}},
    "a long text": {"found": "yes", "observation": {**GOOD, "outputs": {"loss": "9" * 10**6}}},
    "opaque": {"found": "yes", "observation": {**GOOD, "outputs": {"loss": Opaque("float")}}},
    "None": {"found": "yes", "observation": {**GOOD, "outputs": {"loss": None}}},
    "True": {"found": "yes", "observation": {**GOOD, "outputs": {"loss": True}}},
    "complex": {"found": "yes", "observation": {**GOOD, "outputs": {"loss": np.array(1j)}}},
    "text array": {"found": "yes", "observation": {**GOOD, "outputs": {"loss": np.array("1")}}},
    "empty array": {"found": "yes", "observation": {**GOOD, "outputs": {"loss": np.zeros(0)}}},
    "a deep list": {"found": "yes", "observation": {**GOOD, "outputs": {"loss": [[[[[]]]]]}}},
    "an unknown problem": {
        "found": "yes",
        "observation": {**GOOD, "problem": ["passed", *PROBLEM[1:]]},
    },
    "a short problem": {"found": "yes", "observation": {**GOOD, "problem": ["error"]}},
    "a long message": {
        "found": "yes",
        "observation": {**GOOD, "problem": ["error", "m" * 10**6, "T" * 10**5, *PROBLEM[3:]]},
    },
    "a sentence of its own": {
        "found": "yes",
        "observation": {**GOOD, "problem": ["endless", "secret", *PROBLEM[2:]]},
    },
    "a line from elsewhere": {
        "found": "yes",
        "observation": {**GOOD, "problem": [*PROBLEM[:3], 10**30, "secret", [], []]},
    },
    "unknown inputs changed": {"found": "yes", "observation": {**GOOD, "mutated": ("gradebook",)}},
    "changed is a number": {"found": "yes", "observation": {**GOOD, "mutated": 3}},
    "a negative count": {"found": "yes", "observation": {**GOOD, "n_printed": -1}},
}


@pytest.mark.parametrize("lie", LIES)
def test_lie_earns_nothing_and_harms_nobody(lie: str) -> None:
    def tell(message: Mapping[str, Any]) -> dict[str, Any] | None:
        return LIES[lie] if message.get("exercise") == NAME else None

    result = graded(notebook(), sandboxes=Told(tell))

    [lost, kept] = result.notebooks[0].cells
    assert (lost.score, lost.status) == (0.0, "failed_tests")
    assert (kept.score, kept.status) == (4.0, "ok")
    for criterion in lost.criteria:
        assert 0 < len(criterion.sentence) < 700
        assert "secret" not in criterion.sentence
    result.to_json()


def test_result_beyond_all_size_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_observing, "MAX_BYTES", 1_000)
    source = f"def {NAME}(y, targets):\n    return [np.zeros(90), np.zeros(90)]"

    result = graded(notebook({NAME: source}))

    assert "larger than what is looked at" in cell(result, NAME).criteria[0].sentence


def test_control_characters_of_a_message_reach_no_terminal() -> None:
    source = f"def {NAME}(y, targets):\n    raise ValueError('\x1b[31m\u202e')"

    sentence = cell(graded(notebook({NAME: source})), NAME).criteria[0].sentence

    assert "?[31m" in sentence
    assert not set(sentence) & {"\x1b", "\u202e"}


@pytest.mark.parametrize(
    "error",
    [1, "text", [], {}, {"type": 1, "message": [], "line": "3"}, {"type": "<b>" * 99, "line": -1}],
)
def test_error_of_a_cell_is_read_with_care(error: Any) -> None:
    found = cell_error({"error": error})

    assert found is not None
    assert found.line is None
    assert len(found.type_name) <= 40
    assert "<" not in found.type_name


def square(max_calls: int = 3) -> dict[str, Any]:
    return {"f": FunctionFixture("sum_of_exponentials", {"w": np.zeros(2)}, max_calls), "x": 1.0}


def test_call_of_a_given_function_is_answered() -> None:
    answer = answers_to_calls(square())

    assert answer({"call": "f", "arguments": [np.ones(2)]}) == {"result": 2.0}


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"call": "x", "arguments": []},
        {"call": "eval", "arguments": ["1"]},
        {"call": "__class__", "arguments": []},
        {"call": ["f"], "arguments": []},
        {"call": "f"},
        {"call": "f", "arguments": "ab"},
        {"call": "f", "arguments": []},
        {"call": "f", "arguments": [1, 2, 3]},
        {"call": "f", "arguments": [Opaque("array")]},
        {"call": "f", "arguments": ["text"]},
        {"call": "f", "arguments": [np.zeros((3, 5))]},
        {"call": "f", "arguments": [None]},
    ],
)
def test_forged_call_raises_inside_and_nowhere_else(forged: dict[str, Any]) -> None:
    reply = answers_to_calls(square())(forged)

    name, message = reply["raises"]
    assert name in {"RuntimeError", "TypeError", "ValueError"}
    assert len(message) <= 300


def test_calls_are_capped() -> None:
    answer = answers_to_calls(square(max_calls=3))

    replies = [answer({"call": "f", "arguments": [np.ones(2)]}) for _ in range(5)]

    assert [list(reply) for reply in replies] == [["result"]] * 3 + [["raises"]] * 2
