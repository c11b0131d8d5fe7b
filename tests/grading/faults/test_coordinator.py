"""The coordinator is killed with signal 9 at every kind of step and at random ones.

After the same command has run again, nothing is lost, doubled or changed: gradebook, notebooks
and journal equal those of a run that nobody disturbed. Half-written lines and files, transactions
without their end, results without their gradebook: all of these occur.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.grading.faults.classes import SmallClass, assert_same, make_class, n_kills, state
from tests.grading.faults.victim import STEPS, graded, killed_at

KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    return make_class(tmp_path_factory.mktemp("a class é"))


@pytest.fixture(scope="module")
def undisturbed(small: SmallClass, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Grade a copy in peace; returns what came of it, and the names of its steps."""
    folder = tmp_path_factory.mktemp("undisturbed")
    copied = small.copied(folder)
    assert killed_at(copied, 0, folder / "steps") == 0
    steps = (folder / "steps").read_text(encoding="utf-8").splitlines()
    return {"state": state(copied.classroom), "steps": steps}


def points(undisturbed: dict[str, Any], n: int) -> Iterator[int]:
    """Yield the first and the last step of each kind, then n random ones; counted from 1."""
    steps: list[str] = undisturbed["steps"]
    for name in dict.fromkeys(steps):
        yield steps.index(name) + 1
        yield len(steps) - steps[::-1].index(name)
    rng = random.Random(20260101)
    yield from (rng.randint(1, len(steps)) for _ in range(n))


def test_the_undisturbed_run_takes_every_kind_of_step(undisturbed: dict[str, Any]) -> None:
    assert set(undisturbed["steps"]) == {*STEPS, "commit"}
    assert len(undisturbed["state"]["grades"]) == 6
    assert undisturbed["state"]["left"] == []


def test_killed_anywhere_the_next_run_ends_where_an_undisturbed_one_does(
    small: SmallClass, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    ended = []
    for i, fatal in enumerate(points(undisturbed, n_kills(20, 200))):
        copied = small.copied(tmp_path / str(i))
        where = f"step {fatal} of {len(undisturbed['steps'])}: {undisturbed['steps'][fatal - 1]}"

        ended.append(killed_at(copied, fatal, tmp_path / "steps"))
        graded(str(copied.root), str(copied.submissions))

        assert_same(state(copied.classroom), undisturbed["state"], where)

    # Waiting for the disk goes by the clock too, so a run may have a step or two less.
    assert set(ended) <= {KILLED, 0}
    assert ended.count(0) <= 3
    assert ended.count(KILLED) >= n_kills(20, 200)


def test_killed_again_and_again_it_still_gets_there(
    small: SmallClass, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    """Each run is killed a little later than the one before, counted from its own start."""
    copied = small.copied(tmp_path)
    fatal = 5

    while killed_at(copied, fatal, tmp_path / "steps") == KILLED:
        fatal += 23

    assert fatal > 5 + 2 * 23
    assert_same(state(copied.classroom), undisturbed["state"])


def test_running_it_again_changes_nothing(
    small: SmallClass, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    copied = small.copied(tmp_path)

    graded(str(copied.root), str(copied.submissions))
    again = graded(str(copied.root), str(copied.submissions))

    assert (again.graded, again.unchanged) == (0, 6)
    assert_same(state(copied.classroom), undisturbed["state"])
