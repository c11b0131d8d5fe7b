"""A large class through the whole coordinator, with stubbed verdicts, in a process of its own.

python -m tests.benchmarks.grading.large_class FOLDER 10000
"""
# It prints its record for the process that started it:
# ruff: file-ignore[print]

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from grading.classroom import Classroom
from grading.engine import InProcess, Job
from grading.results import Result
from grading.runs import Progress, grade_class
from tests.benchmarks.grading import parts
from tests.benchmarks.grading.classes import environment, scores, seconds

SLUG = "01-backpropagation"


def run_large_class(place: Path, n: int) -> dict[str, float]:
    """Measure in a fresh process, whose memory is its own.

    Parameters
    ----------
    place : Path
        Where the class may lie.
    n : int
        How many learners hand in.

    Returns
    -------
    dict of str to float
        How many, how many a second, and MB that the coordinator held early and late.
    """
    folder = place / "many"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.grading.large_class", str(folder), str(n)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr[-3000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(folder: Path, n: int) -> None:
    """Make the class, grade it with stubbed verdicts, print what was measured."""
    classroom = Classroom.open(folder / "class", create=True)
    seconds(
        ["grading.cli", "release", SLUG, "--tier", "further", "--to", str(folder / "bundle.zip"),
         "--class", str(classroom.root)],
        folder,
        {},
    )  # fmt: skip
    classroom = Classroom.open(folder / "class")
    classroom.roster.add(*(classroom.roster.new(f"learner-{i:05d}") for i in range(n)))
    for learner, text in parts.texts(SLUG, n):
        path = folder / "submitted" / learner / SLUG / f"{SLUG}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    model = parts.one_result(SLUG)
    held: dict[int, float] = {}

    def stub(job: Job) -> Result:
        return parts.stubbed(model, job)

    def watch(progress: Progress) -> None:
        tenth = 10 * progress.done // n
        if tenth not in held:
            held[tenth] = parts.resident_mb()

    start = time.perf_counter()
    with InProcess(work=stub) as engine:
        summary = grade_class(classroom, [folder / "submitted"], engine=engine, watch=watch)
    took = time.perf_counter() - start
    held[10] = parts.resident_mb()
    n_cells = len(model.notebooks[0].cells)
    found = scores(classroom.db_url, SLUG)
    notebooks = sum(1 for _ in (classroom.root / "autograded").glob(f"*/{SLUG}/{SLUG}.ipynb"))
    if summary.statuses != {"ok": n} or len(found) != n * n_cells or notebooks != n:
        message = (
            f"{summary.statuses}, {len(summary.refused)} refused, {len(found)} scores and "
            f"{notebooks} notebooks; expected {n} results, {n * n_cells} scores, {n} notebooks"
        )
        raise SystemExit(message)
    early = held[min(tenth for tenth in held if tenth >= 1)]
    print(json.dumps({"n": n, "per_s": n / took, "early_mb": early, "late_mb": held[10]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
