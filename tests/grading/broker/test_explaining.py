"""An appeal is answered with the very cases that decided."""

from __future__ import annotations

import numpy as np
import pytest

from grading.broker import explain
from grading.limits import Limits
from grading.refusals import Refusal
from grading.sandbox import LocalSandboxes
from tests.grading.broker.cases import (
    BACKPROP,
    START,
    dying,
    files,
    graded,
    notebook,
    references,
    version,
)

NAME = "mean_squared_error"
ONLY_MATRICES = f"""def {NAME}(y, targets):
    if y.ndim == 1:
        return 0.0
    return np.mean((y - targets) ** 2)
"""


def test_explanation_shows_each_case_with_what_was_expected_and_got() -> None:
    content = files(notebook({NAME: ONLY_MATRICES}))

    found = explain(content, version(), NAME, Limits(), LocalSandboxes())

    assert found.cell == graded(content).notebooks[0].cells[0]
    assert found.source == ONLY_MATRICES
    assert len(found.cases) == 12
    for case in found.cases:
        y, targets = case.inputs["y"], case.inputs["targets"]
        assert np.isclose(case.expected["loss"], np.mean((y - targets) ** 2))
        assert case.got is not None
        assert bool(case.findings) == (y.ndim == 1)


def test_cases_are_those_of_the_first_time() -> None:
    content = files(notebook())

    first = explain(content, version(), NAME, Limits(), LocalSandboxes())
    again = explain(content, version(), NAME, Limits(), LocalSandboxes())
    elsewhere = explain(content, version(START, b"t" * 32), NAME, Limits(), LocalSandboxes())

    texts = [each.to_text(all_cases=True) for each in (first, again, elsewhere)]
    assert texts[0] == texts[1] != texts[2]


def test_text_reads_case_by_case() -> None:
    found = explain(
        files(notebook({NAME: ONLY_MATRICES})), version(), NAME, Limits(), LocalSandboxes()
    )

    lines = found.to_text(all_cases=True).splitlines()
    assert lines[0] == f"{NAME}: {found.cell.score:g} of 3 points, failed_tests"
    assert sum(line.startswith("case ") for line in lines) == 12
    assert "  right" in lines
    assert any("expected loss" in line for line in lines)


def test_text_begins_with_the_learners_code_and_sums_up_what_is_right() -> None:
    found = explain(
        files(notebook({NAME: ONLY_MATRICES})), version(), NAME, Limits(), LocalSandboxes()
    )
    n_wrong = sum(bool(case.findings) for case in found.cases)

    assert 0 < n_wrong < 12
    assert found.text.count("\ncase ") == n_wrong
    assert "\n  right" not in found.text
    assert f"\n    def {NAME}(y, targets):\n        if y.ndim == 1:" in found.text
    assert found.text.index("the learner's code") < found.text.index("\ncase ")
    assert found.text.endswith(f"\n{12 - n_wrong} further cases are right.")


def test_text_of_a_right_answer_names_the_number_of_its_cases() -> None:
    found = explain(files(notebook()), version(), NAME, Limits(), LocalSandboxes())

    assert found.text.endswith("\n12 cases are right.")


def test_code_of_a_learner_cannot_steer_the_terminal() -> None:
    source = f"def {NAME}(y, targets):\n\treturn '\x1b[2J\u202e'\n"

    found = explain(files(notebook({NAME: source})), version(), NAME, Limits(), LocalSandboxes())

    assert found.source == source
    assert "        return '?[2J?'" in found.text


def test_run_that_ended_shows_the_cases_that_were_not_reached() -> None:
    found = explain(
        files(notebook()), version(), NAME, Limits(), dying("exited", f"observe {NAME}")
    )

    assert found.cell.status == "killed"
    assert found.cases[0].findings
    assert {case.got for case in found.cases[1:]} == {None}
    assert "not reached" in found.text


def test_unreadable_submission_is_explained_by_its_sentence() -> None:
    found = explain(files(b"nonsense"), version(), NAME, Limits(), LocalSandboxes())

    assert found.cases == ()
    assert "is not a notebook" in found.text


def test_unknown_exercise_is_refused() -> None:
    with pytest.raises(Refusal, match="It has mean_squared_error, predict_shapes"):
        explain(files(notebook(references())), version(), "relu", Limits(), LocalSandboxes())


def test_both_are_said_where_inputs_changed_and_values_are_wrong() -> None:
    source = "def relu_backward(x, dy):\n    x[x < 0] = 0\n    return dy * x"
    content = files(notebook({"relu_backward": source}, BACKPROP), BACKPROP)

    found = explain(content, version(BACKPROP), "relu_backward", Limits(), LocalSandboxes())

    assert found.text.count("`x` was changed") == found.text.count("values of `dx` are wrong") > 1
