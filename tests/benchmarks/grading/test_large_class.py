"""A class of 10,000 goes through the coordinator whole, and the coordinator does not grow with it.

By default 600 hand in; NNCOURSE_FULL=1, as `make test-full` sets it, makes it all 10,000.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import pytest

from tests.benchmarks.grading.large_class import run_large_class

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]

ROOT = Path(__file__).resolve().parents[3]
N = 10_000 if os.environ.get("NNCOURSE_FULL") == "1" else 600

ALLOWED_MB = 5.0
ALLOWED_KB_EACH = 3.0
"""What the coordinator may hold more at the end than once it has settled: a little of its own, and
for every learner a few ids and dates. A notebook, its result and its autograded notebook together
are 100 KB and more."""


@pytest.fixture(scope="module")
def measured(requires_sandbox: str) -> dict[str, float]:
    """What the large class left. Its folder goes at once: 10,000 learners leave gigabytes."""
    del requires_sandbox
    with tempfile.TemporaryDirectory(prefix="nn-large-") as place:
        return run_large_class(Path(place), N)


def test_every_submission_is_graded(measured: dict[str, float]) -> None:
    assert (measured["n"], measured["ok"], measured["refused"]) == (N, N, 0)


def test_every_learner_has_the_own_scores_and_notebook(measured: dict[str, float]) -> None:
    assert measured["scores"] == N
    assert (measured["right_scores"], measured["right_notebooks"]) == (N, N)


def test_coordinator_does_not_grow_with_the_class(
    measured: dict[str, float], record_property: pytest.RecordProperty
) -> None:
    grown = measured["late_mb"] - measured["early_mb"]
    allowed = ALLOWED_MB + ALLOWED_KB_EACH * 0.9 * N / 1000

    record_property(f"coordinator with {N} learners grew by", f"{grown:.1f} of {allowed:.0f} MB")
    assert grown < allowed


def test_make_test_full_runs_everything_in_its_long_form() -> None:
    """NNCOURSE_FULL reaches the tests with the rest of the environment."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [recipe] = re.findall(r"^test-full:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)

    assert "\tNNCOURSE_FULL=1 $(PYTHON) start.py test\n" in recipe
    assert "\t$(COURSE) -m grading.proof --seeds 200\n" in recipe
