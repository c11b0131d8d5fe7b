"""Which workers of a cluster grade, and what becomes of jobs when some are broken, late or gone."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from grading.engine import DaskCluster, _dask_members
from grading.refusals import Refusal
from tests.grading.engine.clusters import ROOT, Cluster, cluster
from tests.grading.engine.doubles import BROKEN, job, obey, result_of


def test_job_that_failed_at_a_broken_worker_is_tried_at_another(tmp_path: Path) -> None:
    """The broken one is quick to fail, so it has room first; soon it gets no more."""
    jobs = [job(f"j{i}", f"sleep 0.01\n{i}") for i in range(60)]

    with cluster(tmp_path) as running:
        running.worker("--nthreads=1")
        running.worker("--nthreads=1", **{BROKEN: "1"})
        with engine_of(running, 2) as engine:
            ended = list(engine.run(jobs))
            left = list(engine._members.trusted)

    assert len(ended) == 60
    assert dict(ended) == {each.entry_id: result_of(each) for each in jobs}
    assert len(left) == 1


def test_job_that_fails_everywhere_is_tried_at_every_worker(tmp_path: Path) -> None:
    with cluster(tmp_path) as running:
        running.worker("--nthreads=1")
        running.worker("--nthreads=1")
        with engine_of(running, 2) as engine:
            seen: list[str] = []
            settle = engine._settle

            def watched(task: Any, answer: Any, worker: str) -> Any:
                seen.append(worker)
                return settle(task, answer, worker)

            engine._settle = watched
            ended = dict(engine.run([job("deadly", "kill")]))
            trusted = set(engine._members.trusted)

    assert ended["deadly"].status == "infra_error"
    assert len(seen) == 3
    assert set(seen) == trusted  # nobody was barred for what fails everywhere


def test_late_worker_with_another_state_gets_nothing(tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(ROOT / "grading", other / "grading", ignore=shutil.ignore_patterns("_course"))
    with (other / "grading" / "kernel" / "_scoring.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")

    with cluster(tmp_path) as running:
        running.worker("--nthreads=1")
        with engine_of(running, 1) as engine:
            running.worker("--nthreads=1", PYTHONPATH=f"{other}:{ROOT}")
            engine._client.wait_for_workers(2, timeout=30)
            jobs = (job(f"j{i}", "parent") for i in range(100_000))
            parents = set()
            for each in engine.run(jobs, idle_s=0.2):
                parents |= {each[1].message} if each else set()
                if engine._members._barred:
                    break

            assert len(engine._members.trusted) == 1
            assert len(parents) == 1
            [fault] = engine._members._barred.values()
            assert "copy of the course differs" in fault


def test_late_worker_of_the_same_state_takes_part(tmp_path: Path) -> None:
    with cluster(tmp_path) as running:
        running.worker("--nthreads=1")
        with engine_of(running, 1) as engine:
            running.worker("--nthreads=1")
            jobs = (job(f"j{i}", "parent") for i in range(100_000))
            parents = set()
            deadline = time.monotonic() + 60
            for each in engine.run(jobs, idle_s=0.2):
                parents |= {each[1].message} if each else set()
                assert time.monotonic() < deadline
                if len(parents) == 2:
                    break


def test_restarted_scheduler_loses_no_job(tmp_path: Path) -> None:
    """Somebody else's restart drops all that it holds, versions as well."""
    jobs = [job(f"j{i}", f"sleep 0.02\n{i}") for i in range(60)]

    with cluster(tmp_path) as running:
        running.start("dask_worker", running.address, "--nthreads=1", "--no-dashboard")
        with engine_of(running, 1) as engine, Client(running.address) as somebody:
            ended = []
            for one in engine.run(jobs):
                ended.append(one)
                if len(ended) == 8:
                    somebody.restart()

    assert len(ended) == 60
    assert dict(ended) == {each.entry_id: result_of(each) for each in jobs}


def test_run_without_workers_ends_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_dask_members, "_ALONE_S", 1.0)
    monkeypatch.setattr(_dask_members, "_LOOK_S", 0.2)

    with cluster(tmp_path) as running:
        only = running.worker("--nthreads=1")
        with engine_of(running, 1) as engine:
            run = engine.run(job(f"j{i}", "sleep 0.05") for i in range(100))
            next(run)
            only.send_signal(signal.SIGKILL)

            with pytest.raises(Refusal, match="no worker that may grade for a minute"):
                list(run)


def test_submission_that_ends_its_worker_again_and_again_is_given_up(tmp_path: Path) -> None:
    """Not its grader, which dies alone, but the worker around it."""
    with cluster(tmp_path) as running:
        for _ in range(4):
            running.start("dask_worker", running.address, "--nthreads=1", "--no-dashboard")
        with engine_of(running, 4) as engine:
            jobs = [job(f"j{i}") for i in range(6)]
            ended = dict(engine.run([*jobs, job("deadly", "kill parent")]))

    deadly = ended.pop("deadly")
    assert deadly.status == "infra_error"
    assert "lost its worker again and again, 4 times begun" in deadly.message
    assert ended == {each.entry_id: result_of(each) for each in jobs}


def engine_of(running: Cluster, n_workers: int) -> DaskCluster:
    deadline = time.monotonic() + 30
    with Client(running.address) as client:
        client.wait_for_workers(n_workers, timeout=deadline - time.monotonic())
    return DaskCluster(running.address, work=obey)
