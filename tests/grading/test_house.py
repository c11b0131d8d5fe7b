"""The house knows its units by their file names, and their titles by their first heading."""

from __future__ import annotations

import json

import pytest

from grading import house
from grading.house import Unit, course_folder, course_root, units
from grading.refusals import Refusal


@pytest.fixture
def solutions(tmp_path):
    folder = tmp_path / "solutions"
    folder.mkdir()
    return folder


def write(folder, slug, opening):
    (folder / f"{slug}.py").write_text(f"# %% [markdown]\n{opening}\n# %%\n1\n", encoding="utf-8")


def test_units_come_in_order_with_title_and_hours(tmp_path, solutions):
    write(solutions, "01-backpropagation", "# # 01 Backpropagation\n#\n# About 3 hours.")
    write(solutions, "00-start-here", "# # Unit 00: Start here\n#\n# 45 minutes")
    write(solutions, "10-from-here", "#\n# No heading.")

    assert units(tmp_path) == [
        Unit("00", "00-start-here", "Start here", 0.75),
        Unit("01", "01-backpropagation", "Backpropagation", 3.0),
        Unit("10", "10-from-here", "From here", 0.0),
    ]


def test_two_units_with_one_number_are_refused(tmp_path, solutions):
    write(solutions, "01-one", "# # One")
    write(solutions, "01-other", "# # Other")

    with pytest.raises(Refusal, match=r"01-one.py and 01-other.py both carry number 01"):
        units(tmp_path)


def test_misnamed_unit_is_refused(tmp_path, solutions):
    write(solutions, "Backpropagation", "# # One")

    with pytest.raises(Refusal, match="NN-words-like-this"):
        units(tmp_path)


def test_checkout_holds_solutions_and_course():
    assert (course_root() / "pyproject.toml").is_file()
    assert course_folder() == course_root() / "course"


def test_installed_wheel_reads_its_notebooks(tmp_path, monkeypatch):
    """A wheel holds grading/_course and no sources."""
    package = tmp_path / "site" / "grading"
    unit = package / "_course" / "01-backpropagation"
    unit.mkdir(parents=True)
    source = ["# 01 Backpropagation\n", "\n", "3 hours"]
    notebook = {"cells": [{"cell_type": "markdown", "source": source}]}
    (unit / "01-backpropagation.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    monkeypatch.setattr(house, "_PACKAGE", package)

    assert course_folder() == package / "_course"
    assert units() == [Unit("01", "01-backpropagation", "Backpropagation", 3.0)]
    with pytest.raises(Refusal, match="a clone of the course"):
        course_root()
