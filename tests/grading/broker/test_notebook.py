"""The autograded notebook is valid, nbgrader reads our points in it, and nothing in it is live."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import nbformat
import pytest
from nbgrader.utils import determine_grade, is_grade, is_solution

from tests.grading.broker.cases import (
    BACKPROP,
    SLUGS,
    Notebook,
    cell_of,
    code,
    grade_id,
    graded,
    notebook,
    references,
    version,
)

SCRIPT = "<script>alert(1)</script>"


def written(content: Any, slug: str = "00-start-here") -> Notebook:
    found: Notebook = json.loads(graded(content, slug).notebooks[0].autograded)
    return found


@pytest.mark.parametrize("slug", SLUGS)
def test_notebook_is_valid_and_nbgrader_reads_the_same_points(slug: str) -> None:
    wrong = dict(list(references(slug).items())[::2])
    result = graded(notebook(wrong, slug), slug)

    shown = nbformat.reads(result.notebooks[0].autograded, as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nbformat.validate(shown)

    read = {
        each.metadata.nbgrader.grade_id: determine_grade(each)
        for each in shown.cells
        if is_grade(each)
    }
    assert read == {
        each.grade_id: (each.score, each.max_score) for each in result.notebooks[0].cells
    }
    assert 0 < sum(points for points, _ in read.values()) < result.max_points


def test_metadata_of_the_release_is_kept() -> None:
    content = notebook()
    for each in content["cells"]:
        each["metadata"].get("nbgrader", {}).pop("checksum", None)

    shown = written(content)

    released = version().notebook["cells"]
    assert [each["metadata"] for each in shown["cells"]] == [each["metadata"] for each in released]
    assert [each["id"] for each in shown["cells"]] == [each["id"] for each in released]


def test_answers_stand_in_their_cells_and_added_cells_between() -> None:
    content = notebook()
    content["cells"].insert(0, code("x = 1"))
    content["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "*mine*"})

    shown = written(content)

    assert shown["cells"][0]["source"] == ["x = 1"]
    assert shown["cells"][-1]["source"] == ["*mine*"]
    for name, source in references().items():
        assert "".join(cell_of(shown, name)["source"]) == source
        assert is_solution(nbformat.from_dict(cell_of(shown, name)))


@pytest.mark.parametrize(
    "markdown",
    [
        SCRIPT,
        "<img src=x onerror=alert(1)>",
        "<IMG SRC=`javascript:alert(1)`>",
        "[click](javascript:alert(1))",
        "[click](java&#115;cript:alert(1))",
        "[click](javascript\\:alert(1))",
        "[click][1]\n\n[1]: javascript:alert(1)",
        "<javascript:alert(1)>",
        '![x](x" onerror="alert(1))',
        "![x](attachment:evil.svg)",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<iframe src='data:text/html,<b>'></iframe>",
        "<style>@import 'http://example.org'</style>",
        "`<script>`\n\n```\n<script>alert(1)</script>\n```",
        "$\\href{javascript:alert(1)}{x}$ <svg/onload=alert(1)>",
    ],
)
def test_markdown_of_learners_is_shown_and_does_nothing(markdown: str) -> None:
    from nbconvert.filters import markdown2html_mistune

    content = notebook()
    content["cells"].append({
        "attachments": {"evil.svg": {"image/svg+xml": SCRIPT}},
        "cell_type": "markdown",
        "metadata": {},
        "source": markdown,
    })

    last = written(content)["cells"][-1]
    page = markdown2html_mistune("".join(last["source"]))

    assert "attachments" not in last
    assert not any(f"<{tag}" in page.lower() for tag in ("script", "img", "iframe", "style", "svg"))
    assert not re.search(r"href=\W*(?!https?:)\w+", page.lower())


def test_raw_cells_of_learners_become_text() -> None:
    content = notebook()
    content["cells"].append({"cell_type": "raw", "metadata": {}, "source": SCRIPT})

    last = written(content)["cells"][-1]

    assert last["cell_type"] == "markdown"
    assert "<" not in "".join(last["source"])


def test_outputs_of_learners_are_dropped() -> None:
    content = notebook({})
    forged = {"output_type": "execute_result", "execution_count": 1, "metadata": {},
              "data": {"text/plain": "3.0", "text/html": SCRIPT}}  # fmt: skip
    for each in content["cells"]:
        if each["cell_type"] == "code":
            each["outputs"] = [forged]
            each["execution_count"] = 99
    content["cells"].append(code("x = 1") | {"outputs": [forged]})

    shown = written(content)

    assert SCRIPT not in json.dumps(shown)
    for each in shown["cells"]:
        if each["cell_type"] == "code" and not str(grade_id(each)).startswith("check_"):
            assert each["outputs"] == []
            assert each["execution_count"] is None


def test_report_escapes_what_the_learner_wrote() -> None:
    source = f"def mean_squared_error(y, targets):\n    raise ValueError('{SCRIPT}')"

    shown = written(notebook({"mean_squared_error": source}))

    [report, points] = cell_of(shown, "check_mean_squared_error")["outputs"]
    page = "".join(report["data"]["text/html"])
    assert "ValueError" in page
    assert "<script" not in page
    assert points["data"] == {"text/plain": ["0.0"]}
    assert all(output["output_type"] != "stream" for output in (report, points))


def test_report_names_misconception_and_hint() -> None:
    exercise = version(BACKPROP).exercises["linear_backward"]
    source = "def linear_backward(x, W, dy):\n    return dy @ W.T, x.T @ dy, dy"

    result = graded(notebook({"linear_backward": source}, BACKPROP), BACKPROP)

    found = next(each for each in result.notebooks[0].cells if each.exercise == "linear_backward")
    shown = json.loads(result.notebooks[0].autograded)
    text = "".join(cell_of(shown, found.grade_id)["outputs"][0]["data"]["text/plain"])
    known = next(each for each in exercise.misconceptions if each.name in found.misconceptions)
    assert " ".join(known.message.split())[:40] in " ".join(text.split())
    assert found.hint in {hint.symptom for hint in exercise.hints}


def test_notes_stand_in_the_first_cell() -> None:
    content = notebook()
    content["metadata"]["kernelspec"]["name"] = "<b>evil</b>[x](javascript:1)"

    first = "".join(written(content)["cells"][0]["source"])

    assert "It names the kernel" in first
    assert "<b>" not in first
    assert "[x]" not in first


def test_ids_are_unique_even_with_many_added_cells() -> None:
    content = notebook()
    content["cells"] += [code(f"x = {i}") | {"id": "same"} for i in range(50)]

    ids = [each["id"] for each in written(content)["cells"]]

    assert len(set(ids)) == len(ids)
