"""Every notebook runs: solutions under nbval, learners' with nothing but "not started".

Each is executed once. A unit has 60 s; four times that is a failure, less is reported.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from grading.authoring import cells
from grading.authoring.execute import FAIL_AFTER_S, WARN_AFTER_S, execute
from grading.exercises import exercises_of_unit
from grading.house import Unit

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent


Record = Callable[[str, object], None]


def report_time(record_property: Record, seconds: float) -> None:
    """Report the time at the end of the run: a slow unit is to be seen before it fails."""
    record_property("time", f"{seconds:.1f} s (budget {WARN_AFTER_S:.0f} s)")


def test_solution_notebook_passes_nbval(
    unit: Unit,
    solution_path: Path,
    environment: dict[str, str],
    record_property: Record,
):
    """Lax: no cell fails; cells tagged nbval-check-output give the stored output again."""
    command = [
        *(sys.executable, "-m", "pytest", "-c", str(HERE / "nbval.ini")),
        *("--nbval-lax", "--nbval-current-env", "--rootdir", str(solution_path.parent)),
        str(solution_path),
    ]
    for attempt in (1, 2):
        started = time.monotonic()
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=2 * FAIL_AFTER_S,
            check=False,
        )
        seconds = time.monotonic() - started
        # nbval's kernel listens on TCP: about one in two hundred finds its port taken.
        if attempt == 2 or "Address already in use" not in done.stdout + done.stderr:
            break

    report_time(record_property, seconds)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    n_cells = sum(cell.cell_type == "code" for cell in cells.read(solution_path).cells)
    assert f"{n_cells} passed" in done.stdout
    assert seconds < FAIL_AFTER_S


def test_learners_notebook_runs_with_only_not_started(
    unit: Unit, learner_path: Path, record_property: Record
):
    run = execute(cells.read(learner_path), learner_path.name, allow_errors=True)

    report_time(record_property, run.seconds)
    outputs = [
        (number, output)
        for number, cell in enumerate(run.notebook.cells, 1)
        for output in cell.get("outputs", ())
    ]
    errors = {
        number: f"{output.ename}: {output.evalue}"
        for number, output in outputs
        if output.output_type == "error"
    }
    assert errors == {}
    assert run.stderr == {}
    for exercise in exercises_of_unit(unit.number):
        check = next(
            cell
            for cell in run.notebook.cells
            if cells.grade_id(cell) == cells.CHECK_PREFIX + exercise.id
        )
        assert "not started" in str(check.outputs)
        assert [
            output.data["text/plain"]
            for output in check.outputs
            if output.output_type == "execute_result"
        ] == ["0.0"]
    for number, cell in enumerate(run.notebook.cells, 1):
        if "drive" in cells.tags(cell):
            assert "not started" in str(cell.outputs), f"cell {number} drives without an answer"
    assert run.seconds < FAIL_AFTER_S
