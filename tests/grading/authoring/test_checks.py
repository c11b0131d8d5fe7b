"""Drift, leaks and locked cells: every way of spoiling a notebook that we know is found.

The notebooks are built once from the tiny unit; each test spoils a copy in one way.
"""

from __future__ import annotations

import copy
import json

import nbformat
import pytest

from grading.authoring import cells
from grading.authoring.checks import drift, leaks, locked_cells
from grading.authoring.reading import reading_variant

ANSWER = "doubled = x + np.array(1.0) * x"


@pytest.fixture
def learner(built):
    return copy.deepcopy(built.learner)


@pytest.fixture
def solution(built):
    """The solution notebook as after a run whose check opened the solution."""
    run = copy.deepcopy(built.source.notebook)
    find(run, "check_double_array").outputs = [html_output(f"<pre>{ANSWER}</pre>")]
    run.cells[-1].outputs = [nbformat.v4.new_output("stream", text="doubling keeps the sign\n")]
    run.cells[-1].execution_count = 7
    return run


def find(notebook, name):
    return next(cell for cell in notebook.cells if cells.grade_id(cell) == name)


def html_output(text):
    return nbformat.v4.new_output("display_data", {"text/html": text})


# Drift.


def test_built_notebook_does_not_drift(built, learner, solution):
    assert drift(built.source.notebook, solution, "s.ipynb", outputs_allowed=True) == []
    assert drift(built.learner, learner, "l.ipynb", outputs_allowed=False) == []


def _edit_text(notebook):
    notebook.cells[0].source += "\nA sentence more."
    return "text"


def _edit_id(notebook):
    notebook.cells[0].id = "0123456789ab"
    return "id"


def _edit_type(notebook):
    notebook.cells[0].cell_type = "raw"
    return "type"


def _edit_tags(notebook):
    notebook.cells[1].metadata.tags = ["setup", "figure"]
    return "metadata (tags)"


def _edit_notebook_metadata(notebook):
    notebook.metadata.kernelspec.name = "python4"
    return "metadata differs in kernelspec"


def _add_cell(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell("1 + 1"))
    return "it has 9 cells, its source gives 8"


def _move_cell(notebook):
    notebook.cells.insert(0, notebook.cells.pop())
    return "text"


@pytest.mark.parametrize(
    "spoil",
    [
        _edit_text,
        _edit_id,
        _edit_type,
        _edit_tags,
        _edit_notebook_metadata,
        _add_cell,
        _move_cell,
    ],
)
def test_notebook_edited_by_hand_has_drifted(built, learner, spoil):
    expected = spoil(learner)

    findings = drift(built.learner, learner, "l.ipynb", outputs_allowed=False)

    assert any(expected in finding for finding in findings)


def test_source_that_moved_on_has_drifted(built, learner):
    rebuilt = copy.deepcopy(built.learner)
    rebuilt.cells[0].source = "# 00 Doubling, in other words"

    assert drift(rebuilt, learner, "l.ipynb", outputs_allowed=False)


def test_learners_notebook_that_was_run_has_drifted(built, learner):
    learner.cells[-1].outputs = [nbformat.v4.new_output("stream", text="3\n")]

    findings = drift(built.learner, learner, "l.ipynb", outputs_allowed=False)

    assert findings == [
        "l.ipynb, cell 8: a learner's cell holds outputs. Run: nncourse build",
    ]


# Leaks.


def test_built_notebooks_leak_nothing(built, learner, solution):
    lines = built.source.solution_lines
    reading = reading_variant(solution, learner)

    assert {line.exercise for line in lines} == {"double_array", "double_twice"}
    assert leaks(learner, "l.ipynb", lines) == []
    assert leaks(reading, "r.ipynb", lines) == []


def test_reading_variant_is_executed_but_for_graded_cells(learner, solution):
    reading = reading_variant(solution, learner)

    assert reading.cells[-1].outputs == solution.cells[-1].outputs
    assert find(reading, "check_double_array").outputs == []
    assert find(reading, "double_array").source == find(learner, "double_array").source


def _mark_left(notebook):
    find(notebook, "double_array").source += "\n    ### BEGIN SOLUTION"


def _mark_in_other_letters(notebook):
    notebook.cells[0].source += "\n<!-- end  Solution -->"


def _answer_in_stub(notebook):
    find(notebook, "double_array").source = f"def double_array(x):\n    {ANSWER}"


def _answer_in_prose(notebook):
    notebook.cells[0].source += f"\n\n    {ANSWER}"


def _answer_without_spaces(notebook):
    notebook.cells[0].source += "\nThe answer: doubled=x+np.array(1.0)*x."


def _answer_as_comment(notebook):
    notebook.cells[1].source += f"\n# {ANSWER}"


def _answer_in_stream(notebook):
    text = f"source: {ANSWER}\n"
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text=text)]


def _answer_in_result(notebook):
    data = {"text/plain": ["'return x'\n", f"'{ANSWER}'"]}
    notebook.cells[-1].outputs = [nbformat.v4.new_output("execute_result", data)]


def _answer_in_traceback(notebook):
    error = nbformat.v4.new_output("error", ename="E", evalue="", traceback=["--->", ANSWER])
    notebook.cells[-1].outputs = [error]


