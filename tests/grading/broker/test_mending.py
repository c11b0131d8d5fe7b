"""Damage to a notebook is mended and noted, and the answers count as if nothing had happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.grading.broker.cases import (
    Notebook,
    Told,
    cell,
    cell_of,
    code,
    graded,
    notebook,
    notes,
    place_of,
    references,
)

NAME = "mean_squared_error"
WRONG = f"def {NAME}(y, targets):\n    return 0.0\n"
HELPER = "def squares(y, targets):\n    return (y - targets) ** 2\n"
WITH_HELPER = f"def {NAME}(y, targets):\n    return np.mean(squares(y, targets))\n"


def add_after(content: Notebook, name: str, *cells: dict[str, Any]) -> None:
    at = place_of(content, name) + 1
    content["cells"][at:at] = cells


def duplicated_cell(content: Notebook) -> None:
    add_after(content, NAME, json.loads(json.dumps(cell_of(content, NAME))))


def wrong_before_right(content: Notebook) -> None:
    content["cells"].insert(place_of(content, NAME), {**cell_of(content, NAME), "source": WRONG})


def stub_after_right(content: Notebook) -> None:
    add_after(content, NAME, cell_of(notebook({}), NAME))


def copy_made_a_helper(content: Notebook) -> None:
    content["cells"].insert(place_of(content, NAME), {**cell_of(content, NAME), "source": HELPER})
    content["cells"][place_of(content, NAME) + 1]["source"] = WITH_HELPER


def became_markdown(content: Notebook) -> None:
    cell_of(content, NAME)["cell_type"] = "markdown"


def became_raw(content: Notebook) -> None:
    cell_of(content, NAME)["cell_type"] = "raw"


def lost_metadata(content: Notebook) -> None:
    cell_of(content, NAME)["metadata"] = {}


def lost_metadata_and_id(content: Notebook) -> None:
    target = cell_of(content, NAME)
    target["metadata"] = {}
    del target["id"]


def lost_all_ids(content: Notebook) -> None:
    for each in content["cells"]:
        del each["id"]
    content["nbformat_minor"] = 4


def lost_all_marks(content: Notebook) -> None:
    for each in content["cells"]:
        each["metadata"] = {}


def split_cell(content: Notebook) -> None:
    source = cell_of(content, NAME)["source"]
    cell_of(content, NAME)["source"] = "# my answer stands below"
    add_after(content, NAME, code(source))


def stub_left_and_answer_below(content: Notebook) -> None:
    source = cell_of(content, NAME)["source"]
    cell_of(content, NAME)["source"] = cell_of(notebook({}), NAME)["source"]
    content["cells"].append(code(source))


def helper_left_and_answer_below(content: Notebook) -> None:
    cell_of(content, NAME)["source"] = HELPER
    add_after(content, NAME, code(WITH_HELPER))


def changed_points(content: Notebook) -> None:
    cell_of(content, f"check_{NAME}")["metadata"]["nbgrader"]["points"] = 100.0


def flipped_flags(content: Notebook) -> None:
    cell_of(content, f"check_{NAME}")["metadata"]["nbgrader"] |= {"grade": False, "locked": False}
    cell_of(content, NAME)["metadata"]["nbgrader"] |= {"grade": True, "solution": False}


def changed_check(content: Notebook) -> None:
    cell_of(content, f"check_{NAME}")["source"] = "7.0"


def deleted_check(content: Notebook) -> None:
    del content["cells"][place_of(content, f"check_{NAME}")]


def duplicated_check(content: Notebook) -> None:
    add_after(content, f"check_{NAME}", cell_of(content, f"check_{NAME}"))


def check_became_markdown(content: Notebook) -> None:
    cell_of(content, f"check_{NAME}")["cell_type"] = "markdown"


def other_kernel(content: Notebook) -> None:
    content["metadata"]["kernelspec"]["name"] = "conda-env-torch"


def deleted_setup(content: Notebook) -> None:
    content["cells"] = [
        each for each in content["cells"] if "setup" not in each["metadata"].get("tags", ())
    ]


def turned_around(content: Notebook) -> None:
    content["cells"].reverse()


DAMAGE: list[tuple[Callable[[Notebook], None], str]] = [
    (duplicated_cell, "was there 2 times"),
    (wrong_before_right, "the last one that was changed is graded"),
    (stub_after_right, "the last one that was changed is graded"),
    (copy_made_a_helper, ""),
    (became_markdown, "had become a markdown cell; it is read as code"),
    (became_raw, "had become a raw cell; it is read as code"),
    (lost_metadata, "had lost its mark; it was recognized by its content"),
    (lost_metadata_and_id, "had lost its mark; it was recognized by its content"),
    (lost_all_ids, ""),
    (lost_all_marks, "had lost its mark"),
    (split_cell, "stood in a cell of its own; it is taken from there"),
    (stub_left_and_answer_below, "stood in a cell of its own; it is taken from there"),
    (helper_left_and_answer_below, "stood in a cell of its own; it is taken from there"),
    (changed_points, "The points of mean_squared_error were changed"),
    (flipped_flags, "had lost its settings"),
    (changed_check, "The check of mean_squared_error was changed"),
    (deleted_check, "The check of mean_squared_error was missing; it is back."),
    (duplicated_check, "The check of mean_squared_error was there 2 times"),
    (check_became_markdown, "had lost its settings"),
    (other_kernel, "It names the kernel conda-env-torch"),
    (deleted_setup, ""),
    (turned_around, ""),
]


@pytest.mark.parametrize(
    ("damage", "noted"), DAMAGE, ids=lambda case: getattr(case, "__name__", "")
)
def test_damage_costs_no_point(damage: Callable[[Notebook], None], noted: str) -> None:
    content = notebook()
    damage(content)

    result = graded(content)

    assert (result.status, result.points) == ("ok", 7.0), result
    assert noted in notes(result)
    assert bool(noted) == bool(notes(result))


def test_untouched_notebook_has_no_notes() -> None:
    assert notes(graded(notebook())) == ""


def test_deleted_answer_is_not_started_and_noted() -> None:
    content = notebook()
    del content["cells"][place_of(content, NAME)]

    result = graded(content)

    assert cell(result, NAME).status == "not_started"
    assert result.points == 4
    assert result.status == "failed_tests"
    assert f"The cell of {NAME} was deleted" in notes(result)


def test_prose_in_place_of_code_is_no_answer() -> None:
    content = notebook()
    cell_of(content, NAME).update(cell_type="markdown", source="I could not do this one.")

    result = graded(content)

    assert cell(result, NAME).status == "not_started"
    assert "holds no code" in notes(result)


def test_endlessly_long_answer_is_left_out() -> None:
    content = notebook()
    cell_of(content, NAME)["source"] = references()[NAME] + "\n" + "#" * 250_000

    result = graded(content)

    assert cell(result, NAME).score == 0
    assert "longer than what is read" in notes(result)


@pytest.mark.parametrize(
    "stub",
    [
        "",
        "   \n\n",
        "# to do",
        cell_of(notebook({}), NAME)["source"],
        "# mine\n" + "".join(cell_of(notebook({}), NAME)["source"]).replace("    ", "        "),
        f'def {NAME}(y, targets):\n    """Later."""',
        f"def {NAME}(y, targets):\n    pass",
        f"def {NAME}(y, targets):\n    raise NotImplementedError('later')",
    ],
)
def test_answer_that_never_left_the_stub_is_not_started_and_does_not_run(stub: str) -> None:
    sandboxes = Told(lambda message: None)

    result = graded(notebook({**references(), NAME: stub}), sandboxes=sandboxes)

    assert cell(result, NAME).status == "not_started"
    assert result.points == 4
    assert "predict_shapes" in sandboxes.asked
    assert sandboxes.asked.count(NAME) <= 1  # a cell may run, a probe never


def test_left_in_not_implemented_error_is_not_started() -> None:
    source = f"def {NAME}(y, targets):\n    z = y - targets\n    raise NotImplementedError"

    result = graded(notebook({NAME: source}))

    assert cell(result, NAME).status == "not_started"
    assert "still reached" in cell(result, NAME).message


def ran(content: Notebook) -> list[str]:
    """Sources of the cells that run, in their order."""
    sources: list[str] = []

    def tell(message: Any) -> None:
        if message["do"] == "cell":
            sources.append(message["source"])

    graded(content, sandboxes=Told(tell))
    return sources


def test_added_cells_run_in_their_places() -> None:
    content = notebook()
    content["cells"].insert(0, code("first = 1"))
    add_after(content, NAME, code("second = 2"))
    content["cells"].append(code("third = 3"))

    sources = ran(content)

    assert sources[0] == "first = 1"
    assert sources[-1] == "third = 3"
    at = sources.index("second = 2")
    assert sources[at - 1] == references()[NAME]
    assert references()["predict_shapes"] in sources[at:]


def test_figures_drives_checks_and_untouched_examples_do_not_run() -> None:
    content = notebook()
    for each in content["cells"]:
        if {"figure", "drive"} & set(each["metadata"].get("tags", ())):
            each["source"] = "drawn = 1"
    content["cells"].append(code("tagged = 1", tags=["figure"]))

    sources = ran(content)

    assert len(sources) == 3
    assert sources[1:] == list(references().values())
    assert sources[0].startswith("import numpy as np")


def test_example_of_the_release_runs_if_the_learner_uses_what_it_defines() -> None:
    """Cell `A = np.array(...)` of unit 00 gives a name that an added cell looks up."""
    content = notebook()
    content["cells"].append(code("first_row = A[0]"))

    assert any(source.startswith("A = np.array") for source in ran(content))


def test_changed_setup_runs_as_released_and_then_as_changed() -> None:
    content = notebook()
    setup = next(each for each in content["cells"] if each["metadata"].get("tags") == ["setup"])
    released = "".join(setup["source"])
    setup["source"] = "import numpy as np\nimport math"

    assert ran(content)[:2] == [released, "import numpy as np\nimport math"]


def test_changed_example_runs_as_an_added_cell() -> None:
    content = notebook()
    example = next(
        each for each in content["cells"] if each["cell_type"] == "code" and not each["metadata"]
    )
    example["source"] = "mine = 1"

    assert "mine = 1" in ran(content)


def test_redefinition_after_a_check_does_not_count_against_it() -> None:
    """As in the notebook: a check judges what its name stood for where the check stands."""
    content = notebook()
    content["cells"].append(code(f"{NAME} = 3"))

    assert graded(content).points == 7


def test_notebook_commands_do_not_spoil_an_answer() -> None:
    source = "%matplotlib inline\n!pip list\n" + references()[NAME]
    timed = "%%time\n" + references()["predict_shapes"]

    result = graded(notebook({NAME: source, "predict_shapes": timed}))

    assert result.points == 7


def test_added_cells_beyond_all_measure_are_left_out() -> None:
    content = notebook()
    content["cells"] += [code(f"x = '{'a' * 90_000}'")] * 15

    result = graded(content)

    assert result.points == 7
    assert "longer than what is read" in notes(result)
    assert len(result.notebooks[0].autograded) < 2_000_000


def test_read_only_text_of_a_release_is_not_doubled() -> None:
    content = notebook()
    text = content["cells"][0]
    marks = {"grade": False, "grade_id": "task_1", "locked": True, "solution": False}
    text["metadata"]["nbgrader"] = marks

    result = graded(content)

    assert result.points == 7
    assert len(json.loads(result.notebooks[0].autograded)["cells"]) == len(content["cells"])


def test_hostile_marks_are_not_believed() -> None:
    """A learner's cell that claims to be a check, or to be worth points, is one without effect."""
    content = notebook({})
    forged = {"grade": True, "grade_id": "check_bonus", "locked": True, "points": 50.0}
    content["cells"].append(code("50.0", nbgrader={**forged, "solution": False}))

    result = graded(content)

    assert (result.points, result.max_points) == (0.0, 7.0)
    assert [each.grade_id for each in result.notebooks[0].cells] == [
        "check_mean_squared_error",
        "check_predict_shapes",
    ]
