"""A percent file is expanded to nbgrader's cells, and a broken one is refused by name and mend."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from grading.authoring import cells
from grading.authoring.source import read_source
from grading.house import Unit
from grading.refusals import Refusal

UNIT = Unit("00", "00-doubling", "Doubling", 0.75)


@pytest.fixture
def read(checkout, registry):
    return lambda: read_source(checkout / "solutions" / "00-doubling.py", UNIT, registry)


def by_grade_id(source):
    return {cells.grade_id(cell): cell for cell in source.notebook.cells}


def test_exercise_becomes_nbgraders_solution_cell(read):
    cell = by_grade_id(read())["double_array"]

    assert dict(cell.metadata.nbgrader) == {
        "grade": False,
        "grade_id": "double_array",
        "locked": False,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }


def test_check_becomes_a_locked_cell_with_the_declared_points(read):
    cell = by_grade_id(read())["check_double_array"]

    assert cell.source == 'check("double_array")'
    assert dict(cell.metadata.nbgrader) == {
        "grade": True,
        "grade_id": "check_double_array",
        "locked": True,
        "points": 2.0,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }


def test_further_exercise_is_worth_nothing_in_the_gradebook(read):
    assert by_grade_id(read())["check_double_twice"].metadata.nbgrader.points == 0


def test_tags_stay_and_nothing_of_jupytext_does(read):
    notebook = read().notebook

    assert [sorted(cells.tags(cell)) for cell in notebook.cells if cells.tags(cell)] == [
        ["setup"],
        ["figure"],
    ]
    assert set(notebook.metadata) == {"kernelspec", "language_info", "nncourse"}
    assert {key for cell in notebook.cells for key in cell.metadata} == {"nbgrader", "tags"}
    assert "version" not in notebook.metadata.language_info
    nbformat.validate(notebook)


def test_graded_cell_keeps_its_id_when_cells_move_around_it(read, edit):
    before = {name: cell.id for name, cell in by_grade_id(read()).items() if name}

    edit("# %% tags=", "# %% [markdown]\n# One cell more.\n\n# %% tags=")
    after = {name: cell.id for name, cell in by_grade_id(read()).items() if name}

    assert after == before
    assert len({cell.id for cell in read().notebook.cells}) == len(read().notebook.cells)


def test_hash_follows_sources_and_metadata_only(read, edit):
    first = read().notebook
    again = read().notebook
    again.cells[1].outputs = [nbformat.v4.new_output("stream", text="3")]

    assert cells.source_sha256(again) == first.metadata.nncourse.source_sha256
    edit("keeps the sign", "keeps the zero")
    assert cells.source_sha256(read().notebook) != first.metadata.nncourse.source_sha256


STUB = '    """Multiply every entry of x by four."""\n'
FAULTS = {
    "unknown exercise": (
        'exercise="double_twice"',
        'exercise="dubble"',
        "'dubble' is not declared",
    ),
    "unknown check": ('check="double_twice"', 'check="dubble"', "'dubble' is not declared"),
    "exercise twice": (
        "# %% [markdown]\n# ## Going",
        '# %% exercise="double_array"\npass\n\n# %% [markdown]\n# ## Going',
        "'double_array' stands already in cell 3",
    ),
    "check twice": (
        "# %% [markdown]\n# ## Going",
        '# %% check="double_array"\ncheck("double_array")\n\n# %% [markdown]\n# ## Going',
        "check cell of 'double_array' stands already in cell 4",
    ),
    "check missing": (
        '# %% check="double_twice"\ncheck("double_twice")\n',
        "",
        "'double_twice' has no check cell",
    ),
    "check first": (
        '# %% exercise="double_array"',
        '# %% check="double_twice"\ncheck("double_twice")\n\n# %% exercise="double_array"',
        "stands before its exercise",
    ),
    "no marks": (
        "    ### BEGIN SOLUTION\n    return double_array(double_array(x))\n    ### END SOLUTION",
        "    return double_array(double_array(x))",
        "'double_twice' has no ### BEGIN SOLUTION",
    ),
    "no end": (
        '    ### END SOLUTION\n\n# %% check="double_twice"',
        '# %% check="double_twice"',
        "'double_twice' has no ### END SOLUTION",
    ),
    "end alone": ("    ### BEGIN SOLUTION\n    return d", "    return d", "without its ### BEGIN"),
    "no docstring": (STUB, "", "'double_twice' has no docstring"),
    "docstring in the answer": (
        STUB + "    ### BEGIN SOLUTION\n",
        "    ### BEGIN SOLUTION\n" + STUB,
        "'double_twice' has no docstring",
    ),
    "no signature": ("def double_twice(x):", "def double(x):", "does not define it"),
    "marks elsewhere": (
        'print("doubling',
        '### BEGIN SOLUTION\nprint("doubling',
        "stands outside an exercise",
    ),
    "check with more in it": (
        'check("double_array")\n',
        'points = check("double_array")\n',
        'holds exactly check("double_array")',
    ),
    "strange import": (
        "import numpy as np\n",
        "import numpy as np\nimport nnlib\n",
        "imports nnlib",
    ),
    "import within a function": (
        "    return double_array(double_array(x))",
        "    from scipy import linalg\n    return double_array(double_array(x))",
        "imports scipy",
    ),
    "strange tag": ('tags=["figure"]', 'tags=["figur"]', "the tag 'figur' is not known"),
    "strange key": ('tags=["figure"]', 'tag=["figure"]', "the marker has 'tag'"),
    "both": (
        'exercise="double_twice"',
        'exercise="double_twice" check="double_twice"',
        "both exercise and check",
    ),
    "shown elsewhere": ('tags=["figure"]', 'shown=["a"]', "shown=[...] belongs to"),
    "text": ("# %% exercise=", "# %% [markdown] exercise=", "this is text"),
    "syntax": ("    return doubled\n", "    return doubled)\n", "is not Python"),
}


@pytest.mark.parametrize(("old", "new", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_broken_source_is_refused_with_file_cell_and_mend(read, edit, old, new, expected):
    edit(old, new)

    with pytest.raises(Refusal) as refusal:
        read()

    sentence = str(refusal.value)
    assert sentence.startswith("solutions/00-doubling.py")
    assert expected in sentence
    assert "\n" not in sentence
    assert sentence.endswith((".", ")"))


def test_refusal_names_the_line_of_the_marker(read, edit, checkout: Path):
    edit('exercise="double_twice"', 'exercise="dubble"')
    lines = (checkout / "solutions" / "00-doubling.py").read_text(encoding="utf-8").splitlines()
    line = lines.index('# %% exercise="dubble"') + 1

    with pytest.raises(Refusal, match=rf"cell 6 \(line {line}\)"):
        read()


def test_exercise_of_another_unit_is_refused(read, registry):
    registry["double_twice"] = type(registry["double_twice"])("double_twice", unit="01")

    with pytest.raises(Refusal, match="declared for unit 01"):
        read()


def test_declared_exercise_that_the_text_forgot_is_refused(read, registry):
    registry["halve"] = type(registry["double_twice"])("halve")

    with pytest.raises(Refusal, match="'halve' has no exercise cell"):
        read()


def test_setup_may_import_what_the_sandbox_holds(read, edit):
    edit(
        "import numpy as np\n",
        "import math\nimport numpy as np\nfrom grading.check import check\n",
    )

    assert "math" in read().notebook.cells[1].source


def test_library_may_be_imported_for_a_figure(read, edit):
    edit('print("doubling', 'import nnlib\nprint("doubling')

    assert "nnlib" in read().notebook.cells[-1].source
