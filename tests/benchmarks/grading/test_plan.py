"""The plan to a million is arithmetic on what was measured."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks.grading.plan import plan


def record(**changed: dict[str, float]) -> dict[str, Any]:
    """Return round numbers: 0.1 s of work, 100 submissions a second through one coordinator."""
    measured: dict[str, Any] = {
        "one": {"wall_ms_mean": 100.0, "bytes_mean": 50_000.0},
        "writer": {"sqlite_per_s": 500.0, "postgresql_per_s": 400.0},
        "cluster": {"passed_on_per_s": 300.0},
        "many": {
            "n": 10_000, "per_s": 100.0, "early_mb": 150.0, "late_mb": 159.0, "bytes_each": 200e3,
        },
    }  # fmt: skip
    return {name: {**content, **changed.get(name, {})} for name, content in measured.items()}


def text(**changed: dict[str, float]) -> str:
    return "\n".join(plan(record(**changed)))


def test_core_hours_are_a_million_times_the_work_of_one() -> None:
    assert "a million are 28 core hours: 2 cores 13.9 hours; 64 cores 26 minutes" in text()
    assert "1,000 cores 100 seconds" in text()


def test_one_coordinator_keeps_as_many_workers_busy_as_its_slowest_part_allows() -> None:
    assert "One coordinator therefore keeps about 10 workers busy and takes 2.8 hours" in text()
    assert "about 30 workers busy" in text(many={"per_s": 1000.0})


@pytest.mark.parametrize(
    ("per_s", "said"), [(100.0, "3 coordinators"), (1000.0, "One coordinator with")]
)
def test_shards_are_counted_for_an_hour(per_s: float, said: str) -> None:
    fast = {"passed_on_per_s": 1000.0}
    assert said in text(many={"per_s": per_s}, cluster=fast, writer={"sqlite_per_s": 1000.0})


def test_disk_and_memory_grow_with_what_was_measured() -> None:
    assert "200 kB" in text()
    assert "200 GB in all" in text()
    assert "grew by 1.0 kB a submission" in text()
    assert "grew by 0.0 kB a submission" in text(many={"late_mb": 140.0})
