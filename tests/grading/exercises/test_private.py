"""Declarations from outside of the course are found by their id, and their slips by their line."""

from __future__ import annotations

import sys

import pytest

from grading.assignments import AssignmentVersion
from grading.exercises import _registry, all_exercises, exercise, load_private
from grading.refusals import Refusal
from tests.grading.private_course import DECLARATION, write_private_course


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """Leave nothing of what a test loads."""
    monkeypatch.setattr(_registry, "_private", {})
    yield
    for name in [name for name in sys.modules if name.startswith("nncourse_private_")]:
        del sys.modules[name]


@pytest.fixture
def course(tmp_path):
    return write_private_course(tmp_path / "my exercises é")


def test_a_folder_is_loaded_with_its_helpers(course):
    (declared,) = load_private([course])

    assert declared.id == "halved_norm"
    assert exercise("halved_norm") is declared


@pytest.mark.parametrize("form", ["folder of files", "one file", "text"])
def test_a_folder_of_files_and_a_single_file_serve_as_well(course, tmp_path, form):
    if form == "one file":
        path = tmp_path / "mine.py"
        path.write_text(
            DECLARATION
            .replace("from ._drawing import draw_vector", "")
            .replace("cases=draw_vector", "cases=lambda rng: Case({'v': rng.normal(size=4)})")
            .replace("import Criterion", "import Case, Criterion"),
            encoding="utf-8",
        )
        given = [path]
    else:
        given = [course / "exercises"]

    (declared,) = load_private(str(given[0]) if form == "text" else given)

    assert exercise("halved_norm") is declared


def test_the_course_itself_stays_as_it_is(course):
    before = all_exercises()

    load_private([course])

    assert all_exercises() == before


def test_loading_again_is_the_same_declaration(course):
    assert load_private([course]) == load_private([course])
    assert load_private([course])[0] is exercise("halved_norm")


def test_a_mended_file_takes_the_place_of_the_old(course):
    load_private([course])
    path = course / "exercises" / "norms.py"
    path.write_text(DECLARATION.replace('title="Half', 'title="Exactly half'), encoding="utf-8")

    load_private([course])

    assert exercise("halved_norm").title == "Exactly half a squared norm"


def test_a_mended_helper_is_another_version(course, tmp_path):
    other = write_private_course(tmp_path / "other")
    helper = other / "exercises" / "_drawing.py"
    helper.write_text(helper.read_text().replace("size=5", "size=7"), encoding="utf-8")
    released = (
        '{"cells": [{"cell_type": "code", "source": "", "id": "a", "metadata": {"nbgrader": '
        '{"grade": true, "solution": false, "grade_id": "check_halved_norm"}}}]}'
    )

    hashes = [
        AssignmentVersion("91-norms", released, b"secret", (str(each),)).hash
        for each in (course, other)
    ]

    assert hashes[0] != hashes[1]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"""The private exercise."""', "def (:", "norms.py, line 1: SyntaxError"),
        ("import numpy as np", "import numpyy", "norms.py, line 3: ModuleNotFoundError"),
        ("difficulty=1,", "difficulty=9,", "difficulty runs from 1 to 5"),
        ("EXERCISES = (", "EXERCISES = 3, (", "EXERCISES that are not declarations"),
        ("EXERCISES = (", "OTHER = (", "it has no EXERCISES"),
        ("EXERCISES = (", "raise SystemExit(3)\nEXERCISES = (", "SystemExit: 3"),
        ('id="halved_norm"', 'id="relu_backward"', "the id 'relu_backward' is taken by the course"),
    ],
)
def test_a_slip_is_one_sentence_with_file_and_line(course, old, new, sentence):
    path = course / "exercises" / "norms.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(Refusal) as refusal:
        load_private([course])

    assert sentence in str(refusal.value)
    assert str(path) in str(refusal.value)
    with pytest.raises(KeyError):
        exercise("halved_norm")


def test_a_slip_in_a_helper_names_the_helper(course):
    path = course / "exercises" / "_drawing.py"
    path.write_text("\n\nx = 1 / 0\n", encoding="utf-8")

    with pytest.raises(Refusal, match=r"_drawing\.py, line 3: ZeroDivisionError"):
        load_private([course])


def test_after_a_mend_it_loads(course):
    path = course / "exercises" / "_drawing.py"
    right = path.read_text(encoding="utf-8")
    path.write_text("1 / 0", encoding="utf-8")
    with pytest.raises(Refusal):
        load_private([course])
    path.write_text(right, encoding="utf-8")

    assert len(load_private([course])) == 1


def test_two_files_with_one_id_are_refused_with_both(course):
    (course / "exercises" / "second.py").write_text(DECLARATION + "\n", encoding="utf-8")

    with pytest.raises(Refusal, match=r"second\.py: the id 'halved_norm' is taken by .*norms\.py"):
        load_private([course])


@pytest.mark.parametrize("name", ["nowhere", "nowhere.py", "readme.txt", "empty"])
def test_a_path_without_exercises_is_refused(tmp_path, name):
    (tmp_path / "readme.txt").write_text("x")
    (tmp_path / "empty").mkdir()

    with pytest.raises(Refusal, match="there are no exercises"):
        load_private([tmp_path / name])
