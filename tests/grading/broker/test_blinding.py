"""What is said about a hidden case holds no number of it."""

from __future__ import annotations

import re

import pytest

from tests.grading.broker.cases import BACKPROP, cell, graded, notebook, references, version

NAME = "linear_backward"

WRONG_WHEN_HIDDEN = {
    "shape": ("dx = dx[:, :1]", "`dx` has the wrong shape."),
    "value": ("dx = dx + 0.123", "`dx` has wrong values."),
    "finite": ("dx = dx * np.nan", "`dx` holds NaN or infinity."),
    "type": ("dx = None", "`dx` has the wrong type."),
    "type of a list": ("dx = dx.tolist()", "`dx` has the wrong type."),
    "inputs": ("x += 1", "changed while the function ran"),
    "arity": ("return dx", "the number of results is off there"),
    "message": (
        "raise ValueError(f'{x} {x.shape}')",
        "it stopped with ValueError in line",
    ),
    "name of an error": (
        "raise type(f'E_{x.size}_{int(x.sum())}', (Exception,), {})(str(x))",
        "on others it stopped with an error",
    ),
    "index": ("x[1234567]", "IndexError"),
    "product": ("x @ x @ x @ x", "ValueError"),
    "unknown name": ("globals()[f'n{x.size}']", "KeyError"),
    "misspelled": ("eval(f'x_{x.size}')", "NameError"),
    "not implemented": ("raise NotImplementedError", ""),
}


def answer(statement: str) -> str:
    """A right answer that goes wrong on any case but the worked example."""
    exercise = version(BACKPROP).exercises[NAME]
    hand = exercise.criteria[0].hand.inputs
    right = references(BACKPROP)[NAME].replace(f"def {NAME}(", "def right(")
    shapes = {name: value.shape for name, value in hand.items()}
    names = ", ".join(hand)
    return (
        f"{right}\n\n\ndef {NAME}({names}):\n    dx, dW, db = right({names})\n"
        f"    if x.shape != {shapes['x']}:\n        {statement}\n    return dx, dW, db\n"
    )


@pytest.mark.parametrize("kind", WRONG_WHEN_HIDDEN)
def test_hidden_failure_is_named_by_its_kind_without_a_number(kind: str) -> None:
    statement, said = WRONG_WHEN_HIDDEN[kind]

    result = graded(notebook({NAME: answer(statement)}, BACKPROP), BACKPROP)

    found = cell(result, NAME)
    assert found.score is not None
    assert found.score < found.max_score
    sentences = [each.sentence for each in found.criteria if each.sentence]
    assert any(said in sentence for sentence in sentences) or (said == "" and not sentences)
    for criterion in found.criteria:
        if criterion.sentence:
            assert criterion.hidden
            assert numbers(criterion.sentence) == [], criterion.sentence


def numbers(sentence: str) -> list[str]:
    """Digits of a sentence that come neither from the learner's own line nor from its number."""
    own = "\n".join(line for line in sentence.split("\n") if not line.startswith("    "))
    own = re.sub(r"in line \d+ of its cell", "", own)
    own = re.sub(r"`\w+`", "", own)  # names of outputs and inputs, as db2
    return re.findall(r"\d+", own)


def test_worked_example_is_told_in_full() -> None:
    source = f"def {NAME}(x, W, dy):\n    return dy @ W.T, x.T @ dy, dy"

    result = graded(notebook({NAME: source}, BACKPROP), BACKPROP)

    [db] = [each for each in cell(result, NAME).criteria if each.sentence]
    assert not db.hidden
    assert "db has shape" in db.sentence
    assert numbers(db.sentence)


def test_quoted_line_is_that_of_the_answer() -> None:
    """The sandbox may say anything about lines; only one that stands in the answer is shown."""
    result = graded(notebook({NAME: answer("raise ValueError(x)")}, BACKPROP), BACKPROP)

    assert any("\n    raise ValueError(x)" in each.sentence for each in cell(result, NAME).criteria)


def test_wrong_values_beside_changed_inputs_are_told_without_a_number() -> None:
    """Else the learner copies x and still gets nothing."""
    source = "def relu_backward(x, dy):\n    x[x < 0] = 0\n    return dy * x"

    found = cell(graded(notebook({"relu_backward": source}, BACKPROP), BACKPROP), "relu_backward")

    assert found.score == 0
    for criterion in found.criteria:
        assert criterion.stage == "inputs"
        assert "`x` was changed while the function ran" in criterion.sentence
        assert criterion.sentence.endswith("Besides, the values of `dx` are wrong.")
        assert numbers(criterion.sentence) == []


def test_right_values_beside_changed_inputs_are_not_called_wrong() -> None:
    source = "def relu_backward(x, dy):\n    x[x < 0] = 0\n    return dy * (x > 0)"

    found = cell(graded(notebook({"relu_backward": source}, BACKPROP), BACKPROP), "relu_backward")

    assert found.score == 0
    assert all("was changed" in each.sentence for each in found.criteria)
    assert not any("Besides" in each.sentence for each in found.criteria)
