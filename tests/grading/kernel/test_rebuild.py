"""Damaged notebooks are mended and noted; learners' cells stay in their order."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from nbgrader.preprocessors import CheckCellMetadata

from grading.broker._reading import InvalidSubmissionError
from grading.kernel import CourseNotebook, SourceCell
from grading.kernel._rebuild import Rebuilt, blank, rebuild
from grading.limits import Limits
from tests.grading.kernel.books import ANSWER, BOOK, LAST, SETUP, TEST, marked, written
from tests.grading.kernel.courses import cell, notebook

HELPER = "def helper():\n    return 1"
SOLVED = "def f(x):\n    return x + 1"


def rebuilt(*cells: dict[str, Any], book: CourseNotebook = BOOK) -> Rebuilt:
    found = rebuild(written(*cells)["book.ipynb"], book, Limits())
    nbformat.validate(found.notebook)
    CheckCellMetadata().preprocess(found.notebook, {})  # nbgrader itself is content
    return found


def names(found: Rebuilt) -> list[str]:
    return [each.metadata.get("nbgrader", {}).get("grade_id", "") for each in found.notebook.cells]


def sources(found: Rebuilt) -> list[str]:
    return [str(each.source) for each in found.notebook.cells]


def whole(*, answer: str = SOLVED) -> list[dict[str, Any]]:
    return [marked(SETUP), marked(ANSWER, answer), marked(TEST, TEST.released), marked(LAST)]


def test_hidden_tests_are_restored_and_answers_kept():
    found = rebuilt(*whole())

    assert sources(found) == ["import math", SOLVED, TEST.source, "assert True"]
    assert found.notes == ()
    assert found.passive == frozenset()


def test_own_cells_of_the_learner_stay_where_they_are():
    cells = whole()
    found = rebuilt(cells[0], cell("code", HELPER), *cells[1:], cell("markdown", "Done."))

    assert names(found) == ["setup", "", "answer", "test", "last", ""]
    assert sources(found)[1] == HELPER


def test_a_changed_test_is_replaced_and_noted():
    cells = whole()
    cells[2]["source"] = "assert True"
    found = rebuilt(*cells)

    assert sources(found)[2] == TEST.source
    assert found.notes == ("The locked cell test had been changed.",)


@pytest.mark.parametrize(
    "changes",
    [{"points": 100.0}, {"grade": False}, {"solution": True, "grade": False}, {"locked": False}],
    ids=["points", "no_grade", "solution", "unlocked"],
)
def test_marks_come_from_the_release(changes: dict[str, Any]):
    cells = whole()
    cells[2]["metadata"]["nbgrader"] |= changes
    found = rebuilt(*cells)

    assert dict(found.notebook.cells[2].metadata.nbgrader) == TEST.metadata
    assert sources(found)[2] == TEST.source


def test_a_retyped_cell_is_a_test_again():
    cells = whole()
    cells[2] = {**cell("markdown", TEST.released), "metadata": cells[2]["metadata"]}
    found = rebuilt(*cells)

    assert found.notebook.cells[2].cell_type == "code"
    assert sources(found)[2] == TEST.source
    assert "had become a markdown cell" in found.notes[0]


def test_a_deleted_test_is_put_back_behind_its_answer():
    cells = whole()
    found = rebuilt(cells[0], cells[1], cell("code", HELPER), cells[3])

    assert names(found) == ["setup", "answer", "test", "", "last"]
    assert found.notes == ("The cell test was missing and was put back.",)


def test_cells_of_a_notebook_that_lost_all_of_them_are_put_back_in_order():
    found = rebuilt(cell("code", SOLVED))

    assert names(found) == ["setup", "test", "last", ""]


def test_a_deleted_answer_is_not_put_back():
    """The function may stand in a cell without a name; its stub would take its place."""
    cells = whole()
    found = rebuilt(cells[0], cell("code", SOLVED), *cells[2:])

    assert names(found) == ["setup", "", "test", "last"]
    assert found.notes == ("The answer cell answer is missing.",)


def test_a_deleted_answer_with_points_is_put_back_and_not_executed():
    by_hand = SourceCell("by_hand", "code", "x = 1", "", grade=True, solution=True, points=3.0)
    found = rebuilt(*whole(), book=CourseNotebook("book", (*BOOK.cells, by_hand)))

    assert names(found)[-1] == "by_hand"
    assert found.passive == frozenset({4})


def test_of_a_doubled_test_one_keeps_the_name():
    """Plain nbgrader ends the whole batch here."""
    cells = whole()
    found = rebuilt(*cells, marked(TEST, "assert True"))

    assert names(found) == ["setup", "answer", "", "last", "test"]
    assert sources(found)[4] == TEST.source
    assert "was there 2 times" in found.notes[0]


def test_of_a_doubled_answer_the_one_that_was_filled_in_counts():
    cells = whole()
    found = rebuilt(*cells[:2], marked(ANSWER), *cells[2:])

    assert names(found) == ["setup", "answer", "", "test", "last"]


def test_unknown_names_are_no_names():
    cells = whole()
    found = rebuilt(*cells, marked(TEST, "x", grade_id="other", points=50.0))

    assert names(found) == ["setup", "answer", "test", "last", ""]
    assert "name that this notebook does not have" in found.notes[0]


def test_only_plain_pictures_are_attached():
    cells = whole()
    picture, script = {"image/png": "iVBORw0KGgo="}, {"image/svg+xml": "<svg onload=alert(1)>"}
    text = cell("markdown", "![](attachment:a.png)")
    text["attachments"] = {"a.png": picture, "b.svg": script, "c.png": {"image/png": "<script>"}}
    found = rebuilt(*cells, text)

    assert found.notebook.cells[4].attachments == {"a.png": picture}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"cells": 3}',
        b"[" * 100_000,
        b'{"cells": [1], "nbformat": 4}',
    ],
    ids=["empty", "cut", "list", "bytes", "cells", "deep", "cell"],
)
def test_what_is_no_notebook_is_refused_in_a_sentence(data: bytes):
    with pytest.raises(InvalidSubmissionError, match=r"book\.ipynb"):
        rebuild(data, BOOK, Limits())


def test_outputs_and_other_metadata_are_dropped():
    content = notebook(*whole())
    content["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "2.0"}]
    content["cells"][1]["metadata"]["evil"] = {"html": "<script>"}
    found = rebuild(json.dumps(content).encode(), BOOK, Limits())

    assert found.notebook.cells[1].outputs == []
    assert set(found.notebook.cells[1].metadata) == {"nbgrader"}


def test_a_blank_notebook_holds_the_released_cells():
    found = blank(BOOK)

    nbformat.validate(found)
    assert [each.metadata.nbgrader.grade_id for each in found.cells] == [
        "setup",
        "answer",
        "test",
        "last",
    ]
