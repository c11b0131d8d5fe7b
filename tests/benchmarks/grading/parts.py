"""What else is measured: one submission, the writer, a cluster beside the pool, a large class."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, median, quantiles

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
from tests.grading.postgres import PostgresServer, binaries

SECRET = b"secret of the benchmark, 32 byte"
SLUG = "01-backpropagation"


def _version(slug: str) -> AssignmentVersion:
    return version_of(course_root() / "course" / slug / f"{slug}.ipynb", SECRET)


def single_submissions(slugs: Sequence[str], n: int) -> dict[str, float]:
    """Grade submissions of every unit one by one in this process.

    Returns
    -------
    dict of str to float
        Milliseconds of wall-clock time, and those beyond the processor time of the sandboxed
        processes: reading, mending, references, comparison, diagnosis, isolation. Bytes of a
        notebook and its number of exercises are means as well.
    """
    wall, beyond, sizes, exercises = [], [], [], []
    with Sandboxes() as sandboxes:
        for slug in slugs:
            version, handed_in = _version(slug), make_corpus(slug, n)
            for i, text in enumerate(handed_in.notebooks.values()):
                start = time.perf_counter()
                result = grade({f"{slug}.ipynb": text.encode()}, version, Limits(), sandboxes)
                seconds = time.perf_counter() - start
                if i:  # the first also starts the template and calibrates
                    wall.append(1e3 * seconds)
                    beyond.append(1e3 * (seconds - result.usage.cpu_s))
                    sizes.append(len(text.encode()))
                    exercises.append(len(version.exercises))
    return {
        "n": len(wall),
        "wall_ms_mean": mean(wall),
        "wall_ms_median": median(wall),
        "wall_ms_p95": quantiles(wall, n=20)[-1],
        "overhead_ms_median": median(beyond),
        "overhead_ms_p95": quantiles(beyond, n=20)[-1],
        "bytes_mean": mean(sizes),
        "exercises_mean": mean(exercises),
    }


def one_result(slug: str) -> Result:
    """Grade one right submission for real."""
    [text] = make_corpus(slug, 1).notebooks.values()
    with Sandboxes() as sandboxes:
        return grade({f"{slug}.ipynb": text.encode()}, _version(slug), Limits(), sandboxes)


def writer_speed(place: Path, n: int = 2_000, batch: int = 64, rounds: int = 3) -> dict[str, float]:
    """Record one real result for many learners, in batches, notebooks and gradebook together.

    PostgreSQL is a server on this machine that waits for the disk, as one in service does.

    Returns
    -------
    dict of str to float
        Records a second, the median of rounds in turns, each with a gradebook of its own.
    """
    root = place / "writer"
    result = one_result(SLUG)
    root.mkdir()
    folder = binaries()
    if folder is None:
        message = "PostgreSQL is not installed; it is measured as well: apt-get install postgresql"
        raise SystemExit(message)
    server = PostgresServer(folder, durable=True)
    speeds: dict[str, list[float]] = {"sqlite": [], "postgresql": []}
    try:
        for i in range(rounds):
            urls = {"sqlite": f"sqlite:///{root / f'{i}.db'}", "postgresql": server.new_database()}
            for name, url in urls.items():
                speed = _records_per_s(url, root / f"{name}-{i}", result, n, batch)
                speeds[name].append(speed)
    finally:
        server.close()
    return {"n": n, **{f"{name}_per_s": median(each) for name, each in speeds.items()}}


def _records_per_s(url: str, autograded: Path, result: Result, n: int, batch: int) -> float:
    learners = [Learner(key=f"{i:032x}", id=f"learner-{i:05d}") for i in range(n)]
    with Writer(url, "bench") as writer:
        writer.register(_version(SLUG))
        start = time.perf_counter()
        for first in range(0, n, batch):
            writer.record([
                Record(
                    learner=learner,
                    slug=SLUG,
                    result=result,
                    handed_in=None,
                    autograded_dir=autograded / learner.id / SLUG,
                )
                for learner in learners[first : first + batch]
            ])
        return n / (time.perf_counter() - start)


def cluster_against_pool(slugs: Sequence[str], n: int, rounds: int) -> dict[str, float]:
    """Grade one class with two pool workers and with two Dask workers, in turns.

    Then the same cluster passes on jobs that take no time, to see how many it can.
    """
    jobs = _jobs(slugs, n)
    times: dict[str, list[float]] = {"pool": [], "dask": []}
    with _dask_workers(2) as address:
        with ProcessPool(2) as pool, DaskCluster(address) as cluster:
            for engine in (pool, cluster):
                _seconds(engine, jobs)  # starts workers and templates
            for _ in range(rounds):
                times["pool"].append(_seconds(pool, jobs))
                times["dask"].append(_seconds(cluster, jobs))
        with DaskCluster(address, work=no_work) as cluster:
            empty = _jobs([SLUG], 1) * 1_000
            empty = [replace(job, entry_id=f"{i:064x}") for i, job in enumerate(empty)]
            _seconds(cluster, empty[:64])  # starts workers, which import
            passed_on = len(empty) / _seconds(cluster, empty)
    ratios = [d / p for d, p in zip(times["dask"], times["pool"], strict=True)]
    return {
        "n": len(jobs),
        "ratio_median": median(ratios),
        "ratio_max": max(ratios),
        "pool_per_s": len(jobs) / median(times["pool"]),
        "dask_per_s": len(jobs) / median(times["dask"]),
        "passed_on_per_s": passed_on,
    }


def _jobs(slugs: Sequence[str], n: int) -> list[Job]:
    versions = {slug: _version(slug) for slug in slugs}
    texts = [(slug, text) for slug in slugs for text in make_corpus(slug, n).notebooks.values()]
    return [
        Job(f"{i:064x}", {f"{slug}.ipynb": text.encode()}, versions[slug], Limits(), False)
        for i, (slug, text) in enumerate(texts)
    ]


def no_work(job: Job) -> Result:
    """Say that a job's work is done, without any."""
    return Result(key_of(job), submission_hash(job.files), job.version.hash, "ok")


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
