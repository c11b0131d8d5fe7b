"""A unit's duration follows the syllabus's rule."""

from __future__ import annotations

import pytest

from grading.authoring import cells
from grading.authoring.hours import estimate


def test_estimate_adds_words_core_exercises_and_figures(registry):
    text = "word " * 299 + "$a + b + c$"  # 300 words, a formula counts as one
    notebook = cells.new_notebook([
        cells.new_cell("markdown", text, {}),
        cells.new_cell("code", "not a word of prose", {}),
        cells.new_cell("code", "from nnlib.widgets import Prediction, Bowl", {"tags": ["figure"]}),
        cells.new_cell("code", "Bowl(rate=0.1)", {"tags": ["figure"]}),
    ])

    found = estimate(notebook, registry.values())

    assert (found.reading, found.exercises, found.figures) == (2.0, 10.0, 5.0)
    assert found.hours == pytest.approx(17 / 60)
    assert str(found) == "0.3 h (reading 2 min, core exercises 10 min, figures 5 min)"
