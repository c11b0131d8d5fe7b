"""What else is measured: one submission, the writer, a cluster beside the pool, a large class."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles

from grading.assignments import AssignmentVersion, version_of
from grading.broker import grade
from grading.classroom import Learner
from grading.engine import DaskCluster, Engine, Job, ProcessPool, key_of, submission_hash
from grading.gradebook import Record, Writer
from grading.house import course_root
from grading.limits import Limits
from grading.results import Result
from grading.sandbox import Sandboxes
from tests.benchmarks.grading.classes import environment, make_corpus

SECRET = b"secret of the benchmark, 32 byte"


def _version(slug: str) -> AssignmentVersion:
    return version_of(course_root() / "course" / slug / f"{slug}.ipynb", SECRET)


def single_submissions(slug: str, n: int) -> dict[str, float]:
    """Grade submissions one by one in this process.

    Returns
    -------
    dict of str to float
        Milliseconds of wall-clock time, and those beyond the processor time of the sandboxed
        processes: reading, mending, references, comparison, diagnosis, isolation.
    """
    version, handed_in = _version(slug), make_corpus(slug, n)
    wall, beyond = [], []
    with Sandboxes() as sandboxes:
        for i, text in enumerate(handed_in.notebooks.values()):
            start = time.perf_counter()
            result = grade({f"{slug}.ipynb": text.encode()}, version, Limits(), sandboxes)
            seconds = time.perf_counter() - start
            if i:  # the first also starts the template and calibrates
                wall.append(1e3 * seconds)
                beyond.append(1e3 * (seconds - result.usage.cpu_s))
    return {
        "wall_ms_median": median(wall),
        "wall_ms_p95": quantiles(wall, n=20)[-1],
        "overhead_ms_median": median(beyond),
        "overhead_ms_p95": quantiles(beyond, n=20)[-1],
    }


def one_result(slug: str) -> Result:
    """Grade one right submission for real."""
    [text] = make_corpus(slug, 1).notebooks.values()
    with Sandboxes() as sandboxes:
        return grade({f"{slug}.ipynb": text.encode()}, _version(slug), Limits(), sandboxes)


def writer_speed(place: Path, n: int = 2_000, batch: int = 64) -> dict[str, float]:
    """Record one real result for many learners, in batches, notebooks and gradebook together."""
    slug = "01-backpropagation"
    result = one_result(slug)
    root = place / "writer"
    root.mkdir()
    learners = [Learner(key=f"{i:032x}", id=f"learner-{i:05d}") for i in range(n)]
    with Writer(f"sqlite:///{root / 'gradebook.db'}", "bench") as writer:
        writer.register(_version(slug))
        start = time.perf_counter()
        for first in range(0, n, batch):
            writer.record([
                Record(
                    learner=learner,
                    slug=slug,
                    result=result,
                    handed_in=None,
                    autograded_dir=root / "autograded" / learner.id / slug,
                )
                for learner in learners[first : first + batch]
            ])
        seconds = time.perf_counter() - start
    return {"n": n, "per_s": n / seconds}


def cluster_against_pool(slug: str, n: int, rounds: int) -> dict[str, float]:
    """Grade one class with two pool workers and with two Dask workers, in turns."""
    version = _version(slug)
    jobs = [
        Job(f"{i:064x}", {f"{slug}.ipynb": text.encode()}, version, Limits(), False)
        for i, text in enumerate(make_corpus(slug, n).notebooks.values())
    ]
    times: dict[str, list[float]] = {"pool": [], "dask": []}
    with _dask_workers(2) as address, ProcessPool(2) as pool, DaskCluster(address) as cluster:
        for engine in (pool, cluster):
            _seconds(engine, jobs)  # starts workers and templates
        for _ in range(rounds):
            times["pool"].append(_seconds(pool, jobs))
            times["dask"].append(_seconds(cluster, jobs))
    ratios = [d / p for d, p in zip(times["dask"], times["pool"], strict=True)]
    return {
        "ratio_median": median(ratios),
        "ratio_max": max(ratios),
        "pool_per_s": n / median(times["pool"]),
        "dask_per_s": n / median(times["dask"]),
    }


def _seconds(engine: Engine, jobs: list[Job]) -> float:
    start = time.perf_counter()
    results = dict(engine.run(jobs))
    seconds = time.perf_counter() - start
    if len(results) != len(jobs) or {r.status for r in results.values()} & {"infra_error"}:
        message = "the engine lost a submission, or could not grade it"
        raise SystemExit(message)
    return seconds


class _dask_workers:  # ruff: ignore[invalid-class-name]  used as a function of a with statement
    """A scheduler and some workers, each a process of its own on loopback."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> str:
        scheduler = self._start(
            "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
            "--no-dashboard",
        )  # fmt: skip
        address = ""
        while not address:
            line = scheduler.stderr.readline() if scheduler.stderr else ""
            if not line:
                message = "the scheduler did not start"
                raise SystemExit(message)
            address = next((w for w in line.split() if w.startswith("tcp://")), "")
        for _ in range(self._n):
            self._start(
                "distributed.cli.dask_worker", address, "--nthreads", "1", "--nworkers", "1",
                "--no-dashboard", "--host", "127.0.0.1",
            )  # fmt: skip
        return address

    def _start(self, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if "scheduler" in words[0] else subprocess.DEVNULL,
            text=True,
        )
        self._processes.append(process)
        return process

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait(timeout=30)


def many_submissions(place: Path, n: int) -> dict[str, float]:
    """Take a large class through collection, journal, engine and writer.

    Every submission is another notebook. Its verdict is a stub (one real result, under its own
    name): the question is what the coordinator holds on to, not how fast answers run.
    """
    from tests.benchmarks.grading.large_class import run_large_class

    return run_large_class(place, n)


def stubbed(result: Result, job: Job) -> Result:
    """Return a result as if a job had been graded."""
    return replace(result, key=key_of(job), submission=submission_hash(job.files))


def resident_mb() -> float:
    """Return the memory that this process holds, in MB."""
    gc.collect()
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    [found] = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(found) / 1000


def texts(slug: str, n: int) -> Iterator[tuple[str, str]]:
    """Yield n distinct notebooks: one honest submission with another last line each."""
    [text] = make_corpus(slug, 1).notebooks.values()
    for i in range(n):
        yield f"learner-{i:05d}", text.replace("Handed in by", f"Number {i}, handed in by")
