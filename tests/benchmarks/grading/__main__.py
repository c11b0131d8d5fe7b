"""Time grading beside plain nbgrader: ``python -m tests.benchmarks.grading [--rounds N]``.

Both sides get the same submissions (honest answers of all units: set-up, solution and check cells)
and end with every score in a gradebook of nbgrader's. They take turns; a ratio is plain nbgrader's
time over ours in the same round. Whole commands count, with the start of Python: nbgrader has one
for each assignment, ours takes whatever is handed in.
"""
# It speaks to a terminal:
# ruff: file-ignore[print]

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from grading.house import course_root
from tests.benchmarks.grading.classes import OurClass, PlainClass, make_corpus, scores
from tests.benchmarks.grading.parts import (
    cluster_against_pool,
    many_submissions,
    single_submissions,
    writer_speed,
)
from tests.benchmarks.grading.plan import plan
from tests.benchmarks.rows import Row
from tests.benchmarks.table import machine
from tests.benchmarks.timing import Times

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "build" / "grading-benchmarks.json"
PAGE = ROOT / "grading" / "README.md"
BEGIN, END = "<!-- grading: begin -->", "<!-- grading: end -->"
ONE_UNIT = "01-backpropagation"
"""The unit whose own training takes longest: both sides pay for it."""


def main() -> int:
    """Measure, print, write build/grading-benchmarks.json and the table in grading/README.md."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.grading")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each kind, default 3")
    parser.add_argument("--class-size", type=int, default=20, help="learners, default 20")
    parser.add_argument("--many", type=int, default=10_000, help="size of the large class")
    parser.add_argument("--skip", nargs="*", default=[], help="of: nbgrader, many, cluster")
    options = parser.parse_args()
    record: dict[str, Any] = {"machine": machine(), "date": datetime.now(UTC).date().isoformat()}
    record["class_size"], record["rounds"] = options.class_size, options.rounds
    with tempfile.TemporaryDirectory(prefix="grading-bench-") as folder:
        place = Path(folder)
        n, rounds = options.class_size, options.rounds
        slugs = [path.name for path in sorted((course_root() / "course").glob("[0-9]*-*"))]
        record["units"] = len(slugs)
        if "nbgrader" not in options.skip:
            record["rows"] = against_nbgrader(
                place / "course", f"{len(slugs)} units, class of {n}", slugs, n, rounds
            )
            record["rows"] += against_nbgrader(
                place / "unit", f"unit 01, class of {3 * n}", [ONE_UNIT], 3 * n, rounds
            )
        record["one"] = single_submissions(slugs, n)
        _say("one submission", record["one"])
        record["writer"] = writer_speed(place)
        _say("writer", record["writer"])
        if "cluster" not in options.skip:
            record["cluster"] = cluster_against_pool(slugs, n, rounds)
            _say("cluster", record["cluster"])
        if "many" not in options.skip:
            record["many"] = many_submissions(place, options.many)
            _say("many", record["many"])
            if not record["many"]["ok"] == record["many"]["right_scores"] == options.many:
                message = "the large class lost a submission or a score"
                raise SystemExit(message)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if not options.skip:
        renew(render(record))
    return 0


def against_nbgrader(
    place: Path, title: str, slugs: Sequence[str], n: int, rounds: int
) -> list[dict[str, Any]]:
    """Grade one class in turns; refuse to compare times of different scores."""
    handed_in = [make_corpus(slug, n) for slug in slugs]
    plain, ours = PlainClass(place, handed_in), OurClass(place, handed_in)
    ours.grade(1)  # the sandbox's image is made once on a machine
    times: dict[str, list[float]] = {"nbgrader": [], "one worker": [], "two workers": []}
    for i in range(rounds):
        times["nbgrader"].append(plain.grade())
        for n_workers, name in ((1, "one worker"), (2, "two workers")):
            times[name].append(ours.grade(n_workers))
        said = ", ".join(f"{k} {v[-1]:.1f} s" for k, v in times.items())
        print(f"{title}, round {i + 1}: {said}", flush=True)
    for slug in slugs:
        _refuse_differences(scores(plain.gradebook, slug), scores(ours.gradebook, slug))
    n *= len(slugs)
    measured = Times(times)
    asked = {"one worker": (8.0, 8.0), "two workers": (15.0, 15.0)}
    rows = []
    for name, (must, aim) in asked.items():
        ratios = measured.ratios("nbgrader", name)
        row = Row(
            f"{title}, {name}",
            "nbgrader autograde",
            median(ratios),
            min(ratios),
            must,
            aim,
            1e3 * measured.median_of(name) / n,
            1e3 * measured.median_of("nbgrader") / n,
            len(ratios),
        )
        print(f"{row.name}: {row.ratio_median:.1f} (least {row.ratio_min:.1f}), {row.verdict}")
        rows.append(row.as_dict())
    return rows


def _refuse_differences(
    plain: Mapping[tuple[str, str], float], ours: Mapping[tuple[str, str], float]
) -> None:
    different = {
        key: (score, ours.get(key)) for key, score in plain.items() if ours.get(key) != score
    }
    if different:
        message = f"The two sides disagree about {len(different)} scores: {different}"
        raise SystemExit(message)


def render(record: dict[str, Any]) -> str:
    """Return the record as Markdown."""
    rows = [Row(**row) for row in record["rows"]]
    one, writer, cluster, many = (record[key] for key in ("one", "writer", "cluster", "many"))
    lines = [
        f"Measured on {record['date']}, {record['machine']['processor']}, "
        f"{os.cpu_count()} cores, one BLAS thread, Python {record['machine']['python']}, sandbox "
        f"on, {record['rounds']} rounds in turns, whole commands with everything recorded. A ratio "
        "is plain nbgrader's time over ours in the same round.",
        "",
        "| what | against | ratio | least | asked | ours, ms each | peer, ms each |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.name} | {row.peer} | {row.ratio_median:.1f} | {row.ratio_min:.1f} | {row.must:g} "
        f"| {row.ours_ms:.0f} | {row.peer_ms:.0f} |"
        for row in rows
    ]
    lines += [
        "",
        "| what | measured | asked |",
        "| --- | ---: | ---: |",
        f"| one submission in a warm worker, mean over {record['units']} units "
        f"({one['n']} submissions) | {one['wall_ms_mean']:.0f} ms | |",
        f"| beyond the student's own processor time, p95 | {one['overhead_ms_p95']:.0f} ms "
        "| 1000 ms |",
        f"| writer, SQLite, with autograded notebooks | {writer['sqlite_per_s']:.0f} a second "
        "| 500 |",
        f"| writer, PostgreSQL, with autograded notebooks | {writer['postgresql_per_s']:.0f} "
        "a second | 500 |",
        f"| Dask with two workers, time over that of the pool | {cluster['ratio_median']:.2f} "
        "| 1.15 |",
        f"| class of {many['n']:,} distinct submissions, stubbed verdicts | "
        f"{many['per_s']:.0f} a second | |",
        f"| memory of the coordinator, from a tenth of it to its end | {many['early_mb']:.0f} to "
        f"{many['late_mb']:.0f} MB | flat |",
        "",
        *plan(record),
    ]
    return "\n".join(lines)


def renew(text: str) -> None:
    """Put the table between its marks."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")


def _say(title: str, found: dict[str, Any]) -> None:
    print(f"{title}: " + ", ".join(f"{k} {v:.4g}" for k, v in found.items()), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
