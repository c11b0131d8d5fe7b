"""nbgrader's own generate step runs in a folder of its own, wherever its tools are installed."""

from __future__ import annotations

import os
import shutil

import pytest

from grading.authoring import cells
from grading.authoring.release import _empty_gradebook, release, scripts_on_path
from grading.refusals import Refusal


def test_release_works_without_an_activated_environment(built, monkeypatch, tmp_path):
    """nbgrader calls alembic by its name, which is not on PATH unless the venv is activated."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    assert shutil.which("alembic") is None
    _empty_gradebook.cache_clear()

    released = release({"00-doubling": built.source.notebook})

    assert released["00-doubling"] == built.learner
    assert os.environ["PATH"] == "/usr/bin:/bin"
    assert list(tmp_path.iterdir()) == []


def test_absent_alembic_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path))

    with pytest.raises(Refusal, match="alembic"), scripts_on_path():
        pass


def test_solution_is_cut_out_and_the_rest_stays(built):
    learner = {cells.grade_id(cell): cell for cell in built.learner.cells}

    assert learner["double_array"].source == (
        "def double_array(x):\n"
        '    """Double every entry of x, an array of any shape: [1, 2] gives [2, 4]."""\n'
        "    # YOUR CODE HERE\n"
        "    raise NotImplementedError()"
    )
    assert [cell.id for cell in built.learner.cells] == [
        cell.id for cell in built.source.notebook.cells
    ]


def test_what_nbgrader_refuses_becomes_one_sentence(built):
    import copy

    broken = copy.deepcopy(built.source.notebook)
    broken.cells.append(copy.deepcopy(broken.cells[2]))
    broken.cells[-1].id = "another"

    with pytest.raises(Refusal, match="Mend the cell") as refusal:
        release({"00-doubling": broken})

    assert "\n" not in str(refusal.value)
