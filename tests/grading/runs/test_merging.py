"""Two results of one submission: only what was judged anew may change, and only up."""

from __future__ import annotations

import json
from dataclasses import replace

from grading.results import CellResult, CellState, NotebookResult, Result
from grading.runs._merging import differences, may_merge, merged


def cell(name: str, score: float | None, top: float = 4.0, status: CellState = "ok") -> CellResult:
    return CellResult(f"check_{name}", score, top, status, exercise=name)


def notebook(*said: str) -> str:
    cells = [
        {"metadata": {"nbgrader": {"grade_id": f"check_{name}"}}, "outputs": [text]}
        for name, text in (each.split("=") for each in said)
    ]
    return json.dumps({"cells": cells})


def result(*cells: CellResult, version: str = "v1", text: str = "") -> Result:
    return Result("k", "s", version, "ok", (NotebookResult("x", cells, autograded=text),))


def points(found: Result) -> list[float | None]:
    return [each.score for book in found.notebooks for each in book.cells]


def test_exercise_that_did_not_change_keeps_its_old_verdict() -> None:
    old, new = result(cell("a", 1), cell("b", 1)), result(cell("a", 4), cell("b", 4))

    assert points(merged(old, new, frozenset({"b"}))) == [1, 4]


def test_changed_exercise_keeps_the_higher_score() -> None:
    old, new = result(cell("a", 3), cell("b", 1)), result(cell("a", 2), cell("b", 2))

    assert points(merged(old, new, frozenset({"a", "b"}))) == [3, 2]
    assert points(merged(old, new, None)) == [3, 2]


def test_new_result_is_taken_whole_where_nothing_is_kept() -> None:
    old, new = result(cell("a", 1)), result(cell("a", 1), version="v2")

    assert merged(old, new, frozenset()) is new


def test_kept_score_is_at_most_what_the_exercise_is_worth_now() -> None:
    old, new = result(cell("a", 4, 4.0)), result(cell("a", 0, 3.0))

    (kept,) = merged(old, new, frozenset({"a"})).notebooks[0].cells
    assert (kept.score, kept.max_score) == (3.0, 3.0)


def test_exercise_that_is_new_in_the_notebook_is_taken() -> None:
    assert points(merged(result(), result(cell("a", 2)), frozenset())) == [2]


def test_outputs_beside_a_kept_score_are_those_that_belong_to_it() -> None:
    old = result(cell("a", 4), cell("b", 1), text=notebook("a=right", "b=wrong"))
    new = result(cell("a", 0), cell("b", 4), text=notebook("a=wrong", "b=right"))

    text = json.loads(merged(old, new, frozenset({"a", "b"})).notebooks[0].autograded)

    assert [each["outputs"] for each in text["cells"]] == [["right"], ["right"]]


def test_status_follows_the_cells_that_count() -> None:
    old = result(cell("a", 4), cell("b", 0, status="timeout"))
    new = replace(result(cell("a", 0, status="failed_tests"), cell("b", 4)), status="failed_tests")

    assert merged(old, new, frozenset({"a", "b"})).status == "ok"
    assert merged(old, new, frozenset({"a"})).status == "timeout"
    manual = result(cell("a", None, status="manual"), cell("b", 0, status="not_started"))
    assert merged(manual, replace(new, notebooks=manual.notebooks), None).status == new.status


def test_nothing_from_without_a_sandbox_enters_a_verdict_from_within() -> None:
    forged = replace(result(cell("a", 4), cell("b", 4)), sandbox="none")
    judged = replace(result(cell("a", 1), cell("b", 0)), sandbox="bubblewrap")

    assert not may_merge(forged, judged)
    assert merged(forged, judged, None) is judged
    assert merged(forged, judged, frozenset()) is judged


def test_verdict_from_within_a_sandbox_that_is_kept_without_one_carries_the_mark() -> None:
    judged = replace(result(cell("a", 4)), sandbox="bubblewrap")

    kept = merged(judged, replace(result(cell("a", 1)), sandbox="none"), None)

    assert (points(kept), kept.sandbox) == ([4], "none")


def test_differences_name_exercise_and_both_scores() -> None:
    old, new = result(cell("a", 1), cell("b", 2)), result(cell("a", 4), cell("b", 2))

    assert differences(old, new) == ["a 1 → 4 of 4"]
    assert differences(result(), new)[0] == "a none → 4 of 4"
