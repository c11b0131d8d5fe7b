"""Worker processes: every job ends once, whatever becomes of the process that works on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grading.engine import InProcess, Job, ProcessPool
from grading.limits import Limits
from tests.grading.engine.doubles import FakeVersion, job, obey, result_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPool]:
    with ProcessPool(2, work=obey) as running:
        yield running


def test_every_job_ends_in_its_own_result_once(pool: ProcessPool) -> None:
    jobs = [job(f"j{i}") for i in range(40)]

    ended = list(pool.run(jobs))

    assert len(ended) == 40
    assert dict(ended) == {each.entry_id: result_of(each) for each in jobs}


def test_results_equal_those_of_this_process(pool: ProcessPool) -> None:
    jobs = [job(f"j{i}") for i in range(5)] + [job("bad", "infra")]

    with InProcess(work=obey) as engine:
        assert dict(engine.run(jobs)) == dict(pool.run(jobs))


def test_few_jobs_are_taken_ahead_of_their_results(pool: ProcessPool) -> None:
    taken = []

    def source() -> Iterator[Job]:
        for i in range(200):
            taken.append(i)
            yield job(f"j{i}")

    ahead = [len(taken) - done for done, _ in enumerate(pool.run(source()))]

    assert len(ahead) == 200
    # Two at each of two workers; results of one look may wait while others are handed out.
    assert max(ahead) <= 8


def test_slow_job_does_not_hold_up_the_others(pool: ProcessPool) -> None:
    jobs = [job("slow", "sleep 0.5"), *(job(f"j{i}") for i in range(20))]

    order = [name for name, _ in pool.run(jobs)]

    assert order.index("slow") >= 15


def test_killed_worker_is_replaced_and_its_job_tried_again(
    pool: ProcessPool, tmp_path: Path
) -> None:
    jobs = [job(f"j{i}") for i in range(10)]
    jobs.insert(4, job("deadly", f"kill once {tmp_path}"))

    ended = list(pool.run(jobs))

    assert len(ended) == 11
    assert {result.status for _, result in ended} == {"ok"}
    assert len(pool.pids) == 2


def test_job_that_always_kills_its_worker_ends_as_infra_error_and_harms_nobody(
    pool: ProcessPool,
) -> None:
    jobs = [job(f"j{i}") for i in range(10)]
    jobs.insert(0, job("deadly", "kill"))

    ended = dict(pool.run(jobs))

    deadly = ended.pop("deadly")
    assert deadly.status == "infra_error"
    assert "SIGKILL" in deadly.message
    assert "3 times" in deadly.message
    assert deadly.notebooks == ()
    assert ended == {each.entry_id: result_of(each) for each in jobs[1:]}


def test_exception_of_ours_is_tried_again_and_then_told(pool: ProcessPool, tmp_path: Path) -> None:
    ended = dict(pool.run([job("always", "raise"), job("first", f"raise once {tmp_path}")]))

    assert ended["first"].status == "ok"
    assert ended["always"].status == "infra_error"
    assert "LookupError" in ended["always"].message


def test_infra_error_is_tried_again(pool: ProcessPool, tmp_path: Path) -> None:
    ended = dict(pool.run([job("always", "infra"), job("first", f"infra once {tmp_path}")]))

    assert ended["first"].status == "ok"
    assert ended["always"].status == "infra_error"
    assert ended["always"].message == "no namespaces"


def test_hung_worker_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Job, "patience_s", 0.5)

    with ProcessPool(1, work=obey) as pool:
        ended = dict(pool.run([job("a"), job("hung", "hang"), job("b")]))

    assert ended["hung"].status == "infra_error"
    assert "did not answer" in ended["hung"].message
    assert ended["a"].status == ended["b"].status == "ok"


def test_patience_grows_with_the_limits() -> None:
    short, long = job("a"), job("a", limits=Limits(time_factor=2.0))

    assert short.patience_s > short.limits.submission_s
    assert long.patience_s > long.limits.submission_s == 2 * short.limits.submission_s


def test_linear_algebra_has_one_thread_from_the_start(
    pool: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")

    with ProcessPool(1, work=obey) as own:
        ((_, result),) = own.run([job("a", "threads")])

    assert json.loads(result.message) == [{"OMP_NUM_THREADS": "1"}, False]
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_version_travels_once_to_each_worker(pool: ProcessPool) -> None:
    version = FakeVersion(content="travels once", load=b"x" * 3_000_000)
    before = dict(
        json.loads(result.message)
        for _, result in pool.run([job(f"w{i}", "version") for i in range(8)])
    )

    after = dict(
        json.loads(result.message)
        for _, result in pool.run([job(f"v{i}", "version", version=version) for i in range(20)])
    )

    assert after == {pid: before.get(pid, 0) + 1 for pid in after}


def test_large_files_pass_both_ways_at_once(pool: ProcessPool) -> None:
    """Neither side blocks writing while the other does."""
    jobs = [job(f"j{i}", f"large{i}" + "x" * 2_000_000) for i in range(12)]

    assert len(list(pool.run(jobs))) == 12


def test_none_is_given_while_nothing_ends(pool: ProcessPool) -> None:
    ended = list(pool.run([job("slow", "sleep 0.6")], idle_s=0.1))

    assert ended[-1] is not None
    assert 2 <= ended.count(None) <= 6


def test_results_of_a_run_that_was_left_do_not_show_in_the_next(pool: ProcessPool) -> None:
    run = pool.run([job("old", "sleep 0.2"), *(job(f"old{i}") for i in range(9))])
    next(run)
    run.close()

    ended = list(pool.run([job("new")]))

    assert [name for name, _ in ended] == ["new"]


def test_error_of_the_source_reaches_the_caller(pool: ProcessPool) -> None:
    def source() -> Iterator[Job]:
        yield job("a")
        message = "the disk is full"
        raise OSError(message)

    with pytest.raises(OSError, match="disk is full"):
        list(pool.run(source()))
    assert [name for name, _ in pool.run([job("b")])] == ["b"]


class Unstartable:
    """A work function that ends every process in which it arrives."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (7,)

    __call__ = staticmethod(result_of)


