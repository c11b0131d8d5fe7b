"""A full disk, a database that restarts, the same submission delivered twice, a lost cluster."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from grading.classroom import Classroom
from grading.engine import InProcess, Job
from grading.grade_class import Progress, grade_class
from grading.refusals import Refusal
from grading.results import Result
from tests.grading.faults.classes import (
    SmallClass,
    assert_same,
    make_class,
    state,
    work_here,
)
from tests.grading.faults.victim import graded
from tests.grading.postgres import PostgresServer, postgres  # ruff: ignore[unused-import]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallClass:
    return make_class(tmp_path_factory.mktemp("class"))


@pytest.fixture(scope="module")
def undisturbed(small: SmallClass, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    copied = small.copied(tmp_path_factory.mktemp("undisturbed"))
    graded(str(copied.root), str(copied.submissions))
    return state(copied.classroom)


@pytest.mark.parametrize("nth", [3, 10, 20, 30])
def test_full_disk_is_said_and_the_next_run_goes_on(
    small: SmallClass,
    undisturbed: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    nth: int,
) -> None:
    """From the n-th write on nothing fits any more."""
    copied = small.copied(tmp_path)
    write, count = os.write, [0]

    def full(descriptor: int, data: bytes) -> int:
        count[0] += 1
        if count[0] >= nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(Refusal, match="disk is full"):
            graded(str(copied.root), str(copied.submissions))
    graded(str(copied.root), str(copied.submissions))

    assert_same(state(copied.classroom), undisturbed)


@contextmanager
def small_disk(folder: Path, n_bytes: int) -> Generator[None]:
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(folder)], check=True
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def can_mount(folder: Path) -> bool:
    try:
        with small_disk(folder, 1_000_000):
            return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False


def test_class_on_a_disk_that_is_too_small_is_graded_once_there_is_room(
    small: SmallClass, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    """A real file system that fills up, where this machine lets us mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    if not can_mount(place):
        return  # the injected error above says the same
    roomy = tmp_path / "roomy"
    roomy.mkdir()
    with small_disk(place, 900_000):
        copied = SmallClass(
            Path(shutil.copytree(small.root, place / "class")),
            Path(shutil.copytree(small.submissions, roomy / "submissions")),
        )
        with pytest.raises(Refusal, match="full"):
            graded(str(copied.root), str(copied.submissions))
        shutil.copytree(copied.root, roomy / "class")
    moved = SmallClass(roomy / "class", roomy / "submissions")

    graded(str(moved.root), str(moved.submissions))

    assert_same(state(moved.classroom), undisturbed)


def test_database_that_restarts_is_waited_for(
    small: SmallClass,
    undisturbed: dict[str, Any],
    tmp_path: Path,
    postgres: PostgresServer,  # ruff: ignore[redefined-while-unused]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server is taken away in the middle of the run, and comes back while the writer waits."""
    from grading.gradebook import Patience, Writer

    copied = small.copied(tmp_path)
    room = Classroom.open(copied.root, db=postgres.new_database())
    stopped, waited = [], []

    def stopping(job: Job) -> Result:
        if len(stopped) < 2 and len(stopped) == len(waited):
            postgres.stop()
            stopped.append(job.entry_id)
        return work_here(job)

    def sleep(seconds: float) -> None:
        if len(waited) < len(stopped):
            waited.append(seconds)
            postgres.start()

    monkeypatch.setattr("grading.runs._recording.BATCH", 2)
    writer = Writer(room.db_url, room.course_id, patience=Patience(sleep=sleep))
    with InProcess(work=stopping) as engine:
        summary = grade_class(room, [copied.submissions], engine=engine, unsafe=True, writer=writer)

    assert summary.ok
    assert len(stopped) == len(waited) == 2
    assert_same(state(room), undisturbed)


def test_database_that_stays_away_loses_nothing(
    small: SmallClass,
    undisturbed: dict[str, Any],
    tmp_path: Path,
    postgres: PostgresServer,  # ruff: ignore[redefined-while-unused]
) -> None:
    from grading.gradebook import Patience, Writer

    copied = small.copied(tmp_path)
    room = Classroom.open(copied.root, db=postgres.new_database())

    def stopping(job: Job) -> Result:
        postgres.stop()
        return work_here(job)

    try:
        writer = Writer(room.db_url, room.course_id, patience=Patience(total_s=0.3))
        with InProcess(work=stopping) as engine, pytest.raises(Refusal, match="gradebook"):
            grade_class(room, [copied.submissions], engine=engine, unsafe=True, writer=writer)
    finally:
        postgres.start()
    with InProcess(work=never) as engine:
        summary = grade_class(room, [copied.submissions], engine=engine, unsafe=True)

    assert summary.ok
    assert_same(state(room), undisturbed)


def never(job: Job) -> Result:
    message = f"{job.entry_id} was graded before"
    raise AssertionError(message)


def test_duplicate_delivery_changes_nothing(
    small: SmallClass, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    """The engine gives every result twice, as a queue that delivers at least once would."""
    copied = small.copied(tmp_path)

    class Twice(InProcess):
        def run(self, jobs: Any, *, idle_s: float | None = None) -> Any:
            for each in super().run(jobs, idle_s=idle_s):
                yield each
                yield each

    with Twice(work=work_here) as engine:
        summary = grade_class(copied.classroom, [copied.submissions], engine=engine, unsafe=True)

    assert summary.graded == 5
    assert_same(state(copied.classroom), undisturbed)


def test_same_submission_named_twice_is_graded_once(
    small: SmallClass, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    copied = small.copied(tmp_path)
    began = []

    def counting(job: Job) -> Result:
        began.append(job.entry_id)
        return work_here(job)

    with InProcess(work=counting) as engine:
        paths = [copied.submissions, copied.submissions]
        grade_class(copied.classroom, paths, engine=engine, unsafe=True)

    assert len(began) == 5  # of six learners, two handed in the same
    assert state(copied.classroom)["grades"] == undisturbed["grades"]


def test_progress_counts_every_submission_once(small: SmallClass, tmp_path: Path) -> None:
    copied = small.copied(tmp_path)
    seen: list[Progress] = []

    with InProcess(work=work_here) as engine:
        grade_class(
            copied.classroom,
            [copied.submissions],
            engine=engine,
            unsafe=True,
            watch=seen.append,
        )

    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert (seen[-1].done, seen[-1].total) == (6, 6)