def _answer_in_colored_html(notebook):
    notebook.cells[-1].outputs = [
        html_output("<b>doubled</b> = x <i>+</i> np.array(<u>1.0</u>)&nbsp;* x<br>")
    ]


def _answer_in_json(notebook):
    data = {"application/json": {"code": [{"line": ANSWER}]}}
    notebook.cells[-1].outputs = [nbformat.v4.new_output("display_data", data)]


def _answer_in_cell_metadata(notebook):
    notebook.cells[2].metadata["solution"] = ANSWER


def _answer_in_notebook_metadata(notebook):
    notebook.metadata["notes"] = nbformat.from_dict({"answer": ANSWER})


def _answer_in_svg(notebook):
    data = {"image/svg+xml": f"<svg><text>{ANSWER}</text></svg>"}
    notebook.cells[-1].outputs = [nbformat.v4.new_output("display_data", data)]


@pytest.mark.parametrize(
    "spoil",
    [
        _mark_left,
        _mark_in_other_letters,
        _answer_in_stub,
        _answer_in_prose,
        _answer_without_spaces,
        _answer_as_comment,
        _answer_in_stream,
        _answer_in_result,
        _answer_in_traceback,
        _answer_in_colored_html,
        _answer_in_json,
        _answer_in_cell_metadata,
        _answer_in_notebook_metadata,
        _answer_in_svg,
    ],
)
def test_answer_is_found_wherever_it_hides(built, learner, spoil):
    spoil(learner)
    # As it comes back from a file: lists of lines joined or not.
    reread = nbformat.reads(json.dumps(learner), as_version=4)

    findings = leaks(reread, "l.ipynb", built.source.solution_lines)

    assert findings
    assert all(finding.startswith("l.ipynb") for finding in findings)


# Locked cells.


def test_built_notebooks_hold_the_declared_cells(built, learner, solution):
    assert locked_cells(learner, "l.ipynb", built.registry, released=True) == []
    assert locked_cells(solution, "s.ipynb", built.registry, released=False) == []


def _check_edited(notebook):
    find(notebook, "check_double_array").source = "2.0"


def _points_raised(notebook):
    find(notebook, "check_double_array").metadata.nbgrader.points = 20.0


def _further_given_points(notebook):
    find(notebook, "check_double_twice").metadata.nbgrader.points = 1.0


def _check_unlocked(notebook):
    find(notebook, "check_double_array").metadata.nbgrader.locked = False


def _check_editable(notebook):
    find(notebook, "check_double_array").metadata.editable = True


def _check_deletable(notebook):
    del find(notebook, "check_double_array").metadata["deletable"]


def _check_deleted(notebook):
    notebook.cells.remove(find(notebook, "check_double_array"))


def _check_doubled(notebook):
    notebook.cells.append(copy.deepcopy(find(notebook, "check_double_array")))


def _check_ungraded(notebook):
    find(notebook, "check_double_array").metadata.nbgrader.grade = False


def _check_renamed(notebook):
    find(notebook, "check_double_array").metadata.nbgrader.grade_id = "check_other"


def _check_stripped(notebook):
    del find(notebook, "check_double_array").metadata["nbgrader"]


def _check_made_text(notebook):
    find(notebook, "check_double_array").cell_type = "markdown"


def _checksum_forged(notebook):
    find(notebook, "check_double_array").metadata.nbgrader.checksum = "0" * 32


def _solution_locked(notebook):
    find(notebook, "double_array").metadata.nbgrader.locked = True


def _solution_doubled(notebook):
    notebook.cells.insert(0, copy.deepcopy(find(notebook, "double_array")))


def _solution_graded_by_hand(notebook):
    find(notebook, "double_array").metadata.nbgrader.update(grade=True, points=1.0)


def _stranger_graded(notebook):
    cell = copy.deepcopy(find(notebook, "check_double_array"))
    cell.metadata.nbgrader.grade_id = "bonus"
    notebook.cells.append(cell)


@pytest.mark.parametrize(
    "spoil",
    [
        _check_edited,
        _points_raised,
        _further_given_points,
        _check_unlocked,
        _check_editable,
        _check_deletable,
        _check_deleted,
        _check_doubled,
        _check_ungraded,
        _check_renamed,
        _check_stripped,
        _check_made_text,
        _checksum_forged,
        _solution_locked,
        _solution_doubled,
        _solution_graded_by_hand,
        _stranger_graded,
    ],
)
def test_changed_graded_cell_is_found(built, learner, spoil):
    spoil(learner)

    findings = locked_cells(learner, "l.ipynb", built.registry, released=True)

    assert findings
    assert all(finding.startswith("l.ipynb: the cell '") for finding in findings)


def test_checksum_computed_anew_hides_no_change(built, learner):
    """A cheat who runs nbgrader's own checksum over the edited cell is still found."""
    from nbgrader.utils import compute_checksum

    cell = find(learner, "check_double_array")
    cell.metadata.nbgrader.points = 20.0
    cell.metadata.nbgrader.checksum = compute_checksum(cell)

    findings = locked_cells(learner, "l.ipynb", built.registry, released=True)

    assert findings == [
        "l.ipynb: the cell 'check_double_array' has points 20.0, declared is 2.0. "
        "Run: nncourse build"
    ]
