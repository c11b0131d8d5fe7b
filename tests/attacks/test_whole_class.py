"""A whole class of attackers in one batch, through the commands that an instructor runs.

Grade, feedback, report and export take them all; the honest neighbors among them notice nothing.
A dozen by default, all of them with NNCOURSE_FULL=1.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from grading.classroom import Classroom
from grading.house import course_root
from grading.releasing import release
from tests.attacks.__main__ import attacks
from tests.attacks._attack import Target, answered, right
from tests.attacks._page import active

SLUG = "00-start-here"
FULL = os.environ.get("NNCOURSE_FULL") == "1"
SOME = (
    "changed_points", "corrupt_json", "duplicated_check", "fork_bomb", "forged_frames",
    "memory_bomb", "os_exit_in_cell", "poisoned_process", "script_in_markdown", "signals",
    "sources_and_neighbors", "surviving_process",
)  # fmt: skip
FULL_POINTS = {"mean_squared_error": 3.0, "predict_shapes": 4.0}
BUSY = {"settrace", "background_hog"}  # beside themselves, their own honest answers may be too slow


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``nncourse`` on the class."""
    return subprocess.run(
        [sys.executable, "-m", "grading.cli", *arguments, "--class", str(folder / "class")],
        cwd=folder,
        env=dict(os.environ) | {"PYTHONPATH": str(course_root()), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=1_200,
        check=False,
    )


def test_a_class_of_attackers_is_graded_in_one_batch(tmp_path: Path, requires_sandbox: str) -> None:
    del requires_sandbox
    every = {name: each for name, each in attacks().items() if each.slug == SLUG}
    chosen = {name: each for name, each in every.items() if FULL or name in SOME}
    classroom = Classroom.open(tmp_path / "class", create=True)
    release(["00"], classroom, to=tmp_path / "bundle.zip")
    released = classroom.assignment(SLUG).notebook
    (tmp_path / "canary.txt").write_text("canary-0123456789abcdef")
    target = Target(
        folder=classroom.root,
        gradebook=classroom.root / "gradebook.db",
        secret=tmp_path / "canary.txt",
        source=tmp_path / "class" / "released",
        marker=tmp_path / "marker",
    )
    deserved: dict[str, dict[str, tuple[float, float]]] = {}
    for i, (name, attack) in enumerate(chosen.items()):
        learner = f"{i:03d}-{name.replace('_', '-')}"
        classroom.roster.new(learner)
        for file, content in attack.files(released, target).items():
            path = tmp_path / "drop" / learner / SLUG / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        deserved[learner] = {
            exercise: (
                0.0 if name in BUSY else points,
                {**attack.points, **attack.at_most}[exercise],
            )
            for exercise, points in attack.points.items()
        }
    honest = json.dumps(answered(released, {n: right(n) for n in FULL_POINTS}, (), target))
    for i in range(0, len(chosen), 6):
        learner = f"{i:03d}-neighbor"
        classroom.roster.new(learner)
        path = tmp_path / "drop" / learner / SLUG / f"{SLUG}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(honest)
        deserved[learner] = {name: (points, points) for name, points in FULL_POINTS.items()}

    graded = run(tmp_path, "grade", "drop", "--workers", "2", "--time-factor", "0.5", "--json")
    others = [
        run(tmp_path, "feedback", "00"),
        run(tmp_path, "report"),
        run(tmp_path, "export", "--format", "csv", "--to", "grades.csv"),
    ]

    assert graded.returncode in {0, 1}, graded.stderr[-2000:]
    assert [done.returncode for done in others] == [0, 0, 0], [done.stderr for done in others]
    found = _points(target.gradebook)
    wrong = {
        learner: (found.get(learner), wanted)
        for learner, wanted in deserved.items()
        for exercise, (low, high) in wanted.items()
        if not low <= found.get(learner, {}).get(exercise, 0.0) <= high
    }
    assert wrong == {}
    absent = set(deserved) - set(found)
    assert all(learner in graded.stdout for learner in absent), "refused, but not named"
    assert not target.marker.exists()
    pages = sorted((tmp_path / "class" / "feedback").rglob("*.html"))
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    harmless = active(next(text for page, text in texts.items() if "neighbor" in str(page)))
    assert len(pages) >= len(found)
    assert {str(p): active(t) - harmless for p, t in texts.items() if active(t) - harmless} == {}
    canary = "canary-0123456789abcdef"
    returned = [
        *texts.values(),
        *map(Path.read_text, (classroom.root / "autograded").rglob("*.ipynb")),
    ]
    assert not any(canary in text for text in returned)


def _points(gradebook: Path) -> dict[str, dict[str, float]]:
    query = """
        SELECT work.student_id, base_cell.name, grade.auto_score, grade.manual_score
        FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
        JOIN submitted_notebook AS book ON book.id = grade.notebook_id
        JOIN submitted_assignment AS work ON work.id = book.assignment_id
    """
    points: dict[str, dict[str, float]] = {}
    with contextlib.closing(sqlite3.connect(gradebook)) as base:
        for learner, name, auto, manual in base.execute(query):
            score = manual if manual is not None else auto
            if score is not None:
                points.setdefault(learner, {})[name.removeprefix("check_")] = score
    return points
