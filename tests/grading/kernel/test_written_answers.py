"""Answers in Markdown come to the instructor as written, where nothing in them can run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import nbformat
import pytest

from grading.kernel import CourseNotebook, CourseVersion, Kernels, SourceCell, grade
from grading.limits import Limits
from grading.results import Result
from tests.grading.kernel.books import marked, written
from tests.grading.kernel.courses import cell
from tests.grading.kernel.rendered import active, html_of, notebook_of

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("requires_sandbox")]

ESSAY = SourceCell(
    "essay", "markdown", "YOUR ANSWER HERE", "", solution=True, grade=True, points=3.0
)
VERSION = CourseVersion("hw", (CourseNotebook("book", (ESSAY,)),), cell_timeout_s=5.0)

ANSWER = """## Why it converges

By [Robbins and Monro](https://doi.org/10.1214/aoms/1177729586), since $a<b$ and `d[0](1)`<br>
the step is O(n<sup>-1</sup>); <b>see <i>also</i></b> https://example.org/a?b=1&c=2.

| step | rate |
|------|------|
| 1    | [here](https://example.org/rates) |

3 &times; 4 steps, written with <kbd>Ctrl</kbd>.
"""
HOSTILE = """<b>kept</b> <a href="javascript:alert(1)">x</a> <b onclick="alert(1)">y</b>

[link](javascript:alert(1)) [data](data:text/html,x) <script>alert(1)</script>
"""


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels() as made:
        yield made


def shown(result: Result) -> list[str]:
    return ["".join(each["source"]) for each in json.loads(result.notebooks[0].autograded)["cells"]]


@pytest.fixture(scope="module")
def result(kernels: Kernels, requires_sandbox: str) -> Result:
    del requires_sandbox
    files = written(marked(ESSAY, ANSWER), cell("markdown", HOSTILE))
    return grade(files, VERSION, Limits(), kernels)


def test_answer_is_the_learners_own_but_for_spaces_in_formulas_and_code(result: Result) -> None:
    """These mean the same with a space; without it, ``<b`` could begin a tag, ``](`` a link."""
    assert shown(result)[0] == ANSWER.replace("$a<b$", "$a< b$").replace("d[0](1)", "d[0] (1)")


def test_a_submission_is_ok_that_waits_for_a_person_alone(result: Result) -> None:
    assert (result.status, result.notebooks[0].cells[0].status) == ("ok", "manual")


def test_links_and_formatting_stand_on_the_page(result: Result) -> None:
    book = nbformat.reads(result.notebooks[0].autograded, 4)
    for template in ("classic", "lab"):
        page = html_of(notebook_of(book.cells[0]), template)

        assert '<a href="https://doi.org/10.1214/aoms/1177729586">Robbins and Monro</a>' in page
        assert '<a href="https://example.org/rates">here</a>' in page
        assert "O(n<sup>-1</sup>)" in page
        assert "<b>see <i>also</i></b>" in page
        assert "<kbd>Ctrl</kbd>" in page
        assert active(page) == []


def test_what_could_run_is_text_on_the_page(result: Result) -> None:
    book = nbformat.reads(result.notebooks[0].autograded, 4)
    for template in ("classic", "lab"):
        page = html_of(notebook_of(book.cells[1]), template)

        assert "<b>kept</b>" in page
        assert "[link] (javascript:alert(1))" in page
        assert active(page) == []
