"""The same through the real sandbox: honest work, endings, and calls of given functions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grading.limits import Limits
from grading.sandbox import Sandboxes
from tests.grading.broker.cases import (
    BACKPROP,
    FULL,
    SLUGS,
    cell,
    code,
    graded,
    notebook,
    references,
)

pytestmark = pytest.mark.sandbox

FIRST, SECOND = "mean_squared_error", "predict_shapes"


@pytest.fixture(scope="module")
def sandboxes(requires_sandbox: str) -> Iterator[Sandboxes]:
    with Sandboxes() as found:
        yield found


@pytest.mark.parametrize("slug", SLUGS)
def test_references_get_full_marks(slug: str, sandboxes: Sandboxes) -> None:
    content = notebook(references(slug), slug)

    result = graded(content, slug, sandboxes=sandboxes)

    assert (result.status, result.points) == ("ok", result.max_points)
    assert result.sandbox == "bubblewrap"
    assert result.usage.peak_bytes > 0
    local = graded(content, slug)
    assert result.notebooks[0].autograded == local.notebooks[0].autograded


DEATHS = {
    "exit": ("import os; os._exit(0)", "killed"),
    "endless": ("while True: pass", "timeout"),
}


@pytest.mark.parametrize("kind", DEATHS)
@pytest.mark.parametrize("culprit", [FIRST, SECOND])
def test_death_in_an_exercise_costs_that_exercise(
    culprit: str, kind: str, sandboxes: Sandboxes
) -> None:
    statement, state = DEATHS[kind]
    source = f"def {culprit}(*arguments, **named):\n    {statement}"

    result = graded(notebook({**references(), culprit: source}), sandboxes=sandboxes)

    [other] = {FIRST, SECOND} - {culprit}
    assert (cell(result, culprit).status, cell(result, other).status) == (state, "ok")


@pytest.mark.parametrize("kind", DEATHS)
@pytest.mark.parametrize("culprit", [FIRST, SECOND])
def test_death_in_a_cell_costs_its_exercise(culprit: str, kind: str, sandboxes: Sandboxes) -> None:
    statement, state = DEATHS[kind]
    answers = {**references(), culprit: references()[culprit] + "\n" + statement}

    result = graded(notebook(answers), sandboxes=sandboxes, limits=Limits(base_cell_s=1.0))

    [other] = {FIRST, SECOND} - {culprit}
    assert (cell(result, culprit).status, cell(result, other).status) == (state, "ok")


def test_death_in_each_cell_and_exercise_of_a_unit(sandboxes: Sandboxes) -> None:
    names = list(references(BACKPROP))
    for culprit in names if FULL else names[:: len(names) // 2]:
        in_cell = references(BACKPROP)[culprit] + "\nimport os; os._exit(1)"
        in_call = f"def {culprit}(*a, **k):\n    import os; os._exit(1)"
        for source in (in_cell, in_call):
            answers = {**references(BACKPROP), culprit: source}

            result = graded(notebook(answers, BACKPROP), BACKPROP, sandboxes=sandboxes)

            lost = {each.exercise for each in result.notebooks[0].cells if each.status != "ok"}
            assert lost == {culprit}


def test_added_cell_that_dies_or_floods_costs_nothing(sandboxes: Sandboxes) -> None:
    content = notebook()
    content["cells"].insert(3, code("import os; os._exit(0)"))
    content["cells"].append(code("print('x' * 10**7)"))

    result = graded(content, sandboxes=sandboxes)

    assert (result.status, result.points) == ("ok", 7.0)
    assert result.usage.restarts == 1


def test_learners_cells_see_neither_references_nor_judges(sandboxes: Sandboxes) -> None:
    source = references()[FIRST] + (
        "\nimport importlib\nfound = []\n"
        "for name in ('grading.exercises', 'grading.broker', 'grading.check.judging', 'nnlib'):\n"
        "    try:\n        importlib.import_module(name)\n    except ImportError:\n"
        "        continue\n    raise SystemError(name)\n"
    )

    result = graded(notebook({FIRST: source}), sandboxes=sandboxes)

    assert cell(result, FIRST).status == "ok"
    assert cell(result, FIRST).message == ""
