"""A class graded on a Dask cluster that loses a worker: nothing is lost, doubled or changed."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from grading.engine import DaskCluster
from grading.grade_class import Progress, grade_class
from tests.grading.engine.clusters import cluster
from tests.grading.faults.classes import assert_same, make_class, state, work_here
from tests.grading.faults.victim import graded

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


def test_worker_lost_in_the_midst_of_a_class_costs_nothing(tmp_path: Path) -> None:
    small = make_class(tmp_path, 24)
    peaceful = small.copied(tmp_path / "peaceful")
    graded(str(peaceful.root), str(peaceful.submissions))
    killed: list[int] = []

    with cluster(tmp_path) as running:
        lost, _ = running.worker("--nthreads=1"), running.worker("--nthreads=2")
        with DaskCluster(running.address, unsafe=True, work=work_here) as engine:
            engine._client.wait_for_workers(2, timeout=60)

            def watch(progress: Progress) -> None:
                if progress.done >= 5 and not killed:
                    killed.append(progress.done)
                    lost.send_signal(signal.SIGKILL)

            summary = grade_class(
                small.classroom, [small.submissions], engine=engine, unsafe=True, watch=watch
            )

    assert killed
    assert killed[0] < 20
    assert (summary.graded + summary.reused, summary.ok) == (24, True)
    assert_same(state(small.classroom), state(peaceful.classroom))
