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

from grading.engine import DaskCluster, Job, _dask, _dask_worker
from grading.limits import Limits
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
        for i in range(300):
            taken.append(i)
            yield job(f"j{i}")

    ahead = [len(taken) - done for done, _ in enumerate(engine.run(source()))]

    assert len(ahead) == 300
    assert max(ahead) <= 48  # at two workers two parcels of eight, and eight that wait for each


def test_shares_shrink_as_the_source_ends(engine: DaskCluster) -> None:
    """So that one worker is not left with the last eight while the other has nothing to do."""
    sizes = sizes_of_parcels(engine, [job(f"j{i}", f"sleep 0.02\n{i}") for i in range(60)])

    assert sizes[:4] == [8, 8, 8, 8]
    assert sizes[-4:] == sorted(sizes[-4:], reverse=True)
    assert sizes[-1] == 1


def test_few_jobs_are_shared_among_the_workers(engine: DaskCluster) -> None:
    assert sizes_of_parcels(engine, [job("a"), job("b")]) == [1, 1]


def sizes_of_parcels(
    engine: DaskCluster, jobs: list[Job], ended: list[Any] | None = None
) -> list[int]:
    sizes: list[int] = []
    submit = engine._client.submit

    def seen(function: Any, *arguments: Any, **options: Any) -> Any:
        if function is _dask_worker.work_on:
            sizes.append(len(arguments[1]))
        return submit(function, *arguments, **options)

    engine._client.submit = seen
    try:
        results = list(engine.run(jobs))
    finally:
        engine._client.submit = submit
    if ended is not None:
        ended += results
    return sizes


def test_slow_jobs_are_handed_back_so_that_they_do_not_wait_for_one_worker(
    engine: DaskCluster,
) -> None:
    jobs = [job(f"slow{i}", f"sleep 1.1\n{i}") for i in range(4)]
    jobs += [job(f"j{i}") for i in range(12)]

    ended: list[Any] = []
    sizes = sizes_of_parcels(engine, jobs, ended)

    assert sum(sizes) > len(jobs)  # some travelled again
    assert len(ended) == len(jobs)
    assert dict(ended) == {each.entry_id: result_of(each) for each in jobs}


def test_job_that_kills_its_process_harms_neither_worker_nor_companions(
    engine: DaskCluster, tmp_path: Path
) -> None:
    jobs = [job(f"j{i}") for i in range(14)]
    jobs.insert(3, job("deadly", "kill"))
    jobs.insert(5, job("deadly once", f"kill once {tmp_path}"))
    before = set(engine._client.scheduler_info(n_workers=-1)["workers"])

    ended = dict(engine.run(jobs))

    deadly = ended.pop("deadly")
    assert deadly.status == "infra_error"
    assert "SIGKILL" in deadly.message
    assert "3 times" in deadly.message
    assert {result.status for result in ended.values()} == {"ok"}
    assert set(engine._client.scheduler_info(n_workers=-1)["workers"]) == before


def test_hung_grader_is_killed(tmp_path: Path) -> None:
    """The worker does not wait for ever, and goes on with the next submission."""
    hung = job(
        "hung", "hang", limits=Limits(base_submission_s=-39.9)
    )  # 0.3 s until it counts as hung

    with cluster(tmp_path) as running:
        running.worker("--nthreads=1")
        with DaskCluster(running.address, work=obey) as engine:
            ended = dict(engine.run([hung, job("a")]))

    assert ended["hung"].status == "infra_error"
    assert "did not answer" in ended["hung"].message
    assert ended["a"].status == "ok"


def test_worker_with_three_threads_grades_one_at_a_time(
    engine: DaskCluster, tmp_path: Path
) -> None:
    ended = dict(engine.run([job(f"a{i}", f"alone {tmp_path}\n{i}") for i in range(16)]))

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

    assert keys[-1].rpartition(engine._session)[0] == "grade-0a1b-"


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
    monkeypatch.setattr(_dask_worker, "state", lambda: "another")

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
