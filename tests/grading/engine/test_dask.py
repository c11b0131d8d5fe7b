"""A Dask cluster: a scheduler and two workers, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from grading.engine import DaskCluster, Job, _dask
from grading.refusals import Refusal
from tests.grading.engine.clusters import Cluster, cluster
from tests.grading.engine.doubles import FakeVersion, job, obey, result_of


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("dask")) as running:
        running.worker("--nthreads=1", "--name=one")
        running.worker("--nthreads=3", "--name=two")
        yield running


@pytest.fixture(scope="module")
def engine(two: Cluster) -> Iterator[DaskCluster]:
    with DaskCluster(two.address, work=obey) as running:
        running._client.wait_for_workers(2, timeout=30)
        yield running


def test_every_job_ends_in_its_own_result_once(engine: DaskCluster) -> None:
    jobs = [job(f"j{i}") for i in range(40)]

    ended = list(engine.run(jobs))

    assert len(ended) == 40
    assert dict(ended) == {each.entry_id: result_of(each) for each in jobs}


def test_few_jobs_are_taken_ahead_of_their_results(engine: DaskCluster) -> None:
    taken = []

    def source() -> Iterator[Job]:
        for i in range(60):
            taken.append(i)
            yield job(f"j{i}")

    ahead = [len(taken) - done for done, _ in enumerate(engine.run(source()))]

    assert len(ahead) == 60
    assert max(ahead) <= 4


def test_worker_with_three_threads_grades_one_at_a_time(engine: DaskCluster) -> None:
    ended = dict(engine.run([job(f"a{i}", "alone") for i in range(16)]))

    assert {result.message for result in ended.values()} == {"True"}


def test_exception_and_infra_error_are_tried_again(engine: DaskCluster, tmp_path: Path) -> None:
    ended = dict(
        engine.run([
            job("raises", "raise"),
            job("raised", f"raise once {tmp_path}"),
            job("infra", "infra"),
            job("was infra", f"infra once {tmp_path}"),
        ])
    )

    assert {name: result.status for name, result in ended.items()} == {
        "raises": "infra_error",
        "raised": "ok",
        "infra": "infra_error",
        "was infra": "ok",
    }
    assert "LookupError" in ended["raises"].message


def test_version_arrives_about_once_at_each_worker(engine: DaskCluster) -> None:
    version = FakeVersion(content="travels once")
    jobs = [job(f"v{i}", "version", version=version) for i in range(30)]

    counts: dict[int, list[int]] = {}
    for _, result in engine.run(jobs):
        pid, count = json.loads(result.message)
        counts.setdefault(pid, []).append(count)

    # Once in the task that holds it, once as that task's result at the other worker.
    assert all(max(seen) - min(seen) <= 2 for seen in counts.values())


def test_worker_is_told_which_exercises_to_judge(engine: DaskCluster) -> None:
    some = replace(job("some", "exercises"), exercises=frozenset({"b", "a"}))

    said = dict(each for each in engine.run([some, job("all", "exercises")]) if each)

    assert {name: json.loads(result.message) for name, result in said.items()} == {
        "some": ["a", "b"],
        "all": [],
    }


def test_what_travels_names_no_learner(engine: DaskCluster) -> None:
    """The key of a task is the journal's id; the scheduler prints such keys."""
    keys: list[str] = []
    submit = engine._client.submit

    def seen(*arguments: Any, **options: Any) -> Any:
        keys.append(options["key"])
        return submit(*arguments, **options)

    engine._client.submit = seen
    try:
        list(engine.run([job("0a1b")]))
    finally:
        engine._client.submit = submit

    assert [key.rpartition(engine._session)[0] for key in keys][-1] == "grade-0a1b-"


def test_none_is_given_while_nothing_ends(engine: DaskCluster) -> None:
    ended = list(engine.run([job("slow", "sleep 0.6")], idle_s=0.1))

    assert ended[-1] is not None
    assert 2 <= ended.count(None) <= 8


def test_results_of_a_run_that_was_left_do_not_show_in_the_next(engine: DaskCluster) -> None:
    run = engine.run([job("old", "sleep 0.2"), *(job(f"old{i}") for i in range(9))])
    next(run)
    run.close()

    assert [name for name, _ in engine.run([job("new", "sleep 0.4")])] == ["new"]


def test_lost_worker_is_survived(tmp_path: Path) -> None:
    """One of two is killed in the midst of a batch; nothing is lost or doubled."""
    with cluster(tmp_path) as running:
        running.worker("--nthreads=1")
        first = running.worker("--nthreads=1")
        with DaskCluster(running.address, work=obey) as engine:
            engine._client.wait_for_workers(2, timeout=30)
            jobs = [job(f"j{i}", f"sleep 0.05\n{i}") for i in range(40)]
            ended = []
            for one in engine.run(jobs):
                ended.append(one)
                if len(ended) == 8:
                    first.send_signal(signal.SIGKILL)

    assert len(ended) == 40
    assert dict(ended) == {each.entry_id: result_of(each) for each in jobs}


def test_worker_with_another_state_of_the_course_is_refused(
    two: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_dask, "_state", lambda: "another")

    with pytest.raises(Refusal, match="its copy of the course differs"):
        DaskCluster(two.address, work=obey)


def test_result_of_another_version_does_not_count(engine: DaskCluster) -> None:
    ended = dict(engine.run([job("a", version=Drifting())]))

    assert ended["a"].status == "infra_error"
    assert "another state of the course" in ended["a"].message


@dataclass(frozen=True)
class Drifting(FakeVersion):
    """A version whose hash differs where it arrives."""

    home: int = field(default_factory=os.getpid)

    @property
    def hash(self) -> str:
        return "here" if os.getpid() == self.home else "elsewhere"


def test_scheduler_that_does_not_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dask, "_REPLY_S", 1.0)

    with pytest.raises(Refusal, match=r"no scheduler answers there\. Start one"):
        DaskCluster("tcp://127.0.0.1:9", work=obey)


def test_scheduler_without_workers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_dask, "_REPLY_S", 2.0)

    with cluster(tmp_path) as running, pytest.raises(Refusal, match="has no worker"):
        DaskCluster(running.address, work=obey)
