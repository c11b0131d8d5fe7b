"""An assignment version holds what decides about grading, and its hash changes with each part."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from grading.assignments import AssignmentVersion, version_of
from grading.exercises import exercises_of_unit
from grading.house import units
from grading.refusals import Refusal

ROOT = Path(__file__).resolve().parents[2]
SLUG = "01-backpropagation"
PATH = ROOT / "course" / SLUG / f"{SLUG}.ipynb"
SECRET = b"s" * 32


@pytest.fixture(scope="module")
def version() -> AssignmentVersion:
    return version_of(PATH, SECRET)


def test_exercises_are_those_of_the_unit(version: AssignmentVersion) -> None:
    assert version.exercises == {each.id: each for each in exercises_of_unit("01")}


def test_exercises_stand_in_the_order_of_the_notebook(version: AssignmentVersion) -> None:
    places = [version.released.index(f'check(\\"{name}\\")') for name in version.exercises]

    assert places == sorted(places)


@pytest.mark.parametrize("unit", units(ROOT), ids=lambda unit: unit.slug)
def test_every_unit_has_a_setup_cell_and_one_answer_a_check(unit) -> None:  # type: ignore[no-untyped-def]
    found = version_of(ROOT / "course" / unit.slug / f"{unit.slug}.ipynb", SECRET)
    by_kind = {
        kind: [cell.name for cell in found.cells if cell.kind == kind]
        for kind in ("setup", "exercise", "check")
    }

    assert by_kind["setup"]
    assert by_kind["exercise"] == by_kind["check"] == list(found.exercises)
    assert "numpy" in found.sandbox_modules


def test_version_travels_by_pickle_and_keeps_its_hash(version: AssignmentVersion) -> None:
    assert pickle.loads(pickle.dumps(version)).hash == version.hash


def test_hash_changes_with_notebook_and_secret(version: AssignmentVersion) -> None:
    content = json.loads(version.released)
    content["cells"][0]["source"] = "another text"

    assert replace(version, released=json.dumps(content)).hash != version.hash
    assert replace(version, secret=b"t" * 32).hash != version.hash


def test_seed_depends_on_secret_exercise_and_every_source(version: AssignmentVersion) -> None:
    seed = version.seed("relu", ["a", "b"])

    assert version.seed("relu", ["a", "b"]) == seed
    assert version.seed("relu", ["ab", ""]) != seed
    assert version.seed("relu", ["a", "c"]) != seed
    assert version.seed("sigmoid", ["a", "b"]) != seed
    assert replace(version, secret=b"t" * 32).seed("relu", ["a", "b"]) != seed


def test_secret_is_not_printed(version: AssignmentVersion) -> None:
    assert "sss" not in repr(version)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not json", "is not a released notebook"),
        ("{}", "is not a released notebook"),
        ('{"cells": []}', "holds no check"),
    ],
)
def test_what_is_no_released_notebook_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(Refusal, match=said):
        version_of(path, SECRET)


def test_unknown_exercise_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    cell = {
        "cell_type": "code",
        "id": "a",
        "source": 'check("no_such_exercise")',
        "metadata": {"nbgrader": {"grade": True, "grade_id": "check_no_such_exercise"}},
    }
    path.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")

    with pytest.raises(Refusal, match="no_such_exercise"):
        version_of(path, SECRET)


def test_absent_notebook_is_refused_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="nncourse build"):
        version_of(tmp_path / "a.ipynb", SECRET)
