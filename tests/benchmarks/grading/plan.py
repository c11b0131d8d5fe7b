"""What a million submissions would take, computed from what one run has measured."""

from __future__ import annotations

import math
from typing import Any

MILLION = 1_000_000
CORES = (2, 64, 1_000)
PREFERRED_H = 1.0
"""A plan has to say how many coordinators it takes; this is in how many hours."""


def plan(record: dict[str, Any]) -> list[str]:
    """Return the plan as lines of Markdown.

    Parameters
    ----------
    record : dict
        What the benchmark has measured: ``one``, ``writer``, ``cluster``, ``many``.

    Returns
    -------
    list of str
        Arithmetic in the open, with every constant from the record.
    """
    one, writer, cluster, many = (record[key] for key in ("one", "writer", "cluster", "many"))
    work_s = one["wall_ms_mean"] / 1e3
    core_hours = MILLION * work_s / 3600
    slowest = min(many["per_s"], writer["sqlite_per_s"], cluster["passed_on_per_s"])
    busy = slowest * work_s
    one_h = MILLION / slowest / 3600
    n_shards = math.ceil(one_h / PREFERRED_H)
    shards = f"{n_shards} coordinators" if n_shards > 1 else "One coordinator"
    growth = max(0.0, many["late_mb"] - many["early_mb"]) / (0.9 * many["n"])  # MB a submission
    in_mb_s = slowest * one["bytes_mean"] / 1e6
    hours = "; ".join(f"{cores:,} cores {_hours(core_hours / cores)}" for cores in CORES)
    return [
        "### A million submissions, on paper",
        "",
        f"A submission holds a worker for {1e3 * work_s:.0f} ms on average over the units, so a "
        f"million are {core_hours:.0f} core hours: {hours}. Workers share nothing but the "
        "scheduler, so this part grows with cores until something before or behind it is full:",
        "",
        "| what | a second | holds back |",
        "| --- | ---: | --- |",
        f"| one coordinator: collect, journal, record in SQLite, write notebooks | "
        f"{many['per_s']:.0f} | the class folder's disk and one core |",
        f"| writer alone, SQLite | {writer['sqlite_per_s']:.0f} | waiting for the disk |",
        f"| writer alone, PostgreSQL | {writer['postgresql_per_s']:.0f} | waiting for the disk |",
        f"| one Dask scheduler with this coordinator, jobs without work | "
        f"{cluster['passed_on_per_s']:.0f} | all of them on the same two cores |",
        "",
        f"One coordinator therefore keeps about {busy:.0f} workers busy and takes "
        f"{_hours(one_h)} for a million, whatever the cluster. More workers than that want more "
        "coordinators, not a faster one: a class folder has its own secret, journal and gradebook "
        "and shares nothing with another, so classes are the shards. "
        f"{shards} with {busy:.0f} workers each: "
        f"{_hours(one_h / n_shards)} for the million.",
        "",
        f"Each coordinator reads {in_mb_s:.0f} MB of notebooks a second and sends as much to its "
        f"workers. On the disk a submission leaves {many['bytes_each'] / 1e3:.0f} kB (journal, "
        f"autograded notebook, gradebook): {MILLION * many['bytes_each'] / 1e9:.0f} GB in all. "
        f"A coordinator's memory grew by {1e3 * growth:.1f} kB a submission, so it would hold "
        f"{many['late_mb'] + growth * MILLION / n_shards:.0f} MB at its end.",
        "",
        "Not measured, and to be tried before anybody relies on it: more than two workers, a "
        "network between them, a disk that several coordinators share, and a gradebook with more "
        "than ten thousand learners in formgrader.",
    ]


def _hours(hours: float) -> str:
    if hours < 1 / 30:
        return f"{3600 * hours:.0f} seconds"
    if hours < 1:
        return f"{60 * hours:.0f} minutes"
    return f"{hours:.1f} hours" if hours < 100 else f"{hours / 24:.0f} days"
