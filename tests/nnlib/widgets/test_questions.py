"""Prediction and SelfCheck: what agrees, what counts, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from nnlib.widgets import Prediction, Question, SelfCheck

Node = Callable[[str, str], Any]


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("0.68", True),
        ("0.69", True),
        ("0,67", True),
        ("0.6951", False),
        ("17/25", True),
        ("-0.68", False),
    ],
)
def test_number_agrees_within_its_tolerance(node: Node, typed: str, right: bool) -> None:
    spec = "{choices: [], right: 0.68, tolerance: 0.01}"

    assert node("prediction.js", f'm.agrees("{typed}", {spec})') is right


def test_choice_agrees_by_its_text(node: Node) -> None:
    spec = '{choices: ["a lot", "a little"], right: 1, tolerance: 0}'

    assert node("prediction.js", f'["a lot", "a little"].map((c) => m.agrees(c, {spec}))') == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("½", 0.5),
        ("−3", -3),
        (" 1/4 ", 0.25),
        ("1e-5", 1e-5),
        ("", None),
        ("x", None),
        ("1/", None),
    ],
)
def test_typed_numbers_are_read_as_a_reader_means_them(
    node: Node, typed: str, value: float | None
) -> None:
    assert node("_kit.js", f"m.parseNumber({json.dumps(typed)})") == value


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("fixed(-0.00001, 4)", "0.0000"),
        ("fixed(-0.19028, 4)", "−0.1903"),
        ("short(0.35)", "0.35"),
        ("short(100)", "100"),
        ("short(-2)", "−2"),
        ("scientific(2.3e-7)", "2.3·10⁻⁷"),
        ("scientific(0)", "0"),
        ("fixed(NaN)", "not finite"),
        ("subscript('w13')", "w₁₃"),
    ],
)
def test_numbers_are_printed_for_readers(node: Node, call: str, text: str) -> None:
    assert node("_kit.js", f"m.{call}") == text


def test_score_counts_right_and_answered(node: Node) -> None:
    questions = json.dumps([{"answer": 0}, {"answer": 2}, {"answer": 1}])

    assert node("self_check.js", f"m.score({questions}, [0, 1, -1])") == {"right": 1, "answered": 2}


@pytest.mark.parametrize("answer", [2, -1, 0.5])
def test_answer_that_is_no_choice_is_refused(answer: float) -> None:
    with pytest.raises(ValueError, match="expected the index of one of the 2 choices"):
        Prediction(key="k", question="q", choices=["a", "b"], answer=answer, because="b")


def test_negative_tolerance_is_refused() -> None:
    with pytest.raises(ValueError, match="tolerance is -1, expected 0 or more"):
        Prediction(key="k", question="q", answer=2, tolerance=-1, because="b")


def test_question_with_one_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="answer is 0 for 1 choices, expected at least two"):
        Question("q", ["only"], 0, "b")


def test_self_check_starts_with_nothing_chosen() -> None:
    check = SelfCheck(key="01", questions=[Question("q", ["a", "b"], 0, "b")] * 5)

    assert check.chosen == [-1] * 5