def test_workers_that_cannot_start_end_the_run() -> None:
    with (
        ProcessPool(1, work=Unstartable()) as pool,
        pytest.raises(RuntimeError, match="before they are ready: exit status 7"),
    ):
        list(pool.run([job("a")]))


def test_result_that_cannot_travel_is_told_at_once(pool: ProcessPool) -> None:
    ended = dict(pool.run([job("a", "unpicklable"), job("b")]))

    assert ended["a"].status == "infra_error"
    assert "it died" not in ended["a"].message
    assert ended["b"].status == "ok"


class Unloadable:
    """What raises where it arrives."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("not a number",)

    hash = "unloadable"


def test_version_that_cannot_be_loaded_is_not_waited_for() -> None:
    """Patience for a worker that is silent is eight minutes."""
    with ProcessPool(1, work=obey) as pool:
        ended = dict(pool.run([job("a", version=Unloadable())]))

    assert "its worker died (exit status 1)" in ended["a"].message


def test_nothing_is_imported_from_where_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be submissions, and a learner's json.py among them."""
    for name in ("json", "re", "enum", "types", "operator"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])

    with ProcessPool(1, work=obey) as pool:
        ended = dict(pool.run([job("a")]))

    assert ended["a"].status == "ok"
    assert not (tmp_path / "ran").exists()


def test_closing_ends_the_workers() -> None:
    with ProcessPool(2, work=obey) as pool:
        list(pool.run([job(f"j{i}", "sleep 0.05") for i in range(4)]))
        pids = pool.pids

    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_at_least_one_worker_is_asked_for() -> None:
    with pytest.raises(ValueError, match="n_workers is 0"):
        ProcessPool(0)


COORDINATOR = """
import sys
from grading.engine import ProcessPool
from tests.grading.engine.doubles import job, obey

if __name__ == "__main__":
    with ProcessPool(2, work=obey) as pool:
        for ended in pool.run((job(f"j{i}", "sleep 0.05") for i in range(10_000)), idle_s=0.05):
            if len(pool.pids) == 2 and ended:
                print(*pool.pids, flush=True)
"""


def test_workers_end_when_the_coordinator_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "coordinator.py"
    program.write_text(COORDINATOR, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, program],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as coordinator:
        assert coordinator.stdout is not None
        pids = [int(pid) for pid in coordinator.stdout.readline().split()]
        coordinator.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() and not zombie(pid) for pid in pids):
        assert time.monotonic() < deadline, "workers outlive their coordinator"
        time.sleep(0.05)
    assert len(pids) == 2


def zombie(pid: int) -> bool:
    try:
        return ") Z" in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return True


def test_workers_that_were_started_early_take_the_jobs() -> None:
    with ProcessPool(2, work=obey) as pool:
        pool.start()
        early = pool.pids
        results = dict(pool.run([job(f"j{i}") for i in range(3)]))

        assert len(set(early)) == 2
        assert pool.pids == early
        assert len(results) == 3
