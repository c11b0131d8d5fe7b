"""``nncourse grade --course``: gradebooks of others, filled as plain nbgrader fills them."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from grading.engine import ProcessPool
from grading.grade_class import grade_course
from grading.journal import Journal
from grading.kernel import open_course
from grading.refusals import Refusal
from tests.grading.kernel.conftest import Plain
from tests.grading.kernel.plain_nbgrader import recorded

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.usefixtures("requires_sandbox"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
]


@pytest.fixture(scope="module")
def root(plain: Plain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course before anything was graded, but with a score that a person gave."""
    root = tmp_path_factory.mktemp("own") / "signals é"
    shutil.copytree(plain.course("hw1").root, root)
    shutil.rmtree(root / "autograded")
    connection = sqlite3.connect(root / "gradebook.db")
    connection.execute("UPDATE grade SET auto_score = NULL, needs_manual_grade = 1")
    connection.execute("UPDATE submitted_notebook SET late_submission_penalty = NULL")
    connection.commit()
    connection.close()
    return root


@pytest.fixture(scope="module")
def summary(root: Path) -> Any:
    with ProcessPool(1) as engine:
        return grade_course(open_course(root), engine=engine)


def test_scores_and_penalties_equal_plain_nbgraders(summary: Any, root: Path, plain: Plain):
    assert summary.graded == 4
    assert recorded(root, "signals", "hw1") == plain.scores["hw1"]


def test_autograded_notebooks_lie_where_formgrader_looks(summary: Any, root: Path):
    found = sorted(path.name for path in (root / "autograded" / "right" / "hw1").glob("*.ipynb"))

    assert found == ["a statistics.ipynb", "b-report.ipynb"]


def test_journal_names_nobody(summary: Any, root: Path):
    folder = root / ".nncourse" / "journal"
    with Journal(folder, readonly=True) as journal:
        learners = {entry.learner for entry in journal.entries()}

    assert len(learners) == 4
    assert not learners & {"right", "wrong", "error", "blank"}


def test_second_run_runs_nothing_and_one_assignment_may_be_chosen(summary: Any, root: Path):
    with ProcessPool(1) as engine:
        again = grade_course(open_course(root), engine=engine, unit="hw1")
        with pytest.raises(Refusal, match="no assignment 'hw2'"):
            grade_course(open_course(root), engine=engine, unit="hw2")

    assert (again.graded, again.unchanged) == (0, 4)
