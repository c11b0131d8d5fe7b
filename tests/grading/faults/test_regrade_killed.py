"""A regrade that would lower every score is killed with signal 9 at every kind of step.

After the same command has run again, everything equals what a regrade without disturbance leaves:
above all, of each exercise the higher score was kept.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.grading.faults.classes import SmallClass, assert_same, make_class, n_kills, state
from tests.grading.faults.test_coordinator import points
from tests.grading.faults.victim import STEPS, graded, killed_at

KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    """A class that is graded."""
    made = make_class(tmp_path_factory.mktemp("class"))
    graded(str(made.root), str(made.submissions))
    return made


@pytest.fixture(scope="module")
def undisturbed(small: SmallClass, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Regrade a copy in peace; returns what came of it, and the names of its steps."""
    folder = tmp_path_factory.mktemp("undisturbed")
    copied = small.copied(folder)
    assert killed_at(copied, 0, folder / "steps", again=True) == 0
    steps = (folder / "steps").read_text(encoding="utf-8").splitlines()
    return {"state": state(copied.classroom), "steps": steps}


def test_undisturbed_the_worse_verdict_changes_no_score(
    small: SmallClass, undisturbed: dict[str, Any]
) -> None:
    before = state(small.classroom)

    assert set(undisturbed["steps"]) == {*STEPS, "commit"}
    assert undisturbed["state"]["n_entries"] == 12
    assert {learner: book["cells"] for learner, book in undisturbed["state"]["grades"].items()} == {
        learner: book["cells"] for learner, book in before["grades"].items()
    }
    assert any(score for book in before["grades"].values() for _, score, *_ in book["cells"])


def test_killed_anywhere_the_next_regrade_ends_where_an_undisturbed_one_does(
    small: SmallClass, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    ended = []
    for i, fatal in enumerate(points(undisturbed, n_kills(0, 200))):
        copied = small.copied(tmp_path / str(i))
        where = f"step {fatal} of {len(undisturbed['steps'])}: {undisturbed['steps'][fatal - 1]}"

        ended.append(killed_at(copied, fatal, tmp_path / "steps", again=True))
        graded(str(copied.root), str(copied.submissions), again=True)

        assert_same(state(copied.classroom), undisturbed["state"], where)

    # Waiting for the disk goes by the clock too, so a run may have a step or two less.
    assert set(ended) <= {KILLED, 0}
    assert ended.count(0) <= 3
