"""Results are plain data: they survive JSON, and their identity leaves the clock out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grading.limits import Limits
from grading.results import (
    STATUSES,
    CellResult,
    CriterionResult,
    NotebookResult,
    Result,
    Usage,
    worst,
)

CRITERIA = (
    CriterionResult("dx", 2.0, 2.0),
    CriterionResult("dW", 1.0, 0.0, "value", "Right on the worked example only. é 中", hidden=True),
)
CELLS = (
    CellResult(
        "check_f", 2.0, 3.0, "failed_tests", "f", CRITERIA, ("one_transposed",), "dW is off"
    ),
    CellResult("essay", None, 5.0, "manual"),
)
RESULT = Result(
    "key",
    "sub",
    "ver",
    "failed_tests",
    (NotebookResult("01-a", CELLS, '{"cells": []}', ("A cell was deleted.",)),),
    usage=Usage(1.25, 0.5, 1000, 20, 1),
)


def test_result_survives_json() -> None:
    assert Result.from_json(RESULT.to_json()) == RESULT


def test_json_is_one_line_of_ascii() -> None:
    text = RESULT.to_json()

    assert "\n" not in text
    assert text.isascii()


def test_points_leave_out_what_a_person_gives() -> None:
    assert (RESULT.points, RESULT.max_points) == (2.0, 8.0)


def test_body_hash_leaves_out_the_usage_and_nothing_else() -> None:
    assert replace(RESULT, usage=Usage()).body_sha256 == RESULT.body_sha256
    for changed in (
        replace(RESULT, status="ok"),
        replace(RESULT, sandbox="none"),
        replace(RESULT, notebooks=()),
        replace(RESULT, message="x"),
    ):
        assert changed.body_sha256 != RESULT.body_sha256


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"notebooks": 3, "usage": {}}', "null", "5"])
def test_what_is_no_result_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Result.from_json(text)


def test_worst_follows_the_order_of_the_statuses() -> None:
    assert worst([]) == "ok"
    for i, status in enumerate(STATUSES):
        assert worst([STATUSES[i - 1] if i else "ok", status]) == status


def test_time_factor_raises_every_time_limit() -> None:
    plain, raised = Limits(), Limits(time_factor=3.0)

    assert raised.cell_s == 3 * plain.cell_s
    assert raised.submission_s == 3 * plain.submission_s
    assert raised.memory_bytes == plain.memory_bytes
