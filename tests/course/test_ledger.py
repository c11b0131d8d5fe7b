"""Every technique of the ledger is in the library, and in the notebooks of the units that exist."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grading.exercises import exercises_of_unit
from grading.house import course_root, units

LEDGER = tomllib.loads(Path(__file__).with_name("ledger.toml").read_text(encoding="utf-8"))
TECHNIQUES: list[dict[str, Any]] = LEDGER["technique"]
WITHOUT_LIBRARY = {"10", "11"}
"""Units on PyTorch, some of whose techniques nnlib has no part in."""

CLAIMS: list[dict[str, str]] = LEDGER["claim"]

every_claim = pytest.mark.parametrize("row", CLAIMS, ids=lambda row: row["name"])
every_technique = pytest.mark.parametrize("row", TECHNIQUES, ids=lambda row: row["name"][:40])


def found(name: str) -> object:
    """Return what a dotted name within nnlib refers to."""
    module, *attributes = name.split(".")
    value: object = importlib.import_module(f"nnlib.{module}")
    for attribute in attributes:
        value = getattr(value, attribute)
    return value


def headings(unit: str) -> set[str]:
    """Return the headings of a unit's source."""
    slug = next(known.slug for known in units() if known.number == unit)
    text = (course_root() / "solutions" / f"{slug}.py").read_text(encoding="utf-8")
    return set(re.findall(r"^# #+ (.+)$", text, flags=re.MULTILINE))


def sections(unit: str) -> dict[str, list[Any]]:
    """Return the cells of a unit's executed notebook by the heading that they stand under.

    A cell of text is divided where a heading stands in it.
    """
    slug = next(known.slug for known in units() if known.number == unit)
    path = course_root() / "solutions" / slug / f"{slug}.ipynb"
    found: dict[str, list[Any]] = {}
    heading = ""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            found.setdefault(heading, []).append(cell)
            continue
        for part in re.split(r"^(?=#+ )", cell.source, flags=re.MULTILINE):
            if match := re.match(r"#+ (.+)", part):
                heading = match[1]
            found.setdefault(heading, []).append(part)
    return found


def measured(section: list[Any]) -> bool:
    """Whether a section has a code cell that measures: it printed numbers of its own.

    Questions, figures and reports of checks hold numbers too, but those were typed.
    """
    for cell in section:
        if isinstance(cell, str) or re.search(r"^check\(", cell.source, flags=re.MULTILINE):
            continue
        printed = [output.text for output in cell.outputs if output.output_type == "stream"]
        if re.search(r"\d", "".join(printed)):
            return True
    return False


def existing() -> set[str]:
    return {unit.number for unit in units()}


def test_the_ledger_has_all_techniques_once():
    names = [row["name"] for row in TECHNIQUES]

    assert len(names) == len(set(names)) == 42
    assert {unit for row in TECHNIQUES for unit in row["units"]} == {f"{n:02d}" for n in range(12)}


@every_technique
def test_the_library_has_it(row):
    assert row["library"] or set(row["units"]) <= WITHOUT_LIBRARY
    for name in row["library"]:
        assert callable(found(name)), name


@every_technique
def test_the_notebooks_that_exist_have_it(row):
    for unit in set(row["units"]) & existing():
        places = row["headings"][unit]

        assert places
        assert set(places) <= headings(unit)


@every_technique
def test_the_units_that_exist_ask_for_it(row):
    """A technique marked as graded has an exercise as soon as one of its units is there."""
    asked = row.get("exercises", {})
    for unit in set(row["units"]) & existing():
        ids = {exercise.id for exercise in exercises_of_unit(unit)}
        assert set(asked.get(unit, [])) <= ids

    if row["graded"] and set(row["units"]) & existing():
        assert any(asked.values())
    if not row["graded"]:
        assert not any(asked.values())


def test_every_exercise_belongs_to_a_technique():
    asked = {
        name for row in TECHNIQUES for ids in row.get("exercises", {}).values() for name in ids
    }
    outside = {"predict_shapes", "central_difference", "backward_graph"}  # ways of working
    declared = {exercise.id for unit in existing() for exercise in exercises_of_unit(unit)}

    assert declared - asked == outside


def test_the_claims_of_the_slides_are_listed_once():
    names = [row["name"] for row in CLAIMS]

    assert len(names) == len(set(names)) == 11


@every_claim
def test_the_claim_stands_in_its_unit_with_a_measurement(row):
    if row["unit"] not in existing():
        assert "heading" not in row
        return

    section = sections(row["unit"])[row["heading"]]

    text = " ".join(part for part in section if isinstance(part, str))
    assert row["words"] in " ".join(text.split())
    assert measured(section)


def test_a_section_of_words_alone_is_no_measurement():
    fine, shown, checked, printed = (
        nbformat.v4.new_code_cell(source)
        for source in ("print('fine')", "Prediction()", 'check("relu")', "print(loss)")
    )
    fine.outputs = [nbformat.v4.new_output("stream", text="fine\n")]
    shown.outputs = [nbformat.v4.new_output("display_data", {"text/plain": "About 3 times"})]
    checked.outputs = [nbformat.v4.new_output("stream", text="2 of 2 points\n")]
    printed.outputs = [nbformat.v4.new_output("stream", text="0.25\n")]

    assert not measured(["The loss is 3.", fine, shown, checked])
    assert measured(["The loss is 3.", printed])


def test_a_name_that_is_not_there_is_noticed():
    with pytest.raises(AttributeError):
        found("layers.Perceptron")
