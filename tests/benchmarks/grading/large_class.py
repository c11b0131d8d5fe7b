"""A large class through the whole coordinator, with stubbed verdicts, in a process of its own.

Every learner hands in another notebook and gets other points and another autograded notebook, all
of which are looked up afterwards.

python -m tests.benchmarks.grading.large_class FOLDER 10000
"""
# It prints its record for the process that started it:
# ruff: file-ignore[print]

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from grading.classroom import Classroom
from grading.engine import InProcess, Job
from grading.results import Result
from grading.runs import Progress, grade_class
from grading.runs._recording import BATCH
from tests.benchmarks.grading import parts
from tests.benchmarks.grading.classes import environment, scores, seconds

SLUG = "01-backpropagation"
_NUMBER = re.compile(rb"Number (\d+), handed in by")
_METADATA = '"metadata":{"kernelspec"'  # of the notebook; it stands there once


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
        How many, how many a second, MB that the coordinator held early and late, and how many
        learners' points and autograded notebooks are their own.
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
        [content] = job.files.values()
        found = _NUMBER.search(content)
        assert found is not None
        return parts.stubbed(numbered(model, int(found[1])), job)

    def watch(progress: Progress) -> None:
        tenth = 10 * progress.done // n
        if tenth not in held:
            held[tenth] = parts.resident_mb()

    start = time.perf_counter()
    with InProcess(work=stub) as engine:
        summary = grade_class(classroom, [folder / "submitted"], engine=engine, watch=watch)
    took = time.perf_counter() - start
    held[10] = parts.resident_mb()
    found = scores(classroom.db_url, SLUG)
    cells = model.notebooks[0].cells
    right_scores = right_notebooks = 0
    for i in range(n):
        learner = f"learner-{i:05d}"
        path = classroom.autograded(learner, SLUG) / f"{SLUG}.ipynb"
        expected = numbered(model, i).notebooks[0]
        right_notebooks += path.read_text(encoding="utf-8") == expected.autograded
        right_scores += all(
            found.get((learner, cell.exercise)) == cell.score for cell in expected.cells
        )
    # By then batches for the gradebook have been full, and what is loaded late is loaded.
    settled = max(1, math.ceil(20 * BATCH / n))
    early = held[min(tenth for tenth in held if tenth >= settled)]
    written = sum(path.stat().st_size for path in classroom.root.rglob("*") if path.is_file())
    record = {
        "n": n,
        "per_s": n / took,
        "bytes_each": written / n,
        "early_mb": early,
        "late_mb": held[10],
        "ok": summary.statuses.get("ok", 0),
        "refused": len(summary.refused),
        "scores": len(found) / len(cells),
        "right_scores": right_scores,
        "right_notebooks": right_notebooks,
    }
    print(json.dumps(record))


def numbered(model: Result, number: int) -> Result:
    """Return the model with the points and the notebook of one learner of many."""
    [book] = model.notebooks
    first, *rest = book.cells
    points = number % (int(first.max_score) + 1)
    text = book.autograded.replace(
        _METADATA, _METADATA.replace("{", f'{{"aaa":"Number {number}",'), 1
    )
    assert text != book.autograded
    cells = (replace(first, score=float(points)), *rest)
    return replace(model, notebooks=(replace(book, cells=cells, autograded=text),))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
