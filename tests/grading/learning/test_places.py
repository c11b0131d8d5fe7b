"""The page to open is the learner's own notebook of the unit where they stopped."""

from __future__ import annotations

from pathlib import Path

from grading.learning.places import page_to_open
from tests.grading.learning.cases import BACKPROP, BACKPROP_UPDATE, START, release


def test_own_copy_comes_before_its_update(tmp_path: Path) -> None:
    release(tmp_path, 1, (START, BACKPROP_UPDATE, BACKPROP, "01-backpropagation/0 notes.ipynb"))

    assert page_to_open(tmp_path, "01") == BACKPROP


def test_renamed_copy_comes_before_its_update(tmp_path: Path) -> None:
    release(tmp_path, 1, (START, BACKPROP_UPDATE, "01-backpropagation/mine é.ipynb"))

    assert page_to_open(tmp_path, "01") == "01-backpropagation/mine é.ipynb"


def test_unit_zero_stands_in_for_a_missing_unit(tmp_path: Path) -> None:
    release(tmp_path, 1, (START,))

    assert page_to_open(tmp_path, "07") == START


def test_a_folder_without_notebooks_opens_as_it_is(tmp_path: Path) -> None:
    assert page_to_open(tmp_path) == ""
