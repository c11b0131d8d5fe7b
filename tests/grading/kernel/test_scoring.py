"""Scores are formed by nbgrader's rules, and sentences give no hidden test away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from nbformat import v4

from grading.kernel import CourseNotebook, CourseVersion
from grading.kernel._client import CellOutcome
from grading.kernel._grading import _status
from grading.kernel._rebuild import blank
from grading.kernel._scoring import ENDED, score_cells
from grading.results import CellResult, NotebookResult
from tests.grading.kernel.books import BOOK, TEST, VERSION

PLAIN_TEST = replace(TEST, source="assert f(1) == 2\nassert f(2) == 3")
PLAIN_BOOK = replace(
    BOOK, name="plain", cells=(BOOK.cells[0], BOOK.cells[1], PLAIN_TEST, BOOK.cells[3])
)
PLAIN = replace(VERSION, notebooks=(PLAIN_BOOK,))
BOTH = replace(VERSION, notebooks=(BOOK, PLAIN_BOOK))


def result(value: str) -> Any:
    return v4.new_output("execute_result", {"text/plain": value})


def stream(name: str) -> Any:
    return v4.new_output("stream", name=name, text="said")


def error(name: str, value: str = "said so", line: int = 1) -> Any:
    frame = f"\x1b[0;36mCell \x1b[0;32mIn[3], line {line}\x1b[0m\n----> {line} assert"
    return v4.new_output("error", ename=name, evalue=value, traceback=[f"{name}", frame])


def scored(
    *outputs: Any, how: str = "done", version: CourseVersion = VERSION, book: CourseNotebook = BOOK
) -> CellResult:
    notebook = blank(book)
    notebook.cells[2].outputs = list(outputs)
    outcome = CellOutcome(list(outputs), how)
    return score_cells(notebook, {2: outcome, 3: CellOutcome()}, book, version)[0]


@pytest.mark.parametrize(
    ("outputs", "score"),
    [
        ([], 2.0),
        ([result("0.5")], 0.5),
        ([result("2")], 2.0),
        ([result("'a text'")], 2.0),
        ([result("-1")], 2.0),
        ([result("nan")], 2.0),
        ([stream("stdout"), result("1.0"), error("ValueError")], 1.0),
        ([error("ValueError"), result("1.0")], 0.0),
        ([stream("stdout")], 2.0),
    ],
)
def test_the_first_error_or_result_decides(outputs: list[Any], score: float):
    """The table of nbgrader's ``determine_grade``."""
    assert scored(*outputs).score == score


def status(*cells: CellResult, handed: bool = True) -> str:
    """What is said of a submission of a test and an essay."""
    return _status((NotebookResult("book", cells),), {("book", "essay")} if handed else set())


def test_an_open_written_answer_fails_no_test():
    passed, failed = CellResult("test", 2.0, 2.0, "ok"), CellResult("test", 0.0, 2.0, "not_started")
    essay, blank_ = (
        CellResult("essay", None, 3.0, "manual"),
        CellResult("essay", 0.0, 3.0, "not_started"),
    )

    assert [status(passed, each) for each in (essay, blank_)] == ["ok", "ok"]
    assert [status(failed, each) for each in (essay, blank_)] == ["failed_tests"] * 2
    assert status(blank_) == status(passed, blank_, handed=False) == "failed_tests"


def test_stderr_does_not_decide():
    """Plain nbgrader gives 0: the documented difference."""
    found = [scored(stream("stderr")).score, scored(stream("stderr"), result("0.5")).score]

    assert found == [2.0, 0.5]


@pytest.mark.parametrize("outputs", [[result("3.0")], [result("inf")], [result("")]])
def test_what_is_no_score_waits_for_a_person(outputs: list[Any]):
    """Plain nbgrader's run ends here for the whole submission."""
    cell = scored(*outputs)

    assert (cell.score, cell.status) == (None, "manual")
    assert "a person decides" in cell.message


@pytest.mark.parametrize("how", sorted(ENDED))
def test_a_cell_that_did_not_end_scores_nothing(how: str):
    cell = scored(result("2.0"), how=how)

    assert (cell.score, cell.status, cell.message) == (0.0, *ENDED[how])


def test_visible_line_is_quoted_from_the_release():
    cell = scored(error("AssertionError", line=1))

    assert cell.status == "failed_tests"
    assert cell.message == "The tests stopped with AssertionError in line 1: assert f(1) == 2"
    assert not cell.criteria[0].hidden


@pytest.mark.parametrize("line", [2, 3, 4, 99])
def test_hidden_lines_are_neither_quoted_nor_named(line: int):
    cell = scored(error("ValueError", "f(20) == 21", line=line))

    assert cell.message == "A hidden test did not pass."
    assert cell.criteria[0].hidden
    assert "20" not in repr(cell)


def test_beside_hidden_tests_the_learners_own_words_are_not_repeated():
    """A function that a hidden test calls can put that test into its exception."""
    cell = scored(error("Leaks_f_20_is_21", "assert f(20) == 21", line=1))

    assert "20" not in repr(cell)
    assert "an exception of its own kind" in cell.message


def test_without_hidden_tests_the_message_is_told():
    cell = scored(error("ValueError", "x is\nnegative", line=2), version=PLAIN, book=PLAIN_BOOK)

    assert cell.status == "student_error"
    assert cell.message.endswith("in line 2: assert f(2) == 3 (x is negative)")


def test_one_notebook_with_hidden_tests_silences_all_of_them():
    """They share a folder: what one leaves in a file, the other can raise."""
    cell = scored(error("AssertionError", "f(20) == 21", line=2), version=BOTH, book=PLAIN_BOOK)

    assert "20" not in repr(cell)
    assert cell.message.endswith("in line 2: assert f(2) == 3")
