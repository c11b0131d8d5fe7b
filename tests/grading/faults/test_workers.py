"""Workers, and the sandbox templates that they hold, are killed with signal 9 while they grade."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grading.engine import InProcess, ProcessPool
from grading.engine._jobs import MAX_TRIES
from grading.grade_class import Progress, grade_class
from tests.grading.faults.classes import SmallClass, assert_same, make_class, n_kills, state

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("requires_sandbox")]

ROOT = Path(__file__).resolve().parents[3]
N = 24


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    return make_class(tmp_path_factory.mktemp("class"), N)


@pytest.fixture(scope="module")
def undisturbed(small: SmallClass, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    copied = small.copied(tmp_path_factory.mktemp("undisturbed"))
    with InProcess() as engine:
        grade_class(copied.classroom, [copied.submissions], engine=engine)
    return state(copied.classroom)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                after = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(after[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        own = parents.get(waiting.pop(), [])
        found += own
        waiting += own
    return found


def templates(pid: int) -> list[int]:
    """Return a worker's template and the bubblewrap around it, not the learner's process below."""
    return children(pid)[:3]


def working(engine: ProcessPool) -> list[int]:
    """Return workers that may die: those that are ready, and hold no job on its last try."""
    return [
        worker.process.pid or 0
        for worker in engine._workers
        if worker.ready and all(task.tries < MAX_TRIES - 1 for task in worker.tasks)
    ]


def killing(choose: Callable[[], list[int]], every_s: float, n: int) -> Callable[[Progress], None]:
    """Return a watch that kills one of the chosen processes now and then, n times.

    Only what is alive counts: a signal to one that is dead already is no kill.
    """
    rng = random.Random(20260101)
    last = [time.monotonic()]
    left = [n]

    def watch(_: Progress) -> None:
        if not left[0] or time.monotonic() - last[0] <= every_s:
            return
        alive = [pid for pid in choose() if is_alive(pid)]
        if alive:
            os.kill(rng.choice(alive), signal.SIGKILL)
            last[0] = time.monotonic()
            left[0] -= 1

    watch.left = left  # type: ignore[attr-defined]
    return watch


@pytest.mark.parametrize("victim", ["worker", "template"])
def test_killed_processes_cost_nothing_but_time(
    small: SmallClass, undisturbed: dict[str, Any], tmp_path: Path, victim: str
) -> None:
    """One class after another is graded until as many were killed as shall be."""
    with ProcessPool(2) as engine:
        of = {
            "worker": lambda: working(engine),
            "template": lambda: [pid for each in working(engine) for pid in templates(each)],
        }
        watch = killing(of[victim], 0.15, n_kills(4, 60))
        for i in range(n_kills(4, 60)):
            copied = small.copied(tmp_path / str(i))
            paths = [copied.submissions]
            summary = grade_class(copied.classroom, paths, engine=engine, watch=watch)
            rest = grade_class(copied.classroom, paths, engine=engine)

            assert summary.statuses["infra_error"] == summary.done - N + rest.graded == 0
            assert_same(state(copied.classroom), undisturbed)
            if not watch.left[0]:  # type: ignore[attr-defined]
                break

    assert watch.left[0] == 0, "fewer were killed"  # type: ignore[attr-defined]


def test_command_killed_while_sandboxes_run_goes_on_where_it_was(
    small: SmallClass, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    copied = small.copied(tmp_path)
    command = [sys.executable, "-m", "grading.cli", "grade", str(copied.submissions)]
    command += ["--class", str(copied.root), "--workers", "2"]
    autograded = copied.root / "autograded"

    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not autograded.is_dir() and process.poll() is None:
            assert time.monotonic() < deadline, "nothing is written"
            time.sleep(0.01)
        started = children(process.pid)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while alive := [pid for pid in started if is_alive(pid)]:
        assert time.monotonic() < deadline, f"processes outlive their coordinator: {alive}"
        time.sleep(0.05)

    with ProcessPool(2) as engine:
        summary = grade_class(copied.classroom, [copied.submissions], engine=engine)

    assert summary.ok
    assert summary.graded < N
    assert_same(state(copied.classroom), undisturbed)


def is_alive(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False


def test_ctrl_c_writes_what_is_done_and_the_next_run_goes_on(
    small: SmallClass, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    copied = small.copied(tmp_path)
    room = copied.classroom

    def interrupt(progress: Progress) -> None:
        if progress.done == 5:
            signal.raise_signal(signal.SIGINT)

    with ProcessPool(2) as engine:
        summary = grade_class(room, [copied.submissions], engine=engine, watch=interrupt)
        written = state_of_grades(copied)
        rest = grade_class(room, [copied.submissions], engine=engine)

    assert summary.interrupted
    assert not summary.ok
    assert len(written) == summary.done
    assert rest.ok
    assert rest.unchanged == summary.done
    assert_same(state(room), undisturbed)


def state_of_grades(small: SmallClass) -> dict[str, Any]:
    from tests.grading.faults.classes import grades

    return grades(small.classroom.db_url, small.classroom.course_id)
